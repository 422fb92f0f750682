package cost

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/internal/postgres"
)

// writtenGB is what a database writes in a month beside what comes in, and so
// what goes to a replica in another region.
var writtenGB = dec("1")

// addDatabase is a new Postgres instance with its replicas; one that was there
// is paid for already.
func (s *stage) addDatabase() {
	if !s.newDatabase() {
		return
	}
	db := s.declared.Database
	copies, with := 1, ""
	if *db.MultiAZ {
		copies, with = 2, ", with a standby"
	}
	s.addPostgres("database", db.Instance, with, "backups of the same size are free", copies, db.Storage, s.region)
	near, elsewhere := 0, 0
	for _, replica := range db.ReadReplicas {
		if replica.Region == "" {
			near++
			s.addPostgres(fmt.Sprintf("read replica %d", near), replica.Instance, "", "a copy", 1, db.Storage, s.region)
			continue
		}
		elsewhere++
		s.addPostgres("replica in "+replica.Region, replica.Instance, "", "a copy", 1, db.Storage, replica.Region)
	}
	s.addExtendedSupport(copies)
	in := s.load.inGB()
	if s.declared.Scale.Instances.Desired != nil { // not a database alone
		in = s.traffic().inGB()
	}
	s.add(Line{Resource: "changes sent to replicas in other regions", Detail: fmt.Sprintf("%s GB and what comes in, to each", writtenGB), Kind: Usage},
		writtenGB.Add(in).Mul(num(elsewhere)), priceOf("transfer-region"))
}

// addExtendedSupport is what a database that goes into extended support pays for it:
// nothing before that begins, and the line says when it does.
func (s *stage) addExtendedSupport(copies int) {
	db := s.declared.Database
	release, known := postgres.OfVersion(db.Version)
	if !db.ExtendedSupport || !known || !release.SupportEndsSoon() {
		return
	}
	vcpus := 0
	count := func(class string, copies int) {
		found, _ := instances.LookupDatabase(class)
		vcpus += copies * found.VCPU
	}
	count(db.Instance, copies)
	for _, replica := range db.ReadReplicas {
		count(replica.Instance, 1)
	}
	price, hours := priceOf("rds-extended"), hoursPerMonth.Mul(num(vcpus))
	detail := fmt.Sprintf("of Postgres %d after %s: %s, then %s a month", release.Major, release.StandardSupportEnds, phrase.Count(vcpus, "vCPU"), price.amount(hours))
	if !release.SupportEnded() {
		hours = decimal.Zero
	}
	s.addLine(Line{Resource: "extended support", Detail: detail, Kind: Fixed}, hours, price)
}

// addPostgres is an instance, or one with a standby: its hours, its storage and
// its credits.
func (s *stage) addPostgres(name, instance, with, storage string, copies, gb int, region string) {
	class := strings.TrimPrefix(instance, "db.")
	s.add(Line{Resource: name, Detail: "Postgres on " + class + with, Type: "AWS::RDS::DBInstance", Count: 1, Kind: Fixed},
		hoursPerMonth.Mul(num(copies)), databasePrice(class, region))
	resource := "storage of the " + name
	if name == "database" {
		resource = "database storage"
	}
	stored := sheet{region: region}
	stored.add(Line{Resource: resource, Detail: fmt.Sprintf("gp3, %d GB, encrypted; %s", gb, storage), Kind: Fixed},
		num(gb*copies), priceOf("rds-gp3"))
	if _, used := surplus(class, s.load.CPU); !used.IsZero() {
		stored.add(Line{Resource: "CPU credits of the " + name, Detail: fmt.Sprintf("%d %% CPU day and night is more than %s earns", s.load.CPU, class), Kind: Usage},
			used.Mul(hoursPerMonth).Mul(num(copies)), priceOf("cpu-credits-rds"))
	}
	s.lines = append(s.lines, stored.lines...)
}

// rotates says whether the password of the stage's database is changed.
func (s *stage) rotates() bool { return s.newDatabase() && s.declared.Rotates(s.app) }

// refreshes says whether a function looks for rotated credentials.
func (s *stage) refreshes() bool { return s.newDatabase() && s.declared.Refreshes(s.app) }

// migrations are the services that have one here.
func (s *stage) migrations() int {
	n := 0
	for _, service := range s.app.Services {
		if s.declared.Migrates(service) {
			n++
		}
	}
	return n
}

// functions that templates have, and what they are taken to run for.
const (
	functionGB       = "0.25"
	migrationSeconds = 60
	// refreshRuns look every five minutes, for half a second.
	refreshRuns    = 12 * 730
	refreshSeconds = "0.5"
)

// addFunctions are those of migrations, of the look at a rotated password, and
// of the delegation of a zone.
func (s *stage) addFunctions() {
	var what []string
	calls, seconds := 0, decimal.Zero
	n := s.migrations()
	if n > 0 {
		what = append(what, fmt.Sprintf("%s at each of %d builds", phrase.Count(n, "migration"), s.load.Builds))
		calls += n * s.load.Builds
		seconds = seconds.Add(num(n * s.load.Builds * migrationSeconds))
	}
	if s.refreshes() {
		n++
		what = append(what, "a look at the password every five minutes")
		calls += refreshRuns
		seconds = seconds.Add(num(refreshRuns).Mul(dec(refreshSeconds)))
	}
	if s.delegates() {
		n++
		what = append(what, "the delegation of the zone")
	}
	s.add(Line{Resource: "functions", Detail: strings.Join(what, ", "), Type: "AWS::Lambda::Function", Count: n, Kind: Usage},
		seconds.Mul(dec(functionGB)), priceOf("lambda"))
	s.add(Line{Resource: "calls of functions", Kind: Usage}, num(calls).Div(num(1_000_000)), priceOf("lambda-calls"))
	if s.rotates() {
		s.nameFree("rotation of the password, but for seconds of a function")
	}
}

// delegates says whether the stage makes a hosted zone of its own.
func (s *stage) delegates() bool {
	zone := s.declared.Endpoint.HostedZone
	return s.endpointKind() != noEndpoint && zone != nil && zone.Delegation != nil
}
