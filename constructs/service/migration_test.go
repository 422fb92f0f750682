package service_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/constructs/cluster"
	"github.com/tinystack-go/tinystack/constructs/service"
	"github.com/tinystack-go/tinystack/internal/inline"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/spec"
)

func parameter(scope constructs.Construct, name string) awsecs.Secret {
	return awsecs.Secret_FromSsmParameter(awsssm.StringParameter_FromSecureStringParameterAttributes(scope, &name,
		&awsssm.SecureStringParameterAttributes{ParameterName: jsii.String("/" + name)}))
}

func TestMigration(t *testing.T) {
	app := synthtest.NewApp(t)
	for name, scale := range map[string]spec.ScaleProfile{"bridge": {}, "awsvpc": {Instance: "t3.small"}, "idle": spec.Preset(spec.Idle), "apart": {}} {
		stack := synthtest.Stack(app, name)
		vpc := synthtest.VPC(stack)
		c := cluster.NewCluster(stack, jsii.String("Cluster"), &cluster.ClusterProps{VPC: vpc, Scale: scale})
		declared := spec.Service{Name: "web", Image: "example.com/web:1", Migration: &spec.Migration{Command: []string{"./migrate", "up"}, Timeout: spec.Minutes(5)}}
		if name == "awsvpc" {
			declared.NetworkMode = spec.AWSVPC
		}
		props := &service.EcsEc2ServiceProps{
			Cluster: c.Cluster(), CapacityProvider: c.CapacityProvider(), Scale: scale, Service: declared,
		}
		if name == "apart" {
			props.Variables = map[string]string{"USER": "web", "SHARED": "1"}
			props.Secrets = map[string]awsecs.Secret{"PASSWORD": parameter(stack, "web"), "OTHER": parameter(stack, "other")}
			props.MigrationVariables = map[string]string{"OTHER": "plain"}
			props.MigrationSecrets = map[string]awsecs.Secret{"USER": parameter(stack, "owner"), "PASSWORD": parameter(stack, "owners")}
		}
		made := service.NewEcsEc2Service(stack, jsii.String("Web"), props)
		if name == "apart" {
			made.AddVariable("LATER", "1")
			made.AddSecret("LATER_SECRET", parameter(stack, "later"))
			made.AddVariable("EXTRA", "1")
		}
		assert.Equal(t, name != "idle", made.Migration() != nil)
	}
	assembly := synthtest.Secured(t, app)
	template, only := assembly.Template, assembly.OnlyID

	t.Run("where no task runs, there is none", func(t *testing.T) {
		assert.Empty(t, template("idle").Resources("Custom::Migration"))
		assert.Empty(t, template("idle").Resources("AWS::Lambda::Function"))
	})

	t.Run("what only the migration sees", func(t *testing.T) {
		_, migration := only("apart", "Custom::Migration")
		environments := map[bool]map[string]string{true: {}, false: {}}
		roles := map[string]bool{}
		for id, task := range template("apart").Resources("AWS::ECS::TaskDefinition") {
			of := environments[fmt.Sprint(migration.Get("Properties.TaskDefinition")) == fmt.Sprint(map[string]any{"Ref": id})]
			container := task.Get("Properties.ContainerDefinitions.0").(map[string]any)
			for _, list := range []string{"Environment", "Secrets"} {
				for _, entry := range container[list].([]any) {
					e := entry.(map[string]any)
					of[e["Name"].(string)] = regexp.MustCompile(`parameter/(\w+)`).FindString(fmt.Sprint(e["ValueFrom"])) + fmt.Sprint(e["Value"])
				}
			}
			assert.Equal(t, "web", container["Name"])
			assert.Equal(t, "example.com/web:1", container["Image"])
			assert.Contains(t, fmt.Sprint(task.Get("Properties.TaskRoleArn")), "WebTaskRole")
			roles[fmt.Sprint(task.Get("Properties.ExecutionRoleArn"))] = true
		}
		assert.Equal(t, map[string]string{
			"USER": "web", "SHARED": "1", "PASSWORD": "parameter/web<nil>", "OTHER": "parameter/other<nil>",
			"LATER": "1", "LATER_SECRET": "parameter/later<nil>", "EXTRA": "1", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
		}, environments[false])
		assert.Equal(t, map[string]string{
			"USER": "parameter/owner<nil>", "SHARED": "1", "PASSWORD": "parameter/owners<nil>", "OTHER": "plain",
			"LATER": "1", "LATER_SECRET": "parameter/later<nil>", "EXTRA": "1", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
		}, environments[true])
		assert.Len(t, roles, 2, "who starts one task may not read the other's secrets")
	})

	t.Run("it comes between the new task definition and the service", func(t *testing.T) {
		id, migration := only("bridge", "Custom::Migration")
		task, _ := only("bridge", "AWS::ECS::TaskDefinition")
		_, running := only("bridge", "AWS::ECS::Service")
		assert.Equal(t, map[string]any{"Ref": task}, migration.Get("Properties.TaskDefinition"))
		assert.Contains(t, running.DependsOn, id)
		assert.Equal(t, []any{"./migrate", "up"}, migration.Get("Properties.Command"))
		assert.EqualValues(t, "390", migration.Get("Properties.ServiceTimeout"))
	})

	t.Run("it waits for what its task needs", func(t *testing.T) {
		_, migration := only("bridge", "Custom::Migration")
		waits := map[string]bool{}
		for _, id := range migration.DependsOn {
			resource, _ := template("bridge").Resource(id)
			waits[resource.Type] = true
		}
		for _, kind := range []string{"AWS::ECS::ClusterCapacityProviderAssociations", "AWS::IAM::Role", "AWS::IAM::Policy"} {
			assert.True(t, waits[kind], kind)
		}
	})

	t.Run("a task with its own network interface gets one", func(t *testing.T) {
		_, migration := only("awsvpc", "Custom::Migration")
		text, err := json.Marshal(migration.Get("Properties.Placement"))
		require.NoError(t, err)
		assert.Contains(t, string(text), "awsvpcConfiguration")
		assert.Contains(t, string(text), "subnet-1")
		_, migration = only("bridge", "Custom::Migration")
		text, _ = json.Marshal(migration.Get("Properties.Placement"))
		assert.NotContains(t, string(text), "awsvpcConfiguration")
	})

	t.Run("it may run this task on this cluster", func(t *testing.T) {
		for _, policy := range template("bridge").Resources("AWS::IAM::Policy") {
			for _, statement := range policy.Get("Properties.PolicyDocument.Statement").([]any) {
				s := statement.(map[string]any)
				if s["Action"] == "ecs:RunTask" {
					assert.NotNil(t, s["Condition"].(map[string]any)["ArnEquals"].(map[string]any)["ecs:cluster"])
				}
				if s["Action"] == "iam:PassRole" {
					assert.Len(t, s["Resource"], 2)
				}
			}
		}
	})
}

// What the function does, on the code that stands in the template.
func TestMigrationFunction(t *testing.T) {
	code := minified(t, "migration.js")
	const task = "arn:aws:ecs:us-east-1:111111111111:task/c/0123"
	running := `{"tasks": [{"taskArn": "` + task + `"}]}`
	stopped := func(exit string) string {
		return `{"tasks": [{"lastStatus": "STOPPED", "stoppedReason": "because", "containers": [{"name": "web"` + exit + `}]}]}`
	}
	busy := `{"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY"}]}`
	event := func(kind, now, before string, timeout string) string {
		properties := func(revision string) string {
			return `{"Cluster": "c", "TaskDefinition": "arn:aws:ecs:us-east-1:111111111111:task-definition/` + revision + `", "Container": "web", "Command": ["up"], "LogGroup": "logs", "TimeoutSeconds": "` + timeout + `", "Placement": "{\"launchType\":\"EC2\"}"}`
		}
		return `{"RequestType": "` + kind + `", "RequestId": "r", "StackId": "s", "LogicalResourceId": "Migration", "ResponseURL": "https://example.com/",
			"ResourceProperties": ` + properties(now) + `, "OldResourceProperties": ` + properties(before) + `}`
	}
	for name, test := range map[string]struct {
		event, script string
		says          []string
		not           string
	}{
		"created":            {event("Create", "f:1", "f:1", "60"), running + "," + stopped(`, "exitCode": 0`), []string{`"launchType":"EC2"`, `"command":["up"]`, `"clientToken":"r-0"`, `"Status":"SUCCESS"`}, "StopTask"},
		"a new version":      {event("Update", "f:10", "f:9", "60"), running + "," + stopped(`, "exitCode": 0`), []string{"RunTaskCommand", "f:10", `"Status":"SUCCESS"`}, "FAILED"},
		"another definition": {event("Update", "g:1", "f:9", "60"), running + "," + stopped(`, "exitCode": 0`), []string{"RunTaskCommand", `"Status":"SUCCESS"`}, "FAILED"},
		"it fails":           {event("Update", "f:2", "f:1", "60"), running + "," + stopped(`, "exitCode": 3`), []string{`"Status":"FAILED"`, "Migration of web: exit status 3; its output is in logs, stream web/web/0123"}, "SUCCESS"},
		"no room at first":   {event("Create", "f:1", "f:1", "60"), busy + `,{"error": "No Container Instances were found in your cluster."},` + running + "," + stopped(`, "exitCode": 0`), []string{`"clientToken":"r-2"`, `"Status":"SUCCESS"`}, "FAILED"},
		"never any room":     {event("Create", "f:1", "f:1", "0"), busy, []string{`"Status":"FAILED"`, "it did not start: RESOURCE:MEMORY"}, "DescribeTasks"},
		"no such image":      {event("Create", "f:1", "f:1", "60"), running + "," + stopped(`, "reason": "CannotPullContainerError"`), []string{`"Status":"FAILED"`, "it did not start: CannotPullContainerError"}, "SUCCESS"},
		"too long":           {event("Create", "f:1", "f:1", "0"), running + `,{"tasks": [{"lastStatus": "RUNNING"}]}`, []string{"StopTaskCommand", `"Status":"FAILED"`, "not done after 0 seconds"}, "SUCCESS"},
		"taken back":         {event("Update", "f:9", "f:10", "0"), busy, []string{`"Status":"SUCCESS"`, "no new version"}, "RunTask"},
		"another command":    {event("Update", "f:9", "f:9", "0"), busy, []string{`"Status":"SUCCESS"`, "no new version"}, "RunTask"},
		"other settings":     {event("Update", "f:9", "f:9", "0"), busy, []string{`"Status":"SUCCESS"`}, "RunTask"},
		"deleted":            {event("Delete", "f:9", "f:9", "0"), busy, []string{`"Status":"SUCCESS"`, `"PhysicalResourceId":"Migration"`}, "RunTask"},
	} {
		t.Run(name, func(t *testing.T) {
			command := exec.Command("node", "testdata/invoke.js", code)
			command.Env = append(os.Environ(), "NODE_PATH=testdata/modules", "PAUSE_MS=1", "EVENT="+test.event, "SCRIPT=["+test.script+"]")
			out, err := command.CombinedOutput()
			require.NoError(t, err, string(out))
			for _, says := range test.says {
				assert.Contains(t, string(out), says)
			}
			assert.NotContains(t, strings.ReplaceAll(string(out), test.event, ""), test.not)
		})
	}
}

// minified is what the files make together, as it stands in a template.
func minified(t *testing.T, names ...string) string {
	t.Helper()
	var source []byte
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		source = append(source, text...)
	}
	path := filepath.Join(t.TempDir(), "index.js")
	require.NoError(t, os.WriteFile(path, []byte(inline.JavaScript(string(source))), 0o644))
	return path
}

func TestSecretRefresh(t *testing.T) {
	code := minified(t, "refresh.js")
	services := func(createdAt string) string {
		return `{"services": [{"serviceName": "web", "serviceArn": "arn:web", "deployments": [{"createdAt": "2026-01-01T00:00:00Z"}, {"createdAt": "` + createdAt + `"}]}]}`
	}
	for name, test := range map[string]struct {
		rotated, services string
		anew              bool
	}{
		"never rotated":         {`{}`, services("2026-01-01T00:00:00Z"), false},
		"rotated since":         {`{"LastRotatedDate": "2026-02-01T00:00:00Z"}`, services("2026-01-31T00:00:00Z"), true},
		"deployed since":        {`{"LastRotatedDate": "2026-02-01T00:00:00Z"}`, services("2026-02-02T00:00:00Z"), false},
		"no service to be seen": {`{"LastRotatedDate": "2026-02-01T00:00:00Z"}`, `{"services": []}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			command := exec.Command("node", "-e", `require(process.env.CODE).handler({}).catch((err) => { console.error(err); process.exit(1); })`)
			command.Env = append(os.Environ(), "NODE_PATH=testdata/modules", "CODE="+code, "SECRET=s", "CLUSTER=c", `SERVICES=["web"]`, "ROTATED="+test.rotated, "SCRIPT=["+test.services+"]")
			out, err := command.CombinedOutput()
			require.NoError(t, err, string(out))
			assert.Equal(t, test.anew, strings.Contains(string(out), `UpdateServiceCommand {"cluster":"c","service":"arn:web","forceNewDeployment":true}`), string(out))
		})
	}
}

// What has the password in it is written before tasks are started anew: they would
// read the old one again.
func TestComposedSecretsFollowARotation(t *testing.T) {
	const composed = `{\"URL\":\"db://clerk:old@h\"}`
	for name, test := range map[string]struct{ credentials, now, puts string }{
		"rotated":              {`{\"username\":\"clerk\",\"password\":\"new\"}`, composed, `PutSecretValueCommand {"SecretId":"c","SecretString":"{\"URL\":\"db://clerk:new@h\"}"}`},
		"the user takes turns": {`{\"username\":\"clerk_clone\",\"password\":\"old\"}`, composed, `db://clerk_clone:old@h`},
		"written already":      {`{\"username\":\"clerk\",\"password\":\"old\"}`, composed, ""},
		"one more":             {`{\"username\":\"clerk\",\"password\":\"old\"}`, `{}`, `db://clerk:old@h`},
	} {
		t.Run(name, func(t *testing.T) {
			command := exec.Command("node", "-e", `require(process.env.CODE).handler({}).catch((err) => { console.error(err); process.exit(1); })`)
			command.Env = append(os.Environ(), "NODE_PATH=testdata/modules", "CODE="+minified(t, "refresh.js", "compose.js"), "SECRET=s", "COMPOSED=c", "CLUSTER=c", `SERVICES=["web"]`,
				`TEMPLATES={"URL":"db://{secret:username}:{secret:password}@h"}`, `VALUES={"s":"`+test.credentials+`","c":"`+test.now+`"}`,
				`ROTATED={"LastRotatedDate": "2026-02-01T00:00:00Z"}`, `SCRIPT=[{"services": [{"serviceName": "web", "serviceArn": "arn:web", "deployments": [{"createdAt": "2026-01-01T00:00:00Z"}]}]}]`)
			out, err := command.CombinedOutput()
			require.NoError(t, err, string(out))
			put, update := strings.Index(string(out), "PutSecretValueCommand"), strings.Index(string(out), "UpdateServiceCommand")
			assert.Positive(t, update, string(out))
			assert.Equal(t, test.puts != "", put >= 0, string(out))
			assert.Contains(t, string(out), test.puts)
			assert.Less(t, put, update)
		})
	}
}
