// Package suggest finds the name that a misspelt one was probably meant to be, for
// "did you mean".
package suggest

import (
	"slices"
	"strings"
)

// Nearest is the candidate that the text was probably meant to be, in capitals or
// not; empty where none is near. Of two that are equally near it is the first of
// the alphabet.
func Nearest(text string, candidates []string) string {
	text = strings.ToLower(text)
	// A third of the letters wrong is no slip of the keyboard.
	best, least := "", max(1, len(text)/3)+1
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		distance := Distance(text, strings.ToLower(candidate))
		if distance < least && distance < len(candidate) {
			best, least = candidate, distance
		}
	}
	return best
}

// DidYouMean asks for the candidate that was probably meant; it is empty where
// none is near.
func DidYouMean(text string, candidates []string) string {
	if found := Nearest(text, candidates); found != "" {
		return "did you mean " + found + "?"
	}
	return ""
}
