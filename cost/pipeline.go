package cost

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/spec"
)

// What an action takes, in minutes; docs/cost.md lists it.
const (
	sourceMinutes  = 1
	synthMinutes   = 4
	updateMinutes  = 3
	copyMinutes    = 3
	deployMinutes  = 3
	releaseMinutes = 1
	smokeMinutes   = 2
	bakeOverhead   = 1
)

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
		p.addDashboard(0)
	}
	p.free("EventBridge rules of AWS events", "AWS::Events::Rule", p.rules())
	return Part{Name: pipelineName, Pipeline: true, Region: p.region, Load: load, Lines: p.lines}
}

// action is one that CodePipeline bills.
func (p *pipeline) action(minutes int) {
	p.actions++
	p.minutes += minutes
}

// build is an action that runs a project.
func (p *pipeline) build(minutes int, docker bool) {
	p.action(minutes)
	p.projects++
	if docker && p.onArm() {
		p.arm += minutes
	} else {
		p.x86 += minutes
	}
}

// countActions goes through an execution as the pipeline does.
func (p *pipeline) countActions() {
	for range p.sources() {
		p.action(sourceMinutes)
	}
	p.build(synthMinutes, false)
	p.build(updateMinutes, false)
	buildFiles, releaseFiles := p.app.BuildFiles("build.yml"), p.app.BuildFiles("release.yml")
	for _, service := range p.built() {
		p.build(p.load.BuildMinutes, true)
		if service.BuildSpec != "" || buildFiles[service.Name] != "" {
			p.build(copyMinutes, true)
		}
	}
	for _, stage := range p.app.Stages {
		s := deployment{stage}
		for range s.stacks() {
			p.action(deployMinutes)
		}
		if stage.Smoke != nil && *stage.Scale.Tasks.Max > 0 {
			p.build(smokeMinutes, false)
		}
		for _, service := range p.built() {
			if service.ReleaseSpec != "" || releaseFiles[service.Name] != "" {
				p.build(releaseMinutes, true)
			}
		}
		if stage.Bake > 0 {
			p.build(stage.Bake.Minutes()+bakeOverhead, false)
		}
		if len(p.built()) > 0 {
			p.build(releaseMinutes, false)
		}
	}
}

// deployment is a stage as the pipeline sees it.
type deployment struct{ spec.Stage }

// stacks is how many stacks a stage deploys.
func (s deployment) stacks() int {
	stacks := 1
	if s.Network.VPC == nil {
		stacks++
	}
	if s.Database != nil && s.Database.Existing == nil {
		stacks++
	}
	return stacks
}

// sources is how many repositories are watched.
func (p *pipeline) sources() int {
	n := 1
	if p.app.Pipeline.Declaration != nil {
		n++
	}
	for _, service := range p.built() {
		if service.Source != nil {
			n++
		}
	}
	return n
}

// rules of EventBridge: what becomes of each action is logged, failures are
// told, and each source in S3 is watched.
func (p *pipeline) rules() int {
	n := 1
	if len(p.app.Pipeline.Notify) > 0 {
		n++
	}
	return n + p.eventSources()
}

// eventSources are those that an EventBridge rule watches: a connection tells
// the pipeline itself.
func (p *pipeline) eventSources() int {
	n := 0
	sources := []*spec.Source{p.app.Source, p.app.Pipeline.Declaration}
	for _, service := range p.built() {
		sources = append(sources, service.Source)
	}
	for _, source := range sources {
		if source != nil && source.Connection == "" {
			n++
		}
	}
	return n
}

func (p *pipeline) built() []spec.Service {
	return slices.DeleteFunc(slices.Clone(p.app.Services), func(s spec.Service) bool { return s.Image != "" })
}

// onArm says whether images are built for Arm.
func (p *pipeline) onArm() bool {
	arch, _ := instances.ArchOf(p.app.Stages[0].Scale.Instance)
	return arch == instances.ARM64
}

// regions of the stages other than the pipeline's, each once.
func (p *pipeline) regions() []string {
	var regions []string
	for _, stage := range p.app.Stages {
		if stage.Region != p.region && !slices.Contains(regions, stage.Region) {
			regions = append(regions, stage.Region)
		}
	}
	return regions
}

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
	built, regions := len(p.built()), 1+len(p.regions())
	if built == 0 {
		return
	}
	p.add(Line{Resource: "image repositories", Detail: fmt.Sprintf("%s in %s, %d images each", counted(built, "service"), counted(regions, "region"), p.app.Pipeline.KeepImages), Type: "AWS::ECR::Repository", Count: built * regions, Kind: Usage},
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
