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
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsservicediscovery"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/cluster"
	"github.com/tinystack-go/tinystack/constructs/database"
	"github.com/tinystack-go/tinystack/constructs/delivery"
	"github.com/tinystack-go/tinystack/constructs/endpoint"
	"github.com/tinystack-go/tinystack/constructs/network"
	"github.com/tinystack-go/tinystack/constructs/service"
	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/spec"
)

func (s *stage) addServices(tags map[string]string) {
	stack := s.newStack(spec.ServiceStack, "cluster, services, endpoint")
	net := s.networkIn(stack)
	s.cluster = cluster.NewCluster(stack, jsii.String("Cluster"), &cluster.ClusterProps{
		VPC:               net.VPC(),
		Subnets:           net.InstanceSubnets(),
		PublicIP:          s.declared.Network.Egress == spec.PublicIP,
		Scale:             s.declared.Scale,
		ContainerInsights: *s.declared.ContainerInsights,
		// Who opens a shell in production leaves a record.
		ExecLog:        *s.declared.Exec && *s.declared.Production,
		SessionManager: s.declared.Database != nil && s.declared.Database.Tunnel,
	})
	if log := s.cluster.ExecLog(); log != nil {
		output(stack, "ExecLog", "Follows the record of ECS Exec sessions",
			fmt.Sprintf("aws logs tail %s --follow --region %s", *log.LogGroupName(), s.declared.Region))
	}
	if s.declared.Database != nil && s.declared.Database.Existing != nil {
		s.database = database.AttachPgDatabase(stack, jsii.String("Database"), *s.declared.Database)
	}
	if s.database != nil {
		s.databaseIngress = s.database.AllowFrom(stack, jsii.String("DatabaseIngress"), s.cluster.SecurityGroup())
	}
	namespace := s.newNamespace(stack, net)

	// Internal services first: a task learns their names when it starts.
	var internal []service.EcsEc2Service
	for _, declared := range s.app.Services {
		if declared.Internal {
			internal = append(internal, s.addService(stack, net, declared, namespace, tags))
		}
	}
	var public []spec.Service
	for _, declared := range s.app.Services {
		switch {
		case declared.Internal:
		case declared.Schedule != "":
			s.addScheduledTask(stack, net, declared, tags)
		default:
			added := s.addService(stack, net, declared, namespace, tags)
			for _, before := range internal {
				added.Service().Node().AddDependency(before.Service())
			}
			if declared.Public() {
				public = append(public, declared)
			}
		}
	}
	s.clusterARN = output(stack, "ClusterARN", "Cluster of the stage", *s.cluster.Cluster().ClusterArn())
	if len(public) > 0 {
		s.addEndpoint(stack, net, namespace, public)
	}
	s.connectServices(stack)
	s.useDatabase(stack)
	s.addMonitoring(stack)
	s.addGate(stack)
	s.addSleep(stack)
}

// connectServices lets the stage's services reach the internal ones, and the
// database be reached from tasks with network interfaces of their own.
func (s *stage) connectServices(stack awscdk.Stack) {
	instances := s.cluster.SecurityGroup()
	for _, from := range s.app.Services {
		group := awsec2.ISecurityGroup(instances)
		if own := s.taskGroup(from.Name); own != nil {
			group = own
			if s.declared.UsesDatabase(from) {
				s.beforeMigration(from, s.database.AllowFrom(stack, jsii.String("DatabaseIngress-"+from.Name), own))
			}
		}
		if from.Schedule != "" {
			continue // finds no internal service: see Service Connect
		}
		for _, to := range s.app.Services {
			if !to.Internal || to.Name == from.Name {
				continue
			}
			target, ports := awsec2.ISecurityGroup(instances), endpoint.DynamicPorts()
			if own := s.taskGroup(to.Name); own != nil {
				target, ports = own, awsec2.Port_Tcp(jsii.Number(to.Port))
			}
			target.AddIngressRule(group, ports, jsii.String("services of the stage among themselves"), nil)
		}
	}
}

// taskGroup is the security group of a service whose tasks have network
// interfaces of their own; nil where they share that of the instances.
func (s *stage) taskGroup(name string) awsec2.ISecurityGroup {
	if task, ok := s.scheduled[name]; ok {
		return task.SecurityGroup()
	}
	return s.services[name].SecurityGroup()
}

// newNamespace is where an HTTP API and the stage's own services look tasks
// up; nil where nobody does.
func (s *stage) newNamespace(stack awscdk.Stack, net network.Network) awsservicediscovery.PrivateDnsNamespace {
	public := slices.ContainsFunc(s.app.Services, spec.Service.Public)
	httpAPI := public && s.declared.Endpoint.Type == spec.APIGateway && s.declared.Endpoint.Caching == nil
	if !httpAPI && !spec.HasProxies(s.app.Services) {
		return nil
	}
	return awsservicediscovery.NewPrivateDnsNamespace(stack, jsii.String("Namespace"), &awsservicediscovery.PrivateDnsNamespaceProps{
		Name:        jsii.String(s.name() + ".internal"),
		Vpc:         net.VPC(),
		Description: jsii.String("Tasks of " + s.name()),
	})
}

func (s *stage) addService(stack awscdk.Stack, net network.Network, declared spec.Service, namespace awsservicediscovery.PrivateDnsNamespace, tags map[string]string) service.EcsEc2Service {
	scope, props := s.serviceProps(stack, net, declared, tags)
	maps.Copy(props.Variables, service.InternalVariables(s.app.Services))
	props.LoadBalanced = s.loadBalanced(declared)
	// The agent of ECS Exec writes to the container's file system.
	props.Exec = *s.declared.Exec && !declared.ReadOnlyRoot
	if declared.Public() {
		props.DeploymentAlarms = s.deploymentAlarms()
	}
	if namespace != nil {
		props.Namespace = namespace
	}
	added := service.NewEcsEc2Service(scope, jsii.String("EcsEc2Service"), props)
	s.services[declared.Name] = added
	s.addServiceOutputs(stack, declared, added, props.Exec)
	return added
}

func (s *stage) addScheduledTask(stack awscdk.Stack, net network.Network, declared spec.Service, tags map[string]string) {
	scope, props := s.serviceProps(stack, net, declared, tags)
	added := service.NewScheduledTask(scope, jsii.String("ScheduledTask"), props)
	s.scheduled[declared.Name] = added
	id := identifier(declared.Name)
	s.addLogsOutput(stack, declared, added.LogGroup())
	output(stack, id+"Failures", "Shows runs of "+declared.Name+" that failed",
		fmt.Sprintf("aws sqs receive-message --region %s --queue-url %s --max-number-of-messages 10", s.declared.Region, *added.Failures().QueueUrl()))
}

// serviceProps are what services and scheduled tasks have in common, and the
// scope of all that is made for one.
func (s *stage) serviceProps(stack awscdk.Stack, net network.Network, declared spec.Service, tags map[string]string) (constructs.Construct, *service.EcsEc2ServiceProps) {
	variables := map[string]string{}
	secrets := maps.Clone(declared.Secrets)
	if secrets == nil {
		secrets = map[string]string{}
	}
	var permissions []spec.Permission
	ecsSecrets := map[string]awsecs.Secret{}
	s.databaseEnvironment(declared, variables, ecsSecrets)
	if *declared.StageConfig {
		maps.Copy(variables, s.declared.Variables)
		maps.Copy(secrets, s.declared.Secrets)
		permissions = s.declared.Permissions
	}
	migrationVariables, migrationSecrets := s.migrationEnvironment(declared)
	scope := constructs.NewConstruct(stack, jsii.String("Service-"+declared.Name))
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		ecsSecrets[name] = secret(scope, name, secrets[name])
	}
	return scope, &service.EcsEc2ServiceProps{
		Cluster:          s.cluster.Cluster(),
		CapacityProvider: s.cluster.CapacityProvider(),
		Image:            s.image(scope, declared, tags),
		Service:          declared,
		Scale:            s.declared.Scale,
		Neighbours:       s.app.Services,
		Variables:        variables,
		Secrets:          ecsSecrets,
		Permissions:      permissions,
		TaskRoleName:     fmt.Sprintf("%s-%s-TaskRole", s.name(), declared.Name),
		Subnets:          net.InstanceSubnets(),
		LogRetentionDays: s.declared.LogRetentionDays,
		RetainLogs:       *s.declared.Production,
		LogKey:           s.logKey(stack),
		Unwatched:        s.unwatched(),
		Runbooks:         s.declared.Alarms.Runbooks,
		Resting:          s.declared.Sleeps,

		MigrationVariables: migrationVariables,
		MigrationSecrets:   migrationSecrets,
	}
}

// loadBalanced says whether a load balancer stands before the service.
func (s *stage) loadBalanced(declared spec.Service) bool {
	return declared.Public() &&
		(s.declared.Endpoint.Type == spec.ALB || s.declared.Endpoint.Caching != nil)
}

func (s *stage) addLogsOutput(stack awscdk.Stack, declared spec.Service, logs awslogs.ILogGroup) {
	output(stack, identifier(declared.Name)+"Logs", "Follows the output of service "+declared.Name,
		fmt.Sprintf("aws logs tail %s --follow --region %s", *logs.LogGroupName(), s.declared.Region))
}

func (s *stage) addServiceOutputs(stack awscdk.Stack, declared spec.Service, added service.EcsEc2Service, exec bool) {
	s.addLogsOutput(stack, declared, added.LogGroup())
	region := s.declared.Region
	s.serviceNames[declared.Name] = output(stack, identifier(declared.Name)+"ServiceName", "Name of service "+declared.Name+" in the cluster", *added.Service().ServiceName())
	if exec {
		output(stack, identifier(declared.Name)+"Exec", "Opens a shell in a running task of service "+declared.Name,
			fmt.Sprintf(`aws ecs execute-command --region %s --cluster %s --container %s --interactive --command /bin/sh --task "$(aws ecs list-tasks --region %s --cluster %s --service-name %s --query 'taskArns[0]' --output text)"`,
				region, *s.cluster.Cluster().ClusterName(), declared.Name,
				region, *s.cluster.Cluster().ClusterName(), *added.Service().ServiceName()))
	}
}

// image is what the service runs: the image it names; with a pipeline, what
// the pipeline built; otherwise what `cdk deploy` builds from the
// declaration's folder.
func (s *stage) image(scope constructs.Construct, declared spec.Service, tags map[string]string) awsecs.ContainerImage {
	switch {
	case declared.Image != "":
		return service.ExistingImage(scope, declared.Image)
	case s.app.Pipeline != nil:
		tag := tags[declared.Name]
		if tag == "" {
			tag = s.declared.Name
		}
		repository := delivery.ImportRepository(scope, jsii.String("Repository"), s.app.Pipeline.Account, s.app.Name, declared.Name)
		return awsecs.ContainerImage_FromEcrRepository(repository, &tag)
	default:
		return awsecs.ContainerImage_FromAsset(jsii.String(filepath.Join(s.app.Dir(), declared.Context)), &awsecs.AssetImageProps{
			File:     jsii.String(declared.Dockerfile),
			Platform: platform(s.declared.Scale.Instance),
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

// addEndpoint puts the declared kind of endpoint in front of the services that
// are neither internal nor workers. It has the same construct id whatever its
// kind, so that a stage can change from one to another.
func (s *stage) addEndpoint(stack awscdk.Stack, net network.Network, namespace awsservicediscovery.PrivateDnsNamespace, public []spec.Service) {
	id := jsii.String("Endpoint")
	declared := s.declared.Endpoint
	var target endpoint.Target
	var routes []endpoint.Route
	for _, service := range public {
		if service.Fallback() {
			target = s.target(service)
		} else {
			routes = append(routes, endpoint.Route{Subdomain: service.Subdomain, Path: service.Path, Target: s.target(service)})
		}
	}
	domain := endpoint.DomainProps{
		Name:        declared.Domain,
		HostedZone:  declared.HostedZone,
		Certificate: declared.Certificate,
		Routing:     declared.Routing,
	}
	switch {
	case declared.Type == spec.ALB:
		s.endpoint = endpoint.NewALB(stack, id, &endpoint.ALBProps{
			VPC:              net.VPC(),
			Subnets:          net.PublicSubnets(),
			Target:           target,
			Routes:           routes,
			Domain:           domain,
			RedirectFrom:     declared.RedirectFrom,
			StickySessions:   declared.StickySessions,
			IdleTimeout:      declared.IdleTimeout,
			Firewall:         declared.Firewall,
			BlueGreen:        declared.Deployment == spec.BlueGreen,
			Production:       s.declared.Removal == spec.RemovalRetain, // like the data: no canary is protected
			LogRetentionDays: s.declared.LogRetentionDays,
		})
	case declared.Caching != nil:
		s.endpoint = endpoint.NewCachedRESTAPI(stack, id, &endpoint.CachedRESTAPIProps{
			Name:               s.name(),
			VPC:                net.VPC(),
			Subnets:            net.PrivateSubnets(),
			Target:             target,
			Routes:             routes,
			Caching:            *declared.Caching,
			Domain:             domain,
			ClientCertificates: declared.ClientCertificates,
			APIKeys:            declared.APIKeys,
			Firewall:           declared.Firewall,
			Throttling:         declared.Throttling,
			LogRetentionDays:   s.declared.LogRetentionDays,
		})
	default:
		s.endpoint = endpoint.NewHTTPAPI(stack, id, &endpoint.HTTPAPIProps{
			Name:               s.name(),
			VPC:                net.VPC(),
			Subnets:            net.PrivateSubnets(),
			Namespace:          namespace,
			Target:             target,
			Routes:             routes,
			Domain:             domain,
			ClientCertificates: declared.ClientCertificates,
			CORS:               declared.CORS,
			JWT:                declared.JWT,
			Throttling:         declared.Throttling,
			LogRetentionDays:   s.declared.LogRetentionDays,
		})
	}
	s.addAddresses(stack)
	if rest, ok := s.endpoint.(endpoint.CachedRESTAPI); ok {
		for _, name := range slices.Sorted(maps.Keys(rest.APIKeys())) {
			output(stack, identifier(name)+"ApiKey", "Shows the API key of "+name,
				fmt.Sprintf("aws apigateway get-api-key --include-value --query value --output text --region %s --api-key %s", s.declared.Region, *rest.APIKeys()[name].KeyId()))
		}
	}
}

// addAddresses says where the stage is found.
func (s *stage) addAddresses(stack awscdk.Stack) {
	declared := s.declared.Endpoint
	s.url = output(stack, "URL", "Address of the stage", *s.endpoint.URL())
	if declared.Routing != nil {
		// What tests the stage must not be led to another.
		s.url = output(stack, "RegionalURL", "Address of this stage among those that share its domain", *s.endpoint.RegionalURL())
	}
	dnsTarget := func(id, name string, target *string) {
		if declared.Domain != "" && declared.HostedZone == nil {
			output(stack, id+"DNSTarget", "What the DNS record of "+name+" has to point to", *target)
		}
	}
	dnsTarget("", declared.Domain, s.endpoint.DNSTarget())
	for _, subdomain := range s.endpoint.Subdomains() {
		id := "Subdomain" + identifier(subdomain.Name)
		output(stack, id+"URL", "Address of the subdomain "+subdomain.Name, *subdomain.URL)
		dnsTarget(id, subdomain.Name+"."+declared.Domain, subdomain.DNSTarget)
	}
	if zone := declared.HostedZone; zone != nil && zone.Delegation != nil {
		output(stack, "HostedZone", "Zone of "+zone.Name+", which stays when the stage is deleted", *s.endpoint.HostedZoneID())
	}
}

// target is a service as the endpoint sees it.
func (s *stage) target(declared spec.Service) endpoint.Target {
	added := s.services[declared.Name]
	group := added.SecurityGroup()
	if group == nil {
		group = s.cluster.SecurityGroup()
	}
	return endpoint.Target{
		Service:       added.Service(),
		ContainerName: declared.Name,
		ContainerPort: declared.Port,
		SecurityGroup: group,
		HealthCheck:   declared.HealthCheck,
		StopTimeout:   declared.StopTimeout.Seconds(),
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

func output(stack awscdk.Stack, id, description, value string) awscdk.CfnOutput {
	return awscdk.NewCfnOutput(stack, &id, &awscdk.CfnOutputProps{Description: &description, Value: &value})
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
