package preflight

import (
	"fmt"
	"slices"

	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/spec"
)

// database looks at the stage's data.
func (s staged) database() {
	db := s.Database
	switch {
	case db == nil:
		return
	case db.Existing != nil:
		s.add(finding.SharedDatabase, ".database.existing", "the stage shares a database that is there already",
			"the stage adds a rule to the security group of the database, and nothing else to it: AWS checks none of the rest before a task fails",
			"see that the database is in the declared VPC, that its secret has the key \"password\" and is in the stage's account and region (or shared with the account, with its KMS key), and that the user may connect with TLS")
		return
	}
	if *s.Scale.Tasks.Max == 0 {
		s.add(finding.AsleepDatabase, ".database", "a stage that runs nothing keeps a database",
			"instances and tasks cost nothing at zero; the database costs what it always does", "remove the database (removal: snapshot keeps its data), or stop the stage altogether")
	}
	if !s.real() {
		return
	}
	if db.Rotation != nil && db.IAMUser == "" && s.running() {
		s.add(finding.RotationGap, ".database.rotation", "the password changes while tasks use it",
			"connections stay, but for up to five minutes, until tasks are started anew, no new one succeeds with the old password", "log in as a database.iamUser, by tokens in place of the password, or accept the gap")
	}
	if !*db.MultiAZ {
		s.add(finding.NoMultiAZ, ".database.multiAz", "the database of a production stage has no standby",
			"when its zone or its disk fails, it is down until it is restored, and each maintenance is a downtime of minutes", "set multiAz: true, for twice the price of the database")
	}
	if db.BackupDays < leastBackupDays {
		s.add(finding.ShortBackups, ".database.backupDays", fmt.Sprintf("backups of a production stage are kept for %s", phrase.Count(db.BackupDays, "day")),
			"damage that nobody notices in that time cannot be undone", fmt.Sprintf("keep %d days or more", leastBackupDays))
	}
}

// migrations looks at whom they meet.
func (s staged) migrations() {
	if !s.real() {
		return
	}
	var migrating []string
	for _, service := range s.app.Services {
		if s.Migrates(service) {
			migrating = append(migrating, service.Name)
		}
	}
	if len(migrating) > 0 {
		s.add(finding.MigrationBeside, ".name", "the migration of "+phrase.List(migrating, "and")+" runs while tasks of the old version serve",
			"what the old version still reads or writes has to stay, also for the way back: a migration is not undone with its deployment",
			"add first, and remove in a later release what no version uses any more")
	}
}

const leastBackupDays = 7

// optIn are the regions that are off in an account until somebody turns them
// on: all since March 2019 (AWS Regions and Availability Zones user guide, read
// 2026-11).
var optIn = []string{
	"af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6",
	"ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1",
	"me-west-1", "mx-central-1", "sa-west-1",
}

// network looks at the stage's network.
func (s staged) network() {
	for i, region := range append([]string{s.Region}, s.ReplicaRegions()...) {
		path := ".region"
		if i > 0 {
			path = ".database.readReplicas"
		}
		if slices.Contains(optIn, region) {
			s.add(finding.OptInRegion, path, region+" is off in an account until it is enabled",
				"until then every call there is refused, as with credentials that are not valid", "enable it once: aws account enable-region --region-name "+region+", which takes some minutes to hours")
		}
	}
	if vpc := s.Network.VPC; vpc != nil {
		s.add(finding.SharedVPC, ".network.vpc", "the stage shares a VPC that is there already",
			"nothing in it is made or checked: instances that reach no ECS, ECR, CloudWatch Logs and CloudFormation never register or cannot say so, and the deployment is taken back after a quarter of an hour",
			"see that the VPC resolves and gives DNS names, that the private subnets have a route out (or VPC endpoints), and that they have free addresses for instances, the database and the endpoint")
	}
	if s.Network.Egress == spec.VPCEndpoints {
		if services := s.Unreachable(s.app); len(services) > 0 {
			s.add(finding.UnreachableService, ".permissions", fmt.Sprintf("the permissions are for %s, and no endpoint that tinystack knows leads there", phrase.List(services, "and")),
				"with the egress endpoints containers reach only what has an endpoint: calls to anything else wait until they time out",
				"choose another egress, or add an endpoint to the network's VPC in Go and accept this")
		}
	}
	if !s.real() || !s.running() {
		return
	}
	zones := "both"
	if n := len(s.Network.Zones); n > 2 {
		zones = fmt.Sprintf("all %d", n)
	}
	switch {
	case s.Network.Egress == spec.PublicIP:
		s.add(finding.PublicAddresses, ".network.egress", "the instances of a production stage have public addresses",
			"no rule lets anybody in, but one wrong rule would, and every instance costs a public IPv4 address", "use nat-instance, nat-gateway or nat-gateway-per-zone")
	case s.Network.VPC == nil && (s.Network.Egress == spec.NATInstance || s.Network.Egress == spec.NATGateway):
		what := "one NAT gateway"
		if s.Network.Egress == spec.NATInstance {
			what = "one NAT instance"
		}
		s.add(finding.SingleNAT, ".network.egress", fmt.Sprintf("%s serves %s zones of a production stage", what, zones),
			"when it or its zone fails, no instance reaches AWS or the internet: tasks cannot start, and calls to other services fail", "use nat-gateway-per-zone, or endpoints where nothing but AWS is called")
	}
}
