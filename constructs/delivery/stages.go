package delivery

import (
	_ "embed"
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/pipelines"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/course"
)

// addStages adds the stages in order. Neighbours of one wave deploy side by
// side, in one stage of the pipeline.
func (d *delivery) addStages() error {
	release := d.releaseRole()
	taken := []string{"Source", "Build", course.GateCheckStage, course.GateApprovalStage, "UpdatePipeline", "Assets"}
	for _, wave := range *d.pipeline.Waves() {
		taken = append(taken, *wave.Id())
	}
	for _, g := range d.groups {
		// CodePipeline wants each name once.
		for _, name := range g.names(*d.app.Pipeline) {
			if slices.Contains(taken, name) {
				return fmt.Errorf("%q is the name of two stages of the pipeline: a wave needs a name that no stage and no other wave has", name)
			}
			taken = append(taken, name)
		}
		d.addGroup(g, release)
	}
	return nil
}

// addGroup adds stages that deploy side by side; mostly that is one. When each
// of them waits for approval they wait together, otherwise each by itself.
func (d *delivery) addGroup(g group, release awsiam.IRole) {
	if g.ApprovedApart() {
		d.pipeline.AddWave(jsii.String(g.Name+course.ApprovalSuffix), nil).AddPre(d.approvals(g.title(), g.stages)...)
	}
	wave := d.pipeline.AddWave(jsii.String(g.Name), nil)
	together := g.ApprovedTogether()
	if together {
		wave.AddPre(d.approvals(g.title(), g.stages)...)
	}
	var last, asleep []pipelines.Step
	for i, stage := range g.stages {
		previous := latestTag
		if g.First+i > 0 {
			previous = d.props.Stages[g.First+i-1].Spec.Name
		}
		var pre []pipelines.Step
		if course.Manual(stage.Spec) && !together && !g.ApprovedApart() {
			pre = d.approvals("stage "+stage.Spec.Name, []StageDeployment{stage})
			for _, step := range stage.Pre {
				step.AddStepDependency(pre[len(pre)-1])
			}
		}
		pre = append(pre, stage.Pre...)
		var awake pipelines.Step
		if course.Sleeps(stage.Spec) {
			s := d.newSleeper(g, stage)
			wake := s.step("Wake", "wake")
			for _, before := range pre {
				wake.AddStepDependency(before)
			}
			pre = append(pre, wake)
			awake = s.step("Awake", "awake")
			asleep = append(asleep, s.step(g.stepName(stage.Spec, "Sleep"), "sleep"))
			s.watch()
		}
		post, tag := d.after(stage, g, previous, release)
		if awake != nil {
			for _, step := range post {
				step.AddStepDependency(awake)
			}
			post = append([]pipelines.Step{awake}, post...)
		}
		if g.byRules(*d.app.Pipeline) {
			// Rules watch when all actions of the stage are through, and only
			// then the commit counts as released.
			last = append(last, tag...)
		} else {
			for _, step := range tag {
				for _, before := range post {
					step.AddStepDependency(before)
				}
			}
			post = append(post, tag...)
		}
		options := &pipelines.AddStageOpts{}
		if len(pre) > 0 {
			options.Pre = &pre
		}
		if len(post) > 0 {
			options.Post = &post
		}
		wave.AddStage(stage.Stage, options)
	}
	if len(last) > 0 {
		d.pipeline.AddWave(jsii.String(g.Name+course.ReleaseSuffix), &pipelines.WaveOptions{Post: &last})
	}
	if len(asleep) > 0 {
		// Not in the stage itself: what is wrong with the sleep is no reason to
		// take back a commit.
		d.pipeline.AddWave(jsii.String(g.Name+course.SleepSuffix), &pipelines.WaveOptions{Post: &asleep})
	}
}

// after is what follows a stage's deployment: the smoke test, what the user
// wants to run, then the bake; and what follows when all of it succeeded: the
// stage's tag.
func (d *delivery) after(stage StageDeployment, g group, previous string, release awsiam.IRole) (steps, tag []pipelines.Step) {
	var first, custom []pipelines.Step
	if stage.Spec.Smoke != nil && *stage.Spec.Scale.Tasks.Max > 0 {
		first = append(first, d.smoke(stage))
	}
	for _, service := range d.built {
		if file := d.releaseSpec(service); file != "" {
			step := d.customRelease(stage, service, previous, release)
			d.custom = append(d.custom, customStep{step, file})
			custom = append(custom, step)
		}
	}
	for _, step := range append(slices.Clone(custom), stage.Post...) {
		for _, before := range first {
			step.AddStepDependency(before)
		}
	}
	custom = append(first, custom...)
	steps = append(slices.Clone(custom), stage.Post...)
	if course.Bakes(stage.Spec) && !g.byRules(*d.app.Pipeline) {
		bake := d.bake(stage)
		for _, step := range custom {
			bake.AddStepDependency(step)
		}
		steps = append(steps, bake)
	}
	if len(d.built) > 0 {
		tag = append(tag, d.release(stage, previous, release))
	}
	return steps, tag
}

// step is a small project without a source: it gets the cloud assembly, which
// is there, rather than a clone that it does not look at.
func (d *delivery) step(id string, commands *[]*string, env map[string]*string, logPrefix string, role awsiam.IRole, timeout *int) pipelines.CodeBuildStep {
	limit := 15
	if timeout != nil {
		limit = *timeout
	}
	return pipelines.NewCodeBuildStep(jsii.String(id), &pipelines.CodeBuildStepProps{
		Input:            d.pipeline.CloudAssemblyFileSet(),
		Env:              &env,
		Commands:         commands,
		BuildEnvironment: d.environment(),
		Logging:          d.logging(logPrefix),
		Timeout:          d.timeout(limit),
		Role:             role,
	})
}
