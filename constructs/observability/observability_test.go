package observability_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/alarmsim"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

// The constructs in somebody else's stack, which knows neither its account nor
// its region.
func TestInAStackOfAnyAccountAndRegion(t *testing.T) {
	app := synthtest.NewApp(t)
	stack := awscdk.NewStack(app, jsii.String("Theirs"), nil)
	topic := observability.NewTopic(stack, jsii.String("Pager"), &observability.TopicProps{
		DisplayName: "theirs", Description: "Messages", Emails: []string{"a@example.com"}, Webhooks: []string{"https://example.com/?key=1"},
		Slack: &spec.Slack{Workspace: "T1", Channel: "C1"}, SlackName: "theirs", Events: true,
	})
	alarm := func(id string, a monitor.Alarm, names monitor.Names) observability.Alarm {
		return observability.NewAlarm(stack, &id, &observability.AlarmProps{Alarm: a, Names: names, ActionARNs: []string{*topic.Topic().TopicArn()}, Runbooks: "https://example.com/page"})
	}
	lag := alarm("Lag", monitor.ReplicaLag("replica-1", spec.Minutes(10)), monitor.Names{monitor.RefReplica("replica-1"): "shop-replica-1"})
	rotation := alarm("Rotation", monitor.RotationFailed("database"), monitor.Names{monitor.RefRotation("database"): "shop-rotation"})
	observability.NewCompositeAlarm(stack, jsii.String("Both"), &observability.CompositeProps{
		Composite: monitor.Composite{ID: spec.AlarmStageUnwell, Severity: monitor.Critical, Meaning: "Both.", Members: []monitor.Alarm{monitor.RotationFailed("database")}},
		App:       "shop", Stage: "prod", Members: []observability.Alarm{lag, rotation}, ActionARNs: []string{*topic.Topic().TopicArn()},
	})
	key := observability.NewLogKey(stack, jsii.String("LogKey"), &observability.LogKeyProps{Description: "Logs"})
	logs := observability.NewLogGroup(stack, jsii.String("Logs"), &observability.LogGroupProps{Key: key})
	observability.NewErrorFilter(stack, jsii.String("Errors"), &observability.ErrorFilterProps{LogGroup: logs, Pattern: "ERROR", Metric: monitor.ErrorMetric("shop", "prod", "web")})
	observability.NewLogSubscription(stack, jsii.String("Copy"), &observability.LogSubscriptionProps{LogGroup: logs, Destination: spec.LogDestination{ARN: "arn:aws:logs:us-east-1:111111111111:destination:central"}})
	observability.NewSavedQuery(stack, jsii.String("Query"), &observability.SavedQueryProps{Query: monitor.Query{Name: "a/b", Text: monitor.VolumeQuery}, LogGroupNames: nil})
	observability.NewDashboard(stack, jsii.String("Page"), &observability.DashboardProps{Name: "theirs", Body: monitor.Body{Start: "-PT1H", Widgets: []monitor.Widget{}}})
	made, err := synthtest.SynthSecure(t, app).Stack("Theirs")
	require.NoError(t, err)
	only := func(kind string) snapshot.Resource {
		found := slices.Collect(maps.Values(made.Template.Resources(kind)))
		require.Len(t, found, 1, kind)
		return found[0]
	}

	t.Run("a replica behind, or one that no longer replicates, raises the alarm", func(t *testing.T) {
		states := run(t, made, "Lag", map[string][]float64{"lag": {300, 601, 700, 800, 20, -1, -1, -1}})
		assert.Equal(t, []alarmsim.State{alarmsim.OK, alarmsim.OK, alarmsim.OK, alarmsim.Raised, alarmsim.OK, alarmsim.OK, alarmsim.OK, alarmsim.Raised}, states)
	})
	t.Run("so does a rotation that fails, and nothing while there is none", func(t *testing.T) {
		assert.Equal(t, []alarmsim.State{alarmsim.OK, alarmsim.Raised, alarmsim.OK, alarmsim.OK}, run(t, made, "Rotation", map[string][]float64{"m": {0, 1, 0, alarmsim.Gap}}))
	})
	t.Run("a message names its page, and the alarm the resource", func(t *testing.T) {
		for id, alarm := range made.Template.Resources("AWS::CloudWatch::Alarm") {
			assert.Contains(t, alarm.Get("Properties.AlarmDescription"), "https://example.com/page#", id)
		}
		assert.Contains(t, fmt.Sprint(find(t, made, "Rotation").Properties), "shop-rotation")
		assert.Contains(t, fmt.Sprint(find(t, made, "Lag").Properties), "shop-replica-1")
	})
	t.Run("a composite alarm waits for its members", func(t *testing.T) {
		composite := only("AWS::CloudWatch::CompositeAlarm")
		assert.Len(t, composite.DependsOn, 2)
		assert.Equal(t, `ALARM("shop-prod-secret-rotation-failed-database")`, composite.Get("Properties.AlarmRule"))
	})
	t.Run("a log group is kept for a while, and CloudWatch Logs may use its key", func(t *testing.T) {
		group := only("AWS::Logs::LogGroup")
		assert.EqualValues(t, spec.DefaultLogRetentionDays, group.Get("Properties.RetentionInDays"))
		id := group.Get("Properties.KmsKeyId").(map[string]any)["Fn::GetAtt"].([]any)[0].(string)
		resource, _ := made.Template.Resource(id)
		assert.Contains(t, fmt.Sprint(resource.Get("Properties.KeyPolicy")), "kms:EncryptionContext:aws:logs:arn")
	})
	t.Run("the address of a webhook is in no logical id", func(t *testing.T) {
		for id := range made.Template.Resources("AWS::SNS::Subscription") {
			assert.NotContains(t, id, "key")
			assert.False(t, strings.Contains(id, "https"), id)
		}
	})
	t.Run("a resource without a name is an error", func(t *testing.T) {
		assert.PanicsWithError(t, "alarm Nameless: the name of the replica x is not given", func() {
			observability.NewAlarm(stack, jsii.String("Nameless"), &observability.AlarmProps{Alarm: monitor.ReplicaLag("x", spec.Minutes(1))})
		})
	})
}

// Whatever number of days a declaration may have for its logs is one that a log
// group can be made with.
func TestEveryDeclarableRetentionIsAccepted(t *testing.T) {
	app := synthtest.NewApp(t)
	stack := synthtest.Stack(app, "logs")
	made := map[float64]bool{}
	for days := 1; days <= 4000; days++ {
		declared := spec.App{Name: "shop", Stages: []spec.Stage{{Name: "dev", LogRetentionDays: days}}}
		if declared.Validate() == nil {
			made[float64(days)] = true
			observability.NewLogGroup(stack, jsii.String(fmt.Sprint("Kept", days)), &observability.LogGroupProps{RetentionDays: days})
		}
	}
	assert.PanicsWithError(t, "log group Odd: CloudWatch Logs cannot keep events for 2 days: give one of [1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653]", func() {
		observability.NewLogGroup(stack, jsii.String("Odd"), &observability.LogGroupProps{RetentionDays: 2})
	})
	found := map[float64]bool{}
	for _, group := range synthtest.Synth(t, app).Stacks[0].Template.Resources("AWS::Logs::LogGroup") {
		found[group.Get("Properties.RetentionInDays").(float64)] = true
	}
	assert.Len(t, found, 22)
	assert.Equal(t, made, found)
}

// An alarm can be told of to others later, and be part of what users make
// themselves.
func TestAnAlarmIsReachable(t *testing.T) {
	app := synthtest.NewApp(t)
	stack := synthtest.Stack(app, "alarms")
	alarm := observability.NewAlarm(stack, jsii.String("Lag"), &observability.AlarmProps{
		Alarm: monitor.ReplicaLag("one", spec.Minutes(10)), Names: monitor.Names{monitor.RefReplica("one"): "shop-replica-1"}, ActionARNs: []string{"arn:first"},
	})
	alarm.Tell()
	alarm.Tell("arn:second")
	alarm.Resource().SetActionsEnabled(jsii.Bool(false))
	awscloudwatch.NewCompositeAlarm(stack, jsii.String("Theirs"), &awscloudwatch.CompositeAlarmProps{
		AlarmRule: awscloudwatch.AlarmRule_FromAlarm(alarm.Alarm(), awscloudwatch.AlarmState_ALARM),
	})
	assert.Same(t, alarm.Alarm(), alarm.Alarm())
	template := synthtest.Synth(t, app).Stacks[0].Template
	for id, made := range template.Resources("AWS::CloudWatch::Alarm") {
		assert.Equal(t, []any{"arn:first", "arn:second"}, made.Get("Properties.AlarmActions"))
		assert.Equal(t, []any{"arn:first", "arn:second"}, made.Get("Properties.OKActions"))
		assert.Equal(t, false, made.Get("Properties.ActionsEnabled"))
		for _, composite := range template.Resources("AWS::CloudWatch::CompositeAlarm") {
			assert.Contains(t, fmt.Sprint(composite.Get("Properties.AlarmRule")), id)
		}
	}
}

func find(t *testing.T, stack *snapshot.Stack, prefix string) snapshot.Resource {
	t.Helper()
	for id, alarm := range stack.Template.Resources("AWS::CloudWatch::Alarm") {
		if strings.HasPrefix(id, prefix) {
			return alarm
		}
	}
	require.Fail(t, "no such alarm", prefix)
	return snapshot.Resource{}
}

func run(t *testing.T, stack *snapshot.Stack, prefix string, series map[string][]float64) []alarmsim.State {
	t.Helper()
	alarm, err := alarmsim.Parse(find(t, stack, prefix).Properties)
	require.NoError(t, err)
	return alarm.Run(series)
}
