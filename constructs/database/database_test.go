package database_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/constructs/database"
	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

func TestPgDatabase(t *testing.T) {
	app := synthtest.NewApp(t)
	var full, alternating database.PgDatabase
	for name, props := range map[string]database.PgDatabaseProps{
		"default":  {},
		"dev":      {Identifier: "app-dev", SecretName: "dev/app/database", Owner: "app"},
		"prod":     {Identifier: "app-prod", Production: true, Removal: spec.RemovalRetain, Database: spec.Database{MultiAZ: new(true), Instance: "m7g.large", Storage: 100}},
		"throw":    {Removal: spec.RemovalDestroy},
		"old":      {Database: spec.Database{Version: "14", ExtendedSupport: true}},
		"detailed": {Database: spec.Database{Version: "17.9", Name: "books", User: "clerk", BackupDays: 3, MaxStorage: 99}},
		"full": {Identifier: "app-full", Database: spec.Database{
			AllowMajorUpgrade: true, BackupWindow: "02:00-02:30", MaintenanceWindow: "sun:03:00-sun:04:00", DatabaseInsights: new(true),
			Parameters: map[string]string{"work_mem": "8192"}, LogExports: []string{"postgresql", "upgrade"}, IAMUser: "web",
			ReadReplicas: []spec.ReadReplica{{}, {Instance: "t4g.small"}}, Rotation: &spec.Rotation{},
		}},
		"alternating": {Identifier: "app-alternating", SecretName: "dev/app/database", Database: spec.Database{Rotation: &spec.Rotation{User: "clerk", Days: 7}}},
	} {
		stack := synthtest.Stack(app, name)
		props.VPC = synthtest.VPC(stack)
		db := database.NewPgDatabase(stack, jsii.String("Database"), &props)
		if name == "full" {
			role := awsiam.NewRole(stack, jsii.String("Role"), &awsiam.RoleProps{AssumedBy: awsiam.NewServicePrincipal(jsii.String("ecs-tasks.amazonaws.com"), nil)})
			db.GrantConnect(role)
			full = db
		}
		if name == "alternating" {
			alternating = db
			services := synthtest.Stack(app, "services")
			made := awssns.NewTopic(services, jsii.String("Made"), &awssns.TopicProps{EnforceSSL: jsii.Bool(true)})
			acknowledge.Rule(made, "AwsSolutions-SNS2", "A stand-in for what makes the user.")
			db.RotateUser(services, jsii.String("Rotation"), &database.UserRotationProps{
				VPC: synthtest.VPC(services), FunctionName: "app-user-rotation", After: []constructs.IDependable{made},
			})
		}
		if name == "dev" {
			client := synthtest.Stack(app, "client")
			group := awsec2.NewSecurityGroup(client, jsii.String("Group"), &awsec2.SecurityGroupProps{Vpc: synthtest.VPC(client)})
			db.AllowFrom(client, jsii.String("Ingress"), group)
		}
	}
	assembly := synthtest.Secured(t, app)
	template, only := assembly.Template, assembly.Only
	instance := func(name string) snapshot.Resource { return only(name, "AWS::RDS::DBInstance") }

	t.Run("encrypted, private, gp3, always", func(t *testing.T) {
		for _, stack := range assembly.Stacks {
			for _, i := range stack.Template.Resources("AWS::RDS::DBInstance") {
				if i.Get("Properties.SourceDBInstanceIdentifier") == nil { // a replica is as its source
					assert.Equal(t, true, i.Get("Properties.StorageEncrypted"))
				}
				assert.Equal(t, false, i.Get("Properties.PubliclyAccessible"))
				assert.Equal(t, "gp3", i.Get("Properties.StorageType"))
				assert.Equal(t, "1", only(stack.Name, "AWS::RDS::DBParameterGroup").Get("Properties.Parameters").(map[string]any)["rds.force_ssl"])
			}
		}
	})

	t.Run("defaults", func(t *testing.T) {
		i := instance("default")
		assert.Equal(t, "db.t4g.micro", i.Get("Properties.DBInstanceClass"))
		assert.Equal(t, "20", i.Get("Properties.AllocatedStorage"))
		assert.Equal(t, 40.0, i.Get("Properties.MaxAllocatedStorage"))
		assert.Equal(t, "17", i.Get("Properties.EngineVersion"))
		assert.Nil(t, i.Get("Properties.DBInstanceIdentifier"))
	})

	t.Run("fields", func(t *testing.T) {
		i := instance("detailed")
		assert.Equal(t, "17.9", i.Get("Properties.EngineVersion"))
		assert.Equal(t, "books", i.Get("Properties.DBName"))
		assert.Equal(t, "clerk", i.Get("Properties.MasterUsername"))
		assert.Equal(t, 3.0, i.Get("Properties.BackupRetentionPeriod"))
		assert.Equal(t, 99.0, i.Get("Properties.MaxAllocatedStorage"))
		assert.Equal(t, "postgres14", only("old", "AWS::RDS::DBParameterGroup").Get("Properties.Family"))
	})

	t.Run("a minor version that is declared stays", func(t *testing.T) {
		assert.Equal(t, false, instance("detailed").Get("Properties.AutoMinorVersionUpgrade"))
		assert.Equal(t, true, instance("default").Get("Properties.AutoMinorVersionUpgrade"))
	})

	t.Run("Database Insights in production", func(t *testing.T) {
		assert.Equal(t, true, instance("prod").Get("Properties.EnablePerformanceInsights"))
		assert.Equal(t, false, instance("dev").Get("Properties.EnablePerformanceInsights"), "said, so that it is turned off again")
		assert.Equal(t, false, instance("dev").Get("Properties.EnableIAMDatabaseAuthentication"), "likewise")
		for _, name := range []string{"prod", "dev"} {
			assert.Equal(t, "standard", instance(name).Get("Properties.DatabaseInsightsMode"), "the advanced mode is billed")
		}
	})

	t.Run("extended support", func(t *testing.T) {
		assert.Equal(t, "open-source-rds-extended-support-disabled", instance("default").Get("Properties.EngineLifecycleSupport"))
		assert.Nil(t, instance("old").Get("Properties.EngineLifecycleSupport"), "RDS enrols what says nothing")
		for id, replica := range template("full").Resources("AWS::RDS::DBInstance") {
			if replica.Get("Properties.SourceDBInstanceIdentifier") != nil {
				assert.Nil(t, replica.Get("Properties.EngineLifecycleSupport"), "%s: RDS takes none for a replica", id)
			}
		}
	})

	// One of its resources by a part of its logical id.
	part := func(kind, id string) snapshot.Resource {
		for name, resource := range template("full").Resources(kind) {
			if strings.Contains(name, id) {
				return resource
			}
		}
		t.Fatalf("no %s %s", kind, id)
		panic("unreachable")
	}

	t.Run("how it is run", func(t *testing.T) {
		i := part("AWS::RDS::DBInstance", "DatabaseInstance")
		for property, want := range map[string]any{
			"AllowMajorVersionUpgrade": true, "PreferredBackupWindow": "02:00-02:30", "PreferredMaintenanceWindow": "sun:03:00-sun:04:00",
			"EnablePerformanceInsights": true, "EnableIAMDatabaseAuthentication": true, "EnableCloudwatchLogsExports": []any{"postgresql", "upgrade"},
		} {
			assert.Equal(t, want, i.Get("Properties."+property), property)
		}
		parameters := only("full", "AWS::RDS::DBParameterGroup").Get("Properties.Parameters")
		assert.Equal(t, map[string]any{"rds.force_ssl": "1", "work_mem": "8192"}, parameters)
		assert.Equal(t, "/aws/rds/instance/app-full/upgrade", part("AWS::Logs::LogGroup", "DatabaseLogGroupupgrade").Get("Properties.LogGroupName"))
	})

	t.Run("replicas follow the instance and go with the stack", func(t *testing.T) {
		for id, class := range map[string]string{"Replica1": "db.t4g.micro", "Replica2": "db.t4g.small"} {
			replica := part("AWS::RDS::DBInstance", id)
			assert.Contains(t, fmt.Sprint(replica.Get("Properties.SourceDBInstanceIdentifier")), "DatabaseInstance")
			assert.Equal(t, class, replica.Get("Properties.DBInstanceClass"))
			assert.Equal(t, "Delete", replica.DeletionPolicy)
			assert.Nil(t, replica.Get("Properties.BackupRetentionPeriod"))
			assert.Nil(t, replica.Get("Properties.KmsKeyId"))
			assert.Nil(t, replica.Get("Properties.StorageEncrypted"))
			assert.Equal(t, false, replica.Get("Properties.PubliclyAccessible"))
			assert.NotNil(t, replica.Get("Properties.DBParameterGroupName"), "TLS required here, too")
		}
		variables := full.Variables()
		assert.Equal(t, "5432", variables["PG_READER_PORT"])
		assert.Len(t, strings.Split(variables["PG_READER_HOSTS"], ","), 2)
		assert.True(t, strings.HasPrefix(variables["PG_READER_HOSTS"], variables["PG_READER_HOST"]+","))
	})

	t.Run("a role may log in as the IAM user, and nobody else", func(t *testing.T) {
		granted := fmt.Sprint(part("AWS::IAM::Policy", "Role").Get("Properties.PolicyDocument.Statement"))
		assert.Contains(t, granted, "rds-db:connect")
		assert.Contains(t, granted, "/web")
		assert.NotContains(t, granted, "postgres]")
		assert.Equal(t, 3, strings.Count(granted, "DbiResourceId"))
	})

	t.Run("the password is rotated by a function that reaches the database alone", func(t *testing.T) {
		rotation := only("full", "AWS::SecretsManager::RotationSchedule")
		assert.Equal(t, "PostgreSQLSingleUser", rotation.Get("Properties.HostedRotationLambda.RotationType"))
		assert.Equal(t, false, rotation.Get("Properties.RotateImmediatelyOnUpdate"))
		assert.Equal(t, "rate(30 days)", rotation.Get("Properties.RotationRules.ScheduleExpression"))
		assert.Contains(t, fmt.Sprint(rotation.Get("Properties.SecretId")), "Attachment")
		assert.Contains(t, fmt.Sprint(rotation.Get("Properties.HostedRotationLambda.VpcSecurityGroupIds")), "RotationSecurityGroup")
		assert.Contains(t, fmt.Sprint(template("full")["Transform"]), "AWS::SecretsManager")
		assert.Nil(t, template("dev")["Transform"])
		assert.Equal(t, "app-full-rotation", rotation.Get("Properties.HostedRotationLambda.RotationLambdaName"))
		assert.Nil(t, full.UserSecret())
		assert.Nil(t, full.MigrationVariables())
		assert.Nil(t, full.MigrationSecrets())
	})

	t.Run("a user that alternates has credentials of its own", func(t *testing.T) {
		assert.Empty(t, template("alternating").Resources("AWS::SecretsManager::RotationSchedule"), "nobody has made the user yet")
		assert.Nil(t, template("alternating")["Transform"])
		secrets := template("alternating").Resources("AWS::SecretsManager::Secret")
		require.Len(t, secrets, 2)
		var master, user string
		for id, secret := range secrets {
			if strings.Contains(id, "UserSecret") {
				user = id
				assert.Equal(t, "dev/app/database/clerk", secret.Get("Properties.Name"))
				assert.Nil(t, secret.Get("Properties.SecretString"))
			} else {
				master = id
				assert.Equal(t, "dev/app/database", secret.Get("Properties.Name"))
			}
		}
		template := secrets[user].Get("Properties.GenerateSecretString.SecretStringTemplate")
		assert.Equal(t, map[string]any{"Fn::Join": []any{"", []any{`{"masterarn":"`, map[string]any{"Ref": master}, `","username":"clerk"}`}}}, template)

		variables, hidden := alternating.Variables(), alternating.Secrets()
		assert.NotContains(t, variables, "PG_USER")
		assert.Contains(t, hidden, "PG_USER")
		assert.Equal(t, map[string]string{"PG_USER": "postgres", "PG_APP_ROLE": "clerk"}, alternating.MigrationVariables())
		assert.Len(t, alternating.MigrationSecrets(), 3)
	})

	t.Run("it is rotated where it has been made before", func(t *testing.T) {
		rotation := only("services", "AWS::SecretsManager::RotationSchedule")
		hosted := func(property string) string {
			return fmt.Sprint(rotation.Get("Properties.HostedRotationLambda." + property))
		}
		assert.Equal(t, "PostgreSQLMultiUser", hosted("RotationType"))
		assert.Equal(t, "app-user-rotation", hosted("RotationLambdaName"))
		assert.Contains(t, hosted("MasterSecretArn"), "RefDatabaseSecret")
		assert.NotContains(t, hosted("MasterSecretArn"), "??????")
		assert.Contains(t, fmt.Sprint(rotation.Get("Properties.SecretId")), "UserSecretAttachment")
		assert.Equal(t, false, rotation.Get("Properties.RotateImmediatelyOnUpdate"))
		assert.Equal(t, "rate(7 days)", rotation.Get("Properties.RotationRules.ScheduleExpression"))
		for kind := range map[string]bool{"AWS::SNS::Topic": true, "AWS::EC2::SecurityGroupIngress": true} {
			for id := range template("services").Resources(kind) {
				assert.Contains(t, rotation.DependsOn, id)
			}
		}
		stack, err := assembly.Stack("services")
		require.NoError(t, err)
		assert.Contains(t, stack.Dependencies, "alternating")
		assert.Panics(t, func() {
			full.RotateUser(full, jsii.String("None"), &database.UserRotationProps{})
		})
	})

	t.Run("what becomes of the data", func(t *testing.T) {
		for name, want := range map[string]string{"dev": "Snapshot", "prod": "Retain", "throw": "Delete"} {
			assert.Equal(t, want, instance(name).DeletionPolicy, name)
			assert.Equal(t, want, instance(name).UpdateReplacePolicy, name)
			assert.Equal(t, name == "prod", instance(name).Get("Properties.DeletionProtection"), name)
		}
		// What a retained instance uses cannot be deleted, so it must not be.
		for _, kind := range []string{"AWS::EC2::SecurityGroup", "AWS::RDS::DBSubnetGroup", "AWS::RDS::DBParameterGroup", "AWS::SecretsManager::Secret"} {
			assert.Equal(t, "Retain", only("prod", kind).DeletionPolicy, kind)
			assert.Equal(t, "Delete", only("dev", kind).DeletionPolicy, kind)
		}
	})

	t.Run("the password is in no template", func(t *testing.T) {
		password := fmt.Sprint(instance("dev").Get("Properties.MasterUserPassword"))
		assert.Contains(t, password, "{{resolve:secretsmanager:")
		secret := only("dev", "AWS::SecretsManager::Secret")
		assert.Nil(t, secret.Get("Properties.SecretString"))
		assert.Equal(t, "dev/app/database", secret.Get("Properties.Name"))
		assert.Contains(t, secret.Get("Properties.Description"), "app: ")
	})

	t.Run("the rule that lets a client in is in the client's stack", func(t *testing.T) {
		assert.Empty(t, template("dev").Resources("AWS::EC2::SecurityGroupIngress"))
		rule := only("client", "AWS::EC2::SecurityGroupIngress")
		assert.Equal(t, 5432.0, rule.Get("Properties.FromPort"))
		assert.Equal(t, 5432.0, rule.Get("Properties.ToPort"))
		assert.Nil(t, only("dev", "AWS::EC2::SecurityGroup").Get("Properties.SecurityGroupIngress"))
		assert.NotContains(t, assembly.Stacks[0].Dependencies, "client")
	})

	t.Run("the instance's log exists before RDS makes one that is kept for ever", func(t *testing.T) {
		logs := only("dev", "AWS::Logs::LogGroup")
		assert.Equal(t, "/aws/rds/instance/app-dev/postgresql", logs.Get("Properties.LogGroupName"))
		assert.Equal(t, 14.0, logs.Get("Properties.RetentionInDays"))
		assert.Equal(t, []any{"postgresql"}, instance("dev").Get("Properties.EnableCloudwatchLogsExports"))
		for id := range template("dev").Resources("AWS::Logs::LogGroup") {
			assert.Contains(t, instance("dev").DependsOn, id)
		}
		assert.Nil(t, instance("default").Get("Properties.EnableCloudwatchLogsExports"))
	})
}

func TestAttachPgDatabase(t *testing.T) {
	app := synthtest.NewApp(t)
	stack := synthtest.Stack(app, "attached")
	db := database.AttachPgDatabase(stack, jsii.String("Database"), spec.Database{Name: "books", User: "clerk", Existing: &spec.ExistingDatabase{
		Host: "books.example.com", Port: 5433, Secret: "books/db", SecurityGroup: "sg-0123456789abcdef0",
	}})
	assert.Equal(t, map[string]string{"PG_HOST": "books.example.com", "PG_PORT": "5433", "PG_DATABASE": "books", "PG_USER": "clerk"}, db.Variables())
	assert.Contains(t, db.Secrets(), "PG_CREDENTIALS_SECRET")
	assert.Nil(t, db.Instance())
	group := awsec2.NewSecurityGroup(stack, jsii.String("Group"), &awsec2.SecurityGroupProps{Vpc: synthtest.VPC(stack)})
	db.AllowFrom(stack, jsii.String("Ingress"), group)
	rules := synthtest.Synth(t, app).Stacks[0].Template.Resources("AWS::EC2::SecurityGroupIngress")
	require.Len(t, rules, 1)
	for _, rule := range rules {
		assert.Equal(t, "sg-0123456789abcdef0", rule.Get("Properties.GroupId"))
		assert.Equal(t, 5433.0, rule.Get("Properties.FromPort"))
	}
}
