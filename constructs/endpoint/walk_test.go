package endpoint

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/snapshot"
)

// walker follows a request through a template, from the address to the
// container's port.
type walker struct {
	snapshot.Template
	rules []rule
	// served says which container the walk found behind each path; "" is
	// every other request.
	served map[string]string
}

// rule lets a peer, a security group or a CIDR block, in or out of a group.
type rule struct {
	egress      bool
	group, peer string
	from, to    float64
}

func (r rule) String() string {
	direction := "in from"
	if r.egress {
		direction = "out to"
	}
	return fmt.Sprintf("%s: %s %s on %g-%g", r.group, direction, r.peer, r.from, r.to)
}

func newWalker(template snapshot.Template) *walker {
	w := &walker{Template: template, served: map[string]string{}}
	inline := func(group string, list any, egress bool) {
		rules, _ := list.([]any)
		for _, entry := range rules {
			w.add(egress, group, entry.(map[string]any))
		}
	}
	for id, group := range template.Resources("AWS::EC2::SecurityGroup") {
		inline(id, group.Properties["SecurityGroupIngress"], false)
		inline(id, group.Properties["SecurityGroupEgress"], true)
	}
	for _, r := range template.Resources("AWS::EC2::SecurityGroupIngress") {
		w.add(false, target(r.Properties["GroupId"]), r.Properties)
	}
	for _, r := range template.Resources("AWS::EC2::SecurityGroupEgress") {
		w.add(true, target(r.Properties["GroupId"]), r.Properties)
	}
	return w
}

func (w *walker) add(egress bool, group string, properties map[string]any) {
	r := rule{egress: egress, group: group}
	r.from, _ = properties["FromPort"].(float64)
	r.to, _ = properties["ToPort"].(float64)
	if properties["IpProtocol"] == "-1" {
		r.from, r.to = 0, 65535
	}
	for _, key := range []string{"CidrIp", "CidrIpv6", "SourceSecurityGroupId", "DestinationSecurityGroupId"} {
		if peer, ok := properties[key]; ok {
			r.peer = target(peer)
		}
	}
	w.rules = append(w.rules, r)
}

// target is the logical id that a Ref, a GetAtt or a join around one of them
// points to, or a plain string itself.
func target(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if ref, ok := v["Ref"].(string); ok {
			return ref
		}
		if att, ok := v["Fn::GetAtt"].([]any); ok {
			return att[0].(string)
		}
		if join, ok := v["Fn::Join"].([]any); ok {
			for _, part := range join[1].([]any) {
				if _, plain := part.(string); !plain {
					return target(part)
				}
			}
		}
	}
	return ""
}

// only is the one resource of a type.
func (w *walker) only(resourceType string) (string, snapshot.Resource, error) {
	resources := w.Resources(resourceType)
	if len(resources) != 1 {
		return "", snapshot.Resource{}, fmt.Errorf("%d resources of type %s", len(resources), resourceType)
	}
	for id, r := range resources {
		return id, r, nil
	}
	panic("unreachable")
}

// passes says whether both ends let traffic through.
func (w *walker) passes(source, destination string, from, to float64) error {
	covers := func(egress bool, group string, peers ...string) bool {
		return slices.ContainsFunc(w.rules, func(r rule) bool {
			return r.egress == egress && r.group == group && slices.Contains(peers, r.peer) && r.from <= from && to <= r.to
		})
	}
	var problems []error
	if !covers(true, source, destination, "0.0.0.0/0") {
		problems = append(problems, fmt.Errorf("%s may not send to %s on %g-%g", source, destination, from, to))
	}
	if !covers(false, destination, source, "0.0.0.0/0") {
		problems = append(problems, fmt.Errorf("%s does not take from %s on %g-%g", destination, source, from, to))
	}
	return errors.Join(problems...)
}

// registration of a service in a target group or in Cloud Map.
type registration struct {
	service         snapshot.Resource
	container, port any
}

// reachTasks walks from a security group to the tasks that are registered,
// for the requests of a path.
func (w *walker) reachTasks(source, path string, r registration) error {
	task, ok := w.Resource(target(r.service.Properties["TaskDefinition"]))
	if !ok {
		return errors.New("the service has no task definition")
	}
	for _, c := range task.Get("Properties.ContainerDefinitions").([]any) {
		container := c.(map[string]any)
		for _, m := range container["PortMappings"].([]any) {
			mapping := m.(map[string]any)
			if container["Name"] != r.container || mapping["ContainerPort"] != r.port {
				continue
			}
			w.served[path] = container["Name"].(string)
			if task.Properties["NetworkMode"] == "awsvpc" {
				port := mapping["ContainerPort"].(float64)
				return w.passes(source, target(r.service.Get("Properties.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups.0")), port, port)
			}
			template, _, err := w.instances()
			if err != nil {
				return err
			}
			return w.passes(source, template, 32768, 65535)
		}
	}
	return fmt.Errorf("no container %v has the port %v", r.container, r.port)
}

// instances is the security group of the container instances.
func (w *walker) instances() (string, snapshot.Resource, error) {
	_, template, err := w.only("AWS::EC2::LaunchTemplate")
	if err != nil {
		return "", template, err
	}
	id := target(template.Get("Properties.LaunchTemplateData.SecurityGroupIds.0"))
	group, ok := w.Resource(id)
	if !ok {
		return "", group, errors.New("the instances have no security group")
	}
	return id, group, nil
}

// registrations of all services, by the logical id of what they are
// registered in.
func (w *walker) registrations(list, arn string) map[string]registration {
	found := map[string]registration{}
	for _, service := range w.Resources("AWS::ECS::Service") {
		entries, _ := service.Properties[list].([]any)
		for _, entry := range entries {
			properties := entry.(map[string]any)
			found[target(properties[arn])] = registration{service, properties["ContainerName"], properties["ContainerPort"]}
		}
	}
	return found
}

// reachBehind walks from a load balancer to the tasks, through the listener
// that forwards and each of its rules.
func (w *walker) reachBehind(balancer string) error {
	resource, ok := w.Resource(balancer)
	if !ok {
		return fmt.Errorf("no load balancer %q", balancer)
	}
	registered := w.registrations("LoadBalancers", "TargetGroupArn")
	reach := func(from, path string, action any) error {
		group := target(action.(map[string]any)["TargetGroupArn"])
		r, ok := registered[group]
		if !ok {
			return fmt.Errorf("no tasks are registered in the target group of %s", from)
		}
		return w.reachTasks(target(resource.Get("Properties.SecurityGroups.0")), path, r)
	}
	forwards := 0
	for id, listener := range w.Resources("AWS::ElasticLoadBalancingV2::Listener") {
		if target(listener.Properties["LoadBalancerArn"]) != balancer || listener.Get("Properties.DefaultActions.0.Type") != "forward" {
			continue
		}
		forwards++
		if err := reach(id, "", listener.Get("Properties.DefaultActions.0")); err != nil {
			return err
		}
		for rule, r := range w.Resources("AWS::ElasticLoadBalancingV2::ListenerRule") {
			if target(r.Properties["ListenerArn"]) != id || r.Get("Properties.Actions.0.Type") != "forward" {
				continue
			}
			conditions := map[string]string{}
			for _, c := range r.Get("Properties.Conditions").([]any) {
				condition := c.(map[string]any)
				for _, config := range []string{"HostHeaderConfig", "PathPatternConfig"} {
					if values, ok := condition[config].(map[string]any); ok {
						conditions[config] = fmt.Sprint(values["Values"])
					}
				}
			}
			patterns := conditions["PathPatternConfig"]
			if weighted, ok := r.Get("Properties.Actions.0.ForwardConfig.TargetGroups").([]any); ok && patterns == "[/*]" {
				// The rule that blue/green deployments move requests by.
				for _, group := range weighted {
					if group.(map[string]any)["Weight"] == 0.0 {
						continue
					}
					if err := reach(rule, "", group); err != nil {
						return err
					}
				}
				continue
			}
			subdomain, domain, err := w.subdomain(strings.Trim(conditions["HostHeaderConfig"], "[]"), balancer)
			if err != nil {
				return fmt.Errorf("%s: %w", rule, err)
			}
			if domain == "" && conditions["HostHeaderConfig"] != "" && listener.Properties["Port"] != 80.0 {
				return fmt.Errorf("%s waits for no name of the certificate", rule)
			}
			path := ""
			if patterns != "" {
				path, _, _ = strings.Cut(strings.Trim(patterns, "[]"), " ")
				if patterns != fmt.Sprintf("[%s %s/*]", path, path) {
					return fmt.Errorf("%s takes %s", rule, patterns)
				}
			}
			if err := reach(rule, subdomain+path, r.Get("Properties.Actions.0")); err != nil {
				return err
			}
		}
	}
	if forwards != 1 {
		return fmt.Errorf("%d listeners forward", forwards)
	}
	return nil
}

// subdomain splits the host name of a rule; where it is one of a domain, the
// certificate must have it and DNS must lead from it to the endpoint.
func (w *walker) subdomain(host, endpoint string) (label, domain string, err error) {
	label, domain, _ = strings.Cut(host, ".")
	if domain == "*" || host == "" {
		return label, "", nil
	}
	return label, domain, w.named(host, endpoint)
}

// named says whether a host name leads to an endpoint.
func (w *walker) named(host, endpoint string) error {
	_, certificate, err := w.only("AWS::CertificateManager::Certificate")
	if err != nil {
		return err
	}
	names, _ := certificate.Properties["SubjectAlternativeNames"].([]any)
	if !slices.Contains(append(names, certificate.Properties["DomainName"]), any(host)) {
		return fmt.Errorf("the certificate does not have the name %s", host)
	}
	for _, record := range w.Resources("AWS::Route53::RecordSet") {
		if record.Properties["Name"] == host+"." && record.Properties["Type"] == "A" && target(record.Get("Properties.AliasTarget.DNSName")) == endpoint {
			return nil
		}
	}
	return fmt.Errorf("no record leads from %s to %s", host, endpoint)
}

func (w *walker) httpAPI() error {
	apis := w.Resources("AWS::ApiGatewayV2::Api")
	keys := map[string]map[string]bool{}
	subdomains := map[string]string{}
	for id, api := range apis {
		keys[id] = map[string]bool{}
		subdomain, err := w.apiSubdomain(id, api)
		if err != nil {
			return err
		}
		subdomains[id] = subdomain
	}
	for id, route := range w.Resources("AWS::ApiGatewayV2::Route") {
		api := target(route.Properties["ApiId"])
		if keys[api] == nil {
			return fmt.Errorf("%s is of no API", id)
		}
		key := route.Properties["RouteKey"].(string)
		keys[api][key] = true
		path := strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(key, "ANY "), "/{proxy+}"), "$default")
		if err := w.route(id, subdomains[api]+path, route); err != nil {
			return err
		}
	}
	for _, keys := range keys {
		if !keys["$default"] {
			return errors.New("no route takes every other request")
		}
		for key := range keys {
			if path, below := strings.CutSuffix(key, "/{proxy+}"); below && !keys[path] {
				return fmt.Errorf("nothing takes %s itself", path)
			} else if !below && key != "$default" && !keys[key+"/{proxy+}"] {
				return fmt.Errorf("nothing takes what is under %s", key)
			}
		}
	}
	return nil
}

// apiSubdomain is the subdomain that an API serves, after a look at its stage
// and at the names that lead to it.
func (w *walker) apiSubdomain(id string, api snapshot.Resource) (string, error) {
	stages := 0
	for _, stage := range w.Resources("AWS::ApiGatewayV2::Stage") {
		if target(stage.Properties["ApiId"]) == id && stage.Properties["StageName"] == "$default" && stage.Properties["AutoDeploy"] == true {
			stages++
		}
	}
	if stages != 1 {
		return "", fmt.Errorf("%s has %d default stages that are deployed", id, stages)
	}
	subdomain := strings.TrimPrefix(strings.TrimPrefix(api.Properties["Name"].(string), "shop-dev"), "-")
	return subdomain, w.mapped(id, strings.TrimPrefix(subdomain+".api.example.com", "."))
}

// mapped says whether a host name leads to an API, if there are names at all.
func (w *walker) mapped(api, host string) error {
	if len(w.Resources("AWS::CertificateManager::Certificate")) == 0 {
		return nil
	}
	for _, mapping := range w.Resources("AWS::ApiGatewayV2::ApiMapping") {
		name := target(mapping.Properties["DomainName"])
		resource, ok := w.Resource(name)
		if !ok {
			return fmt.Errorf("no domain name %s", name)
		}
		if target(mapping.Properties["ApiId"]) == api && resource.Properties["DomainName"] == host {
			return w.named(host, name)
		}
	}
	return fmt.Errorf("%s does not lead to %s", host, api)
}

// route walks from a route of an HTTP API to the tasks.
func (w *walker) route(id, path string, route snapshot.Resource) error {
	integration, ok := w.Resource(target(route.Properties["Target"]))
	if !ok || integration.Properties["ConnectionType"] != "VPC_LINK" || integration.Properties["IntegrationMethod"] != "ANY" {
		return fmt.Errorf("%s: not an integration of all methods by VPC link: %v", id, integration.Properties)
	}
	link, ok := w.Resource(target(integration.Properties["ConnectionId"]))
	if !ok || link.Type != "AWS::ApiGatewayV2::VpcLink" {
		return fmt.Errorf("the integration of %s has no VPC link", id)
	}
	discovery := target(integration.Properties["IntegrationUri"])
	if records := w.Get("Resources." + discovery + ".Properties.DnsConfig.DnsRecords.0.Type"); records != "SRV" {
		return fmt.Errorf("Cloud Map has %v records, which tell no port", records)
	}
	r, ok := w.registrations("ServiceRegistries", "RegistryArn")[discovery]
	if !ok {
		return fmt.Errorf("no tasks are registered in %s", discovery)
	}
	return w.reachTasks(target(link.Get("Properties.SecurityGroupIds.0")), path, r)
}

func (w *walker) restAPI() error {
	api, _, err := w.only("AWS::ApiGateway::RestApi")
	if err != nil {
		return err
	}
	if err := w.mapped(api, "api.example.com"); err != nil {
		return err
	}
	methods := w.Resources("AWS::ApiGateway::Method")
	if len(methods) == 0 {
		return errors.New("the API has no methods")
	}
	for _, id := range slices.Sorted(maps.Keys(methods)) {
		integration := methods[id].Properties["Integration"].(map[string]any)
		if integration["Type"] != "HTTP_PROXY" || integration["ConnectionType"] != "VPC_LINK" {
			return fmt.Errorf("%s is not passed on by VPC link: %v", id, integration)
		}
		link, ok := w.Resource(target(integration["ConnectionId"]))
		if !ok || link.Type != "AWS::ApiGatewayV2::VpcLink" {
			return fmt.Errorf("%s has no VPC link v2", id)
		}
		balancer := target(integration["IntegrationTarget"])
		resource, ok := w.Resource(balancer)
		if !ok || resource.Properties["Scheme"] != "internal" {
			return fmt.Errorf("%s is not sent to an internal load balancer", id)
		}
		if err := w.passes(target(link.Get("Properties.SecurityGroupIds.0")), target(resource.Get("Properties.SecurityGroups.0")), 80, 80); err != nil {
			return err
		}
		if err := w.reachBehind(balancer); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) alb() error {
	id, balancer, err := w.only("AWS::ElasticLoadBalancingV2::LoadBalancer")
	if err != nil {
		return err
	}
	if balancer.Properties["Scheme"] != "internet-facing" {
		return errors.New("the load balancer does not face the internet")
	}
	security := target(balancer.Get("Properties.SecurityGroups.0"))
	for _, listener := range w.Resources("AWS::ElasticLoadBalancingV2::Listener") {
		port := listener.Properties["Port"].(float64)
		if !slices.Contains(w.rules, rule{group: security, peer: "0.0.0.0/0", from: port, to: port}) {
			return fmt.Errorf("the world does not get to port %g", port)
		}
	}
	if len(w.Resources("AWS::CertificateManager::Certificate")) > 0 {
		if err := w.named("api.example.com", id); err != nil {
			return err
		}
	}
	return w.reachBehind(id)
}

// walk follows a request to an endpoint of a kind.
func (w *walker) walk(kind string) error {
	switch kind {
	case "http-api":
		return w.httpAPI()
	case "rest-api":
		return w.restAPI()
	default:
		return w.alb()
	}
}

// incoming lists what the template lets in, in words without hashes: who, and
// by which ports.
func (w *walker) incoming() []string {
	var list []string
	for _, r := range w.rules {
		if !r.egress {
			list = append(list, fmt.Sprintf("%s < %s : %g-%g", withoutHash(r.group), withoutHash(r.peer), r.from, r.to))
		}
	}
	slices.Sort(list)
	return list
}

// withoutHash is a logical id as a person would say it.
func withoutHash(id string) string {
	if len(id) > 8 && strings.Trim(id[len(id)-8:], "0123456789ABCDEF") == "" {
		return id[:len(id)-8]
	}
	return id
}
