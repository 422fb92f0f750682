// Package policy writes IAM policies as Go values and accepts the wildcards in
// them, each with its reason. A policy is one message to the CDK however many
// statements it has, and its wildcards are found without asking for it again.
package policy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/acknowledge"
)

// Statement allows actions on resources.
type Statement struct {
	// Actions, such as s3:GetObject. Required.
	Actions []string
	// Resources are ARNs; they may hold tokens of the CDK. Required.
	Resources []string
	// Conditions, by operator and then by key. Default: none.
	Conditions map[string]any
}

// Allow is a statement without conditions.
func Allow(actions []string, resources ...string) Statement {
	return Statement{Actions: actions, Resources: resources}
}

// CDK is the statement for a method of the CDK that takes one.
func (s Statement) CDK() awsiam.PolicyStatement {
	return awsiam.PolicyStatement_FromJson(s.json())
}

// Document is the statements as the CDK takes them for an inline policy.
func Document(statements ...Statement) awsiam.PolicyDocument {
	return awsiam.PolicyDocument_FromJson(document(statements))
}

func document(statements []Statement) map[string]any {
	rendered := make([]any, len(statements))
	for i, statement := range statements {
		rendered[i] = statement.json()
	}
	return map[string]any{"Version": "2012-10-17", "Statement": rendered}
}

func (s Statement) json() map[string]any {
	statement := map[string]any{"Effect": "Allow", "Action": list(s.Actions), "Resource": list(s.Resources)}
	if len(s.Conditions) > 0 {
		statement["Condition"] = s.Conditions
	}
	return statement
}

func list(texts []string) []any {
	values := make([]any, len(texts))
	for i, text := range texts {
		values[i] = text
	}
	return values
}

// Because gives, for wildcards that match a regular expression as a whole, the
// reason why they are accepted. A wildcard is written as the rule that reports
// it does: "Action::s3:Get*", "Resource::<Bucket12345678.Arn>/*".
type Because map[string]string

// Acknowledge accepts the wildcards of statements in the resource that holds
// their policy: each that a reason matches is acknowledged by its exact text,
// any other stays a finding. What was accepted on the resource before is
// replaced.
func Acknowledge(stack awscdk.Stack, resource constructs.IConstruct, statements []Statement, reasons Because) {
	var withWildcards []Statement
	for _, statement := range statements {
		asterisk := func(text string) bool { return strings.Contains(text, "*") }
		if slices.ContainsFunc(slices.Concat(statement.Actions, statement.Resources), asterisk) {
			withWildcards = append(withWildcards, statement)
		}
	}
	if len(withWildcards) > 0 {
		// The stack knows what tokens stand for.
		reasons.accept(resource, stack.Resolve(document(withWildcards)))
	}
}

// AcknowledgeGrants is [Acknowledge] for the policy that grants have put on a
// role of the CDK's; a role without one is left alone. Call it after the last
// grant. Where the policy is so long that the CDK divides it during synthesis,
// it holds for all of its parts.
func AcknowledgeGrants(stack awscdk.Stack, role constructs.IConstruct, reasons Because) {
	policy, made := role.Node().TryFindChild(jsii.String("DefaultPolicy")).(awsiam.Policy)
	if !made {
		return
	}
	reasons.accept(policy, stack.Resolve(policy.Document()))
	awscdk.Aspects_Of(role).Add(&parts{stack: stack, reasons: reasons, done: map[string]bool{}},
		&awscdk.AspectOptions{Priority: jsii.Number(partsPriority)})
}

// accept acknowledges the wildcards of a resolved document.
func (b Because) accept(resource constructs.IConstruct, document any) {
	found := map[string][]string{}
	for _, wildcard := range wildcards(document) {
		for _, pattern := range slices.Sorted(maps.Keys(b)) {
			if regexp.MustCompile("^(?:" + pattern + ")$").MatchString(wildcard) {
				found[b[pattern]] = append(found[b[pattern]], wildcard)
				break
			}
		}
	}
	var accepted []acknowledge.Finding
	for _, reason := range slices.Sorted(maps.Keys(found)) {
		slices.Sort(found[reason])
		accepted = append(accepted, acknowledge.Finding{Rule: "AwsSolutions-IAM5", Reason: reason, AppliesTo: slices.Compact(found[reason])})
	}
	if len(accepted) > 0 {
		acknowledge.All(resource, accepted...)
	}
}

// wildcards lists the actions and resources with an asterisk, in the words of
// the rule that reports them.
func wildcards(document any) []string {
	var found []string
	statements := document.(map[string]any)["Statement"].([]any)
	for _, statement := range statements {
		statement := statement.(map[string]any)
		if statement["Effect"] != "Allow" {
			continue
		}
		for _, key := range []string{"Action", "Resource"} {
			values, isList := statement[key].([]any)
			if !isList {
				values = []any{statement[key]}
			}
			for _, value := range values {
				if text := Flat(value); strings.Contains(text, "*") {
					found = append(found, key+"::"+text)
				}
			}
		}
	}
	return found
}

// Flat writes a value of a template as one line, with references in angle
// brackets: <Bucket12345678.Arn>/*.
func Flat(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case map[string]any:
		if ref, ok := value["Ref"].(string); ok {
			return "<" + ref + ">"
		}
		if attribute, ok := value["Fn::GetAtt"].([]any); ok {
			return fmt.Sprintf("<%v.%v>", attribute[0], attribute[1])
		}
		if join, ok := value["Fn::Join"].([]any); ok {
			var parts []string
			for _, part := range join[1].([]any) {
				parts = append(parts, Flat(part))
			}
			return strings.Join(parts, join[0].(string))
		}
		if sub, ok := value["Fn::Sub"].(string); ok {
			return strings.NewReplacer("${", "<", "}", ">").Replace(sub)
		}
	}
	return fmt.Sprint(value)
}

// parts accepts the wildcards of the policies that a role gets when the one it
// has grows too long, which the CDK finds out during synthesis.
type parts struct {
	stack   awscdk.Stack
	reasons Because
	done    map[string]bool
}

// partsPriority is between the aspect that divides the policy and those that
// look at the result.
const partsPriority = 450

// Visit implements awscdk.IAspect.
func (p *parts) Visit(node constructs.IConstruct) {
	if _, isRole := node.(awsiam.Role); !isRole {
		return
	}
	for _, child := range *node.Node().Children() {
		if policy, ok := child.(awsiam.ManagedPolicy); ok && !p.done[*policy.Node().Path()] {
			p.done[*policy.Node().Path()] = true
			p.reasons.accept(policy, p.stack.Resolve(policy.Document()))
		}
	}
}
