package observability

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awschatbot"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/spec"
)

// TopicProps says who hears of what.
type TopicProps struct {
	// DisplayName is the sender in e-mails. Required.
	DisplayName string

	// Description of the topic's key. Required.
	Description string

	// Emails are the addresses of people. Each confirms the subscription by a
	// link in the first message. Default: nobody.
	Emails []string

	// Webhooks are https URLs, or "ssm:" and the name of a parameter that
	// holds one. Default: none.
	Webhooks []string

	// Slack is a channel. Default: none.
	Slack *spec.Slack

	// SlackName is the name of the channel's configuration, of which an account
	// has one of each name, in all regions together. Required with Slack.
	SlackName string

	// Events lets rules of EventBridge publish to the topic, too. Default:
	// false: only alarms of the account may.
	Events bool
}

// Topic is an encrypted SNS topic whose key and policy let alarms publish to it.
type Topic interface {
	constructs.Construct
	// Topic is the SNS topic.
	Topic() awssns.Topic
	// Key that messages are encrypted with.
	Key() awskms.Key
}

type topic struct {
	constructs.Construct
	topic awssns.Topic
	key   awskms.Key
}

// NewTopic makes an encrypted topic and subscribes people and services to it.
//
// The topic's key is a customer key because neither EventBridge nor CloudWatch
// can publish to a topic under the key that AWS manages for SNS. EventBridge
// gets no condition on who it acts for: it does not support one here.
func NewTopic(scope constructs.Construct, id *string, props *TopicProps) Topic {
	t := &topic{}
	constructs.NewConstruct_Override(t, scope, id)
	t.key = awskms.NewKey(t, jsii.String("Key"), &awskms.KeyProps{
		Description:       &props.Description,
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     awscdk.RemovalPolicy_DESTROY,
	})
	t.topic = awssns.NewTopic(t, jsii.String("Topic"), &awssns.TopicProps{
		DisplayName: &props.DisplayName,
		MasterKey:   t.key,
		EnforceSSL:  jsii.Bool(true),
	})
	alarms := awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), &awsiam.ServicePrincipalOpts{
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Stack_Of(t).Account()}},
	})
	publishers := []awsiam.IPrincipal{alarms}
	if props.Events {
		publishers = []awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil), alarms}
	}
	for _, publisher := range publishers {
		t.key.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Principals: &[]awsiam.IPrincipal{publisher},
			Actions:    jsii.Strings("kms:Decrypt", "kms:GenerateDataKey*"),
			Resources:  jsii.Strings("*"),
		}), nil)
	}
	// A topic with a policy of its own has lost the one that lets everything
	// in its account publish, alarms included.
	t.topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("Alarms"),
		Principals: &[]awsiam.IPrincipal{alarms},
		Actions:    jsii.Strings("sns:Publish"),
		Resources:  jsii.Strings(*t.topic.TopicArn()),
	}))
	for _, address := range props.Emails {
		t.topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(&address, nil))
	}
	for _, webhook := range props.Webhooks {
		t.addWebhook(webhook)
	}
	if props.Slack != nil {
		t.addSlack(*props.Slack, props.SlackName)
	}
	return t
}

func (t *topic) Topic() awssns.Topic { return t.topic }
func (t *topic) Key() awskms.Key     { return t.key }

// addWebhook names the subscription after the address, so that one that goes
// takes no other with it, and without showing it.
func (t *topic) addWebhook(webhook string) {
	sum := sha256.Sum256([]byte(webhook))
	endpoint := &webhook
	if name, stored := strings.CutPrefix(webhook, "ssm:"); stored {
		endpoint = awscdk.NewCfnDynamicReference(awscdk.CfnDynamicReferenceService_SSM, &name).ToString()
	}
	awssns.NewCfnSubscription(t, jsii.String("Webhook"+hex.EncodeToString(sum[:4])), &awssns.CfnSubscriptionProps{
		TopicArn: t.topic.TopicArn(),
		Protocol: jsii.String("https"),
		Endpoint: endpoint,
	})
}

// addSlack lets the channel show alarms and their graphs, and nothing else:
// without guardrails whoever writes in it has what its role has, and without a
// policy of ours the guardrail is the administrator's.
func (t *topic) addSlack(slack spec.Slack, name string) {
	read := awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:GetMetricWidgetImage"),
			Resources: jsii.Strings("*"),
		}),
	}})
	role := awsiam.NewRole(t, jsii.String("SlackRole"), &awsiam.RoleProps{
		AssumedBy:      awsiam.NewServicePrincipal(jsii.String("chatbot.amazonaws.com"), nil),
		Description:    jsii.String("Shows alarms in Slack: " + name),
		InlinePolicies: &map[string]awsiam.PolicyDocument{"Alarms": read},
	})
	acknowledge.Rule(role, "AwsSolutions-IAM5", "Metrics have no resource to name; only reading is allowed.")
	awschatbot.NewCfnSlackChannelConfiguration(t, jsii.String("Slack"), &awschatbot.CfnSlackChannelConfigurationProps{
		ConfigurationName: &name,
		SlackWorkspaceId:  &slack.Workspace,
		SlackChannelId:    &slack.Channel,
		IamRoleArn:        role.RoleArn(),
		SnsTopicArns:      &[]any{t.topic.TopicArn()},
		GuardrailPolicies: jsii.Strings("arn:" + *awscdk.Stack_Of(t).Partition() + ":iam::aws:policy/CloudWatchReadOnlyAccess"),
		LoggingLevel:      jsii.String("ERROR"),
	})
}
