package app

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/validation"
	"github.com/tinystack-go/tinystack/stacks"
)

// templateValidation takes the place of the CDK's built-in validation of
// templates in an app of this package. For the CDK it is a plug-in with the name
// of its own one, so acknowledgements, reports and strictness apply to it as
// they do to that.
type templateValidation struct {
	validator *validation.Validator
	builtin   awscdk.CloudFormationValidatePlugin
	log       func(string)
}

// startValidation starts to validate what will be in the folder of the settings.
// It returns nil where the environment has switched validation off.
func startValidation(settings validation.Settings) *templateValidation {
	if os.Getenv("CDK_VALIDATION") == "false" {
		return nil
	}
	settings.Inputs = append(settings.Inputs, environment()...)
	settings.Node = os.Getenv("JSII_NODE")
	if settings.Log == nil {
		settings.Log = func(text string) {
			if os.Getenv("TINYSTACK_DEBUG") != "" {
				fmt.Fprintln(os.Stderr, "validation:", text)
			}
		}
	}
	return &templateValidation{validator: validation.Start(settings), log: settings.Log}
}

// environment is what of the environment templates commonly depend on.
func environment() []string {
	var variables []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "TINYSTACK_") || slices.Contains([]string{"CDK_CONTEXT_JSON", "CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION"}, name) {
			variables = append(variables, variable)
		}
	}
	slices.Sort(variables)
	return variables
}

// props are those of an app whose templates are validated here.
func (v *templateValidation) props(outdir *string) *awscdk.AppProps {
	props := &awscdk.AppProps{Outdir: outdir}
	if v != nil {
		props.BuiltinCloudFormationValidation = jsii.Bool(false)
	}
	return props
}

// of has the app validated. It comes before what is built, so that the plug-ins
// which the app registers itself come after it: in an app with stages, that is
// the order of the CDK's report.
func (v *templateValidation) of(cdk awscdk.App) {
	if v != nil {
		awscdk.Validations_Of(cdk).AddPlugins(v)
	}
}

// handOver is called with each stage when it is complete. Its templates are then
// written, and validated while the next stage is being made, instead of when all
// are. They are the same: a pipeline has its stages written the same way, later,
// and what is written once is not written again. A program in Go may still add to
// a stage after that; nothing adds to those of a file.
func (v *templateValidation) handOver(pipeline bool) func(stacks.Stage) {
	if v == nil {
		return nil
	}
	return func(stage stacks.Stage) {
		stage.Synth(&awscdk.StageSynthesisOptions{ValidateOnSynthesis: &pipeline})
	}
}

func (v *templateValidation) passed() {
	if v != nil && v.builtin == nil {
		v.validator.Passed()
	}
}

func (v *templateValidation) close() {
	if v != nil {
		v.validator.Close()
	}
}

// Name is that of the CDK's own plug-in: acknowledgements refer to it.
func (v *templateValidation) Name() *string { return jsii.String("CloudFormation Validate") }

// Version is that of the validator.
func (v *templateValidation) Version() *string {
	if version := v.validator.Version(); version != "" {
		return &version
	}
	return v.ownOfCDK().Version()
}

// RuleIds are for statistics of use only.
func (v *templateValidation) RuleIds() *[]*string { return nil }

func (v *templateValidation) ownOfCDK() awscdk.CloudFormationValidatePlugin {
	if v.builtin == nil {
		v.builtin = awscdk.NewCloudFormationValidatePlugin(nil)
	}
	return v.builtin
}

// Validate is called by the CDK when all templates are there.
func (v *templateValidation) Validate(context awscdk.IPolicyValidationContext) (report *awscdk.PolicyValidationPluginReport) {
	defer func() {
		// The jsii runtime does not survive a panic in here. The CDK has
		// a report for a plug-in that fails.
		if problem := recover(); problem != nil {
			report = &awscdk.PolicyValidationPluginReport{
				Success:    jsii.Bool(false),
				Violations: &[]*awscdk.PolicyViolation{},
				Metadata:   &map[string]*string{"error": jsii.String(fmt.Sprintf("Validation plugin '%s' failed: %v", *v.Name(), problem))},
			}
		}
	}()
	stacks := inOrderOfStages(*context.StackTemplates())
	templates := make([]validation.Template, len(stacks))
	for i, stack := range stacks {
		templates[i] = validation.Template{Path: *stack.TemplatePath, Account: deref(stack.AccountId), Region: deref(stack.Region)}
	}
	found, err := v.validator.Validate(templates)
	if err != nil {
		v.log(err.Error())
		return v.ownOfCDK().Validate(&orderedContext{context, stacks})
	}
	return reportOf(found, stacks)
}

// orderedContext is a context with its stacks in another order.
type orderedContext struct {
	original awscdk.IPolicyValidationContext
	stacks   []*awscdk.PolicyValidationStack
}

func (c *orderedContext) AccountId() *string                  { return c.original.AccountId() }
func (c *orderedContext) Region() *string                     { return c.original.Region() }
func (c *orderedContext) AppConstruct() constructs.IConstruct { return c.original.AppConstruct() }

func (c *orderedContext) StackTemplates() *[]*awscdk.PolicyValidationStack { return &c.stacks }

func (c *orderedContext) TemplatePaths() *[]*string {
	paths := make([]*string, len(c.stacks))
	for i, stack := range c.stacks {
		paths[i] = stack.TemplatePath
	}
	return &paths
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// inOrderOfStages sorts stacks as the CDK's own plug-in gets them: those of
// a stage before those of what the stage is in. A stage is a folder.
func inOrderOfStages(stacks []*awscdk.PolicyValidationStack) []*awscdk.PolicyValidationStack {
	sorted, done := make([]*awscdk.PolicyValidationStack, 0, len(stacks)), map[string]bool{}
	folder := func(stack *awscdk.PolicyValidationStack) string { return filepath.Dir(*stack.TemplatePath) }
	var add func(of string)
	add = func(of string) {
		if done[of] {
			return
		}
		done[of] = true
		for _, stack := range stacks {
			if strings.HasPrefix(folder(stack), of+string(filepath.Separator)) {
				add(folder(stack))
			}
		}
		for _, stack := range stacks {
			if folder(stack) == of {
				sorted = append(sorted, stack)
			}
		}
	}
	for _, stack := range stacks {
		add(folder(stack))
	}
	return sorted
}

// reportOf is what was found as the CDK's own plug-in reports it.
func reportOf(found []validation.Violation, stacks []*awscdk.PolicyValidationStack) *awscdk.PolicyValidationPluginReport {
	violations, success := []*awscdk.PolicyViolation{}, true
	for _, violation := range found {
		if violation.Severity == "error" || violation.Severity == "fatal" {
			success = false
		}
		reported := &awscdk.PolicyViolation{
			RuleName:           &violation.Rule,
			Description:        &violation.Description,
			Severity:           &violation.Severity,
			Fix:                violation.Fix,
			ViolatingResources: &[]*awscdk.PolicyViolatingResource{},
		}
		if violation.Metadata != nil {
			metadata := map[string]*string{}
			for key, value := range violation.Metadata {
				metadata[key] = &value
			}
			reported.RuleMetadata = &metadata
		}
		for _, resource := range violation.Resources {
			place := &awscdk.PolicyViolatingResource{
				TemplatePath: stacks[resource.Template].TemplatePath,
				Locations:    jsii.Strings(resource.Locations...),
			}
			if resource.LogicalID != "" {
				place.ResourceLogicalId = &resource.LogicalID
			} else {
				place.ConstructPath = stacks[resource.Template].StackConstructPath
			}
			*reported.ViolatingResources = append(*reported.ViolatingResources, place)
		}
		violations = append(violations, reported)
	}
	return &awscdk.PolicyValidationPluginReport{Success: &success, Violations: &violations}
}
