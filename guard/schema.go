package guard

import (
	_ "embed"
	"encoding/json"
	"slices"
	"sync"
)

//go:embed create-only.json
var tableJSON []byte

var table = sync.OnceValue(func() (read struct {
	CreateOnly  map[string][]string `json:"createOnly"`
	Conditional map[string][]string `json:"conditional"`
}) {
	if err := json.Unmarshal(tableJSON, &read); err != nil {
		panic(err) // embedded at build time; a test reads it
	}
	return read
})

// inPlace are properties that a schema calls conditionally create-only, and of
// which the resource's reference in the CloudFormation documentation says
// "Some interruptions" or "No interruption".
var inPlace = map[string][]string{
	"AWS::RDS::DBInstance": {
		"AutoMinorVersionUpgrade", "BackupRetentionPeriod", "DBParameterGroupName", "MultiAZ",
		"PreferredMaintenanceWindow", "StorageType",
	},
}

// CreateOnly are the properties of a resource type that cannot change without
// a new resource, as dotted paths.
func CreateOnly(resourceType string) []string {
	return slices.Clone(table().CreateOnly[resourceType])
}

// replacing are the properties of a resource type whose change replaces it, or
// can replace it.
func replacing(resourceType string) []string {
	all := CreateOnly(resourceType)
	for _, property := range table().Conditional[resourceType] {
		if !slices.Contains(inPlace[resourceType], property) {
			all = append(all, property)
		}
	}
	return all
}

// protected are the resource types whose loss is refused, and what is in each.
// Names that others keep, such as those of an API, are none: a stage may change
// its kind of endpoint.
var protected = map[string]string{
	"AWS::RDS::DBInstance":                  database,
	"AWS::RDS::DBCluster":                   database,
	"AWS::RDS::GlobalCluster":               database,
	"AWS::RDS::DBSubnetGroup":               "the subnet group that a database stands in",
	"AWS::SecretsManager::Secret":           "a secret, with all versions of its value",
	"AWS::KMS::Key":                         "a key, without which what it encrypted cannot be read",
	"AWS::KMS::ReplicaKey":                  "a key, without which what it encrypted cannot be read",
	"AWS::EC2::VPC":                         "the network that everything in the stage stands in",
	"AWS::EC2::Volume":                      data,
	"AWS::S3::Bucket":                       "a bucket and its objects",
	"AWS::S3Express::DirectoryBucket":       "a bucket and its objects",
	"AWS::ECR::Repository":                  "a repository and its images",
	"AWS::CodeCommit::Repository":           "a repository and its commits",
	"AWS::EFS::FileSystem":                  "a file system and its files",
	"AWS::FSx::FileSystem":                  "a file system and its files",
	"AWS::Backup::BackupVault":              "a vault and its backups",
	"AWS::DynamoDB::Table":                  "a table and its items",
	"AWS::DynamoDB::GlobalTable":            "a table and its items",
	"AWS::DSQL::Cluster":                    database,
	"AWS::DocDB::DBCluster":                 database,
	"AWS::DocDB::DBInstance":                database,
	"AWS::Neptune::DBCluster":               database,
	"AWS::Neptune::DBInstance":              database,
	"AWS::Redshift::Cluster":                database,
	"AWS::RedshiftServerless::Namespace":    database,
	"AWS::Timestream::Database":             database,
	"AWS::Timestream::Table":                database,
	"AWS::Cassandra::Keyspace":              database,
	"AWS::Cassandra::Table":                 database,
	"AWS::MemoryDB::Cluster":                data,
	"AWS::ElastiCache::ReplicationGroup":    data,
	"AWS::ElastiCache::ServerlessCache":     data,
	"AWS::Elasticsearch::Domain":            data,
	"AWS::OpenSearchService::Domain":        data,
	"AWS::OpenSearchServerless::Collection": data,
	"AWS::Kinesis::Stream":                  data,
	"AWS::MSK::Cluster":                     data,
	"AWS::MSK::ServerlessCluster":           data,
	"AWS::ACMPCA::CertificateAuthority":     "an authority whose certificates others hold",
	"AWS::Cognito::UserPool":                "a user pool and its users",
	"AWS::Cognito::IdentityPool":            "an identity pool and its identities",
	"AWS::Route53::HostedZone":              "a zone whose name servers others have entered",
}

const (
	database = "a database and its data"
	data     = "data"
)

// precious are the types of which not even the deletion of a resource that is
// retained goes unasked: what it belongs to would go on without it.
var precious = []string{"AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::RDS::DBSubnetGroup", "AWS::SecretsManager::Secret"}
