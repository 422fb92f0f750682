package monitor_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// declared is an application with a stage of every kind that matters here.
func declared(t *testing.T, change func(*spec.App)) spec.App {
	t.Helper()
	app := spec.App{
		Name:     "shop",
		Pipeline: &spec.Pipeline{Account: "111111111111", Notify: []string{"team@example.com"}},
		Source:   &spec.Source{CodeCommit: "shop"},
		Services: []spec.Service{
			{Name: "web"},
			{Name: "mailer", Worker: true},
			{Name: "nightly", Schedule: "rate(1 day)"},
		},
		Stages: []spec.Stage{
			{Name: "dev", Scale: spec.ScaleProfile{Instance: "t3.small"}},
			{Name: "idle", Profile: spec.Idle},
			{Name: "canary", CanaryOf: "prod", Region: "eu-west-1", Bake: spec.Minutes(30)},
			{Name: "prod", Approval: spec.Manual, Profile: spec.Hyperscale, Database: &spec.Database{ReadReplicas: []spec.ReadReplica{{}, {Region: "eu-west-3"}, {}}, Rotation: &spec.Rotation{}}, Endpoint: spec.Endpoint{Deployment: spec.BlueGreen}},
		},
	}
	if change != nil {
		change(&app)
	}
	resolved, err := app.Resolve()
	require.NoError(t, err)
	return resolved
}

func stage(app spec.App, name string) spec.Stage {
	return app.Stages[slices.IndexFunc(app.Stages, func(s spec.Stage) bool { return s.Name == name })]
}

func names(app spec.App, stage spec.Stage) []string {
	var found []string
	for _, alarm := range monitor.Alarms(app, stage) {
		found = append(found, strings.TrimPrefix(alarm.Name(app.Name, stage.Name), app.Name+"-"+stage.Name+"-"))
	}
	return found
}

func TestWhichAlarmsThereAre(t *testing.T) {
	app := declared(t, nil)
	gates := []string{"endpoint-5xx", "endpoint-latency-p90", "no-tasks-web", "no-tasks-mailer"}
	assert.Equal(t, append(slices.Clone(gates), "scheduled-task-failed-nightly"), names(app, stage(app, "dev")))
	assert.Equal(t, []string{"scheduled-task-failed-nightly"}, names(app, stage(app, "idle")))
	assert.Equal(t, names(app, stage(app, "dev")), names(app, stage(app, "canary")), "a canary is watched by its gates alone")
	assert.Equal(t, []string{
		"endpoint-5xx", "endpoint-latency-p90", "endpoint-latency-p99",
		"no-tasks-web", "tasks-missing-web", "service-cpu-web", "service-memory-web", "error-lines-web",
		"no-tasks-mailer", "tasks-missing-mailer", "service-cpu-mailer", "service-memory-mailer", "error-lines-mailer",
		"scheduled-task-failed-nightly", "instance-cpu", "instance-status", "nat-connections",
		"database-cpu", "database-storage", "database-connections",
		"replica-lag-1", "replica-lag-2", "secret-rotation-failed-database",
	}, names(app, stage(app, "prod")))

	prod := stage(app, "prod")
	remote := monitor.RemoteAlarms(prod, "eu-west-3")
	require.Len(t, remote, 1)
	assert.Equal(t, "shop-prod-replica-lag-eu-west-3", remote[0].Name("shop", "prod"))
	assert.Empty(t, monitor.RemoteAlarms(prod, "eu-west-1"))
	assert.Empty(t, monitor.RemoteAlarms(prod, ""))
	assert.Empty(t, monitor.RemoteAlarms(stage(app, "dev"), "eu-west-3"))
	var found []string
	for _, gate := range monitor.Gates(monitor.Alarms(app, prod)) {
		found = append(found, gate.Name("shop", "prod"))
	}
	assert.Equal(t, []string{"shop-prod-endpoint-5xx", "shop-prod-endpoint-latency-p90", "shop-prod-no-tasks-web", "shop-prod-no-tasks-mailer"}, found)
	unwell, joined := monitor.Unwell(prod, monitor.Alarms(app, prod))
	require.True(t, joined)
	assert.Equal(t, `ALARM("shop-prod-endpoint-5xx") OR ALARM("shop-prod-endpoint-latency-p90") OR ALARM("shop-prod-no-tasks-web") OR ALARM("shop-prod-no-tasks-mailer")`, unwell.Rule("shop", "prod"))
	_, joined = monitor.Unwell(stage(app, "dev"), monitor.Alarms(app, stage(app, "dev")))
	assert.False(t, joined)

	t.Run("what is turned off is not there", func(t *testing.T) {
		app := declared(t, func(a *spec.App) {
			a.Stages[3].Alarms.Off = []spec.AlarmID{spec.AlarmStageUnwell, spec.AlarmErrorLines, spec.AlarmInstanceCPU}
		})
		prod := stage(app, "prod")
		assert.NotContains(t, names(app, prod), "error-lines-web")
		assert.NotContains(t, names(app, prod), "instance-cpu")
		_, joined := monitor.Unwell(prod, monitor.Alarms(app, prod))
		assert.False(t, joined)
	})
	t.Run("a service that may have no task is not missed", func(t *testing.T) {
		app := declared(t, func(a *spec.App) { a.Services[1].Tasks = spec.Tasks{Min: new(0)} })
		assert.NotContains(t, names(app, stage(app, "dev")), "no-tasks-mailer")
		assert.Contains(t, names(app, stage(app, "prod")), "service-cpu-mailer")
	})
	t.Run("a service with a host name of its own has one target group", func(t *testing.T) {
		app := declared(t, func(a *spec.App) {
			a.Services = append(a.Services, spec.Service{Name: "admin", Subdomain: "admin"})
			a.Stages[0].Scale.Instance = "t3.medium"
		})
		for _, alarm := range monitor.Alarms(app, stage(app, "prod")) {
			if alarm.ID == spec.AlarmNoTasks && alarm.Subject != "mailer" {
				assert.Len(t, alarm.Metrics, map[string]int{"web": 2, "admin": 1}[alarm.Subject], alarm.Subject)
			}
		}
	})
	t.Run("a canary that sleeps is not taken for one that failed", func(t *testing.T) {
		asleep := func(change func(*spec.Stage)) spec.App {
			return declared(t, func(a *spec.App) {
				canary := &a.Stages[2]
				canary.Sleeps, canary.Bake = true, spec.Minutes(30)
				change(canary)
			})
		}
		find := func(app spec.App) (monitor.Alarm, bool) {
			for _, alarm := range monitor.Alarms(app, stage(app, "canary")) {
				if alarm.ID == spec.AlarmNoTasks && alarm.Subject == "web" {
					return alarm, true
				}
			}
			return monitor.Alarm{}, false
		}
		_, ok := find(asleep(func(s *spec.Stage) { s.ContainerInsights = new(false) }))
		assert.False(t, ok, "nothing tells sleep and failure apart")
		alarm, ok := find(asleep(func(s *spec.Stage) { s.ContainerInsights = new(true) }))
		require.True(t, ok)
		assert.Equal(t, "IF(FILL(desired, 0) > 0, FILL(running, 0), 1)", alarm.Expression)
		assert.Equal(t, monitor.Good, alarm.Missing)
		alarm, ok = find(asleep(func(s *spec.Stage) {
			s.ContainerInsights = new(false)
			s.Endpoint.Type, s.Endpoint.Deployment = spec.ALB, spec.Rolling
		}))
		require.True(t, ok)
		assert.Len(t, alarm.Metrics, 1)
		assert.Equal(t, monitor.Good, alarm.Missing)
	})
	t.Run("credentials that no migration made are not rotated", func(t *testing.T) {
		alternating := func(change func(*spec.App)) []string {
			app := declared(t, func(a *spec.App) {
				a.Stages[3].Database.Rotation.User = "clerk"
				a.Services[1].Migration = &spec.Migration{Command: []string{"migrate"}}
				if change != nil {
					change(a)
				}
			})
			return names(app, stage(app, "prod"))
		}
		assert.Contains(t, alternating(nil), "secret-rotation-failed-database")
		assert.NotContains(t, alternating(func(a *spec.App) {
			a.Stages = a.Stages[3:]
			a.Stages[0].Profile, a.Stages[0].Endpoint = spec.Idle, spec.Endpoint{}
		}), "secret-rotation-failed-database")
	})
	t.Run("what is not the stage's is not watched", func(t *testing.T) {
		app := declared(t, func(a *spec.App) {
			a.Stages[3].Network.VPC = &spec.ExistingVPC{ID: "vpc-0123456789abcdef0", CIDR: "10.0.0.0/16", Zones: []string{"use1-az1", "use1-az2"},
				PublicSubnets: []string{"subnet-0123456789abcdef0", "subnet-0123456789abcdef1"}, PrivateSubnets: []string{"subnet-0123456789abcdef2", "subnet-0123456789abcdef3"}}
			a.Stages[3].Database = &spec.Database{}
			a.Stages[3].Database.Existing = &spec.ExistingDatabase{Host: "db.example.com", Secret: "db", SecurityGroup: "sg-0123456789abcdef0"}
		})
		for _, name := range names(app, stage(app, "prod")) {
			assert.NotContains(t, name, "database")
		}
	})
}

// A stage for development stays cheap: CloudWatch bills every metric of an
// alarm.
func TestDevelopmentIsCheap(t *testing.T) {
	app, err := spec.App{Name: "shop"}.Resolve()
	require.NoError(t, err)
	metrics := 0
	for _, alarm := range monitor.Alarms(app, app.Stages[0]) {
		metrics += len(alarm.Metrics)
	}
	assert.LessOrEqual(t, metrics, 5)
	assert.False(t, *app.Stages[0].Logs.CountErrors)
	assert.Empty(t, app.Stages[0].Alarms.Notify, "a topic costs a key")
}

func TestThresholdsAreThoseOfTheDeclarationInAWSsUnits(t *testing.T) {
	app := declared(t, nil)
	prod := map[spec.AlarmID]monitor.Alarm{}
	for _, alarm := range monitor.Alarms(app, stage(app, "prod")) {
		if alarm.Subject == "" || alarm.Subject == "web" {
			prod[alarm.ID] = alarm
		}
	}
	assert.Equal(t, 2.0, prod[spec.AlarmLatencyP90].Threshold, "a load balancer reports seconds")
	assert.Equal(t, 5.0, prod[spec.AlarmLatencyP99].Threshold)
	dev := monitor.Alarms(app, stage(app, "dev"))
	assert.Equal(t, 2000.0, dev[1].Threshold, "an API reports milliseconds")
	assert.Equal(t, 2.0*(1<<30), prod[spec.AlarmDatabaseStorage].Threshold)
	assert.Len(t, prod[spec.AlarmNoTasks].Metrics, 2, "either group has the tasks in a blue/green deployment")

	// What the metrics of ECS are percent of is what a task reserves; what a
	// service may use is more.
	shares, err := spec.Shares(stage(app, "prod").Scale, app.Services)
	require.NoError(t, err)
	web := shares["web"]
	assert.Equal(t, math.Round(90*float64(web.Memory)/float64(web.MemoryReservation)), prod[spec.AlarmServiceMemory].Threshold)
	assert.Greater(t, prod[spec.AlarmServiceMemory].Threshold, 100.0)
	assert.Equal(t, float64(web.CPUTarget)*90/75, prod[spec.AlarmServiceCPU].Threshold)

	changed := declared(t, func(a *spec.App) {
		a.Stages[3].Alarms.Thresholds = spec.Thresholds{ErrorRate: 1, MinRequests: 7, LatencyP90: spec.Duration(3e8), FreeStorage: 5, DatabaseConnections: 50, ErrorLines: 3}
		a.Stages[3].Scale.CPU.For = spec.Minutes(60)
	})
	for _, alarm := range monitor.Alarms(changed, stage(changed, "prod")) {
		switch alarm.ID {
		case spec.AlarmEndpoint5xx:
			assert.Equal(t, 1.0, alarm.Threshold)
			assert.Contains(t, alarm.Expression, ">= 7")
		case spec.AlarmLatencyP90:
			assert.Equal(t, 0.3, alarm.Threshold)
		case spec.AlarmDatabaseStorage:
			assert.Equal(t, 5.0*(1<<30), alarm.Threshold)
		case spec.AlarmDatabaseConnections:
			most, _ := monitor.MaxConnections("t4g.micro")
			assert.Equal(t, float64(most/2), alarm.Threshold)
		case spec.AlarmInstanceCPU:
			assert.Equal(t, 15, alarm.Periods, "scaling gets its time first")
		}
	}
}

// Instances of RDS take fewer connections than their memory by AWS's formula,
// so a share of that would never be reached on the small ones.
func TestMaxConnectionsIsNoMoreThanInstancesTake(t *testing.T) {
	for class, formula := range map[string]int{"t4g.micro": 112, "db.t4g.small": 225, "t4g.medium": 450, "m7g.large": 901} {
		most, known := monitor.MaxConnections(class)
		require.True(t, known, class)
		assert.Less(t, most, formula, class)
		assert.Greater(t, float64(most), 0.6*float64(formula), class)
	}
	most, _ := monitor.MaxConnections("m7g.16xlarge")
	assert.Equal(t, 5000, most)
	_, known := monitor.MaxConnections("t99.micro")
	assert.False(t, known)
}

func TestErrorsQuery(t *testing.T) {
	assert.Contains(t, monitor.ErrorsQuery("?ERROR ?FATAL"), "like /ERROR|FATAL/")
	for _, other := range []string{"", `{ $.level = "error" }`, `?"two words"`} {
		assert.Contains(t, monitor.ErrorsQuery(other), "like /ERROR|Error|FATAL|")
	}
}

// schema of what CloudWatch takes.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiled, err := jsonschema.NewCompiler().Compile(filepath.Join("testdata", "dashboard.schema.json"))
	require.NoError(t, err)
	return compiled
}

func validate(t *testing.T, schema *jsonschema.Schema, body string) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	require.NoError(t, err)
	return schema.Validate(value)
}

func TestDashboards(t *testing.T) {
	compiled := schema(t)
	app := declared(t, func(a *spec.App) {
		a.Stages[3].Account = "222222222222"
		a.Stages = append(a.Stages, spec.Stage{Name: "rest", Region: "eu-west-1", Endpoint: spec.Endpoint{Caching: &spec.Caching{Paths: []spec.CachedPath{{Path: "/", Query: &[]string{}}}}}})
	})
	everything := monitor.Names{}
	for _, ref := range []monitor.Ref{monitor.RefAPI, monitor.RefAPIName, monitor.RefAPIStage, monitor.RefLoadBalancer, monitor.RefCluster, monitor.RefInstances, monitor.RefDatabase, monitor.RefReplica("1"), monitor.RefReplica("2"), monitor.RefService("web"), monitor.RefService("mailer")} {
		everything[ref] = "the " + string(ref)
	}
	for _, stage := range app.Stages {
		body := monitor.Dashboard(app, stage, monitor.StageDashboard{
			Names: everything, AlarmARNs: []string{"arn:aws:cloudwatch:us-east-1:111111111111:alarm:x"}, LogGroups: []string{"web", "mailer"},
		})
		assert.NoError(t, validate(t, compiled, body.JSON()), stage.Name)
		oneScreen(t, body, stage.Name)
		for _, title := range []string{"Requests", "Latency", "4xx", "CPU", "Memory", "asks", "Instances", "Newest errors", "Alarms"} {
			assert.Contains(t, body.JSON(), title, stage.Name)
		}
		assert.Equal(t, stage.Database != nil, strings.Contains(body.JSON(), "Database"), stage.Name)
		assert.Equal(t, *stage.ContainerInsights, strings.Contains(body.JSON(), "DeploymentCount"), stage.Name)
	}
	// Six of the endpoint (requests, three percentiles of the latency, two kinds of
	// errors), three of the instances, and three of each of the two services.
	assert.Equal(t, 15, monitor.Dashboard(app, app.Stages[0], monitor.StageDashboard{}).Metrics())
	page := monitor.Stages(app, "aws", monitor.PipelineLogs{Builds: "builds", Deployments: "deployments"})
	assert.NoError(t, validate(t, compiled, page.JSON()))
	for _, part := range []string{"shop-dev-endpoint-5xx", "shop-rest-endpoint-latency-p90", "eu-west-1", "in account 222222222222", "dashboard/shop-prod"} {
		assert.Contains(t, page.JSON(), part)
	}
	assert.NotContains(t, page.JSON(), "222222222222:alarm", "another account lets nobody read its alarms by itself")
	assert.NotContains(t, page.JSON(), "shop-idle-endpoint", "that alarm does not exist")
}

// oneScreen holds a dashboard to 18 rows of the grid, about 900 pixels, with
// widgets that fill it and do not overlap.
func oneScreen(t *testing.T, body monitor.Body, name string) {
	t.Helper()
	taken := map[string]bool{}
	bottom := 0
	for _, w := range body.Widgets {
		bottom = max(bottom, w.Y+w.Height)
		assert.LessOrEqual(t, w.X+w.Width, 24, name)
		if w.Type == "metric" {
			assert.GreaterOrEqual(t, w.Width, 4, "%s: too narrow to read", name)
		}
		for x := w.X; x < w.X+w.Width; x++ {
			for y := w.Y; y < w.Y+w.Height; y++ {
				cell := fmt.Sprint(x, ",", y)
				assert.False(t, taken[cell], "%s: two widgets at %s", name, cell)
				taken[cell] = true
			}
		}
	}
	assert.LessOrEqual(t, bottom, 18, name)
	assert.Len(t, taken, 24*bottom, "%s has holes", name)
}

// A schema that takes everything would prove nothing.
func TestTheSchemaOfDashboardsRefusesWhatIsNone(t *testing.T) {
	compiled := schema(t)
	good := `{"widgets":[{"type":"metric","x":0,"y":0,"width":6,"height":6,"properties":{"region":"us-east-1","metrics":[["AWS/X","Y",{"stat":"Sum"}]]}}]}`
	require.NoError(t, validate(t, compiled, good))
	for _, change := range [][2]string{
		{`"x":0`, `"x":24`}, {`"type":"metric"`, `"type":"graph"`}, {`"us-east-1"`, `"Virginia"`}, {`"Sum"`, `"Total"`},
		{`"AWS/X","Y",`, `"AWS/X",`}, {`"metrics"`, `"lines"`}, {`"widgets"`, `"pictures"`}, {`"width":6`, `"width":25`}, {`"Y",`, `"Y",{},`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		require.NotEqual(t, good, bad)
		assert.Error(t, validate(t, compiled, bad), bad)
	}
}

// Every kind of alarm has a section, in the order of the declaration, and every
// section is about something there is.
func TestEveryAlarmHasARunbook(t *testing.T) {
	text, err := os.ReadFile("../docs/runbooks.md")
	require.NoError(t, err)
	var sections []string
	for line := range strings.Lines(string(text)) {
		if title, found := strings.CutPrefix(line, "## "); found {
			sections = append(sections, strings.TrimSpace(title))
		}
	}
	var want []string
	for _, id := range spec.AlarmIDs() {
		want = append(want, string(id))
	}
	assert.Equal(t, append(want, monitor.PipelineFailed, monitor.BuildFailed), sections)
}
