package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/spec"
)

// pipelinePicture draws the steps in their order; what a step does for stages of
// a wave stands side by side.
func (r *Report) pipelinePicture(app spec.App) Picture {
	p := Picture{Title: "The pipeline of " + app.Name + ": " + r.courseText()}
	var before []string // the nodes that lead to the next
	add := func(node Node, from []string, label string) string {
		node.ID = fmt.Sprintf("n%d", len(p.Nodes))
		p.Nodes = append(p.Nodes, node)
		for _, id := range from {
			p.Edges = append(p.Edges, Edge{From: id, To: node.ID, Label: label})
		}
		return node.ID
	}
	for _, step := range r.Pipeline.Steps {
		var general []Action
		byStage := map[string][]Action{}
		for _, action := range step.Actions {
			if action.Stage == "" {
				general = append(general, action)
			} else {
				byStage[action.Stage] = append(byStage[action.Stage], action)
			}
		}
		if len(general) > 0 || len(byStage) == 0 {
			node := Node{Name: step.Name, Details: actionLines(general), style: "step"}
			if len(step.Stages) > 0 {
				node.Name, node.Details = "", nil
				node.Kind, node.Name = "before "+strings.Join(step.Stages, ", "), strings.Join(actionLines(general), ", ")
			}
			if isGate(general) {
				node.style = "gate"
			}
			if len(step.Stages) == 1 {
				node.link = "#" + anchor("stage", step.Stages[0])
			} else if len(step.Stages) == 0 {
				node.link = "#pipeline"
			}
			before = []string{add(node, before, "")}
		}
		var after []string
		for _, name := range step.Stages {
			actions := byStage[name]
			if len(actions) == 0 {
				continue
			}
			after = append(after, add(r.stageNode(step, name, actions), before, ""))
		}
		if len(after) > 0 {
			before = after
		}
	}
	return p
}

// stageNode is what a step does for one stage.
func (r *Report) stageNode(step Step, name string, actions []Action) Node {
	i := slices.IndexFunc(r.Stages, func(s Stage) bool { return s.Name == name })
	stage := r.Stages[i]
	node := Node{Name: name, Kind: "stage", style: "stage", link: "#" + anchor("stage", name)}
	deploys := slices.ContainsFunc(actions, func(a Action) bool { return a.Kind == string(course.Deploy) })
	if !deploys { // what follows a bake
		node.Kind, node.Name, node.style = "after "+name, strings.Join(actionLines(actions), ", "), "step"
		return node
	}
	switch {
	case stage.CanaryOf != "":
		node.Kind = "canary of " + stage.CanaryOf
	case stage.Production:
		node.Kind, node.style = "production", "stage production"
	}
	node.Details = append(node.Details, stage.Region)
	if stage.Account != "" {
		node.Details = append(node.Details, "account "+stage.Account)
	}
	for _, gate := range stage.Gates {
		switch gate.Kind {
		case string(course.Approve):
			if slices.ContainsFunc(actions, func(a Action) bool { return a.Kind == gate.Kind }) {
				node.Details = append(node.Details, "◆ approval")
			}
		case string(course.Bake), string(course.Smoke), "window":
			node.Details = append(node.Details, "◆ "+gate.Kind+": "+gate.Text)
		}
	}
	return node
}

func isGate(actions []Action) bool {
	return slices.ContainsFunc(actions, func(a Action) bool { return a.Kind == string(course.Approve) || a.Kind == string(course.GateCheck) })
}

func actionLines(actions []Action) []string {
	var lines []string
	for _, action := range actions {
		line := action.Kind
		if action.Count > 1 {
			line = fmt.Sprintf("%d × %s", action.Count, line)
		}
		lines = append(lines, line)
	}
	return lines
}

// courseText is the course in words, for who does not see the picture.
func (r *Report) courseText() string {
	var names []string
	for _, step := range r.Pipeline.Steps {
		names = append(names, step.Name)
	}
	return strings.Join(names, ", then ")
}

// anchor is the place of something in the page.
func anchor(kind, name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, name)
	return kind + "-" + clean
}
