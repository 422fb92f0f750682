package course

import (
	"slices"

	"github.com/tinystack-go/tinystack/spec"
)

// The names of the stages of a pipeline beside those that deploy.
const (
	GateCheckStage    = "GateCheck"
	GateApprovalStage = "GateApproval"
	ApprovalSuffix    = "-approval"
	ReleaseSuffix     = "-release"
	SleepSuffix       = "-sleep"
)

// Group is what one stage of the pipeline deploys: one stage, or the stages of
// a wave side by side.
type Group struct {
	Name   string
	Stages []spec.Stage
	// First is the place of the first stage in the declared order.
	First int
}

// Groups divides the stages in order: neighbours of one wave belong together.
// A stage that deploys by itself has a name of its own in the pipeline.
func Groups(stages []spec.Stage, name func(spec.Stage) string) []Group {
	var found []Group
	for first := 0; first < len(stages); {
		last := first + 1
		for stages[first].Wave != "" && last < len(stages) && stages[last].Wave == stages[first].Wave {
			last++
		}
		g := Group{Name: name(stages[first]), Stages: stages[first:last], First: first}
		if len(g.Stages) > 1 {
			g.Name = g.Stages[0].Wave
		}
		found = append(found, g)
		first = last
	}
	return found
}

// Any says whether something holds of one of the stages.
func (g Group) Any(is func(spec.Stage) bool) bool { return slices.ContainsFunc(g.Stages, is) }

// Manual says whether a person lets commits into the stage.
func Manual(s spec.Stage) bool { return s.Approval == spec.Manual }

// Bakes says whether the stage's alarms are watched before a commit goes on.
func Bakes(s spec.Stage) bool { return s.Bake > 0 }

// Sleeps says whether the stage has no instances between releases.
func Sleeps(s spec.Stage) bool { return s.Sleeps }

// WindowOf is a stage's window as one text.
func WindowOf(s spec.Stage) string {
	if s.Window == nil {
		return ""
	}
	return s.Window.Cron() + s.Window.TimeZone
}

// Window is when the group may be entered; nil is always. Stages of a wave have
// the same.
func (g Group) Window() *spec.Window { return g.Stages[0].Window }

// ApprovedApart says that the approval has a stage of the pipeline to itself,
// before the one that deploys. What CodePipeline does with a stage it does with
// all of its actions: taken back after a bake, it would wait for a person
// again; and a window would be checked before somebody approves, not when the
// deployment begins.
func (g Group) ApprovedApart() bool {
	return g.Any(Manual) && (g.Any(Bakes) || g.Window() != nil)
}

// ApprovedTogether says that all stages of a wave wait for one approval, in
// the stage that deploys them.
func (g Group) ApprovedTogether() bool {
	return len(g.Stages) > 1 && !g.ApprovedApart() && !g.Any(func(s spec.Stage) bool { return !Manual(s) })
}

// ByRules says that rules of CodePipeline watch the bake of the only stage,
// which has so many alarms.
func (g Group) ByRules(pipeline spec.Pipeline, alarms int) bool {
	return spec.BakesByRules(pipeline, g.Stages[0], alarms)
}

// Gated says that conditions stand at the group's stage of the pipeline.
func (g Group) Gated() bool { return g.Any(Bakes) || g.Window() != nil }
