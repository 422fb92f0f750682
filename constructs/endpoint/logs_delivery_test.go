package endpoint

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/synthtest"
)

func TestLogDeliveryPolicy(t *testing.T) {
	for name, regionless := range map[string]bool{"region": false, "no region": true} {
		t.Run(name, func(t *testing.T) {
			app := synthtest.NewApp(t)
			stack := synthtest.Stack(app, "Test")
			if regionless {
				stack = awscdk.NewStack(app, jsii.String("Anywhere"), nil)
			}
			made := NewLogDeliveryPolicy(stack, jsii.String("LogDelivery"), &LogDeliveryPolicyProps{LogGroups: []string{"/mine/*", "other"}})
			assert.Equal(t, "AWSLogDeliveryWrite20150319", *made.PolicyName())
			assembly := synthtest.SynthSecure(t, app)
			_, policy, err := newWalker(assembly.Stacks[0].Template).only("AWS::Logs::ResourcePolicy")
			require.NoError(t, err)
			assert.Equal(t, "Retain", policy.DeletionPolicy)
			raw, err := json.Marshal(policy.Properties["PolicyDocument"])
			require.NoError(t, err)
			text := string(raw)
			assert.Contains(t, text, "aws:SourceAccount", "of no other account")
			assert.Contains(t, text, "delivery.logs.amazonaws.com")
			if regionless {
				return
			}
			assert.Contains(t, text, "logs:us-east-1:111111111111:log-group:/mine/*:log-stream:*")
			assert.Contains(t, text, "logs:us-east-1:111111111111:log-group:other:log-stream:*")
		})
	}
	t.Run("all", func(t *testing.T) {
		app := synthtest.NewApp(t)
		NewLogDeliveryPolicy(synthtest.Stack(app, "Test"), jsii.String("LogDelivery"), nil)
		_, policy, err := newWalker(synthtest.Synth(t, app).Stacks[0].Template).only("AWS::Logs::ResourcePolicy")
		require.NoError(t, err)
		raw, err := json.Marshal(policy.Properties["PolicyDocument"])
		require.NoError(t, err)
		assert.Contains(t, string(raw), "log-group:*:log-stream:*")
	})
}
