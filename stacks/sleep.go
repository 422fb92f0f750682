package stacks

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/delivery"
)

// awakeTag is the tag of an ECS service that holds how many tasks it has while
// its stage is awake. The pipeline reads it from the service before it wakes the
// stage, so that it needs no copy of the declaration.
const awakeTag = "tinystack:awake"

// addSleep lets the pipeline wake the stage for a release and put it to sleep
// after it. The templates stay those of a stage that is awake: the pipeline sets
// the numbers of instances and tasks without CloudFormation, which leaves both
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
