package delivery

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/pipelines"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/internal/policy"
	"github.com/tinystack-go/tinystack/spec"
)

var (
	//go:embed scripts/release.sh
	releaseScript string
	//go:embed scripts/bake.sh
	bakeScript string
	//go:embed scripts/smoke.sh
	smokeScript string
)

const (
	// approvalID names the actions that wait for a person.
	approvalID = "Approve"
	// smokeOverhead is what a smoke test takes beside waiting, in minutes.
	smokeOverhead = 10
	// maxBake leaves CodeBuild's 36 hours room for what a bake takes beside
	// waiting.
	maxBake = spec.Duration(32 * time.Hour)
	// maxAlarms is how many alarms CloudWatch describes in one answer.
	maxAlarms = 100
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

// approval waits for a person, who is told what would go where, with a link to
// the commit, or to the report of what would change.
func (d *delivery) approval(into string, review pipelines.CodeBuildStep) pipelines.ManualApprovalStep {
	application := d.sources[0]
	props := &pipelines.ManualApprovalStepProps{
		Comment:   jsii.String(fmt.Sprintf("Let commit %s of %s into %s?", application.commit, d.app.Name, into)),
		ReviewUrl: jsii.String(application.link),
	}
	if review != nil {
		// What a comment names the CDK makes known to the link, too.
		report := *review.ExportedVariable(jsii.String("TINYSTACK_REVIEW"))
		*props.Comment += fmt.Sprintf(" Stacks that would change: %s, see %s", *review.ExportedVariable(jsii.String("TINYSTACK_CHANGED")), report)
		props.ReviewUrl = jsii.String(d.reviewLink(report))
	}
	if d.topic != nil {
		props.NotificationTopic = d.topic
	}
	return pipelines.NewManualApprovalStep(jsii.String(approvalID), props)
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

// releaseRole tags images, and with a release buildspec pulls and pushes them.
func (d *delivery) releaseRole() awsiam.IRole {
	if len(d.built) == 0 {
		return nil
	}
	actions := []string{"ecr:BatchGetImage", "ecr:PutImage"}
	var statements []policy.Statement
	cloned := map[*source]bool{}
	for _, service := range d.built {
		source := d.sourceOf(service)
		if d.releaseSpec(service) == "" || cloned[source] {
			continue
		}
		if len(cloned) == 0 {
			actions = append(actions, "ecr:BatchCheckLayerAvailability", "ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer",
				"ecr:InitiateLayerUpload", "ecr:UploadLayerPart")
			statements = append(statements, policy.Allow([]string{"ecr:GetAuthorizationToken"}, "*"))
		}
		cloned[source] = true
		statements = append(statements, source.clone...)
	}
	statements = append(statements, policy.Allow(actions, d.repositories(d.built...)...))
	return d.buildRole(d, "ReleaseRole", "", "Tags the images of "+d.app.Name+" with the stages that run them", readOnly, statements...)
}

// release puts the stage's name on the images that the stage now runs.
func (d *delivery) release(stage StageDeployment, previous string, role awsiam.IRole) pipelines.CodeBuildStep {
	env := d.releaseEnv(stage, d.built[0], previous)
	regions := []string{d.app.Pipeline.Region}
	if stage.Spec.Region != d.app.Pipeline.Region {
		regions = append(regions, stage.Spec.Region)
	}
	var images []string
	for _, service := range d.built {
		variable := CommitVariable("")
		if service.Source != nil {
			variable = CommitVariable(service.Name)
		}
		images = append(images, RepositoryName(d.app.Name, service.Name)+"="+variable)
		env[variable] = jsii.String(d.sourceOf(service).commit)
	}
	env["TINYSTACK_IMAGES"] = jsii.String(strings.Join(images, " "))
	env["TINYSTACK_REGIONS"] = jsii.String(strings.Join(regions, " "))
	return d.step("Release", script(releaseScript), env, "release-"+stage.Spec.Name, role, nil)
}

// customRelease runs a buildspec of a service's source; finish puts the file
// in place of the commands.
func (d *delivery) customRelease(stage StageDeployment, service spec.Service, previous string, role awsiam.IRole) pipelines.CodeBuildStep {
	env := d.releaseEnv(stage, service, previous)
	env["IMAGE_TAG"] = jsii.String(d.sourceOf(service).commit)
	outputs := map[string]awscdk.CfnOutput{}
	if stage.ClusterARN != nil {
		outputs["CLUSTER_ARN"] = stage.ClusterARN
	}
	if name := stage.ServiceNames[service.Name]; name != nil {
		outputs["SERVICE_NAME"] = name
	}
	host := d.dockerEnvironment()
	return pipelines.NewCodeBuildStep(jsii.String(releaseSpecID(service.Name)), &pipelines.CodeBuildStepProps{
		Input:             d.sourceOf(service).step,
		Env:               &env,
		EnvFromCfnOutputs: &outputs,
		Commands:          jsii.Strings("exit 1"),
		BuildEnvironment:  host,
		Logging:           d.logging("release-" + stage.Spec.Name + "-" + service.Name),
		Timeout:           d.minutes(d.app.Build.Timeout.Minutes()),
		Role:              role,
	})
}

func releaseSpecID(service string) string { return service + "-Release" }

// releaseEnv is the environment of a stage's releases.
func (d *delivery) releaseEnv(stage StageDeployment, service spec.Service, previous string) map[string]*string {
	account, region := d.app.Pipeline.Account, d.app.Pipeline.Region
	env := map[string]*string{
		"AWS_REGION":    jsii.String(region),
		"S3_BUCKET":     &d.asked.bucketName,
		"ECR_ENDPOINT":  jsii.String(RegistryHost(account, region)),
		"ECR_IMAGE_URL": jsii.String(RegistryHost(account, region) + "/" + RepositoryName(d.app.Name, service.Name)),
	}
	for name, value := range d.stageEnv(stage.Spec, service, previous) {
		env[name] = jsii.String(value)
	}
	return env
}

// stageEnv is what the environment of a build or release says of a stage.
func (d *delivery) stageEnv(stage spec.Stage, service spec.Service, previous string) map[string]string {
	env := map[string]string{
		"STAGE_NAME":          stage.Name,
		"PREVIOUS_STAGE_NAME": previous,
		"STAGE_REGION":        stage.Region,
	}
	if stage.Region != d.app.Pipeline.Region {
		host := RegistryHost(d.app.Pipeline.Account, stage.Region)
		env["REGIONAL_ECR_ENDPOINT"] = host
		env["REGIONAL_ECR_IMAGE_URL"] = host + "/" + RepositoryName(d.app.Name, service.Name)
	}
	return env
}

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
		Timeout:           d.minutes(limit),
		Role:              d.buildRole(scope, "Role", "", "Tests "+d.app.Name+"/"+stage.Spec.Name+" after a deployment", readOnly, clone...),
	})
}

// bake watches a stage's alarms for a while.
func (d *delivery) bake(stage StageDeployment) pipelines.CodeBuildStep {
	seconds := stage.Spec.Bake.Seconds()
	env := map[string]*string{
		"STAGE_NAME":             jsii.String(stage.Spec.Name),
		"STAGE_REGION":           jsii.String(stage.Spec.Region),
		"TINYSTACK_BAKE_SECONDS": jsii.String(strconv.Itoa(seconds)),
	}
	if course.Sleeps(stage.Spec) {
		env["TINYSTACK_SETTLE_SECONDS"] = jsii.String(strconv.Itoa(settleSeconds))
	}
	var assume []policy.Statement
	if len(stage.AlarmNames) > 0 {
		env["TINYSTACK_ALARMS"] = jsii.String(strings.Join(stage.AlarmNames, "\n"))
		env["TINYSTACK_GATE_ROLE"] = jsii.String(stage.GateRoleARN)
		assume = append(assume, policy.Allow([]string{"sts:AssumeRole"}, stage.GateRoleARN))
	}
	scope := constructs.NewConstruct(d, jsii.String("Bake "+stage.Spec.Name))
	role := d.buildRole(scope, "Role", BakeRoleName(d.app.Name, stage.Spec.Name),
		"Watches the alarms of "+d.app.Name+"/"+stage.Spec.Name+" while a commit bakes", readOnly, assume...)
	// Each look at the alarms adds its own time to the wait.
	timeout := (seconds+59)/60*11/10 + 10
	if course.Sleeps(stage.Spec) {
		timeout += settleSeconds / 60
	}
	return d.step("Bake", script(bakeScript), env, "bake-"+stage.Spec.Name, role, &timeout)
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
		Timeout:          d.minutes(limit),
		Role:             role,
	})
}
