package yamledit

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/tinystack-go/tinystack/internal/yamldoc"
)

// source is a text and where things stand in it. The parser sees it as package
// spec does: without a byte order mark, and with line ends of one kind; lines
// and columns lead back to the bytes.
type source struct {
	text  string
	lines []line
	// comments are the lines that hold nothing but a comment.
	comments map[int]bool
	root     *yamldoc.Node
}

// line is a line of the text: where it begins, where it ends, and where the
// next one begins.
type line struct{ start, end, next int }

const byteOrderMark = "\uFEFF"

func newSource(text string) (*source, error) {
	s := &source{text: text, comments: map[int]bool{}}
	start := 0
	if strings.HasPrefix(text, byteOrderMark) {
		start = len(byteOrderMark)
	}
	var normal strings.Builder
	for start < len(text) {
		end := start + strings.IndexAny(text[start:], "\r\n")
		next := end + 1
		if end < start {
			end, next = len(text), len(text)
		} else if strings.HasPrefix(text[end:], "\r\n") {
			next++
		}
		s.lines = append(s.lines, line{start, end, next})
		normal.WriteString(text[start:end])
		if next > end {
			normal.WriteString("\n")
		}
		start = next
	}
	root, problem := yamldoc.Parse(normal.String())
	if problem != nil {
		return nil, errors.New("it is not YAML")
	}
	if root.Kind != yaml.MappingNode || len(root.Content) == 0 {
		return nil, errors.New("it has no fields")
	}
	s.root = root
	for n := range s.lines {
		if strings.HasPrefix(strings.TrimLeft(s.line(n+1), " \t"), "#") {
			s.comments[n+1] = true
		}
	}
	s.dropTexts(root)
	return s, nil
}

// dropTexts takes the lines out of the comments that belong to a text over
// several lines.
func (s *source) dropTexts(node *yamldoc.Node) {
	for _, child := range node.Content {
		s.dropTexts(child)
	}
	if node.Kind != yaml.ScalarNode {
		return
	}
	switch first := node.Line; {
	case yamldoc.Quoted(node):
		quote := s.offset(node) + strings.IndexAny(s.text[s.offset(node):], `"'`) // behind anchor and tag
		end := quotedEnd(s.text, quote)
		for n := first + 1; n <= len(s.lines) && s.from(n) < end; n++ {
			delete(s.comments, n)
		}
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		// A block goes on as long as lines are indented as its first one is.
		indent := 0
		for n := first + 1; n <= len(s.lines); n++ {
			if s.blank(n) {
				continue
			}
			if indent == 0 {
				if indent = s.indentation(n); indent <= s.indentation(first) {
					return
				}
			}
			if s.indentation(n) < indent {
				return
			}
			delete(s.comments, n)
		}
	}
}

// line is the text of a line, counted from 1, without its end.
func (s *source) line(n int) string { return s.text[s.lines[n-1].start:s.lines[n-1].end] }

func (s *source) blank(n int) bool { return strings.TrimSpace(s.line(n)) == "" }

// from is the place of the first byte of a line; behind the last line it is the
// end.
func (s *source) from(n int) int {
	if n > len(s.lines) {
		return len(s.text)
	}
	return s.lines[n-1].start
}

// offset is the place of a value's first byte.
func (s *source) offset(node *yamldoc.Node) int { return s.place(node.Line, node.Column) }

// place is that of the byte at which a column of a line begins.
func (s *source) place(line, column int) int {
	at := s.lines[line-1].start
	for range column - 1 {
		_, size := utf8.DecodeRuneInString(s.text[at:])
		at += size
	}
	return at
}

// eol is the line end that a line has, or that lines have before it.
func (s *source) eol(n int) string {
	for ; n >= 1; n-- {
		if l := s.lines[n-1]; l.next > l.end {
			return s.text[l.end:l.next]
		}
	}
	return "\n"
}

// field is one of a mapping, with its value.
type field struct{ key, value *yamldoc.Node }

// fields of a mapping, in the order of the text.
func fields(mapping *yamldoc.Node) []field {
	var found []field
	for pair := range slices.Chunk(mapping.Content, 2) {
		found = append(found, field{pair[0], pair[1]})
	}
	return found
}

// entry finds a field of a mapping itself, not one that is merged in.
func entry(mapping *yamldoc.Node, name string) *field {
	for _, found := range fields(mapping) {
		if found.key.Kind == yaml.ScalarNode && found.key.Value == name {
			return &found
		}
	}
	return nil
}

func (s *source) declaresStages() bool {
	return entry(s.root, "stages") != nil || slices.ContainsFunc(fields(s.root), func(found field) bool {
		return yamldoc.IsMerge(found.key)
	})
}

// sequence is the list of the stages.
func (s *source) sequence() (*yamldoc.Node, error) {
	found := entry(s.root, "stages")
	if found == nil {
		return nil, errors.New("the stages come from a \"<<\": edit them by hand where they stand")
	}
	sequence := found.value
	if sequence.Kind != yaml.SequenceNode {
		return nil, errors.New("the stages are an alias: edit them by hand where they stand")
	}
	if len(sequence.Content) == 0 {
		return nil, errors.New("the list of stages is empty: remove it, and the stage of the defaults is written down")
	}
	return sequence, nil
}

// stages takes the text of the stages apart.
func (s *source) stages() (*list, error) {
	sequence, err := s.sequence()
	if err != nil {
		return nil, err
	}
	if yamldoc.Flow(sequence) {
		return s.flowList(sequence)
	}
	return s.blockList(sequence)
}

// blockList is a list with a hyphen before each stage. A stage has whole lines:
// the comments directly above it that are not indented further than its hyphen,
// its content, and the comments after that which are.
func (s *source) blockList(sequence *yamldoc.Node) (*list, error) {
	// A hyphen stands before its element, or in a line above that.
	dashes := make([]int, len(sequence.Content)) // their lines
	behind := 0
	for i, element := range sequence.Content {
		n := element.Line
		for n > behind && !startsWithHyphen(s.line(n)) {
			n--
		}
		if n == behind {
			return nil, fmt.Errorf("line %d: a stage has to begin in a line of its own to be edited", element.Line)
		}
		dashes[i], behind = n, n
	}
	column := s.indentation(dashes[0])
	bound := s.afterStages(dashes[len(dashes)-1])
	l := &list{eol: s.eol(dashes[0]), compact: true}
	end := 0 // the line behind the stage before
	for i, dash := range dashes {
		first := dash
		for first-1 > max(end-1, 0) && s.comments[first-1] && s.indentation(first-1) <= column {
			first--
		}
		if i == 0 {
			l.head = s.text[:s.from(first)]
			end = first
		}
		next := bound
		if i+1 < len(dashes) {
			next = dashes[i+1]
		}
		last := next - 1
		for s.comments[last] || s.blank(last) {
			last--
		}
		for n := last + 1; n < next; n++ {
			if s.comments[n] && s.indentation(n) > column {
				last = n
			}
		}
		l.items = append(l.items, item{pre: s.text[s.from(end):s.from(first)], body: s.text[s.from(first):s.from(last+1)]})
		end = last + 1
		if element := sequence.Content[i]; element.Kind != yaml.MappingNode || !yamldoc.Flow(element) {
			l.compact = false
		}
	}
	l.foot = s.text[s.from(end):]
	if last := &l.items[len(l.items)-1]; l.foot == "" && !strings.HasSuffix(last.body, l.eol) {
		last.body += l.eol
		l.openEnd = true
	}
	l.style(s, dashes[0], sequence.Content[0])
	return l, nil
}

// style is how a new stage is written: as the first one is.
func (l *list) style(s *source, dash int, first *yamldoc.Node) {
	margin := s.line(dash)[:s.indentation(dash)-1]
	l.dash = margin + "- "
	if first.Kind == yaml.MappingNode && !yamldoc.Flow(first) && first.Anchor == "" {
		if key := first.Content[0]; key.Line == dash {
			l.dash = s.text[s.from(dash):s.offset(key)]
		}
	}
	l.indent = margin + strings.Repeat(" ", utf8.RuneCountInString(l.dash)-utf8.RuneCountInString(margin))
	for _, item := range l.items[1:] {
		if strings.TrimSpace(strings.SplitN(item.pre, "#", 2)[0]) == "" && item.pre != "" {
			l.apart = l.eol
		}
	}
	if len(l.items) == 1 && strings.Count(l.items[0].body, l.eol) > 1 {
		l.apart = l.eol
	}
}

// indentation is the column of a line's first character.
func (s *source) indentation(n int) int {
	text := s.line(n)
	return len(text) - len(strings.TrimLeft(text, " \t")) + 1
}

// startsWithHyphen says whether an element of a list begins in a line.
func startsWithHyphen(line string) bool {
	rest, found := strings.CutPrefix(strings.TrimLeft(line, " "), "-")
	return found && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}

// afterStages is the first line after a line of the stages that is none of
// theirs: that of the next field, or of the document's end.
func (s *source) afterStages(last int) int {
	bound := len(s.lines) + 1
	for _, found := range fields(s.root) {
		if at := found.key.Line; at > last {
			bound = min(bound, at)
		}
	}
	for n := last + 1; n < bound; n++ {
		if text := s.line(n); strings.HasPrefix(text, "...") || strings.HasPrefix(text, "---") {
			return n
		}
	}
	return bound
}

// flowList is a list in brackets.
func (s *source) flowList(sequence *yamldoc.Node) (*list, error) {
	all := signs(s.text, s.offset(sequence)+strings.IndexByte(s.text[s.offset(sequence):], '[')) // behind anchor and tag
	line := sequence.Line
	l := &list{flow: true, eol: s.eol(line)}
	at := all[0].to
	l.head = s.text[:at]
	for i := 1; all[i].kind != ']'; {
		var comments []sign
		for ; all[i].kind == '#'; i++ {
			comments = append(comments, all[i])
		}
		if all[i].kind == ']' {
			break // comments after the last comma
		}
		first := s.leadOf(all[i], comments)
		end := i
		for depth := 0; depth > 0 || all[end].kind != ',' && all[end].kind != ']'; end++ {
			switch all[end].kind {
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
		}
		stop := end // the sign behind the stage
		for all[stop-1].kind == '#' {
			stop--
		}
		comma := all[end].kind == ','
		if comma && stop < end {
			return nil, fmt.Errorf("line %d: a comment before a comma is in the way: put it after the comma", s.lineOf(all[stop].from))
		}
		added := item{pre: s.text[at:first], body: s.text[first:all[stop-1].to]}
		at = all[stop-1].to
		if l.lastComma = comma; comma {
			added.body += s.text[at:all[end].from]
			at = all[end].to
			stop = end + 1
		}
		// A comment behind it in the same line is its own.
		if comment := all[stop]; comment.kind == '#' && !s.comments[s.lineOf(comment.from)] {
			added.tail = s.text[at:comment.to]
			at = comment.to
			stop++
		}
		l.items = append(l.items, added)
		i = stop
	}
	l.foot = s.text[at:]
	l.apart = " "
	if startsLine(l.items[0].pre) {
		l.apart = l.items[0].pre
	}
	if len(l.items) > 1 && !hasComment(l.items[1].pre) {
		l.apart = l.items[1].pre
	}
	l.indent = strings.TrimLeft(l.apart, "\r\n")
	if !startsLine(l.apart) {
		l.indent = strings.Repeat(" ", s.indentation(line)+1)
	}
	return l, nil
}

// lineOf is the number of the line that a place is in.
func (s *source) lineOf(at int) int {
	return 1 + slices.IndexFunc(s.lines, func(l line) bool { return at <= l.end })
}

// leadOf is where an element of a flow list begins: with the comments in the
// lines directly above it.
func (s *source) leadOf(first sign, comments []sign) int {
	at, line := first.from, s.lineOf(first.from)
	if strings.TrimSpace(s.text[s.from(line):at]) != "" {
		return at
	}
	for _, comment := range slices.Backward(comments) {
		if s.lineOf(comment.from) != line-1 || !s.comments[line-1] {
			break
		}
		line--
		at = comment.from
	}
	return at
}

// anchorUsedElsewhere is an anchor that only the stage defines and something
// outside it refers to, and the line of that.
func (s *source) anchorUsedElsewhere(stage int) (string, int) {
	sequence, err := s.sequence()
	if err != nil {
		return "", 0
	}
	inside := map[*yamldoc.Node]bool{}
	visit(sequence.Content[stage], func(node *yamldoc.Node) { inside[node] = true })
	name, line := "", 0
	visit(s.root, func(node *yamldoc.Node) {
		if node.Kind == yaml.AliasNode && !inside[node] && inside[node.Alias] && name == "" {
			name, line = node.Value, node.Line
		}
	})
	return name, line
}

// visit calls a function for a node and all within it.
func visit(node *yamldoc.Node, do func(*yamldoc.Node)) {
	do(node)
	for _, child := range node.Content {
		visit(child, do)
	}
}

// appendStages writes the stages down at the end of a declaration that has
// none.
func (s *source) appendStages(names []string) (string, error) {
	last := len(s.lines)
	if yamldoc.Flow(s.root) || s.afterStages(s.root.Content[len(s.root.Content)-2].Line) <= last {
		return "", errors.New("there is no list of stages to edit: write one by hand")
	}
	eol := s.eol(last)
	text := s.text
	if l := s.lines[last-1]; l.next == l.end {
		text += eol
	}
	for n := 2; n <= last; n++ {
		if s.blank(n) && n < last {
			text += eol
			break
		}
	}
	margin := strings.Repeat(" ", max(0, s.root.Content[0].Column-1))
	text += margin + "stages:" + eol
	for _, name := range names {
		text += margin + "  - name: " + scalar(name) + eol
	}
	return text, nil
}
