package snapshot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// statefulTypes is the list that StatefulTypes returns.
var statefulTypes = []string{
	// Databases and caches.
	"AWS::Cassandra::Keyspace",
	"AWS::Cassandra::Table",
	"AWS::DAX::Cluster",
	"AWS::DSQL::Cluster",
	"AWS::DocDB::DBCluster",
	"AWS::DocDB::DBInstance",
	"AWS::DocDB::DBSubnetGroup",
	"AWS::DynamoDB::GlobalTable",
	"AWS::DynamoDB::Table",
	"AWS::ElastiCache::CacheCluster",
	"AWS::ElastiCache::ReplicationGroup",
	"AWS::ElastiCache::ServerlessCache",
	"AWS::ElastiCache::SubnetGroup",
	"AWS::Elasticsearch::Domain",
	"AWS::MemoryDB::Cluster",
	"AWS::MemoryDB::SubnetGroup",
	"AWS::Neptune::DBCluster",
	"AWS::Neptune::DBInstance",
	"AWS::Neptune::DBSubnetGroup",
	"AWS::OpenSearchServerless::Collection",
	"AWS::OpenSearchService::Domain",
	"AWS::RDS::DBCluster",
	"AWS::RDS::DBInstance",
	"AWS::RDS::DBSubnetGroup",
	"AWS::RDS::GlobalCluster",
	"AWS::Redshift::Cluster",
	"AWS::Redshift::ClusterSubnetGroup",
	"AWS::RedshiftServerless::Namespace",
	"AWS::RedshiftServerless::Workgroup",
	"AWS::Timestream::Database",
	"AWS::Timestream::InfluxDBInstance",
	"AWS::Timestream::Table",

	// Files, objects, artifacts and logs.
	"AWS::Backup::BackupVault",
	"AWS::CodeArtifact::Domain",
	"AWS::CodeArtifact::Repository",
	"AWS::CodeCommit::Repository",
	"AWS::EC2::Volume",
	"AWS::ECR::PublicRepository",
	"AWS::ECR::Repository",
	"AWS::EFS::FileSystem",
	"AWS::FSx::FileSystem",
	"AWS::Glue::Database",
	"AWS::Glue::Table",
	"AWS::Logs::LogGroup",
	"AWS::S3::Bucket",
	"AWS::S3Express::DirectoryBucket",
	"AWS::S3Tables::TableBucket",

	// Messages.
	"AWS::AmazonMQ::Broker",
	"AWS::Events::Archive",
	"AWS::Events::EventBus",
	"AWS::Kinesis::Stream",
	"AWS::MSK::Cluster",
	"AWS::MSK::ServerlessCluster",
	"AWS::SNS::Topic",
	"AWS::SQS::Queue",

	// Keys, credentials and users.
	"AWS::ACMPCA::CertificateAuthority",
	"AWS::CertificateManager::Certificate",
	"AWS::Cognito::IdentityPool",
	"AWS::Cognito::UserPool",
	"AWS::Cognito::UserPoolClient",
	"AWS::Cognito::UserPoolDomain",
	"AWS::EC2::KeyPair",
	"AWS::IAM::AccessKey",
	"AWS::IAM::User",
	"AWS::KMS::Key",
	"AWS::KMS::ReplicaKey",
	"AWS::SecretsManager::Secret",

	// Names and networks, which others have the addresses of.
	"AWS::ApiGateway::RestApi",
	"AWS::ApiGatewayV2::Api",
	"AWS::AppSync::GraphQLApi",
	"AWS::CloudFront::Distribution",
	"AWS::EC2::CustomerGateway",
	"AWS::EC2::EIP",
	"AWS::EC2::Subnet",
	"AWS::EC2::TransitGateway",
	"AWS::EC2::VPC",
	"AWS::EC2::VPNConnection",
	"AWS::EC2::VPNGateway",
	"AWS::EKS::Cluster",
	"AWS::ElasticLoadBalancingV2::LoadBalancer",
	"AWS::Route53::HostedZone",
	"AWS::SES::EmailIdentity",
	"AWS::ServiceDiscovery::HttpNamespace",
	"AWS::ServiceDiscovery::PrivateDnsNamespace",
	"AWS::ServiceDiscovery::PublicDnsNamespace",
}

// StatefulTypes returns the resource types that [LogicalIDs] lists by default:
// those that hold data, and those whose identity others keep, such as addresses,
// names and credentials. To pin further types, append to it.
func StatefulTypes() []string {
	return slices.Clone(statefulTypes)
}

// LogicalIDs lists the resources of the given types, by default those of
// [StatefulTypes], in all stacks of the assembly. An entry has the form
// "stack/logicalId Type", with the path of the nested stack before the logical
// id if there is one. A stack that shares its name with another is listed with
// its id, as in "stack@id". The list is sorted.
func LogicalIDs(assembly *Assembly, types ...string) []string {
	if assembly == nil {
		return nil
	}
	if len(types) == 0 {
		types = statefulTypes
	}
	wanted := make(map[string]bool)
	for _, typ := range types {
		wanted[typ] = true
	}
	var ids []string
	add := func(prefix string, t Template) {
		for id, r := range t.Resources("") {
			if wanted[r.Type] {
				ids = append(ids, prefix+"/"+id+" "+r.Type)
			}
		}
	}
	names := assembly.uniqueNames()
	for i, s := range assembly.Stacks {
		add(names[i], s.Template)
		for _, n := range s.Nested {
			add(names[i]+"/"+n.Path, n.Template)
		}
	}
	slices.Sort(ids)
	return ids
}

// MatchLogicalIDs fails the test if what [LogicalIDs] lists differs from the
// golden file, which has one entry on each line, or if there is no such file.
// With the -update flag or UPDATE_SNAPSHOTS=1 it writes the file instead.
//
// It guards against losing data by renaming a construct, so the golden file
// should be updated only by somebody who knows what becomes of the resources
// that disappear from it.
func MatchLogicalIDs(t testing.TB, goldenPath string, assembly *Assembly, types ...string) {
	t.Helper()
	g, ok := newGolden(t)
	if !ok {
		return
	}
	if assembly == nil || len(assembly.Stacks) == 0 {
		t.Errorf("%s: the assembly has no stacks", goldenPath)
		return
	}
	ids := LogicalIDs(assembly, types...)
	var content strings.Builder
	for _, id := range ids {
		content.WriteString(id + "\n")
	}
	want, ok := g.compare(goldenPath, content.String())
	if ok {
		return
	}
	t.Errorf("%s is out of date\n\n%s\n%s", goldenPath, explainIDs(splitFile(want), ids), g.accept(goldenPath))
}

// explainIDs says what a change of the list of logical ids means.
func explainIDs(want, got []string) string {
	var gone, added []string
	for _, id := range want {
		if id != "" && !slices.Contains(got, id) {
			gone = append(gone, id)
		}
	}
	for _, id := range got {
		if !slices.Contains(want, id) {
			added = append(added, id)
		}
	}

	var b strings.Builder
	for _, id := range gone {
		fmt.Fprintf(&b, "- %s\n", id)
		if now := renamed(id, added); now != "" {
			fmt.Fprintf(&b, "    (is it now %s?)\n", now)
		}
	}
	for _, id := range added {
		fmt.Fprintf(&b, "+ %s\n", id)
	}

	switch {
	case len(gone) > 0:
		b.WriteString(`
A logical id that changed or vanished (-) means that CloudFormation would delete
the resource at the next deployment, or abandon it if its deletion policy is to
retain it, and would put an empty one in the place of one that was renamed. What
is in it is lost or left behind.

If the resource should stay, rename it back: keep the construct's id and its
place in the tree, or override its logical id. If it should go, write a note on
how to upgrade: what to back up or move, and in which order to deploy.
`)
	case len(added) > 0:
		b.WriteString(`
The new resources (+) replace nothing. From now on their logical ids have to stay
as they are, so make sure that these are the names to keep.
`)
	default:
		b.WriteString("The entries are the same, but the file is not as it would be written: it is not\nsorted, or has lines that are empty or repeated.\n")
	}
	return b.String()
}

// renamed returns what has probably become of the entry gone: the one added
// entry that is the most like it, or "" if there is none or more than one.
func renamed(gone string, added []string) string {
	stack, id, typ := splitID(gone)
	for _, like := range []func(s, i, t string) bool{
		func(s, i, t string) bool { return i == id && t == typ },    // Moved to another stack.
		func(s, i, t string) bool { return s == stack && t == typ }, // Renamed.
		func(s, i, t string) bool { return s == stack && i == id },  // Something else in its place.
	} {
		var found []string
		for _, entry := range added {
			if like(splitID(entry)) {
				found = append(found, entry)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0]
		default:
			return ""
		}
	}
	return ""
}

// splitID splits an entry into the name of the stack, the path of the resource
// in it, and the type.
func splitID(entry string) (stack, id, typ string) {
	entry, typ, _ = strings.Cut(entry, " ")
	stack, id, _ = strings.Cut(entry, "/")
	return stack, id, typ
}
