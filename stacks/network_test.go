package stacks_test

import (
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"

	"github.com/tinystack-go/tinystack/internal/deployable"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
	"github.com/tinystack-go/tinystack/stacks"
)

// Whatever a stage calls has its VPC endpoint, and none is paid for in vain.
func TestEndpointsAreThoseThatTheStageCalls(t *testing.T) {
	network := spec.Network{Egress: spec.VPCEndpoints}
	scale := spec.ScaleProfile{Instance: "t3.small"}
	app := spec.App{
		Name:     "shop",
		Services: []spec.Service{{Name: "web", Image: "111111111111.dkr.ecr.us-east-1.amazonaws.com/web:1"}},
		Stages: []spec.Stage{
			{Name: "quiet", Network: network, Exec: new(false)},
			{Name: "dev", Network: network, Secrets: map[string]string{"KEY": "ssm:/shop/key"}},
			{
				Name: "prod", Network: network, Scale: scale, Exec: new(true),
				Database: &spec.Database{Rotation: &spec.Rotation{}, Tunnel: true},
				Permissions: []spec.Permission{
					{Actions: []string{"sqs:SendMessage"}, Resources: []string{"arn:aws:sqs:us-east-1:111111111111:orders"}},
					{Actions: []string{"s3:GetObject", "dynamodb:GetItem"}, Resources: []string{"arn:aws:s3:::shop/*", "arn:aws:dynamodb:us-east-1:111111111111:table/shop"}},
				},
			},
		},
	}
	cdk := synthtest.NewApp(t)
	stacks.NewTinyStack(cdk, jsii.String("App"), &stacks.TinyStackProps{App: app})
	byStage := map[string][]snapshot.Template{}
	for _, stack := range synthtest.Synth(t, cdk).Stacks {
		stage := strings.Split(stack.Name, "-")[1]
		byStage[stage] = append(byStage[stage], stack.Template)
	}
	always := []string{"cloudformation", "ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "logs"}
	for stage, more := range map[string][]string{
		"quiet": nil,
		"dev":   {"ssm", "ssmmessages"},
		"prod":  {"kms", "secretsmanager", "sqs", "ssm", "ssmmessages", "s3", "dynamodb"},
	} {
		assert.Empty(t, deployable.Endpoints(byStage[stage]...), stage)
		var found []string
		for _, template := range byStage[stage] {
			for _, endpoint := range template.Resources("AWS::EC2::VPCEndpoint") {
				found = append(found, strings.TrimPrefix(endpoint.Get("Properties.ServiceName").(string), "com.amazonaws.us-east-1."))
			}
		}
		want := append(append([]string{}, always...), more...)
		if stage != "prod" {
			want = append(want, "s3")
		}
		assert.ElementsMatch(t, want, found, stage)
	}
}
