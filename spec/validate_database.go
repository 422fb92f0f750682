package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/internal/instances"
)

// newestPostgres are the major versions that RDS supports at the standard
// price, and the newest minor version of each (Amazon RDS for PostgreSQL
// release notes, read 2026-11).
var newestPostgres = map[int]int{14: 22, 15: 17, 16: 13, 17: 9, 18: 3}

const (
	oldestPostgres = 14
	latestPostgres = 18
)

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
	hostPattern    = compile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	hostRegion     = compile(`\.([a-z]{2}-[a-z]+-[0-9])\.rds\.amazonaws\.com$`)
	groupPattern   = compile(`^sg-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)
)

// validate checks the database of a stage; an empty region is not known yet.
func (d Database) validate(r report, region string) {
	d.validateNames(r)
	if d.Existing != nil {
		d.validateExisting(r, region)
		return
	}
	d.validateInstance(r.field("instance"), region)
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

func (d Database) validateInstance(r report, region string) {
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
	found, known := instances.LookupDatabase(d.Instance)
	if !known {
		unknownType(r, d.Instance, what, allowed, instances.NearestDatabase(d.Instance), instances.DatabaseNames())
		return
	}
	if region != "" && isRegion(region) && !found.OfferedIn(region) {
		r.fail(r.quote(d.Instance)+" is not offered for Postgres in "+r.quote(region), "a class that the region has", "choose another class or another region")
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
	allowed := fmt.Sprintf("a major version from %d to %d, or with its minor version, as in 17.9", oldestPostgres, latestPostgres)
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
	switch newest, known := newestPostgres[major]; {
	case major < oldestPostgres:
		r.fail(r.quote(d.Version)+" is out of RDS's standard support, which makes it dearer and leaves it without fixes", allowed, "use "+defaultPostgres)
	case !known:
		r.fail(r.quote(d.Version)+" is not a version that this version of tinystack knows", allowed, "use "+defaultPostgres)
	case minor > newest:
		r.warn(fmt.Sprintf("%s is newer than %d.%d, the newest that this version of tinystack knows", r.quote(d.Version), major, newest), fmt.Sprintf("use \"%d\" to follow the minor versions", major))
	}
}

func (d Database) validateExisting(r report, region string) {
	for _, field := range []struct {
		name  string
		given bool
	}{
		{"instance", d.Instance != ""},
		{"storage", d.Storage != 0},
		{"maxStorage", d.MaxStorage != 0},
		{"version", d.Version != ""},
		{"multiAz", d.MultiAZ != nil},
		{"backupDays", d.BackupDays != 0},
		{"allowMajorUpgrade", d.AllowMajorUpgrade},
		{"backupWindow", d.BackupWindow != ""},
		{"maintenanceWindow", d.MaintenanceWindow != ""},
		{"performanceInsights", d.PerformanceInsights != nil},
		{"parameters", len(d.Parameters) > 0},
		{"logExports", len(d.LogExports) > 0},
		{"iamUser", d.IAMUser != ""},
		{"readReplicas", len(d.ReadReplicas) > 0},
		{"rotation", d.Rotation != nil},
	} {
		if field.given {
			r.field(field.name).fail("is given for an existing database", "existing, name, user, services, overrides and tunnel", "remove it, or remove existing to have a database made")
		}
	}
	d.Existing.validate(r.field("existing"), region)
}

// validate checks an existing database; an empty region is not known yet.
func (e ExistingDatabase) validate(r report, region string) {
	host, secret, group := r.field("host"), r.field("secret"), r.field("securityGroup")
	if host.required(e.Host, "the instance's endpoint address", "copy it from the RDS console, without the port") {
		host.matches(e.Host, hostPattern, "a host name", "a host name, as in main.abc123.us-east-1.rds.amazonaws.com", "give the bare host name, without port or postgres://")
		if part := hostRegion.FindStringSubmatch(e.Host); part != nil && region != "" && !isToken(region) && part[1] != region {
			host.fail(host.quote(e.Host)+" is not in the stage's region "+r.quote(region), "a database of that region", "name one, or move the stage")
		}
	}
	r.field("port").between(e.Port, 1, 65535, "a port", "", "give the port of the instance")
	if secret.required(e.Secret, "the name or ARN of a Secrets Manager secret", "name the secret that holds the password") && !isToken(e.Secret) {
		const allowed = "the name or ARN of a Secrets Manager secret, without #key"
		switch ref, err := ParseSecretRef(e.Secret); {
		case err != nil:
			secret.fail(err.Error(), allowed, secretFix(e.Secret))
		case ref.Store != SecretsManager:
			secret.fail("is not in Secrets Manager", allowed, "keep the password in Secrets Manager")
		case ref.Key != "":
			secret.fail("names a key: the password is always the key \"password\"", allowed, "remove the # and what follows it")
		case ref.Region() != "" && region != "" && !isToken(region) && ref.Region() != region:
			secret.fail(secret.quote(e.Secret)+" is not in the stage's region "+r.quote(region), allowed, "name a secret of that region")
		}
	}
	if group.required(e.SecurityGroup, "the id of a security group", "give the instance's security group") {
		group.matches(e.SecurityGroup, groupPattern, "the id of a security group", "an id, as in sg-0123456789abcdef0", "give the group's id, not its name")
	}
}
