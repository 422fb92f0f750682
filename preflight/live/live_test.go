package live_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/preflight"
	"github.com/tinystack-go/tinystack/preflight/live"
	"github.com/tinystack-go/tinystack/spec"
)

var update = flag.Bool("update", false, "write what is derived from the code into the documentation")

const account = "111111111111"

// fakeAWS answers as an account does. What is in none of its maps is not
// there.
type fakeAWS struct {
	// stacks are status and owner of a stack, by region/name.
	stacks map[string][2]string
	// taken are resources, as region/type/name.
	taken []string
	// secrets are names; true are being deleted.
	secrets map[string]bool
	quotas  map[string]float64 // by code
	inUse   map[string]int     // by type
	denied  []string           // actions

	mutex sync.Mutex
	asked map[string]bool
}

var region = regexp.MustCompile(`Credential=[^/]+/[0-9]+/([a-z0-9-]+)/`)

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	in := ""
	if found := region.FindStringSubmatch(r.Header.Get("Authorization")); found != nil {
		in = found[1]
	}
	target := r.Header.Get("X-Amz-Target")
	service, operation, isJSON := strings.Cut(target, ".")
	var input map[string]any
	form := url.Values{}
	if isJSON {
		_ = json.Unmarshal(body, &input)
		service = map[string]string{"CloudApiService": "cloudformation", "ServiceQuotasV20190624": "servicequotas", "secretsmanager": "secretsmanager"}[service]
	} else {
		form, _ = url.ParseQuery(string(body))
		operation = form.Get("Action")
		service = map[string]string{"GetCallerIdentity": "sts"}[operation]
		if service == "" {
			service = "cloudformation"
		}
	}
	action := service + ":" + operation
	f.mutex.Lock()
	if f.asked == nil {
		f.asked = map[string]bool{}
	}
	f.asked[action] = true
	f.mutex.Unlock()

	text := func(name string) string { value, _ := input[name].(string); return value }
	fail := func(code, message string) {
		w.WriteHeader(http.StatusBadRequest)
		if isJSON {
			fmt.Fprintf(w, `{"__type":%q,"message":%q}`, code, message)
			return
		}
		fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`, code, message)
	}
	if isJSON {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	}
	if slices.Contains(f.denied, action) {
		fail("AccessDeniedException", "User arn:aws:iam::1:user/secret-person may not")
		return
	}
	switch action {
	case "sts:GetCallerIdentity":
		fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>%s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, account)
	case "cloudformation:DescribeStacks":
		name := form.Get("StackName")
		stack, there := f.stacks[in+"/"+name]
		if !there {
			fail("ValidationError", "Stack with id "+name+" does not exist")
			return
		}
		fmt.Fprintf(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>%s</StackName><StackStatus>%s</StackStatus><Description>%s</Description></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, name, stack[0], stack[1])
	case "cloudformation:GetResource":
		if !slices.Contains(f.taken, in+"/"+text("TypeName")+"/"+text("Identifier")) {
			fail("ResourceNotFoundException", "none")
			return
		}
		fmt.Fprint(w, `{}`)
	case "cloudformation:ListResources":
		var list []string
		for i := range f.inUse[text("TypeName")] {
			list = append(list, fmt.Sprintf(`{"Identifier":"arn:aws:x:::loadbalancer/app/%d"}`, i))
		}
		if text("TypeName") == "AWS::ElasticLoadBalancingV2::LoadBalancer" {
			list = append(list, `{"Identifier":"arn:aws:x:::loadbalancer/net/1"}`)
		}
		fmt.Fprintf(w, `{"ResourceDescriptions":[%s]}`, strings.Join(list, ","))
	case "servicequotas:GetServiceQuota":
		value, there := f.quotas[text("QuotaCode")]
		if !there {
			fail("NoSuchResourceException", "none")
			return
		}
		fmt.Fprintf(w, `{"Quota":{"QuotaCode":%q,"Value":%f}}`, text("QuotaCode"), value)
	case "secretsmanager:DescribeSecret":
		deleted, there := f.secrets[text("SecretId")]
		switch {
		case !there:
			fail("ResourceNotFoundException", "none")
		case deleted:
			fmt.Fprintf(w, `{"Name":%q,"DeletedDate":1700000000}`, text("SecretId"))
		default:
			fmt.Fprintf(w, `{"Name":%q}`, text("SecretId"))
		}
	default:
		fail("UnknownOperationException", action+" is not a read that was expected")
	}
}

func environment(t *testing.T, endpoint string) {
	nothing := filepath.Join(t.TempDir(), "nothing")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": nothing, "AWS_SHARED_CREDENTIALS_FILE": nothing, "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "",
	} {
		t.Setenv(name, value)
	}
}

// bootstrapped is an account in which nothing else is.
func bootstrapped() *fakeAWS {
	return &fakeAWS{stacks: map[string][2]string{"us-east-1/CDKToolkit": {"UPDATE_COMPLETE", ""}}}
}

func check(t *testing.T, aws *fakeAWS, text string) preflight.Findings {
	t.Helper()
	server := httptest.NewServer(aws)
	t.Cleanup(server.Close)
	environment(t, server.URL)
	app, err := spec.Parse("tinystack.yaml", []byte(text), nil)
	require.NoError(t, err)
	seen, err := live.Look(context.Background(), app)
	require.NoError(t, err)
	found, err := preflight.CheckIn(app, seen)
	require.NoError(t, err)
	return found
}

func of(found preflight.Findings, kind finding.Kind) (whats []string) {
	for _, f := range found {
		if f.ID == kind.ID {
			whats = append(whats, string(f.Severity)+": "+f.What)
		}
	}
	return whats
}

const declaration = `name: shop
pipeline: {account: "111111111111"}
source: {codeCommit: shop}
stages: [{name: dev, database: {}}]
`

func TestAnEmptyAccount(t *testing.T) {
	found := check(t, bootstrapped(), declaration)
	for _, kind := range finding.Kinds() {
		if kind.Live {
			assert.Empty(t, of(found, kind), kind.ID)
		}
	}
}

func TestNames(t *testing.T) {
	aws := bootstrapped()
	aws.taken = []string{
		"us-east-1/AWS::RDS::DBInstance/shop-dev", "us-east-1/AWS::ECR::Repository/shop/web", "us-east-1/AWS::IAM::Role/shop-dev-web-TaskRole",
		"us-east-1/AWS::Logs::LogGroup//aws/rds/instance/shop-dev/postgresql",
	}
	aws.secrets = map[string]bool{"dev/shop/database": true}
	found := check(t, aws, declaration)
	assert.Len(t, of(found, finding.NameTaken), 4)
	assert.Contains(t, of(found, finding.NameTaken), "error: shop-dev is there already (AWS::RDS::DBInstance)")
	assert.Equal(t, []string{"error: the secret dev/shop/database is being deleted"}, of(found, finding.SecretBeingDeleted))
	for _, f := range found.Of(preflight.Error) {
		assert.Equal(t, "tinystack.yaml", f.File)
		assert.Positive(t, f.Line)
	}

	// What the application's own stacks made is not in their way.
	for _, stack := range []string{"shop-dev-network", "shop-dev-data", "shop-dev-service"} {
		aws.stacks["us-east-1/"+stack] = [2]string{"UPDATE_COMPLETE", "shop, stage dev: x"}
	}
	aws.stacks["us-east-1/shop-registry-us-east-1"] = [2]string{"CREATE_COMPLETE", "shop: image repositories"}
	found = check(t, aws, declaration)
	assert.Empty(t, of(found, finding.NameTaken))
	assert.Empty(t, of(found, finding.SecretBeingDeleted))

	// A secret that lives is somebody else's.
	aws = bootstrapped()
	aws.secrets = map[string]bool{"dev/shop/database": false}
	assert.Equal(t, []string{"error: dev/shop/database is there already (AWS::SecretsManager::Secret)"}, of(check(t, aws, declaration), finding.NameTaken))
}

func TestStacks(t *testing.T) {
	aws := bootstrapped()
	aws.stacks["us-east-1/shop-dev-network"] = [2]string{"UPDATE_COMPLETE", "somebody else's"}
	aws.stacks["us-east-1/shop-dev-data"] = [2]string{"UPDATE_ROLLBACK_FAILED", "shop, stage dev: Postgres"}
	aws.stacks["us-east-1/shop-dev-service"] = [2]string{"ROLLBACK_COMPLETE", "shop, stage dev: cluster"}
	found := check(t, aws, declaration)
	assert.Equal(t, []string{"error: stack shop-dev-network is there already, and not of this application"}, of(found, finding.NameTaken))
	assert.ElementsMatch(t, []string{
		"error: stack shop-dev-data is in the state UPDATE_ROLLBACK_FAILED", "error: stack shop-dev-service is in the state ROLLBACK_COMPLETE",
	}, of(found, finding.StackStuck))
}

func TestNotBootstrapped(t *testing.T) {
	found := check(t, &fakeAWS{}, declaration)
	assert.Len(t, of(found, finding.NotBootstrapped), 1)
	found = check(t, bootstrapped(), strings.Replace(declaration, "{name: dev,", "{name: dev, region: eu-west-1,", 1))
	assert.Equal(t, []string{"warning: there is no stack CDKToolkit in account 111111111111, eu-west-1"}, of(found, finding.NotBootstrapped))
}

func TestQuotas(t *testing.T) {
	aws := bootstrapped()
	aws.quotas = map[string]float64{"L-F678F1CE": 5, "L-1216C47A": 64, "L-53DA6B97": 5, "L-9D07B6EF": 20}
	aws.inUse = map[string]int{"AWS::EC2::VPC": 5, "AWS::ElasticLoadBalancingV2::LoadBalancer": 4}
	const text = "name: shop\nstages: [{name: dev, endpoint: {type: alb}}]\n"
	found := check(t, aws, text)
	assert.Equal(t, []string{"error: with dev there would be up to 6 VPCs in the account that deploys, us-east-1, whose quota is 5"}, of(found, finding.QuotaVPCs))
	assert.Empty(t, of(found, finding.QuotaVCPUs), "the account's own quota is enough")
	assert.Empty(t, of(found, finding.QuotaLoadBalancers), "a Network Load Balancer is no ALB: four and one are five")

	aws.quotas["L-1216C47A"] = 8
	assert.Equal(t, []string{"warning: dev takes up to 14 vCPUs of on-demand standard instances in the account that deploys, us-east-1, whose quota is 8"}, of(check(t, aws, text), finding.QuotaVCPUs))

	// A stage that is there is among those in use.
	aws.stacks["us-east-1/shop-dev-network"] = [2]string{"UPDATE_COMPLETE", "shop, stage dev: VPC"}
	assert.Empty(t, of(check(t, aws, text), finding.QuotaVPCs))

	// An account that asked for more has more.
	aws = bootstrapped()
	aws.quotas = map[string]float64{"L-F678F1CE": 20}
	const six = "name: shop\nstages: [{name: a}, {name: b}, {name: c}, {name: d}, {name: e}, {name: f}]\n"
	assert.Empty(t, of(check(t, aws, six), finding.QuotaVPCs))
	assert.NotEmpty(t, of(check(t, bootstrapped(), six), finding.QuotaVPCs), "the default applies where the account says nothing")
}

// What may not be read is left out, and nothing else is.
func TestMissingPermissions(t *testing.T) {
	all := []string{"cloudformation:DescribeStacks", "cloudformation:GetResource", "cloudformation:ListResources", "servicequotas:GetServiceQuota", "secretsmanager:DescribeSecret"}
	for _, denied := range all {
		t.Run(denied, func(t *testing.T) {
			aws := bootstrapped()
			aws.denied = []string{denied}
			aws.quotas = map[string]float64{"L-F678F1CE": 0}
			aws.taken = []string{"us-east-1/AWS::RDS::DBInstance/shop-dev"}
			found := check(t, aws, declaration)
			notices := of(found, finding.NotChecked)
			require.NotEmpty(t, notices)
			for _, notice := range notices {
				assert.True(t, strings.HasPrefix(notice, "notice: "+denied), notice)
				assert.Contains(t, notice, "AccessDeniedException")
			}
			assert.NotContains(t, found.String(), "secret-person")
			if denied != "servicequotas:GetServiceQuota" {
				assert.NotEmpty(t, of(found, finding.QuotaVPCs))
			}
			if denied != "cloudformation:GetResource" && denied != "cloudformation:DescribeStacks" {
				assert.NotEmpty(t, of(found, finding.NameTaken))
			}
		})
	}
}

func TestAnotherAccount(t *testing.T) {
	aws := bootstrapped()
	found := check(t, aws, declaration+"  # beside it\n")
	assert.Empty(t, of(found, finding.NotChecked))
	found = check(t, aws, strings.Replace(declaration, "[{name: dev,", "[{name: test, account: \"222222222222\"}, {name: prod, account: \"222222222222\", region: eu-west-1}, {name: dev,", 1))
	assert.Equal(t, []string{"notice: account 222222222222 was not looked at"}, of(found, finding.NotChecked))
}

func TestCredentials(t *testing.T) {
	app, err := spec.App{Name: "shop"}.Resolve()
	require.NoError(t, err)
	environment(t, "http://127.0.0.1:1")
	_, err = live.Look(context.Background(), app)
	assert.ErrorContains(t, err, "the AWS credentials are not accepted (no answer)")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	_, err = live.Look(context.Background(), app)
	assert.ErrorContains(t, err, "there are no AWS credentials: --live needs")
}

// The documentation lists every action that is used, and no other.
func TestActions(t *testing.T) {
	aws := bootstrapped()
	aws.quotas = map[string]float64{}
	for _, quota := range preflight.AllQuotas() {
		aws.quotas[quota.Code] = 100
	}
	check(t, aws, declaration)
	var rows strings.Builder
	listed := map[string]bool{}
	for _, action := range live.Actions {
		fmt.Fprintf(&rows, "| `%s` | %s |\n", action.Name, action.For)
		listed[action.Name] = true
		service, verb, _ := strings.Cut(action.Name, ":")
		assert.Regexp(t, `^(GET|Get|List|Describe)`, verb, "only what reads")
		if slices.Contains([]string{"sts", "servicequotas", "secretsmanager", "cloudformation"}, service) {
			assert.True(t, aws.asked[action.Name], "%s is listed and not used", action.Name)
		}
	}
	for action := range aws.asked {
		assert.True(t, listed[action], "%s is used and not listed", action)
	}
	table(t, "actions", "| action | for |\n|---|---|\n"+rows.String())
}

func TestQuotaTable(t *testing.T) {
	var rows strings.Builder
	for _, quota := range preflight.AllQuotas() {
		fmt.Fprintf(&rows, "| [%s](#%s): %s | %d | `%s` `%s` | %s |\n", quota.Kind.ID, quota.Kind.ID, quota.Of, quota.Default, quota.Service, quota.Code, quota.Source)
	}
	table(t, "quotas", "| quota | begins with | code | source |\n|---|---|---|---|\n"+rows.String())
}

// table compares a part of the documentation with what the code says.
func table(t *testing.T, name, want string) {
	t.Helper()
	const page = "../../docs/preflight.md"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	have, after, found := strings.Cut(rest, end)
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(before+begin+want+end+after), 0o644))
		return
	}
	assert.Equal(t, want, have, "run: go test ./preflight/live -update")
}
