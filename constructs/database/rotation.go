package database

import (
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/spec"
)

// punctuation is what new passwords do not have, as the first has none.
const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

// rotate changes the password by a function that Secrets Manager keeps up to
// date: a transform puts it into a nested stack of the data stack.
func (d *pgDatabase) rotate(props *PgDatabaseProps, rotation spec.Rotation) {
	group, rule := d.rotationAccess(d, props.VPC)
	var name *string
	if props.Identifier != "" {
		name = jsii.String(naming.Rotation(props.Identifier))
	}
	function := awssecretsmanager.HostedRotation_PostgreSqlSingleUser(&awssecretsmanager.SingleUserHostedRotationOptions{
		FunctionName:      name,
		Vpc:               props.VPC,
		VpcSubnets:        rotationSubnets(props.RotationSubnets),
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
	rotateNow(d, "Changes the password now; the tasks follow within minutes", d.secret)
}

// addUser makes the credentials of a user that alternates with another. The
// user itself a migration makes: Postgres cannot be reached from here.
func (d *pgDatabase) addUser(props *PgDatabaseProps, declared spec.Database) {
	d.rotation = *declared.Rotation
	name := props.SecretName
	if name != "" {
		name = naming.UserSecret(name, d.rotation.User)
	}
	// The rotation's function takes the master user from the secret itself.
	template := awscdk.Stack_Of(d).ToJsonString(map[string]any{"username": d.rotation.User, "masterarn": d.secret.SecretArn()}, nil)
	d.userSecret = d.newSecret(props, "UserSecret", name, "credentials of the services in the Postgres database", template)
	d.attached = d.userSecret.Attach(d.instance)
	acknowledge.All(d.userSecret, acknowledge.Finding{Rule: "AwsSolutions-SMG4", Reason: "RotateUser rotates it, from a stack where the user has been made before."})
}

// UserRotationProps says how the credentials of the user that services log in as
// are rotated.
type UserRotationProps struct {
	// VPC of the function, the instance's. Required.
	VPC awsec2.IVpc

	// Subnets of the function; it needs a way to Secrets Manager. Default: the
	// private ones.
	Subnets *awsec2.SubnetSelection

	// FunctionName of the function. Default: given by CloudFormation.
	FunctionName string

	// After is what makes the user: the function logs in as it before it
	// changes anything, and is tried when it is made. Required.
	After []constructs.IDependable
}

// RotateUser is part of [PgDatabase]. The function is in a nested stack of the
// scope's stack, as a transform makes it.
func (d *pgDatabase) RotateUser(scope constructs.Construct, id *string, props *UserRotationProps) awssecretsmanager.RotationSchedule {
	if d.userSecret == nil {
		panic(fmt.Errorf("rotation %s: the database has no user that alternates: give rotation.user", *id))
	}
	within := constructs.NewConstruct(scope, id)
	group, rule := d.rotationAccess(within, props.VPC)
	schedule := awssecretsmanager.NewRotationSchedule(within, jsii.String("Rotation"), &awssecretsmanager.RotationScheduleProps{
		Secret:             d.attached,
		AutomaticallyAfter: awscdk.Duration_Days(jsii.Number(d.rotation.Days)),
		HostedRotation: awssecretsmanager.HostedRotation_PostgreSqlMultiUser(&awssecretsmanager.MultiUserHostedRotationOptions{
			MasterSecret:      d.secret,
			FunctionName:      optional.Text(props.FunctionName),
			Vpc:               props.VPC,
			VpcSubnets:        rotationSubnets(props.Subnets),
			SecurityGroups:    &[]awsec2.ISecurityGroup{group},
			ExcludeCharacters: jsii.String(punctuation),
		}),
		RotateImmediatelyOnUpdate: jsii.Bool(false), // services that start with it need no change
	})
	schedule.Node().AddDependency(append(slices.Clone(props.After), rule)...)
	rotateNow(within, "Changes user and password of the services now; the tasks follow within minutes", d.userSecret)
	return schedule
}

// rotationAccess is the security group of a function, and its way to the
// instance.
func (d *pgDatabase) rotationAccess(scope constructs.Construct, vpc awsec2.IVpc) (awsec2.SecurityGroup, awsec2.CfnSecurityGroupIngress) {
	group := awsec2.NewSecurityGroup(scope, jsii.String("RotationSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:         vpc,
		Description: jsii.String("Rotates the password of Postgres: out to it and to Secrets Manager"),
	})
	rule := d.AllowFrom(scope, jsii.String("RotationIngress"), group)
	rule.SetDescription(jsii.String("Postgres from the function that rotates its password"))
	return group, rule
}

func rotationSubnets(declared *awsec2.SubnetSelection) *awsec2.SubnetSelection {
	if declared == nil {
		return &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS}
	}
	return declared
}

// rotateNow is an output: the command that rotates a secret at once.
func rotateNow(scope constructs.Construct, description string, secret awssecretsmanager.ISecret) {
	stack := awscdk.Stack_Of(scope)
	awscdk.NewCfnOutput(stack, jsii.String("RotateNow"), &awscdk.CfnOutputProps{
		Description: &description,
		Value:       jsii.String(fmt.Sprintf("aws secretsmanager rotate-secret --region %s --secret-id %s", *stack.Region(), *secret.SecretArn())),
	})
}
