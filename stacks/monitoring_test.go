package stacks_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/alarmsim"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

// numbers are what the metrics of an alarm report in a period; what is not
// there reports nothing. "m" is the metric of an alarm on a single one.
type numbers map[string]float64

// behaviour is what an alarm must make of what its metrics report.
type behaviour struct {
	// bad raises it, good ends it, and neither do the harmless.
	bad, good []numbers
	harmless  []numbers
	// idle is a stage that works and that nobody uses.
	idle numbers
	// always says that what it watches is there in a stage scaled to zero as well.
	always bool
}

var (
	loaded = behaviour{bad: []numbers{{"m": 1e12}}, good: []numbers{{"m": 1}}, idle: numbers{"m": 0}}
	slow   = behaviour{
		bad:      []numbers{{"requests": 1000, "latency": 1e6}},
		good:     []numbers{{"requests": 1000, "latency": 0.001}, {}},
		harmless: []numbers{{"requests": 5, "latency": 1e6}},
	}
)

var behaviours = map[spec.AlarmID]behaviour{
	spec.AlarmEndpoint5xx: {
		bad:      []numbers{{"requests": 1000, "errors": 100}},
		good:     []numbers{{"requests": 1000, "errors": 1}, {"requests": 1000}, {}},
		harmless: []numbers{{"requests": 5, "errors": 5, "unserved": 5}},
	},
	spec.AlarmLatencyP90: slow,
	spec.AlarmLatencyP99: slow,
	spec.AlarmNoTasks: {
		bad:  []numbers{{}, {"m": 0}, {"tasks": 0}, {"tasks": 0, "others": 0}},
		good: []numbers{{"m": 2, "tasks": 2}, {"m": 1, "tasks": 0, "others": 1}},
		idle: numbers{"m": 1, "tasks": 1},
	},
	spec.AlarmTasksMissing: {
		bad:  []numbers{{"desired": 3, "running": 2}, {"desired": 1}},
		good: []numbers{{"desired": 3, "running": 3}, {"desired": 1, "running": 2}},
		idle: numbers{"desired": 1, "running": 1},
	},
	spec.AlarmServiceCPU:          loaded,
	spec.AlarmServiceMemory:       loaded,
	spec.AlarmErrorLines:          {bad: loaded.bad, good: []numbers{{"m": 1}, {}}},
	spec.AlarmTaskFailed:          {bad: []numbers{{"m": 1}}, good: []numbers{{"m": 0}, {}}},
	spec.AlarmInstanceCPU:         loaded,
	spec.AlarmNATConnections:      {bad: []numbers{{"m": 80}, {}}, good: []numbers{{"m": 79}}, idle: numbers{"m": 0}, always: true},
	spec.AlarmInstanceStatus:      {bad: []numbers{{"m": 1}}, good: []numbers{{"m": 0}}, idle: numbers{"m": 0}},
	spec.AlarmDatabaseCPU:         loaded,
	spec.AlarmDatabaseConnections: loaded,
	spec.AlarmReplicaLag:          {bad: []numbers{{"lag": 1e5}, {"lag": -1}}, good: []numbers{{"lag": 1}, {"lag": 300}}, idle: numbers{"lag": 300}},
	spec.AlarmRotationFailed:      {bad: []numbers{{"m": 1}}, good: []numbers{{"m": 0}, {}}},
	spec.AlarmDatabaseStorage:     {bad: []numbers{{"m": 1e6}}, good: []numbers{{"m": 1e14}}, idle: numbers{"m": 1e14}},
}

// series repeats what metrics report.
func series(parts ...[]numbers) map[string][]float64 {
	ids := map[string]bool{}
	length := 0
	for _, part := range parts {
		length += len(part)
		for _, n := range part {
			for id := range n {
				ids[id] = true
			}
		}
	}
	all := map[string][]float64{"": make([]float64, length)}
	for id := range ids {
		for _, part := range parts {
			for _, n := range part {
				value, reported := n[id]
				if !reported {
					value = alarmsim.Gap
				}
				all[id] = append(all[id], value)
			}
		}
	}
	return all
}

func times(count int, n numbers) []numbers { return slices.Repeat([]numbers{n}, count) }

// everyAlarm holds what is true of the alarms and dashboards of an application,
// and tells which kinds of alarms there were.
func everyAlarm(t *testing.T, app spec.App, assembly *snapshot.Assembly) map[spec.AlarmID]bool {
	t.Helper()
	app, err := app.Resolve()
	require.NoError(t, err)
	kinds := map[spec.AlarmID]bool{}
	for _, stage := range app.Stages {
		stack, err := assembly.Stack(app.Name + "-" + stage.Name + "-service")
		require.NoError(t, err)
		w := world{t: t, assembly: assembly, stack: stack}
		wanted := map[string]monitor.Alarm{}
		for _, alarm := range monitor.Alarms(app, stage) {
			wanted[alarm.Name(app.Name, stage.Name)] = alarm
		}
		made := map[string]bool{}
		for id, resource := range stack.Template.Resources("AWS::CloudWatch::Alarm") {
			w.metrics(id, resource)
			if scaling, _ := resource.Get("Properties.AlarmActions.0.Ref").(string); strings.Contains(scaling, "Policy") {
				_, there := stack.Template.Resource(scaling)
				assert.True(t, there, "%s: its policy", id)
				w.runs(id, resource, behaviour{}, stage)
				continue
			}
			name, _ := resource.Get("Properties.AlarmName").(string)
			if name == "" { // that of a scheduled task
				for candidate, alarm := range wanted {
					if alarm.ID == spec.AlarmTaskFailed && strings.HasPrefix(id, "Service"+strings.ReplaceAll(alarm.Subject, "-", "")) {
						name = candidate
					}
				}
			}
			alarm, found := wanted[name]
			if !assert.True(t, found, "%s is not in the catalogue", name) {
				continue
			}
			made[name], kinds[alarm.ID] = true, true
			b, known := behaviours[alarm.ID]
			if assert.True(t, known, "what is %s to do?", alarm.ID) {
				w.runs(id, resource, b, stage)
			}
			queries, _ := resource.Get("Properties.Metrics").([]any)
			count := 1
			if len(queries) > 0 {
				count = len(queries) - 1 // one is the expression
			}
			assert.Len(t, alarm.Metrics, count, "%s: what CloudWatch bills", id)
			w.message(id, resource, stage, string(alarm.ID))
			if alarm.ID == spec.AlarmNoTasks {
				for service := range stack.Template.Resources("AWS::ECS::Service") {
					assert.Contains(t, resource.DependsOn, service, "%s: silence before the first metrics is no outage", id)
				}
			}
		}
		for id, resource := range stack.Template.Resources("AWS::CloudWatch::CompositeAlarm") {
			kinds[spec.AlarmStageUnwell] = true
			w.message(id, resource, stage, string(spec.AlarmStageUnwell))
			for _, member := range regexp.MustCompile(`ALARM\("([^"]*)"\)`).FindAllStringSubmatch(fmt.Sprint(resource.Get("Properties.AlarmRule")), -1) {
				assert.True(t, made[member[1]] && wanted[member[1]].Gate, "%s: %s", id, member[1])
			}
		}
		assert.Len(t, made, len(wanted), "%s: every alarm of the catalogue is made", stage.Name)
		w.dashboard(stage)
		remoteAlarms(t, app, stage, assembly)
	}
	return kinds
}

// remoteAlarms holds what is true of alarms on what a stage has in another
// region.
func remoteAlarms(t *testing.T, app spec.App, stage spec.Stage, assembly *snapshot.Assembly) {
	t.Helper()
	if stage.Database == nil {
		return
	}
	for _, replica := range stage.Database.ReadReplicas {
		if replica.Region == "" {
			continue
		}
		stack, err := assembly.Stack(app.Name + "-" + stage.Name + "-replica-" + replica.Region)
		require.NoError(t, err)
		w := world{t: t, assembly: assembly, stack: stack}
		wanted := monitor.RemoteAlarms(stage, replica.Region)
		made := stack.Template.Resources("AWS::CloudWatch::Alarm")
		require.Len(t, made, len(wanted))
		for id, resource := range made {
			assert.Equal(t, wanted[0].Name(app.Name, stage.Name), resource.Get("Properties.AlarmName"))
			w.metrics(id, resource)
			w.runs(id, resource, behaviours[wanted[0].ID], stage)
			w.message(id, resource, stage, string(wanted[0].ID))
			for _, subscription := range stack.Template.Resources("AWS::SNS::Subscription") {
				assert.NotContains(t, fmt.Sprint(subscription.Get("Properties.Endpoint")), "resolve:ssm", "a parameter of the stage's region")
			}
		}
	}
}

// world is where names have to be found.
type world struct {
	t        *testing.T
	assembly *snapshot.Assembly
	stack    *snapshot.Stack
}

// dimensions that name a resource by a reference: its type, and the attribute
// by which CloudWatch knows it.
var dimensions = map[string][2]string{
	"ClusterName":          {"AWS::ECS::Cluster", "Ref"},
	"ServiceName":          {"AWS::ECS::Service", "Name"},
	"AutoScalingGroupName": {"AWS::AutoScaling::AutoScalingGroup", "Ref"},
	"LoadBalancer":         {"AWS::ElasticLoadBalancingV2::LoadBalancer", "LoadBalancerFullName"},
	"TargetGroup":          {"AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupFullName"},
	"ApiId":                {"AWS::ApiGatewayV2::Api", "Ref"},
	"QueueName":            {"AWS::SQS::Queue", "QueueName"},
}

// properties in which the others are written out.
var written = map[string][2]string{
	"Stage":                {"AWS::ApiGatewayV2::Stage", "Properties.StageName"},
	"ApiName":              {"AWS::ApiGateway::RestApi", "Properties.Name"},
	"DBInstanceIdentifier": {"AWS::RDS::DBInstance", "Properties.DBInstanceIdentifier"},
	"FunctionName":         {"AWS::SecretsManager::RotationSchedule", "Properties.HostedRotationLambda.RotationLambdaName"},
}

// exists says that a dimension names something of the stage.
func (w world) exists(where, name string, value any) {
	if want, known := dimensions[name]; known {
		id, attribute := reference(value)
		resource, there := w.stack.Template.Resource(id)
		assert.True(w.t, there && resource.Type == want[0] && attribute == want[1], "%s: %s is %v", where, name, value)
		return
	}
	if id, _ := reference(value); name == "Stage" && id != "" {
		resource, there := w.stack.Template.Resource(id)
		assert.True(w.t, there && resource.Type == "AWS::ApiGateway::Stage", "%s: %v", where, value)
		return
	}
	want, known := written[name]
	require.True(w.t, known, "%s: dimension %s", where, name)
	stage := w.stack.Name[:strings.LastIndex(w.stack.Name, "-")+1]
	var found []any
	for _, stack := range w.assembly.Stacks {
		if strings.HasPrefix(stack.Name, stage) {
			for _, resource := range stack.Template.Resources(want[0]) {
				found = append(found, resource.Get(want[1]))
			}
		}
	}
	assert.Contains(w.t, found, value, "%s: %s", where, name)
}

// reference takes {"Ref": id}, {"Fn::GetAtt": [id, attribute]} apart.
func reference(value any) (id, attribute string) {
	m, _ := value.(map[string]any)
	if id, ok := m["Ref"].(string); ok {
		return id, "Ref"
	}
	if pair, ok := m["Fn::GetAtt"].([]any); ok {
		return pair[0].(string), pair[1].(string)
	}
	return "", ""
}

// metrics holds an alarm's metrics to resources that there are.
func (w world) metrics(id string, alarm snapshot.Resource) {
	check := func(namespace, name any, dimensions []any) {
		if strings.HasPrefix(fmt.Sprint(namespace), "tinystack/") {
			w.counted(id, namespace, name)
			return
		}
		require.NotEmpty(w.t, dimensions, id)
		for _, dimension := range dimensions {
			d := dimension.(map[string]any)
			w.exists(id, d["Name"].(string), d["Value"])
		}
	}
	if name := alarm.Get("Properties.MetricName"); name != nil {
		list, _ := alarm.Get("Properties.Dimensions").([]any)
		check(alarm.Get("Properties.Namespace"), name, list)
	}
	queries, _ := alarm.Get("Properties.Metrics").([]any)
	for _, query := range queries {
		if stat, ok := query.(map[string]any)["MetricStat"].(map[string]any); ok {
			metric := stat["Metric"].(map[string]any)
			check(metric["Namespace"], metric["MetricName"], metric["Dimensions"].([]any))
		}
	}
}

// counted says that a filter makes the metric, or the NAT instance, which is in
// another stack.
func (w world) counted(where string, namespace, name any) {
	if strings.HasSuffix(fmt.Sprint(name), "-nat-connections") {
		return
	}
	for _, filter := range w.stack.Template.Resources("AWS::Logs::MetricFilter") {
		if filter.Get("Properties.MetricTransformations.0.MetricNamespace") == namespace && filter.Get("Properties.MetricTransformations.0.MetricName") == name {
			group, _ := reference(filter.Get("Properties.LogGroupName"))
			_, there := w.stack.Template.Resource(group)
			assert.True(w.t, there, where)
			return
		}
	}
	assert.Fail(w.t, "no filter counts it", "%s: %v", where, name)
}

// runs feeds an alarm numbers: it is raised, ends, and leaves people alone.
func (w world) runs(id string, resource snapshot.Resource, b behaviour, stage spec.Stage) {
	alarm, err := alarmsim.Parse(resource.Properties)
	require.NoError(w.t, err, id)
	const long = 40
	last := func(states []alarmsim.State) alarmsim.State { return states[len(states)-1] }
	if *stage.Scale.Instances.Max == 0 && !b.always {
		assert.Equal(w.t, alarmsim.OK, last(alarm.Run(series(times(long, nil)))), "%s in a stage scaled to zero", id)
	}
	if b.bad == nil {
		return
	}
	assert.Equal(w.t, alarmsim.OK, last(alarm.Run(series(times(long, b.idle)))), "%s in an idle stage", id)
	if b.idle == nil {
		assert.Equal(w.t, alarmsim.OK, last(alarm.WithoutFill().Run(series(times(long, b.idle)))), "%s in an idle stage, without anything to fill", id)
	}
	for _, harmless := range b.harmless {
		assert.NotContains(w.t, alarm.Run(series(times(long, harmless))), alarmsim.Raised, "%s %v", id, harmless)
	}
	for _, good := range b.good {
		for _, bad := range b.bad {
			states := alarm.Run(series(times(long, good), times(long, bad), times(long, good)))
			at := fmt.Sprintf("%s %v %v", id, good, bad)
			assert.NotContains(w.t, states[:long], alarmsim.Raised, at)
			assert.Equal(w.t, alarmsim.Raised, states[2*long-1], at)
			assert.Equal(w.t, alarmsim.OK, states[3*long-1], at)
			raised := slices.Index(states, alarmsim.Raised) - long + 1
			minutes := raised * alarm.Period / 60
			assert.LessOrEqual(w.t, minutes, 90, "%s takes too long", at)
			if !strings.Contains(id, "FailureAlarm") {
				assert.GreaterOrEqual(w.t, minutes, 5, "%s: a moment is no reason", at)
			}
		}
	}
}

var anchor = regexp.MustCompile(`docs/runbooks\.md#([a-z0-9-]+)$`)

// message holds that somebody hears of the alarm where anybody is to, that the
// topic lets it through, and that the message says where to read on.
func (w world) message(id string, alarm snapshot.Resource, stage spec.Stage, kind string) {
	if page := stage.Alarms.Runbooks; page == spec.DefaultRunbooks {
		found := anchor.FindStringSubmatch(fmt.Sprint(alarm.Get("Properties.AlarmDescription")))
		if assert.NotNil(w.t, found, id) {
			assert.Equal(w.t, kind, found[1], id)
			assert.Contains(w.t, runbooks(w.t), found[1], id)
		}
	} else {
		assert.Contains(w.t, alarm.Get("Properties.AlarmDescription"), page+"#"+kind)
	}
	assert.Equal(w.t, alarm.Get("Properties.AlarmActions"), alarm.Get("Properties.OKActions"), "%s: people hear of the end, too", id)
	actions, _ := alarm.Get("Properties.AlarmActions").([]any)
	someone := len(stage.Alarms.Notify) > 0 || len(stage.Alarms.Webhooks) > 0 || stage.Alarms.Slack != nil
	composite := len(w.stack.Template.Resources("AWS::CloudWatch::CompositeAlarm")) > 0
	member := composite && slices.ContainsFunc([]string{"endpoint-5xx", "endpoint-latency-p90", "no-tasks"}, func(k string) bool { return k == kind })
	switch {
	case stage.Alarms.Topic != "" && !member:
		assert.Equal(w.t, []any{stage.Alarms.Topic}, actions, id)
	case !someone || member:
		assert.Empty(w.t, actions, "%s: the composite alarm tells", id)
	default:
		require.Len(w.t, actions, 1, id)
		topic, _ := reference(actions[0])
		w.publishes(topic, "cloudwatch.amazonaws.com")
	}
}

// publishes evaluates the policies of a topic and of its key.
func (w world) publishes(topic, service string) {
	resource, there := w.stack.Template.Resource(topic)
	require.True(w.t, there && resource.Type == "AWS::SNS::Topic", topic)
	account := strings.Split(strings.TrimPrefix(w.stack.Environment, "aws://"), "/")[0]
	context := map[string]string{"aws:SourceAccount": account, "aws:SecureTransport": "true"}
	var policies []any
	for _, policy := range w.stack.Template.Resources("AWS::SNS::TopicPolicy") {
		if id, _ := reference(policy.Get("Properties.Topics.0")); id == topic {
			policies = append(policies, policy.Get("Properties.PolicyDocument.Statement").([]any)...)
		}
	}
	assert.True(w.t, allowed(policies, service, "sns:Publish", context), "%s may not publish to %s", service, topic)
	assert.False(w.t, allowed(policies, service, "sns:Publish", map[string]string{"aws:SourceAccount": account, "aws:SecureTransport": "false"}), "without TLS")
	id, _ := reference(resource.Get("Properties.KmsMasterKeyId"))
	key, there := w.stack.Template.Resource(id)
	require.True(w.t, there && key.Type == "AWS::KMS::Key", "%s: its key", topic)
	statements := key.Get("Properties.KeyPolicy.Statement").([]any)
	for _, action := range []string{"kms:Decrypt", "kms:GenerateDataKey"} {
		assert.True(w.t, allowed(statements, service, action, context), "%s of %s for %s", action, topic, service)
	}
	if service == "cloudwatch.amazonaws.com" {
		other := map[string]string{"aws:SourceAccount": "999999999999", "aws:SecureTransport": "true"}
		assert.False(w.t, allowed(policies, service, "sns:Publish", other), "another account's alarms")
		assert.False(w.t, allowed(statements, service, "kms:Decrypt", other), "another account's alarms")
	}
}

// allowed evaluates statements of a resource policy for a service, as far as
// such policies go here.
func allowed(statements []any, service, action string, context map[string]string) bool {
	granted := false
	for _, s := range statements {
		statement := s.(map[string]any)
		who := fmt.Sprint(statement["Principal"])
		if who != "*" && who != fmt.Sprint(map[string]any{"Service": service}) {
			continue
		}
		actions, ok := statement["Action"].([]any)
		if !ok {
			actions = []any{statement["Action"]}
		}
		if !slices.ContainsFunc(actions, func(a any) bool {
			prefix, wild := strings.CutSuffix(a.(string), "*")
			return a == action || wild && strings.HasPrefix(action, prefix)
		}) {
			continue
		}
		applies := true
		conditions, _ := statement["Condition"].(map[string]any)
		for _, operator := range conditions {
			for key, value := range operator.(map[string]any) {
				applies = applies && (fmt.Sprint(value) == context[key] || fmt.Sprint(value) == fmt.Sprint(map[string]any{"Ref": "AWS::AccountId"}) && key == "aws:SourceAccount" && context[key] != "999999999999")
			}
		}
		if applies && statement["Effect"] == "Deny" {
			return false
		}
		granted = granted || applies
	}
	return granted
}

// runbooks are the sections of the page.
func runbooks(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../docs/runbooks.md")
	require.NoError(t, err)
	var sections []string
	for line := range strings.Lines(string(text)) {
		if title, found := strings.CutPrefix(line, "## "); found {
			sections = append(sections, strings.TrimSpace(title))
		}
	}
	return sections
}

// dashboard holds the stage's page to CloudWatch's structure, and to resources
// that there are.
func (w world) dashboard(stage spec.Stage) {
	pages := w.stack.Template.Resources("AWS::CloudWatch::Dashboard")
	if !*stage.Dashboard {
		assert.Empty(w.t, pages)
		return
	}
	require.Len(w.t, pages, 1)
	for id, page := range pages {
		body := valid(w.t, page.Get("Properties.DashboardBody"))
		for _, widget := range body.Widgets {
			metrics, _ := widget.Properties["metrics"].([]any)
			for _, entry := range metrics {
				list := entry.([]any)
				for i := 2; i+1 < len(list); i += 2 {
					w.exists(id, list[i].(string), placeholder(list[i+1]))
				}
			}
			alarms, _ := widget.Properties["alarms"].([]any)
			for _, arn := range alarms {
				alarm, _ := reference(placeholder(arn))
				resource, there := w.stack.Template.Resource(alarm)
				assert.True(w.t, there && strings.HasPrefix(resource.Type, "AWS::CloudWatch::"), "%s: %v", id, arn)
			}
			if widget.Type == "log" {
				w.sources(id, widget)
			}
		}
	}
}

func (w world) sources(id string, widget monitor.Widget) {
	groups := regexp.MustCompile(`SOURCE '([^']*)'`).FindAllStringSubmatch(widget.Properties["query"].(string), -1)
	require.NotEmpty(w.t, groups, id)
	for _, group := range groups {
		name, _ := reference(placeholder(group[1]))
		resource, there := w.stack.Template.Resource(name)
		assert.True(w.t, there && resource.Type == "AWS::Logs::LogGroup", "%s: %s", id, group[1])
	}
}

// valid reads a dashboard's body, with references as ${id} and ${id.attribute}.
func valid(t *testing.T, body any) monitor.Body {
	t.Helper()
	text, plain := body.(string)
	if !plain {
		var joined strings.Builder
		for _, part := range body.(map[string]any)["Fn::Join"].([]any)[1].([]any) {
			switch id, attribute := reference(part); {
			case attribute == "Ref":
				joined.WriteString("${" + id + "}")
			case id != "":
				joined.WriteString("${" + id + "." + attribute + "}")
			default:
				joined.WriteString(part.(string))
			}
		}
		text = joined.String()
	}
	schema, err := jsonschema.NewCompiler().Compile("../monitor/testdata/dashboard.schema.json")
	require.NoError(t, err)
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	require.NoError(t, err)
	require.NoError(t, schema.Validate(value))
	var parsed monitor.Body
	require.NoError(t, json.Unmarshal([]byte(text), &parsed))
	return parsed
}

// placeholder is the reference that a ${…} stands for, or the text itself.
func placeholder(value any) any {
	inner, is := strings.CutPrefix(value.(string), "${")
	if !is {
		return value
	}
	id, attribute, found := strings.Cut(strings.TrimSuffix(inner, "}"), ".")
	if !found {
		return map[string]any{"Ref": id}
	}
	return map[string]any{"Fn::GetAtt": []any{id, attribute}}
}

// monitored is an application with every kind of endpoint, service and place to
// tell.
const monitored = `
name: shop
pipeline:
  account: "111111111111"
  notify: [team@example.com]
  logs: {encrypted: true, destination: {arn: "arn:aws:lambda:us-east-1:111111111111:function:ship"}}
source: {codeCommit: shop}
services:
  - {name: web, healthCheck: {path: /up}, migration: {command: [migrate]}}
  - {name: admin, path: /admin}
  - {name: mailer, worker: true}
  - {name: nightly, schedule: rate(1 day)}
stages:
  - {name: dev, scale: {instance: t3.small}, dashboard: false}
  - name: http
    scale: {instance: t3.small}
    database: {readReplicas: [{}], rotation: {user: clerk}}
    containerInsights: true
    logs:
      encrypted: true
      countErrors: true
      errorPattern: "?ERROR"
      destination: {arn: "arn:aws:lambda:us-east-1:111111111111:function:ship", pattern: ERROR}
    alarms:
      level: full
      off: [scheduled-task-failed, stage-unwell]
      runbooks: https://wiki.example.com/runbooks
      webhooks: [https://example.com/hook, "ssm:/shop/hook"]
      slack: {workspace: T0123456789, channel: C0123456789}
  - name: rest
    scale: {instance: t3.small}
    endpoint: {caching: {paths: [{path: /, query: []}]}}
    alarms: {level: full, topic: "arn:aws:sns:us-east-1:111111111111:alarms"}
  - {name: idle, profile: idle}
  - {name: canary, canaryOf: prod, region: us-west-2, bake: 10m}
  - name: prod
    account: "222222222222"
    approval: manual
    profile: hyperscale
    database: {readReplicas: [{}, {}, {region: eu-west-3}], rotation: {}}
    alarms: {webhooks: [https://example.com/hook, "ssm:/shop/hook"]}
    endpoint: {deployment: blue-green}
    logs: {destination: {arn: "arn:aws:kinesis:us-east-1:222222222222:stream/logs", role: "arn:aws:iam::222222222222:role/logs"}}
`

func TestWhatIsWatchedAndWhoHearsOfIt(t *testing.T) {
	path := t.TempDir() + "/tinystack.yaml"
	require.NoError(t, os.WriteFile(path, []byte(monitored), 0o644))
	app := load(t, path)
	assembly := synth(t, app, nil)
	kinds := everyAlarm(t, app, assembly)
	service := func(stage string) world {
		stack, err := assembly.Stack("shop-" + stage + "-service")
		require.NoError(t, err)
		return world{t: t, assembly: assembly, stack: stack}
	}

	t.Run("every runbook is about something that is made", func(t *testing.T) {
		messages := []string{monitor.PipelineFailed, monitor.BuildFailed}
		for _, section := range runbooks(t) {
			if !slices.Contains(messages, section) {
				assert.True(t, kinds[spec.AlarmID(section)], "%s was never made", section)
			}
		}
		raw, err := snapshot.Render(template(t, assembly, "shop-pipeline"))
		require.NoError(t, err)
		for _, message := range messages {
			assert.Contains(t, string(raw), "runbooks.md#"+message)
		}
	})

	t.Run("the pipeline may tell people what it tells them", func(t *testing.T) {
		stack, err := assembly.Stack("shop-pipeline")
		require.NoError(t, err)
		w, told := world{t: t, assembly: assembly, stack: stack}, 0
		for _, rule := range stack.Template.Resources("AWS::Events::Rule") {
			if topic, _ := reference(rule.Get("Properties.Targets.0.Arn")); strings.Contains(topic, "Notifications") {
				w.publishes(topic, "events.amazonaws.com")
				told++
			}
		}
		assert.GreaterOrEqual(t, told, 2)
	})

	t.Run("a bake watches the alarms that a deployment is taken back by", func(t *testing.T) {
		raw, err := snapshot.Render(template(t, assembly, "shop-pipeline"))
		require.NoError(t, err)
		canary := service("canary").stack.Template
		var metric []string
		for _, alarm := range canary.Resources("AWS::CloudWatch::Alarm") {
			if name, ok := alarm.Get("Properties.AlarmName").(string); ok {
				metric = append(metric, name)
			}
		}
		gates := []string{"shop-canary-endpoint-5xx", "shop-canary-endpoint-latency-p90", "shop-canary-no-tasks-admin", "shop-canary-no-tasks-mailer", "shop-canary-no-tasks-web"}
		assert.Subset(t, metric, gates)
		for _, gate := range gates {
			assert.Contains(t, string(raw), gate)
		}
		for id, s := range canary.Resources("AWS::ECS::Service") {
			alarms, _ := s.Get("Properties.DeploymentConfiguration.Alarms.AlarmNames").([]any)
			if strings.HasPrefix(id, "Servicemailer") {
				assert.Empty(t, alarms)
				continue
			}
			assert.Equal(t, []any{"shop-canary-endpoint-5xx", "shop-canary-endpoint-latency-p90"}, alarms, id)
		}
	})

	t.Run("people, services and a channel hear of alarms", func(t *testing.T) {
		stack := service("http").stack.Template
		var endpoints []string
		for _, subscription := range stack.Resources("AWS::SNS::Subscription") {
			endpoints = append(endpoints, fmt.Sprint(subscription.Get("Properties.Protocol"), " ", subscription.Get("Properties.Endpoint")))
		}
		assert.ElementsMatch(t, []string{"email team@example.com", "https https://example.com/hook", "https {{resolve:ssm:/shop/hook}}"}, endpoints)
		slack := slices.Collect(maps.Values(stack.Resources("AWS::Chatbot::SlackChannelConfiguration")))
		require.Len(t, slack, 1)
		topic, _ := reference(slack[0].Get("Properties.SnsTopicArns.0"))
		_, there := stack.Resource(topic)
		assert.True(t, there)
		assert.NotEmpty(t, slack[0].Get("Properties.GuardrailPolicies"), "without one it is the administrator's")
		assert.Empty(t, service("rest").stack.Template.Resources("AWS::SNS::Topic"), "it has one already")
		remote := template(t, assembly, "shop-prod-replica-eu-west-3")
		assert.Len(t, remote.Resources("AWS::CloudWatch::Alarm"), 1)
		assert.Len(t, remote.Resources("AWS::SNS::Subscription"), 2)
	})

	t.Run("logs are encrypted, counted and sent on where that is declared", func(t *testing.T) {
		stack := service("http").stack.Template
		for _, s := range []string{"web", "admin", "mailer", "nightly"} {
			for id, group := range stack.Resources("AWS::Logs::LogGroup") {
				if strings.HasPrefix(id, "Service"+s) && !strings.Contains(id, "Migration") { // a function's
					key, _ := reference(group.Get("Properties.KmsKeyId"))
					assert.True(t, strings.HasPrefix(key, "LogKey"), id)
					assert.Equal(t, 14.0, group.Get("Properties.RetentionInDays"), id)
				}
			}
		}
		assert.Len(t, stack.Resources("AWS::Logs::MetricFilter"), 3, "the services; a failed run of the task tells by itself")
		assert.Len(t, stack.Resources("AWS::Logs::SubscriptionFilter"), 4)
		shipping := 0
		for _, permission := range stack.Resources("AWS::Lambda::Permission") {
			if permission.Get("Properties.Principal") == "logs.amazonaws.com" {
				shipping++
			}
		}
		assert.Equal(t, 4, shipping)
		for id, filter := range stack.Resources("AWS::Logs::SubscriptionFilter") {
			require.Len(t, filter.DependsOn, 1, id)
			permission, _ := stack.Resource(filter.DependsOn[0])
			assert.Equal(t, "logs.amazonaws.com", permission.Get("Properties.Principal"), id)
			group, _ := reference(filter.Get("Properties.LogGroupName"))
			source, _ := reference(permission.Get("Properties.SourceArn"))
			assert.Equal(t, group, source, id)
		}
		for _, filter := range service("prod").stack.Template.Resources("AWS::Logs::SubscriptionFilter") {
			assert.Equal(t, "arn:aws:iam::222222222222:role/logs", filter.Get("Properties.RoleArn"))
		}
		assert.Empty(t, service("canary").stack.Template.Resources("AWS::Logs::SubscriptionFilter"), "that stream is in another region")
		assert.Empty(t, service("dev").stack.Template.Resources("AWS::Logs::MetricFilter"))
	})

	t.Run("so is the output of builds", func(t *testing.T) {
		pipeline := template(t, assembly, "shop-pipeline")
		for _, group := range pipeline.Resources("AWS::Logs::LogGroup") {
			key, _ := reference(group.Get("Properties.KmsKeyId"))
			assert.Equal(t, group.Get("Properties.LogGroupName") == "/tinystack/shop/builds", strings.Contains(key, "LogKey"))
		}
		assert.Len(t, pipeline.Resources("AWS::Logs::SubscriptionFilter"), 1)
	})

	t.Run("queries ask log groups that there are", func(t *testing.T) {
		for _, name := range []string{"shop-http-service", "shop-prod-service", "shop-pipeline"} {
			stack := template(t, assembly, name)
			queries := stack.Resources("AWS::Logs::QueryDefinition")
			assert.GreaterOrEqual(t, len(queries), 2, name)
			for id, query := range queries {
				for _, group := range query.Get("Properties.LogGroupNames").([]any) {
					ref, _ := reference(group)
					resource, _ := stack.Resource(ref)
					assert.Equal(t, "AWS::Logs::LogGroup", resource.Type, id)
				}
			}
		}
	})

	t.Run("one page shows all stages of the pipeline's account", func(t *testing.T) {
		stack, err := assembly.Stack("shop-pipeline")
		require.NoError(t, err)
		w := world{t: t, assembly: assembly, stack: stack}
		shown := map[string]bool{}
		for id, page := range stack.Template.Resources("AWS::CloudWatch::Dashboard") {
			for _, widget := range valid(t, page.Get("Properties.DashboardBody")).Widgets {
				if widget.Type == "log" {
					w.sources(id, widget)
				}
				annotations, _ := widget.Properties["annotations"].(map[string]any)
				alarms, _ := annotations["alarms"].([]any)
				for _, arn := range alarms {
					parts := strings.SplitN(arn.(string), ":", 7)
					stage := strings.Split(parts[6], "-")[1]
					shown[stage] = true
					made := service(stage).stack
					assert.Equal(t, "aws://"+parts[4]+"/"+parts[3], made.Environment)
					var names []any
					for _, alarm := range made.Template.Resources("AWS::CloudWatch::Alarm") {
						names = append(names, alarm.Get("Properties.AlarmName"))
					}
					assert.Contains(t, names, parts[6])
				}
			}
		}
		assert.Equal(t, map[string]bool{"dev": true, "http": true, "rest": true}, shown)
	})
}
