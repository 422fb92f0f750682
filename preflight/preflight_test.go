package preflight_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/preflight"
	"github.com/tinystack-go/tinystack/spec"
)

var update = flag.Bool("update", false, "write the golden files anew")

func parse(t *testing.T, text string) spec.App {
	t.Helper()
	app, err := spec.Parse("tinystack.yaml", []byte(text), func(name string) (string, bool) { return strings.ToLower(name) + "-value", true })
	require.NoError(t, err)
	return app
}

func check(t *testing.T, text string) preflight.Findings {
	t.Helper()
	app := parse(t, text)
	var account *preflight.Account
	if found := givenQuota.FindStringSubmatch(text); found != nil {
		account = &preflight.Account{Limits: map[preflight.Place]map[string]preflight.Limit{}}
		value, _ := strconv.Atoi(found[1])
		for _, stage := range app.Stages {
			limits := map[string]preflight.Limit{}
			for _, quota := range preflight.AllQuotas() {
				limits[quota.Code] = preflight.Limit{Value: value}
			}
			account.Limits[preflight.Place{Account: stage.Account, Region: stage.Region}] = limits
		}
	}
	found, err := preflight.CheckIn(app, account)
	require.NoError(t, err)
	return found
}

// givenQuota is how an example says what its account has.
var givenQuota = regexp.MustCompile(`(?m)^# where the quota is ([0-9]+)$`)

func ids(found preflight.Findings) []string {
	var ids []string
	for _, f := range found {
		if !slices.Contains(ids, f.ID) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// section is what docs/preflight.md says of a finding.
type section struct{ id, severity, example string }

var (
	sectionPattern = regexp.MustCompile(`(?ms)^## ([a-z0-9-]+)\n\n\*\*([a-z]+)\.\*\* (.*?)(?:\n#|\z)`)
	examplePattern = regexp.MustCompile("(?s)```yaml\n(.*?)```")
)

// sections are those of docs/preflight.md, in its order.
func sections(t *testing.T) []section {
	t.Helper()
	page, err := os.ReadFile("../docs/preflight.md")
	require.NoError(t, err)
	var found []section
	for part := range strings.SplitSeq(string(page), "\n## ") {
		match := sectionPattern.FindStringSubmatch("## " + part)
		if match == nil {
			continue
		}
		s := section{id: match[1], severity: match[2]}
		if example := examplePattern.FindStringSubmatch(part); example != nil {
			s.example = example[1]
		}
		found = append(found, s)
	}
	return found
}

func TestEveryKindIsDocumented(t *testing.T) {
	var known, documented []string
	for _, kind := range finding.Kinds() {
		known = append(known, string(kind.Severity)+": "+kind.ID)
	}
	for _, s := range sections(t) {
		documented = append(documented, s.severity+": "+s.id)
		kind, _ := finding.Find(s.id)
		assert.Equal(t, !kind.Live, s.example != "", "%s: an example, or only with --live", s.id)
	}
	assert.Equal(t, known, documented, "internal/finding and the sections of docs/preflight.md, in the same order")
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(known))), len(known), "an id is there twice")
}

// cures are what has to be changed in the example of a finding for it to be
// found no longer: the text, and what to put in its place.
var cures = map[string][2]string{
	"little-memory":             {"{name: dev}", "{name: dev, scale: {instance: t3.medium}}"},
	"memory-promised-twice":     {"{max: 2}", "{max: 1}"},
	"tasks-beyond-instances":    {"{max: 20}", "{max: 13}"},
	"few-network-interfaces":    {"{instance: t3.small}", "{instance: t3.small, mode: managed}"},
	"not-offered":               {"eu-west-3", "eu-west-1"},
	"image-unsupported":         {"a1.large", "m8g.large"},
	"quota-family-vcpus":        {"g6.xlarge", "m7i.large"},
	"gpu-unused":                {"g6.xlarge", "m7i.large"},
	"previous-generation":       {"m3.large", "m7i.large"},
	"burstable-sustained":       {"t3.medium", "m7i.large"},
	"one-instance":              {"{name: prod}", "{name: prod, scale: {instances: {min: 2}}}"},
	"replacement-pause":         {"max: 1", "max: 2"},
	"one-task":                  {"{name: prod}", "{name: prod, scale: {tasks: {min: 2}}}"},
	"spot-production":           {"name: prod", "name: dev"},
	"spot-stop-timeout":         {"5m", "2m"},
	"arm64-image":               {"t4g.small", "t3.small"},
	"canary-smaller":            {"t3.micro", "m7i.large"},
	"asleep-database":           {"profile: idle", "profile: standard"},
	"asleep-vpc-link":           {"profile: idle", "profile: idle, endpoint: {type: alb}"},
	"no-multi-az":               {"database: {}", "database: {multiAz: true}"},
	"short-backups":             {"backupDays: 1", "backupDays: 7"},
	"data-deleted":              {"destroy", "snapshot"},
	"postgres-support":          {`"14"`, `"15"`},
	"postgres-retired":          {"17.4", "17.5"},
	"shared-database":           {"      existing: {host: main.abc.us-east-1.rds.amazonaws.com, secret: main/password, securityGroup: sg-0123456789abcdef0}", "      storage: 20"},
	"rotation-gap":              {"rotation: {}", "rotation: {}, iamUser: web"},
	"migration-beside-tasks":    {"name: prod", "name: dev"},
	"routed-asleep":             {"profile: idle", "profile: standard"},
	"nobody-alarmed":            {"{name: prod}", "{name: prod, alarms: {notify: [team@example.com]}}"},
	"pipeline-region":           {"ca-west-1", "ca-central-1"},
	"unprotected-gates":         {"notify: [team@example.com]", "notify: [team@example.com], protectGates: true"},
	"quota-domain-names":        {"  - {name: b,", "  - {name: b, region: eu-west-1,"},
	"unreachable-service":       {"polly:SynthesizeSpeech", "sqs:SendMessage"},
	"single-nat":                {"{name: prod}", "{name: prod, network: {egress: nat-gateway-per-zone}}"},
	"public-addresses":          {"public-ip", "nat-gateway"},
	"shared-vpc":                {"vpc: {id: vpc-0123456789abcdef0, cidr: 10.0.0.0/16, zones: [us-east-1a, us-east-1b], privateSubnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]}", "cidr: 10.1.0.0/16"},
	"cidr-overlap":              {"{name: test}", "{name: test, network: {cidr: 10.1.0.0/16}}"},
	"vpc-link-region":           {"region: eu-south-1", "region: eu-south-1, endpoint: {type: alb}"},
	"http-only":                 {"type: alb", "type: alb, domain: shop.example.com, hostedZone: {id: Z0123456789ABCDEFGHIJ, name: example.com}"},
	"forwarded-headers":         {"{name: dev}", "{name: dev, endpoint: {type: alb}}"},
	"endpoint-capability":       {"{name: dev}", "{name: dev, endpoint: {type: alb}}"},
	"health-check-client":       {"healthCheck: {path: /}", "healthCheck: {command: [/health]}"},
	"health-check-image":        {"{name: dev}", "{name: dev, endpoint: {type: alb}}"},
	"no-health-check":           {"name: shop\n", "name: shop\nservices: [{name: web, healthCheck: {path: /}}]\n"},
	"docker-hub":                {"nginx:1.29", "public.ecr.aws/nginx/nginx:1.29"},
	"secret-in-variable":        {"SMTP_PASSWORD", "SMTP_USER"},
	"secret-as-name":            {"Zk3vQ9xT1mB7nR5wL2pY8cJ4", "prod/stripe-key-2026"},
	"nobody-notified":           {`{account: "111111111111"}`, `{account: "111111111111", notify: [team@example.com]}`},
	"pipeline-actions":          {"  - {name: q, wave: all}\n", ""},
	"template-resources":        {"shops/16/items/{id}/photos/{photo}/large/16", "shops/16"},
	"name-clash":                {"{name: a-b}", "{name: b}"},
	"quota-vpcs":                {", {name: f}", ""},
	"quota-elastic-ips":         {"{name: prod, network: {egress: nat-gateway-per-zone, zones: [use1-az1, use1-az2, use1-az4]}}", "{name: prod, network: {egress: nat-gateway-per-zone}}"},
	"quota-vcpus":               {"{name: dev}", "{name: dev, scale: {instances: {max: 1}}}"},
	"quota-spot-vcpus":          {"{spot: true}", "{spot: true, instances: {max: 2}}"},
	"quota-auto-scaling-groups": {", {name: test}", ""},
	"quota-vpc-links":           {", {name: k}", ", {name: k, endpoint: {type: alb}}"},
	"quota-load-balancers":      {"{name: test, endpoint: {type: alb}}", "{name: test}"},
	"quota-databases":           {"{name: test, database: {}}", "{name: test}"},
	"quota-builds":              {"{name: mailer, worker: true}", "{name: mailer, worker: true, image: \"public.ecr.aws/a/b:1\"}"},
	"opt-in-region":             {"eu-south-2", "eu-west-1"},
	"quota-namespaces":          {"{name: test}", "{name: test, endpoint: {type: alb}}"},
	"quota-api-resources":       {"shops/24/items/{id}/photos/{photo}/large/24", "shops/24"},
	"quota-requests":            {"20000", "10000"},
	"unused-acknowledgement":    {"stages: [{name: dev}]\nacknowledge:\n  - {finding: single-nat", "stages: [{name: dev}]\nacknowledge:\n  - {finding: quota-vcpus"},
}

func TestExamples(t *testing.T) {
	for _, s := range sections(t) {
		id := s.id
		if s.example == "" {
			continue
		}
		t.Run(id, func(t *testing.T) {
			found := check(t, s.example)
			require.Contains(t, ids(found), id, "the example does not show it")
			for _, f := range found {
				assert.Equal(t, "tinystack.yaml", f.File, f)
				assert.Positive(t, f.Line, f)
				for _, text := range []string{f.What, f.Why, f.Fix, f.Path} {
					assert.NotEmpty(t, text, f)
				}
			}
			cure, ok := cures[id]
			require.True(t, ok, "no cure is known")
			require.Contains(t, s.example, cure[0])
			assert.NotContains(t, ids(check(t, strings.Replace(s.example, cure[0], cure[1], 1))), id, "the cure does not help")
		})
	}
}

// What the declarations of the project are told.
func TestDeclarations(t *testing.T) {
	for name, file := range map[string]string{
		"guestbook":  "../tinystack.yaml",
		"direct":     "../examples/direct/tinystack.yaml",
		"pipeline":   "../examples/pipeline/tinystack.yaml",
		"everything": "../app/testdata/everything.yaml",
		"existing":   "../app/testdata/existing.yaml",
		"unusual":    "../app/testdata/unusual.yaml",
	} {
		t.Run(name, func(t *testing.T) {
			app, err := spec.Load(file)
			require.NoError(t, err)
			found, err := preflight.Check(app)
			require.NoError(t, err)
			assert.Empty(t, found.Of(preflight.Error))
			assert.NotContains(t, ids(found), "unused-acknowledgement")
			golden := filepath.Join("testdata", name+".txt")
			text := strings.ReplaceAll(found.String(), file, filepath.Base(file)) + "\n"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), text)
		})
	}
}

func TestAcknowledgements(t *testing.T) {
	const declaration = "name: shop\nstages: [{name: prod}, {name: prod-eu, region: eu-west-1}]\nacknowledge:\n"
	about := func(found preflight.Findings, id, stage string) (open, accepted int) {
		for _, f := range found {
			if f.ID == id && slices.Equal(f.Stages, []string{stage}) {
				if f.Acknowledged == "" {
					open++
				} else {
					accepted++
				}
			}
		}
		return open, accepted
	}
	for name, test := range map[string]struct {
		text                      string
		openProd, openEU, unused  int
		acceptedProd, acceptedEU_ int
	}{
		"for one stage":   {"  - {finding: one-instance, stage: prod, reason: Nobody minds a quiet hour.}\n", 0, 1, 0, 1, 0},
		"for all":         {"  - {finding: one-instance, reason: Nobody minds a quiet hour.}\n", 0, 0, 0, 1, 1},
		"of another kind": {"  - {finding: no-multi-az, reason: Nobody minds a quiet hour.}\n", 1, 1, 1, 0, 0},
		"of a live kind":  {"  - {finding: name-taken, reason: The group is imported by hand.}\n", 1, 1, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			found := check(t, declaration+test.text)
			open, accepted := about(found, "one-instance", "prod")
			assert.Equal(t, []int{test.openProd, test.acceptedProd}, []int{open, accepted})
			open, accepted = about(found, "one-instance", "prod-eu")
			assert.Equal(t, []int{test.openEU, test.acceptedEU_}, []int{open, accepted})
			unused := 0
			for _, f := range found.Open() {
				if f.ID == "unused-acknowledgement" {
					unused++
					assert.Equal(t, "acknowledge[0]", f.Path)
					assert.Equal(t, 4, f.Line)
				}
			}
			assert.Equal(t, test.unused, unused)
		})
	}
	t.Run("what concerns several stages is not accepted for one", func(t *testing.T) {
		found := check(t, "name: shop\nstages: [{name: a}, {name: b}]\nacknowledge: [{finding: cidr-overlap, stage: a, reason: They are never joined.}]\n")
		assert.Contains(t, ids(found.Open()), "cidr-overlap")
	})
}

// A canary has its production stage's findings only where they are its own.
func TestCanary(t *testing.T) {
	const text = "name: shop\nstages:\n  - {name: canary, canaryOf: prod, region: us-west-2%s}\n  - {name: prod, endpoint: {type: alb}, scale: {instance: m3.large}}\n"
	of := func(found preflight.Findings, id string) (stages []string) {
		for _, f := range found {
			if f.ID == id {
				stages = append(stages, f.Stages...)
			}
		}
		return stages
	}
	found := check(t, fmt.Sprintf(text, ""))
	assert.Equal(t, []string{"prod"}, of(found, "previous-generation"))
	assert.Equal(t, []string{"prod"}, of(found, "http-only"))
	found = check(t, fmt.Sprintf(text, ", scale: {instance: m3.xlarge}"))
	assert.ElementsMatch(t, []string{"canary", "prod"}, of(found, "previous-generation"))
}

// Neither what comes from the environment nor a secret is ever shown.
func TestNothingLeaks(t *testing.T) {
	found := check(t, `name: shop
services: [{name: web, image: "${HIDDEN}", variables: {DB_PASSWORD: hunter2-hunter2}}]
stages: [{name: dev, scale: {instance: t4g.small}, secrets: {A_KEY: Zk3vQ9xT1mB7nR5wL2pY8cJ4}}]
`)
	text := found.String()
	assert.Contains(t, text, "${HIDDEN}")
	for _, secret := range []string{"hidden-value", "hunter2", "Zk3v"} {
		assert.NotContains(t, text, secret)
	}
	assert.Contains(t, ids(found), "secret-as-name")
	assert.Contains(t, ids(found), "secret-in-variable")
}

// Whatever of a declaration comes from the environment: its value is in no
// finding, and changes none but for that.
func TestValuesFromTheEnvironment(t *testing.T) {
	text, err := os.ReadFile("../tinystack.yaml")
	require.NoError(t, err)
	plain := check(t, string(text))
	tried := 0
	for _, at := range regexp.MustCompile(`: ("?)([A-Za-z0-9][A-Za-z0-9./:@-]{5,})("?)[\n,}]`).FindAllSubmatchIndex(text, -1) {
		value := string(text[at[4]:at[5]])
		mutant := string(text[:at[2]]) + `"${MARKER}"` + string(text[at[7]:])
		app, err := spec.Parse("tinystack.yaml", []byte(mutant), func(string) (string, bool) { return value, true })
		require.NoError(t, err, mutant)
		found, err := preflight.Check(app)
		require.NoError(t, err)
		assert.Equal(t, ids(plain), ids(found))
		for _, f := range found {
			for _, shown := range append(f.Stages, f.What, f.Why, f.Fix) {
				// What stands in the file elsewhere, too, is no secret.
				shown = strings.ReplaceAll(shown, "${MARKER}", "")
				assert.NotContains(t, shown, value, mutant)
			}
		}
		tried++
	}
	assert.Greater(t, tried, 15)
}

func TestSecretNames(t *testing.T) {
	for name, value := range map[string]string{
		"TOKEN_TTL": "sixty", "PASSWORD_FILE": "x", "AUTH_TOKEN": "true", "API_KEY": "/run/key", "SECRET": "arn:aws:x", "NAME": "correct-horse",
	} {
		assert.NotContains(t, ids(check(t, fmt.Sprintf("name: shop\nstages: [{name: dev, variables: {%s: %q}}]\n", name, value))), "secret-in-variable", name)
	}
	for _, name := range []string{"prod/stripe", "my-very-long-secret-name-of-the-production-database", "StripeProductionSecretKeyOfTheShop2026", "database"} {
		assert.NotContains(t, ids(check(t, fmt.Sprintf("name: shop\nstages: [{name: dev, secrets: {A: %s}}]\n", name))), "secret-as-name", name)
	}
}

func TestAWrongDeclaration(t *testing.T) {
	_, err := preflight.Check(spec.App{Name: "Shop"})
	var problems spec.Problems
	require.ErrorAs(t, err, &problems)
	_, err = preflight.Check(spec.App{Name: "shop"})
	assert.NoError(t, err, "a declaration built in Go need not be complete")
}

// What the CDK fills in at deployment is not known, and so not complained of.
func TestTokens(t *testing.T) {
	const token = "${Token[AWS.Region.4]}"
	found, err := preflight.Check(spec.App{Name: "shop", Services: []spec.Service{{Name: "web", Image: token}}, Stages: []spec.Stage{{
		Name: "dev", Region: token, Variables: map[string]string{"DB_PASSWORD": token}, Secrets: map[string]string{"KEY": token},
		Scale: spec.ScaleProfile{Instance: "t4g.small"}, Database: &spec.Database{Version: token, Instance: token},
	}}})
	require.NoError(t, err)
	assert.Empty(t, found.Of(preflight.Error, preflight.Warning).String())
	assert.NotContains(t, ids(found), "arm64-image")
}

// Cases that one example each does not show.
func TestMore(t *testing.T) {
	for name, test := range map[string]struct {
		text, id string
		found    bool
	}{
		"roles are unique in an account, not a region": {
			"name: shop\nservices: [{name: b-c}, {name: c, worker: true}]\nstages: [{name: a}, {name: a-b, region: eu-west-1}]\n", "name-clash", true},
		"roles of two accounts": {
			"name: shop\nservices: [{name: b-c}, {name: c, worker: true}]\nstages: [{name: a, account: \"111111111111\"}, {name: a-b, account: \"222222222222\"}]\n", "name-clash", false},
		"some regions begin with fewer requests": {
			"name: shop\nstages: [{name: dev, region: eu-south-1, endpoint: {throttling: {requestsPerSecond: 5000}}}]\n", "quota-requests", true},
		"as many requests elsewhere": {
			"name: shop\nstages: [{name: dev, region: eu-west-1, endpoint: {throttling: {requestsPerSecond: 5000}}}]\n", "quota-requests", false},
		"a replica in a region that is off": {
			"name: shop\nstages: [{name: dev, database: {readReplicas: [{region: eu-south-2}]}}]\n", "opt-in-region", true},
		"the names of a replica elsewhere are those of that region": {
			"name: shop\nstages: [{name: a, database: {readReplicas: [{region: us-west-2}]}}, {name: a-remote, database: {}}]\n", "name-clash", false},
		"an instance of the name of a replica": {
			"name: shop\nstages: [{name: a, database: {readReplicas: [{region: us-west-2}]}}, {name: a-remote, region: us-west-2, database: {}}]\n", "name-clash", true},
		"replicas are database instances": {
			"# where the quota is 1\nname: shop\nstages: [{name: dev, database: {readReplicas: [{}]}}]\n", "quota-databases", true},
		"a secondary region that rests": {
			"name: shop\nstages:\n  - {name: a, endpoint: {domain: x.example.com, hostedZone: {id: Z0123456789ABCDEFGHIJ, name: example.com}, routing: {policy: failover, role: primary, healthCheck: {}}}}\n  - {name: b, profile: idle, region: us-west-2, endpoint: {domain: x.example.com, hostedZone: {id: Z0123456789ABCDEFGHIJ, name: example.com}, routing: {policy: failover, role: secondary, healthCheck: {}}}}\n", "routed-asleep", true},
		"a region that rests behind a health check": {
			"name: shop\nstages: [{name: a, profile: idle, endpoint: {domain: x.example.com, hostedZone: {id: Z0123456789ABCDEFGHIJ, name: example.com}, routing: {policy: latency, healthCheck: {}}}}]\n", "routed-asleep", false},
		"a region of weight 0": {
			"name: shop\nstages: [{name: a, profile: idle, endpoint: {domain: x.example.com, hostedZone: {id: Z0123456789ABCDEFGHIJ, name: example.com}, routing: {policy: weighted, weight: 0}}}]\n", "routed-asleep", false},
		"a baking canary is a gate": {
			"name: shop\npipeline: {account: \"111111111111\"}\nsource: {codeCommit: shop}\nstages: [{name: c, canaryOf: prod, region: us-west-2, bake: 10m}, {name: prod}]\n", "unprotected-gates", true},
		"no gate": {
			"name: shop\npipeline: {account: \"111111111111\"}\nsource: {codeCommit: shop}\nstages: [{name: dev, approval: manual}, {name: prod}]\n", "unprotected-gates", false},
		"an alarm topic of one's own": {
			"name: shop\nstages: [{name: prod, alarms: {topic: \"arn:aws:sns:us-east-1:111111111111:alarms\"}}]\n", "nobody-alarmed", false},
		"addresses of the pipeline": {
			"name: shop\npipeline: {account: \"111111111111\", notify: [a@example.com]}\nsource: {codeCommit: shop}\nstages: [{name: prod}]\n", "nobody-alarmed", false},
		"replicas of other regions have a VPC of their own": {
			"name: shop\nstages: [{name: a, region: us-west-2, database: {readReplicas: [{region: us-east-1}]}}, {name: b}, {name: c}, {name: d}, {name: e}, {name: f}]\n", "quota-vpcs", true},
		"six VPCs in two regions": {
			"name: shop\nstages: [{name: a}, {name: b}, {name: c}, {name: d}, {name: e}, {name: f, region: eu-west-1}]\n", "quota-vpcs", false},
		"six VPCs in two accounts": {
			"name: shop\nstages: [{name: a}, {name: b}, {name: c}, {name: d}, {name: e}, {name: f, account: \"222222222222\"}]\n", "quota-vpcs", false},
		"families beyond the standard ones have another quota": {
			"name: shop\nstages: [{name: dev, scale: {instance: g4dn.4xlarge, instances: {max: 4}}}]\n", "quota-vcpus", false},
		"networks in two regions of two accounts": {
			"name: shop\nstages: [{name: a, account: \"111111111111\"}, {name: b, account: \"222222222222\", region: eu-west-1}]\n", "cidr-overlap", false},
		"one NAT gateway for all zones": {
			"name: shop\nstages: [{name: prod, network: {egress: nat-gateway}}]\n", "single-nat", true},
		"T2 sustains less when it is larger": {
			"name: shop\nstages: [{name: prod, scale: {instance: t2.2xlarge, cpu: {scaleOut: 20, scaleIn: 5}}}]\n", "burstable-sustained", true},
		"a service of its own behind no load balancer": {
			"name: shop\nservices: [{name: web}, {name: cache, image: \"public.ecr.aws/a/redis:7\", internal: true, healthCheck: {path: /}}]\nstages: [{name: dev, endpoint: {type: alb}}]\n", "health-check-client", true},
		"a class that a region lacks": {
			"name: shop\nstages: [{name: dev, region: ca-west-1, database: {instance: m6in.large}}]\n", "not-offered", true},
		"a class that the region of a replica lacks": {
			"name: shop\nstages: [{name: dev, database: {instance: m6in.large, readReplicas: [{region: ca-west-1}]}}]\n", "not-offered", true},
		"a type that AWS has retired": {
			"name: shop\nstages: [{name: dev, scale: {instance: p2.xlarge}}]\n", "not-offered", true},
		"a region that the table lacks": {
			"name: shop\nstages: [{name: dev, region: mx-central-1, scale: {instance: m9g.large}}]\n", "not-offered", false},
		"a canary in a region without the type of production": {
			"name: shop\nstages: [{name: canary, canaryOf: prod, region: eu-west-3}, {name: prod, scale: {instance: a1.large}}]\n", "not-offered", true},
		"the oldest minor version that RDS still creates": {
			"name: shop\nstages: [{name: dev, database: {version: \"16.9\"}}]\n", "postgres-retired", false},
		"a minor version that RDS creates no more": {
			"name: shop\nstages: [{name: dev, database: {version: \"16.8\"}}]\n", "postgres-retired", true},
		"a major version alone": {
			"name: shop\nstages: [{name: dev, database: {version: \"16\"}}]\n", "postgres-retired", false},
		"a previous generation of databases": {
			"name: shop\nstages: [{name: dev, database: {instance: m4.large}}]\n", "previous-generation", true},
		"nothing to be reached": {
			"name: shop\nservices: [{name: web, worker: true}]\nstages: [{name: dev}]\n", "forwarded-headers", false},
		"a cached REST API sets the usual headers": {
			"name: shop\nstages: [{name: dev, endpoint: {caching: {paths: [{path: /, query: []}]}}}]\n", "forwarded-headers", false},
		"a WebSocket by its address": {
			"name: shop\nstages: [{name: dev, variables: {PUSH_URL: \"wss://shop.example.com/push\"}}]\n", "endpoint-capability", true},
		"a WebSocket of a worker": {
			"name: shop\nservices: [{name: web}, {name: feed, worker: true, variables: {FEED: \"wss://feed.example.com\"}}]\n", "endpoint-capability", false},
		"Docker Hub by its name": {
			"name: shop\nservices: [{name: web, image: \"docker.io/library/nginx:1.29\"}]\n", "docker-hub", true},
		"a registry with a port": {
			"name: shop\nservices: [{name: web, image: \"registry.example.com:5000/nginx:1.29\"}]\n", "docker-hub", false},
		"a canary with fewer tasks": {
			"name: shop\nstages: [{name: canary, canaryOf: prod, region: us-west-2, scale: {tasks: {max: 2}}}, {name: prod}]\n", "canary-smaller", true},
		"a pipeline in a region with CodePipeline and without CodeCommit": {
			"name: shop\npipeline: {account: \"111111111111\", region: eu-south-2}\nsource: {codeCommit: shop}\nstages: [{name: a}]\n", "pipeline-region", true},
		"a pipeline there that takes its source from elsewhere": {
			"name: shop\npipeline: {account: \"111111111111\", region: eu-south-2}\nsource: {bucket: sources, key: shop.zip}\nstages: [{name: a}]\n", "pipeline-region", false},
		"a connection in a region without them": {
			"name: shop\npipeline: {account: \"111111111111\", region: eu-south-2}\nsource: {repository: a/b, connection: \"arn:aws:codeconnections:eu-south-2:111111111111:connection/0fa1b2c3-0000-0000-0000-000000000000\"}\nstages: [{name: a}]\n", "pipeline-region", true},
		"builds on ARM where the reference has none": {
			"name: shop\npipeline: {account: \"111111111111\", region: eu-west-3}\nsource: {codeCommit: shop}\nstages: [{name: a, scale: {instance: t4g.small}}]\n", "pipeline-region", true},
		"builds on x86_64 there": {
			"name: shop\npipeline: {account: \"111111111111\", region: eu-west-3}\nsource: {codeCommit: shop}\nstages: [{name: a}]\n", "pipeline-region", false},
		"no builds there": {
			"name: shop\npipeline: {account: \"111111111111\", region: eu-west-3}\nsource: {codeCommit: shop}\nservices: [{name: web, image: \"public.ecr.aws/a/b:1\"}]\nstages: [{name: a, scale: {instance: t4g.small}}]\n", "pipeline-region", false},
		"an old type that is only old": {
			"name: shop\nstages: [{name: dev, scale: {instance: m4.large}}]\n", "image-unsupported", false},
		"an image of one's own for it": {
			"name: shop\nstages: [{name: dev, scale: {instance: a1.large, image: ami-0123456789abcdef0}}]\n", "image-unsupported", false},
		"a spot instance of a family of its own": {
			"name: shop\nstages: [{name: dev, scale: {instance: trn1.2xlarge, spot: true}}]\n", "quota-family-vcpus", true},
		"a family of its own is no standard one": {
			"name: shop\nstages: [{name: dev, network: {egress: public-ip}, scale: {instance: dl1.24xlarge}}]\n", "quota-vcpus", false},
		"releases side by side": {
			"name: shop\npipeline: {account: \"111111111111\"}\nsource: {codeCommit: shop}\nstages: [{name: a, wave: x}, {name: b, wave: x}]\n", "quota-builds", true},
		"releases one after the other": {
			"name: shop\npipeline: {account: \"111111111111\"}\nsource: {codeCommit: shop}\nstages: [{name: a}, {name: b}]\n", "quota-builds", false},
		"nothing to release": {
			"name: shop\npipeline: {account: \"111111111111\"}\nsource: {codeCommit: shop}\nservices: [{name: web, image: \"public.ecr.aws/a/b:1\"}]\nstages: [{name: a, wave: x}, {name: b, wave: x}]\n", "quota-builds", false},
		"few stages side by side": {
			"name: shop\npipeline: {account: \"111111111111\"}\nsource: {codeCommit: shop}\nstages: [{name: a, wave: x}, {name: b, wave: x}]\n", "pipeline-actions", false},
	} {
		t.Run(name, func(t *testing.T) {
			found := ids(check(t, test.text))
			assert.Equal(t, test.found, slices.Contains(found, test.id), found)
		})
	}
}

func TestElasticIPs(t *testing.T) {
	for _, quota := range preflight.Quotas() {
		if quota.Type != "AWS::EC2::EIP" {
			continue
		}
		for egress, want := range map[spec.Egress]int{
			spec.NATInstance: 1, spec.NATGateway: 1, spec.NATGatewayPerZone: 2, spec.PublicIP: 0, spec.VPCEndpoints: 0,
		} {
			assert.Equal(t, want, quota.Need(spec.App{}, spec.Stage{Network: spec.Network{Egress: egress}}), egress)
		}
		return
	}
	t.Error("there is no such quota")
}

// Every type that can be declared counts towards the vCPUs of some quota, but for
// those whose quotas count hosts or are asked for by contract.
func TestEveryInstanceTypeHasAQuota(t *testing.T) {
	none := spec.Network{Egress: spec.PublicIP}
	one := 1
	for _, name := range instances.Names() {
		series, _ := instances.Generation(name)
		if series == "hpc" || series == "" || series == "u" || series == "mac" {
			continue
		}
		for _, spot := range []bool{false, true} {
			counting := 0
			for _, quota := range preflight.Quotas() {
				if strings.HasPrefix(quota.Of, "vCPUs") && quota.Need(spec.App{}, spec.Stage{Network: none, Scale: spec.ScaleProfile{Instance: name, Spot: &spot, Instances: spec.Instances{Max: &one}}}) > 0 {
					counting++
				}
			}
			assert.Equal(t, 1, counting, "%s, spot %v", name, spot)
		}
	}
}
