package spec

import "slices"

// The logs of Postgres that RDS sends to CloudWatch.
const (
	LogPostgres  = "postgresql"
	LogUpgrade   = "upgrade"
	LogIAMErrors = "iam-db-auth-error"
)

// ReadReplica is a copy of a database that follows it and can be read from.
type ReadReplica struct {
	// Instance is the RDS instance class without "db.". Default: that of the
	// database.
	Instance string `yaml:"instance"`

	// Region of the replica, where that is not the stage's: a provision for the
	// loss of that region, in a network and with a key of its own there. The
	// stage's services do not get its address. One in each region; a canary
	// has none of these.
	// Default: the stage's.
	Region string `yaml:"region"`
}

func (r ReadReplica) elsewhere() bool { return r.Region != "" }

// Rotation changes the password of the database's user at set times, by
// a function of Secrets Manager. The stage's tasks are started anew after it.
type Rotation struct {
	// Days between two changes, 1 to 365. Default: 30.
	Days int `yaml:"days"`

	// User is a user of the database, other than Database.User, that the
	// services log in as in its place. It alternates with another, whose name
	// has _clone at its end, so that the password that running tasks have
	// stays valid until the change after the next. A migration has to make the
	// user: see docs/database.md. Up to 57 letters, digits and underscores.
	// Default: none: the password of Database.User is changed, and tasks that
	// have the old one cannot open connections until they are started anew.
	User string `yaml:"user"`
}

func (r *Rotation) setDefaults() { fill(&r.Days, 30) }

// databaseNames are the variables that a stage's database can set.
var databaseNames = []string{"PG_CREDENTIALS_SECRET", "PG_DATABASE", "PG_HOST", "PG_PORT", "PG_READER_HOST", "PG_READER_HOSTS", "PG_READER_PORT", "PG_USER"}

// appNames are the variables that only migrations get, where the services' user
// alternates: they are to make that user.
var appNames = []string{"PG_APP_CREDENTIALS_SECRET", "PG_APP_ROLE", "PG_APP_USER"}

// readerNames are those that only replicas bring.
var readerNames = []string{"PG_READER_HOST", "PG_READER_HOSTS", "PG_READER_PORT"}

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

// MigratesDatabase says whether a migration of the service runs in the stage
// and gets the database.
func (s Stage) MigratesDatabase(service Service) bool {
	return s.UsesDatabase(service) && s.Migrates(service)
}

// Replicas are the database's replicas in the region of its stage.
func (d Database) Replicas() []ReadReplica {
	return slices.DeleteFunc(slices.Clone(d.ReadReplicas), ReadReplica.elsewhere)
}

// names are the variables that the database sets.
func (d Database) names() []string {
	if len(d.Replicas()) > 0 {
		return databaseNames
	}
	return slices.DeleteFunc(slices.Clone(databaseNames), func(name string) bool { return slices.Contains(readerNames, name) })
}

// UsesDatabase says whether the service gets the stage's database.
func (s Stage) UsesDatabase(service Service) bool {
	switch {
	case s.Database == nil:
		return false
	case len(s.Database.Services) > 0:
		return slices.Contains(s.Database.Services, service.Name)
	default:
		return value(service.StageConfig)
	}
}

// DatabaseNames are the variables that the stage's database sets in the
// containers of the service: not those that the declaration overrides, and
// declares itself.
func (s Stage) DatabaseNames(service Service) []string {
	if !s.UsesDatabase(service) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.Database.names()), func(name string) bool {
		return slices.Contains(s.Database.Overrides, name) && s.declares(service, name)
	})
}

// declares says whether the environment that is declared for the service in the
// stage has a variable or secret of that name.
func (s Stage) declares(service Service, name string) bool {
	sets := []map[string]string{service.Variables, service.Secrets}
	if value(service.StageConfig) {
		sets = append(sets, s.Variables, s.Secrets)
	}
	return slices.ContainsFunc(sets, func(set map[string]string) bool {
		_, declared := set[name]
		return declared
	})
}
