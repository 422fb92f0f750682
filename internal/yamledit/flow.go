package yamledit

import "strings"

// sign is a piece of a collection in brackets: a bracket, a comma, a comment, or
// whatever else stands between those. It is text[from:to].
type sign struct {
	kind     byte // one of [ ] { } , # or 'v' for keys, colons and values
	from, to int
}

// signs takes the text of a collection in brackets apart, from its opening
// bracket to the closing one.
func signs(text string, at int) []sign {
	var found []sign
	depth := 0
	for at < len(text) {
		c := text[at]
		end := at + 1
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			at++
			continue
		case c == '#':
			for end < len(text) && text[end] != '\n' && text[end] != '\r' {
				end++
			}
		case strings.IndexByte("[]{},", c) >= 0:
		case c == '"' || c == '\'':
			c, end = 'v', quotedEnd(text, at)
		default:
			c, end = 'v', plainEnd(text, at)
		}
		found = append(found, sign{c, at, end})
		at = end
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return found
			}
		}
	}
	return found
}

// quotedEnd is the place behind the quote that closes the one at a place.
func quotedEnd(text string, at int) int {
	quote := text[at]
	for i := at + 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return len(text)
}

// plainEnd is the place behind a text without quotes, or behind an anchor, a
// tag, an alias or a colon. A quote within it is a part of it.
func plainEnd(text string, at int) int {
	short := strings.IndexByte("&!*", text[at]) >= 0
	for i := at; i < len(text); i++ {
		switch c := text[i]; {
		case strings.IndexByte("[]{},\r\n", c) >= 0:
			return i
		case strings.IndexByte(" \t", c) >= 0 && (short || strings.HasPrefix(text[i+1:], "#")):
			return i
		case c == ':' && (i+1 == len(text) || strings.IndexByte(" \t\r\n[]{},", text[i+1]) >= 0):
			return max(i, at+1)
		}
	}
	return len(text)
}
