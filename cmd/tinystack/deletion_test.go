package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/cost"
	"github.com/tinystack-go/tinystack/internal/cfnfake"
	"github.com/tinystack-go/tinystack/spec"
)

const (
	pipelineAccount = "111111111111"
	otherAccount    = "222222222222"
)

// shop is a declaration over two accounts and two regions.
const shop = `name: shop
pipeline: {account: "111111111111"}
source: {codeCommit: shop}
stages:
  - name: dev
    account: "111111111111"

  # Rehearses.
  - name: canary # in the west
    canaryOf: prod
    region: us-west-2
    bake: 30m

  - name: prod
    account: "222222222222"
    approval: manual
    database: {}
`

// world is that declaration, deployed.
type world struct {
	*cfnfake.Cloud
	file   string
	paused int
}

const noResources = `{"Resources": {}}`

// deployed starts a cloud in which the credentials are those of the pipeline's
// account, and in which waiting takes no time.
func deployed(t *testing.T, stacks ...*cfnfake.Stack) *world {
	t.Helper()
	w := &world{Cloud: cfnfake.New(t, stacks...), file: declare(t, shop)}
	w.Keys["PIPELINE"], w.Keys["OTHER"] = pipelineAccount, otherAccount
	empty := filepath.Join(t.TempDir(), "none")
	profiles := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(profiles, []byte("[profile other]\naws_access_key_id = OTHER\naws_secret_access_key = s\n"), 0o600))
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": w.URL, "AWS_ACCESS_KEY_ID": "PIPELINE", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": profiles, "AWS_SHARED_CREDENTIALS_FILE": empty, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	pauseBefore, backoffBefore := pause, backoff
	pause = func(ctx context.Context, _ time.Duration) error {
		w.paused++
		if ctx.Err() != nil {
			return pauseBefore(ctx, 0)
		}
		require.Less(t, w.paused, 200, "it waits for ever")
		return nil
	}
	// The first attempts follow each other at once. Later ones wait a little: on a
	// busy machine loopback once refused ten in a row within a millisecond.
	backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
		return time.Duration(max(0, attempt-3)) * 10 * time.Millisecond, nil
	})
	t.Cleanup(func() { pause, backoff = pauseBefore, backoffBefore })
	return w
}

func (w *world) declaration(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(w.file)
	require.NoError(t, err)
	return string(text)
}

// run is the command, with its file and without a terminal.
func (w *world) run(args ...string) result { return tinystack(append(args, "-f", w.file)...) }

func uses(stacks ...string) string {
	var values []string
	for i, name := range stacks {
		values = append(values, fmt.Sprintf(`"Use%d": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"VpcId": {"Fn::GetStackOutput": {"StackName": %q, "OutputName": "X"}}}}`, i, name))
	}
	return strings.Join(values, ", ")
}

// stackOf is a stack as the library makes it, of three resources and more.
func stackOf(account, region, stage, kind, template string, more ...*cfnfake.Resource) *cfnfake.Stack {
	name, description := "shop-"+stage+"-"+kind, "shop, stage "+stage+": "+kind
	if stage == "" {
		name, description = "shop-"+kind, "shop: "+kind
	}
	resources := more
	for i := range 3 {
		resources = append(resources, &cfnfake.Resource{LogicalID: fmt.Sprintf("Thing%d", i), Type: "AWS::EC2::VPC", PhysicalID: fmt.Sprintf("vpc-%d", i)})
	}
	return &cfnfake.Stack{Account: account, Region: region, Name: name, Description: description, Template: template, Resources: resources}
}

func canary() []*cfnfake.Stack {
	network := stackOf(otherAccount, "us-west-2", "canary", "network", noResources)
	data := stackOf(otherAccount, "us-west-2", "canary", "data", `{"Resources": {"DB": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot"}, `+uses("shop-canary-network")+`}}`,
		&cfnfake.Resource{LogicalID: "DB", Type: "AWS::RDS::DBInstance", PhysicalID: "shop-canary"})
	service := stackOf(otherAccount, "us-west-2", "canary", "service", `{"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Retain"}, `+uses("shop-canary-network", "shop-canary-data")+`}}`,
		&cfnfake.Resource{LogicalID: "Logs", Type: "AWS::Logs::LogGroup", PhysicalID: "shop/canary/web", Kept: true})
	return []*cfnfake.Stack{data, network, service}
}

func production() []*cfnfake.Stack {
	data := stackOf(otherAccount, "us-east-1", "prod", "data", `{"Resources": {"DB": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Retain", "Properties": {"DeletionProtection": true}}, `+uses("shop-prod-network")+`}}`,
		&cfnfake.Resource{LogicalID: "DB", Type: "AWS::RDS::DBInstance", PhysicalID: "shop-prod", Kept: true})
	data.Protected = true
	service := stackOf(otherAccount, "us-east-1", "prod", "service", `{"Resources": {"LB": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"LoadBalancerAttributes": [{"Key": "deletion_protection.enabled", "Value": "true"}]}}, `+uses("shop-prod-network", "shop-prod-data")+`}}`,
		&cfnfake.Resource{LogicalID: "LB", Type: "AWS::ElasticLoadBalancingV2::LoadBalancer", PhysicalID: "arn:lb"})
	return []*cfnfake.Stack{service, stackOf(otherAccount, "us-east-1", "prod", "network", noResources), data}
}

// pipelineWith is the pipeline's stack, which deploys these stages.
func pipelineWith(stages ...string) *cfnfake.Stack {
	var actions []string
	for _, stage := range stages {
		actions = append(actions, fmt.Sprintf(`{"Name": %q, "Actions": [{"Configuration": {"StackName": "shop-%s-network"}}]}`, "shop-"+stage, stage))
	}
	return stackOf(pipelineAccount, "us-east-1", "", "pipeline", `{"Resources": {"P": {"Type": "AWS::CodePipeline::Pipeline", "Properties": {"Stages": [`+strings.Join(actions, ", ")+`]}}}}`)
}

// The whole way with a pipeline: the declaration first, the stacks when the
// pipeline has let go, and a third run that finds nothing to do.
func TestStageRemove(t *testing.T) {
	deploys := pipelineWith("dev", "canary", "prod")
	w := deployed(t, append(canary(), deploys,
		// Alike, and none of this stage.
		stackOf(otherAccount, "us-west-2", "canary-eu", "network", noResources),
		&cfnfake.Stack{Account: otherAccount, Region: "us-west-2", Name: "shop-canary-foreign", Template: noResources},
		stackOf(pipelineAccount, "us-west-2", "canary", "network", noResources),
	)...)

	declared, err := spec.Load(w.file)
	require.NoError(t, err)
	saved, err := cost.Stage(declared, "canary", cost.Light())
	require.NoError(t, err)

	got := w.run("stage", "remove", "canary", "--confirm", "canary-delete")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, `Stage canary of shop

STACK                 ACCOUNT        REGION      RESOURCES
shop-canary-service   222222222222   us-west-2   4
shop-canary-data      222222222222   us-west-2   4
shop-canary-network   222222222222   us-west-2   3

Of shop-canary-service these stay:
  log group shop/canary/web

Of shop-canary-data these stay:
  a last snapshot of the database shop-canary

In 222222222222, us-west-2 as arn:aws:iam::222222222222:role/cdk-hnb659fds-deploy-role-222222222222-us-west-2.

It saves about `+saved.Total().String()+` a month at light load.

Nothing rehearses prod then.

`+w.file+`: stage canary removed: dev → prod

Its stacks are still there. Deleted now, they would come back with the next
commit, because the deployed pipeline still has the stage.

Next:
1. Commit and push the declaration.
2. When the pipeline has updated itself, delete the stacks:
   tinystack stage remove canary --account 222222222222 --region us-west-2 -f `+w.file+`
`, got.stdout)
	assert.Equal(t, strings.Replace(shop, "  # Rehearses.\n  - name: canary # in the west\n    canaryOf: prod\n    region: us-west-2\n    bake: 30m\n\n", "", 1), w.declaration(t))
	assert.Empty(t, w.Deleted())

	// Too early.
	again := []string{"stage", "remove", "canary", "--account", otherAccount, "--region", "us-west-2", "--confirm", "canary-delete"}
	got = w.run(again...)
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "still deploys canary")
	deploys.Template, deploys.Status = pipelineWith("dev", "prod").Template, "UPDATE_IN_PROGRESS"
	got = w.run(again...)
	assert.Equal(t, 1, got.status)
	assert.Empty(t, w.Deleted())

	deploys.Status = "UPDATE_COMPLETE"
	got = w.run(again...)
	require.Equal(t, 0, got.status, got.stderr)
	_, progress, _ := strings.Cut(got.stdout, "-us-west-2.\n\n")
	assert.Equal(t, `shop-canary-service: deleting 4 resources
shop-canary-service: 2 of 4 left
shop-canary-service: deleted
shop-canary-data: deleting 4 resources
shop-canary-data: 2 of 4 left
shop-canary-data: deleted
shop-canary-network: deleting 3 resources
shop-canary-network: 2 of 3 left
shop-canary-network: deleted

Still there, for you to keep or to delete:
  log group shop/canary/web (222222222222, us-west-2)
  a last snapshot of the database shop-canary (222222222222, us-west-2)

Stage canary is deleted.
`, progress)
	for _, request := range w.Requests("DeleteStack") {
		assert.Equal(t, otherAccount, request.Account)
		assert.Equal(t, "us-west-2", request.Region)
	}
	assert.NotNil(t, w.Stack("shop-canary-eu-network"))
	assert.NotNil(t, w.Stack("shop-canary-foreign"))
	assert.NotNil(t, w.Stack("shop-canary-network"), "of the other account")

	got = w.run(again...)
	assert.Equal(t, 0, got.status)
	assert.Contains(t, got.stdout, "nothing to delete")
}

// With --wait one run does it all.
func TestStageRemoveWaitsForThePipeline(t *testing.T) {
	deploys := pipelineWith("dev", "canary", "prod")
	w := deployed(t, append(canary(), deploys)...)
	asked := 0
	w.Intercept = func(request cfnfake.Request) (string, string) {
		if request.Action == "GetTemplate" && request.Form.Get("StackName") == "shop-pipeline" {
			if asked++; asked == 4 {
				deploys.Template = pipelineWith("dev", "prod").Template
			}
		}
		return "", ""
	}
	got := w.run("stage", "remove", "canary", "--wait", "--confirm", "canary-delete", "--profile", "canary=other")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "Commit and push the declaration now.")
	assert.Contains(t, got.stdout, "as arn:aws:iam::222222222222:user/ann.")
	assert.Equal(t, []string{"shop-canary-service", "shop-canary-data", "shop-canary-network"}, w.Deleted())
	assert.Empty(t, w.Requests("AssumeRole"), "the profile is of that account")
}

// Whatever is not confirmed changes nothing.
func TestConfirmation(t *testing.T) {
	w := deployed(t, canary()...)
	unchanged := func(t *testing.T, got result, says string) {
		t.Helper()
		assert.Equal(t, 1, got.status)
		assert.Contains(t, got.stderr, says)
		assert.Contains(t, got.stderr, "nothing was changed")
		assert.Equal(t, shop, w.declaration(t))
		assert.Empty(t, w.Deleted())
	}
	unchanged(t, w.run("stage", "remove", "canary"), "--confirm canary-delete")
	unchanged(t, w.run("stage", "remove", "canary", "--confirm", "delete"), `"delete" is not "canary-delete"`)
	unchanged(t, w.run("destroy", "--confirm", "canary-delete"), `is not "shop-delete"`)

	terminal := isTerminal
	isTerminal = func(io.Reader) bool { return true }
	defer func() { isTerminal = terminal }()
	typed := func(text string) result {
		var stdout, stderr bytes.Buffer
		status := run([]string{"stage", "remove", "canary", "-f", w.file}, strings.NewReader(text), &stdout, &stderr)
		return result{status, stdout.String(), stderr.String()}
	}
	unchanged(t, typed("yes\n"), `Type delete to go on: "yes" is not "delete"`)
	unchanged(t, typed(""), `"" is not "delete"`)

	got := w.run("stage", "remove", "canary", "--dry-run")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "-  - name: canary # in the west\n")
	assert.Equal(t, shop, w.declaration(t))
	assert.Empty(t, w.Deleted())

	require.Equal(t, 0, typed("delete\n").status)
	assert.Len(t, w.Deleted(), 3)
	assert.NotContains(t, w.declaration(t), "canary")
}

// Throttling is waited out; what lasts is said.
func TestThrottling(t *testing.T) {
	w := deployed(t, canary()...)
	refused := map[string]int{}
	w.Intercept = func(request cfnfake.Request) (string, string) {
		if refused[request.Action]++; refused[request.Action]%3 != 0 {
			return "Throttling", "Rate exceeded"
		}
		return "", ""
	}
	got := w.run("stage", "remove", "canary", "--confirm", "canary-delete")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Nil(t, w.Stack("shop-canary-network"))

	w = deployed(t, canary()...)
	w.Intercept = func(request cfnfake.Request) (string, string) {
		if request.Action == "DescribeStacks" {
			return "Throttling", "Rate exceeded"
		}
		return "", ""
	}
	got = w.run("stage", "remove", "canary", "--confirm", "canary-delete")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "throttling requests of this account")
	assert.Equal(t, shop, w.declaration(t))
}

// A stack that does not go: what stands in the way is said, and the next run
// takes up there.
func TestAStackThatFailsToDelete(t *testing.T) {
	stacks := canary()
	network := stacks[1]
	network.Resources[0].Stuck = "The vpc 'vpc-0' has dependencies and cannot be deleted. (Service: Ec2)"
	w := deployed(t, stacks...)
	got := w.run("stage", "remove", "canary", "--confirm", "canary-delete")
	assert.Equal(t, 1, got.status)
	assert.Equal(t, `shop-canary-network (222222222222, us-west-2) could not be deleted:
    VPC vpc-0: The vpc 'vpc-0' has dependencies and cannot be deleted. (Service: Ec2)
Something outside the stack uses it, or did so a moment ago: delete that, or wait some minutes.
Then run the same command again: it skips what is deleted, and tries this stack anew.
The command is: tinystack stage remove canary --account 222222222222 --region us-west-2 -f `+w.file+`
`, got.stderr)
	assert.Contains(t, got.stdout, "shop-canary-data: deleted\n")
	assert.Contains(t, got.stdout, "a last snapshot of the database", "said also when something else fails")

	network.Resources[0].Stuck = ""
	got = w.run("stage", "remove", "canary", "--account", otherAccount, "--region", "us-west-2", "--confirm", "canary-delete")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, []string{"shop-canary-service", "shop-canary-data", "shop-canary-network", "shop-canary-network"}, w.Deleted())
	assert.Contains(t, got.stdout, "shop-canary-network: deleting 1 resource\n")
}

func TestAdvice(t *testing.T) {
	for reason, advice := range map[string]string{
		"The bucket you tried to delete is not empty":                   "Empty the bucket first",
		"Role arn:aws:iam::2:role/cdk is invalid or cannot be assumed":  "npx cdk bootstrap aws://222222222222/us-west-2",
		"User: x is not authorized to perform: ec2:DeleteVpc":           "allow that in the policies",
		"Load balancer cannot be deleted because deletion protection …": "aws rds modify-db-instance --region us-west-2",
	} {
		stacks := canary()
		stacks[2].Resources[1].Stuck = reason
		w := deployed(t, stacks...)
		got := w.run("stage", "remove", "canary", "--confirm", "canary-delete")
		assert.Equal(t, 1, got.status)
		assert.Contains(t, got.stderr, reason)
		assert.Contains(t, got.stderr, advice)
		assert.Equal(t, []string{"shop-canary-service"}, w.Deleted(), "what it uses stays")
	}
}

// Ctrl-C ends the command at once, CloudFormation goes on, and so does the next
// run.
func TestInterrupted(t *testing.T) {
	w := deployed(t, canary()...)
	w.Intercept = func(request cfnfake.Request) (string, string) {
		if request.Action == "DeleteStack" && len(w.Deleted()) == 2 {
			require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGINT))
			select {
			case <-request.Gone:
			case <-time.After(10 * time.Second):
				t.Error("the signal does not end the request")
			}
			return "Aborted", "nobody reads this"
		}
		return "", ""
	}
	got := w.run("stage", "remove", "canary", "--confirm", "canary-delete")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stdout, "shop-canary-data: CloudFormation goes on")
	assert.Equal(t, "interrupted\nTo go on: tinystack stage remove canary --account 222222222222 --region us-west-2 -f "+w.file+"\n", got.stderr)

	w.Stack("shop-canary-data").Status, w.Stack("shop-canary-data").Busy = "DELETE_IN_PROGRESS", 2
	got = w.run("stage", "remove", "canary", "--account", otherAccount, "--region", "us-west-2", "--confirm", "canary-delete")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "shop-canary-data: is being deleted already")
	assert.NotContains(t, got.stdout, "shop-canary-service")
	assert.Nil(t, w.Stack("shop-canary-network"))
}

// Credentials that expire on the way end the command, not the deletion.
func TestCredentialsThatExpireOnTheWay(t *testing.T) {
	w := deployed(t, canary()...)
	w.Intercept = func(request cfnfake.Request) (string, string) {
		if request.Action == "DescribeStacks" && len(w.Deleted()) == 1 {
			return "ExpiredToken", "The security token included in the request is expired"
		}
		return "", ""
	}
	got := w.run("stage", "remove", "canary", "--confirm", "canary-delete", "--profile", "other")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "have expired: log in again")
	assert.Contains(t, got.stderr, "To go on: tinystack stage remove canary --account 222222222222 --region us-west-2 -f "+w.file+" --profile other\n")
}

// A production stage whose only gate is its canary is said to lose it.
func TestRemovingTheOnlyGate(t *testing.T) {
	w := deployed(t)
	require.Equal(t, 0, w.run("stage", "approve-mode", "prod", "automatic").status)
	got := w.run("stage", "remove", "canary", "--dry-run")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "Nothing rehearses prod then. Commits enter it without a gate; to be asked:\n  tinystack stage approve-mode prod manual\n")
}

// What a run of the pipeline still does to a stack ends first.
func TestABusyStack(t *testing.T) {
	stacks := canary()
	stacks[2].Status, stacks[2].Busy, stacks[2].After = "UPDATE_IN_PROGRESS", 3, "UPDATE_COMPLETE"
	w := deployed(t, stacks...)
	got := w.run("stage", "remove", "canary", "--confirm", "canary-delete")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "shop-canary-service: waiting for what is under way (UPDATE_IN_PROGRESS)\n")
}

// withoutCanary has production as a stage that can be removed.
func withoutCanary(t *testing.T, stacks ...*cfnfake.Stack) *world {
	t.Helper()
	w := deployed(t, stacks...)
	require.Equal(t, 0, w.run("stage", "remove", "canary", "--keep-stacks").status)
	return w
}

// What is protected is not touched before somebody says so; and a database that
// is kept keeps its network.
func TestProtection(t *testing.T) {
	w := withoutCanary(t, production()...)
	before := w.declaration(t)
	remove := []string{"stage", "remove", "prod", "--confirm", "prod-delete"}
	got := w.run(remove...)
	assert.Equal(t, 1, got.status)
	assert.Equal(t, `nothing was changed, because this is protected from deletion:
  the load balancer arn:lb. Switch that off with
    aws elbv2 modify-load-balancer-attributes --region us-east-1 --load-balancer-arn arn:lb --attributes Key=deletion_protection.enabled,Value=false
  the stack shop-prod-data. --unprotect switches that off, or
    aws cloudformation update-termination-protection --region us-east-1 --stack-name shop-prod-data --no-enable-termination-protection
or declare "removal: snapshot" for the stage and deploy that first. Then run the
command again with --unprotect
With --keep-data the protected stacks stay, and everything else goes
`, got.stderr)
	assert.Equal(t, before, w.declaration(t))
	assert.Empty(t, w.Deleted())

	got = w.run(append(remove, "--unprotect")...)
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "shop-prod-network stays: the database shop-prod stays in it.")
	assert.Contains(t, got.stdout, "shop-prod-data: termination protection is off\n")
	assert.Contains(t, got.stdout, "  database shop-prod (222222222222, us-east-1)\n")
	assert.Equal(t, []string{"shop-prod-service", "shop-prod-data"}, w.Deleted())

	// The network is known to hold the database as long as AWS remembers it.
	again := []string{"stage", "remove", "prod", "--account", otherAccount, "--region", "us-east-1", "--confirm", "prod-delete"}
	got = w.run(again...)
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "the database shop-prod was kept in it; when that is gone, use --network")
	assert.NotNil(t, w.Stack("shop-prod-network"))
	got = w.run(append(again, "--network")...)
	require.Equal(t, 0, got.status, got.stderr)
	assert.Nil(t, w.Stack("shop-prod-network"))
}

func TestKeepData(t *testing.T) {
	stacks := production()
	stacks[0].Template = strings.ReplaceAll(stacks[0].Template, `"true"`, `"false"`)
	w := withoutCanary(t, stacks...)
	got := w.run("stage", "remove", "prod", "--confirm", "prod-delete", "--keep-data")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "shop-prod-network stays: shop-prod-data stays in it.")
	assert.Contains(t, got.stdout, "Stage prod is deleted, except shop-prod-data and shop-prod-network.\n")
	assert.Equal(t, []string{"shop-prod-service"}, w.Deleted())
	assert.True(t, w.Stack("shop-prod-data").Protected)
}

// Protection that appears between the plan and the deletion is not removed.
func TestProtectionInBetween(t *testing.T) {
	stacks := canary()
	w := deployed(t, stacks...)
	w.Intercept = func(request cfnfake.Request) (string, string) {
		if request.Action == "DeleteStack" {
			stacks[2].Protected = true
		}
		return "", ""
	}
	got := w.run("stage", "remove", "canary", "--confirm", "canary-delete")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "cannot be deleted while TerminationProtection is enabled")
}

// Wrong credentials, of every kind, change nothing.
func TestCredentials(t *testing.T) {
	refuse := func(action, code string) func(*world) {
		return func(w *world) {
			w.Intercept = func(request cfnfake.Request) (string, string) {
				if request.Action == action {
					return code, "User: arn:aws:iam::111111111111:user/ann is not authorized"
				}
				return "", ""
			}
		}
	}
	for name, test := range map[string]struct {
		prepare func(*world)
		args    []string
		says    string
	}{
		"expired":               {refuse("GetCallerIdentity", "ExpiredToken"), nil, "have expired: log in again"},
		"expired later":         {refuse("DescribeStacks", "ExpiredToken"), nil, "have expired: log in again"},
		"none":                  {func(*world) { t.Setenv("AWS_ACCESS_KEY_ID", ""); t.Setenv("AWS_SECRET_ACCESS_KEY", "") }, nil, "there are no AWS credentials"},
		"wrong":                 {func(*world) { t.Setenv("AWS_ACCESS_KEY_ID", "STRANGER") }, nil, "does not accept the credentials"},
		"not trusted":           {refuse("AssumeRole", "AccessDenied"), nil, "--profile 222222222222=NAME"},
		"profile of no account": {func(*world) {}, []string{"--profile", "canary=none"}, "none"},
		"wrong account":         {func(w *world) { w.Keys["OTHER"] = "333333333333" }, []string{"--profile", "canary=other"}, "is of account 333333333333"},
		"another account yet":   {func(w *world) { w.Keys["ASSUMED222222222222"] = "333333333333" }, nil, "leads to account 333333333333"},
		"may not read":          {refuse("GetTemplate", "AccessDenied"), nil, "may not read the template"},
		"half a profile":        {func(*world) {}, []string{"--profile", "canary="}, "STAGE=NAME"},
	} {
		t.Run(name, func(t *testing.T) {
			w := deployed(t, append(canary(), pipelineWith("dev", "prod"))...)
			test.prepare(w)
			got := w.run(append([]string{"stage", "remove", "canary", "--confirm", "canary-delete"}, test.args...)...)
			assert.Equal(t, 1, got.status)
			assert.Contains(t, got.stderr, test.says)
			assert.Empty(t, w.Deleted())
			assert.Equal(t, shop, w.declaration(t))
		})
	}
}

func TestStageThatIsNotThere(t *testing.T) {
	w := deployed(t)
	got := w.run("stage", "remove", "test", "--confirm", "test-delete")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, `has no stage "test"; it has dev, canary, prod`)
	assert.Contains(t, got.stderr, "--region REGION")
	got = w.run("stage", "remove", "canary", "--region", "us-west-2")
	assert.Contains(t, got.stderr, "leave --account and --region out")
	got = w.run("stage", "remove", "prod", "--confirm", "prod-delete")
	assert.Contains(t, got.stderr, "rehearsed by canary")
	assert.Empty(t, w.Requests(""), "AWS is not asked about what the declaration refuses")

	// Never deployed.
	got = w.run("stage", "remove", "canary", "--confirm", "canary-delete")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "It has no stacks in AWS.")
	assert.NotContains(t, w.declaration(t), "canary")
	got = w.run("destroy", "--confirm", "shop-delete")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "There is no stack of shop")
}

func everything() []*cfnfake.Stack {
	stacks := append(canary(), pipelineWith("dev", "canary", "prod"))
	prod := production()
	prod[0].Template = strings.ReplaceAll(prod[0].Template, `"true"`, `"false"`)
	stacks = append(stacks, prod...)
	repository := &cfnfake.Resource{LogicalID: "R", Type: "AWS::ECR::Repository", PhysicalID: "shop/web", Kept: true}
	keeps := `{"Resources": {"R": {"Type": "AWS::ECR::Repository", "DeletionPolicy": "Retain"}}}`
	return append(stacks,
		stackOf(pipelineAccount, "us-east-1", "dev", "service", `{"Resources": {`+uses("shop-dev-network", "shop-dev-bucket")+`}}`),
		stackOf(pipelineAccount, "us-east-1", "dev", "network", noResources),
		// Made by nobody we know, of the stage all the same.
		stackOf(pipelineAccount, "us-east-1", "dev", "bucket", noResources),
		stackOf(pipelineAccount, "us-east-1", "dev", "replica", `{"Resources": {"X": {"Type": "A", "Properties": {"V": {"Fn::ImportValue": "shop-dev-service:Out"}}}}}`),
		stackOf(pipelineAccount, "us-east-1", "old", "service", noResources), // no longer declared
		stackOf(pipelineAccount, "us-east-1", "", "registry-us-east-1", keeps, repository),
		stackOf(pipelineAccount, "us-west-2", "", "registry-us-west-2", keeps, repository),
		&cfnfake.Stack{Account: pipelineAccount, Region: "us-west-2", Name: "shop-pipeline-support-us-west-2", Description: "Support stack", Template: noResources},
		&cfnfake.Stack{Account: pipelineAccount, Region: "us-east-1", Name: "shopping-pipeline", Description: "shopping: pipeline", Template: noResources},
	)
}

func TestDestroy(t *testing.T) {
	w := deployed(t, everything()...)
	got := w.run("destroy", "--confirm", "shop-delete")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "nothing was changed, because this is protected")

	got = w.run("destroy", "--confirm", "shop-delete", "--unprotect")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, []string{
		"shop-pipeline", "shop-pipeline-support-us-west-2", "shop-old-service",
		"shop-prod-service", "shop-prod-data",
		"shop-canary-service", "shop-canary-data", "shop-canary-network",
		"shop-dev-replica", "shop-dev-service", "shop-dev-bucket", "shop-dev-network",
		"shop-registry-us-east-1", "shop-registry-us-west-2",
	}, w.Deleted())
	for _, survives := range []string{
		"  database shop-prod (222222222222, us-east-1)\n",
		"  a last snapshot of the database shop-canary (222222222222, us-west-2)\n",
		"  image repository shop/web (111111111111, us-east-1)\n",
		"CDKToolkit",
	} {
		assert.Contains(t, got.stdout, survives)
	}
	assert.Equal(t, shop, w.declaration(t), "the declaration stays")
	assert.NotNil(t, w.Stack("shopping-pipeline"))

	got = w.run("destroy", "--confirm", "shop-delete")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "shop-prod-network stays: the database shop-prod was kept in it")
}

// An application that is destroyed half-way is destroyed by the next run.
func TestDestroyResumed(t *testing.T) {
	stacks := everything()
	w := deployed(t, stacks...)
	w.Stack("shop-canary-data").Resources[1].Stuck = "being used by something"
	got := w.run("destroy", "--confirm", "shop-delete", "--unprotect")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "The command is: tinystack destroy -f "+w.file+" --unprotect\n")
	assert.Equal(t, "shop-canary-data", w.Deleted()[len(w.Deleted())-1])

	w.Stack("shop-canary-data").Resources[1].Stuck = ""
	before := len(w.Deleted())
	got = w.run("destroy", "--confirm", "shop-delete", "--unprotect")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, "shop-canary-data", w.Deleted()[before])
	assert.Len(t, w.Deleted(), before+8)
}

// Without a pipeline and an account, it is the account of the credentials.
// A replica in another region has a stack there, which goes first of all, also
// when the stage is not declared any more.
func TestReplicasElsewhere(t *testing.T) {
	const declaration = "name: shop\nstages:\n  - name: dev\n  - name: prod\n    removal: snapshot\n    database: {readReplicas: [{region: eu-west-1}]}\n"
	stacks := func() []*cfnfake.Stack {
		replica := stackOf(pipelineAccount, "eu-west-1", "prod", "replica-eu-west-1", `{"Resources": {"Key": {"Type": "AWS::KMS::Key", "DeletionPolicy": "Retain"}}}`,
			&cfnfake.Resource{LogicalID: "Key", Type: "AWS::KMS::Key", PhysicalID: "abc", Kept: true})
		return []*cfnfake.Stack{
			stackOf(pipelineAccount, "us-east-1", "prod", "network", noResources),
			stackOf(pipelineAccount, "us-east-1", "prod", "data", `{"Resources": {`+uses("shop-prod-network")+`}}`),
			replica,
		}
	}
	want := []string{"shop-prod-replica-eu-west-1", "shop-prod-data", "shop-prod-network"}
	for name, args := range map[string][]string{
		"remove": {"stage", "remove", "prod", "--confirm", "prod-delete"},
		"all":    {"destroy", "--confirm", "shop-delete"},
	} {
		w := deployed(t, stacks()...)
		w.file = declare(t, declaration)
		got := w.run(args...)
		require.Equal(t, 0, got.status, got.stderr)
		assert.Equal(t, want, w.Deleted(), name)
		assert.Contains(t, got.stdout, "key abc")
	}
	w := deployed(t, stacks()...)
	w.file = declare(t, declaration)
	got := w.run("stage", "remove", "prod", "--keep-stacks")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "tinystack stage remove prod --region us-east-1,eu-west-1 -f ")
	got = w.run("stage", "remove", "prod", "--region", "us-east-1,eu-west-1", "--confirm", "prod-delete")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, want, w.Deleted())
}

func TestDirectMode(t *testing.T) {
	w := deployed(t,
		stackOf(pipelineAccount, "us-east-1", "dev", "network", noResources),
		stackOf(pipelineAccount, "us-east-1", "prod", "network", noResources),
	)
	require.NoError(t, os.WriteFile(w.file, []byte("name: shop\nstages: [{name: dev}, {name: prod}]\n"), 0o644))
	got := w.run("stage", "remove", "dev", "--confirm", "dev-delete")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, []string{"shop-dev-network"}, w.Deleted())
	assert.NotContains(t, got.stdout, "Next:")
	got = w.run("destroy", "--confirm", "shop-delete")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, []string{"shop-dev-network", "shop-prod-network"}, w.Deleted())
}
