package spec

import (
	"slices"
	"strings"
)

// Rotation changes the password of the database's user at set times, by
// a function of Secrets Manager. The stage's tasks are started anew after it.
type Rotation struct {
	// Days between two changes.
	//   - Default: 30
	//   - Allowed: 1 to 365
	//   - Change: in place
	//   - Example: 60
	Days int `yaml:"days"`

	// User is a user of the database, other than [Database.User], that the
	// services log in as in its place. It alternates with another, whose name
	// has _clone at its end, so that the password that running tasks have
	// stays valid until the change after the next. A migration has to make the
	// user. Without one the password of the master user is changed, and tasks
	// that have the old one cannot open connections until they are started anew.
	//   - Default: none
	//   - Allowed: up to 57 letters, digits and underscores, beginning with a letter, and no reserved word
	//   - Change: restarts tasks, refused where it is taken out or renamed; the credentials of the old user go
	//   - Example: clerk
	//   - See: docs/database.md
	User string `yaml:"user"`
}

func (r *Rotation) setDefaults() { fill(&r.Days, 30) }

// Alternates says whether services log in as a user that alternates with
// another.
func (d Database) Alternates() bool { return d.Rotation != nil && d.Rotation.User != "" }

// Rotates says whether the stage rotates credentials. Those of a user that
// alternates are rotated once a migration has made the user.
func (s Stage) Rotates(app App) bool {
	switch {
	case s.Database == nil || s.Database.Rotation == nil:
		return false
	case s.Database.Alternates():
		return slices.ContainsFunc(app.Services, s.MigratesDatabase)
	default:
		return true
	}
}

// Refreshes says whether the stage has to look for rotated credentials: to start
// tasks anew, or to write anew what has the password in it.
func (s Stage) Refreshes(app App) bool {
	return s.Rotates(app) && (len(s.ComposedVariables(app.Services...)) > 0 || slices.ContainsFunc(app.Services, func(service Service) bool {
		return service.Schedule == "" && s.UsesDatabase(service)
	}))
}

// cloneSuffix is what AWS's function adds to the name of a user for the one
// that takes turns with it.
const cloneSuffix = "_clone"

// validate checks the rotation of a database.
func (r Rotation) validate(in report, d Database) {
	in.field("days").between(r.Days, 1, 365, "a time between two rotations", "days", "give another number of days")
	if r.User == "" {
		return
	}
	const another = "a user that only the services log in as"
	at, name, clone := in.field("user"), r.User, r.User+cloneSuffix
	switch {
	case isToken(name):
		at.fail("is only known at deployment", another, "write the name itself: that of the secret is made of it")
	case !validatePostgresName(at, name, "user", takenUsers...):
	case !databaseName.MatchString(clone):
		at.fail(at.quote(name)+" is too long for the user that takes turns with it, which has "+cloneSuffix+" at its end", "up to 57 characters", "give a shorter name")
	case strings.HasSuffix(name, cloneSuffix):
		at.fail(at.quote(name)+" ends like a user that takes turns with another", another, "leave "+cloneSuffix+" out")
	case name == d.User || clone == d.User:
		at.fail(at.quote(name)+" is the master user, or takes turns with it, which only makes and changes the others", another, "give another name")
	case name == d.IAMUser || clone == d.IAMUser:
		at.fail(at.quote(name)+" is iamUser, or takes turns with it, whose password Postgres would refuse", another, "give another name")
	}
}

// validateAlternation checks what a user that alternates needs of the stage.
func (s Stage) validateAlternation(r report, app App) {
	if !s.Database.Alternates() {
		return
	}
	user := r.field("rotation").field("user")
	if !slices.ContainsFunc(app.Services, func(service Service) bool { return service.Migration != nil && s.UsesDatabase(service) }) {
		user.fail("is made by nobody: no service that gets the database has a migration", "a migration that makes the user", "give a service a migration that makes it (docs/database.md has the SQL), or leave user out")
	}
	for i, name := range s.Database.Overrides {
		if name == "PG_USER" || name == "PG_CREDENTIALS_SECRET" {
			r.field("overrides").item(i).fail("overrides what changes with each rotation, as rotation.user is given", "other variables of the database", "remove it, or leave rotation.user out")
		}
	}
}
