package stacks_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/guard"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
	"github.com/tinystack-go/tinystack/stacks"
)

// withDatabase is a stage dev of two services, with that database.
func withDatabase(t *testing.T, declared *spec.Database, change func(*spec.App)) *snapshot.Assembly {
	t.Helper()
	app := spec.App{
		Name: "shop",
		Services: []spec.Service{
			{Name: "web", Image: "example.com/web:1", Migration: &spec.Migration{Command: []string{"migrate"}}},
			{Name: "jobs", Image: "example.com/jobs:1", Worker: true, NetworkMode: spec.AWSVPC, Migration: &spec.Migration{Command: []string{"init"}}},
			{Name: "cache", Image: "redis:7", Port: 6379, Internal: true},
		},
		Stages: []spec.Stage{{Name: "dev", Scale: spec.ScaleProfile{Instance: "t3.medium"}, Database: declared}},
	}
	if change != nil {
		change(&app)
	}
	cdk := synthtest.NewApp(t)
	if change != nil {
		synthtest.Secure(cdk) // the fullest one; rules take as long as all the rest
	}
	stacks.NewTinyStack(cdk, jsii.String("App"), &stacks.TinyStackProps{App: app})
	assembly := synthtest.Synth(t, cdk)
	synthtest.Findings(t, assembly)
	assert.Empty(t, danglingReferences(t, assembly))
	return assembly
}

// danglingReferences are references to outputs of other stacks that are not
// there.
func danglingReferences(t *testing.T, assembly *snapshot.Assembly) []string {
	t.Helper()
	var dangling []string
	var visit func(from string, value any)
	visit = func(from string, value any) {
		switch value := value.(type) {
		case map[string]any:
			if output, ok := value["Fn::GetStackOutput"].(map[string]any); ok {
				stack, err := assembly.Stack(fmt.Sprint(output["StackName"]))
				if err != nil || stack.Template.Get("Outputs."+fmt.Sprint(output["OutputName"])) == nil {
					dangling = append(dangling, fmt.Sprint(from, " refers to ", output))
				}
			}
			for _, inner := range value {
				visit(from, inner)
			}
		case []any:
			for _, inner := range value {
				visit(from, inner)
			}
		}
	}
	for _, stack := range assembly.Stacks {
		visit(stack.Name, map[string]any(stack.Template))
	}
	return dangling
}

// environment is what a service's container gets: values by name, of secrets
// what they refer to.
func environment(t *testing.T, assembly *snapshot.Assembly, service string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, task := range template(t, assembly, "shop-dev-service").Resources("AWS::ECS::TaskDefinition") {
		for _, container := range task.Get("Properties.ContainerDefinitions").([]any) {
			c := container.(map[string]any)
			if c["Name"] != service {
				continue
			}
			for _, list := range []string{"Environment", "Secrets"} {
				entries, _ := c[list].([]any)
				for _, entry := range entries {
					e := entry.(map[string]any)
					value, err := json.Marshal(map[string]any{"v": e["Value"], "f": e["ValueFrom"]})
					require.NoError(t, err)
					found[e["Name"].(string)] = string(value)
				}
			}
		}
	}
	return found
}

func TestWhoGetsTheDatabase(t *testing.T) {
	plain := withDatabase(t, &spec.Database{}, nil)
	all := []string{"PG_CREDENTIALS_SECRET", "PG_DATABASE", "PG_HOST", "PG_PORT", "PG_USER"}
	assert.Subset(t, slices.Collect(maps.Keys(environment(t, plain, "web"))), all)
	assert.Subset(t, slices.Collect(maps.Keys(environment(t, plain, "jobs"))), all)
	assert.NotContains(t, environment(t, plain, "cache"), "PG_HOST")

	chosen := withDatabase(t, &spec.Database{
		Services: []string{"jobs", "cache"}, Overrides: []string{"PG_USER", "PG_CREDENTIALS_SECRET"},
		ReadReplicas: []spec.ReadReplica{{}, {Region: "eu-west-1"}}, IAMUser: "clerk", Tunnel: true, Rotation: &spec.Rotation{},
		Variables: map[string]string{"DATABASE_URL": "postgres://{user}:{password}@{host}:{port}/{name}", "DB_PASS": "{password}", "READER": "{readerHost}:{port}"},
	}, func(app *spec.App) {
		app.Stages[0].Variables = map[string]string{"PG_USER": "clerk"}
		app.Stages[0].Secrets = map[string]string{"PG_CREDENTIALS_SECRET": "dev/clerk#password"}
	})
	t.Run("those that are named, and whose own variables win", func(t *testing.T) {
		jobs := environment(t, chosen, "jobs")
		assert.Contains(t, jobs["PG_USER"], `"clerk"`)
		assert.Contains(t, jobs["PG_CREDENTIALS_SECRET"], "dev/clerk")
		assert.Contains(t, jobs["PG_HOST"], "Endpoint")
		assert.Contains(t, jobs["PG_READER_HOST"], "Replica1")
		assert.NotContains(t, environment(t, chosen, "web"), "PG_HOST")
		// What the stage declares is not the cache's, so it overrides nothing.
		assert.Contains(t, environment(t, chosen, "cache")["PG_USER"], `"postgres"`)
	})

	service := template(t, chosen, "shop-dev-service")
	t.Run("under the application's own names", func(t *testing.T) {
		jobs := environment(t, chosen, "jobs")
		assert.Regexp(t, `Ref":"DatabaseVariables[0-9A-F]{8}"\},":DATABASE_URL::`, jobs["DATABASE_URL"])
		assert.Regexp(t, `RefDatabaseSecret.*:password::`, jobs["DB_PASS"])
		assert.Regexp(t, `Replica1.*:5432`, jobs["READER"])
		assert.NotContains(t, environment(t, chosen, "web"), "DATABASE_URL")
		secrets := service.Resources("AWS::SecretsManager::Secret")
		require.Len(t, secrets, 1)
		for _, secret := range secrets {
			value, err := json.Marshal(secret.Get("Properties.SecretString"))
			require.NoError(t, err)
			assert.Regexp(t, `postgres://postgres:\{\{resolve:secretsmanager:.*:SecretString:password::\}\}@.*Endpoint.*:5432/shop`, string(value))
		}
	})
	t.Run("and written anew after a rotation, by a function that may change nothing else", func(t *testing.T) {
		functions := 0
		for id, function := range service.Resources("AWS::Lambda::Function") {
			templates, err := json.Marshal(function.Get("Properties.Environment.Variables.TEMPLATES"))
			require.NoError(t, err)
			if string(templates) == "null" {
				continue
			}
			functions++
			assert.Contains(t, string(templates), `postgres://postgres:{secret:password}@`, id)
		}
		assert.Equal(t, 1, functions)
		var writes []string
		for id, policy := range service.Resources("AWS::IAM::Policy") {
			for _, statement := range policy.Get("Properties.PolicyDocument.Statement").([]any) {
				if s := statement.(map[string]any); strings.Contains(fmt.Sprint(s["Action"]), "PutSecretValue") {
					writes = append(writes, fmt.Sprint(s["Resource"]))
					assert.Contains(t, id, "CredentialsRefresh")
				}
			}
		}
		require.Len(t, writes, 1)
		assert.Contains(t, writes[0], "DatabaseVariables")
	})
	t.Run("only their roles may log in", func(t *testing.T) {
		for id, policy := range service.Resources("AWS::IAM::Policy") {
			granted := strings.Contains(fmt.Sprint(policy.Get("Properties.PolicyDocument")), "rds-db:connect")
			task := strings.Contains(id, "TaskRole")
			assert.Equal(t, task && !strings.Contains(id, "Serviceweb"), granted, id)
		}
	})
	t.Run("only they are started anew after a rotation", func(t *testing.T) {
		for _, function := range service.Resources("AWS::Lambda::Function") {
			if names := fmt.Sprint(function.Get("Properties.Environment.Variables.SERVICES")); function.Get("Properties.Environment") != nil {
				assert.Contains(t, names, "Servicejobs")
				assert.NotContains(t, names, "Serviceweb")
			}
		}
	})
	t.Run("people get through a container instance", func(t *testing.T) {
		command := fmt.Sprint(service.Outputs()["DatabaseTunnel"].Value)
		assert.Contains(t, command, "aws ssm start-session --region us-east-1 --target ")
		assert.Contains(t, command, "--document-name AWS-StartPortForwardingSessionToRemoteHost")
		sessions := func(assembly *snapshot.Assembly) string {
			text := ""
			for id, policy := range template(t, assembly, "shop-dev-service").Resources("AWS::IAM::Policy") {
				if strings.Contains(id, "InstanceRole") {
					text += fmt.Sprint(policy.Properties)
				}
			}
			return text
		}
		assert.Contains(t, sessions(chosen), "ssmmessages:OpenDataChannel")
		assert.NotContains(t, sessions(plain), "ssmmessages")
	})
	t.Run("a replica in another region stands alone, after its source", func(t *testing.T) {
		stack, err := chosen.Stack("shop-dev-replica-eu-west-1")
		require.NoError(t, err)
		assert.Contains(t, stack.Environment, "/eu-west-1")
		assert.Equal(t, []string{"shop-dev-data"}, stack.Dependencies)
		for _, replica := range stack.Template.Resources("AWS::RDS::DBInstance") {
			assert.Contains(t, fmt.Sprint(replica.Get("Properties.SourceDBInstanceIdentifier")), ":rds:us-east-1:")
			assert.Contains(t, fmt.Sprint(replica.Get("Properties.SourceDBInstanceIdentifier")), ":db:shop-dev")
			assert.Equal(t, "us-east-1", replica.Get("Properties.SourceRegion"))
			assert.Contains(t, fmt.Sprint(replica.Get("Properties.KmsKeyId")), "Key")
			assert.Equal(t, "Delete", replica.DeletionPolicy)
		}
		assert.Len(t, stack.Template.Resources("AWS::RDS::DBInstance"), 1)
		assert.Empty(t, stack.Template.Resources("AWS::EC2::NatGateway"))
		jobs := environment(t, chosen, "jobs")
		assert.Equal(t, jobs["PG_READER_HOST"], jobs["PG_READER_HOSTS"], "only the replica that is near")
		assert.NotContains(t, fmt.Sprint(service), "eu-west-1")
	})
	t.Run("a migration waits for the way to the database", func(t *testing.T) {
		service := template(t, plain, "shop-dev-service")
		for id, migration := range service.Resources("Custom::Migration") {
			assert.Contains(t, migration.DependsOn, "DatabaseIngress", id)
			assert.Equal(t, strings.Contains(id, "jobs"), slices.Contains(migration.DependsOn, "DatabaseIngressjobs"), id)
		}
		assert.Len(t, service.Resources("Custom::Migration"), 2)
	})
}

// Services log in as a user that alternates with another, and that only
// migrations make, as the master user.
func TestServicesLogInAsUsersThatTakeTurns(t *testing.T) {
	assembly := withDatabase(t, &spec.Database{
		Rotation: &spec.Rotation{User: "clerk"}, IAMUser: "token",
		Variables: map[string]string{"DATABASE_URL": "postgres://{user}:{password}@{host}/{name}", "DB_USER": "{user}", "DB_HOST": "{host}"},
	}, func(app *spec.App) {
		app.Services[0].DatabaseVariables = map[string]string{"DSN": "user={user} host={host}"}
		app.Services = append(app.Services, spec.Service{Name: "nightly", Image: "example.com/jobs:1", Schedule: "rate(1 day)"})
		app.Services[1].Migration = nil
		app.Stages = append(app.Stages, spec.Stage{Name: "rest", Profile: spec.Idle, Scale: spec.ScaleProfile{Instance: "t3.medium"}, Database: &spec.Database{Rotation: &spec.Rotation{User: "clerk"}}})
	})
	service := template(t, assembly, "shop-dev-service")
	// What a task definition's container gets of the database; of secrets the
	// resource and the key.
	having := func(prefix, id string) map[string]string {
		found := map[string]string{}
		task, there := service.Resource(id)
		require.True(t, there, id)
		c := task.Get("Properties.ContainerDefinitions").([]any)[0].(map[string]any)
		for _, list := range []string{"Environment", "Secrets"} {
			entries, _ := c[list].([]any)
			for _, entry := range entries {
				e := entry.(map[string]any)
				if name := e["Name"].(string); strings.HasPrefix(name, prefix) {
					found[name] = fmt.Sprint(e["Value"], e["ValueFrom"])
				}
			}
		}
		return found
	}
	of := func(id string) map[string]string { return having("PG_", id) }
	migrations := service.Resources("Custom::Migration")
	require.Len(t, migrations, 1)
	var migration, migrating string
	for id, resource := range migrations {
		migration = id
		migrating, _ = reference(resource.Get("Properties.TaskDefinition"))
	}
	holds := func(environment map[string]string, name, secret, key string) {
		assert.Regexp(t, "RefDatabase"+secret+"[0-9A-F]{8}.*:"+key+"::", environment[name], name)
	}

	t.Run("services know that user only", func(t *testing.T) {
		tasks := 0
		for id := range service.Resources("AWS::ECS::TaskDefinition") {
			if id == migrating || strings.HasPrefix(id, "Servicecache") {
				continue
			}
			tasks++
			environment := of(id)
			assert.ElementsMatch(t, []string{"PG_CREDENTIALS_SECRET", "PG_DATABASE", "PG_HOST", "PG_PORT", "PG_USER"}, slices.Collect(maps.Keys(environment)), id)
			holds(environment, "PG_USER", "UserSecret", "username")
			holds(environment, "PG_CREDENTIALS_SECRET", "UserSecret", "password")
		}
		assert.Equal(t, 3, tasks)
	})
	t.Run("the migration is the master user, and knows whom to make", func(t *testing.T) {
		environment := of(migrating)
		assert.Len(t, environment, 8)
		assert.Contains(t, environment["PG_USER"], "postgres")
		assert.Contains(t, environment["PG_APP_ROLE"], "clerk")
		holds(environment, "PG_CREDENTIALS_SECRET", "Secret", "password")
		holds(environment, "PG_APP_USER", "UserSecret", "username")
		holds(environment, "PG_APP_CREDENTIALS_SECRET", "UserSecret", "password")
	})
	t.Run("so it is under the application's own names", func(t *testing.T) {
		for id := range service.Resources("AWS::ECS::TaskDefinition") {
			if strings.HasPrefix(id, "Servicecache") {
				continue
			}
			own, label := having("D", id), fmt.Sprint(service.Resources("")[id].Get("Properties.ContainerDefinitions.0.DockerLabels"))
			assert.Regexp(t, "tinystack.database-variables:[0-9a-f]{12}", label, id)
			if id == migrating {
				assert.Regexp(t, "MigrationDatabaseVariables[0-9A-F]{8}.*:DATABASE_URL::", own["DATABASE_URL"])
				assert.Regexp(t, "MigrationDatabaseVariables[0-9A-F]{8}.*:web.DSN::", own["DSN"])
				assert.Contains(t, own["DB_USER"], "postgres")
			} else {
				assert.Regexp(t, "[^n]DatabaseVariables[0-9A-F]{8}.*:DATABASE_URL::", own["DATABASE_URL"], id)
				holds(own, "DB_USER", "UserSecret", "username")
			}
			assert.Contains(t, own["DB_HOST"], "Endpoint", id)
		}
		for id, secret := range service.Resources("AWS::SecretsManager::Secret") {
			text, master := fmt.Sprint(secret.Get("Properties.SecretString")), strings.HasPrefix(id, "Migration")
			assert.Equal(t, !master, strings.Contains(text, "RefDatabaseUserSecret"), id)
			assert.Equal(t, master, strings.Contains(text, "postgres://postgres:"), id)
		}
		assert.Len(t, service.Resources("AWS::SecretsManager::Secret"), 2)
	})
	t.Run("only the migration's execution role reads the master's secret", func(t *testing.T) {
		task, _ := service.Resource(migrating)
		own, _ := reference(task.Get("Properties.ExecutionRoleArn"))
		readers := 0
		for id, policy := range service.Resources("AWS::IAM::Policy") {
			if regexp.MustCompile("RefDatabaseSecret[0-9A-F]{8}").MatchString(fmt.Sprint(policy.Get("Properties.PolicyDocument"))) {
				readers++
				role, _ := reference(policy.Get("Properties.Roles.0"))
				assert.Equal(t, own, role, id)
			}
		}
		assert.Equal(t, 1, readers)
	})
	t.Run("nothing logs in before the user is made", func(t *testing.T) {
		waiting := 0
		for _, kind := range []string{"AWS::ECS::Service", "AWS::Scheduler::Schedule", "AWS::SecretsManager::RotationSchedule"} {
			for id, resource := range service.Resources(kind) {
				if !strings.HasPrefix(id, "Servicecache") {
					waiting++
					assert.Contains(t, resource.DependsOn, migration, id)
				}
			}
		}
		assert.Equal(t, 4, waiting)
	})
	t.Run("tasks follow that secret", func(t *testing.T) {
		for _, function := range service.Resources("AWS::Lambda::Function") {
			if watched := function.Get("Properties.Environment.Variables.SECRET"); watched != nil {
				assert.Contains(t, fmt.Sprint(watched), "UserSecret")
			}
		}
		assert.Contains(t, fmt.Sprint(service.Outputs()["RotateNow"].Value), "UserSecret")
	})
	t.Run("where no migration runs, nothing is rotated", func(t *testing.T) {
		resting := template(t, assembly, "shop-rest-service")
		assert.Empty(t, resting.Resources("AWS::SecretsManager::RotationSchedule"))
		assert.Empty(t, resting.Resources("Custom::Migration"))
		assert.Nil(t, resting["Transform"])
		assert.Len(t, template(t, assembly, "shop-rest-data").Resources("AWS::SecretsManager::Secret"), 2)
	})
	t.Run("its credentials are guarded", func(t *testing.T) {
		single := withDatabase(t, &spec.Database{Rotation: &spec.Rotation{}}, nil)
		_, err := guard.Check("assembly", assembly, single, nil)
		require.Error(t, err)
		assert.Contains(t, err.Error(), "DatabaseUserSecret")
		notices, err := guard.Check("single", single, assembly, nil)
		require.NoError(t, err, "turning it on loses nothing")
		assert.Empty(t, notices)
	})
}

// What a change of the database replaces, by the resource schemas.
func TestWhatAChangeOfTheDatabaseReplaces(t *testing.T) {
	base := spec.Database{Version: "16", Instance: "t4g.micro", ReadReplicas: []spec.ReadReplica{{}}}
	before := withDatabase(t, &base, nil)
	for name, test := range map[string]struct {
		change   func(*spec.Database)
		replaced []string
	}{
		"instance": {func(d *spec.Database) { d.Instance = "m7g.large" }, nil},
		"everything else in place": {func(d *spec.Database) {
			d.Storage, d.MaxStorage, d.MultiAZ, d.BackupDays = 100, 500, new(true), 30
			d.BackupWindow, d.MaintenanceWindow = "02:00-02:30", "sun:03:00-sun:04:00"
			d.DatabaseInsights, d.Parameters, d.LogExports = new(true), map[string]string{"work_mem": "8192"}, []string{"upgrade"}
			d.IAMUser, d.Tunnel, d.Rotation, d.Version = "clerk", true, &spec.Rotation{}, "16.13"
			d.ReadReplicas = nil
		}, nil},
		"major version": {func(d *spec.Database) { d.Version, d.AllowMajorUpgrade = "17", true }, []string{"AWS::RDS::DBParameterGroup"}},
		"name":          {func(d *spec.Database) { d.Name = "books" }, []string{"AWS::RDS::DBInstance"}},
	} {
		t.Run(name, func(t *testing.T) {
			changed := base
			test.change(&changed)
			after := withDatabase(t, &changed, nil)
			assert.NotEqual(t, template(t, before, "shop-dev-data"), template(t, after, "shop-dev-data"))
			assert.Equal(t, test.replaced, replaced(template(t, before, "shop-dev-data"), template(t, after, "shop-dev-data")))
			_, err := guard.Check("before", before, after, nil)
			assert.Equal(t, slices.Contains(test.replaced, "AWS::RDS::DBInstance"), err != nil, "%v", err)
		})
	}
}

func TestAttachingADatabaseAndDetachingIt(t *testing.T) {
	without, with := withDatabase(t, nil, nil), withDatabase(t, &spec.Database{}, nil)

	t.Run("attaching replaces nothing", func(t *testing.T) {
		notices, err := guard.Check("without", without, with, nil)
		require.NoError(t, err)
		assert.Empty(t, notices)
		for _, part := range []string{"network", "service"} {
			assert.Empty(t, replaced(template(t, without, "shop-dev-"+part), template(t, with, "shop-dev-"+part)))
		}
	})
	t.Run("detaching leaves the data where it is, and says so", func(t *testing.T) {
		notices, err := guard.Check("with", with, without, nil)
		require.NoError(t, err)
		require.Len(t, notices, 2)
		assert.Contains(t, strings.Join(notices, "\n"), "the stack shop-dev-data stays deployed, with everything in it, and is paid for")
		assert.NotContains(t, fmt.Sprint(template(t, without, "shop-dev-service")), "shop-dev-data")
		// The data stack is still deployed, and stands in these.
		for _, kind := range []string{"AWS::EC2::VPC", "AWS::EC2::Subnet"} {
			assert.Equal(t, template(t, with, "shop-dev-network").Resources(kind), template(t, without, "shop-dev-network").Resources(kind))
		}
	})
	t.Run("attaching again finds it", func(t *testing.T) {
		again := withDatabase(t, &spec.Database{}, nil)
		for _, stack := range with.Stacks {
			assert.Equal(t, stack.Template, template(t, again, stack.Name), stack.Name)
		}
	})
}

// replaced are the types of the resources that CloudFormation would make anew
// on the way from one template to the other. A new revision of a task
// definition is how every deployment works, and not listed.
func replaced(before, after snapshot.Template) []string {
	assembly := func(template snapshot.Template) *snapshot.Assembly {
		return &snapshot.Assembly{Stacks: []*snapshot.Stack{{Name: "stack", Template: template}}}
	}
	var types []string
	for _, lost := range guard.Replacements(assembly(before), assembly(after)) {
		for id := range lost {
			if kind := before.Resources("")[id].Type; kind != "AWS::ECS::TaskDefinition" && !slices.Contains(types, kind) {
				types = append(types, kind)
			}
		}
	}
	slices.Sort(types)
	return types
}
