// Package docs holds the pages that the command prints from.
package docs

import (
	_ "embed"
	"strings"
)

//go:embed preflight.md
var preflight string

// Finding is what docs/preflight.md says of a finding of the preflight; empty
// for an id that there is not.
func Finding(id string) string {
	_, after, found := strings.Cut(preflight, "\n## "+id+"\n")
	if !found {
		return ""
	}
	section, _, _ := strings.Cut(after, "\n# ")
	section, _, _ = strings.Cut(section, "\n## ")
	return strings.TrimSpace(section)
}
