package endpoint

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/spec"
)

// addHealthCheck makes what Route 53 judges the region by. It asks for the
// regional name: the shared one could lead it to another region.
func (h *hostNames) addHealthCheck() {
	if h.Routing == nil || h.Routing.HealthCheck == nil {
		return
	}
	declared := h.Routing.HealthCheck
	check := h.newHealthCheck("HealthCheck", h.Name+" in "+*awscdk.Stack_Of(h.scope).Region(), &awsroute53.CfnHealthCheck_HealthCheckConfigProperty{
		Type:                     jsii.String("HTTPS"),
		FullyQualifiedDomainName: &h.Routing.RegionalDomain,
		Port:                     jsii.Number(443),
		ResourcePath:             &declared.Path,
		// Both kinds of endpoint choose their certificate by it.
		EnableSni:        jsii.Bool(true),
		RequestInterval:  jsii.Number(declared.Interval.Seconds()),
		FailureThreshold: jsii.Number(declared.Failures),
	})
	if h.Routing.Drained {
		// CloudFormation cannot disable a health check. One that waits for
		// more children than it has is never healthy.
		check = h.newHealthCheck("Drained", h.Name+" in "+*awscdk.Stack_Of(h.scope).Region()+": drained", &awsroute53.CfnHealthCheck_HealthCheckConfigProperty{
			Type:              jsii.String("CALCULATED"),
			ChildHealthChecks: &[]*string{check},
			HealthThreshold:   jsii.Number(2),
		})
	}
	h.healthCheck = check
}

func (h *hostNames) newHealthCheck(id, name string, config *awsroute53.CfnHealthCheck_HealthCheckConfigProperty) *string {
	return awsroute53.NewCfnHealthCheck(h.scope, &id, &awsroute53.CfnHealthCheckProps{
		HealthCheckConfig: config,
		// The console shows it in place of an id.
		HealthCheckTags: &[]*awsroute53.CfnHealthCheck_HealthCheckTagProperty{{Key: jsii.String("Name"), Value: &name}},
	}).AttrHealthCheckId()
}

// route says how DNS chooses between this record and those of other regions.
func (h *hostNames) route(record *awsroute53.CfnRecordSetProps) {
	region := awscdk.Stack_Of(h.scope).Region()
	// With the policy in it, another policy is another record: Route 53 takes
	// no change of the policy within one.
	record.SetIdentifier = jsii.String(string(h.Routing.Policy) + "-" + *region)
	record.HealthCheckId = h.healthCheck
	switch h.Routing.Policy {
	case spec.Latency:
		record.Region = region
	case spec.Weighted:
		record.Weight = jsii.Number(*h.Routing.Weight)
	case spec.Failover:
		record.Failover = jsii.String(map[spec.RoutingRole]string{spec.Primary: "PRIMARY", spec.Secondary: "SECONDARY"}[h.Routing.Role])
	}
}
