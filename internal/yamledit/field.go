package yamledit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tinystack-go/tinystack/internal/yamldoc"
)

// setField sets a scalar field of a stage in a text that is the source's own
// down to the end of that stage. A value that is the default is taken out where
// it has a line of its own without a comment, and written otherwise.
func (s *source) setField(text string, stage int, name, value string, isDefault bool) (string, error) {
	sequence, err := s.sequence()
	if err != nil {
		return "", err
	}
	mapping := sequence.Content[stage]
	if mapping.Kind != yaml.MappingNode {
		return "", errors.New("it is an alias: edit it by hand")
	}
	found := entry(mapping, name)
	if found == nil {
		return s.addField(text, mapping, name, value)
	}
	start, end, err := s.scalarAt(found.value)
	if err != nil {
		return "", err
	}
	n := found.key.Line
	ownLine := !yamldoc.Flow(mapping) && strings.TrimSpace(s.text[s.from(n):s.offset(found.key)]) == "" &&
		strings.TrimSpace(s.text[end:s.lines[n-1].end]) == "" && !s.comments[n-1]
	if isDefault && ownLine && end <= s.lines[n-1].end {
		return text[:s.from(n)] + text[s.from(n+1):], nil
	}
	return text[:start] + value + text[end:], nil
}

// addField writes a new field: behind what says where the stage is.
func (s *source) addField(text string, mapping *yamldoc.Node, name, value string) (string, error) {
	present := fields(mapping)
	after := present[0]
	for _, each := range present {
		if slices.Contains([]string{"name", "account", "region", "canaryOf", "wave"}, each.key.Value) {
			after = each
		}
	}
	key := after.key
	if yamldoc.IsMerge(key) || key.Value == "" {
		return "", fmt.Errorf("line %d: write \"%s: %s\" into it by hand", key.Line, name, value)
	}
	_, end, err := s.scalarAt(after.value)
	if err != nil {
		return "", err
	}
	if yamldoc.Flow(mapping) {
		return text[:end] + ", " + name + ": " + value + text[end:], nil
	}
	n := key.Line
	if end > s.lines[n-1].end {
		return "", fmt.Errorf("line %d: the value of %s goes over lines: write \"%s: %s\" below it by hand", n, key.Value, name, value)
	}
	eol, margin := s.eol(n), strings.Repeat(" ", key.Column-1)
	if l := s.lines[n-1]; l.next == l.end {
		return text[:l.end] + eol + margin + name + ": " + value + text[l.end:], nil
	}
	return text[:s.from(n+1)] + margin + name + ": " + value + eol + text[s.from(n+1):], nil
}

// scalarAt is where the text of a scalar, or of an alias of one, begins and
// ends.
func (s *source) scalarAt(node *yamldoc.Node) (start, end int, err error) {
	start = s.offset(node)
	rest := s.text[start:]
	if node.Anchor != "" || node.Style&yaml.TaggedStyle != 0 {
		// The value is what stands behind its anchor and its tag.
		for rest != "" && strings.IndexByte("&!", rest[0]) >= 0 {
			length := strings.IndexAny(rest+" ", " \t\r\n")
			length += len(rest[length:]) - len(strings.TrimLeft(rest[length:], " \t"))
			start, rest = start+length, rest[length:]
		}
	}
	written := node.Value
	if node.Kind == yaml.AliasNode {
		written = "*" + written
	}
	switch {
	case node.Kind == yaml.ScalarNode && yamldoc.Quoted(node):
		return start, quotedEnd(s.text, start), nil
	case written != "" && strings.HasPrefix(rest, written):
		return start, start + len(written), nil
	}
	return 0, 0, fmt.Errorf("line %d: this value cannot be edited: do it by hand", node.Line)
}
