package service

import (
	_ "embed"
	"maps"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/internal/inline"
)

// migrationCode is inline, so that a stack with a migration needs no assets:
// up to 4096 characters once comments and indentation are gone.
//
//go:embed migration.js
var migrationCode string

// answerSeconds is how long the function runs beyond the timeout of the
// migration, to stop the task and to tell CloudFormation how it ended.
const answerSeconds = 45

// addMigration runs the service's migration in each new version, before the
// service gets it. CloudFormation does so, and not the pipeline, so that it is
// the same in direct mode; so that a failure takes the whole deployment back;
// and because only there the new task definition exists and the service has not
// changed yet.
func (s *ecsEc2Service) addMigration(props *EcsEc2ServiceProps, plan plan) {
	declared := plan.declared
	timeout := declared.Migration.Timeout.Seconds()
	s.migrating = s.definitionOfMigration(props, plan)
	logs := observability.NewLogGroup(s, jsii.String("MigrationLogGroup"), &observability.LogGroupProps{RetentionDays: props.LogRetentionDays})
	role := awsiam.NewRole(s, jsii.String("MigrationRole"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		Description: jsii.String("Runs the migration of service " + declared.Name),
	})
	logs.GrantWrite(role)
	function := awslambda.NewFunction(s, jsii.String("MigrationFunction"), &awslambda.FunctionProps{
		Description:   jsii.String("Runs the migration of service " + declared.Name),
		Runtime:       awslambda.Runtime_NODEJS_24_X(),
		Architecture:  awslambda.Architecture_ARM_64(),
		Handler:       jsii.String("index.handler"),
		Code:          awslambda.Code_FromInline(jsii.String(inline.JavaScript(migrationCode))),
		Role:          role,
		LogGroup:      logs,
		MemorySize:    jsii.Number(256),
		Timeout:       awscdk.Duration_Seconds(jsii.Number(timeout + answerSeconds)),
		RetryAttempts: jsii.Number(0), // CloudFormation decides what follows
	})
	s.migrating.letRun(role, props)
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:    jsii.Strings("ecs:DescribeTasks", "ecs:StopTask"),
		Resources:  &[]*string{s.migrating.ecsARN("task", *props.Cluster.ClusterName()+"/*")},
		Conditions: onCluster(props),
	}))
	acknowledge.Policy(role, runReason)

	s.migration = awscdk.NewCustomResource(s, jsii.String("Migration"), &awscdk.CustomResourceProps{
		ResourceType:   jsii.String("Custom::Migration"),
		ServiceToken:   function.FunctionArn(),
		ServiceTimeout: awscdk.Duration_Seconds(jsii.Number(timeout + 2*answerSeconds)),
		Properties: &map[string]any{
			"Cluster":        props.Cluster.ClusterName(),
			"TaskDefinition": s.migrating.task.TaskDefinitionArn(),
			"Container":      declared.Name,
			"Command":        declared.Migration.Command,
			"LogGroup":       s.definition.logs.LogGroupName(),
			"TimeoutSeconds": timeout,
			"Placement":      s.definition.stack.ToJsonString(s.definition.placement(props), nil),
		},
	})
	// Its task needs what tasks of the service need; the function, its policy.
	needs := []constructs.IDependable{s.definition.taskRole, s.migrating.executionRole, role}
	if props.CapacityProvider != nil {
		needs = append(needs, props.Cluster)
	}
	s.migration.Node().AddDependency(needs...)
}

// definitionOfMigration is that of the service, unless the migration is to see
// what the service must not.
func (s *ecsEc2Service) definitionOfMigration(props *EcsEc2ServiceProps, plan plan) *definition {
	if len(props.MigrationVariables) == 0 && len(props.MigrationSecrets) == 0 {
		return s.definition
	}
	s.private = map[string]bool{}
	own := *props
	own.Variables, own.Secrets = maps.Clone(props.Variables), maps.Clone(props.Secrets)
	if own.Variables == nil {
		own.Variables = map[string]string{}
	}
	if own.Secrets == nil {
		own.Secrets = map[string]awsecs.Secret{}
	}
	for name, value := range props.MigrationVariables {
		s.private[name] = true
		own.Variables[name] = value
		delete(own.Secrets, name)
	}
	for name, secret := range props.MigrationSecrets {
		s.private[name] = true
		own.Secrets[name] = secret
		delete(own.Variables, name)
	}
	d := &definition{stack: s.definition.stack, logs: s.definition.logs, security: s.definition.security, taskRole: s.definition.taskRole}
	d.addTask(constructs.NewConstruct(s, jsii.String("MigrationTask")), &own, plan)
	d.acknowledgePull()
	return d
}

// placement is where the task of a migration runs: as those of the service.
func (d *definition) placement(props *EcsEc2ServiceProps) map[string]any {
	placement := map[string]any{}
	if props.CapacityProvider != nil {
		placement["capacityProviderStrategy"] = []any{map[string]any{"capacityProvider": props.CapacityProvider.CapacityProviderName(), "weight": 1}}
	} else {
		placement["launchType"] = "EC2"
	}
	if d.security != nil {
		placement["networkConfiguration"] = map[string]any{"awsvpcConfiguration": map[string]any{
			"subnets":        props.Cluster.Vpc().SelectSubnets(taskSubnets(props)).SubnetIds,
			"securityGroups": []any{d.security.SecurityGroupId()},
		}}
	}
	return placement
}

const runReason = "Revisions of one task definition, and the tasks of one cluster, which have no name before they run."

// letRun lets a role start tasks of this definition on the cluster, with their
// roles.
func (d *definition) letRun(role awsiam.Role, props *EcsEc2ServiceProps) {
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings("ecs:RunTask"),
		// Every revision: during a deployment a schedule still names the old.
		Resources:  &[]*string{d.ecsARN("task-definition", *d.task.Family()+":*")},
		Conditions: onCluster(props),
	}))
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:    jsii.Strings("ecs:TagResource"),
		Resources:  &[]*string{d.ecsARN("task", *props.Cluster.ClusterName()+"/*")},
		Conditions: &map[string]any{"StringEquals": map[string]any{"ecs:CreateAction": "RunTask"}},
	}))
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:    jsii.Strings("iam:PassRole"),
		Resources:  &[]*string{d.taskRole.RoleArn(), d.executionRole.RoleArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
	}))
}

// ecsARN is the ARN of something of ECS in the stack's account and region.
func (d *definition) ecsARN(resource, name string) *string {
	return d.stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("ecs"), Resource: &resource, ResourceName: &name})
}

func onCluster(props *EcsEc2ServiceProps) *map[string]any {
	return &map[string]any{"ArnEquals": map[string]any{"ecs:cluster": props.Cluster.ClusterArn()}}
}
