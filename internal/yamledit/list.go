package yamledit

import (
	"regexp"
	"slices"
	"strings"
)

// list is the text around and between the stages, taken apart. Put together
// again it is the same text.
type list struct {
	head, foot string
	items      []item
	flow       bool // [a, b] on one or more lines; otherwise a line each with a hyphen
	// apart stands between two stages that have no comment of their own
	// between them.
	apart string
	eol   string
	// dash is what a new stage begins with, and indent its further lines.
	dash, indent string
	// compact says that every stage is a flow mapping: "- {name: dev}".
	compact bool
	// openEnd says that the file ends without a line end.
	openEnd bool
	// lastComma says that a comma follows the last of a flow list.
	lastComma bool
}

// item is a stage: what stands between it and the one before it, itself with
// the comments that belong to it, and in a flow list what follows its comma on
// the same line.
type item struct{ pre, body, tail string }

func (l *list) remove(i int) item {
	removed := l.items[i]
	l.items = slices.Delete(slices.Clone(l.items), i, i+1)
	switch {
	case i == len(l.items):
		if hasComment(removed.pre) {
			// A comment of its own between two stages stays.
			l.foot = strings.TrimRight(removed.pre, " \t\r\n") + l.lineEnd() + l.foot
		}
	case i == 0:
		next := &l.items[0]
		if hasComment(next.pre) && !l.flow {
			next.pre = removed.pre + strings.TrimLeft(next.pre, "\r\n")
		} else if !hasComment(next.pre) {
			next.pre = removed.pre
		}
	case hasComment(removed.pre):
		next := &l.items[i]
		if !hasComment(next.pre) {
			next.pre = ""
		}
		next.pre = removed.pre + next.pre
	}
	return removed
}

// lineEnd ends a comment: in a flow list the line end before the bracket does.
func (l *list) lineEnd() string {
	if l.flow {
		return ""
	}
	return l.eol
}

// insert puts an item at a place, directly after the one before it, or
// directly before the one after it: a comment that stands alone between the two
// is then before it.
func (l *list) insert(at int, added item, after bool) {
	switch {
	case at == len(l.items):
		added.pre = l.apart
	case at == 0 || !after:
		added.pre, l.items[at].pre = l.items[at].pre, l.apart
	default:
		added.pre = l.apart
	}
	l.items = slices.Insert(slices.Clone(l.items), at, added)
}

func (l *list) text() string {
	var text strings.Builder
	text.WriteString(l.head)
	for i, item := range l.items {
		pre := item.pre
		if l.flow && i > 0 && hasComment(l.items[i-1].tail) && !startsLine(pre) {
			pre = l.eol + l.indent + strings.TrimLeft(pre, " \t")
		}
		text.WriteString(pre)
		text.WriteString(item.body)
		if l.flow && (i < len(l.items)-1 || l.lastComma) {
			text.WriteString(",")
		}
		text.WriteString(item.tail)
	}
	foot := l.foot
	if l.flow && len(l.items) > 0 && hasComment(l.items[len(l.items)-1].tail) && !startsLine(foot) {
		foot = l.eol + foot
	}
	text.WriteString(foot)
	if l.openEnd && foot == "" {
		return strings.TrimSuffix(text.String(), l.eol)
	}
	return text.String()
}

// hasComment is for texts that hold only white space and comments.
func hasComment(text string) bool { return strings.Contains(text, "#") }

func startsLine(text string) bool {
	return strings.ContainsAny(text[:len(text)-len(strings.TrimLeft(text, " \t\r\n"))], "\r\n")
}

// newItem writes a stage in the style of the list.
func (l *list) newItem(fields []Field) item {
	var written []string
	for _, field := range fields {
		written = append(written, field.Name+": "+scalar(field.Value))
	}
	switch {
	case l.flow:
		return item{body: "{" + strings.Join(written, ", ") + "}"}
	case l.compact:
		return item{body: l.dash + "{" + strings.Join(written, ", ") + "}" + l.eol}
	}
	return item{body: l.dash + strings.Join(written, l.eol+l.indent) + l.eol}
}

var (
	plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)
	// A bare word or number that YAML takes for something else than a text.
	notText = regexp.MustCompile(`^(?i:true|false|null|yes|no|on|off|y|n|\.?(?:inf|nan)|[0-9][0-9._xobe+-]*)$`)
)

// scalar writes a text as YAML.
func scalar(text string) string {
	if plain.MatchString(text) && !notText.MatchString(text) {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(text) + `"`
}
