package delivery

import (
	_ "embed"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/pipelines"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/policy"
)

//go:embed scripts/smoke.sh
var smokeScript string

const (
	// smokeOverhead is what a smoke test takes beside waiting, in minutes.
	smokeOverhead = 10
)

// smoke asks the stage whether it is there, and then whatever the user wants
// to ask it. The address comes from the outputs of the stage's stack.
func (d *delivery) smoke(stage StageDeployment) pipelines.CodeBuildStep {
	declared := stage.Spec.Smoke
	env := map[string]*string{
		"STAGE_NAME":   jsii.String(stage.Spec.Name),
		"STAGE_REGION": jsii.String(stage.Spec.Region),
	}
	outputs := map[string]awscdk.CfnOutput{}
	if stage.URL != nil {
		outputs["STAGE_URL"] = stage.URL
	}
	var commands []*string
	limit := smokeOverhead
	if declared.Path != "" {
		env["TINYSTACK_PATH"] = jsii.String(declared.Path)
		env["TINYSTACK_STATUS"] = jsii.String(strconv.Itoa(declared.Status))
		env["TINYSTACK_SMOKE_SECONDS"] = jsii.String(strconv.Itoa(declared.Timeout.Seconds()))
		commands = append(commands, *script(smokeScript)...)
		limit += declared.Timeout.Minutes()
	}
	var input pipelines.IFileSetProducer = d.pipeline.CloudAssemblyFileSet()
	scope := constructs.NewConstruct(d, jsii.String("Smoke "+stage.Spec.Name))
	var clone []policy.Statement
	if len(declared.Commands) > 0 {
		// Each is a command of its own in the buildspec: CodeBuild ends at the
		// first that fails.
		commands = append(commands, *jsii.Strings(declared.Commands...)...)
		input, clone = d.sources[0].step, d.sources[0].clone
		limit += d.app.Build.Timeout.Minutes()
	}
	return pipelines.NewCodeBuildStep(jsii.String("Smoke"), &pipelines.CodeBuildStepProps{
		Input:             input,
		Env:               &env,
		EnvFromCfnOutputs: &outputs,
		Commands:          &commands,
		BuildEnvironment:  d.environment(),
		Logging:           d.logging("smoke-" + stage.Spec.Name),
		Timeout:           d.timeout(limit),
		Role:              d.buildRole(scope, "Role", "", "Tests "+d.app.Name+"/"+stage.Spec.Name+" after a deployment", readOnly, clone...),
	})
}
