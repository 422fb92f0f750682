package delivery

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/naming"
)

// history writes what becomes of every action to a log group: deployments and
// approvals have no output of their own.
//
// The group lets EventBridge in by a policy of its own. The policies that an
// account has for all its log groups are ten, and shared.
func (d *delivery) history() {
	account, region := d.app.Pipeline.Account, d.app.Pipeline.Region
	name, rule := naming.App(d.app.Name).DeploymentLogs(), naming.App(d.app.Name).DeploymentRule()
	prefix := "arn:" + partitionOf(region) + ":"
	arn := prefix + "logs:" + region + ":" + account + ":log-group:" + name
	group := observability.NewLogGroup(d, jsii.String("Deployments"), &observability.LogGroupProps{
		Name:          name,
		RetentionDays: d.app.Pipeline.LogRetentionDays,
	})
	writers := map[string]any{"Service": []string{"delivery.logs.amazonaws.com", "events.amazonaws.com"}}
	group.Node().DefaultChild().(awslogs.CfnLogGroup).SetResourcePolicyDocument(map[string]any{
		"Version": "2012-10-17",
		"Statement": []map[string]any{
			{"Effect": "Allow", "Principal": writers, "Action": "logs:CreateLogStream", "Resource": arn + ":*"},
			{
				"Effect": "Allow", "Principal": writers, "Action": "logs:PutLogEvents", "Resource": arn + ":*",
				"Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": prefix + "events:" + region + ":" + account + ":rule/" + rule}},
			},
		},
	})
	events := awsevents.NewCfnRule(d, jsii.String("DeploymentEvents"), &awsevents.CfnRuleProps{
		Name:        jsii.String(rule),
		Description: jsii.String("Writes what becomes of the actions of pipeline " + d.app.Name + " to " + name),
		EventPattern: map[string]any{
			"source":      []string{"aws.codepipeline"},
			"detail-type": []string{"CodePipeline Action Execution State Change", "CodePipeline Pipeline Execution State Change"},
			"resources":   []string{*d.codePipeline.PipelineArn()},
		},
		Targets: []awsevents.CfnRule_TargetProperty{{Id: jsii.String("Log"), Arn: jsii.String(arn)}},
	})
	events.Node().AddDependency(group)
	d.events = group
}
