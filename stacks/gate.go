package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/delivery"
)

// addGate lets a build of the pipeline read the stage's alarms, where one
// watches them. It comes after the alarms.
func (s *stage) addGate(stack awscdk.Stack) {
	if s.needsGateRole() {
		delivery.NewGateRole(stack, jsii.String("GateRole"), &delivery.GateRoleProps{
			App:             s.app.Name,
			Stage:           s.declared.Name,
			PipelineAccount: s.app.Pipeline.Account,
		})
	}
}

// needsGateRole says whether a build of the pipeline watches this stage's
// alarms.
func (s *stage) needsGateRole() bool {
	return s.app.WatchedByBuild(s.declared, len(s.alarmNames))
}

// gateRoleARN is the role that the pipeline reads the stage's alarms with;
// empty where it need not.
func (s *stage) gateRoleARN() string {
	if !s.needsGateRole() {
		return ""
	}
	return delivery.GateRoleARN(s.declared.Account, s.declared.Region, s.app.Name, s.declared.Name)
}
