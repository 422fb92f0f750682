package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/snapshot"
)

// Stack is what CloudFormation makes in one piece.
type Stack struct {
	Name    string `json:"name"`
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	// Resources by type, then logical ID.
	Resources []Resource `json:"resources"`
}

// Resource is one of a stack.
type Resource struct {
	LogicalID string `json:"logicalId"`
	Type      string `json:"type"`
	// Kept says what becomes of it when it leaves the stack, where it is not
	// deleted: Retain or Snapshot.
	Kept string `json:"kept,omitempty"`
	// Documentation is the page about its type.
	Documentation string `json:"documentation,omitempty"`
}

// Output is a value that CloudFormation tells once a stack is deployed.
type Output struct {
	Stack string `json:"stack"`
	Name  string `json:"name"`
	// Description says what it is.
	Description string `json:"description,omitempty"`
	// Value where it is known before the deployment; where not, what stands in
	// ${…} is put in by AWS.
	Value string `json:"value"`
	// Known says that nothing is missing in the value.
	Known bool `json:"known"`
	// Lookup is the command that prints the value once it is deployed.
	Lookup string `json:"lookup"`
}

func stackOf(stack *snapshot.Stack) Stack {
	account, region, _ := strings.Cut(strings.TrimPrefix(stack.Environment, "aws://"), "/")
	s := Stack{Name: stack.Name, Account: strings.TrimPrefix(account, "unknown-account"), Region: strings.TrimPrefix(region, "unknown-region")}
	resources := stack.Template.Resources("")
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		resource := resources[id]
		if resource.Type == "AWS::CDK::Metadata" {
			continue
		}
		r := Resource{LogicalID: id, Type: resource.Type, Documentation: documentation(resource.Type)}
		if resource.DeletionPolicy != "Delete" {
			r.Kept = resource.DeletionPolicy
		}
		s.Resources = append(s.Resources, r)
	}
	slices.SortStableFunc(s.Resources, func(a, b Resource) int { return strings.Compare(a.Type, b.Type) })
	return s
}

// documentation is AWS's page about a resource type.
func documentation(resourceType string) string {
	parts := strings.Split(strings.ToLower(resourceType), "::")
	if len(parts) != 3 || parts[0] != "aws" {
		return ""
	}
	return "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-" + parts[1] + "-" + parts[2] + ".html"
}

// outputsOf are the outputs that are for people: those that say what they are. A
// stack that is bound to no region is in that of its stage.
func outputsOf(stack *snapshot.Stack, region string) []Output {
	var outputs []Output
	if bound := stack.Environment[strings.LastIndex(stack.Environment, "/")+1:]; bound != "" && bound != "unknown-region" {
		region = bound
	}
	all := stack.Template.Outputs()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name].Description == "" {
			continue
		}
		value, known := render(all[name].Value, region)
		outputs = append(outputs, Output{
			Stack: stack.Name, Name: name, Description: all[name].Description, Value: value, Known: known,
			Lookup: fmt.Sprintf("aws cloudformation describe-stacks --region %s --stack-name %s --query \"Stacks[0].Outputs[?OutputKey=='%s'].OutputValue\" --output text", region, stack.Name, name),
		})
	}
	return outputs
}

// render is a value of a template as a text, and whether all of it is known.
func render(value any, region string) (text string, known bool) {
	if text := scalar(value); text != "" || value == "" {
		return text, true
	}
	object, _ := value.(map[string]any)
	if len(object) != 1 {
		return "${…}", false
	}
	for name, inner := range object {
		switch name {
		case "Ref":
			switch ref := scalar(inner); ref {
			case "AWS::Region":
				return region, true
			default:
				return "${" + ref + "}", false
			}
		case "Fn::GetAtt":
			var parts []string
			for _, part := range listOf(inner) {
				parts = append(parts, scalar(part))
			}
			return "${" + strings.Join(parts, ".") + "}", false
		case "Fn::Join":
			if parts := listOf(inner); len(parts) == 2 {
				var texts []string
				known := true
				for _, part := range listOf(parts[1]) {
					text, ok := render(part, region)
					texts, known = append(texts, text), known && ok
				}
				return strings.Join(texts, scalar(parts[0])), known
			}
		}
	}
	return "${…}", false
}
