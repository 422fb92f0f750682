package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/snapshot"
)

// The types that a picture of a stage is made of.
const (
	typeHTTPAPI      = "AWS::ApiGatewayV2::Api"
	typeRESTAPI      = "AWS::ApiGateway::RestApi"
	typeLoadBalancer = "AWS::ElasticLoadBalancingV2::LoadBalancer"
	typeListener     = "AWS::ElasticLoadBalancingV2::Listener"
	typeListenerRule = "AWS::ElasticLoadBalancingV2::ListenerRule"
	typeTargetGroup  = "AWS::ElasticLoadBalancingV2::TargetGroup"
	typeService      = "AWS::ECS::Service"
	typeDistribution = "AWS::CloudFront::Distribution"
	typeGroup        = "AWS::AutoScaling::AutoScalingGroup"
	typeTask         = "AWS::ECS::TaskDefinition"
	typeVPCEndpoint  = "AWS::EC2::VPCEndpoint"
)

// stores are the types that hold what services work with, and their kinds.
var stores = map[string]string{
	"AWS::RDS::DBInstance":               "Postgres",
	"AWS::RDS::DBCluster":                "database",
	"AWS::RDS::DBProxy":                  "database proxy",
	"AWS::ElastiCache::ReplicationGroup": "cache",
	"AWS::ElastiCache::ServerlessCache":  "cache",
	"AWS::ElastiCache::CacheCluster":     "cache",
	"AWS::EFS::FileSystem":               "file system",
	"AWS::S3::Bucket":                    "bucket",
	"AWS::SQS::Queue":                    "queue",
	"AWS::SNS::Topic":                    "topic",
	"AWS::DynamoDB::Table":               "table",
}

// exits are the types that a route can lead to.
var exits = map[string]string{
	"AWS::EC2::NatGateway":                "NAT gateway",
	"AWS::EC2::Instance":                  "NAT instance",
	"AWS::EC2::NetworkInterface":          "NAT instance",
	"AWS::EC2::InternetGateway":           "internet gateway",
	"AWS::EC2::EgressOnlyInternetGateway": "internet gateway",
}

// topology draws a stage from its templates.
type topology struct {
	*templates
	Picture
	ids  map[at]string // of the nodes that stand for resources
	hide func(string) string
}

// topologyOf draws the stage of that name. Images are shortened, so what is to be
// hidden is hidden before that.
func topologyOf(name string, stacks []*snapshot.Stack, hide func(string) string) Picture {
	t := topology{newTemplates(stacks), Picture{Title: "What stage " + name + " consists of, and who calls whom"}, map[at]string{}, hide}
	t.services()
	t.endpoints()
	t.stores()
	t.internal()
	t.exits()
	return t.Picture
}

// add draws a node once, and returns its ID.
func (t *topology) add(a at, node Node) string {
	if id, ok := t.ids[a]; ok {
		return id
	}
	node.ID = fmt.Sprintf("n%d", len(t.Nodes))
	t.ids[a] = node.ID
	t.Nodes = append(t.Nodes, node)
	return node.ID
}

// place is a node that stands for no single resource.
func (t *topology) place(name string, node Node) string { return t.add(at{"", name}, node) }

func (t *topology) link(from, to, label string) {
	for i, edge := range t.Edges {
		if edge.From == from && edge.To == to {
			if label != "" && !slices.Contains(strings.Split(edge.Label, ", "), label) {
				t.Edges[i].Label = strings.TrimPrefix(edge.Label+", "+label, ", ")
			}
			return
		}
	}
	if from != to {
		t.Edges = append(t.Edges, Edge{From: from, To: to, Label: label})
	}
}

func (t *topology) internet() string {
	return t.place("internet", Node{Name: "Internet", style: "outside"})
}

// services are the ECS services, in the box of the instances they run on.
func (t *topology) services() {
	box := ""
	for _, group := range t.of(typeGroup) {
		box = t.add(group, Node{Name: "Instances: " + t.instancesOf(group), style: "instances"})
	}
	for _, service := range t.of(typeService) {
		node := Node{Kind: "service", style: "service", In: box}
		for _, task := range t.refsOf(service, "TaskDefinition") {
			containers := t.list(task, "ContainerDefinitions")
			for i, container := range containers {
				if i == 0 {
					node.Name = textOf(container, "Name")
					node.Details = append(node.Details, shortImage(t.hide(imageText(field(container, "Image")))))
				}
				for _, mapping := range listOf(field(container, "PortMappings")) {
					node.Details = append(node.Details, fmt.Sprintf("port %s", scalar(field(mapping, "ContainerPort"))))
				}
			}
		}
		if node.Name == "" {
			node.Name = service.id
		}
		if tasks := t.tasksOf(service); tasks != "" {
			node.Details = append(node.Details, tasks)
		}
		t.add(service, node)
	}
}

// instancesOf says how many instances of which type a group has.
func (t *topology) instancesOf(group at) string {
	kind := t.text(group, "LaunchTemplate.InstanceType")
	for _, template := range t.refsOf(group, "LaunchTemplate.LaunchTemplateId") {
		kind = t.text(template, "LaunchTemplateData.InstanceType")
	}
	if overrides := t.list(group, "MixedInstancesPolicy.LaunchTemplate.Overrides"); len(overrides) > 0 {
		kind = textOf(overrides[0], "InstanceType")
	}
	if kind == "" {
		for _, template := range t.refsOf(group, "MixedInstancesPolicy.LaunchTemplate") {
			kind = t.text(template, "LaunchTemplateData.InstanceType")
		}
	}
	return between(scalar(t.get(group, "MinSize")), scalar(t.get(group, "MaxSize"))) + " × " + kind
}

// tasksOf says how many tasks a service has.
func (t *topology) tasksOf(service at) string {
	for _, target := range t.of("AWS::ApplicationAutoScaling::ScalableTarget") {
		if slices.Contains(t.refsOf(target, "ResourceId"), service) {
			most := scalar(t.get(target, "MaxCapacity"))
			return between(scalar(t.get(target, "MinCapacity")), most) + plural(" task", most)
		}
	}
	if count := scalar(t.get(service, "DesiredCount")); count != "" {
		return count + plural(" task", count)
	}
	return ""
}

// endpoints are what the internet reaches, and the way from there to services.
func (t *topology) endpoints() {
	domains := t.domains()
	for _, balancer := range t.of(typeLoadBalancer) {
		node := Node{Kind: "load balancer", Name: balancerName(t.text(balancer, "Type"), t.text(balancer, "Scheme")), style: "endpoint", Details: domains[balancer]}
		id := t.add(balancer, node)
		for _, listener := range t.pointing(typeListener, "LoadBalancerArn", balancer) {
			door := t.text(listener, "Protocol") + " " + scalar(t.get(listener, "Port"))
			redirects := true
			for _, action := range t.list(listener, "DefaultActions") {
				redirects = redirects && textOf(action, "Type") == "redirect"
			}
			if redirects {
				door += " (redirects)"
			}
			if t.text(balancer, "Scheme") == "internet-facing" {
				t.link(t.internet(), id, door)
			}
			for _, service := range t.behind(listener.stack, t.get(listener, "DefaultActions")) {
				t.link(id, t.ids[service], "")
			}
			for _, rule := range t.pointing(typeListenerRule, "ListenerArn", listener) {
				for _, service := range t.behind(rule.stack, t.get(rule, "Actions")) {
					t.link(id, t.ids[service], conditionText(t.list(rule, "Conditions")))
				}
			}
		}
	}
	for _, api := range t.of(typeHTTPAPI, typeRESTAPI) {
		rest := t.resources[api].Type == typeRESTAPI
		id := t.add(api, Node{Kind: "API Gateway", Name: map[bool]string{true: "REST API", false: "HTTP API"}[rest], style: "endpoint", Details: domains[api]})
		t.link(t.internet(), id, "HTTPS")
		routes, owner, target := "AWS::ApiGatewayV2::Route", "ApiId", "Target"
		if rest {
			routes, owner, target = "AWS::ApiGateway::Method", "RestApiId", "Integration"
		}
		for _, route := range t.pointing(routes, owner, api) {
			for _, to := range t.behind(route.stack, t.get(route, target)) {
				t.link(id, t.ids[to], routeText(t.text(route, "RouteKey")))
			}
		}
	}
	for _, distribution := range t.of(typeDistribution) {
		id := t.add(distribution, Node{Kind: "content delivery", Name: "CloudFront", style: "endpoint", Details: domains[distribution]})
		t.link(t.internet(), id, "HTTPS")
		for _, origin := range t.refsOf(distribution, "DistributionConfig.Origins") {
			if to, drawn := t.ids[origin]; drawn {
				t.link(id, to, "")
			}
		}
	}
}

// domains are the names under which DNS or an API Gateway serves a resource.
func (t *topology) domains() map[at][]string {
	names := map[at][]string{}
	add := func(to at, name string) {
		if name = strings.TrimSuffix(name, "."); name != "" && !slices.Contains(names[to], name) {
			names[to] = append(names[to], name)
		}
	}
	for _, record := range t.of("AWS::Route53::RecordSet") {
		for _, to := range t.refsOf(record, "AliasTarget.DNSName") {
			add(to, t.text(record, "Name"))
		}
	}
	for _, mapping := range t.of("AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGateway::BasePathMapping") {
		for _, domain := range t.refsOf(mapping, "DomainName") {
			for _, to := range append(t.refsOf(mapping, "ApiId"), t.refsOf(mapping, "RestApiId")...) {
				add(to, t.text(domain, "DomainName"))
			}
		}
	}
	return names
}

// behind are the services and load balancers that a target leads to, by way of
// what is not drawn.
func (t *topology) behind(stack string, value any) []at {
	var found []at
	seen := map[at]bool{}
	var follow func(string, any)
	follow = func(stack string, value any) {
		for _, a := range t.refs(stack, value) {
			if seen[a] {
				continue
			}
			seen[a] = true
			switch t.resources[a].Type {
			case typeService, typeLoadBalancer:
				found = append(found, a)
			case typeTargetGroup:
				found = append(found, t.pointing(typeService, "LoadBalancers", a)...)
			case "AWS::ServiceDiscovery::Service":
				found = append(found, t.pointing(typeService, "ServiceRegistries", a)...)
			case typeListener:
				follow(a.stack, t.get(a, "LoadBalancerArn"))
			case "AWS::ApiGatewayV2::Integration":
				follow(a.stack, t.get(a, "IntegrationUri"))
			case "AWS::ApiGateway::VpcLink":
				follow(a.stack, t.get(a, "TargetArns"))
			}
		}
	}
	follow(stack, value)
	return slices.DeleteFunc(found, func(a at) bool { return t.ids[a] == "" })
}

// stores are what services keep their data in: those that a task definition, or
// the role of its tasks, refers to. The others hold logs and the like.
func (t *topology) stores() {
	for _, service := range t.of(typeService) {
		for _, task := range t.refsOf(service, "TaskDefinition") {
			uses := t.refsOf(task, "ContainerDefinitions")
			uses = append(uses, t.refsOf(task, "Volumes")...)
			for _, role := range t.refsOf(task, "TaskRoleArn") {
				for _, policy := range t.of("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy") {
					if slices.Contains(t.refsOf(policy, "Roles"), role) {
						uses = append(uses, t.refsOf(policy, "PolicyDocument")...)
					}
				}
			}
			for _, store := range uses {
				if kind := stores[t.resources[store].Type]; kind != "" {
					t.link(t.ids[service], t.add(store, t.store(store, kind)), t.portOf(store))
				}
			}
		}
	}
	for _, database := range t.of("AWS::RDS::DBInstance") {
		for _, source := range t.refsOf(database, "SourceDBInstanceIdentifier") {
			t.link(t.add(source, t.store(source, "Postgres")), t.add(database, t.store(database, "read replica")), "replication")
		}
		t.add(database, t.store(database, "Postgres"))
	}
}

func (t *topology) store(a at, kind string) Node {
	node := Node{Kind: kind, style: "store", Name: t.text(a, "DBInstanceClass")}
	if node.Name == "" {
		node.Name = t.text(a, "CacheNodeType")
	}
	if node.Name == "" {
		node.Name = strings.ToUpper(kind[:1]) + kind[1:]
	}
	if storage := scalar(t.get(a, "AllocatedStorage")); storage != "" {
		node.Details = append(node.Details, storage+" GB")
	}
	if t.get(a, "MultiAZ") == true {
		node.Details = append(node.Details, "standby in a second zone")
	}
	return node
}

// portOf is the port by which security groups let others in.
func (t *topology) portOf(store at) string {
	for _, group := range t.refsOf(store, "VPCSecurityGroups") {
		for _, rule := range t.pointing("AWS::EC2::SecurityGroupIngress", "GroupId", group) {
			return scalar(t.get(rule, "FromPort"))
		}
	}
	return ""
}

// internal are calls between services, by Service Connect.
func (t *topology) internal() {
	for _, callee := range t.of(typeService) {
		var aliases []string
		for _, offered := range t.list(callee, "ServiceConnectConfiguration.Services") {
			for _, alias := range listOf(field(offered, "ClientAliases")) {
				aliases = append(aliases, textOf(alias, "DnsName")+":"+scalar(field(alias, "Port")))
			}
		}
		if len(aliases) == 0 {
			continue
		}
		for _, caller := range t.of(typeService) {
			joined := t.get(caller, "ServiceConnectConfiguration.Enabled") == true &&
				fmt.Sprint(t.get(caller, "ServiceConnectConfiguration.Namespace")) == fmt.Sprint(t.get(callee, "ServiceConnectConfiguration.Namespace"))
			if joined && caller != callee {
				t.link(t.ids[caller], t.ids[callee], strings.Join(aliases, ", "))
			}
		}
	}
}

// exits are the ways from the instances' subnets to what is outside.
func (t *topology) exits() {
	for _, group := range t.of(typeGroup) {
		out := ""
		from := func() string {
			if out == "" {
				out = t.place("out of "+group.id, Node{Name: "outgoing", style: "outgoing", In: t.ids[group]})
			}
			return out
		}
		tables := t.tablesOf(t.refsOf(group, "VPCZoneIdentifier"))
		count := map[string]int{}
		var seen []at
		for _, route := range t.of("AWS::EC2::Route") {
			if t.text(route, "DestinationCidrBlock") != "0.0.0.0/0" || !slices.ContainsFunc(t.refsOf(route, "RouteTableId"), func(a at) bool { return slices.Contains(tables, a) }) {
				continue
			}
			for _, property := range []string{"NatGatewayId", "InstanceId", "NetworkInterfaceId", "GatewayId"} {
				for _, exit := range t.refsOf(route, property) {
					if kind := exits[t.resources[exit].Type]; kind != "" && !slices.Contains(seen, exit) {
						seen = append(seen, exit)
						count[kind]++
					}
				}
			}
		}
		for _, exit := range seen {
			kind := exits[t.resources[exit].Type]
			if count[kind] == 0 {
				continue // drawn with the first of its kind
			}
			name := t.text(exit, "InstanceType")
			if count[kind] > 1 {
				name = fmt.Sprintf("%d × %s", count[kind], name)
			}
			count[kind] = 0
			id := t.place("exit "+kind, Node{Kind: kind, Name: strings.TrimSuffix(name, " × "), style: "network"})
			t.link(from(), id, "")
			t.link(id, t.place("outside", Node{Name: "Internet", Details: []string{"only outgoing"}, style: "outside"}), "")
		}
		var reached []string
		for _, endpoint := range t.of(typeVPCEndpoint) {
			if name := awsService(t.get(endpoint, "ServiceName")); name != "" && !slices.Contains(reached, name) {
				reached = append(reached, name)
			}
		}
		if len(reached) > 0 {
			lines := reached
			if len(reached) > 4 {
				lines = append(slices.Clone(reached[:3]), phrase.Count(len(reached)-3, "more service"))
			}
			t.link(from(), t.place("endpoints", Node{Kind: "VPC endpoints", Name: "AWS", Details: lines, style: "network"}), "")
		}
	}
}

// tablesOf are the route tables of subnets.
func (t *topology) tablesOf(subnets []at) []at {
	var tables []at
	for _, association := range t.of("AWS::EC2::SubnetRouteTableAssociation") {
		for _, subnet := range t.refsOf(association, "SubnetId") {
			if slices.Contains(subnets, subnet) {
				tables = append(tables, t.refsOf(association, "RouteTableId")...)
			}
		}
	}
	return tables
}
