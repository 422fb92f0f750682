package delivery

import (
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/spec"
)

// group is what one stage of the pipeline deploys: one stage, or the stages of
// a wave side by side.
type group struct {
	name   string
	stages []StageDeployment
	// first is the place of the first stage in the declared order.
	first int
}

// groups divides the stages in order: neighbours of one wave belong together.
func groups(stages []StageDeployment) []group {
	var found []group
	for first := 0; first < len(stages); {
		last := first + 1
		for stages[first].Spec.Wave != "" && last < len(stages) && stages[last].Spec.Wave == stages[first].Spec.Wave {
			last++
		}
		g := group{name: *stages[first].Stage.StageName(), stages: stages[first:last], first: first}
		if len(g.stages) > 1 {
			g.name = g.stages[0].Spec.Wave
		}
		found = append(found, g)
		first = last
	}
	return found
}

// title names a group for people.
func (g group) title() string {
	if len(g.stages) == 1 {
		return "stage " + g.stages[0].Spec.Name
	}
	var names []string
	for _, stage := range g.stages {
		names = append(names, stage.Spec.Name)
	}
	return "wave " + g.name + " (" + strings.Join(names, ", ") + ")"
}

// stepName is the name of a step of one stage among those of its neighbours.
func (g group) stepName(stage spec.Stage, step string) string {
	if len(g.stages) == 1 {
		return step
	}
	return stage.Name + "." + step
}

func (g group) any(is func(spec.Stage) bool) bool {
	return slices.ContainsFunc(g.stages, func(s StageDeployment) bool { return is(s.Spec) })
}

func manual(s spec.Stage) bool { return s.Approval == spec.Manual }
func bakes(s spec.Stage) bool  { return s.Bake > 0 }

// together says whether all stages wait for one approval.
func (g group) together() bool {
	return !g.any(func(s spec.Stage) bool { return !manual(s) })
}

// windowOf is a stage's window as one text.
func windowOf(s spec.Stage) string {
	if s.Window == nil {
		return ""
	}
	return s.Window.Cron() + s.Window.TimeZone
}

// window is when the group may be entered; nil is always. Stages of a wave have
// the same.
func (g group) window() *spec.Window { return g.stages[0].Spec.Window }

// approvedApart says that the approval has a stage of the pipeline to itself,
// before the one that deploys. What CodePipeline does with a stage it does with
// all of its actions: taken back after a bake, it would wait for a person
// again; and a window would be checked before somebody approves, not when the
// deployment begins.
func (g group) approvedApart() bool {
	return g.any(manual) && (g.any(bakes) || g.window() != nil)
}

// byRules says that rules of CodePipeline watch the bake of the only stage.
func (g group) byRules(pipeline spec.Pipeline) bool {
	only := g.stages[0]
	return BakesByRules(pipeline, only.Spec, len(only.AlarmNames))
}

// gated says that conditions stand at the group's stage of the pipeline.
func (g group) gated() bool { return g.any(bakes) || g.window() != nil }

// names are those of the stages of the pipeline that the group takes.
func (g group) names(pipeline spec.Pipeline) []string {
	names := []string{g.name}
	if g.approvedApart() {
		names = append(names, g.name+approvalSuffix)
	}
	if g.byRules(pipeline) {
		names = append(names, g.name+releaseSuffix)
	}
	if g.any(sleeps) {
		names = append(names, g.name+sleepSuffix)
	}
	return names
}

const (
	approvalSuffix = "-approval"
	releaseSuffix  = "-release"
)
