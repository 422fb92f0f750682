// Package phrase writes numbers and lists as a sentence does.
package phrase

import (
	"strconv"
	"strings"
)

// Count is a number of things: 1 zone, 2 zones.
func Count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}

// List joins names with commas, and the last of them with a word: a, b or c.
func List(names []string, last string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + last + " " + names[len(names)-1]
}
