// This example declares an application in Go instead of YAML, and adds a
// topic of its own to every stage.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/app"
	"github.com/tinystack-go/tinystack/spec"
	"github.com/tinystack-go/tinystack/stacks"
)

func main() { app.Run(build) }

func build(scope awscdk.App) {
	shop := spec.App{
		Name: "shop",
		Pipeline: &spec.Pipeline{
			Account: "111111111111",
			Region:  "us-east-1",
		},
		Source: &spec.Source{CodeCommit: "shop"},
		Services: []spec.Service{
			{Name: "web", Port: 8080, HealthCheck: spec.HealthCheck{Path: "/healthz"}},
			{Name: "cache", Image: "public.ecr.aws/docker/library/redis:7", Port: 6379, Internal: true},
		},
		Stages: []spec.Stage{
			{Name: "dev"},
			{Name: "prod", Account: "222222222222", Approval: spec.Manual, Database: &spec.Database{Instance: "t4g.small", MultiAZ: new(true)}},
		},
	}
	// A rehearsal of production in another region, before it.
	shop = stacks.WithCanary(shop, "prod", spec.Stage{Name: "canary", Region: "us-west-2", Bake: spec.Minutes(30)})

	stacks.NewTinyStack(scope, jsii.String("Shop"), &stacks.TinyStackProps{
		App:  shop,
		Tags: stacks.TagsFromEnvironment(shop),
		OnStage: func(stage stacks.Stage) {
			// Everything that a stage consists of is there to be used: here
			// the environment and the role of a service's tasks.
			web := stage.Services()["web"]
			orders := awssns.NewTopic(awscdk.Stack_Of(web), jsii.String("Orders"), &awssns.TopicProps{
				EnforceSSL: jsii.Bool(true),
			})
			orders.GrantPublish(web.TaskRole())
			web.AddVariable("ORDERS_TOPIC", *orders.TopicArn())
		},
	})
}
