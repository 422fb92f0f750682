package cost

// A resource type that templates can have is either billed, by a line of its
// type, or free, for a reason. To add a type: enter it here, and if it is
// billed add its line where the part is estimated (stage.go, database.go,
// network.go, endpoint.go, alarms.go, logs.go, pipeline.go) with Type and Count,
// by addEach where each costs so much a month. The tests compare the counts with the
// templates: a type that is entered and has no line yet fails them as soon as a
// template has it.

// billing is how a type is billed.
type billing struct {
	// how, in a few words.
	how string
	// price of one a month, for [sheet.addEach]; empty where it is more than
	// that.
	price string
}

// billed are the types that lines stand for.
var billed = map[string]billing{
	"AWS::ApiGateway::RestApi":                   {"by requests, and its cache by the hour", ""},
	"AWS::ApiGatewayV2::Api":                     {"by requests", ""},
	"AWS::ApplicationAutoScaling::ScalingPolicy": {"the alarms that it makes", ""},
	"AWS::AutoScaling::AutoScalingGroup":         {"instances by the hour, and their volumes", ""},
	"AWS::CloudWatch::Alarm":                     {"by the metrics that it watches", ""},
	"AWS::CloudWatch::CompositeAlarm":            {"by the month", "composite-alarm"},
	"AWS::CloudWatch::Dashboard":                 {"by the month, beyond the first three of an account", "dashboard"},
	"AWS::CodeBuild::Project":                    {"by the minute", ""},
	"AWS::CodePipeline::Pipeline":                {"by the minute of its actions", ""},
	"AWS::EC2::EIP":                              {"public IPv4 addresses by the hour", ""},
	"AWS::EC2::Instance":                         {"by the hour, and its volume", ""},
	"AWS::EC2::NatGateway":                       {"by the hour and the GB", ""},
	"AWS::EC2::VPCEndpoint":                      {"interface endpoints by the hour and the GB; gateway endpoints are free", ""},
	"AWS::ECR::Repository":                       {"by the GB kept", ""},
	"AWS::ElasticLoadBalancingV2::LoadBalancer":  {"by the hour and the capacity unit", ""},
	"AWS::KMS::Key":                              {"by the month", "kms-key"},
	"AWS::Lambda::Function":                      {"by the requests and their time", ""},
	"AWS::Logs::LogGroup":                        {"by the GB written and kept", ""},
	"AWS::RDS::DBInstance":                       {"by the hour, and its storage", ""},
	"AWS::Route53::HealthCheck":                  {"by the month", "health-check"},
	"AWS::Route53::HostedZone":                   {"by the month", "zone"},
	"AWS::S3::Bucket":                            {"by the GB kept", ""},
	"AWS::SNS::Topic":                            {"by the messages", ""},
	"AWS::SQS::Queue":                            {"by the requests", ""},
	"AWS::Scheduler::Schedule":                   {"by the runs", ""},
	"AWS::SecretsManager::Secret":                {"by the month", "secret"},
	"AWS::ServiceDiscovery::PrivateDnsNamespace": {"its private hosted zone by the month", "zone"},
	"AWS::WAFv2::WebACLAssociation":              {"by the requests", ""},
}

// gratis are the types that cost nothing by themselves.
var gratis = map[string]string{
	"AWS::ApiGateway::Account":                         "a setting",
	"AWS::ApiGateway::ApiKey":                          "",
	"AWS::ApiGateway::BasePathMapping":                 "",
	"AWS::ApiGateway::Deployment":                      "",
	"AWS::ApiGateway::DomainName":                      "",
	"AWS::ApiGateway::Method":                          "",
	"AWS::ApiGateway::RequestValidator":                "",
	"AWS::ApiGateway::Resource":                        "",
	"AWS::ApiGateway::Stage":                           "its cache is billed with the API",
	"AWS::ApiGateway::UsagePlan":                       "",
	"AWS::ApiGateway::UsagePlanKey":                    "",
	"AWS::ApiGateway::VpcLink":                         "",
	"AWS::ApiGatewayV2::ApiMapping":                    "",
	"AWS::ApiGatewayV2::Authorizer":                    "",
	"AWS::ApiGatewayV2::DomainName":                    "",
	"AWS::ApiGatewayV2::Integration":                   "",
	"AWS::ApiGatewayV2::Route":                         "",
	"AWS::ApiGatewayV2::Stage":                         "",
	"AWS::ApiGatewayV2::VpcLink":                       "",
	"AWS::ApplicationAutoScaling::ScalableTarget":      "",
	"AWS::AutoScaling::LifecycleHook":                  "",
	"AWS::AutoScaling::ScalingPolicy":                  "its alarms are alarms",
	"AWS::CDK::Metadata":                               "no resource",
	"AWS::CertificateManager::Certificate":             "public certificates are free",
	"AWS::Chatbot::SlackChannelConfiguration":          "",
	"AWS::CloudFormation::CustomResource":              "its function is billed",
	"AWS::CloudFormation::Stack":                       "what is in it is billed",
	"AWS::CodePipeline::Webhook":                       "",
	"AWS::CodeStarNotifications::NotificationRule":     "",
	"AWS::EC2::FlowLog":                                "what it writes is billed as logs",
	"AWS::EC2::InternetGateway":                        "",
	"AWS::EC2::LaunchTemplate":                         "",
	"AWS::EC2::Route":                                  "",
	"AWS::EC2::RouteTable":                             "",
	"AWS::EC2::SecurityGroup":                          "",
	"AWS::EC2::SecurityGroupEgress":                    "",
	"AWS::EC2::SecurityGroupIngress":                   "",
	"AWS::EC2::Subnet":                                 "",
	"AWS::EC2::SubnetRouteTableAssociation":            "",
	"AWS::EC2::VPC":                                    "",
	"AWS::EC2::VPCGatewayAttachment":                   "",
	"AWS::EC2::VPCPeeringConnection":                   "",
	"AWS::ECS::CapacityProvider":                       "the alarms of managed scaling are billed",
	"AWS::ECS::Cluster":                                "Container Insights are billed as metrics",
	"AWS::ECS::ClusterCapacityProviderAssociations":    "",
	"AWS::ECS::Service":                                "on EC2, instances are billed",
	"AWS::ECS::TaskDefinition":                         "",
	"AWS::ElasticLoadBalancingV2::Listener":            "",
	"AWS::ElasticLoadBalancingV2::ListenerCertificate": "",
	"AWS::ElasticLoadBalancingV2::ListenerRule":        "beyond ten they use capacity units",
	"AWS::ElasticLoadBalancingV2::TargetGroup":         "",
	"AWS::Events::EventBusPolicy":                      "",
	"AWS::Events::Rule":                                "events of AWS services are free",
	"AWS::IAM::InstanceProfile":                        "",
	"AWS::IAM::ManagedPolicy":                          "",
	"AWS::IAM::Policy":                                 "",
	"AWS::IAM::Role":                                   "",
	"AWS::KMS::Alias":                                  "",
	"AWS::Lambda::EventInvokeConfig":                   "",
	"AWS::Lambda::Permission":                          "",
	"AWS::Logs::LogStream":                             "",
	"AWS::Logs::MetricFilter":                          "its metrics are billed",
	"AWS::Logs::QueryDefinition":                       "",
	"AWS::Logs::ResourcePolicy":                        "",
	"AWS::Logs::SubscriptionFilter":                    "",
	"AWS::RDS::DBParameterGroup":                       "",
	"AWS::RDS::DBSubnetGroup":                          "",
	"AWS::Route53::RecordSet":                          "aliases of AWS resources are free",
	"AWS::S3::BucketPolicy":                            "",
	"AWS::SNS::Subscription":                           "its messages are billed with the topic",
	"AWS::SNS::TopicInlinePolicy":                      "",
	"AWS::SNS::TopicPolicy":                            "",
	"AWS::SQS::QueuePolicy":                            "",
	"AWS::SSM::Parameter":                              "standard parameters are free",
	"AWS::SecretsManager::ResourcePolicy":              "",
	"AWS::SecretsManager::RotationSchedule":            "its function is billed",
	"AWS::SecretsManager::SecretTargetAttachment":      "",
	"AWS::ServiceDiscovery::Service":                   "what ECS registers is free",
	"Custom::CrossAccountZoneDelegation":               "its function is billed",
	"Custom::Migration":                                "its function is billed",
}

// Covers says whether the package knows what a resource type costs, or that it
// costs nothing.
func Covers(resourceType string) bool {
	_, paid := billed[resourceType]
	_, free := gratis[resourceType]
	return paid || free
}

// Counts is how many resources of each billed type the lines of a part stand
// for.
func (p Part) Counts() map[string]int {
	counts := map[string]int{}
	for _, line := range p.Lines {
		if _, ok := billed[line.Type]; ok && line.Count > 0 {
			counts[line.Type] += line.Count
		}
	}
	return counts
}

// Billed says whether resources of a type are billed by themselves.
func Billed(resourceType string) bool { _, ok := billed[resourceType]; return ok }

// addEach puts down so many resources of a type that is billed by the month.
func (s *sheet) addEach(resourceType string, count int, resource, detail string) {
	s.add(Line{Resource: resource, Detail: detail, Type: resourceType, Count: count, Kind: Fixed}, num(count), priceOf(billed[resourceType].price))
}

// nameFree names something that nobody pays for.
func (s *sheet) nameFree(resource string) {
	s.lines = append(s.lines, Line{Resource: resource, Kind: Free, Price: Dollars(dec("0")), Monthly: Dollars(dec("0"))})
}

// addFree names what a stage has and nobody pays for.
func (s *stage) addFree() {
	name := func(there bool, resource string) {
		if there {
			s.nameFree(resource)
		}
	}
	kind, endpoint, db := s.endpointKind(), s.declared.Endpoint, s.declared.Database
	name(s.ownNetwork(), "VPC, subnets, routes and security groups")
	name(true, "ECS cluster, services and task definitions")
	name(true, "IAM roles")
	name(kind == httpAPI || kind == restAPI, "VPC link")
	name(kind == balancer || kind == restAPI, "listeners and target groups")
	name(kind != noEndpoint && endpoint.Domain != "" && endpoint.Certificate == "", "certificate")
	name(kind != noEndpoint && endpoint.HostedZone != nil, "DNS records, and the queries for them: they are aliases")
	name(kind == restAPI && len(endpoint.APIKeys) > 0, "API keys")
	name(s.newDatabase() && *db.DatabaseInsights, "Database Insights of seven days")
	name(db != nil && db.Tunnel, "tunnel to the database")
}
