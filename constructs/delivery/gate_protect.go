package delivery

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscodebuild"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodepipeline"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodepipelineactions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/internal/policy"
)

//go:embed scripts/gates.js
var gatesScript string

const (
	weakenedVariable = "TINYSTACK_WEAKENED"
	nothingWeakened  = "none"
)

// protectGates lets a commit change the pipeline's gates only with somebody's
// approval. Between the synthesis and the pipeline's update of itself, a build
// of the pipeline as it is compares the gates that are deployed with those that
// the commit brings; the approval after it is skipped when no gate is dropped,
// moved or weakened.
func (d *delivery) protectGates() {
	rendered := d.renderedStages()
	build := slices.Index(stageNames(rendered), "Build")
	synth := rendered[build].(map[string]any)["actions"].([]any)[0].(map[string]any)
	assembly := synth["outputArtifacts"].([]any)[0].(map[string]any)["name"].(string)

	scope := constructs.NewConstruct(d, jsii.String(course.GateCheckStage))
	region := d.app.Pipeline.Region
	project := awscodebuild.NewPipelineProject(scope, jsii.String("Project"), &awscodebuild.PipelineProjectProps{
		Description: jsii.String("Compares the gates of pipeline " + d.app.Name + " with those that a commit brings"),
		Environment: d.environment(),
		EnvironmentVariables: &map[string]*awscodebuild.BuildEnvironmentVariable{
			"TINYSTACK_STACK": {Value: *d.stack.StackName()},
			"TINYSTACK_PATH":  {Value: *d.stack.Node().Path()},
		},
		BuildSpec: awscodebuild.BuildSpec_FromObject(&map[string]any{
			"version": "0.2",
			"env":     map[string]any{"exported-variables": []string{weakenedVariable}},
			"phases": map[string]any{
				"install": map[string]any{"runtime-versions": map[string]any{"nodejs": nodeVersion}},
				"build": map[string]any{"commands": []string{
					node(gatesScript),
					weakenedVariable + "=$(cat tinystack-weakened) && export " + weakenedVariable,
				}},
			},
		}),
		EncryptionKey: d.encryptionKey(),
		Logging:       d.logging("gate-check"),
		Timeout:       d.minutes(15),
		Role: d.buildRole(scope, "Role", "", "Compares the gates of pipeline "+d.app.Name, readOnly,
			policy.Allow([]string{"cloudformation:GetTemplate"}, fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/*", partitionOf(region), region, d.app.Pipeline.Account, *d.stack.StackName()))),
	})
	check := d.codePipeline.AddStage(&awscodepipeline.StageOptions{
		StageName: jsii.String(course.GateCheckStage),
		Placement: &awscodepipeline.StagePlacement{JustAfter: (*d.codePipeline.Stages())[build]},
	})
	check.AddAction(awscodepipelineactions.NewCodeBuildAction(&awscodepipelineactions.CodeBuildActionProps{
		ActionName:         jsii.String("Compare"),
		Project:            project,
		Input:              awscodepipeline.Artifact_Artifact(&assembly, nil),
		VariablesNamespace: jsii.String(course.GateCheckStage),
	}))
	variable := "#{" + course.GateCheckStage + "." + weakenedVariable + "}"
	approval := &awscodepipelineactions.ManualApprovalActionProps{
		ActionName:            jsii.String(approvalID),
		AdditionalInformation: jsii.String(fmt.Sprintf("Let commit %s of %s change the gates of its pipeline? %s", d.sources[0].commit, d.app.Name, variable)),
		ExternalEntityLink:    jsii.String(d.sources[0].link),
	}
	if d.topic != nil {
		approval.NotificationTopic = d.topic
	}
	d.codePipeline.AddStage(&awscodepipeline.StageOptions{
		StageName: jsii.String(course.GateApprovalStage),
		Placement: &awscodepipeline.StagePlacement{JustAfter: check},
	}).AddAction(awscodepipelineactions.NewManualApprovalAction(approval))
	d.resource.AddPropertyOverride(jsii.String(fmt.Sprintf("Stages.%d.BeforeEntry", build+2)),
		conditions("SKIP", rule("Weakened", "VariableCheck", region, map[string]any{
			"Variable": variable, "Operator": "NE", "Value": nothingWeakened,
		})))
}

// node is a program as one command.
func node(text string) string {
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "//") {
			lines.WriteString(strings.ReplaceAll(line, "'", `'\''`))
		}
	}
	return "node -e '\n" + lines.String() + "'"
}
