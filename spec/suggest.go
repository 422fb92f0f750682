package spec

import (
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/edit"
)

// nearest is the candidate that the text was probably meant to be, or empty.
func nearest(text string, candidates []string) string {
	text = strings.ToLower(text)
	// A third of the letters wrong is no slip of the keyboard.
	best, least := "", max(1, len(text)/3)+1
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		distance := edit.Distance(text, strings.ToLower(candidate))
		if distance < least && distance < len(candidate) {
			best, least = candidate, distance
		}
	}
	return best
}
