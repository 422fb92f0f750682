package field

import (
	"regexp"
	"strings"
	"sync"
)

// Bounds are what can be said of a field's values without words.
type Bounds struct {
	// Least and Most of a number or a duration, or of the number of elements of
	// a list, as YAML writes them; empty for no bound.
	Least, Most string
	// Choice lists the only values there are.
	Choice []string
}

var (
	span   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([0-9][0-9.]*[a-z]*) to ([0-9][0-9.]*[a-z]*)$`) })
	upTo   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^up to ([0-9]+)$`) })
	choice = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[A-Za-z0-9_.-]+(?:, [A-Za-z0-9_.-]+)* or [A-Za-z0-9_.-]+$`)
	})
	between = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`, | or `) })
)

// Bounds of the field, from what it says is allowed.
func (f Field) Bounds() Bounds {
	text, more, open := strings.Cut(f.Allowed, "; ")
	counts := f.List || f.Kind == Map
	switch measured := counts || f.Kind == Integer || f.Kind == Number || f.Kind == Duration; {
	case measured && span().MatchString(text):
		found := span().FindStringSubmatch(text)
		return Bounds{Least: found[1], Most: found[2]}
	case counts && upTo().MatchString(text):
		return Bounds{Most: upTo().FindStringSubmatch(text)[1]}
	case choice().MatchString(text) && !(open && strings.HasPrefix(more, "or ")) && !(open && f.List):
		return Bounds{Choice: between().Split(text, -1)}
	}
	return Bounds{}
}

// AnyText says whether the field takes every text that is not too long.
func (f Field) AnyText() bool {
	return strings.HasPrefix(f.Allowed, "any text") || f.Allowed == "shell commands"
}
