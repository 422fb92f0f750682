package spec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// The logs of Postgres that RDS sends to CloudWatch.
const (
	LogPostgres  = "postgresql"
	LogUpgrade   = "upgrade"
	LogIAMErrors = "iam-db-auth-error"
)

// mostReplicas is what RDS allows for one source.
const mostReplicas = 15

var (
	parameterKey      = compile(`^[a-z][a-z0-9_.]{0,254}$`)
	backupWindow      = compile(`^([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])$`)
	maintenanceWindow = compile(`^(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):([0-5][0-9])-(mon|tue|wed|thu|fri|sat|sun):([01][0-9]|2[0-3]):([0-5][0-9])$`)
)

// validateOperation checks how a new database is run.
func (d Database) validateOperation(r report, region string) {
	d.validateWindows(r)
	parameters := r.field("parameters")
	for _, name := range slices.Sorted(maps.Keys(d.Parameters)) {
		at := parameters.field(name)
		switch {
		case name == "rds.force_ssl":
			at.fail("is set already, to 1: TLS is always required", "other parameters", "remove it, and connect with TLS")
		case !parameterKey.MatchString(name):
			at.fail("is not the name of a parameter", "lower-case letters, digits, underscores and dots", "give the name as RDS has it, as in work_mem")
		case d.Parameters[name] == "":
			at.fail("is empty", "a value", "give a value, or remove it for RDS's own")
		}
		validateVariableValue(at, d.Parameters[name])
	}
	seen := map[string]bool{}
	for i, log := range d.LogExports {
		at := r.field("logExports").item(i)
		if oneOf(at, log, "a log of Postgres", LogPostgres, LogUpgrade, LogIAMErrors) && seen[log] {
			at.fail("is given twice", "each log once", "remove one of the two")
		}
		seen[log] = true
	}
	if d.IAMUser != "" {
		user := r.field("iamUser")
		if user.matches(d.IAMUser, databaseName, "the name of a user", "up to 63 letters, digits and underscores, beginning with a letter", "give another name") && d.IAMUser == d.User {
			user.fail(user.quote(d.IAMUser)+" is the master user, whose password Postgres would refuse from then on", "another user", "make a user in the database, and name that")
		}
	}
	replicas := r.field("readReplicas")
	if len(d.ReadReplicas) > mostReplicas {
		replicas.fail(fmt.Sprintf("%d replicas are declared", len(d.ReadReplicas)), fmt.Sprintf("up to %d", mostReplicas), "declare fewer")
	}
	for i, replica := range d.ReadReplicas {
		replica.validate(replicas.item(i), region)
		if replica.Region != "" && slices.ContainsFunc(d.ReadReplicas[:i], func(other ReadReplica) bool { return other.Region == replica.Region }) {
			where := replicas.item(i).field("region")
			where.fail(where.quote(replica.Region)+" has a replica already", "one replica in each other region", "remove one of the two")
		}
	}
	if d.Rotation != nil {
		d.Rotation.validate(r.field("rotation"), d)
	}
}

const (
	dayMinutes  = 24 * 60
	weekMinutes = 7 * dayMinutes
)

// timespan is a time of the week, in minutes from Monday on.
type timespan struct{ start, length int }

func (s timespan) meets(other timespan) bool {
	// Either begins within the other.
	return (other.start-s.start+weekMinutes)%weekMinutes < s.length || (s.start-other.start+weekMinutes)%weekMinutes < other.length
}

func (d Database) validateWindows(r report) {
	const least = 30
	var backup, maintenance *timespan
	clock := func(hour, minute string) int {
		h, _ := strconv.Atoi(hour)
		m, _ := strconv.Atoi(minute)
		return 60*h + m
	}
	check := func(at report, s timespan, most int, allowed string) *timespan {
		if s.length < least || s.length > most {
			at.fail(fmt.Sprintf("lasts %d minutes", s.length), allowed, "give another window")
			return nil
		}
		return &s
	}
	if at := r.field("backupWindow"); d.BackupWindow != "" {
		const allowed = "half an hour or more in UTC, as in 02:00-02:30"
		if at.matches(d.BackupWindow, backupWindow, "a time of the day", allowed, "write both times as hh:mm") {
			if part := backupWindow.FindStringSubmatch(d.BackupWindow); part != nil {
				start, end := clock(part[1], part[2]), clock(part[3], part[4])
				backup = check(at, timespan{start, (end - start + dayMinutes) % dayMinutes}, dayMinutes, allowed)
			}
		}
	}
	if at := r.field("maintenanceWindow"); d.MaintenanceWindow != "" {
		const allowed = "half an hour to a day in UTC, as in sun:03:00-sun:04:00"
		if at.matches(d.MaintenanceWindow, maintenanceWindow, "a time of the week", allowed, "write both ends as ddd:hh:mm") {
			if part := maintenanceWindow.FindStringSubmatch(d.MaintenanceWindow); part != nil {
				start := slices.Index(weekdays, part[1])*dayMinutes + clock(part[2], part[3])
				end := slices.Index(weekdays, part[4])*dayMinutes + clock(part[5], part[6])
				maintenance = check(at, timespan{start, (end - start + weekMinutes) % weekMinutes}, dayMinutes, allowed)
			}
		}
	}
	if backup == nil || maintenance == nil {
		return
	}
	for day := range 7 {
		if maintenance.meets(timespan{backup.start + day*dayMinutes, backup.length}) {
			at := r.field("maintenanceWindow")
			at.fail(at.quote(d.MaintenanceWindow)+" meets the backup window "+r.quote(d.BackupWindow), "windows that do not meet", "move one of the two")
			return
		}
	}
}
