// This example uses single constructs in a stack of one's own: a database and
// a service on a cluster and in a VPC that have nothing to do with tinystack.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/app"
	"github.com/tinystack-go/tinystack/constructs/database"
	"github.com/tinystack-go/tinystack/constructs/service"
	"github.com/tinystack-go/tinystack/spec"
)

func main() { app.Run(build) }

func build(scope awscdk.App) {
	stack := awscdk.NewStack(scope, jsii.String("billing"), &awscdk.StackProps{
		Env: &awscdk.Environment{Account: jsii.String("111111111111"), Region: jsii.String("eu-west-1")},
	})

	// What is there already.
	vpc := awsec2.Vpc_FromVpcAttributes(stack, jsii.String("Vpc"), &awsec2.VpcAttributes{
		VpcId:                      jsii.String("vpc-0123456789abcdef0"),
		VpcCidrBlock:               jsii.String("10.20.0.0/16"),
		AvailabilityZones:          jsii.Strings("eu-west-1a", "eu-west-1b"),
		PrivateSubnetIds:           jsii.Strings("subnet-0123456789abcdef1", "subnet-0123456789abcdef2"),
		PrivateSubnetRouteTableIds: jsii.Strings("rtb-0123456789abcdef1", "rtb-0123456789abcdef2"),
	})
	instances := awsec2.SecurityGroup_FromSecurityGroupId(stack, jsii.String("Instances"), jsii.String("sg-0123456789abcdef0"), nil)
	cluster := awsecs.Cluster_FromClusterAttributes(stack, jsii.String("Cluster"), &awsecs.ClusterAttributes{
		ClusterName:    jsii.String("shared"),
		Vpc:            vpc,
		SecurityGroups: &[]awsec2.ISecurityGroup{instances},
	})

	// What tinystack adds.
	db := database.NewPgDatabase(stack, jsii.String("Database"), &database.PgDatabaseProps{
		VPC:      vpc,
		Subnets:  &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS},
		Database: spec.Database{Name: "billing", Storage: 50},
	})
	db.AllowFrom(stack, jsii.String("DatabaseIngress"), instances)

	service.NewEcsEc2Service(stack, jsii.String("Invoices"), &service.EcsEc2ServiceProps{
		Cluster: cluster,
		Scale:   spec.ScaleProfile{Instance: "m7g.large"},
		Service: spec.Service{
			Name:    "invoices",
			Image:   "111111111111.dkr.ecr.eu-west-1.amazonaws.com/invoices:1.4.2",
			Worker:  true,
			Command: []string{"./invoices", "work"},
		},
		Variables: db.Variables(),
		Secrets:   db.Secrets(),
	})
}
