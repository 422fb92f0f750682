package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/delivery"
	"github.com/tinystack-go/tinystack/constructs/observability"
)

// addAlarms watches what the stage's users see, and lets the pipeline read it
// where the stage is baked.
func (s *stage) addAlarms(stack awscdk.Stack) {
	if s.endpoint != nil {
		name := s.endpointAlarmName()
		alarm := observability.NewErrorAlarm(stack, jsii.String("EndpointErrors"), &observability.ErrorAlarmProps{
			Name:        name,
			Description: "The endpoint of " + s.name() + " answers with server errors",
			Errors:      s.endpoint.ErrorMetric5xx(),
		})
		s.alarmNames = append(s.alarmNames, name)
		for _, declared := range s.app.Services {
			if declared.Public() {
				// It is named, not referred to; ECS is to find it all the same.
				s.services[declared.Name].Service().Node().AddDependency(alarm)
			}
		}
	}
	if s.needsGateRole() {
		delivery.NewGateRole(stack, jsii.String("GateRole"), &delivery.GateRoleProps{
			App:             s.app.Name,
			Stage:           s.declared.Name,
			PipelineAccount: s.app.Pipeline.Account,
		})
	}
}

// endpointAlarmName is the physical name of the alarm that deployments and the
// pipeline watch.
func (s *stage) endpointAlarmName() string { return s.name() + "-endpoint-5xx" }

// needsGateRole says whether a build of the pipeline watches this stage's
// alarms.
func (s *stage) needsGateRole() bool {
	return s.app.Pipeline != nil && s.declared.Bake > 0 &&
		!delivery.BakesByRules(*s.app.Pipeline, s.declared, len(s.alarmNames))
}

// gateRoleARN is the role that the pipeline reads the stage's alarms with;
// empty where it need not.
func (s *stage) gateRoleARN() string {
	if !s.needsGateRole() {
		return ""
	}
	return delivery.GateRoleARN(s.declared.Account, s.declared.Region, s.app.Name, s.declared.Name)
}
