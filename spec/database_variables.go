package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/internal/suggest"
)

// DatabaseField is something about a database that a text of
// [Database.Variables] can name in braces.
type DatabaseField string

const (
	// DatabaseHost is the address of the database.
	DatabaseHost DatabaseField = "host"
	// DatabasePort is its port.
	DatabasePort DatabaseField = "port"
	// DatabaseNamed is the name of the database on the server.
	DatabaseNamed DatabaseField = "name"
	// DatabaseUser is who logs in.
	DatabaseUser DatabaseField = "user"
	// DatabasePassword is the password of that user: a secret.
	DatabasePassword DatabaseField = "password"
	// DatabaseReaderHost is the address of the first replica in the stage's region.
	DatabaseReaderHost DatabaseField = "readerHost"
)

var databaseFields = []DatabaseField{DatabaseHost, DatabasePort, DatabaseNamed, DatabaseUser, DatabasePassword, DatabaseReaderHost}

// DatabaseText is a text of [Database.Variables], taken apart. Parts are texts
// and fields by turns of any order.
type DatabaseText []DatabasePart

// DatabasePart is a piece of text, or else a field.
type DatabasePart struct {
	// Text stands as it is; empty for a field.
	Text string
	// Field is filled in; empty for a text.
	Field DatabaseField
}

// ParseDatabaseText takes a text of [Database.Variables] apart: {host}, {port},
// {name}, {user}, {password} and {readerHost} stand for what the database has,
// {{ and }} for braces. An error never holds the text.
func ParseDatabaseText(text string) (DatabaseText, error) {
	var parts DatabaseText
	var plain strings.Builder
	for rest := text; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"):
			plain.WriteByte(rest[0])
			rest = rest[2:]
		case rest[0] == '}':
			return nil, errors.New("has a } that closes nothing")
		case rest[0] == '{':
			name, after, closed := strings.Cut(rest[1:], "}")
			if !closed {
				return nil, errors.New("has a { that nothing closes")
			}
			if !slices.Contains(databaseFields, DatabaseField(name)) {
				return nil, errors.New("names something in braces that is not known of a database")
			}
			if plain.Len() > 0 {
				parts = append(parts, DatabasePart{Text: plain.String()})
				plain.Reset()
			}
			parts = append(parts, DatabasePart{Field: DatabaseField(name)})
			rest = after
		default:
			plain.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	if plain.Len() > 0 {
		parts = append(parts, DatabasePart{Text: plain.String()})
	}
	return parts, nil
}

// Has says whether the text names the field.
func (t DatabaseText) Has(field DatabaseField) bool {
	return slices.Contains(t, DatabasePart{Field: field})
}

// Secret says whether the text has something in it that only a secret knows: the
// password, and the user where that alternates with another.
func (t DatabaseText) Secret(alternates bool) bool {
	return t.Has(DatabasePassword) || alternates && t.Has(DatabaseUser)
}

// Composed says whether such a text has more in it, so that it is a secret of
// its own.
func (t DatabaseText) Composed(alternates bool) bool { return t.Secret(alternates) && len(t) > 1 }

// DatabaseVariable is a variable about the database under a name of the
// application's own.
type DatabaseVariable struct {
	// Text that it holds.
	Text DatabaseText
	// Key of it in the secret of the stage, where it is composed: its name, behind
	// that of the service which declares it for itself.
	Key string
}

// DatabaseVariables are the variables about the stage's database that the service
// gets under names of its own; the stage's win over the service's.
func (s Stage) DatabaseVariables(service Service) map[string]DatabaseVariable {
	if !s.UsesDatabase(service) {
		return nil
	}
	variables := map[string]DatabaseVariable{}
	add := func(texts map[string]string, prefix string) {
		for name, text := range texts {
			if parts, err := ParseDatabaseText(text); err == nil { // otherwise reported
				variables[name] = DatabaseVariable{parts, prefix + name}
			}
		}
	}
	add(service.DatabaseVariables, service.Name+".")
	add(s.Database.Variables, "")
	return variables
}

// ComposedVariables are the texts that are secrets of their own, by their keys in
// the secret of the stage, for all services that are given.
func (s Stage) ComposedVariables(services ...Service) map[string]DatabaseText {
	composed := map[string]DatabaseText{}
	for _, service := range services {
		for _, variable := range s.DatabaseVariables(service) {
			if variable.Text.Composed(s.Database.Alternates()) {
				composed[variable.Key] = variable.Text
			}
		}
	}
	return composed
}

// ComposesForMigrations says whether a migration gets such texts with another user
// than its service has.
func (s Stage) ComposesForMigrations(app App) bool {
	return s.Database != nil && s.Database.Alternates() && slices.ContainsFunc(app.Services, func(service Service) bool {
		return s.MigratesDatabase(service) && len(s.ComposedVariables(service)) > 0
	})
}

// withoutTLS are settings of connection strings by which clients would not ask for
// TLS, which a database that is made here requires.
var withoutTLS = compile(`(?i)\b(?:sslmode=disable|ssl=false)\b`)

// longestDatabaseText keeps all of them together below the 64 KiB of a secret.
const longestDatabaseText = 512

func validateDatabaseVariables(r report, texts map[string]string) {
	if len(texts) > mostVariables {
		r.fail(fmt.Sprintf("are %d", len(texts)), fmt.Sprintf("up to %d", mostVariables), "remove those that the application does not read")
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		at, text := r.field(name), texts[name]
		validateVariableName(at, name)
		allowed := "a text with " + phrase.List(braced(), "or") + " in it, and {{ and }} for braces"
		parts, err := ParseDatabaseText(text)
		switch {
		case isToken(text):
			at.fail("is only known at deployment", allowed, "write the text itself")
		case err != nil:
			at.fail(err.Error(), allowed, fixOfDatabaseText(text))
		case len(text) > longestDatabaseText:
			at.fail(fmt.Sprintf("has %d characters", len(text)), fmt.Sprintf("up to %d", longestDatabaseText), "shorten it")
		case !slices.ContainsFunc(parts, func(part DatabasePart) bool { return part.Field != "" }):
			at.fail("says nothing of the database", allowed, "move it to variables")
		default:
			if !parts.Has(DatabasePassword) {
				validateVariableValue(at, text)
			} else if looksSecret(text) {
				at.fail("looks like a secret (its value is not shown), and would be readable in the template", allowed, "put it into Secrets Manager and refer to it under secrets")
			}
		}
	}
}

func braced() []string {
	var names []string
	for _, field := range databaseFields {
		names = append(names, "{"+string(field)+"}")
	}
	return names
}

// fixOfDatabaseText finds a name in braces that is nearly one.
func fixOfDatabaseText(text string) string {
	for _, part := range strings.Split(text, "{")[1:] {
		name, _, closed := strings.Cut(part, "}")
		if !closed || slices.Contains(databaseFields, DatabaseField(name)) {
			continue
		}
		switch strings.ToLower(name) {
		case "database", "dbname", "db":
			return "write {name}"
		case "username":
			return "write {user}"
		case "hostname", "address":
			return "write {host}"
		}
		if near := suggest.DidYouMean("{"+name+"}", braced()); near != "" {
			return near
		}
	}
	return "name one of those, or double the braces that are meant as such"
}

// validateDatabaseTexts checks what texts about the database, each of which has
// been read, need of the database of the stage.
func (s Stage) validateDatabaseTexts(r report, texts map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		at := r.field(name)
		parts, err := ParseDatabaseText(texts[name])
		if err != nil {
			continue
		}
		in := ""
		if s.Name != "" {
			in = " of stage " + at.quote(s.Name)
		}
		if parts.Has(DatabaseReaderHost) && len(s.Database.Replicas()) == 0 {
			at.fail("names a replica, and the database"+in+" has none in its region", "{readerHost} beside database.readReplicas", "declare a replica, or write {host}")
		}
		switch {
		case s.Database.Existing == nil && withoutTLS.MatchString(texts[name]):
			at.fail("turns TLS off, which the database"+in+" requires", "sslmode=require, or what else asks for TLS", "write sslmode=require, or leave it out")
		case s.Database.Existing != nil && parts.Composed(false):
			at.fail("puts the password of an existing database into a text: whether that password may stand in one as it is, and when it changes, only its owner knows", "{password} alone",
				"keep the whole text as a key of the database's secret, and refer to it under secrets, as in "+"secrets: {DATABASE_URL: prod/books/database#url}")
		}
	}
}

// validateDatabaseServices reports services that name what they never get.
func (a App) validateDatabaseServices(r report) {
	for i, service := range a.Services {
		if len(service.DatabaseVariables) > 0 && !slices.ContainsFunc(a.Stages, func(s Stage) bool { return s.UsesDatabase(service) }) {
			r.item(i).field("databaseVariables").fail("has no database: no stage gives the service one", "", "declare a database for a stage, and the service among database.services where that is given, or remove this")
		}
	}
}
