package stacks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/cluster"
	"github.com/tinystack-go/tinystack/constructs/database"
	"github.com/tinystack-go/tinystack/constructs/endpoint"
	"github.com/tinystack-go/tinystack/constructs/network"
	"github.com/tinystack-go/tinystack/constructs/service"
	"github.com/tinystack-go/tinystack/internal/hostscript"
	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/monitor"
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
	// Network of the stage, as the stack of its services sees it.
	Network() network.Network
	// Database of the stage, made or existing; nil without one.
	Database() database.PgDatabase
	// Cluster of the stage, and the instances that it runs on.
	Cluster() cluster.Cluster
	// Services of the stage, by name; scheduled tasks are not among them.
	Services() map[string]service.EcsEc2Service
	// ScheduledTasks of the stage, by name.
	ScheduledTasks() map[string]service.ScheduledTask
	// Endpoint of the stage; nil where no service is public.
	Endpoint() endpoint.Endpoint
	// AlarmTopic is told of the stage's alarms: the declared topic, or one that
	// is made for the declared addresses; nil where nobody is to be told.
	AlarmTopic() awssns.ITopic
}

// stage is what the making of a stage gave.
type stage struct {
	awscdk.Stage
	app      spec.App
	declared spec.Stage
	stacks   []awscdk.Stack
	network  network.Network
	database database.PgDatabase
	cluster  runningCluster
	// clusterARN is the output that steps of a pipeline read.
	clusterARN awscdk.CfnOutput
	services   runningServices
	entrance   entrance
	watch      watch
}

// NewStage makes a stage. It panics with all problems of the declaration if
// there are any.
func NewStage(scope constructs.Construct, id *string, props *StageProps) Stage {
	return newStage(scope, id, props, appliedAbove(scope))
}

// newStage makes a stage with the aspects that are applied above it.
func newStage(scope constructs.Construct, id *string, props *StageProps, above []appliedAspect) *stage {
	app, err := props.App.Resolve()
	if err != nil {
		panic(err)
	}
	i := slices.IndexFunc(app.Stages, func(s spec.Stage) bool { return s.Name == props.Name })
	if i < 0 {
		panic(fmt.Errorf("application %q has no stage %q", app.Name, props.Name))
	}
	s := &stage{app: app, declared: app.Stages[i]}
	awscdk.NewStage_Override(s, scope, id, &awscdk.StageProps{
		Env:       &awscdk.Environment{Account: optional.Text(s.declared.Account), Region: &s.declared.Region},
		StageName: jsii.String(s.called().String()),
	})
	inheritAspects(s, above)
	tag(s, app, s.declared.Name)
	s.make(&maker{scope: s, app: app, declared: s.declared, tags: props.Tags})
	return s
}

// make is the course by which a stage comes about. Each step takes what earlier
// ones gave, so that it does not compile in another order; what a step needs,
// and what it gives, is in its signature.
func (s *stage) make(m *maker) {
	net := m.addNetwork()
	data := m.addDatabase(net)

	stack := m.newStack(spec.ServiceStack, "cluster, services, endpoint")
	s.network = net.in(stack)
	s.cluster = m.addCluster(stack, s.network)
	access := m.openDatabase(stack, data, s.cluster)
	s.database = access.database
	namespace := m.addNamespace(stack, s.network)
	logKey := m.addLogKey(stack)
	s.services = m.addServices(stack, s.network, s.cluster, access, namespace, logKey)
	s.clusterARN = output(stack, "ClusterARN", "Cluster of the stage", *s.cluster.made.Cluster().ClusterArn())
	s.entrance = m.addEndpoint(stack, s.network, s.cluster, namespace, s.services)
	m.connectServices(stack, s.cluster, access, s.services)
	m.serveDatabase(stack, s.network, s.cluster, access, s.services)
	s.watch = m.addMonitoring(stack, s.cluster, access, s.services, s.entrance)
	m.addGate(stack, s.watch)
	m.addSleep(stack, s.cluster, s.services)
	s.services.order()
	s.stacks = m.stacks
}

func (s *stage) Declaration() spec.Stage       { return s.declared }
func (s *stage) Of() string                    { return s.declared.CanaryOf }
func (s *stage) Stacks() []awscdk.Stack        { return slices.Clone(s.stacks) }
func (s *stage) Network() network.Network      { return s.network }
func (s *stage) Database() database.PgDatabase { return s.database }
func (s *stage) Cluster() cluster.Cluster      { return s.cluster.made }
func (s *stage) Endpoint() endpoint.Endpoint   { return s.entrance.endpoint }
func (s *stage) AlarmTopic() awssns.ITopic     { return s.watch.topic }

func (s *stage) Services() map[string]service.EcsEc2Service {
	services := map[string]service.EcsEc2Service{}
	for _, each := range s.services {
		if each.service != nil {
			services[each.declared.Name] = each.service
		}
	}
	return services
}

func (s *stage) ScheduledTasks() map[string]service.ScheduledTask {
	tasks := map[string]service.ScheduledTask{}
	for _, each := range s.services {
		if each.task != nil {
			tasks[each.declared.Name] = each.task
		}
	}
	return tasks
}

func (s *stage) called() naming.Stage { return naming.App(s.app.Name).Stage(s.declared.Name) }

// maker is what every step of a stage's making knows.
type maker struct {
	// scope of the stacks: the stage.
	scope    constructs.Construct
	app      spec.App
	declared spec.Stage
	// tags are the image tags to run, by service.
	tags map[string]string
	// stacks that are made, in the order in which they are deployed.
	stacks []awscdk.Stack
}

// called says what the stage's resources are called that have names.
func (m *maker) called() naming.Stage { return naming.App(m.app.Name).Stage(m.declared.Name) }

func (m *maker) newStack(id, description string) awscdk.Stack {
	stack := awscdk.NewStack(m.scope, &id, &awscdk.StackProps{
		StackName:   jsii.String(m.called().Stack(id)),
		Description: jsii.String(m.app.StageStackOwner(m.declared.Name) + description),
		// The data of production can be deleted only by somebody who first
		// says so.
		TerminationProtection: jsii.Bool(id == spec.DataStack && m.declared.Removal == spec.RemovalRetain),
	})
	m.stacks = append(m.stacks, stack)
	return stack
}

// output adds an output to a stack: a value for people, or for the pipeline.
func output(stack awscdk.Stack, id, description, value string) awscdk.CfnOutput {
	return awscdk.NewCfnOutput(stack, &id, &awscdk.CfnOutputProps{Description: &description, Value: &value})
}

// stageNetwork is the network of a stage.
type stageNetwork struct {
	declared spec.Network
	// made is nil where the network is there already.
	made network.Network
}

// in is the network as a stack sees it: the one that was made, or, where it was
// there already, imported by each stack that uses it.
func (n stageNetwork) in(stack awscdk.Stack) network.Network {
	if n.made != nil {
		return n.made
	}
	return network.NewNetwork(stack, jsii.String("Network"), &network.NetworkProps{Network: n.declared})
}

func (m *maker) addNetwork() stageNetwork {
	n := stageNetwork{declared: m.declared.Network}
	if n.declared.VPC == nil {
		props := &network.NetworkProps{Network: n.declared}
		if n.declared.Egress == spec.VPCEndpoints {
			props.Endpoints, props.Gateways = m.declared.Endpoints(m.app)
		}
		if monitor.ReportsNAT(m.declared) {
			metric := monitor.NATMetric(m.app.Name, m.declared.Name)
			props.NATMetric = &hostscript.Metric{Namespace: metric.Namespace, Name: metric.Name}
		}
		stack := m.newStack(spec.NetworkStack, "VPC")
		n.made = network.NewNetwork(stack, jsii.String("Network"), props)
		if addresses := n.made.Addresses(); len(addresses) > 0 {
			output(stack, "EgressAddresses", "Public addresses of what leaves the stage", strings.Join(addresses, ", "))
		}
	}
	return n
}

// runningCluster is the cluster of a stage, its name and that of its Auto Scaling
// group: tokens, asked for once.
type runningCluster struct {
	made        cluster.Cluster
	name, group string
}

func (m *maker) addCluster(stack awscdk.Stack, net network.Network) runningCluster {
	made := cluster.NewCluster(stack, jsii.String("Cluster"), &cluster.ClusterProps{
		VPC:               net.VPC(),
		Subnets:           net.InstanceSubnets(),
		PublicIP:          m.declared.Network.Egress == spec.PublicIP,
		Scale:             m.declared.Scale,
		ContainerInsights: *m.declared.ContainerInsights,
		// Who opens a shell in production leaves a record.
		ExecLog:        *m.declared.Exec && *m.declared.Production,
		SessionManager: m.declared.Database != nil && m.declared.Database.Tunnel,
	})
	if log := made.ExecLog(); log != nil {
		output(stack, "ExecLog", "Follows the record of ECS Exec sessions",
			fmt.Sprintf("aws logs tail %s --follow --region %s", *log.LogGroupName(), m.declared.Region))
	}
	return runningCluster{made: made, name: *made.Cluster().ClusterName(), group: *made.AutoScalingGroup().AutoScalingGroupName()}
}

// appliedAspect is an aspect and when its turn is.
type appliedAspect struct {
	aspect   awscdk.IAspect
	priority *float64
}

// appliedAbove are the aspects that are applied to a scope and to those above
// it.
func appliedAbove(scope constructs.Construct) []appliedAspect {
	var all []appliedAspect
	for _, above := range *scope.Node().Scopes() {
		for _, applied := range *awscdk.Aspects_Of(above).Applied() {
			all = append(all, appliedAspect{applied.Aspect(), applied.Priority()})
		}
	}
	return all
}

// inheritAspects applies to the stage what is applied to the scopes above it.
// The CDK stops at a stage, which surprises whoever tags or checks an app.
func inheritAspects(s awscdk.Stage, above []appliedAspect) {
	for _, applied := range above {
		awscdk.Aspects_Of(s).Add(applied.aspect, &awscdk.AspectOptions{Priority: applied.priority})
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
