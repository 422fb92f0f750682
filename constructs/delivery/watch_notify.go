package delivery

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/monitor"
)

// notifications makes the topic that hears of failures and approvals, or none
// when nobody is to hear of them.
func (d *delivery) notifications() awssns.Topic {
	addresses := d.app.Pipeline.Notify
	if len(addresses) == 0 {
		return nil
	}
	topic := observability.NewTopic(d, jsii.String("Notifications"), &observability.TopicProps{
		DisplayName: d.app.Name,
		Description: "Notifications of pipeline " + d.app.Name,
		Emails:      addresses,
		Events:      true,
	}).Topic()
	execution := *awsevents.EventField_FromPath(jsii.String("$.detail.execution-id"))
	d.codePipeline.OnStateChange(jsii.String("Failed"), &awsevents.OnEventOptions{
		Description:  jsii.String("Tells of failed executions of pipeline " + d.app.Name),
		EventPattern: &awsevents.EventPattern{Detail: &map[string]any{"state": []string{"FAILED"}}},
		Target: awseventstargets.NewSnsTopic(topic, &awseventstargets.SnsTopicProps{
			Message: awsevents.RuleTargetInput_FromText(jsii.String(fmt.Sprintf(
				"Pipeline %s failed (execution %s). The commit was carried no further. What happened is at %s. What to do: %s",
				d.app.Name, execution, d.console(), monitor.Runbook("", monitor.PipelineFailed)))),
		}),
	})
	d.notifyOfBuilds(topic)
	return topic
}

// notifyOfBuilds tells which build, test or release failed, and where its
// output is: the event of the whole pipeline knows neither.
func (d *delivery) notifyOfBuilds(topic awssns.ITopic) {
	field := func(path string) string { return *awsevents.EventField_FromPath(jsii.String("$.detail." + path)) }
	d.codePipeline.OnEvent(jsii.String("BuildFailed"), &awsevents.OnEventOptions{
		Description: jsii.String("Tells of failed builds, tests and releases of pipeline " + d.app.Name),
		EventPattern: &awsevents.EventPattern{
			DetailType: jsii.Strings("CodePipeline Action Execution State Change"),
			Detail:     &map[string]any{"state": []string{"FAILED"}, "type": map[string]any{"provider": []string{"CodeBuild"}}},
		},
		Target: awseventstargets.NewSnsTopic(topic, &awseventstargets.SnsTopicProps{
			Message: awsevents.RuleTargetInput_FromText(jsii.String(fmt.Sprintf(
				"Step %s of stage %s in pipeline %s failed. Its output is at %s. What to do: %s",
				field("action"), field("stage"), d.app.Name, field("execution-result.external-execution-url"), monitor.Runbook("", monitor.BuildFailed)))),
		}),
	})
}
