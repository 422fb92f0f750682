package cost

import (
	"fmt"
	"os"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/spec"
)

// A load balancer that gets 10,000 new connections a minute and processes 3 GB
// an hour uses about 6.7 capacity units, because of the connections: about $40
// a month. As requests to an HTTP API that is $432 at its first price; AWS bills
// what is over 300 million at a lower one, which makes it $418.80.
func TestLoadBalancerCapacityUnits(t *testing.T) {
	traffic := Traffic{NewConnections: num(10_000).Div(num(60)), GB: num(3)}
	assert.Equal(t, "6.67", traffic.LCU().StringFixed(2))
	assert.Equal(t, "38.93", priceOf("lcu").amount(traffic.LCU().Mul(hoursPerMonth)).String())

	requests := num(10_000 * 60 * 24 * 30).Div(num(1_000_000))
	assert.Equal(t, "432", requests.String())
	api := priceOf("http-api")
	flat := requests.Mul(api.tiers[0].usd)
	assert.Equal(t, "432.00", flat.StringFixed(2))
	tiered := api.amount(requests)
	assert.Equal(t, "418.80", tiered.String())
	assert.Equal(t, "13.20", flat.Sub(tiered.USD()).StringFixed(2), "the difference that tiers make")
	page, err := os.ReadFile("../docs/cost.md")
	require.NoError(t, err)
	for _, says := range []string{"6.67 units are $38.93 a month", "$432 at the first price, and $418.80", "a difference of $13.20"} {
		assert.Contains(t, string(page), says)
	}

	for name, test := range map[string]struct {
		traffic Traffic
		units   string
	}{
		"new connections":    {Traffic{NewConnections: num(50), ActiveConnections: num(3000), GB: num(1), RuleEvaluations: num(1000)}, "2"},
		"active connections": {Traffic{NewConnections: num(25), ActiveConnections: num(9000), GB: num(1), RuleEvaluations: num(1000)}, "3"},
		"bytes":              {Traffic{NewConnections: num(25), ActiveConnections: num(3000), GB: num(4), RuleEvaluations: num(1000)}, "4"},
		"rules":              {Traffic{NewConnections: num(25), ActiveConnections: num(3000), GB: num(1), RuleEvaluations: num(5000)}, "5"},
		"nothing":            {Traffic{}, "0"},
	} {
		assert.Equal(t, test.units, test.traffic.LCU().String(), name)
	}
	// The first ten rules are free.
	load := Load{Requests: 2_628_000_000} // a thousand a second
	assert.Equal(t, "0", load.traffic(10).RuleEvaluations.String())
	assert.Equal(t, "2000", load.traffic(12).RuleEvaluations.String())
}

func TestTiers(t *testing.T) {
	p := priceOf("transfer-out")
	assert.Equal(t, "921.60", p.amount(num(10240)).String())
	assert.Equal(t, "930.10", p.amount(num(10340)).String())
	assert.Equal(t, "0.09", p.each(num(10240)).USD().String())
	assert.Equal(t, "0.089952", p.each(num(10340)).USD().String(), "on average")
	assert.False(t, price{}.amount(num(1)).Known())
}

// A burstable instance is billed for the CPU that it uses beyond its baseline.
func TestCredits(t *testing.T) {
	for _, test := range []struct {
		instance string
		cpu      int
		key      string
		used     string
	}{
		{"t3.micro", 10, "cpu-credits-t3", "0"},
		{"t3.micro", 75, "cpu-credits-t3", "1.3"},
		{"t4g.small", 60, "cpu-credits-t4g", "0.8"},
		{"t3a.large", 60, "cpu-credits-t3", "0.6"},
		{"t3.2xlarge", 40, "cpu-credits-t3", "0"},
		{"t2.micro", 90, "", "0"},
		{"m7g.large", 100, "", "0"},
		{"t9.micro", 100, "", "0"},
	} {
		key, used := surplus(test.instance, test.cpu)
		assert.Equal(t, test.key, key, test.instance)
		assert.Equal(t, test.used, used.String(), "%s at %d %%", test.instance, test.cpu)
	}
	// At a sustained 75 % they cost six times the instance.
	app := parsed(t, "name: shop\nstages: [{name: dev}]\n")
	load := Light()
	load.CPU = 75
	part, err := Stage(app, "dev", load)
	require.NoError(t, err)
	instance, credits := part.monthly("container instances"), part.monthly("CPU credits of the instances")
	assert.Equal(t, "15.18", instance.String())
	assert.Equal(t, "94.90", credits.String())
	load.CPU = 90
	advice, err := Advise(parsed(t, "name: shop\nstages: [{name: dev, scale: {instance: t3.medium}}]\n"), "dev", load)
	require.NoError(t, err)
	texts := ""
	for _, a := range advice {
		texts += a.String() + "\n"
	}
	assert.Contains(t, texts, "scale: {instance: m6i.large}; the sustained load no longer buys CPU credits")
	assert.NotContains(t, texts, "desired: 1", "not while the instances are busy")
}

// What a stage costs that somebody wants to remove.
func TestStage(t *testing.T) {
	app := declared(t, "../tinystack.yaml")
	part, err := Stage(app, "dev", Light())
	require.NoError(t, err)
	whole, err := Of(app, Loads{Default: Light()})
	require.NoError(t, err)
	assert.Equal(t, whole.Parts[0], part)
	_, err = Stage(app, "nowhere", Light())
	assert.ErrorContains(t, err, `no stage "nowhere"`)
	_, err = Stage(spec.App{Name: "Shop"}, "dev", Light())
	assert.Error(t, err)
	_, err = Profile("huge")
	assert.ErrorContains(t, err, "light, moderate and heavy")
}

// Scaled to zero, a stage pays for nothing that computes or answers.
func TestIdle(t *testing.T) {
	part, err := Stage(parsed(t, "name: shop\nstages: [{name: dev, profile: idle}]\n"), "dev", loads["heavy"])
	require.NoError(t, err)
	require.True(t, part.has("container instances"), "the group is there, and empty")
	require.True(t, part.has("HTTP API"))
	for _, line := range part.Lines {
		switch line.Resource {
		case "container instances", "HTTP API":
			assert.True(t, line.Monthly.Known())
			assert.True(t, line.Monthly.USD().IsZero(), line.Resource)
		case "volumes of the instances", "CPU credits of the instances", "traffic to the internet":
			t.Errorf("an idle stage has %s", line.Resource)
		}
	}
	assert.Equal(t, "8.16", part.Total().USD.StringFixed(2), "the way out, a zone, images")
}

func TestLoads(t *testing.T) {
	heavy := loads["heavy"]
	l := Loads{Default: heavy, Stages: map[string]Load{"dev": Light(), "rehearsal": heavy}}
	assert.Equal(t, "light", l.of(spec.Stage{Name: "dev"}).Name)
	assert.Equal(t, "heavy", l.of(spec.Stage{Name: "prod"}).Name)
	assert.Equal(t, "light", l.of(spec.Stage{Name: "canary", CanaryOf: "prod"}).Name, "a canary has no users")
	assert.Equal(t, "heavy", l.of(spec.Stage{Name: "rehearsal", CanaryOf: "prod"}).Name, "unless it is said to")
	assert.Equal(t, []string{"light", "moderate", "heavy"}, Profiles())
}

// From its break-even on an ALB is cheaper, and not before.
func TestBreakEven(t *testing.T) {
	const cached = "name: shop\nstages: [{name: dev, endpoint: {caching: {paths: [{path: /, query: []}]}}}]\n"
	for _, text := range []string{"name: shop\nstages: [{name: dev}]\n", "name: shop\nstages: [{name: dev, endpoint: {type: alb}}]\n", cached} {
		app, err := parsed(t, text).Resolve()
		require.NoError(t, err)
		found, ok := breakEven(app, app.Stages[0], Light())
		require.True(t, ok)
		api, alb := app.Stages[0], app.Stages[0]
		api.Endpoint.Type, alb.Endpoint.Type, alb.Endpoint.Caching = spec.APIGateway, spec.ALB, nil
		at := func(stage spec.Stage, requests int64) string {
			load := Light()
			load.Requests = requests
			return ofStage(app, stage, load).exact().String()
		}
		if text == cached {
			// Its own load balancer and its cache cost more than an ALB alone.
			assert.Zero(t, found.Requests)
			continue
		}
		assert.Greater(t, dec(at(alb, found.Requests-1)).Cmp(dec(at(api, found.Requests-1))), -1)
		assert.Equal(t, -1, dec(at(alb, found.Requests)).Cmp(dec(at(api, found.Requests))))
	}
	app, err := parsed(t, "name: shop\nservices: [{name: w, worker: true}]\n").Resolve()
	require.NoError(t, err)
	_, ok := breakEven(app, app.Stages[0], Light())
	assert.False(t, ok)
}

func TestCompare(t *testing.T) {
	before, err := Of(parsed(t, "name: shop\nstages: [{name: dev}, {name: old}]\n"), Loads{Default: Light()})
	require.NoError(t, err)
	after, err := Of(parsed(t, "name: shop\nstages: [{name: dev, network: {egress: nat-gateway}}, {name: new}]\n"), Loads{Default: Light()})
	require.NoError(t, err)
	changes := Compare(before, after)
	require.Len(t, changes, 3)
	assert.Equal(t, []string{"dev", "new", "old"}, []string{changes[0].Part, changes[1].Part, changes[2].Part})
	sum := dec("0")
	for _, change := range changes {
		lines := dec("0")
		for _, line := range change.Lines {
			difference, known := line.Difference()
			require.True(t, known)
			lines = lines.Add(difference)
		}
		assert.True(t, lines.Equal(change.Difference()), change.Part)
		sum = sum.Add(lines)
	}
	assert.True(t, sum.Equal(after.Total().USD.Sub(before.Total().USD)))
	text := CompareText(before, after)
	assert.Regexp(t, `  NAT gateways +0\.00 +32\.85 +\+32\.85`, text)
	assert.Regexp(t, `  NAT instance +3\.07 +0\.00 +-3\.07`, text)
	assert.Equal(t, "The two cost the same.\n", CompareText(after, after))
}

func TestAdvice(t *testing.T) {
	app := parsed(t, `name: shop
stages:
  - name: dev
    network: {egress: nat-gateway-per-zone}
    containerInsights: true
    scale: {instance: m6i.large, cpu: {for: 7m}}
    database: {instance: t3.micro, multiAz: true}
    endpoint: {type: alb}
  - name: canary
    canaryOf: prod
    region: us-west-2
  - name: prod
`)
	text := func(stage string) string {
		all, err := Advise(app, stage, Light())
		require.NoError(t, err)
		lines := ""
		for i, a := range all {
			assert.True(t, a.Saving.GreaterThanOrEqual(least))
			if i > 0 {
				assert.True(t, all[i-1].Saving.GreaterThanOrEqual(a.Saving), "the largest first")
			}
			lines += a.String() + "\n"
		}
		return lines
	}
	dev := text("dev")
	for _, says := range []string{
		"egress: nat-gateway}", "egress: nat-instance}", "scale: {instance: m7g.large}", "spot: true", "containerInsights: false",
		"a multiple of 5m", "desired: 1", "database: {instance: t4g.micro}", "multiAz: false", "endpoint: {type: api-gateway}",
	} {
		assert.Contains(t, dev, says)
	}
	assert.Contains(t, text("canary"), "profile: idle")
	assert.NotContains(t, text("prod"), "spot")
	_, err := Advise(app, "nowhere", Light())
	assert.Error(t, err)
}

func TestAmounts(t *testing.T) {
	assert.Equal(t, "1,234,567.50", Dollars(dec("1234567.5")).String())
	assert.Equal(t, "-1,234.50", Dollars(dec("-1234.499999")).String())
	assert.Equal(t, "0.01", Dollars(dec("0.005")).String(), "half a cent up")
	var total Total
	for range 3 {
		total.add(Dollars(dec("0.005")))
	}
	assert.Equal(t, "$0.03", total.String(), "rounded, then added")
	total.add(Amount{})
	assert.Equal(t, "$0.03 and 1 unknown amount", total.String())
}

// What the features cost that are billed in ways of their own.
func TestWhatFeaturesCost(t *testing.T) {
	monthly := func(stage string) func(string) string {
		app := parsed(t, "name: shop\nservices: [{name: web, migration: {command: [./migrate]}}, {name: admin, subdomain: admin}]\nstages: [{name: dev, "+stage+"}]\n")
		part := report(t, app, "light").Parts[0]
		assert.Zero(t, part.Total().Unknown)
		return func(resource string) string { return part.monthly(resource).String() }
	}
	const domain = "domain: x.example.com, hostedZone: {id: Z0123456789ABCDEFGHIJ, name: example.com}"
	routed := monthly("endpoint: {" + domain + ", routing: {policy: latency, healthCheck: {}}}")
	assert.Equal(t, "0.50", routed("health checks"))
	assert.Equal(t, "1.00", routed("options of the health check"), "HTTPS")
	assert.Equal(t, "1.31", routed("requests of the health check"), "one every two seconds, 1.314 million")
	drained := monthly("endpoint: {" + domain + ", routing: {policy: latency, drained: true, healthCheck: {interval: 10s}}}")
	assert.Equal(t, "1.00", drained("health checks"), "and the one that fails")
	assert.Equal(t, "2.00", drained("options of the health check"))
	assert.Equal(t, "3.94", drained("requests of the health check"))
	balanced := monthly("endpoint: {type: alb, " + domain + ", routing: {policy: latency, healthCheck: {}}}")
	assert.Equal(t, "0.00", balanced("requests of the health check"), "they use next to no capacity")
	zone := monthly("endpoint: {domain: x.example.com, hostedZone: {name: x.example.com, delegation: {role: \"arn:aws:iam::222222222222:role/zones\", parentZone: Z0123456789ABCDEFGHIJ}}}")
	assert.Equal(t, "0.50", zone("hosted zone"))

	one := monthly("database: {}")
	assert.Equal(t, "11.68", one("database"))
	more := monthly("database: {rotation: {}, readReplicas: [{}, {instance: t4g.small}, {region: eu-west-1}]}")
	assert.Equal(t, one("database"), more("database"))
	assert.Equal(t, "11.68", more("read replica 1"))
	assert.Equal(t, "23.36", more("read replica 2"))
	assert.Equal(t, "2.30", more("storage of the read replica 2"))
	assert.Equal(t, hoursPerMonth.Mul(databasePrice("t4g.micro", "eu-west-1").tiers[0].usd).StringFixed(2), more("replica in eu-west-1"), "the price of that region")
	assert.Equal(t, "0.02", more("changes sent to replicas in other regions"), "1 GB and what comes in")
	assert.Equal(t, "1.00", more("KMS keys"), "of the replica")
	assert.Equal(t, "0.02", more("functions"), "the look at the password every five minutes, and migrations")
}

// Letting a canary sleep is advised where it saves more than waking it costs.
func TestAdviceToSleep(t *testing.T) {
	const text = "name: shop\npipeline: {account: \"111111111111\"}\nsource: {codeCommit: shop}\nstages: [{name: canary, canaryOf: prod, region: us-west-2, bake: %s%s}, {name: prod}]\n"
	of := func(bake, more string, builds int) (decimal.Decimal, bool) {
		load := Light()
		load.Builds = builds
		advice, err := Advise(parsed(t, fmt.Sprintf(text, bake, more)), "canary", load)
		require.NoError(t, err)
		for _, a := range advice {
			if a.Do == "sleeps: true" {
				return a.Saving, true
			}
		}
		return decimal.Zero, false
	}
	saving, found := of("30m", "", 20)
	require.True(t, found)
	app, err := parsed(t, fmt.Sprintf(text, "30m", "")).Resolve()
	require.NoError(t, err)
	asleep := app.Stages[0]
	asleep.Sleeps = true
	loads := Loads{Default: Light()}
	assert.Equal(t, ofApp(app, loads).Total().USD.Sub(ofApp(with(app, asleep), loads).Total().USD).String(), saving.String(), "what the whole bill is less")
	_, found = of("7h", "", 200)
	assert.False(t, found, "it would hardly sleep")
	_, found = of("30m", ", sleeps: true", 20)
	assert.False(t, found, "it does")
}

// Three dashboards of an account are free: the pipeline's counts where it is.
func TestDashboards(t *testing.T) {
	app := spec.App{
		Name:     "shop",
		Pipeline: &spec.Pipeline{Account: "111111111111"},
		Source:   &spec.Source{CodeCommit: "shop"},
		Stages: []spec.Stage{
			{Name: "a"}, {Name: "b"}, {Name: "off", Dashboard: new(false)}, {Name: "c"}, {Name: "d"}, {Name: "elsewhere", Account: "222222222222"},
		},
	}
	estimate, err := Of(app, Loads{Default: Light()})
	require.NoError(t, err)
	paid := map[string]string{}
	for _, part := range estimate.Parts {
		for _, line := range part.Lines {
			if line.Type == "AWS::CloudWatch::Dashboard" {
				paid[part.Name] = line.Monthly.String()
			}
		}
	}
	assert.Equal(t, map[string]string{"pipeline": "0.00", "a": "0.00", "b": "0.00", "c": "3.00", "d": "3.00", "elsewhere": "0.00"}, paid)
}
