package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/delivery"
)

// addGate lets a build of the pipeline read the stage's alarms, where one
// watches them.
func (m *maker) addGate(stack awscdk.Stack, watch watch) {
	if m.app.WatchedByBuild(m.declared, len(watch.gates)) {
		delivery.NewGateRole(stack, jsii.String("GateRole"), &delivery.GateRoleProps{
			App:             m.app.Name,
			Stage:           m.declared.Name,
			PipelineAccount: m.app.Pipeline.Account,
		})
	}
}

// gateRoleARN is the role that the pipeline reads the stage's alarms with;
// empty where it need not.
func (s *stage) gateRoleARN() string {
	if !s.app.WatchedByBuild(s.declared, len(s.watch.gates)) {
		return ""
	}
	return delivery.GateRoleARN(s.declared.Account, s.declared.Region, s.app.Name, s.declared.Name)
}
