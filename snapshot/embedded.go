package snapshot

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The markers under which embedded documents are shown. The package
// documentation describes them.
const (
	markJSON       = "Fn::ParsedJson"
	markLines      = "Fn::Lines"
	markJSONString = "Fn::JsonString"
	markJSONValue  = "Fn::JsonValue"
)

func isMarker(key string) bool {
	switch key {
	case markJSON, markLines, markJSONString, markJSONValue:
		return true
	}
	return false
}

// text is a string with references in it: strings, which are literal, and
// intrinsic functions, which stand for the strings they will produce.
type text []any

// expand shows the embedded documents in v, a value of a template. It leaves what
// it produces unchanged, which makes normalising idempotent.
func expand(v any) any {
	switch v := v.(type) {
	case string:
		return expandText(text{v}, func() any { return v })
	case []any:
		for i, e := range v {
			v[i] = expand(e)
		}
		return v
	case map[string]any:
		if isMarked(v) {
			return v
		}
		if parts, ok := joinParts(v); ok {
			return expandText(parts, func() any {
				args := v["Fn::Join"].([]any)
				args[1] = expandParts(args[1].([]any))
				return v
			})
		}
		if args, ok := v["Fn::Join"].([]any); ok && len(v) == 1 && len(args) == 2 {
			// The list is not known. The delimiter is no text to be shown as
			// lines, even if it is a newline.
			args[1] = expand(args[1])
			return v
		}
		for key, e := range v {
			v[key] = expand(e)
		}
		return v
	default:
		return v
	}
}

// expandJSON is expand for a value of an embedded JSON document. An object of
// the document is not an intrinsic function, whatever its keys are: the
// references in the document are those that its strings of type text have.
func expandJSON(v any) any {
	switch v := v.(type) {
	case string:
		return expandText(text{v}, func() any { return v })
	case text:
		return expandText(v, func() any {
			return map[string]any{markJSONString: expandParts(v)}
		})
	case []any:
		for i, e := range v {
			v[i] = expandJSON(e)
		}
		return v
	case map[string]any:
		if isMarked(v) {
			return v
		}
		for key, e := range v {
			v[key] = expandJSON(e)
		}
		return v
	default:
		return v
	}
}

// isMarked reports whether v shows an embedded document. What is below a marker
// has been expanded already.
func isMarked(v map[string]any) bool {
	for key := range v {
		return len(v) == 1 && isMarker(key)
	}
	return false
}

// expandText shows a string as the document that it holds, or else as plain
// says.
func expandText(parts text, plain func() any) any {
	if doc, ok := parseEmbedded(parts); ok {
		return map[string]any{markJSON: expandJSON(doc)}
	}
	if lines, ok := splitLines(parts); ok {
		return map[string]any{markLines: lines}
	}
	return plain()
}

// expandParts expands the references among the parts of a string. The literal
// parts are not documents of their own, so they stay as they are.
func expandParts(parts []any) []any {
	expanded := make([]any, len(parts))
	for i, p := range parts {
		if _, ok := p.(string); !ok {
			p = expand(p)
		}
		expanded[i] = p
	}
	return expanded
}

// joinParts returns the string that an Fn::Join produces, and reports whether v
// is one whose list is known.
func joinParts(v map[string]any) (text, bool) {
	args, ok := v["Fn::Join"].([]any)
	if !ok || len(v) != 1 || len(args) != 2 {
		return nil, false
	}
	delimiter, ok := args[0].(string)
	if !ok {
		return nil, false
	}
	list, ok := args[1].([]any)
	if !ok {
		return nil, false
	}
	var parts text
	for i, e := range list {
		if i > 0 {
			parts = parts.append(delimiter)
		}
		parts = parts.append(e)
	}
	return parts, true
}

// append adds a part, so that no two literal parts follow each other and none is
// empty. One string then has one form, however it was put together.
func (t text) append(part any) text {
	s, ok := part.(string)
	if !ok {
		return append(t, part)
	}
	if s == "" {
		return t
	}
	if len(t) > 0 {
		if last, ok := t[len(t)-1].(string); ok {
			t[len(t)-1] = last + s
			return t
		}
	}
	return append(t, s)
}

// splitLines splits a string into what goes under the marker for lines, and
// reports whether it has more than one line.
func splitLines(parts text) ([]any, bool) {
	if !slices.ContainsFunc(parts, func(p any) bool {
		s, ok := p.(string)
		return ok && strings.Contains(s, "\n")
	}) {
		return nil, false
	}
	lines := []text{nil}
	for _, p := range parts {
		s, ok := p.(string)
		if !ok {
			lines[len(lines)-1] = lines[len(lines)-1].append(expand(p))
			continue
		}
		for i, line := range strings.Split(s, "\n") {
			if i > 0 {
				lines = append(lines, nil)
			}
			lines[len(lines)-1] = lines[len(lines)-1].append(line)
		}
	}
	shown := make([]any, len(lines))
	for i, line := range lines {
		switch {
		case len(line) == 0:
			shown[i] = ""
		case len(line) == 1 && isString(line[0]):
			shown[i] = line[0]
		default:
			shown[i] = []any(line)
		}
	}
	return shown, true
}

func isString(v any) bool {
	_, ok := v.(string)
	return ok
}

// References are put into a JSON text as numbers between characters that have no
// meaning of their own: openString and closeRef for one within a string, and
// openValue and closeRef, in quotes, for one in place of a value.
const (
	openString = '\uE000'
	openValue  = '\uE001'
	closeRef   = '\uE002'
	// escapedRef is how any of them starts when it is written as an escape.
	escapedRef = `\ue00`
)

// parseEmbedded parses a string that holds a JSON object or array. It refuses
// documents that could not be told apart from others once they are shown.
func parseEmbedded(parts text) (any, bool) {
	if len(parts) == 0 {
		return nil, false
	}
	if first, ok := parts[0].(string); !ok || !startsJSON(first) {
		return nil, false
	}

	// Put the references into the text, in a form that depends on whether they
	// are within a string.
	var doc strings.Builder
	var refs []any
	inString, escaped := false, false
	for _, p := range parts {
		s, ok := p.(string)
		if !ok {
			if inString {
				fmt.Fprintf(&doc, "%c%d%c", openString, len(refs), closeRef)
			} else {
				fmt.Fprintf(&doc, `"%c%d%c"`, openValue, len(refs), closeRef)
			}
			refs = append(refs, p)
			continue
		}
		if strings.ContainsRune(s, openString) || strings.ContainsRune(s, openValue) || strings.ContainsRune(s, closeRef) ||
			strings.Contains(strings.ToLower(s), escapedRef) {
			return nil, false
		}
		for i := 0; i < len(s); i++ {
			switch {
			case escaped:
				escaped = false
			case s[i] == '\\':
				escaped = true
			case s[i] == '"':
				inString = !inString
			}
		}
		doc.WriteString(s)
	}

	dec := json.NewDecoder(strings.NewReader(doc.String()))
	dec.UseNumber()
	v, ok := decodeStrict(dec)
	if !ok {
		return nil, false
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, false
	}
	return restoreRefs(v, refs), true
}

func startsJSON(s string) bool {
	s = strings.TrimLeft(s, " \t\r\n")
	return s != "" && (s[0] == '{' || s[0] == '[')
}

// decodeStrict decodes one JSON value. It refuses objects that repeat a key,
// since only one of the values would be shown, that have a marker as a key, and
// that have a reference in one. It also refuses the character that stands for
// invalid ones, since it could have been any of them.
func decodeStrict(dec *json.Decoder) (any, bool) {
	tok, err := dec.Token()
	if err != nil {
		return nil, false
	}
	switch tok {
	default:
		s, ok := tok.(string)
		return tok, !ok || !strings.ContainsRune(s, utf8.RuneError)
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, ok := decodeStrict(dec)
			if !ok {
				return nil, false
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err == nil
	case json.Delim('{'):
		object := map[string]any{}
		for dec.More() {
			tok, err := dec.Token()
			key, ok := tok.(string)
			if err != nil || !ok || isMarker(key) || strings.ContainsAny(key, string(closeRef)+string(utf8.RuneError)) {
				return nil, false
			}
			if _, ok := object[key]; ok {
				return nil, false
			}
			v, ok := decodeStrict(dec)
			if !ok {
				return nil, false
			}
			object[key] = v
		}
		_, err := dec.Token()
		return object, err == nil
	}
}

// restoreRefs replaces what parseEmbedded put into a document for the references
// by the references: strings of type text, and marked values.
func restoreRefs(v any, refs []any) any {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			v[i] = restoreRefs(e, refs)
		}
	case map[string]any:
		for key, e := range v {
			v[key] = restoreRefs(e, refs)
		}
	case string:
		if len(refs) == 0 || !strings.ContainsRune(v, closeRef) {
			return v
		}
		var parts text
		for v != "" {
			literal, rest, ok := strings.Cut(v, string(openString))
			if number, isValue := strings.CutPrefix(literal, string(openValue)); isValue {
				i, _ := strconv.Atoi(strings.TrimSuffix(number, string(closeRef)))
				return map[string]any{markJSONValue: expand(refs[i])}
			}
			parts = parts.append(literal)
			if !ok {
				break
			}
			number, after, _ := strings.Cut(rest, string(closeRef))
			i, _ := strconv.Atoi(number)
			parts = parts.append(refs[i])
			v = after
		}
		return parts
	}
	return v
}
