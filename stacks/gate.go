package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/delivery"
)

// addGate lets the pipeline read the stage's alarms where the stage is baked.
func (s *stage) addGate(stack awscdk.Stack) {
	if s.bakes() {
		delivery.NewGateRole(stack, jsii.String("GateRole"), &delivery.GateRoleProps{
			App:             s.app.Name,
			Stage:           s.declared.Name,
			PipelineAccount: s.app.Pipeline.Account,
		})
	}
}

// bakes says whether the pipeline waits after this stage and watches it.
func (s *stage) bakes() bool { return s.app.Pipeline != nil && s.declared.Bake > 0 }

// gateRoleARN is the role that the pipeline reads the stage's alarms with;
// empty where it need not.
func (s *stage) gateRoleARN() string {
	if !s.bakes() {
		return ""
	}
	return delivery.GateRoleARN(s.declared.Account, s.declared.Region, s.app.Name, s.declared.Name)
}
