package monitor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/inline"
	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/spec"
)

// columns are how many a dashboard's grid has. Its rows are about 50 pixels high,
// so that a screen shows about 18 of them.
const columns = 24

// Body is the content of a dashboard, in the structure that CloudWatch asks
// for.
type Body struct {
	Start   string   `json:"start"`
	Widgets []Widget `json:"widgets"`
}

// Widget is one picture, table or text.
type Widget struct {
	Type       string         `json:"type"`
	X          int            `json:"x"`
	Y          int            `json:"y"`
	Width      int            `json:"width"`
	Height     int            `json:"height"`
	Properties map[string]any `json:"properties"`
}

// JSON is the body as CloudWatch takes it. Tokens of the CDK stay what they
// are: the names they stand for need no escaping.
func (b Body) JSON() string { return inline.JSON(b, "") }

// Metrics is how many metrics the dashboard shows, each alarm's graph counted as one.
// What a dashboard costs depends on it.
func (b Body) Metrics() int {
	n := 0
	for _, widget := range b.Widgets {
		metrics, _ := widget.Properties["metrics"].([]any)
		for _, entry := range metrics {
			if fields, _ := entry.([]any); len(fields) > 1 { // a lone one is an expression over others
				n++
			}
		}
		if annotations, _ := widget.Properties["annotations"].(map[string]any); annotations != nil {
			alarms, _ := annotations["alarms"].([]string)
			n += len(alarms)
		}
	}
	return n
}

// row puts widgets side by side below what is there, as wide as they fit.
func (b *Body) row(height int, widgets ...Widget) {
	if len(widgets) == 0 {
		return
	}
	y := 0
	if last := len(b.Widgets) - 1; last >= 0 {
		y = b.Widgets[last].Y + b.Widgets[last].Height
	}
	wide := 0
	for _, w := range widgets {
		wide += max(1, w.Width)
	}
	x := 0
	for i, w := range widgets {
		w.X, w.Y, w.Height = x, y, height
		w.Width = columns * max(1, w.Width) / wide
		if i == len(widgets)-1 {
			w.Width = columns - x
		}
		x += w.Width
		b.Widgets = append(b.Widgets, w)
	}
}

// graph shows metrics over time.
type graph struct {
	title  string
	region string
	lines  []line
	// left and right are the units of the two axes; right is empty where no
	// line is on that axis.
	left, right string
	wide        int
}

// line is a metric in a graph.
type line struct {
	Metric
	label string
	// expression of metric math, in place of the metric.
	expression string
	period     int
	right      bool
	hidden     bool
}

func (g graph) widget(names Names) Widget {
	var metrics []any
	for _, l := range g.lines {
		options := map[string]any{}
		if l.label != "" {
			options["label"] = l.label
		}
		if l.right {
			options["yAxis"] = "right"
		}
		if l.period != 0 {
			options["period"] = l.period
		}
		if l.hidden {
			options["visible"] = false
		}
		if l.ID != "" {
			options["id"] = l.ID
		}
		if l.expression != "" {
			options["expression"] = l.expression
			metrics = append(metrics, []any{options})
			continue
		}
		options["stat"] = l.Statistic
		entry := []any{l.Namespace, l.Name}
		for _, dimension := range l.Dimensions {
			entry = append(entry, dimension.Name, names[dimension.Of])
		}
		metrics = append(metrics, append(entry, options))
	}
	left := map[string]any{"min": 0, "showUnits": false}
	if g.left != "" {
		left["label"] = g.left
	}
	axes := map[string]any{"left": left}
	if g.right != "" {
		axes["right"] = map[string]any{"min": 0, "showUnits": false, "label": g.right}
	}
	return Widget{Type: "metric", Width: g.wide, Properties: map[string]any{
		"title": g.title, "region": g.region, "view": "timeSeries", "stacked": false,
		"period": fiveMinutes, "metrics": metrics, "yAxis": axes,
	}}
}

// StageDashboard is what is known of a stage beside its declaration.
type StageDashboard struct {
	// Names of its resources.
	Names Names
	// AlarmARNs in the order in which they are shown.
	AlarmARNs []string
	// LogGroups are the names of those with the services' output.
	LogGroups []string
}

// Dashboard is a page about a stage that fits on a screen: its alarms, requests
// and latency, tasks and instances, the database, and the newest errors. What the
// stage does not have is left out.
func Dashboard(app spec.App, stage spec.Stage, known StageDashboard) Body {
	body := Body{Start: "-PT12H"}
	names, region := known.Names, stage.Region
	if len(known.AlarmARNs) > 0 {
		body.row(3, Widget{Type: "alarm", Properties: map[string]any{"title": fmt.Sprintf("Alarms of %s-%s", app.Name, stage.Name), "alarms": known.AlarmARNs}})
	}
	if slices.ContainsFunc(app.Services, spec.Service.Public) {
		body.row(5, endpointGraphs(stage, names)...)
	}
	body.row(5, capacityGraphs(app, stage, names)...)
	var last []Widget
	if stage.NewDatabase() {
		storage := graph{
			title: "Database storage", region: region, left: "GB", wide: 1,
			lines: []line{
				{Metric: ofDatabase("free", "FreeStorageSpace", "Minimum", RefDatabase), hidden: true},
				{Metric: Metric{ID: "gb"}, expression: fmt.Sprintf("free / %d", gibibyte), label: "free"},
			},
		}
		for i := range stage.Database.Replicas() {
			storage.title, storage.right = "Database storage, replicas behind", "s"
			name := replicaName(i)
			storage.lines = append(storage.lines, line{Metric: ofDatabase("", "ReplicaLag", "Maximum", RefReplica(name)), label: "replica " + name, right: true})
		}
		last = append(last, graph{
			title: "Database", region: region, left: "%", right: "connections", wide: 2,
			lines: []line{
				{Metric: ofDatabase("", "CPUUtilization", "Average", RefDatabase), label: "CPU"},
				{Metric: ofDatabase("", "DatabaseConnections", "Maximum", RefDatabase), label: "connections", right: true},
			},
		}.widget(names), storage.widget(names))
	}
	if len(known.LogGroups) > 0 {
		last = append(last, logWidget("Newest errors", region, ErrorsQuery(stage.Logs.ErrorPattern), known.LogGroups, 3))
	}
	body.row(5, last...)
	return body
}

func endpointGraphs(stage spec.Stage, names Names) []Widget {
	e := endpointOf(stage)
	unnamed := func(m Metric) Metric { m.ID = ""; return m }
	requests := graph{title: "Requests in five minutes", region: stage.Region, lines: []line{{Metric: unnamed(e.requests), label: "requests"}}}
	latency := graph{title: "Latency", region: stage.Region, left: map[bool]string{true: "s", false: "ms"}[e.unit == 1]}
	for _, percentile := range []string{"p50", "p90", "p99"} {
		latency.lines = append(latency.lines, line{Metric: unnamed(e.at(percentile)), label: percentile})
	}
	errors := graph{title: "Responses 4xx and 5xx", region: stage.Region, lines: []line{{Metric: unnamed(e.rejected), label: "4xx"}}}
	for i, metric := range e.errors {
		errors.lines = append(errors.lines, line{Metric: unnamed(metric), label: []string{"5xx", "5xx of the load balancer"}[i]})
	}
	return []Widget{requests.widget(names), latency.widget(names), errors.widget(names)}
}

func capacityGraphs(app spec.App, stage spec.Stage, names Names) []Widget {
	cpu := graph{title: "CPU of instances, and of what tasks reserve", region: stage.Region, left: "%"}
	memory := graph{title: "Memory of what tasks reserve", region: stage.Region, left: "%"}
	tasks := graph{title: "Running tasks", region: stage.Region}
	group := Dimension{"AutoScalingGroupName", RefInstances}
	cpu.lines = append(cpu.lines, line{Metric: metric("", "AWS/EC2", "CPUUtilization", "Average", group), label: "instances"})
	instances := graph{title: "Instances", region: stage.Region, lines: []line{
		{Metric: metric("", "AWS/AutoScaling", "GroupInServiceInstances", "Average", group), label: "in service"},
		{Metric: metric("", "AWS/EC2", "StatusCheckFailed", "Sum", group), label: "failed status checks", right: true},
	}, right: "failed"}
	for _, service := range app.Services {
		if service.Schedule != "" {
			continue
		}
		of := ofService(service.Name)
		cpu.lines = append(cpu.lines, line{Metric: metric("", "AWS/ECS", "CPUUtilization", "Average", of...), label: service.Name})
		memory.lines = append(memory.lines, line{Metric: metric("", "AWS/ECS", "MemoryUtilization", "Average", of...), label: service.Name})
		if *stage.ContainerInsights {
			tasks.title, tasks.right = "Running tasks, deployments", "deployments"
			tasks.lines = append(tasks.lines,
				line{Metric: metric("", "ECS/ContainerInsights", "RunningTaskCount", "Average", of...), label: service.Name},
				line{Metric: metric("", "ECS/ContainerInsights", "DeploymentCount", "Maximum", of...), label: "deployments of " + service.Name, right: true})
		} else {
			// Each task is sampled; in a deployment there are up to twice as
			// many.
			tasks.title = "Tasks, by samples in a minute; more in a deployment"
			tasks.lines = append(tasks.lines, line{Metric: metric("", "AWS/ECS", "CPUUtilization", "SampleCount", of...), label: service.Name, period: 60})
		}
	}
	widgets := []Widget{cpu.widget(names)}
	if len(tasks.lines) > 0 {
		widgets = append(widgets, memory.widget(names), tasks.widget(names))
	}
	return append(widgets, instances.widget(names))
}

func logWidget(title, region, query string, groups []string, wide int) Widget {
	var sources strings.Builder
	for _, group := range groups {
		fmt.Fprintf(&sources, "SOURCE '%s' | ", group)
	}
	return Widget{Type: "log", Width: wide, Properties: map[string]any{
		"title": title, "region": region, "view": "table", "query": sources.String() + query,
	}}
}

// Stages is the page about all stages of an application, for the pipeline's
// account. Each stage is a row of graphs, one for each alarm that gates a release.
// CloudWatch draws them from the alarms, whose names are known before anything is
// deployed, while the resources that they watch get theirs from CloudFormation.
// The alarms may be in any region, but only in the pipeline's own account: of
// a stage in another account, which would have to allow it, there is a link to its
// dashboard.
func Stages(app spec.App, partition string, logGroups PipelineLogs) Body {
	body := Body{Start: "-PT12H"}
	for _, stage := range app.Stages {
		title := Widget{Type: "text", Width: 2, Properties: map[string]any{"markdown": stageText(app, stage)}}
		widgets := []Widget{title}
		if stage.Account == app.Pipeline.Account {
			for _, gate := range Gates(Alarms(app, stage)) {
				if len(widgets) == 4 {
					break
				}
				widgets = append(widgets, gateWidget(app, stage, partition, gate))
			}
		}
		body.row(4, widgets...)
	}
	region := app.Pipeline.Region
	body.row(6,
		logWidget("Newest actions of the pipeline", region, DeploymentsQuery, []string{logGroups.Deployments}, 1),
		logWidget("Newest output of failed builds and releases", region, ErrorsQuery(""), []string{logGroups.Builds}, 1))
	return body
}

// PipelineLogs are the names of the log groups of a pipeline.
type PipelineLogs struct{ Builds, Deployments string }

func gateWidget(app spec.App, stage spec.Stage, partition string, gate Alarm) Widget {
	arn := fmt.Sprintf("arn:%s:cloudwatch:%s:%s:alarm:%s", partition, stage.Region, stage.Account, gate.Name(app.Name, stage.Name))
	title := map[spec.AlarmID]string{
		spec.AlarmEndpoint5xx: "requests that fail, %",
		spec.AlarmLatencyP90:  "latency p90",
	}[gate.ID]
	if title == "" {
		title = "tasks of " + gate.Subject
	}
	return Widget{Type: "metric", Width: 3, Properties: map[string]any{
		"title": stage.Name + ": " + title, "region": stage.Region, "view": "timeSeries",
		"annotations": map[string]any{"alarms": []string{arn}},
		"yAxis":       map[string]any{"left": map[string]any{"min": 0, "showUnits": false}},
	}}
}

func stageText(app spec.App, stage spec.Stage) string {
	text := fmt.Sprintf("### %s\n%s", stage.Name, stage.Region)
	if stage.Account != app.Pipeline.Account {
		text += "\n\nin account " + stage.Account
	}
	if *stage.Dashboard {
		text += fmt.Sprintf("\n\n[dashboard](https://%s.console.aws.amazon.com/cloudwatch/home?region=%s#dashboards/dashboard/%s)", stage.Region, stage.Region, DashboardName(app.Name, stage.Name))
	}
	return text
}

// DashboardName is the physical name of a stage's dashboard. Dashboards are of
// an account, not of a region.
func DashboardName(app, stage string) string { return naming.App(app).Stage(stage).String() }

var words = regexp.MustCompile(`^\?([A-Za-z]+)$`)

// ErrorsQuery finds the newest 50 lines that look like errors: lines with one of
// the words of a filter pattern such as "?ERROR ?panic", or, where the pattern is
// not made of such words, with one of the usual ones.
func ErrorsQuery(pattern string) string {
	var found []string
	for _, field := range strings.Fields(pattern) {
		word := words.FindStringSubmatch(field)
		if word == nil {
			found = nil
			break
		}
		found = append(found, word[1])
	}
	if len(found) == 0 {
		found = []string{"ERROR", "Error", "FATAL", "CRITICAL", "panic", "Traceback", "Exception"}
	}
	return fmt.Sprintf("fields @timestamp, @message, @logStream | filter @message like /%s/ | sort @timestamp desc | limit 50", strings.Join(found, "|"))
}

// Queries for CloudWatch Logs Insights.
const (
	// DeploymentsQuery lists what became of the actions of a pipeline.
	DeploymentsQuery = "fields @timestamp, detail.stage, detail.action, detail.state, `detail.execution-id` | filter ispresent(detail.action) | sort @timestamp desc | limit 50"
	// SlowestQuery lists the 50 slowest requests in the access log of an API.
	SlowestQuery = "fields @timestamp, method, path, status, responseLatency | sort responseLatency desc | limit 50"
	// StatusQuery counts requests in the access log of an API by path and
	// status, with the latency that nine of ten stay below, in milliseconds.
	StatusQuery = "stats count(*) as requests, pct(responseLatency, 90) as p90 by path, status | sort requests desc | limit 50"
	// FailedQuery lists the newest 50 requests in the access log of an API that
	// were answered with a status of 500 or more.
	FailedQuery = "fields @timestamp, method, path, status, integrationStatus, integrationError, requestId | filter status >= 500 | sort @timestamp desc | limit 50"
	// VolumeQuery lists the 20 streams that write the most to a log group.
	VolumeQuery = "stats count(*) as lines, sum(strlen(@message)) as bytes by @logStream | sort bytes desc | limit 20"
)

// Query is a saved query of CloudWatch Logs Insights.
type Query struct {
	// Name as in shop/prod/errors: the console shows its parts as folders.
	Name string
	// Text of the query.
	Text string
}
