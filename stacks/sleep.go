package stacks

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/delivery"
)

// awakeTag is how many tasks a service has when its stage is awake. What the
// pipeline has to know it finds where it changes something.
const awakeTag = "tinystack:awake"

// addSleep lets the pipeline wake the stage for a release and put it to sleep
// after it. The templates are those of a stage that is awake: the numbers of
// instances and tasks change behind CloudFormation's back, which leaves both
// alone as long as the declaration does not change them.
func (m *maker) addSleep(stack awscdk.Stack, cluster runningCluster, all runningServices) {
	if !m.declared.Sleeps {
		return
	}
	var services []awsecs.Ec2Service
	for _, each := range all {
		if each.service == nil {
			continue
		}
		made := each.service.Service()
		services = append(services, made)
		least := max(1, *each.declared.TasksIn(m.declared.Scale).Min)
		awscdk.Tags_Of(made).Add(jsii.String(awakeTag), jsii.String(strconv.Itoa(least)), &awscdk.TagProps{
			IncludeResourceTypes: jsii.Strings("AWS::ECS::Service"),
		})
	}
	delivery.NewSleepRole(stack, jsii.String("SleepRole"), &delivery.SleepRoleProps{
		App:             m.app.Name,
		Stage:           m.declared.Name,
		PipelineAccount: m.app.Pipeline.Account,
		Group:           cluster.made.AutoScalingGroup(),
		Services:        services,
	})
}
