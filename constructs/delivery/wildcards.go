package delivery

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

// because gives, for wildcards that match a regular expression as a whole, the
// reason why they are accepted.
type because map[string]string

// acknowledgeWildcards accepts the wildcards of a role's inline policies, or of
// a policy, one by one: each that a reason matches is acknowledged by its exact
// text, any other stays a finding. Call it when the policy is complete.
func acknowledgeWildcards(construct constructs.IConstruct, reasons because) {
	var documents []any
	resource := construct
	switch policy := construct.(type) {
	case awsiam.Role:
		role := policy.Node().DefaultChild().(awsiam.CfnRole)
		resource = role
		inline, _ := resolve(role, role.Policies()).([]any)
		for _, each := range inline {
			documents = append(documents, each.(map[string]any)["policyDocument"])
		}
	case awsiam.Policy:
		documents = append(documents, resolve(policy, policy.Document()))
	case awsiam.ManagedPolicy:
		documents = append(documents, resolve(policy, policy.Document()))
	default:
		panic(fmt.Sprintf("acknowledgeWildcards: %s is neither role nor policy", *construct.Node().Path()))
	}
	found := map[string][]string{}
	for _, document := range documents {
		for _, wildcard := range wildcards(document) {
			for _, pattern := range slices.Sorted(maps.Keys(reasons)) {
				if regexp.MustCompile("^(?:" + pattern + ")$").MatchString(wildcard) {
					found[reasons[pattern]] = append(found[reasons[pattern]], wildcard)
					break
				}
			}
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(found)) {
		slices.Sort(found[reason])
		acknowledge.Rule(resource, "AwsSolutions-IAM5", reason, slices.Compact(found[reason])...)
	}
}

func resolve(scope constructs.IConstruct, value any) any {
	return awscdk.Stack_Of(scope).Resolve(value)
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
				if text := flat(value); strings.Contains(text, "*") {
					found = append(found, key+"::"+text)
				}
			}
		}
	}
	return found
}

// flat writes a value of a template as one line, with references in angle
// brackets.
func flat(value any) string {
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
				parts = append(parts, flat(part))
			}
			return strings.Join(parts, join[0].(string))
		}
		if sub, ok := value["Fn::Sub"].(string); ok {
			return strings.NewReplacer("${", "<", "}", ">").Replace(sub)
		}
	}
	return fmt.Sprint(value)
}

// overflow acknowledges the wildcards of the policies that a role gets when
// the one it has grows too long, which the CDK finds out during synthesis.
type overflow struct {
	reasons because
	done    map[string]bool
}

// overflowPriority is between the aspect that divides the policy and those
// that look at the result.
const overflowPriority = 450

// acknowledgePolicies accepts the wildcards of what grants have put on a role.
func acknowledgePolicies(role constructs.IConstruct, reasons because) {
	policy := role.Node().TryFindChild(jsii.String("DefaultPolicy"))
	if policy == nil {
		return
	}
	acknowledgeWildcards(policy, reasons)
	awscdk.Aspects_Of(role).Add(&overflow{reasons: reasons, done: map[string]bool{}},
		&awscdk.AspectOptions{Priority: jsii.Number(overflowPriority)})
}

// Visit implements awscdk.IAspect.
func (o *overflow) Visit(node constructs.IConstruct) {
	if _, isRole := node.(awsiam.Role); !isRole {
		return
	}
	for _, child := range *node.Node().Children() {
		if policy, ok := child.(awsiam.ManagedPolicy); ok && !o.done[*policy.Node().Path()] {
			o.done[*policy.Node().Path()] = true
			acknowledgeWildcards(policy, o.reasons)
		}
	}
}
