package endpoint

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/acknowledge"
)

// bakeMinutes is how long the old tasks are kept after the requests moved: as
// long as an alarm of two periods of five minutes takes, and some.
const bakeMinutes = 15

// addBlueGreen lets ECS move requests between the two target groups. It does so
// by the weights of a listener rule, which are its own from then on:
// CloudFormation does not touch a rule whose declaration does not change.
func (e *alb) addBlueGreen(in place, scope constructs.Construct, target resolvedTarget) {
	rule := elb.NewApplicationListenerRule(scope, jsii.String("ProductionRule"), &elb.ApplicationListenerRuleProps{
		Listener:   e.listener,
		Priority:   jsii.Number(lastPriority), // after the rules of routes
		Conditions: &[]elb.ListenerCondition{elb.ListenerCondition_PathPatterns(jsii.Strings("/*"))},
		Action: elb.ListenerAction_WeightedForward(&[]*elb.WeightedTargetGroup{
			{TargetGroup: e.groups[0], Weight: jsii.Number(100)},
			{TargetGroup: e.green, Weight: jsii.Number(0)},
		}, nil),
	})
	role := e.newDeploymentRole(in, scope, rule)
	e.groups[0].AddTarget(target.Service.LoadBalancerTarget(&awsecs.LoadBalancerTargetOptions{
		ContainerName: &target.ContainerName,
		ContainerPort: jsii.Number(target.ContainerPort),
		AlternateTarget: awsecs.NewAlternateTarget(jsii.String("AlternateTarget"), &awsecs.AlternateTargetProps{
			AlternateTargetGroup: e.green,
			ProductionListener:   awsecs.ListenerRuleConfiguration_ApplicationListenerRule(rule),
			Role:                 role,
		}),
	}))
	service := target.prepareService(in)
	service.AddPropertyOverride(jsii.String("DeploymentConfiguration.Strategy"), "BLUE_GREEN")
	service.AddPropertyOverride(jsii.String("DeploymentConfiguration.BakeTimeInMinutes"), bakeMinutes)
	target.Service.Node().AddDependency(rule, role)
}

// newDeploymentRole is what ECS may do with the load balancer: what AWS's
// managed policy for that allows, on these resources.
func (e *alb) newDeploymentRole(in place, scope constructs.Construct, rule elb.ApplicationListenerRule) awsiam.Role {
	role := awsiam.NewRole(scope, jsii.String("DeploymentRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("ecs.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": in.account}},
		}),
		Description: jsii.String("ECS moves requests between target groups"),
	})
	allow := func(resources []*string, actions ...string) {
		role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: jsii.Strings(actions...), Resources: &resources}))
	}
	allow(*jsii.Strings("*"), "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeRules",
		"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth")
	allow([]*string{e.groups[0].TargetGroupArn(), e.green.TargetGroupArn()},
		"elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets")
	allow([]*string{e.listener.ListenerArn()}, "elasticloadbalancing:ModifyListener")
	allow([]*string{rule.ListenerRuleArn()}, "elasticloadbalancing:ModifyRule")
	acknowledge.Policy(role, "Reading load balancers has no resource to name.", "Resource::*")
	return role
}
