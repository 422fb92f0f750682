package yamledit

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// source is a text and where things stand in it. The parser sees it as package
// spec does: without a byte order mark, and with line ends of one kind; lines
// and columns lead back to the bytes.
type source struct {
	text   string
	lines  []line
	tokens token.Tokens
	// comments are the lines that hold nothing but a comment.
	comments map[int]bool
	root     *ast.MappingNode
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
	s.tokens = lexer.Tokenize(normal.String())
	for _, tk := range s.tokens {
		if n := tk.Position.Line; tk.Type == token.CommentType && n <= len(s.lines) && strings.HasPrefix(strings.TrimLeft(s.line(n), " \t"), "#") {
			s.comments[n] = true
		}
	}
	file, err := parser.Parse(s.tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, errors.New("it is not YAML")
	}
	for _, document := range file.Docs {
		if root, ok := bare(document.Body).(*ast.MappingNode); ok {
			s.root = root
			return s, nil
		}
	}
	return nil, errors.New("it has no fields")
}

// bare is a node without anchor and tag.
func bare(node ast.Node) ast.Node {
	for {
		switch wrapped := node.(type) {
		case *ast.AnchorNode:
			node = wrapped.Value
		case *ast.TagNode:
			node = wrapped.Value
		default:
			return node
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

// offset is the place of a token's first byte.
func (s *source) offset(tk *token.Token) int {
	at := s.lines[tk.Position.Line-1].start
	for range tk.Position.Column - 1 {
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

// entry finds a field of a mapping itself, not one that is merged in.
func entry(mapping *ast.MappingNode, name string) *ast.MappingValueNode {
	for _, value := range mapping.Values {
		if keyName(value.Key) == name {
			return value
		}
	}
	return nil
}

func keyName(key ast.Node) string {
	if question, ok := key.(*ast.MappingKeyNode); ok {
		key = question.Value
	}
	if text, ok := bare(key).(*ast.StringNode); ok {
		return text.Value
	}
	return ""
}

func (s *source) declaresStages() bool {
	return entry(s.root, "stages") != nil || slices.ContainsFunc(s.root.Values, func(value *ast.MappingValueNode) bool {
		_, merge := value.Key.(*ast.MergeKeyNode)
		return merge
	})
}

// sequence is the list of the stages.
func (s *source) sequence() (*ast.SequenceNode, error) {
	found := entry(s.root, "stages")
	if found == nil {
		return nil, errors.New("the stages come from a \"<<\": edit them by hand where they stand")
	}
	sequence, ok := bare(found.Value).(*ast.SequenceNode)
	if !ok {
		return nil, errors.New("the stages are an alias: edit them by hand where they stand")
	}
	if len(sequence.Values) == 0 {
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
	if sequence.IsFlowStyle {
		return s.flowList(sequence)
	}
	return s.blockList(sequence)
}

// blockList is a list with a hyphen before each stage. A stage has whole lines:
// the comments directly above it that are not indented further than its hyphen,
// its content, and the comments after that which are.
func (s *source) blockList(sequence *ast.SequenceNode) (*list, error) {
	var dashes []*token.Token
	for _, entry := range sequence.Entries {
		dashes = append(dashes, entry.Start)
		if tk := entry.Start; strings.TrimSpace(s.text[s.from(tk.Position.Line):s.offset(tk)]) != "" {
			return nil, fmt.Errorf("line %d: a stage has to begin in a line of its own to be edited", tk.Position.Line)
		}
	}
	column := dashes[0].Position.Column
	bound := s.afterStages(dashes[len(dashes)-1].Position.Line)
	l := &list{eol: s.eol(dashes[0].Position.Line), compact: true}
	end := 0 // the line behind the stage before
	for i, dash := range dashes {
		first := dash.Position.Line
		for first-1 > max(end-1, 0) && s.comments[first-1] && s.indentation(first-1) <= column {
			first--
		}
		if i == 0 {
			l.head = s.text[:s.from(first)]
			end = first
		}
		next := bound
		if i+1 < len(dashes) {
			next = dashes[i+1].Position.Line
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
		if mapping, ok := bare(sequence.Values[i]).(*ast.MappingNode); !ok || !mapping.IsFlowStyle {
			l.compact = false
		}
	}
	l.foot = s.text[s.from(end):]
	if last := &l.items[len(l.items)-1]; l.foot == "" && !strings.HasSuffix(last.body, l.eol) {
		last.body += l.eol
		l.openEnd = true
	}
	l.style(s, dashes[0], sequence.Values[0])
	return l, nil
}

// style is how a new stage is written: as the first one is.
func (l *list) style(s *source, dash *token.Token, first ast.Node) {
	margin := s.text[s.from(dash.Position.Line):s.offset(dash)]
	l.dash = margin + "- "
	if mapping, ok := first.(*ast.MappingNode); ok && !mapping.IsFlowStyle {
		key := mapping.Values[0].Key.GetToken()
		if key.Position.Line == dash.Position.Line {
			l.dash = s.text[s.from(dash.Position.Line):s.offset(key)]
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

// afterStages is the first line after a line of the stages that is none of
// theirs: that of the next field, or of the document's end.
func (s *source) afterStages(last int) int {
	bound := len(s.lines) + 1
	for _, value := range s.root.Values {
		if at := value.Key.GetToken().Position.Line; at > last {
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
func (s *source) flowList(sequence *ast.SequenceNode) (*list, error) {
	i := slices.IndexFunc(s.tokens, func(tk *token.Token) bool {
		return tk.Type == token.SequenceStartType && *tk.Position == *sequence.Start.Position
	})
	if i < 0 {
		return nil, errors.New("the stages are written in a way that this cannot edit")
	}
	line := s.tokens[i].Position.Line
	l := &list{flow: true, eol: s.eol(line)}
	at := s.offset(s.tokens[i]) + 1
	l.head = s.text[:at]
	for i++; s.tokens[i].Type != token.SequenceEndType; {
		var comments []*token.Token
		for ; s.tokens[i].Type == token.CommentType; i++ {
			comments = append(comments, s.tokens[i])
		}
		if s.tokens[i].Type == token.SequenceEndType {
			break // comments after the last comma
		}
		first := s.leadOf(s.tokens[i], comments)
		end := i
		for depth := 0; depth > 0 || s.tokens[end].Type != token.CollectEntryType && s.tokens[end].Type != token.SequenceEndType; end++ {
			switch s.tokens[end].Type {
			case token.MappingStartType, token.SequenceStartType:
				depth++
			case token.MappingEndType, token.SequenceEndType:
				depth--
			}
		}
		stop := end // the token behind the stage
		for s.tokens[stop-1].Type == token.CommentType {
			stop--
		}
		comma := s.tokens[end].Type == token.CollectEntryType
		if comma && stop < end {
			return nil, fmt.Errorf("line %d: a comment before a comma is in the way: put it after the comma", s.tokens[stop].Position.Line)
		}
		added := item{pre: s.text[at:first]}
		behind := s.offset(s.tokens[stop])
		if !comma {
			behind = first + len(strings.TrimRight(s.text[first:behind], " \t\r\n"))
		}
		added.body, at = s.text[first:behind], behind
		if l.lastComma = comma; comma {
			at++
			end++
			stop = end
		}
		// A comment behind it in the same line is its own.
		if tk := s.tokens[stop]; tk.Type == token.CommentType && !s.comments[tk.Position.Line] {
			added.tail = s.text[at:s.lines[tk.Position.Line-1].end]
			at += len(added.tail)
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

// leadOf is where an element of a flow list begins: with the comments in the
// lines directly above it.
func (s *source) leadOf(first *token.Token, comments []*token.Token) int {
	at, line := s.offset(first), first.Position.Line
	if strings.TrimSpace(s.text[s.from(line):at]) != "" {
		return at
	}
	for _, comment := range slices.Backward(comments) {
		if comment.Position.Line != line-1 || !s.comments[line-1] {
			break
		}
		line--
		at = s.offset(comment)
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
	inside := map[ast.Node]bool{}
	defined := map[string]bool{}
	ast.Walk(visit(func(node ast.Node) {
		inside[node] = true
		if anchor, ok := node.(*ast.AnchorNode); ok {
			defined[anchor.Name.GetToken().Value] = true
		}
	}), sequence.Values[stage])
	name, line := "", 0
	ast.Walk(visit(func(node ast.Node) {
		if alias, ok := node.(*ast.AliasNode); ok && !inside[node] && defined[alias.Value.GetToken().Value] && name == "" {
			name, line = alias.Value.GetToken().Value, alias.GetToken().Position.Line
		}
	}), s.root)
	return name, line
}

type visit func(ast.Node)

func (v visit) Visit(node ast.Node) ast.Visitor {
	v(node)
	return v
}

// appendStages writes the stages down at the end of a declaration that has
// none.
func (s *source) appendStages(names []string) (string, error) {
	last := len(s.lines)
	if s.root.IsFlowStyle || s.afterStages(s.root.Values[len(s.root.Values)-1].Key.GetToken().Position.Line) <= last {
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
	margin := strings.Repeat(" ", max(0, s.root.Values[0].Key.GetToken().Position.Column-1))
	text += margin + "stages:" + eol
	for _, name := range names {
		text += margin + "  - name: " + scalar(name) + eol
	}
	return text, nil
}
