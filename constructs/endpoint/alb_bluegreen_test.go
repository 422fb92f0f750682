package endpoint

import (
	"fmt"
	"testing"

	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/snapshot"
)

func TestBlueGreen(t *testing.T) {
	for _, o := range []options{{}, {awsvpc: true}, {unknownGroup: true}} {
		for name, domain := range domains {
			t.Run(fmt.Sprintf("%s %+v", name, o), func(t *testing.T) {
				f := newFixture(t, o)
				e := NewALB(f.stack, jsii.String(endpointID), &ALBProps{VPC: f.vpc, Target: f.target, Domain: domain, BlueGreen: true})
				require.NotNil(t, e.AlternateTargetGroup())
				template := f.synth(t)
				assert.NoError(t, newWalker(template).walk("alb"), "requests arrive before any deployment moved them")

				groups := template.Resources("AWS::ElasticLoadBalancingV2::TargetGroup")
				require.Len(t, groups, 2)
				types := map[any]bool{}
				for _, group := range groups {
					types[group.Get("Properties.TargetType")] = true
				}
				assert.Len(t, types, 1)

				ruleID, rule := one(t, template, "AWS::ElasticLoadBalancingV2::ListenerRule")
				listener, ok := template.Resource(rule.Get("Properties.ListenerArn.Ref").(string))
				require.True(t, ok)
				want := map[string]float64{"no-domain": 80, "domain": 443}[name]
				assert.Equal(t, want, listener.Get("Properties.Port"), "the listener that serves, not the one that redirects")
				weights := map[string]float64{}
				for _, forward := range rule.Get("Properties.Actions.0.ForwardConfig.TargetGroups").([]any) {
					weighted := forward.(map[string]any)
					weights[weighted["TargetGroupArn"].(map[string]any)["Ref"].(string)] = weighted["Weight"].(float64)
				}

				_, service := one(t, template, "AWS::ECS::Service")
				assert.Equal(t, "BLUE_GREEN", service.Get("Properties.DeploymentConfiguration.Strategy"))
				assert.Equal(t, 15.0, service.Get("Properties.DeploymentConfiguration.BakeTimeInMinutes"))
				balancer := service.Get("Properties.LoadBalancers.0").(map[string]any)
				advanced := balancer["AdvancedConfiguration"].(map[string]any)
				blue := balancer["TargetGroupArn"].(map[string]any)["Ref"].(string)
				green := advanced["AlternateTargetGroupArn"].(map[string]any)["Ref"].(string)
				assert.Equal(t, map[string]float64{blue: 100, green: 0}, weights, "the first tasks are in the blue group")
				assert.Equal(t, ruleID, advanced["ProductionListenerRule"].(map[string]any)["Ref"])
				assert.Contains(t, service.DependsOn, ruleID, "ECS asks for a group with a load balancer")

				role := advanced["RoleArn"].(map[string]any)["Fn::GetAtt"].([]any)[0].(string)
				var allowed []string
				for id, policy := range template.Resources("AWS::IAM::Policy") {
					if policy.Get("Properties.Roles.0.Ref") == role {
						assert.Contains(t, service.DependsOn, id, "a deployment that starts before the role may do its work fails")
						for _, statement := range policy.Get("Properties.PolicyDocument.Statement").([]any) {
							allowed = append(allowed, fmt.Sprintf("%v %v", statement.(map[string]any)["Action"], statement.(map[string]any)["Resource"]))
						}
					}
				}
				assert.Contains(t, fmt.Sprint(allowed), fmt.Sprintf("elasticloadbalancing:ModifyRule map[Ref:%s]", ruleID))
			})
		}
	}

	t.Run("a rolling update has one group", func(t *testing.T) {
		f := newFixture(t, options{})
		assert.Nil(t, f.addALB(DomainProps{}).AlternateTargetGroup())
	})
}

func one(t *testing.T, template snapshot.Template, kind string) (string, snapshot.Resource) {
	t.Helper()
	resources := template.Resources(kind)
	require.Len(t, resources, 1, kind)
	for id, resource := range resources {
		return id, resource
	}
	panic("unreachable")
}

// Blue/green moves what has no route; the rules of routes come before it.
func TestBlueGreenLeavesRoutesAlone(t *testing.T) {
	f := newFixture(t, options{several: true})
	NewALB(f.stack, jsii.String(endpointID), &ALBProps{VPC: f.vpc, Target: f.target, Routes: f.routes, BlueGreen: true})
	template := f.synth(t)
	assert.NoError(t, newWalker(template).walk("alb"))
	assert.Len(t, template.Resources("AWS::ElasticLoadBalancingV2::TargetGroup"), 3)
	var everything, route float64
	for _, rule := range template.Resources("AWS::ElasticLoadBalancingV2::ListenerRule") {
		priority := rule.Get("Properties.Priority").(float64)
		if rule.Get("Properties.Conditions.0.PathPatternConfig.Values.0") == "/*" {
			everything = priority
		} else {
			route = priority
		}
	}
	assert.Less(t, route, everything)
	assert.NotZero(t, route)
}
