package guard_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/guard"
	"github.com/tinystack-go/tinystack/snapshot"
)

const dataStack = `{
 "Outputs": {"Host": {"Value": {"Fn::GetAtt": ["Db", "Endpoint.Address"]}}},
 "Resources": {
  "Group": {"Type": "AWS::RDS::DBSubnetGroup", "DeletionPolicy": "Retain", "Properties": {"SubnetIds": ["a", "b"]}},
  "Parameters": {"Type": "AWS::RDS::DBParameterGroup", "Properties": {"Family": "postgres17"}},
  "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "dev/shop/database", "GenerateSecretString": {"PasswordLength": 32}}},
  "Composed": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": {"Fn::Join": ["", ["pg://{{resolve:secretsmanager:", {"Ref": "Secret"}, ":SecretString:password::}}@"]]}}},
  "Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
  "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "a"}},
  "Db": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot", "UpdateReplacePolicy": "Snapshot", "Metadata": {"aws:cdk:path": "Shop/dev/data/Database/Instance/Resource"},
   "Properties": {"DBInstanceIdentifier": "shop-dev", "DBName": "shop", "DBInstanceClass": "db.t4g.micro", "AllocatedStorage": "20", "EngineVersion": "17", "Engine": "postgres",
    "MultiAZ": false, "BackupRetentionPeriod": 1, "StorageEncrypted": true, "DBSubnetGroupName": {"Ref": "Group"}, "DBParameterGroupName": {"Ref": "Parameters"}}},
  "Replica": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Delete", "Properties": {"SourceDBInstanceIdentifier": {"Ref": "Db"}}}
 }
}`

// template is dataStack after a change of its resources.
func template(t *testing.T, change func(resources map[string]any)) snapshot.Template {
	t.Helper()
	var read snapshot.Template
	require.NoError(t, json.Unmarshal([]byte(dataStack), &read))
	if change != nil {
		change(read["Resources"].(map[string]any))
	}
	return read
}

func assembly(templates ...snapshot.Template) *snapshot.Assembly {
	made := &snapshot.Assembly{}
	for i, content := range templates {
		made.Stacks = append(made.Stacks, &snapshot.Stack{Name: []string{"shop-dev-data", "shop-dev-network"}[i], Environment: "aws://1/us-east-1", Template: content})
	}
	return made
}

func properties(resources map[string]any, id string) map[string]any {
	return resources[id].(map[string]any)["Properties"].(map[string]any)
}

func set(id, property string, value any) func(map[string]any) {
	return func(resources map[string]any) { properties(resources, id)[property] = value }
}

func TestCheck(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(map[string]any)
		refused []string
		noticed string
	}{
		"nothing":                       {change: nil},
		"instance type":                 {change: set("Db", "DBInstanceClass", "db.m7g.large")},
		"storage":                       {change: set("Db", "AllocatedStorage", "100")},
		"minor version":                 {change: set("Db", "EngineVersion", "17.9")},
		"standby":                       {change: set("Db", "MultiAZ", true)},
		"backups":                       {change: set("Db", "BackupRetentionPeriod", 7.0)},
		"a number as a text":            {change: set("Db", "StorageEncrypted", "true")},
		"another family of parameters":  {change: set("Parameters", "Family", "postgres18")},
		"what holds nothing":            {change: set("Alarm", "AlarmName", "b")},
		"name of the database":          {change: set("Db", "DBName", "books"), refused: []string{"shop-dev-data/Db: DBName", "shop-dev-data/Replica: SourceDBInstanceIdentifier"}},
		"encryption":                    {change: set("Db", "StorageEncrypted", false), refused: []string{"shop-dev-data/Db: StorageEncrypted", "shop-dev-data/Replica: SourceDBInstanceIdentifier"}},
		"name of the secret":            {change: set("Secret", "Name", "other"), refused: []string{"shop-dev-data/Secret: Name"}},
		"a subnet group and its guests": {change: set("Group", "DBSubnetGroupName", "x"), refused: []string{"shop-dev-data/Db: DBSubnetGroupName", "shop-dev-data/Group: DBSubnetGroupName", "shop-dev-data/Replica: SourceDBInstanceIdentifier"}},
		"conditionally, from a backup":  {change: set("Db", "DBSnapshotIdentifier", "last"), refused: []string{"shop-dev-data/Db: DBSnapshotIdentifier", "shop-dev-data/Replica: SourceDBInstanceIdentifier"}},
		"database deleted":              {change: func(r map[string]any) { delete(r, "Db"); delete(r, "Replica") }, refused: []string{"shop-dev-data/Db: deleted"}, noticed: "shop-dev-data/Replica AWS::RDS::DBInstance would be deleted"},
		"retained group deleted":        {change: func(r map[string]any) { delete(r, "Group") }, refused: []string{"shop-dev-data/Group: deleted"}},
		"retained bucket deleted":       {change: func(r map[string]any) { delete(r, "Bucket") }, noticed: "the old one stays, but no stack knows it any more"},
		"a composed secret deleted":     {change: func(r map[string]any) { delete(r, "Composed") }},
		"renamed": {change: func(r map[string]any) { r["Renamed"] = r["Secret"]; delete(r, "Secret") },
			refused: []string{"shop-dev-data/Secret: deleted"}},
		"another type": {change: func(r map[string]any) { r["Bucket"] = map[string]any{"Type": "AWS::SQS::Queue"} }, refused: []string{"shop-dev-data/Bucket: Type"}},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := assembly(template(t, nil)), assembly(template(t, test.change))
			notices, err := guard.Check("cdk.out", before, after, nil)
			if test.noticed != "" {
				require.Len(t, notices, 1)
				assert.Contains(t, notices[0], test.noticed)
			} else {
				assert.Empty(t, notices)
			}
			if test.refused == nil {
				require.NoError(t, err)
				return
			}
			var refusal *guard.Refusal
			require.ErrorAs(t, err, &refusal)
			var keys []string
			for _, change := range refusal.Changes {
				keys = append(keys, change.Key())
			}
			assert.Equal(t, test.refused, keys)

			// What the message says to write allows exactly that.
			notices, err = guard.Check("cdk.out", before, after, append(keys, "shop-dev-data/Db: Timezone"))
			require.NoError(t, err)
			assert.Contains(t, notices[0], "allowed by replacements: ")
			assert.Contains(t, notices[len(notices)-1], `"shop-dev-data/Db: Timezone" allows nothing`)
			_, err = guard.Check("cdk.out", before, after, []string{"shop-dev-data/Db: Timezone"})
			assert.Error(t, err)
		})
	}
}

func TestMessage(t *testing.T) {
	_, err := guard.Check("cdk.out", assembly(template(t, nil)), assembly(template(t, func(r map[string]any) {
		delete(r, "Replica")
		properties(r, "Db")["DBName"] = "books"
		r["Renamed"] = r["Secret"]
		delete(r, "Secret")
	})), nil)
	assert.EqualError(t, err, `shop-dev-data/Db (Shop/dev/data/Database/Instance) AWS::RDS::DBInstance would be replaced
    DBName: "shop" → "books"
    consequence: it is a database and its data; a new, empty one takes its place (where it has a fixed name, CloudFormation cannot make it beside the old one, and the deployment fails), and the old one is deleted after a last snapshot
    fix: take the change back; or, if that is what you want, save what is in it, and allow it in the declaration with
        replacements: ["shop-dev-data/Db: DBName"]
shop-dev-data/Secret AWS::SecretsManager::Secret would be deleted
    consequence: it is a secret, with all versions of its value; the old one is deleted, without a copy
    fix: if it only got another logical id, Renamed, give it back its old one; otherwise, if it is to go, save what is in it, and allow it in the declaration with
        replacements: ["shop-dev-data/Secret: deleted"]

2 changes would lose data, compared with cdk.out; refused`)
}

func TestStacksThatGo(t *testing.T) {
	network := snapshot.Template{"Resources": map[string]any{"Vpc": map[string]any{"Type": "AWS::EC2::VPC", "Properties": map[string]any{"CidrBlock": "10.0.0.0/16"}}}}
	before := assembly(template(t, nil), network)

	t.Run("is told, not refused: nothing deletes it", func(t *testing.T) {
		after := assembly(template(t, nil), network)
		after.Stacks = after.Stacks[1:]
		notices, err := guard.Check("cdk.out", before, after, nil)
		require.NoError(t, err)
		require.Len(t, notices, 3)
		assert.Contains(t, notices[0], "shop-dev-data/Db (Shop/dev/data/Database/Instance) AWS::RDS::DBInstance is no longer declared")
		assert.Contains(t, notices[0], "stays deployed")
	})

	t.Run("another application's assembly says nothing", func(t *testing.T) {
		after := &snapshot.Assembly{Stacks: []*snapshot.Stack{{Name: "other", Template: network}}}
		assert.Empty(t, guard.Compare(before, after))
	})

	t.Run("another region leaves the data behind", func(t *testing.T) {
		after := assembly(template(t, nil), network)
		after.Stacks[0].Environment = "aws://1/eu-west-1"
		_, err := guard.Check("cdk.out", before, after, nil)
		assert.ErrorContains(t, err, "shop-dev-data/Db: environment")
		assert.ErrorContains(t, err, `environment: "aws://1/us-east-1" → "aws://1/eu-west-1"`)
		assert.ErrorContains(t, err, "unused and paid for")
	})

	t.Run("a replacement reaches over stacks", func(t *testing.T) {
		refer := set("Group", "DBSubnetGroupName", map[string]any{"Fn::GetStackOutput": map[string]any{"StackName": "shop-dev-network", "OutputName": "Vpc"}})
		with := func(cidr string) *snapshot.Assembly {
			return assembly(template(t, refer), snapshot.Template{
				"Outputs":   map[string]any{"Vpc": map[string]any{"Value": map[string]any{"Ref": "Vpc"}}},
				"Resources": map[string]any{"Vpc": map[string]any{"Type": "AWS::EC2::VPC", "Properties": map[string]any{"CidrBlock": cidr}}},
			})
		}
		_, err := guard.Check("cdk.out", with("10.0.0.0/16"), with("10.1.0.0/16"), nil)
		assert.ErrorContains(t, err, "shop-dev-network/Vpc: CidrBlock")
		assert.ErrorContains(t, err, "shop-dev-data/Db: DBSubnetGroupName")
		assert.ErrorContains(t, err, "which is replaced itself")
	})
}

func TestLoad(t *testing.T) {
	after := assembly(template(t, set("Db", "DBName", "books")))
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	for name, text := range map[string]string{"a template": dataStack, "as AWS prints it": `{"TemplateBody": ` + dataStack + `, "StagesAvailable": ["Original"]}`} {
		for _, path := range []string{write("shop-dev-data.json", text), dir} {
			before, err := guard.Load(path, after)
			require.NoError(t, err, name)
			_, err = guard.Check(path, before, after, nil)
			assert.ErrorContains(t, err, "Db: DBName", name)
		}
	}
	for says, path := range map[string]string{
		"no such file":         filepath.Join(dir, "none"),
		"not a template in":    write("text.json", "Resources: {}"),
		"it has no Resources":  write("empty.json", "{}"),
		"there is no stack":    write("other.json", dataStack),
		"neither a cloud asse": t.TempDir(),
	} {
		_, err := guard.Load(path, after)
		assert.ErrorContains(t, err, says)
	}
}

// The table is that of the resource schemas, and knows what the library makes.
func TestTable(t *testing.T) {
	assert.Equal(t, []string{"DBSubnetGroupName"}, guard.CreateOnly("AWS::RDS::DBSubnetGroup"))
	assert.Contains(t, guard.CreateOnly("AWS::RDS::DBInstance"), "StorageEncrypted")
	assert.Contains(t, guard.CreateOnly("AWS::ServiceDiscovery::Service"), "DnsConfig.NamespaceId")
	for _, property := range []string{"DBInstanceClass", "AllocatedStorage", "EngineVersion", "MultiAZ", "BackupRetentionPeriod", "PreferredBackupWindow"} {
		assert.False(t, slices.Contains(guard.CreateOnly("AWS::RDS::DBInstance"), property), property)
	}
}

// The key of a topic may go with it: topics keep nothing. One that anything else uses,
// or that another stack may use, stays protected.
func TestKeysOfTopics(t *testing.T) {
	const before = `{"Outputs": {"Name": {"Value": {"Ref": "Topic"}}}, "Resources": {
	 "Key": {"Type": "AWS::KMS::Key", "Properties": {"Description": "Alarms"}},
	 "Alias": {"Type": "AWS::KMS::Alias", "Properties": {"TargetKeyId": {"Fn::GetAtt": ["Key", "Arn"]}}},
	 "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Ref": "Key"}}}
	}}`
	read := func(change func(content map[string]any)) snapshot.Template {
		var content snapshot.Template
		require.NoError(t, json.Unmarshal([]byte(before), &content))
		if change != nil {
			change(content)
		}
		return content
	}
	resources := func(content map[string]any) map[string]any { return content["Resources"].(map[string]any) }
	using := func(kind string) func(map[string]any) {
		return func(content map[string]any) {
			resources(content)["Other"] = map[string]any{"Type": kind, "Properties": map[string]any{"KmsKeyId": map[string]any{"Ref": "Key"}}}
		}
	}
	for name, test := range map[string]struct {
		use     func(map[string]any)
		refused bool
	}{
		"a topic's alone":  {nil, false},
		"of a policy, too": {using("AWS::IAM::Policy"), false},
		"of a log group":   {using("AWS::Logs::LogGroup"), true},
		"of a queue":       {using("AWS::SQS::Queue"), true},
		"of nothing":       {func(content map[string]any) { delete(resources(content), "Topic") }, true},
		"of another stack": {func(content map[string]any) {
			content["Outputs"].(map[string]any)["Key"] = map[string]any{"Value": map[string]any{"Fn::GetAtt": []any{"Key", "Arn"}}}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			gone := assembly(read(func(content map[string]any) {
				content["Outputs"], content["Resources"] = map[string]any{}, map[string]any{"Rest": map[string]any{"Type": "AWS::SNS::Topic"}}
			}))
			notices, err := guard.Check("cdk.out", assembly(read(test.use)), gone, nil)
			assert.Equal(t, test.refused, err != nil, "%v", err)
			assert.Empty(t, notices)
		})
	}
}
