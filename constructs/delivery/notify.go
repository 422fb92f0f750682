package delivery

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// notifications makes the topic that hears of failures and approvals, or none
// when nobody is to hear of them.
//
// The topic's key is a customer key because neither EventBridge nor CloudWatch
// can publish to a topic under the key that AWS manages for SNS. EventBridge
// gets no condition on who it acts for: it does not support one here.
func (d *delivery) notifications() awssns.Topic {
	addresses := d.app.Pipeline.Notify
	if len(addresses) == 0 {
		return nil
	}
	scope := constructs.NewConstruct(d, jsii.String("Notifications"))
	key := awskms.NewKey(scope, jsii.String("Key"), &awskms.KeyProps{
		Description:       jsii.String("Notifications of pipeline " + d.app.Name),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     awscdk.RemovalPolicy_DESTROY,
	})
	topic := awssns.NewTopic(scope, jsii.String("Topic"), &awssns.TopicProps{
		DisplayName: jsii.String(d.app.Name),
		MasterKey:   key,
		EnforceSSL:  jsii.Bool(true),
	})
	events := awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil)
	alarms := awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), &awsiam.ServicePrincipalOpts{
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": d.app.Pipeline.Account}},
	})
	for _, publisher := range []awsiam.IPrincipal{events, alarms} {
		key.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Principals: &[]awsiam.IPrincipal{publisher},
			Actions:    jsii.Strings("kms:Decrypt", "kms:GenerateDataKey*"),
			Resources:  jsii.Strings("*"),
		}), nil)
	}
	// A topic with a policy of its own has lost the one that lets everything
	// in its account publish, alarms included.
	topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("Alarms"),
		Principals: &[]awsiam.IPrincipal{alarms},
		Actions:    jsii.Strings("sns:Publish"),
		Resources:  jsii.Strings(*topic.TopicArn()),
	}))
	for _, address := range addresses {
		topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(jsii.String(address), nil))
	}
	execution := *awsevents.EventField_FromPath(jsii.String("$.detail.execution-id"))
	d.codePipeline.OnStateChange(jsii.String("Failed"), &awsevents.OnEventOptions{
		Description:  jsii.String("Tells of failed executions of pipeline " + d.app.Name),
		EventPattern: &awsevents.EventPattern{Detail: &map[string]any{"state": []string{"FAILED"}}},
		Target: awseventstargets.NewSnsTopic(topic, &awseventstargets.SnsTopicProps{
			Message: awsevents.RuleTargetInput_FromText(jsii.String(fmt.Sprintf(
				"Pipeline %s failed (execution %s). The commit was carried no further. What happened is at %s", d.app.Name, execution, d.console()))),
		}),
	})
	return topic
}
