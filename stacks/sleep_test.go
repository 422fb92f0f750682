package stacks_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/spec"
)

// A canary that sleeps has the templates of one that is awake, beside a role
// to change the numbers with, and schedules that rest.
func TestASleepingCanaryHasTheTemplatesOfOneThatIsAwake(t *testing.T) {
	declared := spec.App{
		Name:     "shop",
		Pipeline: &spec.Pipeline{Account: "111111111111"},
		Source:   &spec.Source{CodeCommit: "shop"},
		Services: []spec.Service{
			{Name: "web", Image: "example.com/web:1"},
			{Name: "cache", Image: "redis:7", Internal: true, Port: 6379, Tasks: spec.Tasks{Min: new(1), Max: new(1)}},
			{Name: "nightly", Image: "example.com/web:1", Schedule: "rate(1 day)"},
		},
		Stages: []spec.Stage{
			{Name: "canary", CanaryOf: "prod", Region: "us-west-2", Bake: spec.Minutes(30), Sleeps: true},
			{Name: "awake", CanaryOf: "prod", Region: "eu-west-1", Bake: spec.Minutes(30)},
			{Name: "prod", Account: "222222222222", Scale: spec.ScaleProfile{Instance: "m6i.large", Tasks: spec.Tasks{Min: new(2)}}},
		},
	}
	assembly := synth(t, declared, nil)
	asleep, awake := template(t, assembly, "shop-canary-service"), template(t, assembly, "shop-awake-service")

	tags := map[string]string{}
	for id, resource := range asleep.Resources("") {
		text, err := json.Marshal(resource.Properties["Tags"])
		require.NoError(t, err)
		if strings.Contains(string(text), "tinystack:awake") {
			assert.Equal(t, "AWS::ECS::Service", resource.Type, id)
			for _, tag := range resource.Properties["Tags"].([]any) {
				if tag := tag.(map[string]any); tag["Key"] == "tinystack:awake" {
					tags[strings.TrimPrefix(id, "Service")[:3]] = fmt.Sprint(tag["Value"])
				}
			}
		}
	}
	assert.Equal(t, map[string]string{"web": "2", "cac": "1"}, tags, "production's numbers, service by service")

	var policy string
	for _, role := range asleep.Resources("AWS::IAM::Role") {
		if role.Properties["RoleName"] == "shop-canary-sleep" {
			text, err := json.Marshal(role.Properties)
			require.NoError(t, err)
			policy = string(text)
		}
	}
	assert.Contains(t, policy, `"aws:PrincipalArn":`)
	assert.Contains(t, policy, `:iam::111111111111:role/shop-canary-waker`)
	for id := range asleep.Resources("AWS::ECS::Service") {
		assert.Contains(t, policy, `{"Ref":"`+id+`"}`, "may change this service")
	}
	assert.Contains(t, policy, `"ecs:UpdateService"`)
	assert.NotContains(t, policy, `"ecs:*"`)

	for _, schedule := range asleep.Resources("AWS::Scheduler::Schedule") {
		assert.Equal(t, "DISABLED", schedule.Properties["State"], "it would start tasks where nothing runs")
	}
	for _, schedule := range awake.Resources("AWS::Scheduler::Schedule") {
		assert.Equal(t, "ENABLED", schedule.Properties["State"])
	}
	// What CloudFormation does not change again, sleep does not lose.
	for name, of := range map[string]string{"AWS::AutoScaling::AutoScalingGroup": "MinSize", "AWS::ApplicationAutoScaling::ScalableTarget": "MinCapacity"} {
		values := func(of map[string]any) string { return fmt.Sprint(of) }
		want, have := map[string]any{}, map[string]any{}
		for id, r := range awake.Resources(name) {
			want[id] = r.Properties[of]
		}
		for id, r := range asleep.Resources(name) {
			have[id] = r.Properties[of]
		}
		assert.NotEmpty(t, have)
		assert.Equal(t, values(want), values(have), name)
	}
	for _, group := range asleep.Resources("AWS::AutoScaling::AutoScalingGroup") {
		policy, _ := json.Marshal(group.UpdatePolicy)
		assert.Contains(t, string(policy), `"IgnoreUnmodifiedGroupSizeProperties":true`)
	}
	for _, role := range awake.Resources("AWS::IAM::Role") {
		assert.NotEqual(t, "shop-awake-sleep", role.Properties["RoleName"])
	}
}
