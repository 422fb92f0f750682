package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/yamldoc"
)

var environmentName = compile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand replaces references to the environment in a text, and says whether
// there were any, and whether all could be replaced.
func (d *decoder) expand(text string, r report, node *yamldoc.Node) (expanded string, referred, ok bool) {
	if !strings.Contains(text, "${") {
		return text, false, true
	}
	ok = true
	var out strings.Builder
	for rest := text; rest != ""; {
		at := strings.Index(rest, "${")
		if at < 0 {
			out.WriteString(rest)
			break
		}
		if at > 0 && rest[at-1] == '$' {
			out.WriteString(rest[:at-1] + "${")
			rest = rest[at+2:]
			continue
		}
		out.WriteString(rest[:at])
		name, after, closed := strings.Cut(rest[at+2:], "}")
		if !closed || !environmentName.MatchString(name) {
			d.reject(r, node, r.quote(reference(rest[at:]))+" is not a reference to an environment variable", "${NAME}", "write $${ for a literal ${")
			return "", false, false
		}
		rest = after
		referred = true
		value, set := d.lookupEnv(name)
		if !set {
			fix := fmt.Sprintf("export %s=… before this command, or write $${ for a literal ${", shorten(name))
			if slices.Contains(databaseNames, name) {
				fix = "what a stage's database has is filled into the texts of database.variables, as in DATABASE_URL: \"postgres://{user}:{password}@{host}:{port}/{name}\""
			}
			d.reject(r, node, fmt.Sprintf("the environment variable %s is not set", shorten(name)), "", fix)
			ok = false
			continue
		}
		d.origin.environment[name] = value
		if !d.spend(len(value)) {
			return "", false, false
		}
		out.WriteString(value)
	}
	if referred && ok {
		d.origin.references[r.path] = text
		if out.Len() > 0 {
			d.origin.written[out.String()] = text
		}
	}
	return out.String(), referred, ok
}

// reference is the text up to the end of what was meant to be a reference.
func reference(text string) string {
	if end := strings.IndexByte(text, '}'); end >= 0 {
		return text[:end+1]
	}
	return text
}
