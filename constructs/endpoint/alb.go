package endpoint

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// ALBProps says what load balancer is wanted.
type ALBProps struct {
	// VPC of the target. Required.
	VPC awsec2.IVpc

	// Subnets of the load balancer, in at least two availability zones, with
	// a route to an internet gateway. Default: the public ones.
	Subnets *awsec2.SubnetSelection

	// Target that is served. Required.
	Target Target

	// Routes send some paths and subdomains to other services. Default: none:
	// Target gets every request.
	Routes []Route

	// Domain of the load balancer. With one it serves HTTPS and redirects
	// HTTP to it. Default: HTTP only, under the address that AWS gives it:
	// there is no certificate for that.
	Domain DomainProps

	// RedirectFrom lists up to 5 other host names, in the hosted zone if there
	// is one, that answer with a redirect to the same path of Domain.
	// Default: none.
	RedirectFrom []string

	// StickySessions is how long a client keeps being sent to the same task,
	// by a cookie. Default: any task gets any request.
	StickySessions spec.Duration

	// IdleTimeout is how long a connection may be silent. Default: a minute.
	IdleTimeout spec.Duration

	// Firewall is the ARN of a regional AWS WAF web ACL. Default: none.
	Firewall string

	// BlueGreen deploys the service by starting all new tasks in a second
	// target group, and moving all requests there at once; the old tasks are
	// kept for 15 minutes, to move back to if an alarm of the service's
	// deployments is raised. Default: false: a rolling update.
	BlueGreen bool

	// LogRetentionDays of the access logs. Default: [spec.DefaultLogRetentionDays].
	LogRetentionDays int

	// Production turns on deletion protection. It must be turned off, and
	// that deployed, before the load balancer can be deleted or its kind
	// changed. Default: false.
	Production bool
}

// ALB is an internet-facing Application Load Balancer in front of a service.
type ALB interface {
	Endpoint
	// LoadBalancer is the load balancer.
	LoadBalancer() elb.IApplicationLoadBalancer
	// Listener that serves: HTTPS if there is a domain, otherwise HTTP.
	Listener() elb.IApplicationListener
	// TargetGroup in which ECS registers the tasks of Target.
	TargetGroup() elb.IApplicationTargetGroup
	// AlternateTargetGroup takes turns with it in blue/green deployments; nil
	// otherwise.
	AlternateTargetGroup() elb.IApplicationTargetGroup
	// SecurityGroup of the load balancer.
	SecurityGroup() awsec2.ISecurityGroup
	// AccessLogBucket holds the access logs.
	AccessLogBucket() awss3.IBucket
}

type alb struct {
	constructs.Construct
	address  address
	balancer elb.ApplicationLoadBalancer
	listener elb.ApplicationListener
	groups   targetGroups
	// containers whose tasks are in groups.
	containers []string
	// green takes turns with the first of groups in blue/green deployments.
	green    elb.ApplicationTargetGroup
	security awsec2.SecurityGroup
	logs     awss3.Bucket
	// world is whoever may ask: everybody.
	world awsec2.IPeer
	// dnsName is what AWS calls the load balancer.
	dnsName string
	// metrics are the names by which CloudWatch knows all of it.
	metrics monitor.Names
}

// NewALB makes an internet-facing load balancer that passes every request on
// to the healthy tasks of a service.
//
// It panics with all problems of the props if there are any.
func NewALB(scope constructs.Construct, id *string, props *ALBProps) ALB {
	in := placeOf(scope)
	target, targetErr := props.Target.resolve()
	routes, routesErr := resolveRoutes(props.Routes, target)
	_, declaredErr := complete(in, props.Domain.addTo(spec.Endpoint{
		Type: spec.ALB, RedirectFrom: props.RedirectFrom, StickySessions: props.StickySessions, IdleTimeout: props.IdleTimeout, Firewall: props.Firewall,
	}))
	check(id, requireVPC(props.VPC), targetErr, routesErr, declaredErr)

	e := &alb{}
	constructs.NewConstruct_Override(e, scope, id)
	kind := constructs.NewConstruct(e, jsii.String(idALB))
	e.security = newBalancerSecurityGroup(kind, props.VPC, "Load balancer: HTTP and HTTPS from anywhere")
	balancer := &elb.ApplicationLoadBalancerProps{
		Vpc:                     props.VPC,
		VpcSubnets:              publicSubnets(props.Subnets),
		InternetFacing:          jsii.Bool(true),
		SecurityGroup:           e.security,
		DropInvalidHeaderFields: jsii.Bool(true),
		DeletionProtection:      jsii.Bool(props.Production),
	}
	if props.IdleTimeout > 0 {
		balancer.IdleTimeout = awscdk.Duration_Seconds(jsii.Number(props.IdleTimeout.Seconds()))
	}
	e.balancer = elb.NewApplicationLoadBalancer(kind, jsii.String("LoadBalancer"), balancer)
	e.addAccessLogs(in, kind, observability.Retention(props.LogRetentionDays))
	e.groups = newTargetGroups(in, kind, props.VPC, target, routes, props.StickySessions, props.BlueGreen)
	e.containers = containers(target, routes)
	if props.BlueGreen {
		e.green = target.newGroup(kind, "AlternateTargetGroup", props.VPC, props.StickySessions)
	}

	// The listener of port 80 is one resource with and without a domain: two
	// could not have the port at once while one replaces the other.
	forward := elb.ListenerAction_Forward(&[]elb.IApplicationTargetGroup{e.groups[0]}, nil)
	plain := forward
	if props.Domain.declared() {
		plain = elb.ListenerAction_Redirect(&elb.RedirectOptions{
			Protocol:  jsii.String("HTTPS"),
			Port:      jsii.String("443"),
			Permanent: jsii.Bool(true),
		})
	}
	e.world = awsec2.Peer_AnyIpv4()
	e.listener = e.addListener("HttpListener", 80, elb.BaseApplicationListenerProps{DefaultAction: plain})
	e.dnsName = *e.balancer.LoadBalancerDnsName()
	e.address.url = jsii.String("http://" + e.dnsName)
	e.address.regionalURL = e.address.url
	if props.Domain.declared() {
		names := newHostNames(e, props.Domain, append(props.Domain.namesUnder(subdomainsOf(routes)), props.RedirectFrom...)...)
		names.addHealthCheck()
		// A target group without tasks makes a whole load balancer count as
		// unhealthy: one that waits for a blue/green deployment, or that of a
		// service which is scaled to zero. Where there can be such a group,
		// Route 53 does not ask.
		names.evaluate = len(e.groups) == 1 && !props.BlueGreen
		e.address.certificate, e.address.zoneID = names.certificate, names.made
		e.listener = e.addListener("HttpsListener", 443, elb.BaseApplicationListenerProps{
			Certificates:  &[]elb.IListenerCertificate{elb.ListenerCertificate_FromCertificateManager(e.address.certificate)},
			SslPolicy:     elb.SslPolicy_TLS13_RES,
			DefaultAction: forward,
		})
		alias := aliasTarget{
			dnsName:      jsii.String("dualstack." + e.dnsName),
			hostedZoneID: e.balancer.LoadBalancerCanonicalHostedZoneId(),
			after:        services(target, routes),
		}
		e.addNames(names, subdomainsOf(routes), alias)
		e.addRedirects(kind, names, props, alias)
	}
	e.groups.addRules(e.listener, routes, props.Domain)
	if props.BlueGreen {
		e.addBlueGreen(in, kind, target)
	}
	target.allowFromLoadBalancer(e.security)
	for _, route := range routes {
		route.target.allowFromLoadBalancer(e.security)
	}
	addFirewall(kind, props.Firewall, e.balancer.LoadBalancerArn)
	e.metrics = e.groups.names(e.balancer, e.containers)
	if e.green != nil {
		e.metrics[monitor.RefAlternate(e.containers[0])] = *e.green.TargetGroupFullName()
	}
	acknowledge.All(e.security, acknowledge.Finding{Rule: "AwsSolutions-EC23", Reason: "A public web server takes requests from anywhere, on ports 80 and 443 only."})
	return e
}

func (e *alb) URL() *string                                    { return e.address.url }
func (e *alb) HostedZoneID() *string                           { return e.address.zoneID }
func (e *alb) RegionalURL() *string                            { return e.address.regionalURL }
func (e *alb) Subdomains() []Subdomain                         { return slices.Clone(e.address.subdomains) }
func (e *alb) Domain() *string                                 { return e.address.domain }
func (e *alb) DNSTarget() *string                              { return e.address.dnsTarget }
func (e *alb) Certificate() awscertificatemanager.ICertificate { return e.address.certificate }
func (e *alb) LoadBalancer() elb.IApplicationLoadBalancer      { return e.balancer }
func (e *alb) Listener() elb.IApplicationListener              { return e.listener }
func (e *alb) TargetGroup() elb.IApplicationTargetGroup        { return e.groups[0] }
func (e *alb) SecurityGroup() awsec2.ISecurityGroup            { return e.security }
func (e *alb) AccessLogBucket() awss3.IBucket                  { return e.logs }

// ErrorMetric5xx adds up what the tasks and what the load balancer answered.
// Each is absent, not zero, where there was none.
func (e *alb) ErrorMetric5xx() awscloudwatch.IMetric {
	metrics := e.balancer.Metrics()
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String("FILL(tasks, 0) + FILL(balancer, 0)"),
		Label:      jsii.String("5xx"),
		UsingMetrics: &map[string]awscloudwatch.IMetric{
			"tasks":    metrics.HttpCodeTarget(elb.HttpCodeTarget_TARGET_5XX_COUNT, nil),
			"balancer": metrics.HttpCodeElb(elb.HttpCodeElb_ELB_5XX_COUNT, nil),
		},
	})
}

func (e *alb) RequestMetric() awscloudwatch.IMetric {
	return e.balancer.Metrics().RequestCount(nil)
}

func (e *alb) LatencyMetric(statistic string) awscloudwatch.IMetric {
	return e.balancer.Metrics().TargetResponseTime(&awscloudwatch.MetricOptions{Statistic: &statistic})
}

// UnhealthyTargetsMetric counts in both groups where they take turns: one of
// them is empty, and then absent, most of the time.
func (e *alb) UnhealthyTargetsMetric() awscloudwatch.IMetric {
	if e.green == nil {
		return e.groups.unhealthy()
	}
	return append(targetGroups{e.green}, e.groups...).unhealthy()
}

func (e *alb) AlternateTargetGroup() elb.IApplicationTargetGroup {
	if e.green == nil {
		return nil // not an interface that holds nil
	}
	return e.green
}

// addNames points the domain and its subdomains to the load balancer.
func (e *alb) addNames(names *hostNames, subdomains []string, alias aliasTarget) {
	names.addRecords("", names.Name, true, alias)
	e.address.domain = &names.Name
	e.address.dnsTarget = &e.dnsName
	e.address.url = jsii.String("https://" + names.Name)
	e.address.regionalURL = e.address.url
	if names.Routing != nil {
		names.addRecords("Regional", names.Routing.RegionalDomain, false, alias)
		e.address.regionalURL = jsii.String("https://" + names.Routing.RegionalDomain)
	}
	for _, subdomain := range subdomains {
		name := names.under(subdomain)
		names.addRecords("-"+subdomain, name, true, alias)
		e.address.subdomains = append(e.address.subdomains, Subdomain{
			Name: subdomain, URL: jsii.String("https://" + name), Domain: &name, DNSTarget: e.address.dnsTarget,
		})
	}
}

// addRedirects sends the other host names to the domain.
func (e *alb) addRedirects(scope constructs.Construct, names *hostNames, props *ALBProps, alias aliasTarget) {
	if len(props.RedirectFrom) == 0 {
		return
	}
	e.listener.AddAction(jsii.String("Redirect"), &elb.AddApplicationActionProps{
		Priority:   jsii.Number(redirectPriority),
		Conditions: &[]elb.ListenerCondition{elb.ListenerCondition_HostHeaders(jsii.Strings(props.RedirectFrom...))},
		Action:     elb.ListenerAction_Redirect(&elb.RedirectOptions{Host: &props.Domain.Name, Permanent: jsii.Bool(true)}),
	})
	for _, name := range props.RedirectFrom {
		names.addRecord(scope, "AliasRecord-"+name, name, "A", true, alias)
	}
}

// addFirewall puts a web ACL before a load balancer or the stage of a REST API.
func addFirewall(scope constructs.Construct, firewall string, arn func() *string) {
	if firewall != "" {
		awswafv2.NewCfnWebACLAssociation(scope, jsii.String("Firewall"), &awswafv2.CfnWebACLAssociationProps{
			ResourceArn: arn(),
			WebAclArn:   &firewall,
		})
	}
}

// addListener opens a port to the world and serves it.
func (e *alb) addListener(id string, port int, props elb.BaseApplicationListenerProps) elb.ApplicationListener {
	props.Port = jsii.Number(port)
	props.Open = jsii.Bool(false)
	e.security.AddIngressRule(e.world, awsec2.Port_Tcp(props.Port), jsii.String("The world"), nil)
	return e.balancer.AddListener(&id, &props)
}

// addAccessLogs keeps the access logs in a bucket. The bucket stays when the
// load balancer goes, because CloudFormation does not delete one that holds
// anything; its contents expire.
func (e *alb) addAccessLogs(in place, scope constructs.Construct, days int) {
	e.logs = awss3.NewBucket(scope, jsii.String("AccessLogBucket"), &awss3.BucketProps{
		// The only encryption that load balancers can deliver to.
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		EnforceSSL:        jsii.Bool(true),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		RemovalPolicy:     awscdk.RemovalPolicy_RETAIN,
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Id:                                  jsii.String("Expire"),
			Expiration:                          awscdk.Duration_Days(jsii.Number(days)),
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(1)),
		}},
	})
	acknowledge.All(e.logs, acknowledge.Finding{Rule: "AwsSolutions-S1", Reason: "This bucket holds access logs; logs of the access to them would need another such bucket."})
	// The CDK's own method allows the account that delivered logs in each
	// region before there was this principal, and cannot know it in a stack
	// without a region.
	e.logs.AddToResourcePolicy(awsiam.PolicyStatement_FromJson(map[string]any{
		"Sid":       "LoadBalancerLogDelivery",
		"Effect":    "Allow",
		"Principal": map[string]any{"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
		"Action":    "s3:PutObject",
		"Resource":  *e.logs.ArnForObjects(jsii.String("AWSLogs/" + in.account + "/*")),
	}))
	e.balancer.SetAttribute(jsii.String("access_logs.s3.enabled"), jsii.String("true"))
	e.balancer.SetAttribute(jsii.String("access_logs.s3.bucket"), e.logs.BucketName())
	// A load balancer tries the bucket when logging is turned on.
	e.balancer.Node().AddDependency(e.logs.Policy())
}

// newBalancerSecurityGroup lets nothing in or out but what is added to it.
func newBalancerSecurityGroup(scope constructs.Construct, vpc awsec2.IVpc, description string) awsec2.SecurityGroup {
	return awsec2.NewSecurityGroup(scope, jsii.String("LoadBalancerSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              vpc,
		Description:      &description,
		AllowAllOutbound: jsii.Bool(false),
	})
}

func publicSubnets(selection *awsec2.SubnetSelection) *awsec2.SubnetSelection {
	if selection == nil {
		return &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PUBLIC}
	}
	return selection
}
