package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/cost"
	"github.com/tinystack-go/tinystack/guard"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

// Changes are what a deployment would do to what was deployed, or synthesized,
// before.
type Changes struct {
	// Against is what was compared with.
	Against string `json:"against"`
	// Stacks that differ, by name.
	Stacks []StackChange `json:"stacks"`
	// Dangers are what the guard finds: what is lost, refused by AWS, or
	// protected less.
	Dangers []Danger `json:"dangers"`
	// Gates of the pipeline that are dropped or changed.
	Gates []string `json:"gates"`
	// Costs are what changes a month at light load; nil where the declaration of
	// before is not known.
	Costs []CostChange `json:"costs,omitempty"`
}

// StackChange is what becomes of a stack.
type StackChange struct {
	Name string `json:"name"`
	// Effect is added, removed or changed.
	Effect    string           `json:"effect"`
	Resources []ResourceChange `json:"resources"`
}

// ResourceChange is what becomes of a resource.
type ResourceChange struct {
	LogicalID string `json:"logicalId"`
	Type      string `json:"type"`
	// Effect is added, removed, changed or replaced.
	Effect string `json:"effect"`
	// Properties that differ, or for which it is replaced; never their values.
	Properties []string `json:"properties,omitempty"`
}

// Danger is a change that loses something.
type Danger struct {
	Stack       string `json:"stack"`
	LogicalID   string `json:"logicalId"`
	Effect      string `json:"effect"`
	Consequence string `json:"consequence"`
}

// CostChange is what a part costs more or less a month.
type CostChange struct {
	Part   string `json:"part"`
	Before string `json:"before"`
	After  string `json:"after"`
	// Difference has a sign.
	Difference string `json:"difference"`
}

// Compare adds what changes from one assembly to another. The declarations are
// for the costs; a nil one leaves them out.
func (r *Report) Compare(against string, before, after *snapshot.Assembly, was, is *spec.App) error {
	c := &Changes{Against: against, Stacks: []StackChange{}, Dangers: []Danger{}, Gates: gateChanges(before, after)}
	replaced := guard.Replacements(before, after)
	old, now := stacksBy(before), stacksBy(after)
	names := slices.Compact(slices.Sorted(func(yield func(string) bool) {
		for _, stacks := range []map[string]*snapshot.Stack{old, now} {
			for name := range stacks {
				if !yield(name) {
					return
				}
			}
		}
	}))
	for _, name := range names {
		if change := compareStack(name, old[name], now[name], replaced); len(change.Resources) > 0 {
			c.Stacks = append(c.Stacks, change)
		}
	}
	for _, change := range guard.Compare(before, after) {
		c.Dangers = append(c.Dangers, Danger{Stack: change.Stack, LogicalID: change.LogicalID, Effect: string(change.Effect), Consequence: change.Consequence()})
	}
	if was != nil && is != nil {
		estimates := [2]cost.Estimate{}
		for i, app := range []*spec.App{was, is} {
			var err error
			if estimates[i], err = cost.Of(*app, cost.Loads{Default: cost.Light()}); err != nil {
				return err
			}
		}
		for _, change := range cost.Compare(estimates[0], estimates[1]) {
			sign := "+$"
			if change.Difference().IsNegative() {
				sign = "−$"
			}
			c.Costs = append(c.Costs, CostChange{Part: change.Part, Before: "$" + change.Before.String(), After: "$" + change.After.String(), Difference: sign + money(change.Difference().Abs())})
		}
	}
	for _, app := range []*spec.App{was, is} {
		if app != nil {
			concealIn(reflect.ValueOf(c).Elem(), app.Conceal)
		}
	}
	r.Changes = c
	return nil
}

func stacksBy(assembly *snapshot.Assembly) map[string]*snapshot.Stack {
	stacks := map[string]*snapshot.Stack{}
	for _, stack := range assembly.Stacks {
		stacks[stack.Name] = stack
	}
	return stacks
}

func compareStack(name string, old, now *snapshot.Stack, replaced map[string]map[string][]guard.Property) StackChange {
	change := StackChange{Name: name, Effect: "changed"}
	before, after := map[string]snapshot.Resource{}, map[string]snapshot.Resource{}
	if old == nil {
		change.Effect = "added"
	} else {
		before = old.Template.Resources("")
	}
	if now == nil {
		change.Effect = "removed"
	} else {
		after = now.Template.Resources("")
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		was, is := before[id], after[id]
		switch {
		case is.Type == "":
			change.Resources = append(change.Resources, ResourceChange{LogicalID: id, Type: was.Type, Effect: "removed"})
		default:
			one := ResourceChange{LogicalID: id, Type: is.Type, Effect: "changed", Properties: differing(was, is)}
			for _, property := range replaced[name+"\n"+old.Environment][id] {
				one.Effect = "replaced"
				if !slices.Contains(one.Properties, property.Name) {
					one.Properties = append(one.Properties, property.Name)
				}
			}
			if len(one.Properties) > 0 {
				change.Resources = append(change.Resources, one)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(after)) {
		if before[id].Type == "" {
			change.Resources = append(change.Resources, ResourceChange{LogicalID: id, Type: after[id].Type, Effect: "added"})
		}
	}
	return change
}

// differing are the names of what differs between two versions of a resource,
// beside what is written about it for people and rules.
func differing(was, is snapshot.Resource) []string {
	var names []string
	all := maps.Clone(was.Properties)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, is.Properties)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !reflect.DeepEqual(was.Properties[name], is.Properties[name]) {
			names = append(names, name)
		}
	}
	for name, pair := range map[string][2]any{"DeletionPolicy": {was.DeletionPolicy, is.DeletionPolicy}, "UpdateReplacePolicy": {was.UpdateReplacePolicy, is.UpdateReplacePolicy}} {
		if pair[0] != pair[1] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// gateBuild are the builds of a pipeline that hold a commit, by their names.
var gateBuild = regexp.MustCompile(`(^|\.)(Awake|Bake|Smoke|Review|Compare)$`)

// gatesIn are the gates of the pipelines of an assembly, with what they consist of.
func gatesIn(assembly *snapshot.Assembly) map[string]string {
	gates := map[string]string{}
	for _, stack := range assembly.Stacks {
		t := newTemplates([]*snapshot.Stack{stack})
		for _, pipeline := range t.of("AWS::CodePipeline::Pipeline") {
			for _, stage := range t.list(pipeline, "Stages") {
				where := textOf(stage, "Name")
				for _, action := range listOf(field(stage, "Actions")) {
					name := textOf(action, "Name")
					approval := textOf(action, "ActionTypeId", "Category") == "Approval"
					if !approval && !gateBuild.MatchString(name) {
						continue
					}
					var parts []any
					if !approval {
						parts = append(parts, field(action, "Configuration", "EnvironmentVariables"))
						for _, project := range t.refs(stack.Name, field(action, "Configuration", "ProjectName")) {
							parts = append(parts, t.get(project, "Environment"), t.get(project, "Source"))
						}
					}
					gates[where+"/"+name] = jsonText(parts)
				}
				for _, point := range []string{"BeforeEntry", "OnSuccess"} {
					for _, condition := range listOf(field(stage, point, "Conditions")) {
						for _, rule := range listOf(field(condition, "Rules")) {
							gates[where+"/"+textOf(rule, "Name")] = jsonText([]any{field(condition, "Result"), rule})
						}
					}
				}
			}
		}
	}
	return gates
}

func jsonText(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value) // values of a template are JSON
	}
	return string(text)
}

func gateChanges(before, after *snapshot.Assembly) []string {
	was, is := gatesIn(before), gatesIn(after)
	found := []string{}
	for _, gate := range slices.Sorted(maps.Keys(was)) {
		switch now, there := is[gate]; {
		case !there:
			found = append(found, gate+" is dropped, or moved to another stage")
		case now != was[gate]:
			found = append(found, gate+" is changed: see whether it still holds what it held")
		}
	}
	return found
}

// Markdown is what changes, as a comment on a pull request.
func (c *Changes) Markdown() string {
	var out strings.Builder
	out.WriteString("### What a deployment changes\n\n")
	if len(c.Stacks)+len(c.Dangers)+len(c.Gates)+len(c.Costs) == 0 {
		return out.String() + "Nothing.\n"
	}
	section := func(title string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(&out, "**%s**\n\n- %s\n\n", title, strings.Join(lines, "\n- "))
		}
	}
	var dangers, costs []string
	for _, danger := range c.Dangers {
		dangers = append(dangers, fmt.Sprintf("🔴 %s %s: %s. %s", escape(danger.Stack), escape(danger.LogicalID), escape(danger.Effect), escape(danger.Consequence)))
	}
	section("Lost, refused or less protected", dangers)
	var gates []string
	for _, gate := range c.Gates {
		gates = append(gates, escape(gate))
	}
	section("Gates", gates)
	for _, change := range c.Costs {
		costs = append(costs, fmt.Sprintf("%s: %s (%s → %s)", escape(change.Part), escape(change.Difference), escape(change.Before), escape(change.After)))
	}
	section("Costs a month at light load", costs)
	for _, stack := range c.Stacks {
		fmt.Fprintf(&out, "<details><summary>%s: %s, %d resources</summary>\n\n| | type | logical id | properties |\n|---|---|---|---|\n", escape(stack.Name), escape(stack.Effect), len(stack.Resources))
		for _, resource := range stack.Resources {
			effect := escape(resource.Effect)
			if effect == "replaced" {
				effect = "🔴 **replaced**"
			}
			fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", effect, escape(resource.Type), escape(resource.LogicalID), escape(strings.Join(resource.Properties, ", ")))
		}
		out.WriteString("\n</details>\n\n")
	}
	return out.String()
}

// escape makes a text that Markdown shows as it is: no markup, mention or link.
func escape(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			out.WriteByte(' ')
		case strings.ContainsRune("\\`*_{}[]()<>#+!|~@&:", r):
			fmt.Fprintf(&out, "&#%d;", r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
