package spec

import (
	"maps"
	"slices"
	"strings"
)

// endpointsOf are the interface endpoints through which a service of AWS is
// called, by the prefix of its actions in IAM (AWS PrivateLink guide, "AWS
// services that integrate with AWS PrivateLink", read 2026-11). Gateway endpoints
// have names in gatewaysOf.
var endpointsOf = map[string][]string{
	"autoscaling":    {"autoscaling"},
	"bedrock":        {"bedrock-runtime"},
	"cloudformation": {"cloudformation"},
	"cloudwatch":     {"monitoring"},
	"ec2":            {"ec2"},
	"ecr":            {"ecr.api", "ecr.dkr"},
	"ecs":            {"ecs", "ecs-agent", "ecs-telemetry"},
	"events":         {"events"},
	"execute-api":    {"execute-api"},
	"firehose":       {"kinesis-firehose"},
	"kinesis":        {"kinesis-streams"},
	"kms":            {"kms"},
	"lambda":         {"lambda"},
	"logs":           {"logs"},
	"secretsmanager": {"secretsmanager"},
	"sns":            {"sns"},
	"sqs":            {"sqs"},
	"ssm":            {"ssm"},
	"ssmmessages":    {"ssmmessages"},
	"states":         {"states"},
	"sts":            {"sts"},
	"xray":           {"xray"},
}

// gatewaysOf are the same with gateway endpoints, which cost nothing. That of S3
// is in every network: layers of images, and the packages of Amazon Linux, are
// there.
var gatewaysOf = map[string]string{"dynamodb": "dynamodb", "s3": "s3"}

// withoutCalls are actions that nothing is called for: who logs in to Postgres by
// IAM makes the token itself.
var withoutCalls = []string{"rds-db"}

// EndpointsOf are the VPC endpoints that calls to a service of AWS take, given the
// prefix of its actions, such as sqs; known is false where this version does not
// know any.
func EndpointsOf(service string) (interfaces []string, gateway string, known bool) {
	interfaces, gateway = endpointsOf[service], gatewaysOf[service]
	return interfaces, gateway, len(interfaces) > 0 || gateway != "" || slices.Contains(withoutCalls, service)
}

// calls are the services of AWS that instances, containers, and functions in the
// network call, as the prefixes of their actions.
func (s Stage) calls(app App) map[string]bool {
	// The agent registers, pulls images and writes what containers put out;
	// instances tell CloudFormation that it does.
	called := map[string]bool{"ecr": true, "ecs": true, "logs": true, "cloudformation": true}
	if value(s.Exec) {
		called["ssmmessages"] = true
		// Sessions that are recorded are encrypted with the stage's own key.
		called["kms"] = value(s.Production)
	}
	if s.Database != nil && s.Database.Tunnel {
		called["ssm"], called["ssmmessages"] = true, true
	}
	if s.Database != nil && s.Database.Rotation != nil {
		called["secretsmanager"] = true
	}
	add := func(references map[string]string) {
		for _, reference := range references {
			ref, err := ParseSecretRef(reference)
			called["ssm"] = called["ssm"] || err == nil && ref.Store == ParameterStore
			called["secretsmanager"] = called["secretsmanager"] || err == nil && ref.Store == SecretsManager
		}
	}
	for _, service := range app.Services {
		add(service.Secrets)
		if value(service.StageConfig) {
			add(s.Secrets)
			for _, permission := range s.Permissions {
				for _, action := range permission.Actions {
					prefix, _, _ := strings.Cut(action, ":")
					called[prefix] = true
				}
			}
		}
		if s.UsesDatabase(service) {
			called["secretsmanager"] = true
		}
	}
	maps.DeleteFunc(called, func(_ string, really bool) bool { return !really })
	return called
}

// Endpoints are the VPC endpoints that a stage with the egress endpoints needs:
// those of the services of AWS that it calls, and no other.
func (s Stage) Endpoints(app App) (interfaces, gateways []string) {
	gateways = []string{"s3"}
	for service := range s.calls(app) {
		more, gateway, _ := EndpointsOf(service)
		interfaces = append(interfaces, more...)
		if gateway != "" {
			gateways = append(gateways, gateway)
		}
	}
	slices.Sort(interfaces)
	slices.Sort(gateways)
	return interfaces, slices.Compact(gateways)
}

// Unreachable are the services of AWS that the stage's permissions name and no
// endpoint known to this version leads to, as prefixes of actions.
func (s Stage) Unreachable(app App) []string {
	var found []string
	for service := range s.calls(app) {
		if _, _, known := EndpointsOf(service); !known {
			found = append(found, service)
		}
	}
	slices.Sort(found)
	return found
}
