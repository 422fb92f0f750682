package cost

import (
	"math/rand/v2"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/spec"
)

// bases are stages of every kind that is billed differently.
var bases = map[string]string{
	"HTTP API":      "name: shop\nstages: [{name: dev, database: {}}]\n",
	"ALB":           "name: shop\nstages: [{name: dev, profile: hyperscale, database: {instance: m7g.large, multiAz: true}}]\n",
	"REST API":      "name: shop\nstages: [{name: prod, exec: true, endpoint: {caching: {paths: [{path: /, query: []}]}}}]\n",
	"endpoints":     "name: shop\nstages: [{name: dev, network: {egress: endpoints}, scale: {mode: managed}}]\n",
	"gateways":      "name: shop\nstages: [{name: dev, network: {egress: nat-gateway-per-zone}, scale: {spot: true, cpu: {for: 7m}}}]\n",
	"public":        "name: shop\nservices: [{name: web}, {name: nightly, schedule: rate(1 day)}]\nstages: [{name: dev, network: {egress: public-ip}, region: eu-west-1}]\n",
	"idle":          "name: shop\nstages: [{name: dev, profile: idle}]\n",
	"worker":        "name: shop\nservices: [{name: jobs, worker: true, image: \"a/b:1\"}]\nstages: [{name: dev}]\n",
	"with pipeline": "name: shop\npipeline: {account: \"111111111111\", notify: [a@example.com]}\nsource: {codeCommit: shop}\nstages: [{name: dev}, {name: canary, canaryOf: prod, region: us-west-2, bake: 10m}, {name: prod, account: \"222222222222\", approval: manual, database: {}}]\n",
	"asleep":        "name: shop\npipeline: {account: \"111111111111\"}\nsource: {codeCommit: shop}\nstages: [{name: canary, canaryOf: prod, region: us-west-2, bake: 10m, sleeps: true}, {name: prod, database: {}}]\n",
	"routed":        "name: shop\nservices: [{name: web, migration: {command: [./migrate]}}]\nstages: [{name: prod, database: {rotation: {}, readReplicas: [{}, {region: us-west-2}]}, endpoint: {domain: a.example.com, hostedZone: {id: Z0123456789ABCDEFGHIJ, name: example.com}, routing: {policy: latency, healthCheck: {}}}}]\n",
}

// mores are declarations that ask for more of something than they did.
var mores = map[string]func(*spec.App){
	"a stage": func(a *spec.App) { a.Stages = append(a.Stages, spec.Stage{Name: "more"}) },
	"a service": func(a *spec.App) {
		a.Services = append(a.Services, spec.Service{Name: "more", Worker: true, Source: a.Source})
	},
	"a schedule": func(a *spec.App) {
		a.Services = append(a.Services, spec.Service{Name: "more", Schedule: "rate(1 hour)"})
	},
	"most instances": func(a *spec.App) {
		scale := &a.Stages[0].Scale.Instances
		scale.Max = new(*scale.Max + 3)
	},
	"desired instances": func(a *spec.App) {
		scale := &a.Stages[0].Scale.Instances
		scale.Desired, scale.Max = new(*scale.Desired+1), new(*scale.Max+1)
	},
	"most tasks": func(a *spec.App) {
		tasks := &a.Stages[0].Scale.Tasks
		tasks.Max = new(*tasks.Max + 3)
	},
	"log retention": func(a *spec.App) { a.Stages[0].LogRetentionDays = 365 },
	"storage": func(a *spec.App) {
		if db := a.Stages[0].Database; db != nil {
			db.Storage *= 3
			db.MaxStorage *= 3
		}
	},
	"zones of the database": func(a *spec.App) {
		if db := a.Stages[0].Database; db != nil {
			db.MultiAZ = new(true)
		}
	},
	"a database": func(a *spec.App) {
		if a.Stages[0].Database == nil {
			a.Stages[0].Database = &spec.Database{}
		}
	},
	"zones":            func(a *spec.App) { a.Stages[0].Network.Zones = append(a.Stages[0].Network.Zones, "use1-az6") },
	"insights":         func(a *spec.App) { a.Stages[0].ContainerInsights = new(true) },
	"images":           func(a *spec.App) { more(a, func(p *spec.Pipeline) { p.KeepImages += 100 }) },
	"kept build logs":  func(a *spec.App) { more(a, func(p *spec.Pipeline) { p.LogRetentionDays = 3653 }) },
	"people to notify": func(a *spec.App) { more(a, func(p *spec.Pipeline) { p.Notify = append(p.Notify, "b@example.com") }) },
	"cache": func(a *spec.App) {
		if c := a.Stages[0].Endpoint.Caching; c != nil {
			c.Size = 1.6
		}
	},
	"size of instances": func(a *spec.App) { a.Stages[0].Scale.Instance = "m7i.2xlarge" },
	"read replicas": func(a *spec.App) {
		if db := a.Stages[0].Database; db != nil {
			db.ReadReplicas = append(db.ReadReplicas, spec.ReadReplica{Instance: db.Instance}, spec.ReadReplica{Instance: db.Instance, Region: "eu-west-1"})
		}
	},
	"rotation": func(a *spec.App) {
		if db := a.Stages[0].Database; db != nil {
			db.Rotation = &spec.Rotation{Days: 30}
		}
	},
	"logs of the database": func(a *spec.App) {
		if db := a.Stages[0].Database; db != nil {
			db.LogExports = []string{spec.LogPostgres, spec.LogUpgrade}
		}
	},
	"migrations": func(a *spec.App) { a.Services[0].Migration = &spec.Migration{Command: []string{"x"}} },
	"health checks": func(a *spec.App) {
		if r := a.Stages[0].Endpoint.Routing; r != nil {
			r.HealthCheck, r.Drained = &spec.RoutingHealthCheck{Path: "/", Interval: spec.Minutes(1) / 6, Failures: 3}, true
		}
	},
	"a delegated zone": func(a *spec.App) {
		a.Stages[0].Endpoint.HostedZone = &spec.HostedZone{Name: "x.example.com", Delegation: &spec.ZoneDelegation{}}
	},
	"a subdomain": func(a *spec.App) {
		a.Services = append(a.Services, spec.Service{Name: "more", Subdomain: "more", Port: 80, Source: a.Source})
	},
	"time to bake": func(a *spec.App) {
		if a.Pipeline != nil {
			a.Stages[0].Bake += spec.Minutes(30)
		}
	},
	"reviews":     func(a *spec.App) { a.Stages[0].Approval, a.Stages[0].Review = spec.Manual, true },
	"protection":  func(a *spec.App) { more(a, func(p *spec.Pipeline) { p.ProtectGates = true }) },
	"smoke tests": func(a *spec.App) { a.Stages[0].Smoke = &spec.Smoke{} },
}

func more(a *spec.App, change func(*spec.Pipeline)) {
	if a.Pipeline != nil {
		change(a.Pipeline)
	}
}

// More of anything never costs less.
func TestMoreNeverCostsLess(t *testing.T) {
	for kind, text := range bases {
		base, err := parsed(t, text).Resolve()
		require.NoError(t, err)
		for what, change := range mores {
			app, err := parsed(t, text).Resolve()
			require.NoError(t, err)
			change(&app)
			// As declared, whether or not it is valid: what fits is another
			// question.
			app = completed(app)
			for _, name := range Profiles() {
				loads := Loads{Default: loads[name]}
				before, after := ofApp(base, loads).Total(), ofApp(app, loads).Total()
				require.Zero(t, before.Unknown, kind)
				assert.True(t, after.USD.GreaterThanOrEqual(before.USD), "%s at %s load with more %s: %s, was %s", kind, name, what, after, before)
			}
		}
	}
}

// A stage that sleeps costs less than one that does not, and its instances the
// same where it is awake all the time. What it takes the pipeline is another
// part.
func TestSleepingSaves(t *testing.T) {
	app, err := parsed(t, bases["asleep"]).Resolve()
	require.NoError(t, err)
	up := app.Stages[0]
	up.Sleeps = false
	last := decimal.Zero
	for builds := 0; builds < 2000; builds += 5 {
		load := Light()
		load.Builds = builds
		asleep := ofStage(app, app.Stages[0], load)
		awake := ofStage(app, up, load)
		// Its alarm on missing tasks watches one more metric.
		require.True(t, asleep.Total().USD.LessThanOrEqual(awake.Total().USD.Add(dec("0.10"))), "%d builds", builds)
		require.True(t, asleep.Total().USD.GreaterThanOrEqual(last), "%d builds", builds)
		last = asleep.Total().USD
		if builds == 0 {
			assert.Equal(t, "0.00", asleep.monthly("container instances").String())
			assert.True(t, asleep.has("database"), "it goes on")
		}
		if builds == 1995 {
			assert.Equal(t, awake.monthly("container instances"), asleep.monthly("container instances"), "never more than all of the month")
		}
	}
	assert.Equal(t, "13.3", func() string {
		load := Light()
		load.Builds = 20
		s := &stage{app: app, declared: app.Stages[0], load: load}
		return s.hoursAwake().Round(1).String()
	}(), "20 times 40 minutes")
}

// completed gives stages and services that were added their defaults.
func completed(app spec.App) spec.App {
	for i := range app.Services {
		if s := &app.Services[i]; s.StageConfig == nil {
			*s, _ = s.Complete()
		}
	}
	for i, stage := range app.Stages {
		if stage.Exec != nil {
			continue
		}
		full, err := spec.App{Name: app.Name, Stages: []spec.Stage{stage}}.Resolve()
		if err != nil {
			panic(err)
		}
		app.Stages[i] = full.Stages[0]
		if app.Pipeline != nil {
			app.Stages[i].Account = app.Pipeline.Account
		}
	}
	for i, stage := range app.Stages {
		if stage.Database != nil && stage.Database.MultiAZ == nil {
			full, err := stage.Database.Complete(false)
			if err != nil {
				panic(err)
			}
			app.Stages[i].Database = &full
		}
	}
	return app
}

// More load never costs less either, whatever there was before.
func TestMoreLoadNeverCostsLess(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	amount := func() *decimal.Decimal { return new(decimal.NewFromFloat(random.Float64() * 1000).Round(3)) }
	for kind, text := range bases {
		app, err := parsed(t, text).Resolve()
		require.NoError(t, err)
		for range 60 {
			less := Load{
				Requests: random.Int64N(1_000_000_000), LogGB: *amount(), CPU: random.IntN(100), Busy: random.IntN(100),
				Builds: random.IntN(1000), BuildMinutes: random.IntN(60),
			}
			if random.IntN(2) == 0 {
				less.OutGB, less.InGB, less.InstanceHours = amount(), amount(), amount()
			}
			more := less
			switch random.IntN(8) {
			case 0:
				more.Requests += random.Int64N(1_000_000_000)
			case 1:
				more.LogGB = more.LogGB.Add(*amount())
			case 2:
				more.CPU += random.IntN(100 - more.CPU + 1)
			case 3:
				more.Busy += random.IntN(100 - more.Busy + 1)
			case 4:
				more.Builds += random.IntN(100)
			case 5:
				more.BuildMinutes += random.IntN(60)
			case 6:
				if more.OutGB != nil {
					more.OutGB = new(more.OutGB.Add(*amount()))
				}
			case 7:
				if more.InstanceHours != nil {
					more.InstanceHours = new(more.InstanceHours.Add(*amount()))
				}
			}
			before, after := ofApp(app, Loads{Default: less}).Total(), ofApp(app, Loads{Default: more}).Total()
			require.True(t, after.USD.GreaterThanOrEqual(before.USD), "%s: %+v costs %s, %+v costs %s", kind, less, before, more, after)
		}
	}
}
