package stacks

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecrassets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsservicediscovery"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/delivery"
	"github.com/tinystack-go/tinystack/constructs/endpoint"
	"github.com/tinystack-go/tinystack/constructs/network"
	"github.com/tinystack-go/tinystack/constructs/service"
	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/spec"
)

// runningService is a declared service of a stage: an ECS service, or a
// scheduled task.
type runningService struct {
	declared spec.Service
	// scope of all that is made for it.
	scope constructs.Construct
	// service, or else task; the other one is nil.
	service service.EcsEc2Service
	task    service.ScheduledTask
	// name of the ECS service; empty for a task. Like logs it is a token that
	// is asked for once.
	name string
	// nameOutput is the output that holds it; nil for a task.
	nameOutput awscdk.CfnOutput
	// logs is the name of the log group of the container's output.
	logs string
	// after is what it is to be made after, and migratesAfter what its migration
	// is. They are for runAfter and migrateAfter to add to, until order has told
	// the CDK.
	after, migratesAfter []constructs.IDependable
	ordered              bool
}

// runAfter has the service made after something else.
func (s *runningService) runAfter(made ...constructs.IDependable) {
	s.refuseWhenOrdered()
	s.after = append(s.after, made...)
}

// migrateAfter has the migration of the service, if it has one, made after
// something else.
func (s *runningService) migrateAfter(made ...constructs.IDependable) {
	s.refuseWhenOrdered()
	s.migratesAfter = append(s.migratesAfter, made...)
}

// refuseWhenOrdered panics where a step comes after the one that told the CDK:
// what it adds would be lost.
func (s *runningService) refuseWhenOrdered() {
	if s.ordered {
		panic(fmt.Errorf("stacks: the order of service %s is told to the CDK already: this step belongs before runningServices.order", s.declared.Name))
	}
}

// runningServices are those of a stage, in the declared order.
type runningServices []*runningService

// of is the service of that name.
func (all runningServices) of(name string) *runningService {
	i := slices.IndexFunc(all, func(s *runningService) bool { return s.declared.Name == name })
	return all[i]
}

// order tells the CDK what each of the services and their migrations is to be
// made after.
func (all runningServices) order() {
	for _, each := range all {
		each.ordered = true
		if len(each.after) > 0 {
			each.resource().Node().AddDependency(each.after...)
		}
		if len(each.migratesAfter) > 0 && each.service != nil && each.service.Migration() != nil {
			each.service.Migration().Node().AddDependency(each.migratesAfter...)
		}
	}
}

// resource is what runs it: the ECS service, or the schedule.
func (s *runningService) resource() constructs.IConstruct {
	if s.task != nil {
		return s.task.Schedule()
	}
	return s.service.Service()
}

// taskGroup is the security group of a service whose tasks have network
// interfaces of their own; nil where they share that of the instances.
func (s *runningService) taskGroup() awsec2.ISecurityGroup {
	if s.task != nil {
		return s.task.SecurityGroup()
	}
	return s.service.SecurityGroup()
}

func (s *runningService) logGroup() awslogs.ILogGroup {
	if s.task != nil {
		return s.task.LogGroup()
	}
	return s.service.LogGroup()
}

func (s *runningService) taskRole() awsiam.IRole {
	if s.task != nil {
		return s.task.TaskRole()
	}
	return s.service.TaskRole()
}

// serviceParts is what every service is made with.
type serviceParts struct {
	stack     awscdk.Stack
	net       network.Network
	cluster   runningCluster
	access    databaseAccess
	namespace awsservicediscovery.PrivateDnsNamespace
	logKey    awskms.IKey
}

// addServices makes the services and scheduled tasks.
func (m *maker) addServices(stack awscdk.Stack, net network.Network, cluster runningCluster, access databaseAccess, namespace awsservicediscovery.PrivateDnsNamespace, logKey awskms.IKey) runningServices {
	parts := serviceParts{stack, net, cluster, access, namespace, logKey}
	made := map[string]*runningService{}
	// Internal services first: a task learns their names when it starts.
	var internal []constructs.IDependable
	for _, declared := range m.app.Services {
		if declared.Internal {
			made[declared.Name] = m.addService(parts, declared)
			internal = append(internal, made[declared.Name].service.Service())
		}
	}
	for _, declared := range m.app.Services {
		switch {
		case declared.Internal:
		case declared.Schedule != "":
			made[declared.Name] = m.addScheduledTask(parts, declared)
		default:
			made[declared.Name] = m.addService(parts, declared)
			made[declared.Name].runAfter(internal...)
		}
	}
	var all runningServices
	for _, declared := range m.app.Services {
		all = append(all, made[declared.Name])
	}
	return all
}

func (m *maker) addService(parts serviceParts, declared spec.Service) *runningService {
	scope, props := m.serviceProps(parts, declared)
	maps.Copy(props.Variables, service.InternalVariables(m.app.Services))
	props.LoadBalanced = m.loadBalanced(declared)
	// The agent of ECS Exec writes to the container's file system.
	props.Exec = *m.declared.Exec && !declared.ReadOnlyRoot
	if declared.Public() {
		props.DeploymentAlarms = m.deploymentAlarms()
	}
	if parts.namespace != nil {
		props.Namespace = parts.namespace
	}
	made := service.NewEcsEc2Service(scope, jsii.String("EcsEc2Service"), props)
	running := &runningService{declared: declared, scope: scope, service: made, name: *made.Service().ServiceName(), logs: *made.LogGroup().LogGroupName()}
	m.addLogsOutput(parts.stack, running)
	id, region := identifier(declared.Name), m.declared.Region
	running.nameOutput = output(parts.stack, id+"ServiceName", "Name of service "+declared.Name+" in the cluster", running.name)
	if props.Exec {
		output(parts.stack, id+"Exec", "Opens a shell in a running task of service "+declared.Name,
			fmt.Sprintf(`aws ecs execute-command --region %s --cluster %s --container %s --interactive --command /bin/sh --task "$(aws ecs list-tasks --region %s --cluster %s --service-name %s --query 'taskArns[0]' --output text)"`,
				region, parts.cluster.name, declared.Name, region, parts.cluster.name, running.name))
	}
	return running
}

func (m *maker) addScheduledTask(parts serviceParts, declared spec.Service) *runningService {
	scope, props := m.serviceProps(parts, declared)
	made := service.NewScheduledTask(scope, jsii.String("ScheduledTask"), props)
	running := &runningService{declared: declared, scope: scope, task: made, logs: *made.LogGroup().LogGroupName()}
	m.addLogsOutput(parts.stack, running)
	output(parts.stack, identifier(declared.Name)+"Failures", "Shows runs of "+declared.Name+" that failed",
		fmt.Sprintf("aws sqs receive-message --region %s --queue-url %s --max-number-of-messages 10", m.declared.Region, *made.Failures().QueueUrl()))
	return running
}

func (m *maker) addLogsOutput(stack awscdk.Stack, running *runningService) {
	output(stack, identifier(running.declared.Name)+"Logs", "Follows the output of service "+running.declared.Name,
		fmt.Sprintf("aws logs tail %s --follow --region %s", running.logs, m.declared.Region))
}

// serviceProps are what services and scheduled tasks have in common, and the
// scope of all that is made for one.
func (m *maker) serviceProps(parts serviceParts, declared spec.Service) (constructs.Construct, *service.EcsEc2ServiceProps) {
	variables, databaseSecrets := parts.access.environment(m.declared, declared)
	migrationVariables, migrationSecrets := parts.access.migrationEnvironment(m.declared, declared)
	references := maps.Clone(declared.Secrets)
	if references == nil {
		references = map[string]string{}
	}
	var permissions []spec.Permission
	if *declared.StageConfig {
		maps.Copy(variables, m.declared.Variables)
		maps.Copy(references, m.declared.Secrets)
		permissions = m.declared.Permissions
	}
	scope := constructs.NewConstruct(parts.stack, jsii.String("Service-"+declared.Name))
	secrets := databaseSecrets
	for _, name := range slices.Sorted(maps.Keys(references)) {
		secrets[name] = secret(scope, name, references[name])
	}
	return scope, &service.EcsEc2ServiceProps{
		Cluster:          parts.cluster.made.Cluster(),
		CapacityProvider: parts.cluster.made.CapacityProvider(),
		Image:            m.image(scope, declared),
		Service:          declared,
		Scale:            m.declared.Scale,
		Neighbours:       m.app.Services,
		Variables:        variables,
		Secrets:          secrets,
		Labels:           parts.access.labels(m.declared, declared),
		Permissions:      permissions,
		TaskRoleName:     m.called().TaskRole(declared.Name),
		Subnets:          parts.net.InstanceSubnets(),
		LogRetentionDays: m.declared.LogRetentionDays,
		RetainLogs:       *m.declared.Production,
		LogKey:           parts.logKey,
		Unwatched:        m.unwatched(),
		Runbooks:         m.declared.Alarms.Runbooks,
		Resting:          m.declared.Sleeps,

		MigrationVariables: migrationVariables,
		MigrationSecrets:   migrationSecrets,
	}
}

// addNamespace is where an HTTP API and the stage's own services look tasks
// up; nil where nobody does.
func (m *maker) addNamespace(stack awscdk.Stack, net network.Network) awsservicediscovery.PrivateDnsNamespace {
	public := slices.ContainsFunc(m.app.Services, spec.Service.Public)
	httpAPI := public && m.declared.Endpoint.Type == spec.APIGateway && m.declared.Endpoint.Caching == nil
	if !httpAPI && !spec.HasProxies(m.app.Services) {
		return nil
	}
	return awsservicediscovery.NewPrivateDnsNamespace(stack, jsii.String("Namespace"), &awsservicediscovery.PrivateDnsNamespaceProps{
		Name:        jsii.String(m.called().Namespace()),
		Vpc:         net.VPC(),
		Description: jsii.String("Tasks of " + m.called().String()),
	})
}

// loadBalanced says whether a load balancer stands before the service.
func (m *maker) loadBalanced(declared spec.Service) bool {
	return declared.Public() &&
		(m.declared.Endpoint.Type == spec.ALB || m.declared.Endpoint.Caching != nil)
}

// image is what the service runs: the image of another service; the image it
// names; with a pipeline, what
// the pipeline built; otherwise what `cdk deploy` builds from the
// declaration's folder.
func (m *maker) image(scope constructs.Construct, declared spec.Service) awsecs.ContainerImage {
	declared = m.app.ImageService(declared)
	switch {
	case declared.Image != "":
		return service.ExistingImage(scope, declared.Image)
	case m.app.Pipeline != nil:
		tag := m.tags[declared.Name]
		if tag == "" {
			tag = m.declared.Name
		}
		repository := delivery.ImportRepository(scope, jsii.String("Repository"), m.app.Pipeline.Account, m.app.Name, declared.Name)
		return awsecs.ContainerImage_FromEcrRepository(repository, &tag)
	default:
		return awsecs.ContainerImage_FromAsset(jsii.String(filepath.Join(m.app.Dir(), declared.Context)), &awsecs.AssetImageProps{
			File:     jsii.String(declared.Dockerfile),
			Platform: platform(m.declared.Scale.Instance),
			Exclude:  jsii.Strings("cdk.out", "cdk.out.*", "node_modules", ".git", ".bin"),
		})
	}
}

func platform(instance string) awsecrassets.Platform {
	if arch, ok := instances.ArchOf(instance); ok && arch == instances.ARM64 {
		return awsecrassets.Platform_LINUX_ARM64()
	}
	return awsecrassets.Platform_LINUX_AMD64()
}

// connectServices lets the stage's services reach the internal ones, and the
// database be reached from tasks with network interfaces of their own.
func (m *maker) connectServices(stack awscdk.Stack, cluster runningCluster, access databaseAccess, services runningServices) {
	instances := cluster.made.SecurityGroup()
	for _, from := range services {
		group := awsec2.ISecurityGroup(instances)
		if own := from.taskGroup(); own != nil {
			group = own
			if m.declared.UsesDatabase(from.declared) {
				from.migrateAfter(access.database.AllowFrom(stack, jsii.String("DatabaseIngress-"+from.declared.Name), own))
			}
		}
		if from.task != nil {
			continue // finds no internal service: see Service Connect
		}
		for _, to := range services {
			if !to.declared.Internal || to == from {
				continue
			}
			target, ports := awsec2.ISecurityGroup(instances), endpoint.DynamicPorts()
			if own := to.taskGroup(); own != nil {
				target, ports = own, awsec2.Port_Tcp(jsii.Number(to.declared.Port))
			}
			target.AddIngressRule(group, ports, jsii.String("services of the stage among themselves"), nil)
		}
	}
}

// secret is a reference as ECS takes it: the value stays in AWS until a task
// starts.
func secret(scope constructs.Construct, name, reference string) awsecs.Secret {
	ref, err := spec.ParseSecretRef(reference)
	if err != nil {
		panic(fmt.Errorf("secret %s: %w", name, err))
	}
	id := jsii.String("Secret-" + name)
	switch {
	case ref.Store == spec.ParameterStore:
		return awsecs.Secret_FromSsmParameter(awsssm.StringParameter_FromSecureStringParameterAttributes(scope, id,
			&awsssm.SecureStringParameterAttributes{ParameterName: &ref.Name}))
	case ref.ARN != "":
		return awsecs.Secret_FromSecretsManager(awssecretsmanager.Secret_FromSecretCompleteArn(scope, id, &ref.ARN), optional.Text(ref.Key))
	default:
		return awsecs.Secret_FromSecretsManager(awssecretsmanager.Secret_FromSecretNameV2(scope, id, &ref.Name), optional.Text(ref.Key))
	}
}

// identifier is a name as part of a logical id: my-api becomes MyApi.
func identifier(name string) string {
	var id strings.Builder
	for part := range strings.SplitSeq(name, "-") {
		if part == "" {
			part = "0" // a subdomain can have two hyphens
		}
		id.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return id.String()
}
