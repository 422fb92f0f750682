package endpoint

import (
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsautoscaling"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsservicediscovery"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/spec"
)

const containerPort, adminPort = 8080, 9090

// fixture is a stack with a service that an endpoint can be put before.
type fixture struct {
	app       awscdk.App
	stack     awscdk.Stack
	vpc       awsec2.IVpc
	namespace awsservicediscovery.PrivateDnsNamespace
	target    Target
	routes    []Route
}

// options of a fixture; the zero value is the usual one.
type options struct {
	// regionless leaves account and region to the deployment.
	regionless bool
	// awsvpc gives each task an address and a security group of its own.
	awsvpc bool
	// unknownGroup leaves the instances' security group out of the cluster's
	// connections, as the CDK does by itself.
	unknownGroup bool
	// several makes a second service, which is served under /admin.
	several bool
	// subdomain makes two more, which are served under the subdomain news and
	// its path /old.
	subdomain bool
	// tasks is the desired number. Default: 0.
	tasks int
}

func newFixture(t testing.TB, o options) *fixture {
	return newFixtureIn(synthtest.NewApp(t), "Test", o)
}

func newFixtureIn(app awscdk.App, name string, o options) *fixture {
	f := &fixture{app: app}
	if o.regionless {
		f.stack = awscdk.NewStack(f.app, &name, nil)
	} else {
		f.stack = synthtest.Stack(f.app, name)
	}
	f.vpc = awsec2.Vpc_FromVpcAttributes(f.stack, jsii.String("Vpc"), &awsec2.VpcAttributes{
		VpcId:                      jsii.String("vpc-0123456789abcdef0"),
		VpcCidrBlock:               jsii.String("10.0.0.0/16"),
		AvailabilityZones:          jsii.Strings("us-east-1a", "us-east-1b"),
		PublicSubnetIds:            jsii.Strings("subnet-00000000000000001", "subnet-00000000000000002"),
		PublicSubnetRouteTableIds:  jsii.Strings("rtb-00000000000000001", "rtb-00000000000000001"),
		PrivateSubnetIds:           jsii.Strings("subnet-00000000000000003", "subnet-00000000000000004"),
		PrivateSubnetRouteTableIds: jsii.Strings("rtb-00000000000000002", "rtb-00000000000000002"),
	})
	f.namespace = awsservicediscovery.NewPrivateDnsNamespace(f.stack, jsii.String("Namespace"), &awsservicediscovery.PrivateDnsNamespaceProps{
		Name: jsii.String("test.internal"),
		Vpc:  f.vpc,
	})
	instances := awsec2.NewSecurityGroup(f.stack, jsii.String("Instances"), &awsec2.SecurityGroupProps{
		Vpc:         f.vpc,
		Description: jsii.String("Container instances"),
	})
	cluster := f.newCluster(instances, o)
	f.target = f.newTarget(cluster, instances, o, "", "web", containerPort)
	if o.several {
		f.routes = []Route{{Path: "/admin", Target: f.newTarget(cluster, instances, o, "Admin", "admin", adminPort)}}
	}
	if o.subdomain {
		f.routes = append(f.routes,
			Route{Subdomain: "news", Path: "/old", Target: f.newTarget(cluster, instances, o, "Old", "old", 9093)},
			Route{Subdomain: "news", Target: f.newTarget(cluster, instances, o, "News", "news", 9092)})
	}
	return f
}

// newTarget makes a service with one container.
func (f *fixture) newTarget(cluster awsecs.Cluster, instances awsec2.SecurityGroup, o options, suffix, name string, port int) Target {
	id := func(id string) *string { return jsii.String(id + suffix) }
	taskID, mode := "Task", awsecs.NetworkMode_BRIDGE
	if o.awsvpc {
		taskID, mode = "AwsvpcTask", awsecs.NetworkMode_AWS_VPC
	}
	task := awsecs.NewEc2TaskDefinition(f.stack, id(taskID), &awsecs.Ec2TaskDefinitionProps{NetworkMode: mode})
	task.AddContainer(&name, &awsecs.ContainerDefinitionOptions{
		Image:                awsecs.ContainerImage_FromRegistry(jsii.String("public.ecr.aws/docker/library/httpd:2.4"), nil),
		MemoryReservationMiB: jsii.Number(128),
		PortMappings:         &[]*awsecs.PortMapping{{ContainerPort: jsii.Number(port)}},
		Logging:              awsecs.LogDrivers_AwsLogs(&awsecs.AwsLogDriverProps{StreamPrefix: &name}),
	})
	props := &awsecs.Ec2ServiceProps{
		Cluster:           cluster,
		TaskDefinition:    task,
		DesiredCount:      jsii.Number(o.tasks),
		MinHealthyPercent: jsii.Number(100),
		MaxHealthyPercent: jsii.Number(200),
		CircuitBreaker:    &awsecs.DeploymentCircuitBreaker{Rollback: jsii.Bool(true)},
	}
	group := instances
	if o.awsvpc {
		group = awsec2.NewSecurityGroup(f.stack, id("Tasks"), &awsec2.SecurityGroupProps{
			Vpc:         f.vpc,
			Description: jsii.String("Tasks"),
		})
		props.SecurityGroups = &[]awsec2.ISecurityGroup{group}
		props.VpcSubnets = &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS}
	}
	service := awsecs.NewEc2Service(f.stack, id("Service"), props)
	service.Node().AddDependency(cluster)
	acknowledge.Rule(task, "AwsSolutions-ECS2", "A fixture of a test.")
	return Target{Service: service, SecurityGroup: group}
}

func (f *fixture) newCluster(instances awsec2.SecurityGroup, o options) awsecs.Cluster {
	cluster := awsecs.NewCluster(f.stack, jsii.String("Cluster"), &awsecs.ClusterProps{
		Vpc:                 f.vpc,
		ContainerInsightsV2: awsecs.ContainerInsights_ENABLED,
	})
	role := awsiam.NewRole(f.stack, jsii.String("InstanceRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("ec2.amazonaws.com"), nil),
	})
	scaling := awsautoscaling.NewAutoScalingGroup(f.stack, jsii.String("Group"), &awsautoscaling.AutoScalingGroupProps{
		Vpc: f.vpc,
		LaunchTemplate: awsec2.NewLaunchTemplate(f.stack, jsii.String("Template"), &awsec2.LaunchTemplateProps{
			InstanceType:  awsec2.NewInstanceType(jsii.String("t3.micro")),
			MachineImage:  awsecs.EcsOptimizedImage_AmazonLinux2023(awsecs.AmiHardwareType_STANDARD, nil),
			SecurityGroup: instances,
			Role:          role,
			HttpTokens:    awsec2.LaunchTemplateHttpTokens_REQUIRED,
			UserData:      awsec2.UserData_ForLinux(nil),
			BlockDevices: &[]*awsec2.BlockDevice{{
				DeviceName: jsii.String("/dev/xvda"),
				Volume:     awsec2.BlockDeviceVolume_Ebs(jsii.Number(30), &awsec2.EbsDeviceOptions{Encrypted: jsii.Bool(true)}),
			}},
		}),
	})
	provider := awsecs.NewAsgCapacityProvider(f.stack, jsii.String("Provider"), &awsecs.AsgCapacityProviderProps{
		AutoScalingGroup:                   scaling,
		EnableManagedScaling:               jsii.Bool(false),
		EnableManagedTerminationProtection: jsii.Bool(false),
		EnableManagedDraining:              jsii.Bool(true),
	})
	cluster.AddAsgCapacityProvider(provider, nil)
	if !o.unknownGroup {
		cluster.Connections().AddSecurityGroup(instances)
	}
	acknowledge.Policy(role, "A fixture of a test.")
	acknowledge.Rule(scaling, "AwsSolutions-AS3", "A fixture of a test.")
	return cluster
}

var (
	zone      = &spec.HostedZone{ID: "Z0123456789ABCDEFGHIJ", Name: "example.com"}
	ownDomain = DomainProps{Name: "api.example.com", HostedZone: zone}
	caching   = spec.Caching{
		Size: 1.6,
		TTL:  spec.Duration(time.Minute),
		Paths: []spec.CachedPath{
			{Path: "/", Query: &[]string{}},
			{Path: "/items", Query: &[]string{"page", "sort"}, Headers: []string{"Accept-Language"}},
			{Path: "/items/{id}", Query: &[]string{}},
			{Path: "/users/{name}/posts", Query: &[]string{"since"}},
		},
	}
)

// Every kind is made under this id, as somebody does who changes the kind.
const endpointID = "Endpoint"

func (f *fixture) addHTTPAPI(domain DomainProps) HTTPAPI {
	return NewHTTPAPI(f.stack, jsii.String(endpointID), &HTTPAPIProps{
		Name: "shop-dev", VPC: f.vpc, Namespace: f.namespace, Target: f.target, Routes: f.routes, Domain: domain,
	})
}

func (f *fixture) addCachedRESTAPI(domain DomainProps) CachedRESTAPI {
	return NewCachedRESTAPI(f.stack, jsii.String(endpointID), &CachedRESTAPIProps{
		Name: "shop-dev", VPC: f.vpc, Target: f.target, Routes: f.routes, Domain: domain, Caching: caching,
	})
}

func (f *fixture) addALB(domain DomainProps) ALB {
	return NewALB(f.stack, jsii.String(endpointID), &ALBProps{VPC: f.vpc, Target: f.target, Routes: f.routes, Domain: domain})
}

// kinds of endpoint, and domains it can have.
var (
	kinds = map[string]func(*fixture, DomainProps) Endpoint{
		"http-api": func(f *fixture, domain DomainProps) Endpoint { return f.addHTTPAPI(domain) },
		"rest-api": func(f *fixture, domain DomainProps) Endpoint { return f.addCachedRESTAPI(domain) },
		"alb":      func(f *fixture, domain DomainProps) Endpoint { return f.addALB(domain) },
	}
	domains = map[string]DomainProps{"no-domain": {}, "domain": ownDomain}
)
