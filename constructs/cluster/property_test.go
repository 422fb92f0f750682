package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/constructs/cluster"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/spec"
)

// randomScale is a profile of which every part may be left out; it need not be
// valid.
func randomScale(random *rand.Rand) spec.ScaleProfile {
	number := func(most int) *int {
		if random.IntN(3) == 0 {
			return nil
		}
		return new(random.IntN(most))
	}
	scale := spec.ScaleProfile{
		Instances: spec.Instances{Min: number(5), Desired: number(7), Max: number(9)},
		Tasks:     spec.Tasks{Min: number(4), Max: number(9)},
		Mode:      []spec.ScaleMode{"", spec.CPUAlarms, spec.CPUAlarms, spec.Managed}[random.IntN(4)],
		Spot:      new(random.IntN(2) == 0),
	}
	if random.IntN(5) == 0 {
		scale.Instances.Max = scale.Instances.Min
	}
	scale.CPU.AllowFlapping = random.IntN(4) == 0
	if random.IntN(2) == 0 {
		scale.CPU.ScaleOut = 1 + random.IntN(100)
	}
	if random.IntN(2) == 0 {
		scale.CPU.ScaleIn = 1 + random.IntN(99)
	}
	if random.IntN(2) == 0 {
		scale.CPU.For = spec.Minutes(1 + random.IntN(60))
	}
	return scale
}

// Whatever profile is accepted, its template is consistent.
func TestEveryAcceptedProfileIsConsistent(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	app := synthtest.NewApp(t)
	accepted := map[string]spec.ScaleProfile{}
	refused := 0
	for i := 0; len(accepted) < 40; i++ {
		scale, err := randomScale(random).Complete()
		if err != nil {
			refused++
			continue
		}
		name := fmt.Sprintf("case-%d", i)
		accepted[name] = scale
		stack := synthtest.Stack(app, name)
		cluster.NewCluster(stack, jsii.String("Cluster"), &cluster.ClusterProps{VPC: synthtest.VPC(stack), Scale: scale})
	}
	require.Positive(t, refused, "the profiles are not random enough")
	assembly := synthtest.Synth(t, app)
	seen := map[string]int{}
	for name, scale := range accepted {
		t.Run(name, func(t *testing.T) {
			stack, err := assembly.Stack(name)
			require.NoError(t, err)
			var low, desired, high int
			for _, group := range stack.Template.Resources("AWS::AutoScaling::AutoScalingGroup") {
				for field, to := range map[string]*int{"MinSize": &low, "DesiredCapacity": &desired, "MaxSize": &high} {
					*to, err = strconv.Atoi(group.Get("Properties." + field).(string))
					require.NoError(t, err)
				}
				assert.Equal(t, *scale.Spot, group.Get("Properties.CapacityRebalance") == true)
			}
			assert.LessOrEqual(t, 0, low)
			assert.LessOrEqual(t, low, desired)
			assert.LessOrEqual(t, desired, high)
			if *scale.Tasks.Min > 0 {
				assert.Positive(t, high, "%+v: tasks without an instance", scale)
			}

			managed := false
			for _, provider := range stack.Template.Resources("AWS::ECS::CapacityProvider") {
				managed = provider.Get("Properties.AutoScalingGroupProvider.ManagedScaling.Status") == "ENABLED"
			}
			assert.Equal(t, scale.Mode == spec.Managed, managed)
			alarms := stack.Template.Resources("AWS::CloudWatch::Alarm")
			policies := stack.Template.Resources("AWS::AutoScaling::ScalingPolicy")
			if managed || low == high {
				assert.Empty(t, alarms)
				assert.Empty(t, policies)
				seen[fmt.Sprintf("managed %t, fixed %t", managed, low == high)]++
				return
			}
			seen["with policies"]++
			require.Len(t, alarms, 2)
			require.Len(t, policies, 2)
			thresholds := map[any]float64{}
			for _, alarm := range alarms {
				thresholds[alarm.Get("Properties.ComparisonOperator")] = alarm.Get("Properties.Threshold").(float64)
				seconds := 0.0
				for _, query := range alarm.Get("Properties.Metrics").([]any) {
					if stat, ok := query.(map[string]any)["MetricStat"].(map[string]any); ok {
						seconds = stat["Period"].(float64) * alarm.Get("Properties.EvaluationPeriods").(float64)
						assert.InDelta(t, scale.CPU.For.Seconds(), seconds, 0)
					}
				}
				assert.Positive(t, seconds)
			}
			in, out := thresholds["LessThanThreshold"], thresholds["GreaterThanThreshold"]
			if !scale.CPU.AllowFlapping {
				remaining := float64(max(1, low))
				assert.Less(t, in, out*remaining/(remaining+1))
			}
		})
	}
	assert.Positive(t, seen["with policies"])
	assert.Positive(t, seen["managed true, fixed false"])
	assert.Positive(t, seen["managed false, fixed true"])
}
