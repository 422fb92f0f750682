package snapshot

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// contextLines is the number of unchanged lines around a change.
	contextLines = 3
	// maxDiffLines bounds what a failed test prints. A diff that is longer is
	// better read with version control, after an update.
	maxDiffLines = 80
	// maxTable bounds the size of the table that aligns two blocks of lines.
	maxTable = 1 << 20
)

// An edit is one line of a diff: ' ' for a line of both files, '-' for one of
// the old file, '+' for one of the new file.
type edit struct {
	op   byte
	line string
}

// unifiedDiff returns the difference between two files in the unified format,
// cut off after limit lines. The header of each hunk names the place in the JSON
// document, since a few lines of context seldom reach up to the logical id.
func unifiedDiff(before, after string, limit int) string {
	edits := diffLines(splitFile(before), splitFile(after))

	var out []string
	for start := 0; start < len(edits); {
		first := start
		for first < len(edits) && edits[first].op == ' ' {
			first++
		}
		if first == len(edits) {
			break
		}
		// A hunk goes on until there are more unchanged lines than the context
		// of two changes shows.
		last := first
		for i := first; i < len(edits) && i-last <= 2*contextLines+1; i++ {
			if edits[i].op != ' ' {
				last = i
			}
		}
		from := max(first-contextLines, start)
		to := min(last+contextLines+1, len(edits))
		out = append(out, hunkHeader(edits, from, first, to))
		for _, e := range edits[from:to] {
			out = append(out, string(e.op)+e.line)
		}
		start = to
	}

	if len(out) > limit {
		cut := len(out) - limit + 1
		out = append(out[:limit-1], fmt.Sprintf("... %d more lines of diff", cut))
	}
	return strings.Join(out, "\n")
}

// splitFile splits the content of a file into its lines. What is left after the
// last newline is a line only if there is something.
func splitFile(s string) []string {
	lines := strings.Split(s, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// hunkHeader returns the header of the hunk of edits[from:to], the first change
// of which is edits[first].
func hunkHeader(edits []edit, from, first, to int) string {
	oldLine, newLine := countLines(edits[:from])
	oldCount, newCount := countLines(edits[from:to])
	// An empty range is named by the line before it.
	oldLine += min(oldCount, 1)
	newLine += min(newCount, 1)
	header := fmt.Sprintf("@@ -%d,%d +%d,%d @@", oldLine, oldCount, newLine, newCount)
	if place := enclosing(edits, first); place != "" {
		header += " " + place
	}
	return header
}

// countLines returns how many lines of the old and of the new file are in edits.
func countLines(edits []edit) (before, after int) {
	for _, e := range edits {
		if e.op != '+' {
			before++
		}
		if e.op != '-' {
			after++
		}
	}
	return before, after
}

// enclosing returns the dotted path of the object around a line of indented
// JSON. In a text without indentation it is empty.
func enclosing(edits []edit, at int) string {
	op, depth := edits[at].op, indentation(edits[at].line)
	var keys []string
	for i := at - 1; i >= 0 && depth > 0; i-- {
		e := edits[i]
		if e.op != ' ' && e.op != op || indentation(e.line) >= depth {
			continue
		}
		depth = indentation(e.line)
		if key, _, ok := strings.Cut(strings.TrimSpace(e.line), `": `); ok {
			keys = append(keys, strings.TrimPrefix(key, `"`))
		}
	}
	slices.Reverse(keys)
	return strings.Join(keys, ".")
}

func indentation(line string) int {
	return len(line) - len(strings.TrimLeft(line, " "))
}

// diffLines returns edits that turn the lines a into the lines b. Lines that
// occur once on both sides are matched first, which keeps the braces of one
// resource from being matched with those of another.
func diffLines(a, b []string) []edit {
	var edits []edit
	emit := func(op byte, lines []string) {
		for _, line := range lines {
			edits = append(edits, edit{op, line})
		}
	}

	var walk func(a, b []string)
	walk = func(a, b []string) {
		prefix := 0
		for prefix < len(a) && prefix < len(b) && a[prefix] == b[prefix] {
			prefix++
		}
		emit(' ', a[:prefix])
		a, b = a[prefix:], b[prefix:]

		suffix := 0
		for suffix < len(a) && suffix < len(b) && a[len(a)-1-suffix] == b[len(b)-1-suffix] {
			suffix++
		}
		common := a[len(a)-suffix:]
		a, b = a[:len(a)-suffix], b[:len(b)-suffix]

		pairs := uniquePairs(a, b)
		if len(pairs) == 0 && len(a)*len(b) <= maxTable {
			pairs = longestCommon(a, b)
		}
		if len(pairs) == 0 {
			emit('-', a)
			emit('+', b)
		} else {
			i, j := 0, 0
			for _, p := range pairs {
				walk(a[i:p.i], b[j:p.j])
				emit(' ', a[p.i:p.i+1])
				i, j = p.i+1, p.j+1
			}
			walk(a[i:], b[j:])
		}
		emit(' ', common)
	}
	walk(a, b)
	return edits
}

// A pair says that line i of the old file is line j of the new one.
type pair struct{ i, j int }

// uniquePairs pairs the lines that occur exactly once in both a and b, leaving
// out as few as possible to keep them in order.
func uniquePairs(a, b []string) []pair {
	type occurrence struct{ inA, inB, j int }
	lines := make(map[string]*occurrence)
	at := func(line string) *occurrence {
		if lines[line] == nil {
			lines[line] = new(occurrence)
		}
		return lines[line]
	}
	for _, line := range a {
		at(line).inA++
	}
	for j, line := range b {
		o := at(line)
		o.inB++
		o.j = j
	}
	var pairs []pair
	for i, line := range a {
		if o := lines[line]; o.inA == 1 && o.inB == 1 {
			pairs = append(pairs, pair{i, o.j})
		}
	}
	return longestIncreasing(pairs)
}

// longestIncreasing returns a longest subsequence of pairs, which are in order
// of i, that is in order of j too.
func longestIncreasing(pairs []pair) []pair {
	// ends[n] is the pair with the smallest j that n other pairs lead up to, and
	// previous says through which.
	var ends []int
	previous := make([]int, len(pairs))
	for k, p := range pairs {
		n, _ := slices.BinarySearchFunc(ends, p.j, func(e, j int) int { return pairs[e].j - j })
		previous[k] = -1
		if n > 0 {
			previous[k] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, k)
		} else {
			ends[n] = k
		}
	}
	if len(ends) == 0 {
		return nil
	}
	var longest []pair
	for k := ends[len(ends)-1]; k >= 0; k = previous[k] {
		longest = append(longest, pairs[k])
	}
	slices.Reverse(longest)
	return longest
}

// longestCommon returns a longest common subsequence of a and b.
func longestCommon(a, b []string) []pair {
	// length[i][j] is the length for a[i:] and b[j:].
	length := make([][]int32, len(a)+1)
	for i := range length {
		length[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	var pairs []pair
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			pairs = append(pairs, pair{i, j})
			i++
			j++
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
	return pairs
}
