package deployable

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

// Endpoints compares what is called from within the network of a stage with the
// VPC endpoints that are there, given all its templates: what is called has an
// endpoint, and no endpoint is paid for that nobody calls. A stage without
// interface endpoints has another way out.
func Endpoints(templates ...snapshot.Template) (broken []string) {
	present, called := map[string]bool{}, map[string]bool{}
	interfaces := 0
	for _, t := range templates {
		for _, endpoint := range t.Resources("AWS::EC2::VPCEndpoint") {
			name := fmt.Sprint(endpoint.Get("Properties.ServiceName"))
			_, service, _ := strings.Cut(strings.TrimPrefix(name, "com.amazonaws."), ".")
			present[service] = true
			if endpoint.Get("Properties.VpcEndpointType") == "Interface" {
				interfaces++
			}
		}
		callsWithin(t, called)
	}
	if interfaces == 0 {
		return nil
	}
	wanted := map[string]bool{"s3": true} // layers of images
	for service := range called {
		through, gateway, known := spec.EndpointsOf(service)
		if !known {
			broken = append(broken, service+" is called, and nothing is known that leads there")
		}
		if gateway != "" {
			through = append(slices.Clone(through), gateway)
		}
		for _, endpoint := range through {
			wanted[endpoint] = true
			if !present[endpoint] {
				broken = append(broken, fmt.Sprintf("%s is called, and there is no endpoint %s", service, endpoint))
			}
		}
	}
	for endpoint := range present {
		if !wanted[endpoint] {
			broken = append(broken, "nobody calls the endpoint "+endpoint)
		}
	}
	slices.Sort(broken)
	return broken
}

// callsWithin adds the prefixes of the actions of whatever runs in the network:
// instances, tasks, and functions with subnets.
func callsWithin(t snapshot.Template, called map[string]bool) {
	within := map[string]bool{}
	for id, role := range t.Resources("AWS::IAM::Role") {
		for text := range texts(role.Get("Properties.AssumeRolePolicyDocument")) {
			within[id] = within[id] || text == "ecs-tasks.amazonaws.com" || text == "ec2.amazonaws.com"
		}
	}
	for _, function := range t.Resources("AWS::Lambda::Function") {
		if function.Get("Properties.VpcConfig") != nil {
			for _, id := range references(function.Get("Properties.Role")) {
				within[id] = true
			}
		}
	}
	for _, schedule := range t.Resources("AWS::SecretsManager::RotationSchedule") {
		if schedule.Get("Properties.HostedRotationLambda") != nil {
			called["secretsmanager"] = true // its function is in a nested stack
		}
	}
	for _, policy := range t.Resources("AWS::IAM::Policy") {
		if slices.ContainsFunc(references(policy.Get("Properties.Roles")), func(id string) bool { return within[id] }) {
			statements, _ := policy.Get("Properties.PolicyDocument.Statement").([]any)
			for _, statement := range statements {
				calls(statement, called)
			}
		}
	}
}

// calls adds what a statement allows to call. What it allows another service to do
// on somebody's behalf is called by that service.
func calls(statement any, called map[string]bool) {
	allowed, _ := statement.(map[string]any)
	if strings.Contains(fmt.Sprint(allowed["Condition"]), "kms:ViaService") {
		return
	}
	for action := range texts(allowed["Action"]) {
		prefix, _, _ := strings.Cut(action, ":")
		called[prefix] = true
	}
}
