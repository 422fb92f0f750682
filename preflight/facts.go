package preflight

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/internal/course"
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
		if series, generation := instances.Generation(t.Name); series == "a" && generation == 1 && s.Scale.Image == "" {
			s.add(finding.ImageUnsupported, ".scale.instance", t.Name+" has a first generation Graviton processor, which the machine image does not run on",
				"Amazon Linux 2023 wants ARMv8.2: the instances start and never register with the cluster, and the deployment is rolled back",
				"use "+graviton+", of a later Graviton, or declare a scale.image that runs there")
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
	release, known := postgres.OfVersion(s.Database.Version)
	if !known {
		return
	}
	if release.SupportEndsSoon() {
		becomes, do := "RDS then upgrades the database to a supported major version by itself, at a time of its own, without a check that the application goes on with it, and CloudFormation goes on declaring the old one",
			"plan the upgrade before that day (docs/database.md), or set database.extendedSupport before the database is made"
		if s.Database.ExtendedSupport {
			becomes, do = "from then on extended support costs a surcharge for every vCPU-hour ($0.10 in us-east-1, in the third year $0.20), more than a small instance itself",
				"plan the upgrade before that day (docs/database.md)"
		}
		s.add(finding.PostgresSupport, ".database.version", fmt.Sprintf("RDS ends its standard support of Postgres %d on %s", release.Major, release.StandardSupportEnds), becomes, do)
	}
	major, minor, both := strings.Cut(s.Database.Version, ".")
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
	{codeConnections, []string{"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-2", "il-central-1", "me-central-1", "me-south-1", "mx-central-1"}},
	{"CodeCommit", []string{"ap-east-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-2", "mx-central-1"}},
}

// codeConnections carries GitHub, GitLab and Bitbucket to the pipeline.
const codeConnections = "CodeConnections"

// uses says whether the pipeline consists of that service, too.
func (c *check) uses(service string) bool {
	source := c.app.Source
	switch service {
	case "CodeCommit":
		return source != nil && source.CodeCommit != ""
	case codeConnections:
		return source != nil && source.Connection != ""
	}
	return true
}

// pipelineOffers looks at whether the pipeline's region has what it consists of.
func (c *check) pipelineOffers() {
	region := c.app.Pipeline.Region
	var missing []string
	for _, list := range without {
		if c.uses(list.service) && slices.Contains(list.regions, region) {
			missing = append(missing, list.service)
		}
	}
	if len(missing) == 0 {
		c.armBuilds(region)
		return
	}
	c.add(finding.PipelineRegion, nil, "pipeline.region", fmt.Sprintf("%s is not among the regions with %s (%s)", region, phrase.List(missing, "and"), endpointsRead),
		"where it still is not, the pipeline cannot be deployed", "put the pipeline into another region: its stages can stay where they are")
}

// buildsOnARM are the regions in which CodeBuild's API reference has build machines
// with ARM processors (ProjectEnvironment, read 2026-11). They are more in practice.
var buildsOnARM = []string{
	"ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "eu-central-1", "eu-west-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-2",
}

// armBuilds looks at whether images for ARM can be built in the pipeline's region.
func (c *check) armBuilds(region string) {
	if !c.arm64() || len(course.Built(c.app)) == 0 || slices.Contains(buildsOnARM, region) {
		return
	}
	c.add(as(finding.PipelineRegion, Notice), nil, "pipeline.region", region+" is not among the regions for which CodeBuild's API reference names build machines with ARM processors (read 2026-11)",
		"where it has none, no image is built", "put the pipeline into another region, or run the stages on instances with x86_64 processors")
}
