package spec

import (
	"slices"
	"strconv"
	"strings"
)

// nearest is the candidate that the text was probably meant to be, or empty.
func nearest(text string, candidates []string) string {
	text = strings.ToLower(text)
	// A third of the letters wrong is no slip of the keyboard.
	best, least := "", max(1, len(text)/3)+1
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		distance := editDistance(text, strings.ToLower(candidate))
		if distance < least && distance < len(candidate) {
			best, least = candidate, distance
		}
	}
	return best
}

// editDistance is the number of letters to insert, delete, replace or swap
// with their neighbour that makes one text of the other.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64 // no slip of the keyboard, and not worth the time
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row := rows[0], rows[1], rows[2]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := last[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			row[j] = min(replaced, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		rows = [3][]int{last, row, before}
	}
	return rows[1][len(b)]
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
