package report

import (
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/snapshot"
)

// Reach is a rule of a security group: who may open connections to whom.
type Reach struct {
	// From and To are resources, or addresses.
	From string `json:"from"`
	To   string `json:"to"`
	// Ports that are meant, as in "tcp 5432".
	Ports string `json:"ports"`
	// Why, in the words of the rule.
	Why string `json:"why,omitempty"`
	// Rule is the logical ID of the rule, or of the group it stands in.
	Rule  string `json:"rule"`
	Stack string `json:"stack"`
}

// reachOf are the rules of the security groups of a stage that let something in.
func reachOf(stacks []*snapshot.Stack) []Reach {
	t := newTemplates(stacks)
	var found []Reach
	add := func(rule at, group []at, value any) {
		r := Reach{Rule: rule.id, Stack: rule.stack, Ports: ports(value), Why: textOf(value, "Description"), From: from(t, rule.stack, value)}
		var to []string
		for _, g := range group {
			to = append(to, t.bearers(g)...)
		}
		r.To = strings.Join(to, ", ")
		found = append(found, r)
	}
	for _, group := range t.of("AWS::EC2::SecurityGroup") {
		for _, rule := range t.list(group, "SecurityGroupIngress") {
			add(group, []at{group}, rule)
		}
	}
	for _, rule := range t.of("AWS::EC2::SecurityGroupIngress") {
		add(rule, t.refsOf(rule, "GroupId"), t.resources[rule].Properties)
	}
	return found
}

// from is who a rule lets in.
func from(t *templates, stack string, rule any) string {
	for _, address := range []string{"CidrIp", "CidrIpv6"} {
		switch text := textOf(rule, address); text {
		case "":
		case "0.0.0.0/0", "::/0":
			return "the internet"
		default:
			return text
		}
	}
	var names []string
	for _, group := range t.refs(stack, field(rule, "SourceSecurityGroupId")) {
		names = append(names, t.bearers(group)...)
	}
	if len(names) > 0 {
		return strings.Join(names, ", ")
	}
	if prefix := field(rule, "SourcePrefixListId"); prefix != nil {
		return "a list of addresses that AWS keeps"
	}
	return "another security group"
}

// bearers are the resources that have a security group, by what they are.
func (t *templates) bearers(group at) []string {
	var names []string
	for _, a := range t.order {
		resource := t.resources[a]
		if strings.HasPrefix(resource.Type, "AWS::EC2::SecurityGroup") || !slices.Contains(t.refs(a.stack, resource.Properties), group) {
			continue
		}
		name := bearerNames[resource.Type]
		if name == "" {
			name = a.id
		}
		if resource.Type == typeService {
			name = "service " + t.serviceName(a)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		names = append(names, group.id)
	}
	return names
}

// bearerNames are what resources with security groups are called.
var bearerNames = map[string]string{
	"AWS::EC2::LaunchTemplate":           "instances",
	"AWS::EC2::Instance":                 "NAT instance",
	"AWS::ApiGatewayV2::VpcLink":         "VPC link",
	typeLoadBalancer:                     "load balancer",
	"AWS::RDS::DBInstance":               "database",
	"AWS::RDS::DBProxy":                  "database proxy",
	typeVPCEndpoint:                      "VPC endpoints",
	"AWS::EFS::MountTarget":              "file system",
	"AWS::ElastiCache::ReplicationGroup": "cache",
	"AWS::Lambda::Function":              "function",
}

// serviceName is the name of the container that a service is about.
func (t *templates) serviceName(service at) string {
	for _, task := range t.refsOf(service, "TaskDefinition") {
		for _, container := range t.list(task, "ContainerDefinitions") {
			if name := textOf(container, "Name"); name != "" {
				return name
			}
		}
	}
	return service.id
}

// ports are those that a rule means.
func ports(rule any) string {
	protocol := scalar(field(rule, "IpProtocol"))
	if protocol == "-1" {
		return "everything"
	}
	least, most := scalar(field(rule, "FromPort")), scalar(field(rule, "ToPort"))
	return strings.TrimSpace(protocol + " " + between(least, most))
}
