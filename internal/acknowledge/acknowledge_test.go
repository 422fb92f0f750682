package acknowledge_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"

	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/internal/synthtest"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

// What is accepted is in the template, on the one resource it is about.
func TestAcceptedFindingsAreOnTheirResource(t *testing.T) {
	app := synthtest.NewApp(t)
	stack := synthtest.Stack(app, "stack")
	role := func(id string) awsiam.Role {
		return awsiam.NewRole(stack, &id, &awsiam.RoleProps{AssumedBy: awsiam.NewServicePrincipal(jsii.String("ec2.amazonaws.com"), nil)})
	}
	granted := role("Granted")
	granted.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: jsii.Strings("s3:*"), Resources: jsii.Strings("*")}))
	acknowledge.Policies(granted,
		acknowledge.Finding{Reason: "exact", AppliesTo: []string{"Action::s3:*"}},
		acknowledge.Finding{Reason: "pattern", AppliesTo: []string{"/^Resource::.*$/"}})
	acknowledge.All(granted, acknowledge.Finding{Rule: "A", Reason: "of the role"})

	several := role("Several")
	acknowledge.All(several, acknowledge.Finding{Rule: "A", Reason: "a"}, acknowledge.Finding{Rule: "B", Reason: "b"})
	acknowledge.Rule(several, "C", "beside them")

	again := role("Again")
	acknowledge.Rule(again, "A", "first")
	acknowledge.All(again, acknowledge.Finding{Rule: "B", Reason: "replaces it"})

	bare := role("Bare")
	assert.PanicsWithValue(t, "acknowledge: stack/Bare has no default policy", func() { acknowledge.Policy(bare, "there is none") })
	acknowledge.Policies(bare) // nothing to accept, so none is needed
	within := awscdk.NewStack(app, jsii.String("empty"), nil)
	assert.PanicsWithValue(t, "acknowledge: empty has no resource of its own", func() { acknowledge.All(within, acknowledge.Finding{}) })

	// Package snapshot leaves metadata out.
	template := app.Synth(nil).GetStackByName(jsii.String("stack")).Template().(map[string]any)
	accepted := map[string]any{}
	for id, resource := range template["Resources"].(map[string]any) {
		resource := resource.(map[string]any)
		metadata, _ := resource["Metadata"].(map[string]any)
		if nag, ok := metadata["cdk_nag"].(map[string]any); ok {
			accepted[resource["Type"].(string)+" "+id[:5]] = nag["rules_to_suppress"]
		}
	}
	finding := func(rule, reason string) map[string]any { return map[string]any{"id": rule, "reason": reason} }
	assert.Equal(t, map[string]any{
		"AWS::IAM::Policy Grant": []any{
			map[string]any{"id": "AwsSolutions-IAM5", "reason": "exact", "applies_to": []any{"Action::s3:*"}},
			map[string]any{"id": "AwsSolutions-IAM5", "reason": "pattern", "applies_to": []any{map[string]any{"regex": "/^Resource::.*$/"}}},
		},
		"AWS::IAM::Role Grant": []any{finding("A", "of the role")},
		"AWS::IAM::Role Sever": []any{finding("A", "a"), finding("B", "b"), finding("C", "beside them")},
		"AWS::IAM::Role Again": []any{finding("B", "replaces it")},
	}, accepted)
}
