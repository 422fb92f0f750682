package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/postgres"
)

// Database is a Postgres database: a new instance, or with [Database.Existing]
// one that is there already.
type Database struct {
	// Instance is the RDS instance class without "db.".
	//   - Default: t4g.micro
	//   - Allowed: an instance class that RDS offers for Postgres
	//   - Change: in place; at once, with a restart of some minutes, or seconds where there is a standby
	//   - Example: m7g.large
	Instance string `yaml:"instance"`

	// Storage in GB.
	//   - Default: 20
	//   - Allowed: 20 to 65536
	//   - Change: in place; without interruption, and after a change there is none for six hours. To shrink it is refused: RDS cannot
	//   - Example: 100
	Storage int `yaml:"storage"`

	// MaxStorage in GB up to which storage grows by itself, at least 1.1 times
	// [Database.Storage].
	//   - Default: twice the storage, up to 65536
	//   - Allowed: 22 to 65536
	//   - Change: in place; without interruption
	//   - Example: 200
	MaxStorage int `yaml:"maxStorage"`

	// Version of Postgres: a major version ("17") follows AWS's minor versions
	// in the maintenance window, "17.9" stays that one.
	//   - Default: 17
	//   - Allowed: a major version from 14 to 18, or with its minor version
	//   - Change: in place; a restart of minutes. A major version also needs allowMajorUpgrade, takes minutes to an hour without the database, and cannot be taken back
	//   - Example: "17.9"
	//   - See: docs/database.md
	Version string `yaml:"version"`

	// Name of the database on the server.
	//   - Default: the application's name, with underscores for hyphens
	//   - Allowed: up to 63 letters, digits and underscores, beginning with a letter, and no reserved word
	//   - Change: refused, restarts tasks; it would make a new, empty database
	//   - Example: books
	Name string `yaml:"name"`

	// User is the master user.
	//   - Default: postgres
	//   - Allowed: up to 63 letters, digits and underscores, beginning with a letter, and no reserved word
	//   - Change: refused, restarts tasks; it would make a new, empty database
	//   - Example: owner
	User string `yaml:"user"`

	// MultiAZ keeps a standby in another availability zone. It doubles the
	// price.
	//   - Default: false
	//   - Change: in place; without interruption
	//   - Example: true
	MultiAZ *bool `yaml:"multiAz"`

	// BackupDays is how many days automatic backups are kept.
	//   - Default: 7 in production, otherwise 1
	//   - Allowed: 1 to 35
	//   - Change: in place; without interruption
	//   - Example: 14
	BackupDays int `yaml:"backupDays"`

	// AllowMajorUpgrade lets a change of [Database.Version] cross a major
	// version. RDS refuses that otherwise; there is no way back.
	//   - Default: false
	//   - Change: in place
	//   - Example: true
	AllowMajorUpgrade bool `yaml:"allowMajorUpgrade"`

	// BackupWindow is when the daily backup is made, in UTC.
	//   - Default: AWS chooses
	//   - Allowed: half an hour or more, as in 02:00-02:30
	//   - Change: in place; without interruption
	//   - Example: "02:00-02:30"
	BackupWindow string `yaml:"backupWindow"`

	// MaintenanceWindow is when AWS may do maintenance, such as minor upgrades,
	// in UTC; it must not meet [Database.BackupWindow].
	//   - Default: AWS chooses
	//   - Allowed: half an hour to a day, as in sun:03:00-sun:04:00
	//   - Change: in place; without interruption
	//   - Example: sun:03:00-sun:04:00
	MaintenanceWindow string `yaml:"maintenanceWindow"`

	// ExtendedSupport keeps a major version running after RDS's standard support
	// of it has ended, for a surcharge on every vCPU-hour. Without it RDS upgrades
	// the database to a supported major version then, whatever is declared.
	//   - Default: false
	//   - Change: refused; CloudFormation does not change it of an instance that is there. Do it with aws rds modify-db-instance
	//   - Example: true
	//   - See: docs/database.md
	ExtendedSupport bool `yaml:"extendedSupport"`

	// DatabaseInsights records for seven days, free of charge, what the database's
	// load consists of: CloudWatch Database Insights in its standard mode, which
	// was called Performance Insights.
	//   - Default: true in production, otherwise false
	//   - Change: in place; without interruption
	//   - Example: true
	DatabaseInsights *bool `yaml:"databaseInsights" also:"performanceInsights,insights"`

	// Parameters of Postgres, by their names in RDS; rds.force_ssl is always 1:
	// TLS is required.
	//   - Default: RDS's own
	//   - Allowed: lower-case names of letters, digits, underscores and dots, and values that are not empty
	//   - Change: in place; those that Postgres reads only at its start wait for a reboot (aws rds reboot-db-instance)
	//   - Example: {log_min_duration_statement: "500"}
	Parameters map[string]string `yaml:"parameters"`

	// LogExports are the logs of Postgres that are sent to CloudWatch.
	//   - Default: [postgresql]
	//   - Allowed: postgresql, upgrade or iam-db-auth-error
	//   - Change: in place; without interruption
	//   - Example: [postgresql, upgrade]
	LogExports []string `yaml:"logExports"`

	// IAMUser is a user of the database, other than [Database.User], that the
	// containers may log in as with a token of their task role in place of a
	// password. It has to be made in the database: CREATE USER … ; GRANT rds_iam
	// TO … .
	//   - Default: none: IAM authentication is off
	//   - Allowed: up to 63 letters, digits and underscores, beginning with a letter
	//   - Change: in place; without interruption
	//   - Example: clerk
	//   - See: docs/database.md
	IAMUser string `yaml:"iamUser"`

	// ReadReplicas are copies that can be read from. Of those in the stage's
	// region the containers get the addresses.
	//   - Default: none
	//   - Allowed: up to 15
	//   - Change: restarts tasks; replicas come and go, and the database stays
	//   - Example: [{}]
	//   - See: docs/database.md
	ReadReplicas []ReadReplica `yaml:"readReplicas"`

	// Tunnel lets people reach the database from their computers through
	// a container instance, with Session Manager: the stack's output
	// DatabaseTunnel is the command. Whoever may start a session can also open
	// a shell on the instances.
	//   - Default: false
	//   - Change: in place; running instances learn of it in half an hour
	//   - Example: true
	//   - See: docs/database.md
	Tunnel bool `yaml:"tunnel"`

	// Rotation changes the password again and again.
	//   - Default: none
	//   - Change: in place
	//   - Example: {days: 60}
	//   - See: docs/database.md
	Rotation *Rotation `yaml:"rotation"`

	// Services are the names of those that get the database: its address and
	// password in their environment.
	//   - Default: all whose stageConfig is true
	//   - Allowed: names of services, each once
	//   - Change: restarts tasks
	//   - Example: [web]
	Services []string `yaml:"services"`

	// Overrides names those of the database's variables, as in PG_USER, that
	// a variable or secret of the same name in the declaration replaces; any
	// other of the same name is an error.
	//   - Default: none
	//   - Allowed: PG_CREDENTIALS_SECRET, PG_DATABASE, PG_HOST, PG_PORT or PG_USER; with replicas also PG_READER_HOST, PG_READER_HOSTS and PG_READER_PORT
	//   - Change: restarts tasks
	//   - Example: [PG_DATABASE]
	//   - See: docs/database.md
	Overrides []string `yaml:"overrides"`

	// Variables are the database under the application's own names: texts in
	// which {host}, {port}, {name}, {user}, {password} and {readerHost} (of the
	// first replica) are filled in; {{ and }} are braces. One that has the
	// password in it is a secret, made at the deployment and again at each
	// rotation; it is in no template. Services can declare more for themselves:
	// [Service.DatabaseVariables].
	//   - Default: none: the containers get PG_HOST, PG_PORT, PG_DATABASE, PG_USER and PG_CREDENTIALS_SECRET, as they do beside others
	//   - Allowed: up to 100 names of variables; texts of up to 512 characters with at least one of those in braces
	//   - Change: restarts tasks
	//   - Example: {DATABASE_URL: "postgres://{user}:{password}@{host}:{port}/{name}?sslmode=require"}
	//   - See: docs/database.md
	Variables map[string]string `yaml:"variables" also:"env,environment"`

	// Existing attaches a database that is there already; of the other
	// fields only name, user, services, variables, overrides and tunnel are then
	// allowed.
	//   - Default: none: a new instance
	//   - Change: by field
	//   - Example: {host: main.abc123.us-east-1.rds.amazonaws.com, secret: prod/books/database, securityGroup: sg-0123456789abcdef0}
	//   - See: docs/database.md
	Existing *ExistingDatabase `yaml:"existing"`
}

const (
	defaultPostgres      = "17"
	defaultPostgresPort  = 5432
	defaultPostgresUser  = "postgres"
	defaultDatabaseClass = "t4g.micro"

	// What RDS allows for gp3 storage of Postgres, in GB.
	defaultStorageGB = 20
	largestStorageGB = 65536

	productionBackupDays = 7
	otherBackupDays      = 1
)

func (d *Database) setDefaults(app App, production bool) {
	fill(&d.Name, strings.ReplaceAll(app.Name, "-", "_"))
	fill(&d.User, defaultPostgresUser)
	if d.Existing != nil {
		fill(&d.Existing.Port, defaultPostgresPort)
		return
	}
	fill(&d.Instance, defaultDatabaseClass)
	fill(&d.Storage, defaultStorageGB)
	fill(&d.MaxStorage, min(2*d.Storage, largestStorageGB))
	fill(&d.Version, defaultPostgres)
	fillPtr(&d.MultiAZ, false)
	fillPtr(&d.DatabaseInsights, production)
	if len(d.LogExports) == 0 {
		d.LogExports = []string{LogPostgres}
	}
	for i := range d.ReadReplicas {
		fill(&d.ReadReplicas[i].Instance, d.Instance)
	}
	if d.Rotation != nil {
		d.Rotation.setDefaults()
	}
	if production {
		fill(&d.BackupDays, productionBackupDays)
	}
	fill(&d.BackupDays, otherBackupDays)
}

// Complete fills in the defaults of a database.
func (d Database) Complete(production bool) (Database, error) {
	d = clone(d)
	fill(&d.Name, defaultPostgresUser)
	d.setDefaults(App{}, production)
	r := newReport(nil)
	d.validate(r, "")
	return d, r.errors()
}

// postgresWords are the key words that PostgreSQL 17 reserves ("SQL Key
// Words", PostgreSQL documentation), which RDS refuses as names.
var postgresWords = strings.Fields(`
	all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
	collation column concurrently constraint create cross current_catalog current_date current_role
	current_schema current_time current_timestamp current_user default deferrable desc distinct do else end
	except false fetch for foreign freeze from full grant group having ilike in initially inner intersect
	into is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null
	offset on only or order outer overlaps placing primary references returning right select session_user
	similar some symmetric system_user table tablesample then to trailing true union unique user using
	variadic verbose when where window with`)

var (
	databaseName   = compile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)
	versionPattern = compile(`^([0-9]{1,2})(?:\.([0-9]{1,2}))?$`)
)

// validate checks the database of a stage; an empty region is not known yet.
func (d Database) validate(r report, region string) {
	d.validateNames(r)
	validateDatabaseVariables(r.field("variables"), d.Variables)
	if d.Existing != nil {
		d.validateExisting(r, region)
		return
	}
	d.validateInstance(r.field("instance"))
	if r.field("storage").between(d.Storage, defaultStorageGB, largestStorageGB, "a size of a database", "GB", "give another size; it can grow later, never shrink") {
		d.validateMaxStorage(r.field("maxStorage"))
	}
	d.validateVersion(r.field("version"))
	r.field("backupDays").between(d.BackupDays, 1, 35, "a time to keep backups", "days", "give another number of days")
	d.validateOperation(r, region)
}

// takenUsers are users that RDS makes, and words it refuses as such.
var takenUsers = []string{"rdsadmin", "admin", "rds_superuser", "rds_replication", "rds_password", "rds_iam", "rdsrepladmin", "rdstopmgr", "public", "none"}

// validatePostgresName checks the name of a database or user, and says whether
// it is one.
func validatePostgresName(at report, name, what string, taken ...string) bool {
	const allowed = "up to 63 letters, digits and underscores, beginning with a letter"
	lower := strings.ToLower(name)
	switch {
	case isToken(name):
	case !databaseName.MatchString(name):
		at.fail(at.quote(name)+" is not the name of a "+what, allowed, "replace hyphens by underscores, and leave other characters out")
		return false
	case slices.Contains(postgresWords, lower):
		at.fail(at.quote(name)+" is a reserved word of PostgreSQL", allowed, "declare another name, such as app_"+what)
		return false
	case slices.Contains(taken, lower) || strings.HasPrefix(lower, "pg_"):
		at.fail(at.quote(name)+" is reserved by PostgreSQL or RDS", allowed, "declare another name")
		return false
	}
	return true
}

func (d Database) validateNames(r report) {
	// The default is made of the application's name, which has problems of
	// its own then.
	if d.Name != "" {
		validatePostgresName(r.field("name"), d.Name, "database", "rdsadmin", "template0", "template1")
	}
	if d.User != "" {
		validatePostgresName(r.field("user"), d.User, "user", takenUsers...)
	}
}

func (d Database) validateInstance(r report) {
	if isToken(d.Instance) {
		return
	}
	const what, allowed = "an RDS instance class", "a class, as in t4g.micro"
	if bare, prefixed := strings.CutPrefix(d.Instance, "db."); prefixed {
		fix := "remove the db."
		if r.plain(d.Instance) {
			fix = "write " + bare
		}
		r.fail(r.quote(d.Instance)+" begins with \"db.\"", allowed, fix)
		return
	}
	if _, known := instances.LookupDatabase(d.Instance); !known {
		unknownType(r, d.Instance, what, allowed, instances.NearestDatabase(d.Instance), instances.DatabaseNames())
	}
}

func (d Database) validateMaxStorage(r report) {
	least := (d.Storage*11 + 9) / 10
	switch {
	case d.MaxStorage < least:
		r.fail(fmt.Sprintf("%s GB are less than 1.1 × the storage, which RDS needs to grow it", r.show(d.MaxStorage)), fmt.Sprintf("%d to %d GB", least, largestStorageGB), fmt.Sprintf("give %d or more", least))
	case d.MaxStorage > largestStorageGB:
		r.between(d.MaxStorage, least, largestStorageGB, "a size of a database", "GB", "give another size")
	}
}

func (d Database) validateVersion(r report) {
	allowed := fmt.Sprintf("a major version from %d to %d, or with its minor version, as in 17.9", postgres.OldestMajor(), postgres.LatestMajor())
	if isToken(d.Version) {
		return
	}
	parts := versionPattern.FindStringSubmatch(d.Version)
	if parts == nil {
		r.fail(r.quote(d.Version)+" is not a version of Postgres", allowed, "use "+defaultPostgres)
		return
	}
	major, _ := strconv.Atoi(parts[1])
	minor, _ := strconv.Atoi(parts[2])
	switch release, known := postgres.Find(major); {
	case major < postgres.OldestMajor():
		r.fail(r.quote(d.Version)+" is out of RDS's standard support, which makes it dearer and leaves it without fixes", allowed, "use "+defaultPostgres)
	case !known:
		r.fail(r.quote(d.Version)+" is not a version that this version of tinystack knows", allowed, "use "+defaultPostgres)
	case minor > release.Newest:
		r.warn(fmt.Sprintf("%s is newer than %d.%d, the newest that this version of tinystack knows", r.quote(d.Version), major, release.Newest), fmt.Sprintf("use \"%d\" to follow the minor versions", major))
	}
}

// NewDatabase says whether the stage has a database of its own.
func (s Stage) NewDatabase() bool { return s.Database != nil && s.Database.Existing == nil }
