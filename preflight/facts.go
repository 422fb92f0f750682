package preflight

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/internal/postgres"
)

// What AWS offers changes every week, and the tables that this looks into are of
// one day. So nothing here is an error: what the tables do not know may be there
// by now, and each finding says of which day its table is.

// offers looks at whether AWS has what the stage asks for.
func (s staged) offers() {
	if t, known := instances.Lookup(s.Scale.Instance); known {
		if !t.OfferedIn(s.Region) {
			s.add(finding.NotOffered, ".scale.instance", fmt.Sprintf("%s did not offer %s on %s", s.Region, t.Name, instances.OfferingsDate()),
				"where it still does not, the Auto Scaling group starts no instance, and the deployment waits and is rolled back",
				"choose another type or another region, or accept this where `aws ec2 describe-instance-type-offerings --region "+s.Region+"` lists the type")
		}
		if t.GPUs > 0 {
			s.add(finding.GPUUnused, ".scale.instance", t.Name+" has GPUs, and no service can use them",
				"the instances start from an image without a driver for them, and no service reserves one: they are paid for, and idle",
				"take a type without GPUs")
		}
	}
	if !s.NewDatabase() {
		return
	}
	s.databaseOffers(".database", s.Database.Instance, s.Region)
	for i, replica := range s.Database.ReadReplicas {
		s.databaseOffers(fmt.Sprintf(".database.readReplicas[%d]", i), replica.Instance, cmp.Or(replica.Region, s.Region))
	}
	s.postgres()
}

func (s staged) databaseOffers(path, class, region string) {
	if d, known := instances.LookupDatabase(class); known && !d.OfferedIn(region) {
		s.add(finding.NotOffered, path+".instance", fmt.Sprintf("%s did not offer %s for Postgres on %s", region, d.Name, instances.DatabaseOfferingsDate()),
			"where it still does not, RDS refuses to create the database, and the deployment is rolled back",
			"choose another class or another region, or accept this where `aws rds describe-orderable-db-instance-options --engine postgres --region "+region+"` lists the class")
	}
}

// postgres looks at the version of the database.
func (s staged) postgres() {
	major, minor, both := strings.Cut(s.Database.Version, ".")
	number, _ := strconv.Atoi(major)
	release, known := postgres.Find(number)
	if !known {
		return
	}
	if endsSoon(release.StandardSupportEnds) {
		s.add(finding.PostgresSupport, ".database.version", fmt.Sprintf("RDS ends its standard support of Postgres %d on %s", release.Major, release.StandardSupportEnds),
			"from then on extended support costs a surcharge for every vCPU-hour ($0.10 in us-east-1, in the third year $0.20), more than a small instance itself",
			"use 17, or plan the upgrade before that day")
	}
	if given, err := strconv.Atoi(minor); both && err == nil && given < release.Oldest {
		s.add(finding.PostgresRetired, ".database.version", fmt.Sprintf("RDS creates no database of Postgres %s any more: of %d, %d.%d is the oldest (read %s)", s.Database.Version, release.Major, release.Major, release.Oldest, postgres.Read),
			"a new database is refused, and one that runs it is upgraded in its maintenance window, whatever is declared",
			fmt.Sprintf("write %q to follow the minor versions, or %d.%d", major, release.Major, release.Newest))
	}
}

// endpointsRead is when the lists below were read, and from what.
const endpointsRead = "the AWS SDKs' list of endpoints, read 2026-11"

// without are the regions in which a service that a pipeline consists of is not
// listed.
var without = []struct {
	service string
	regions []string
}{
	{"CodePipeline", []string{"ap-east-2", "ap-southeast-7", "ca-west-1", "mx-central-1"}},
	{"CodeBuild", []string{"ap-east-2", "ca-west-1", "mx-central-1"}},
	{"CodeCommit", []string{"ap-east-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-2", "mx-central-1"}},
}

// pipelineOffers looks at whether the pipeline's region has what it consists of.
func (c *check) pipelineOffers() {
	region := c.app.Pipeline.Region
	var missing []string
	for _, list := range without {
		used := list.service != "CodeCommit" || c.app.Source != nil && c.app.Source.CodeCommit != ""
		if used && slices.Contains(list.regions, region) {
			missing = append(missing, list.service)
		}
	}
	if len(missing) == 0 {
		return
	}
	c.add(finding.PipelineRegion, nil, "pipeline.region", fmt.Sprintf("%s is not among the regions with %s (%s)", region, phrase.List(missing, "and"), endpointsRead),
		"where it still is not, the pipeline cannot be deployed", "put the pipeline into another region: its stages can stay where they are")
}

// endsSoon says whether the date is past, or within a year of the table's own.
func endsSoon(date string) bool {
	year, _ := strconv.Atoi(postgres.Read[:4])
	return date < fmt.Sprintf("%d%s-32", year+1, postgres.Read[4:])
}
