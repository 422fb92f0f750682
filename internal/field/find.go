package field

import (
	"regexp"
	"strings"
	"sync"

	"github.com/tinystack-go/tinystack/internal/suggest"
)

// index is the number of an element. It is compiled when it is first asked.
var index = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\[[0-9]*\]`) })

// Find is the field at a path, whichever element of a list that names:
// stages[2].database, stages[].database and stages.database are one.
func Find(path string) (At, bool) {
	wanted := index().ReplaceAllString(path, "")
	for _, at := range All() {
		if strings.ReplaceAll(at.Path, "[]", "") == wanted {
			return at, true
		}
	}
	return At{}, false
}

// Nearest are the paths that an unknown one was probably meant to be: those that
// end like it, or else the one that is spelt most alike. There may be none.
func Nearest(path string) []string {
	wanted := index().ReplaceAllString(strings.ToLower(path), "")
	var ending, all []string
	paths := map[string]string{} // by how they are typed
	for _, at := range All() {
		have := strings.ReplaceAll(at.Path, "[]", "")
		paths[have] = at.Path
		all = append(all, have)
		if strings.HasSuffix(strings.ToLower(have), "."+wanted) {
			ending = append(ending, at.Path)
		}
	}
	if ending != nil {
		return ending
	}
	// In a path that is right but for its end, only the ends are compared.
	parent, name, nested := cutLast(wanted)
	if at, found := Find(parent); nested && found {
		var siblings []string
		for _, below := range at.Below() {
			siblings = append(siblings, below.Name)
		}
		if near := suggest.Nearest(name, siblings); near != "" {
			return []string{at.Inside() + "." + near}
		}
	}
	if near := suggest.Nearest(wanted, all); near != "" {
		return []string{paths[near]}
	}
	return nil
}

func cutLast(path string) (before, last string, found bool) {
	if i := strings.LastIndex(path, "."); i >= 0 {
		return path[:i], path[i+1:], true
	}
	return "", path, false
}
