package report

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/tinystack-go/tinystack/internal/course"
)

// Text is the report for a terminal: the way of a commit as a tree, the services
// of each stage, and the costs at each load.
func (r *Report) Text() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s\n", r.App, r.Lead())
	if r.Pipeline != nil {
		fmt.Fprintf(&out, "\npipeline in %s, account %s\n", r.Pipeline.Region, r.Pipeline.Account)
		for i, step := range r.Pipeline.Steps {
			branch, below := "├─ ", "│  "
			if i == len(r.Pipeline.Steps)-1 {
				branch, below = "└─ ", "   "
			}
			fmt.Fprintf(&out, "%s%s\n", branch, step.line())
			if slices.ContainsFunc(step.Actions, func(a Action) bool { return a.Kind == string(course.Deploy) }) {
				r.treeOf(&out, step, below)
			}
		}
	}
	for _, stage := range r.Stages {
		stage.text(&out)
	}
	out.WriteString("\n")
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "A MONTH AT LOAD\t%s\t\n", strings.ToUpper(strings.Join(r.Loads, "\t")))
	row := func(name string, costs []Cost) {
		fmt.Fprintf(table, "%s\t", name)
		for _, cost := range costs {
			text := "$" + money(cost.Total)
			if cost.Unknown > 0 {
				text += fmt.Sprintf(" and %d unknown", cost.Unknown)
			}
			fmt.Fprintf(table, "%s\t", text)
		}
		fmt.Fprintln(table)
	}
	for _, stage := range r.Stages {
		row(stage.Name, stage.Costs)
	}
	if r.Pipeline != nil {
		row("pipeline", r.Pipeline.Costs)
	}
	row("total", r.Costs)
	table.Flush()
	fmt.Fprintf(&out, "\nFindings: %s\n", r.FindingCounts())
	return out.String()
}

// line is a step with what it does that is for no single stage.
func (s Step) line() string {
	var general []Action
	for _, action := range s.Actions {
		if action.Stage == "" {
			general = append(general, action)
		}
	}
	return strings.TrimSuffix(s.Name+": "+strings.Join(actionLines(general), ", "), ": ")
}

// treeOf writes the stages that a step deploys, with their gates.
func (r *Report) treeOf(out *strings.Builder, step Step, indent string) {
	for i, name := range step.Stages {
		branch, below := "├─ ", "│  "
		if i == len(step.Stages)-1 {
			branch, below = "└─ ", "   "
		}
		j := slices.IndexFunc(r.Stages, func(s Stage) bool { return s.Name == name })
		stage := r.Stages[j]
		text := name + ", " + stage.Region
		if stage.Account != "" {
			text += ", account " + stage.Account
		}
		if stage.CanaryOf != "" {
			text += ", canary of " + stage.CanaryOf
		}
		fmt.Fprintf(out, "%s%s%s\n", indent, branch, text)
		for _, gate := range stage.Gates {
			fmt.Fprintf(out, "%s%s◆ %s: %s\n", indent, below, gate.Kind, gate.Text)
		}
	}
}

// text writes what a stage consists of.
func (s Stage) text(out *strings.Builder) {
	facts := []string{s.Capacity.Range() + " × " + s.Capacity.Instance}
	if s.Endpoint != "" {
		facts = append(facts, s.Endpoint)
	}
	if s.Domain != "" {
		facts = append(facts, s.Domain)
	}
	if s.Database != "" {
		facts = append(facts, s.Database)
	}
	fmt.Fprintf(out, "\n%s: %s\n", s.Name, strings.Join(facts, "; "))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  SERVICE\tTASKS\tRESERVED\tAT MOST\tASKED")
	for _, service := range s.Services {
		fmt.Fprintf(table, "  %s\t%s\t%d CPU, %d MiB\t%d MiB\t%s\n", service.Name, service.Tasks(), service.CPU, service.ReservedMiB, service.MemoryMiB, service.Asked())
	}
	table.Flush()
}
