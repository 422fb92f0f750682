// Package acknowledge records that a finding of a security rule is accepted,
// and why, on the one resource it is about. The record is template metadata in
// the form that cdk-nag reads, so it is visible to whoever reviews the
// template, whether or not they run the rules.
package acknowledge

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// metadataKey is where cdk-nag looks.
const metadataKey = "cdk_nag"

// Finding is one that is accepted.
type Finding struct {
	// Rule that reports it, such as AwsSolutions-IAM5.
	Rule string
	// Reason why it is accepted.
	Reason string
	// AppliesTo names the findings, of a rule that reports several and names
	// each in its message, such as AwsSolutions-IAM5; one that begins with a
	// slash is a regular expression. Default: all findings of the rule.
	AppliesTo []string
}

// Rule accepts a finding on the construct's own resource, beside those that
// are accepted there already.
func Rule(scope constructs.IConstruct, rule, reason string, appliesTo ...string) {
	resource := resourceOf(scope)
	var entries []any
	if metadata, ok := resource.GetMetadata(jsii.String(metadataKey)).(map[string]any); ok {
		entries, _ = metadata["rules_to_suppress"].([]any)
	}
	write(resource, append(entries, Finding{rule, reason, appliesTo}.entry()))
}

// All accepts findings on the construct's own resource, and replaces what was
// accepted there before: use it once, for a resource that has just been made.
// Given the L1 resource, it is a single message to the CDK, where [Rule] is
// several for each finding.
func All(scope constructs.IConstruct, findings ...Finding) {
	entries := make([]any, len(findings))
	for i, finding := range findings {
		entries[i] = finding.entry()
	}
	write(resourceOf(scope), entries)
}

// Policy accepts findings of AwsSolutions-IAM5 in the inline policy that
// grants have put on a role, and replaces what was accepted there before. Call
// it once, after the grants.
func Policy(role constructs.IConstruct, reason string, appliesTo ...string) {
	Policies(role, Finding{Reason: reason, AppliesTo: appliesTo})
}

// Policies is [Policy] for findings with several reasons; their rule is always
// AwsSolutions-IAM5 and need not be given. Without findings it does nothing.
func Policies(role constructs.IConstruct, findings ...Finding) {
	if len(findings) == 0 {
		return
	}
	policy := policyOf(role)
	if policy == nil {
		panic(fmt.Sprintf("acknowledge: %s has no default policy", *role.Node().Path()))
	}
	entries := make([]any, len(findings))
	for i, finding := range findings {
		finding.Rule = "AwsSolutions-IAM5"
		entries[i] = finding.entry()
	}
	write(policy, entries)
}

// Validation accepts a finding of the CDK's own template validation on the
// construct.
func Validation(scope constructs.IConstruct, rule, reason string) {
	awscdk.Validations_Of(scope).Acknowledge(&awscdk.Acknowledgment{Id: &rule, Reason: &reason})
}

// resourceOf is the construct, where it is a resource, or else its default
// child's resource.
func resourceOf(scope constructs.IConstruct) awscdk.CfnResource {
	if resource, ok := scope.(awscdk.CfnResource); ok {
		return resource
	}
	child := scope.Node().DefaultChild()
	if child == nil {
		panic(fmt.Sprintf("acknowledge: %s has no resource of its own", *scope.Node().Path()))
	}
	return resourceOf(child)
}

// policyOf is the inline policy that grants make for a role; nil before the
// first. All that is below the role is asked for at once: its own resource, the
// policy, and the policy's resource.
func policyOf(role constructs.IConstruct) awsiam.CfnPolicy {
	for _, below := range *role.Node().FindAll(constructs.ConstructOrder_PREORDER) {
		if policy, ok := below.(awsiam.CfnPolicy); ok {
			return policy
		}
	}
	return nil
}

// entry is the finding in the form that cdk-nag reads.
func (f Finding) entry() map[string]any {
	entry := map[string]any{"id": f.Rule, "reason": f.Reason}
	if len(f.AppliesTo) > 0 {
		findings := make([]any, len(f.AppliesTo))
		for i, finding := range f.AppliesTo {
			findings[i] = finding
			if strings.HasPrefix(finding, "/") {
				findings[i] = map[string]any{"regex": finding}
			}
		}
		entry["applies_to"] = findings
	}
	return entry
}

func write(resource awscdk.CfnResource, entries []any) {
	resource.AddMetadata(jsii.String(metadataKey), map[string]any{"rules_to_suppress": entries})
}
