// Package inline prepares the code of small functions that stand in a template,
// where AWS allows 4096 characters.
package inline

import (
	"fmt"
	"strings"
)

// most is what the ZipFile property of a function may hold.
const most = 4096

// JavaScript takes out indentation, empty lines and lines that are comments.
// It panics where the rest is too long.
func JavaScript(source string) string {
	var code strings.Builder
	for line := range strings.Lines(source) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			code.WriteString(line + "\n")
		}
	}
	if code.Len() > most {
		panic(fmt.Sprintf("inline: %d characters of code, %d are allowed", code.Len(), most))
	}
	return code.String()
}
