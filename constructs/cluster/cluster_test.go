package cluster_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/constructs/cluster"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/spec"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

func count(minimum, desired, maximum int) spec.Instances {
	return spec.Instances{Min: &minimum, Desired: &desired, Max: &maximum}
}

// One app, a stack for each case: synthesizing is what takes time.
func TestCluster(t *testing.T) {
	app := synthtest.NewApp(t)
	for name, props := range map[string]cluster.ClusterProps{
		"standard":   {},
		"fixed":      {Scale: spec.ScaleProfile{Instances: count(2, 2, 2)}},
		"zero":       {Scale: spec.ScaleProfile{Instances: count(0, 0, 0), Tasks: spec.Tasks{Min: new(0), Max: new(0)}}},
		"managed":    {Scale: spec.ScaleProfile{Mode: spec.Managed}},
		"minutes":    {Scale: spec.ScaleProfile{CPU: spec.CPUThresholds{For: spec.Minutes(3)}}},
		"graviton":   {Scale: spec.ScaleProfile{Instance: "t4g.small"}},
		"public":     {PublicIP: true, Subnets: &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PUBLIC}},
		"production": {ContainerInsights: true, ExecLog: true, ExecLogRetentionDays: 30},
		"spot":       {Scale: spec.ScaleProfile{Spot: new(true)}},
		"image":      {Scale: spec.ScaleProfile{Image: "ami-0123456789abcdef0"}},
	} {
		stack := synthtest.Stack(app, name)
		props.VPC = synthtest.VPC(stack)
		cluster.NewCluster(stack, jsii.String("Cluster"), &props)
	}
	assembly := synthtest.Secured(t, app)
	template, only := assembly.Template, assembly.Only
	const group, launch, provider, alarm, policy = "AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::LaunchTemplate",
		"AWS::ECS::CapacityProvider", "AWS::CloudWatch::Alarm", "AWS::AutoScaling::ScalingPolicy"

	t.Run("capacity is as declared, and a deployment does not reset it", func(t *testing.T) {
		for name, want := range map[string][]string{"standard": {"1", "2", "6"}, "fixed": {"2", "2", "2"}, "zero": {"0", "0", "0"}} {
			g := only(name, group)
			assert.Equal(t, want, []string{g.Get("Properties.MinSize").(string), g.Get("Properties.DesiredCapacity").(string), g.Get("Properties.MaxSize").(string)}, name)
			assert.Equal(t, true, g.UpdatePolicy["AutoScalingScheduledAction"].(map[string]any)["IgnoreUnmodifiedGroupSizeProperties"], name)
		}
	})

	t.Run("a host change rolls through the instances and keeps all but one", func(t *testing.T) {
		for name, want := range map[string]string{"standard": "2", "fixed": "1"} {
			rolling := only(name, group).UpdatePolicy["AutoScalingRollingUpdate"].(map[string]any)
			assert.Equal(t, want, fmt.Sprint(rolling["MinInstancesInService"]), name)
			assert.Equal(t, "1", fmt.Sprint(rolling["MaxBatchSize"]), name)
		}
		assert.NotContains(t, only("zero", group).UpdatePolicy, "AutoScalingRollingUpdate", "AWS wants more instances at most than it keeps in service")
	})

	t.Run("either alarms or managed scaling, never both", func(t *testing.T) {
		assert.Len(t, template("standard").Resources(alarm), 2)
		assert.Nil(t, only("standard", provider).Get("Properties.AutoScalingGroupProvider.ManagedScaling"))
		assert.Empty(t, template("managed").Resources(alarm))
		assert.Empty(t, template("managed").Resources(policy))
		assert.Equal(t, "ENABLED", only("managed", provider).Get("Properties.AutoScalingGroupProvider.ManagedScaling.Status"))
	})

	t.Run("nothing to decide, nothing to watch", func(t *testing.T) {
		for _, name := range []string{"fixed", "zero"} {
			assert.Empty(t, template(name).Resources(alarm), name)
			assert.Empty(t, template(name).Resources(policy), name)
		}
	})

	t.Run("alarms have the declared thresholds and minutes, and move one instance", func(t *testing.T) {
		for name, minutes := range map[string]float64{"standard": 15, "minutes": 3} {
			moves := map[string]any{}
			for _, a := range template(name).Resources(alarm) {
				period := 0.0
				for _, m := range a.Get("Properties.Metrics").([]any) {
					if stat, ok := m.(map[string]any)["MetricStat"].(map[string]any); ok {
						period = stat["Period"].(float64)
						assert.Equal(t, "Average", stat["Stat"])
					}
				}
				periods, _ := a.Get("Properties.EvaluationPeriods").(float64)
				assert.Equal(t, minutes*60, period*periods, name)
				target := a.Get("Properties.AlarmActions").([]any)[0].(map[string]any)["Ref"].(string)
				p, ok := template(name).Resource(target)
				require.True(t, ok)
				// A step policy would be repeated every minute.
				assert.Equal(t, "SimpleScaling", p.Get("Properties.PolicyType"))
				assert.Equal(t, fmt.Sprint(minutes*60), p.Get("Properties.Cooldown"))
				moves[fmt.Sprint(a.Get("Properties.ComparisonOperator"), a.Get("Properties.Threshold"))] = p.Get("Properties.ScalingAdjustment")
			}
			assert.Equal(t, map[string]any{"GreaterThanThreshold75": 1.0, "LessThanThreshold35": -1.0}, moves, name)
		}
		// Metrics every minute are billed, and needed only for odd minutes.
		assert.Equal(t, false, only("standard", launch).Get("Properties.LaunchTemplateData.Monitoring.Enabled"))
		assert.Equal(t, true, only("minutes", launch).Get("Properties.LaunchTemplateData.Monitoring.Enabled"))
	})

	t.Run("a quiet cluster at its least number raises no alarm", func(t *testing.T) {
		for _, a := range template("standard").Resources(alarm) {
			var expressions, names []string
			returned := 0
			for _, m := range a.Get("Properties.Metrics").([]any) {
				query := m.(map[string]any)
				if query["ReturnData"] == true {
					returned++
				}
				if stat, ok := query["MetricStat"].(map[string]any); ok {
					names = append(names, stat["Metric"].(map[string]any)["MetricName"].(string))
				} else {
					expressions = append(expressions, query["Expression"].(string))
				}
			}
			assert.Equal(t, 1, returned)
			if a.Get("Properties.ComparisonOperator") == "LessThanThreshold" {
				assert.Equal(t, []string{"IF(instances > 1, cpu, 35)"}, expressions)
				assert.Equal(t, []string{"CPUUtilization", "GroupInServiceInstances"}, names)
			} else {
				assert.Empty(t, expressions)
				assert.Equal(t, []string{"CPUUtilization"}, names)
			}
		}
		for _, name := range []string{"standard", "fixed", "managed"} {
			collected := fmt.Sprint(only(name, group).Get("Properties.MetricsCollection"))
			assert.Contains(t, collected, "GroupInServiceInstances", "without it alarm and dashboard have no data")
		}
	})

	t.Run("spot instances are drained when AWS takes them back", func(t *testing.T) {
		market := only("spot", launch).Get("Properties.LaunchTemplateData.InstanceMarketOptions").(map[string]any)
		assert.Equal(t, "spot", market["MarketType"])
		assert.Equal(t, map[string]any{"SpotInstanceType": "one-time"}, market["SpotOptions"])
		assert.Contains(t, fmt.Sprint(only("spot", launch).Get("Properties.LaunchTemplateData.UserData")), "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true")
		assert.Equal(t, true, only("spot", group).Get("Properties.CapacityRebalance"))
		assert.Nil(t, only("standard", launch).Get("Properties.LaunchTemplateData.InstanceMarketOptions"))
		assert.Nil(t, only("standard", group).Get("Properties.CapacityRebalance"))
	})

	t.Run("a declared machine image stays until another is declared", func(t *testing.T) {
		assert.Equal(t, "ami-0123456789abcdef0", only("image", launch).Get("Properties.LaunchTemplateData.ImageId"))
		assert.NotContains(t, fmt.Sprint(template("image")["Parameters"]), "image_id")
	})

	t.Run("sessions are recorded where asked for, encrypted, and the record stays", func(t *testing.T) {
		c := only("production", "AWS::ECS::Cluster")
		exec := c.Get("Properties.Configuration.ExecuteCommandConfiguration").(map[string]any)
		assert.Equal(t, "OVERRIDE", exec["Logging"])
		assert.NotNil(t, exec["KmsKeyId"])
		assert.Equal(t, true, exec["LogConfiguration"].(map[string]any)["CloudWatchEncryptionEnabled"])
		log := only("production", "AWS::Logs::LogGroup")
		assert.Equal(t, 30.0, log.Get("Properties.RetentionInDays"))
		assert.NotNil(t, log.Get("Properties.KmsKeyId"))
		assert.Equal(t, "Retain", log.DeletionPolicy)
		key := only("production", "AWS::KMS::Key")
		assert.Equal(t, "Retain", key.DeletionPolicy, "without it the record could not be read")
		assert.Contains(t, fmt.Sprint(key.Get("Properties.KeyPolicy")), "logs.us-east-1.amazonaws.com", "CloudWatch Logs refuses a key that it may not use")
		assert.Nil(t, only("standard", "AWS::ECS::Cluster").Get("Properties.Configuration"))
	})

	t.Run("the group can be deleted with its stack", func(t *testing.T) {
		for _, stack := range assembly.Stacks {
			p := only(stack.Name, provider)
			assert.Equal(t, "DISABLED", p.Get("Properties.AutoScalingGroupProvider.ManagedTerminationProtection"), stack.Name)
			assert.Equal(t, "ENABLED", p.Get("Properties.AutoScalingGroupProvider.ManagedDraining"), stack.Name)
			assert.Nil(t, p.Get("Properties.Name"), "a named provider collides when it is made again")
			assert.Nil(t, only(stack.Name, group).Get("Properties.AutoScalingGroupName"))
			assert.NotEqual(t, true, only(stack.Name, group).Get("Properties.NewInstancesProtectedFromScaleIn"))
			assert.Empty(t, stack.Template.Resources("AWS::Lambda::Function"), "managed draining needs no drain hook")
		}
	})

	t.Run("containers cannot take the instance's role, disks are encrypted", func(t *testing.T) {
		for _, stack := range assembly.Stacks {
			l := only(stack.Name, launch)
			assert.Equal(t, "required", l.Get("Properties.LaunchTemplateData.MetadataOptions.HttpTokens"))
			assert.Equal(t, 1.0, l.Get("Properties.LaunchTemplateData.MetadataOptions.HttpPutResponseHopLimit"))
			assert.Contains(t, fmt.Sprint(l.Get("Properties.LaunchTemplateData.UserData")), "ECS_AWSVPC_BLOCK_IMDS=true")
			for _, device := range l.Get("Properties.LaunchTemplateData.BlockDeviceMappings").([]any) {
				assert.Equal(t, true, device.(map[string]any)["Ebs"].(map[string]any)["Encrypted"])
			}
		}
	})

	t.Run("an instance says that it is of use before the next is replaced", func(t *testing.T) {
		for name, want := range map[string]string{"standard": "2", "public": "2"} {
			g := only(name, group)
			rolling := g.UpdatePolicy["AutoScalingRollingUpdate"].(map[string]any)
			assert.Equal(t, true, rolling["WaitOnResourceSignals"], name)
			assert.Equal(t, "PT15M", rolling["PauseTime"], name)
			for id := range template(name).Resources(group) {
				policy := template(name).Get("Resources." + id + ".CreationPolicy.ResourceSignal").(map[string]any)
				assert.Equal(t, want, fmt.Sprint(policy["Count"]), "as many as are made at first")
			}
		}
		for id := range template("zero").Resources(group) {
			assert.Nil(t, template("zero").Get("Resources."+id+".CreationPolicy"), "nobody to say anything")
		}
	})

	t.Run("the host keeps memory for itself, by its size", func(t *testing.T) {
		for name, want := range map[string]string{"standard": "ECS_RESERVED_MEMORY=160 ", "graviton": "ECS_RESERVED_MEMORY=192 "} {
			assert.Contains(t, fmt.Sprint(only(name, launch).Get("Properties.LaunchTemplateData.UserData")), want, name)
		}
	})

	t.Run("the machine image suits the processor and is Amazon Linux 2023", func(t *testing.T) {
		assert.Contains(t, fmt.Sprint(template("standard")["Parameters"]), "amazon-linux-2023/recommended/image_id")
		assert.Contains(t, fmt.Sprint(template("graviton")["Parameters"]), "amazon-linux-2023/arm64/recommended/image_id")
	})

	t.Run("a public address only where asked for", func(t *testing.T) {
		assert.Nil(t, only("standard", launch).Get("Properties.LaunchTemplateData.NetworkInterfaces"))
		interfaces := only("public", launch).Get("Properties.LaunchTemplateData.NetworkInterfaces").([]any)
		assert.Equal(t, true, interfaces[0].(map[string]any)["AssociatePublicIpAddress"])
	})

	t.Run("nothing comes in", func(t *testing.T) {
		for _, stack := range assembly.Stacks {
			assert.Nil(t, only(stack.Name, "AWS::EC2::SecurityGroup").Get("Properties.SecurityGroupIngress"))
		}
	})
}

func TestTheClusterKnowsItsInstancesSecurityGroup(t *testing.T) {
	stack := synthtest.Stack(synthtest.NewApp(t), "connections")
	c := cluster.NewCluster(stack, jsii.String("Cluster"), &cluster.ClusterProps{VPC: synthtest.VPC(stack)})
	groups := *c.Cluster().Connections().SecurityGroups()
	require.Len(t, groups, 1)
	assert.Equal(t, *c.SecurityGroup().SecurityGroupId(), *groups[0].SecurityGroupId())
}
