package endpoint

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// logDeliveryPolicy is the name of the resource policy that AWS services add
// log groups to when they begin to deliver to them. A policy of this name that
// allows all groups leaves them nothing to add.
const logDeliveryPolicy = "AWSLogDeliveryWrite20150319"

// LogDeliveryPolicyProps says which log groups are delivered to.
type LogDeliveryPolicyProps struct {
	// LogGroups are names of log groups; a * at the end stands for anything.
	// Default: every log group of the account and region.
	LogGroups []string
}

// LogDeliveryPolicy allows AWS services to deliver logs of the account.
type LogDeliveryPolicy interface {
	constructs.Construct
	// PolicyName is the name of the resource policy.
	PolicyName() *string
}

type logDelivery struct {
	constructs.Construct
	policy awslogs.CfnResourcePolicy
}

// NewLogDeliveryPolicy makes the policy by which AWS services may deliver logs
// of this account, and of no other, to its log groups. There is one in an
// account and region, so it belongs in a stack of its own that is deployed
// once. Nothing in this project needs it: all log groups that API Gateway
// delivers to are named /aws/vendedlogs/…, which is allowed already. It is for
// accounts in which other log groups have filled the policy that AWS keeps, so
// that the next API fails with "policy document length exceeded".
//
// It stays when its stack is deleted, because from then on the deliveries of
// the whole account depend on it.
func NewLogDeliveryPolicy(scope constructs.Construct, id *string, props *LogDeliveryPolicyProps) LogDeliveryPolicy {
	groups := []string{"*"}
	if props != nil && len(props.LogGroups) > 0 {
		groups = props.LogGroups
	}
	d := &logDelivery{}
	constructs.NewConstruct_Override(d, scope, id)
	stack := awscdk.Stack_Of(d)
	arn := func(resource string) *string {
		return stack.FormatArn(&awscdk.ArnComponents{
			Service: jsii.String("logs"), Resource: &resource, ArnFormat: awscdk.ArnFormat_NO_RESOURCE_NAME,
		})
	}
	var resources []*string
	for _, group := range groups {
		resources = append(resources, arn("log-group:"+strings.TrimSuffix(group, ":*")+":log-stream:*"))
	}
	document := awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid:        jsii.String(logDeliveryPolicy),
			Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("delivery.logs.amazonaws.com"), nil)},
			Actions:    jsii.Strings("logs:CreateLogStream", "logs:PutLogEvents"),
			Resources:  &resources,
			Conditions: &map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": stack.Account()},
				"ArnLike":      map[string]any{"aws:SourceArn": arn("*")},
			},
		}),
	}})
	d.policy = awslogs.NewCfnResourcePolicy(d, jsii.String("Policy"), &awslogs.CfnResourcePolicyProps{
		PolicyName:     jsii.String(logDeliveryPolicy),
		PolicyDocument: stack.ToJsonString(document, nil),
	})
	d.policy.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	return d
}

func (d *logDelivery) PolicyName() *string { return d.policy.PolicyName() }
