package stacks

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/cluster"
	"github.com/tinystack-go/tinystack/constructs/database"
	"github.com/tinystack-go/tinystack/constructs/endpoint"
	"github.com/tinystack-go/tinystack/constructs/network"
	"github.com/tinystack-go/tinystack/constructs/service"
	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/spec"
)

// StageProps says which stage of which application is wanted.
type StageProps struct {
	// App is the declaration. Required.
	App spec.App

	// Name of the stage in the declaration. Required.
	Name string

	// Tags are the image tags to run, by service: usually the commit that
	// a pipeline's execution built. Default: the name of the stage, which the
	// pipeline moves to the image that the stage runs.
	Tags map[string]string
}

// Stage is one place an application runs in.
type Stage interface {
	awscdk.Stage
	// Declaration is the stage's part of the declaration, complete.
	Declaration() spec.Stage
	// Stacks are the CloudFormation stacks of the stage, in the order in
	// which they are deployed.
	Stacks() []awscdk.Stack
	// Network of the stage.
	Network() network.Network
	// Database of the stage; nil without one.
	Database() database.PgDatabase
	// Cluster of the stage.
	Cluster() cluster.Cluster
	// Services of the stage, by name.
	Services() map[string]service.EcsEc2Service
	// ScheduledTasks of the stage, by name.
	ScheduledTasks() map[string]service.ScheduledTask
	// Endpoint of the stage; nil where no service is public.
	Endpoint() endpoint.Endpoint
	// AlarmTopic hears of the stage's alarms; nil where nobody is to.
	AlarmTopic() awssns.ITopic
}

type stage struct {
	awscdk.Stage
	app       spec.App
	declared  spec.Stage
	stacks    []awscdk.Stack
	network   network.Network
	database  database.PgDatabase
	cluster   cluster.Cluster
	services  map[string]service.EcsEc2Service
	scheduled map[string]service.ScheduledTask
	endpoint  endpoint.Endpoint
	topic     awssns.ITopic
	// databaseIngress lets the container instances reach the database.
	databaseIngress awsec2.CfnSecurityGroupIngress
	// alarmNames tell that the stage is not well.
	alarmNames []string
	// key encrypts the containers' output; nil where that is not asked for.
	key awskms.Key
	// Outputs that steps of a pipeline read; nil where there are none.
	clusterARN   awscdk.CfnOutput
	serviceNames map[string]awscdk.CfnOutput
	url          awscdk.CfnOutput
}

// NewStage makes a stage. It panics with all problems of the declaration if
// there are any.
func NewStage(scope constructs.Construct, id *string, props *StageProps) Stage {
	return newStage(scope, id, props)
}

func newStage(scope constructs.Construct, id *string, props *StageProps) *stage {
	app, err := props.App.Resolve()
	if err != nil {
		panic(err)
	}
	i := slices.IndexFunc(app.Stages, func(s spec.Stage) bool { return s.Name == props.Name })
	if i < 0 {
		panic(fmt.Errorf("application %q has no stage %q", app.Name, props.Name))
	}
	declared := app.Stages[i]
	s := &stage{app: app, declared: declared, services: map[string]service.EcsEc2Service{}, scheduled: map[string]service.ScheduledTask{}, serviceNames: map[string]awscdk.CfnOutput{}}
	awscdk.NewStage_Override(s, scope, id, &awscdk.StageProps{
		Env:       &awscdk.Environment{Account: optional.Text(declared.Account), Region: &declared.Region},
		StageName: jsii.String(app.Name + "-" + declared.Name),
	})
	inheritAspects(s, scope)
	tag(s, app, declared.Name)
	s.addNetwork()
	if declared.NewDatabase() {
		s.addDatabase()
	}
	s.addServices(props.Tags)
	return s
}

func (s *stage) Declaration() spec.Stage                          { return s.declared }
func (s *stage) Of() string                                       { return s.declared.CanaryOf }
func (s *stage) Stacks() []awscdk.Stack                           { return slices.Clone(s.stacks) }
func (s *stage) Network() network.Network                         { return s.network }
func (s *stage) Database() database.PgDatabase                    { return s.database }
func (s *stage) Cluster() cluster.Cluster                         { return s.cluster }
func (s *stage) Services() map[string]service.EcsEc2Service       { return s.services }
func (s *stage) ScheduledTasks() map[string]service.ScheduledTask { return s.scheduled }
func (s *stage) Endpoint() endpoint.Endpoint                      { return s.endpoint }
func (s *stage) AlarmTopic() awssns.ITopic                        { return s.topic }

// name prefixes what has a physical name.
func (s *stage) name() string { return s.app.Name + "-" + s.declared.Name }

// databaseIdentifier is the physical name of the stage's own instance.
func (s *stage) databaseIdentifier() string { return s.name() }

func (s *stage) newStack(id, description string) awscdk.Stack {
	stack := awscdk.NewStack(s, &id, &awscdk.StackProps{
		StackName:   jsii.String(s.app.StageStackName(s.declared.Name, id)),
		Description: jsii.String(s.app.StageStackOwner(s.declared.Name) + description),
		// The data of production can be deleted only by somebody who first
		// says so.
		TerminationProtection: jsii.Bool(id == spec.DataStack && s.declared.Removal == spec.RemovalRetain),
	})
	s.stacks = append(s.stacks, stack)
	return stack
}

func (s *stage) addNetwork() {
	if s.declared.Network.VPC != nil {
		return // imported by each stack that uses it
	}
	stack := s.newStack(spec.NetworkStack, "VPC")
	s.network = network.NewNetwork(stack, jsii.String("Network"), &network.NetworkProps{Network: s.declared.Network})
}

// networkIn is the stage's network as a stack sees it.
func (s *stage) networkIn(stack awscdk.Stack) network.Network {
	if s.declared.Network.VPC == nil {
		return s.network
	}
	s.network = network.NewNetwork(stack, jsii.String("Network"), &network.NetworkProps{Network: s.declared.Network})
	return s.network
}

func (s *stage) addDatabase() {
	stack := s.newStack(spec.DataStack, "Postgres")
	n := s.networkIn(stack)
	s.database = database.NewPgDatabase(stack, jsii.String("Database"), &database.PgDatabaseProps{
		VPC:              n.VPC(),
		Subnets:          n.DatabaseSubnets(),
		Database:         *s.declared.Database,
		Identifier:       s.databaseIdentifier(),
		SecretName:       fmt.Sprintf("%s/%s/database", s.declared.Name, s.app.Name),
		Owner:            s.app.Name,
		Production:       *s.declared.Production,
		RotationSubnets:  n.PrivateSubnets(),
		Removal:          s.declared.Removal,
		LogRetentionDays: s.declared.LogRetentionDays,
	})
	awscdk.NewCfnOutput(stack, jsii.String("DatabaseCredentials"), &awscdk.CfnOutputProps{
		Description: jsii.String("Finds the credentials of the database"),
		Value: jsii.String(fmt.Sprintf(
			`aws secretsmanager list-secrets --region %s --filters Key=tag-key,Values=aws:cloudformation:stack-name Key=tag-value,Values=%s --query "SecretList[?starts_with(Name, '%s/')].[Name,ARN]" --output table`,
			*stack.Region(), *stack.StackName(), s.declared.Name)),
	})
	s.addRemoteReplicas(stack)
}

// inheritAspects applies to the stage what is applied to the scopes above it.
// The CDK stops at a stage, which surprises whoever tags or checks an app.
func inheritAspects(s awscdk.Stage, scope constructs.Construct) {
	for _, above := range *scope.Node().Scopes() {
		for _, applied := range *awscdk.Aspects_Of(above).Applied() {
			awscdk.Aspects_Of(s).Add(applied.Aspect(), &awscdk.AspectOptions{Priority: applied.Priority()})
		}
	}
}

// tag marks everything in scope as the application's and the stage's.
func tag(scope constructs.Construct, app spec.App, stageName string) {
	tags := awscdk.Tags_Of(scope)
	tags.Add(jsii.String(spec.AppTag), &app.Name, nil)
	if stageName != "" {
		tags.Add(jsii.String(spec.StageTag), &stageName, nil)
	}
	for _, key := range slices.Sorted(maps.Keys(app.Tags)) {
		tags.Add(&key, jsii.String(app.Tags[key]), nil)
	}
}
