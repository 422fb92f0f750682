package delivery

import (
	"strings"

	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/spec"
)

// group is what one stage of the pipeline deploys: one stage, or the stages of
// a wave side by side.
type group struct {
	course.Group
	stages []StageDeployment
}

// groups divides the stages in order: neighbours of one wave belong together.
func groups(stages []StageDeployment) []group {
	var declared []spec.Stage
	names := map[string]string{}
	for _, stage := range stages {
		declared = append(declared, stage.Spec)
		names[stage.Spec.Name] = *stage.Stage.StageName()
	}
	var found []group
	for _, g := range course.Groups(declared, func(s spec.Stage) string { return names[s.Name] }) {
		found = append(found, group{g, stages[g.First : g.First+len(g.Stages)]})
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
	return "wave " + g.Name + " (" + strings.Join(names, ", ") + ")"
}

// stepName is the name of a step of one stage among those of its neighbours.
func (g group) stepName(stage spec.Stage, step string) string {
	if len(g.stages) == 1 {
		return step
	}
	return stage.Name + "." + step
}

// byRules says that rules of CodePipeline watch the bake of the only stage.
func (g group) byRules(pipeline spec.Pipeline) bool {
	return g.ByRules(pipeline, len(g.stages[0].AlarmNames))
}

// names are those of the stages of the pipeline that the group takes.
func (g group) names(pipeline spec.Pipeline) []string {
	names := []string{g.Name}
	if g.ApprovedApart() {
		names = append(names, g.Name+course.ApprovalSuffix)
	}
	if g.byRules(pipeline) {
		names = append(names, g.Name+course.ReleaseSuffix)
	}
	if g.Any(course.Sleeps) {
		names = append(names, g.Name+course.SleepSuffix)
	}
	return names
}
