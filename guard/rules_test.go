package guard

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/snapshot"
)

const everything = `{"Resources": {
 "Db": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain", "Properties": {"Engine": "postgres", "EngineVersion": "17.9", "AllocatedStorage": "100", "DeletionProtection": true, "BackupRetentionPeriod": 7, "MultiAZ": true, "EngineLifecycleSupport": "open-source-rds-extended-support-disabled", "DBSubnetGroupName": {"Ref": "Group"}}},
 "Group": {"Type": "AWS::RDS::DBSubnetGroup", "Properties": {"SubnetIds": [{"Ref": "A"}, {"Ref": "B"}]}},
 "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
 "A": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24", "AvailabilityZoneId": "use1-az1"}},
 "B": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.1.0/24", "AvailabilityZoneId": "use1-az2"}},
 "Namespace": {"Type": "AWS::ServiceDiscovery::PrivateDnsNamespace", "Properties": {"Name": "dev.shop", "Vpc": {"Ref": "Vpc"}}},
 "Logs": {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Retain", "Properties": {"RetentionInDays": 90}},
 "Balancer": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"LoadBalancerAttributes": [{"Key": "deletion_protection.enabled", "Value": "true"}]}},
 "Http": {"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": {"Protocol": "HTTP", "Port": 80}},
 "Https": {"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": {"Protocol": "HTTPS", "Port": 443}},
 "Domain": {"Type": "AWS::ApiGatewayV2::DomainName", "Properties": {"DomainName": "a.example.com"}},
 "Record": {"Type": "AWS::Route53::RecordSet", "Properties": {"Name": "a.example.com."}}
}}`

// what a change of everything does to the resources, by the rule that finds it:
// one change that it finds, and one beside it that it must let pass.
var ruled = map[string]struct{ finds, passes map[string]string }{
	"storage-shrinks":     {map[string]string{"Db.AllocatedStorage": `"50"`}, map[string]string{"Db.AllocatedStorage": `"200"`}},
	"engine-downgrade":    {map[string]string{"Db.EngineVersion": `"17.5"`}, map[string]string{"Db.EngineVersion": `"17"`}},
	"major-upgrade":       {map[string]string{"Db.EngineVersion": `"18.4"`}, map[string]string{"Db.EngineVersion": `"18"`, "Db.AllowMajorVersionUpgrade": `true`}},
	"extended-support":    {map[string]string{"Db.EngineLifecycleSupport": `null`}, map[string]string{"Db.EngineLifecycleSupport": `"open-source-rds-extended-support-disabled"`, "Db.MultiAZ": `true`}},
	"subnet-block-taken":  {map[string]string{"A.AvailabilityZoneId": `"use1-az4"`}, map[string]string{"A.AvailabilityZoneId": `"use1-az4"`, "A.CidrBlock": `"10.0.7.0/24"`}},
	"subnet-group-moves":  {map[string]string{"Group.SubnetIds": `["subnet-1", "subnet-2"]`}, map[string]string{"Group.SubnetIds": `[{"Ref": "A"}, "subnet-2"]`}},
	"name-taken":          {map[string]string{"Namespace.Vpc": `"vpc-1"`}, map[string]string{"Namespace.Vpc": `"vpc-1"`, "Namespace.Name": `"dev2.shop"`}},
	"deletion-protection": {map[string]string{"Db.DeletionProtection": `false`}, map[string]string{"Logs.DeletionProtection": `false`}},
	"policy-weaker":       {map[string]string{"Db/DeletionPolicy": `"Snapshot"`}, map[string]string{"Logs/DeletionPolicy": `"Delete"`}},
	"backups-shortened":   {map[string]string{"Db.BackupRetentionPeriod": `1`}, map[string]string{"Db.BackupRetentionPeriod": `"14"`}},
	"logs-shortened":      {map[string]string{"Logs.RetentionInDays": `30`}, map[string]string{"Logs.RetentionInDays": `null`}},
	"standby-goes":        {map[string]string{"Db.MultiAZ": `false`}, map[string]string{"Db.MultiAZ": `"true"`}},
	"entrance-closes":     {map[string]string{"Https": ""}, map[string]string{"Http.Port": `8080`}},
}

func changed(t *testing.T, changes map[string]string) snapshot.Template {
	t.Helper()
	var read snapshot.Template
	require.NoError(t, json.Unmarshal([]byte(everything), &read))
	resources := read["Resources"].(map[string]any)
	for path, text := range changes {
		if text == "" {
			delete(resources, path)
			continue
		}
		var value any
		require.NoError(t, json.Unmarshal([]byte(text), &value), path)
		if id, attribute, ok := strings.Cut(path, "/"); ok {
			resources[id].(map[string]any)[attribute] = value
			continue
		}
		id, property, _ := strings.Cut(path, ".")
		resources[id].(map[string]any)["Properties"].(map[string]any)[property] = value
	}
	return read
}

// found are the rules that find something in a change.
func found(t *testing.T, changes map[string]string) []string {
	t.Helper()
	before, after := changed(t, nil), changed(t, changes)
	var ids []string
	for _, change := range applyRules("dev", "", before, after, replacedIn(before, after, nil)) {
		ids = append(ids, change.Rule)
	}
	return ids
}

func TestEachRuleFindsItsChange(t *testing.T) {
	assert.Empty(t, found(t, nil), "nothing changes")
	seen := map[string]bool{}
	for _, r := range rules {
		seen[r.id] = true
		t.Run(r.id, func(t *testing.T) {
			require.Contains(t, ruled, r.id, "a rule without a case")
			assert.Contains(t, found(t, ruled[r.id].finds), r.id)
			assert.NotContains(t, found(t, ruled[r.id].passes), r.id)
			assert.True(t, strings.HasPrefix(r.source, "https://docs.aws.amazon.com/"), "where AWS says so")
		})
	}
	for id := range ruled {
		assert.True(t, seen[id], "%s is no rule", id)
	}
}

// The table of docs/database.md has every rule, with its effect, and no other.
func TestRulesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/database.md")
	require.NoError(t, err)
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| (refused|told) \\|").FindAllStringSubmatch(string(page), -1) {
		documented[row[1]] = row[2]
	}
	known := map[string]string{}
	for _, r := range rules {
		known[r.id] = map[Effect]string{Rejected: "refused", Weakened: "told"}[r.effect]
	}
	assert.Equal(t, known, documented)
}

func TestRulesOfEntrancesAndLoadBalancers(t *testing.T) {
	assert.Equal(t, []string{"deletion-protection"}, found(t, map[string]string{"Balancer.LoadBalancerAttributes": `[]`}))
	assert.Equal(t, []string{"entrance-closes"}, found(t, map[string]string{"Domain": ""}))
	assert.Equal(t, []string{"entrance-closes"}, found(t, map[string]string{"Record": ""}))
	assert.Equal(t, []string{"logs-shortened"}, found(t, map[string]string{"Logs.RetentionInDays": `1`}))
	assert.Empty(t, found(t, map[string]string{"Logs": ""}), "a log group that goes is no shortened one")
}

// A replaced database is told as such: what cannot be done in place does not
// matter to a new one.
func TestReplacedResourcesFollowOtherRules(t *testing.T) {
	assert.Empty(t, found(t, map[string]string{"Db.StorageEncrypted": "false", "Db.AllocatedStorage": `"50"`}))
}

func TestRefusalsAndNoticesOfRules(t *testing.T) {
	of := func(template snapshot.Template) *snapshot.Assembly {
		return &snapshot.Assembly{Stacks: []*snapshot.Stack{{Name: "shop-dev", Environment: "aws://1/us-east-1", Template: template}}}
	}
	notices, err := Check("cdk.out", of(changed(t, nil)), of(changed(t, map[string]string{"Db.AllocatedStorage": `"50"`, "Db.MultiAZ": "false"})), nil)
	assert.EqualError(t, err, `shop-dev/Db AWS::RDS::DBInstance would be refused by AWS [storage-shrinks]
    AllocatedStorage: "100" → "50"
    consequence: RDS never makes storage smaller: the update fails and is rolled back. A smaller database is a new one, filled from a dump (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.ModifyingExisting.html)
    fix: take the change back; or, if you know that AWS takes it by now, allow it in the declaration with
        replacements: ["shop-dev/Db: AllocatedStorage"]

1 change would fail in AWS, compared with cdk.out; refused`)
	require.Len(t, notices, 1)
	assert.Contains(t, notices[0], "shop-dev/Db AWS::RDS::DBInstance is weakened [standby-goes]\n    MultiAZ: true → false\n    consequence: ")

	notices, err = Check("cdk.out", of(changed(t, nil)), of(changed(t, map[string]string{"Db.AllocatedStorage": `"50"`})), []string{"shop-dev/Db: AllocatedStorage"})
	require.NoError(t, err)
	require.Len(t, notices, 1)
	assert.Contains(t, notices[0], "allowed by replacements: shop-dev/Db")
}

func TestAnotherNameOfTheApplicationIsTold(t *testing.T) {
	before := &snapshot.Assembly{Stacks: []*snapshot.Stack{{Name: "shop-dev-service"}, {Name: "shop-dev-data"}}}
	after := &snapshot.Assembly{Stacks: []*snapshot.Stack{{Name: "store-dev-data"}}}
	notices, err := Check("cdk.out", before, after, nil)
	require.NoError(t, err)
	require.Len(t, notices, 1)
	assert.Contains(t, notices[0], "shop-dev-data, shop-dev-service\n    consequence: if this is the same application under another name")
	notices, err = Check("cdk.out", before, before, nil)
	require.NoError(t, err)
	assert.Empty(t, notices)
}
