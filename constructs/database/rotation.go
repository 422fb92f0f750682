package database

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/spec"
)

// punctuation is what new passwords do not have, as the first has none.
const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

// rotate changes the password by a function that Secrets Manager keeps up to
// date: a transform puts it into a nested stack of the data stack.
func (d *pgDatabase) rotate(props *PgDatabaseProps, rotation spec.Rotation) {
	subnets := props.RotationSubnets
	if subnets == nil {
		subnets = &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS}
	}
	group := awsec2.NewSecurityGroup(d, jsii.String("RotationSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:         props.VPC,
		Description: jsii.String("Rotates the password of Postgres: out to it and to Secrets Manager"),
	})
	rule := d.AllowFrom(d, jsii.String("RotationIngress"), group)
	rule.SetDescription(jsii.String("Postgres from the function that rotates its password"))
	function := awssecretsmanager.HostedRotation_PostgreSqlSingleUser(&awssecretsmanager.SingleUserHostedRotationOptions{
		Vpc:               props.VPC,
		VpcSubnets:        subnets,
		SecurityGroups:    &[]awsec2.ISecurityGroup{group},
		ExcludeCharacters: jsii.String(punctuation),
	})
	// Of the attached secret: the function finds the instance's address in it.
	schedule := d.instance.Secret().AddRotationSchedule(jsii.String("Rotation"), &awssecretsmanager.RotationScheduleOptions{
		AutomaticallyAfter:        awscdk.Duration_Days(jsii.Number(rotation.Days)),
		HostedRotation:            function,
		RotateImmediatelyOnUpdate: jsii.Bool(false), // tasks of today have today's password
	})
	schedule.Node().AddDependency(rule)
	awscdk.NewCfnOutput(awscdk.Stack_Of(d), jsii.String("RotateNow"), &awscdk.CfnOutputProps{
		Description: jsii.String("Changes the password now; the tasks follow within minutes"),
		Value:       jsii.String(fmt.Sprintf("aws secretsmanager rotate-secret --region %s --secret-id %s", *awscdk.Stack_Of(d).Region(), *d.secret.SecretArn())),
	})
}
