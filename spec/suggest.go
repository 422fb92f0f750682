package spec

import (
	"slices"
	"strconv"
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

// list writes names as a sentence does: a, b or c.
func list(names []string, last string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + last + " " + names[len(names)-1]
}

// counted writes a number of things: 1 zone, 2 zones.
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}
