// Package course says which stages a pipeline has, and which actions are in
// each of them, as far as a declaration alone tells. What is built by package
// delivery, estimated by package cost and checked by package preflight is said
// here once.
package course

import (
	"fmt"
	"slices"

	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// Kind is what an action does.
type Kind string

// The kinds of actions.
const (
	// Source fetches a repository.
	Source Kind = "source"
	// Synth makes the cloud assembly.
	Synth Kind = "synth"
	// GateCheck compares the gates that are deployed with those of a commit.
	GateCheck Kind = "gate check"
	// Approve waits for a person.
	Approve Kind = "approval"
	// SelfUpdate deploys the pipeline.
	SelfUpdate Kind = "self-update"
	// Assets publishes files of functions.
	Assets Kind = "assets"
	// Image builds an image; Distribute copies one that a buildspec built.
	Image      Kind = "image"
	Distribute Kind = "distribution"
	// Review compares what would be deployed with what is.
	Review Kind = "review"
	// Wake starts a stage that sleeps, Awake waits for its tasks, and Sleep
	// lets it sleep again.
	Wake  Kind = "wake"
	Awake Kind = "awake"
	Sleep Kind = "sleep"
	// Deploy is a stack.
	Deploy Kind = "deployment"
	// Smoke tests a stage.
	Smoke Kind = "smoke test"
	// Bake watches alarms in a build.
	Bake Kind = "bake"
	// CustomRelease is a buildspec of a service's own.
	CustomRelease Kind = "release by a buildspec"
	// Release tags images.
	Release Kind = "release"
)

// Builds says whether a project of CodeBuild does it.
func (k Kind) Builds() bool { return !slices.Contains([]Kind{Source, Approve, Deploy}, k) }

// Docker says whether it builds where images are built: on their architecture.
func (k Kind) Docker() bool { return slices.Contains([]Kind{Image, Distribute, CustomRelease}, k) }

// Action is one of a stage of the pipeline.
type Action struct {
	Kind Kind
	// Stage of the declaration that it is for; empty where it is for all, or
	// for several at once.
	Stage string
}

// Stage is a stage of the pipeline.
type Stage struct {
	// Name that CodePipeline knows it by.
	Name string
	// Path in the declaration that it comes from.
	Path string
	// Of are the stages of the declaration that it deploys, or is for.
	Of []string
	// Actions of it. What a Go app adds comes on top.
	Actions []Action
}

// Built are the services whose images a pipeline builds.
func Built(app spec.App) []spec.Service {
	return slices.DeleteFunc(slices.Clone(app.Services), func(s spec.Service) bool { return !s.Builds() })
}

// Sources are the repositories that the pipeline of an application watches.
func Sources(app spec.App) []*spec.Source {
	sources := []*spec.Source{app.Source}
	if app.Pipeline.Declaration != nil {
		sources = append(sources, app.Pipeline.Declaration)
	}
	for _, service := range Built(app) {
		if service.Source != nil {
			sources = append(sources, service.Source)
		}
	}
	return sources
}

// Of is the course of a commit through the pipeline of a resolved application.
func Of(app spec.App) []Stage {
	pipeline := *app.Pipeline
	stages := []Stage{
		{Name: "Source", Path: "source", Actions: repeat(Action{Kind: Source}, len(Sources(app)))},
		{Name: "Build", Path: "pipeline", Actions: []Action{{Kind: Synth}}},
	}
	if pipeline.ProtectGates {
		stages = append(stages,
			Stage{Name: GateCheckStage, Path: "pipeline.protectGates", Actions: []Action{{Kind: GateCheck}}},
			Stage{Name: GateApprovalStage, Path: "pipeline.protectGates", Actions: []Action{{Kind: Approve}}})
	}
	stages = append(stages, Stage{Name: "UpdatePipeline", Path: "pipeline", Actions: []Action{{Kind: SelfUpdate}}})
	if slices.ContainsFunc(app.Stages, hasAssets(app)) {
		stages = append(stages, Stage{Name: "Assets", Path: "pipeline", Actions: []Action{{Kind: Assets}}})
	}
	built := Built(app)
	if len(built) > 0 {
		images := Stage{Name: "Images", Path: "services"}
		files := app.BuildFiles("build.yml")
		for _, service := range built {
			images.Actions = append(images.Actions, Action{Kind: Image})
			if service.BuildSpec != "" || files[service.Name] != "" {
				images.Actions = append(images.Actions, Action{Kind: Distribute})
			}
		}
		stages = append(stages, images)
	}
	for _, g := range Groups(app.Stages, func(s spec.Stage) string { return app.Name + "-" + s.Name }) {
		stages = append(stages, ofGroup(app, g, len(built) > 0)...)
	}
	return stages
}

// hasAssets says whether templates of a stage have files beside them: those of
// the function that delegates a zone.
func hasAssets(app spec.App) func(spec.Stage) bool {
	return func(s spec.Stage) bool {
		zone := s.Endpoint.HostedZone
		return slices.ContainsFunc(app.Services, spec.Service.Public) && zone != nil && zone.Delegation != nil
	}
}

// ofGroup are the stages of the pipeline that a group takes.
func ofGroup(app spec.App, g Group, releases bool) []Stage {
	path := fmt.Sprintf("stages[%d]", g.First)
	var of []string
	for _, stage := range g.Stages {
		of = append(of, stage.Name)
	}
	named := func(suffix string) Stage { return Stage{Name: g.Name + suffix, Path: path, Of: of} }
	approval, main, release, sleep := named(ApprovalSuffix), named(""), named(ReleaseSuffix), named(SleepSuffix)
	if g.ApprovedApart() {
		approval.Actions = approvals("", g.Stages...)
	} else if g.ApprovedTogether() {
		main.Actions = approvals("", g.Stages...)
	}
	byRules := g.ByRules(*app.Pipeline, Gates(app, g.Stages[0]))
	files := app.BuildFiles("release.yml")
	for _, stage := range g.Stages {
		do := func(to *Stage, kind Kind) { to.Actions = append(to.Actions, Action{kind, stage.Name}) }
		if Manual(stage) && !g.ApprovedApart() && !g.ApprovedTogether() {
			main.Actions = append(main.Actions, approvals(stage.Name, stage)...)
		}
		if stage.Sleeps {
			do(&main, Wake)
		}
		for range app.StacksOf(stage) {
			do(&main, Deploy)
		}
		if stage.Sleeps {
			do(&main, Awake)
			do(&sleep, Sleep)
		}
		if stage.Smoke != nil && *stage.Scale.Tasks.Max > 0 {
			do(&main, Smoke)
		}
		for _, service := range Built(app) {
			if service.ReleaseSpec != "" || files[service.Name] != "" {
				do(&main, CustomRelease)
			}
		}
		if Bakes(stage) && !byRules {
			do(&main, Bake)
		}
		switch {
		case releases && byRules:
			do(&release, Release)
		case releases:
			do(&main, Release)
		}
	}
	return slices.DeleteFunc([]Stage{approval, main, release, sleep}, func(s Stage) bool { return len(s.Actions) == 0 })
}

// approvals are the steps by which a person lets commits into stages.
func approvals(of string, stages ...spec.Stage) []Action {
	approve := []Action{{Approve, of}}
	if slices.ContainsFunc(stages, func(s spec.Stage) bool { return s.Review }) {
		return append([]Action{{Review, of}}, approve...)
	}
	return approve
}

// Gates is how many alarms end a bake of the stage.
func Gates(app spec.App, stage spec.Stage) int {
	return len(monitor.Gates(monitor.Alarms(app, stage)))
}

func repeat(action Action, n int) []Action { return slices.Repeat([]Action{action}, n) }
