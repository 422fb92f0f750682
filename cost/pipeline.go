package cost

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/spec"
)

// minutesOf is how long actions take, but for builds of images and bakes;
// docs/cost.md lists it. Nobody pays for an approval.
var minutesOf = map[course.Kind]int{
	course.Source: 1, course.Synth: 4, course.GateCheck: 1, course.SelfUpdate: 3, course.Assets: 1, course.Distribute: 3,
	course.Review: 2, course.Wake: 5, course.Deploy: 3, course.Awake: 3, course.Smoke: 2, course.CustomRelease: 1, course.Release: 1, course.Sleep: 2,
}

// bakeOverhead is what a build that watches takes beside the bake.
const bakeOverhead = 1

// What an execution leaves behind.
var artifactGB = dec("0.02")

// artifactMonths is how long artifacts are kept: 90 days.
const artifactMonths = 3

// deliveryLogGB is what the builds of one execution write.
var deliveryLogGB = dec("0.002")

// pipeline is what the lines of a pipeline are derived from.
type pipeline struct {
	sheet
	app  spec.App
	load Load
	// actions of an execution that are billed, and the minutes they take.
	actions, minutes int
	// projects of CodeBuild, and the minutes of those that run on x86 and on
	// Arm.
	projects, x86, arm int
}

// ofPipeline estimates the pipeline of a resolved declaration.
func ofPipeline(app spec.App, load Load) Part {
	p := &pipeline{sheet: sheet{region: app.Pipeline.Region}, app: app, load: load}
	p.countActions()
	builds := num(load.Builds)
	p.add(Line{Resource: "pipeline", Detail: fmt.Sprintf("%d builds, %d actions in %d minutes each", load.Builds, p.actions, p.minutes), Type: "AWS::CodePipeline::Pipeline", Count: 1, Kind: Usage},
		builds.Mul(num(p.minutes)), priceOf("codepipeline"))
	p.add(Line{Resource: "builds", Detail: fmt.Sprintf("%d projects, %d minutes for a build", p.projects, p.x86), Type: "AWS::CodeBuild::Project", Count: p.projects, Kind: Usage},
		builds.Mul(num(p.x86)), priceOf("codebuild"))
	p.add(Line{Resource: "builds on Arm", Detail: fmt.Sprintf("%d minutes for a build", p.arm), Kind: Usage},
		builds.Mul(num(p.arm)), priceOf("codebuild-arm"))
	p.addKeys()
	p.addImages()
	p.addBuckets()
	p.addLogs()
	p.addNotifications()
	if *p.app.Pipeline.Dashboard {
		p.addDashboard(0, pipelineDashboardMetrics(app))
	}
	p.free("EventBridge rules of AWS events", "AWS::Events::Rule", p.rules())
	for _, stage := range app.Stages {
		if stage.Window != nil || stage.Bake > 0 && spec.BakesByRules(*app.Pipeline, stage, course.Gates(app, stage)) {
			p.nameFree("rules that watch windows and alarms")
			break
		}
	}
	return Part{Name: pipelineName, Pipeline: true, Region: p.region, Load: load, Lines: p.lines}
}

// countActions goes through an execution as the pipeline does.
func (p *pipeline) countActions() {
	for _, stage := range course.Of(p.app) {
		for _, action := range stage.Actions {
			minutes := p.minutesOf(action)
			switch {
			case action.Kind == course.Approve:
				continue
			case action.Kind.Docker() && p.onArm():
				p.arm += minutes
			case action.Kind.Builds():
				p.x86 += minutes
			}
			p.actions++
			p.minutes += minutes
			if action.Kind.Builds() {
				p.projects++
			}
		}
	}
	// A build of its own lets a canary sleep when a commit fails.
	p.projects += p.sleepers()
}

func (p *pipeline) minutesOf(action course.Action) int {
	switch action.Kind {
	case course.Image:
		return p.load.BuildMinutes
	case course.Bake:
		i := slices.IndexFunc(p.app.Stages, func(s spec.Stage) bool { return s.Name == action.Stage })
		return p.app.Stages[i].Bake.Minutes() + bakeOverhead
	}
	return minutesOf[action.Kind]
}

// sleepers is how many stages sleep between releases.
func (p *pipeline) sleepers() int {
	n := 0
	for _, stage := range p.app.Stages {
		if stage.Sleeps {
			n++
		}
	}
	return n
}

// rules of EventBridge: what becomes of each action is logged, failures are
// told, a failure lets a canary sleep, and each source in S3 is watched.
func (p *pipeline) rules() int {
	n := 1
	if len(p.app.Pipeline.Notify) > 0 {
		n++
	}
	return n + p.sleepers() + p.eventSources()
}

// eventSources are those that an EventBridge rule watches: a connection tells
// the pipeline itself.
func (p *pipeline) eventSources() int {
	n := 0
	for _, source := range course.Sources(p.app) {
		if source != nil && source.Connection == "" {
			n++
		}
	}
	return n
}

// onArm says whether images are built for Arm.
func (p *pipeline) onArm() bool {
	arch, _ := instances.ArchOf(p.app.Stages[0].Scale.Instance)
	return arch == instances.ARM64
}

// regions other than the pipeline's that it deploys to.
func (p *pipeline) regions() []string { return p.app.PipelineRegions()[1:] }

func (p *pipeline) crossAccount() bool {
	return slices.ContainsFunc(p.app.Stages, func(s spec.Stage) bool { return s.Account != p.app.Pipeline.Account })
}

// addKeys are those of artifacts that another account reads, one in each
// region, and that of notifications.
func (p *pipeline) addKeys() {
	keys := 0
	var of []string
	if p.crossAccount() {
		keys += 1 + len(p.regions())
		of = append(of, "of artifacts that another account reads")
	}
	if len(p.app.Pipeline.Notify) > 0 {
		keys++
		of = append(of, "of notifications")
	}
	if p.app.Pipeline.Logs.Encrypted {
		keys++
		of = append(of, "of logs")
	}
	p.addEach("AWS::KMS::Key", keys, "KMS keys", strings.Join(of, ", and "))
}

// addImages are the repositories, one for each service and region, and what
// bringing new layers to the other regions costs.
func (p *pipeline) addImages() {
	built, regions := len(course.Built(p.app)), len(p.app.RegistryRegions())
	if built == 0 {
		return
	}
	p.add(Line{Resource: "image repositories", Detail: fmt.Sprintf("%s in %s, %d images each", phrase.Count(built, "service"), phrase.Count(regions, "region"), p.app.Pipeline.KeepImages), Type: "AWS::ECR::Repository", Count: built * regions, Kind: Usage},
		keptImages(p.app.Pipeline.KeepImages).Mul(num(built*regions)), priceOf("ecr"))
	p.add(Line{Resource: "images brought to other regions", Detail: fmt.Sprintf("the new layers of %d builds", p.load.Builds), Kind: Usage},
		layersGB.Mul(num(p.load.Builds*built*(regions-1))), priceOf("transfer-region"))
}

// addBuckets hold artifacts and the record of access to them, in each region.
func (p *pipeline) addBuckets() {
	regions := 1 + len(p.regions())
	p.add(Line{Resource: "artifacts", Detail: "kept for 90 days", Type: "AWS::S3::Bucket", Count: 2 * regions, Kind: Usage},
		artifactGB.Mul(num(p.load.Builds*artifactMonths*regions)), priceOf("s3"))
}

func (p *pipeline) addLogs() {
	written := deliveryLogGB.Mul(num(p.load.Builds))
	p.add(Line{Resource: "logs", Detail: "of builds and deployments", Type: "AWS::Logs::LogGroup", Count: 2, Kind: Usage}, written, priceOf("log-ingest"))
	p.add(Line{Resource: "kept logs", Detail: fmt.Sprintf("of %d days", p.app.Pipeline.LogRetentionDays), Kind: Usage},
		kept(written, p.app.Pipeline.LogRetentionDays), priceOf("log-store"))
}

// addNotifications are e-mails: one for each build to each address, at most.
func (p *pipeline) addNotifications() {
	if addresses := len(p.app.Pipeline.Notify); addresses > 0 {
		p.addTopic(p.load.Builds, addresses)
	}
}
