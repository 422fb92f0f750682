package spec

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled when it is first asked: of
// all there are a declaration needs a few, and a command is to start at once.
type pattern func() *regexp.Regexp

func compile(text string) pattern {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

func (p pattern) MatchString(text string) bool { return p().MatchString(text) }

func (p pattern) FindStringSubmatch(text string) []string { return p().FindStringSubmatch(text) }
