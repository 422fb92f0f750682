// Package acknowledge records that a finding of a security rule is accepted,
// and why, on the one resource it is about. The record is template metadata in
// the form that cdk-nag reads, so it is visible to whoever reviews the
// template, whether or not they run the rules.
package acknowledge

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// metadataKey is where cdk-nag looks.
const metadataKey = "cdk_nag"

// Rule accepts a finding on the construct's own resource. With appliesTo it
// accepts only those findings of the rule, which a rule that reports several
// (such as AwsSolutions-IAM5) names in its message.
func Rule(scope constructs.IConstruct, rule, reason string, appliesTo ...string) {
	entry := map[string]any{"id": rule, "reason": reason}
	if len(appliesTo) > 0 {
		findings := make([]any, len(appliesTo))
		for i, finding := range appliesTo {
			findings[i] = finding
			if strings.HasPrefix(finding, "/") {
				findings[i] = map[string]any{"regex": finding}
			}
		}
		entry["applies_to"] = findings
	}
	add(resourceOf(scope), entry)
}

// Policy accepts findings of AwsSolutions-IAM5 in the inline policy that
// grants have put on a role. Call it after the grants.
func Policy(role constructs.IConstruct, reason string, appliesTo ...string) {
	policy := role.Node().TryFindChild(jsii.String("DefaultPolicy"))
	if policy == nil {
		panic(fmt.Sprintf("acknowledge: %s has no default policy", *role.Node().Path()))
	}
	Rule(policy, "AwsSolutions-IAM5", reason, appliesTo...)
}

// Validation accepts a finding of the CDK's own template validation on the
// construct.
func Validation(scope constructs.IConstruct, rule, reason string) {
	awscdk.Validations_Of(scope).Acknowledge(&awscdk.Acknowledgment{Id: &rule, Reason: &reason})
}

func resourceOf(scope constructs.IConstruct) awscdk.CfnResource {
	if *awscdk.CfnResource_IsCfnResource(scope) {
		return scope.(awscdk.CfnResource)
	}
	child := scope.Node().DefaultChild()
	if child == nil {
		panic(fmt.Sprintf("acknowledge: %s has no resource of its own", *scope.Node().Path()))
	}
	return resourceOf(child)
}

func add(resource awscdk.CfnResource, entry map[string]any) {
	var rules []any
	if metadata, ok := resource.GetMetadata(jsii.String(metadataKey)).(map[string]any); ok {
		rules, _ = metadata["rules_to_suppress"].([]any)
	}
	resource.AddMetadata(jsii.String(metadataKey), map[string]any{"rules_to_suppress": append(rules, entry)})
}
