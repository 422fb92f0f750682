package yamledit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// setField sets a scalar field of a stage in a text that is the source's own
// down to the end of that stage. A value that is the default is taken out where
// it has a line of its own without a comment, and written otherwise.
func (s *source) setField(text string, stage int, name, value string, isDefault bool) (string, error) {
	sequence, err := s.sequence()
	if err != nil {
		return "", err
	}
	mapping, ok := bare(sequence.Values[stage]).(*ast.MappingNode)
	if !ok {
		return "", errors.New("it is an alias: edit it by hand")
	}
	found := entry(mapping, name)
	if found == nil {
		return s.addField(text, mapping, name, value)
	}
	key := found.Key.GetToken()
	start, end, err := s.scalarAt(found.Value)
	if err != nil {
		return "", err
	}
	n := key.Position.Line
	ownLine := !mapping.IsFlowStyle && strings.TrimSpace(s.text[s.from(n):s.offset(key)]) == "" &&
		strings.TrimSpace(s.text[end:s.lines[n-1].end]) == "" && !s.comments[n-1]
	if isDefault && ownLine && end <= s.lines[n-1].end {
		return text[:s.from(n)] + text[s.from(n+1):], nil
	}
	return text[:start] + value + text[end:], nil
}

// addField writes a new field: behind what says where the stage is.
func (s *source) addField(text string, mapping *ast.MappingNode, name, value string) (string, error) {
	var after *ast.MappingValueNode
	for _, present := range mapping.Values {
		if after == nil || slices.Contains([]string{"name", "account", "region", "canaryOf", "wave"}, keyName(present.Key)) {
			after = present
		}
	}
	key := after.Key.GetToken()
	if _, merge := after.Key.(*ast.MergeKeyNode); merge || keyName(after.Key) == "" {
		return "", fmt.Errorf("line %d: write \"%s: %s\" into it by hand", key.Position.Line, name, value)
	}
	_, end, err := s.scalarAt(after.Value)
	if err != nil {
		return "", err
	}
	if mapping.IsFlowStyle {
		return text[:end] + ", " + name + ": " + value + text[end:], nil
	}
	n := key.Position.Line
	if end > s.lines[n-1].end {
		return "", fmt.Errorf("line %d: the value of %s goes over lines: write \"%s: %s\" below it by hand", n, keyName(after.Key), name, value)
	}
	eol, margin := s.eol(n), strings.Repeat(" ", key.Position.Column-1)
	if l := s.lines[n-1]; l.next == l.end {
		return text[:l.end] + eol + margin + name + ": " + value + text[l.end:], nil
	}
	return text[:s.from(n+1)] + margin + name + ": " + value + eol + text[s.from(n+1):], nil
}

// scalarAt is where the text of a scalar, or of an alias of one, begins and
// ends.
func (s *source) scalarAt(node ast.Node) (start, end int, err error) {
	node = bare(node)
	alias, isAlias := node.(*ast.AliasNode)
	tk := node.GetToken()
	start = s.offset(tk)
	rest := s.text[start:]
	switch {
	case isAlias:
		written := "*" + alias.Value.GetToken().Value
		if strings.HasPrefix(rest, written) {
			return start, start + len(written), nil
		}
	case tk.Type == token.SingleQuoteType:
		for i := 1; i < len(rest); i++ {
			if rest[i] != '\'' {
				continue
			}
			if strings.HasPrefix(rest[i:], "''") {
				i++
				continue
			}
			return start, start + i + 1, nil
		}
	case tk.Type == token.DoubleQuoteType:
		for i := 1; i < len(rest); i++ {
			if rest[i] == '\\' {
				i++
			} else if rest[i] == '"' {
				return start, start + i + 1, nil
			}
		}
	case tk.Value != "" && strings.HasPrefix(rest, tk.Value):
		return start, start + len(tk.Value), nil
	}
	return 0, 0, fmt.Errorf("line %d: this value cannot be edited: do it by hand", tk.Position.Line)
}
