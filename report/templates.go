package report

import (
	"maps"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/snapshot"
)

// at names a resource of an assembly.
type at struct{ stack, id string }

// templates are the stacks of a stage, and what their resources refer to.
type templates struct {
	stacks map[string]*snapshot.Stack
	// resources in a fixed order.
	order     []at
	resources map[at]snapshot.Resource
}

func newTemplates(stacks []*snapshot.Stack) *templates {
	t := &templates{stacks: map[string]*snapshot.Stack{}, resources: map[at]snapshot.Resource{}}
	for _, stack := range stacks {
		t.stacks[stack.Name] = stack
		resources := stack.Template.Resources("")
		for _, id := range slices.Sorted(maps.Keys(resources)) {
			t.order = append(t.order, at{stack.Name, id})
			t.resources[at{stack.Name, id}] = resources[id]
		}
	}
	return t
}

// of are the resources of some types.
func (t *templates) of(types ...string) []at {
	return slices.DeleteFunc(slices.Clone(t.order), func(a at) bool { return !slices.Contains(types, t.resources[a].Type) })
}

// get is a property of a resource.
func (t *templates) get(a at, path string) any { return t.resources[a].Get("Properties." + path) }

// text is a property that the template has as a text; other kinds are empty.
func (t *templates) text(a at, path string) string {
	text, _ := t.get(a, path).(string)
	return text
}

// list is a property that is a list; a single value is a list of one.
func (t *templates) list(a at, path string) []any { return listOf(t.get(a, path)) }

func listOf(value any) []any {
	switch value := value.(type) {
	case nil:
		return nil
	case []any:
		return value
	}
	return []any{value}
}

// field is a member of an object in a template; nil where it is none.
func field(value any, names ...string) any {
	for _, name := range names {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

func textOf(value any, names ...string) string {
	text, _ := field(value, names...).(string)
	return text
}

// refs are the resources of the stage that a value in a stack's template refers
// to, also by outputs of other stacks, each once and in order of appearance.
func (t *templates) refs(stack string, value any) []at {
	var found []at
	var walk func(string, any, int)
	add := func(stack, id string) {
		if a := (at{stack, id}); t.resources[a].Type != "" && !slices.Contains(found, a) {
			found = append(found, a)
		}
	}
	walk = func(stack string, value any, depth int) {
		switch value := value.(type) {
		case []any:
			for _, element := range value {
				walk(stack, element, depth)
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(value)) {
				inner := value[key]
				switch key {
				case "Ref":
					id, _ := inner.(string)
					add(stack, id)
				case "Fn::GetAtt":
					id, _ := inner.(string)
					id, _, _ = strings.Cut(id, ".")
					if parts := listOf(inner); len(parts) == 2 {
						id, _ = parts[0].(string)
					}
					add(stack, id)
				case "Fn::Sub":
					text, _ := listOf(inner)[0].(string)
					for _, part := range strings.Split(text, "${")[1:] {
						name, _, _ := strings.Cut(part, "}")
						name, _, _ = strings.Cut(name, ".")
						add(stack, name)
					}
					walk(stack, inner, depth)
				case "Fn::GetStackOutput":
					other, output := textOf(inner, "StackName"), textOf(inner, "OutputName")
					if from := t.stacks[other]; from != nil && depth < 10 {
						walk(other, from.Template.Outputs()[output].Value, depth+1)
					}
				case "Fn::ImportValue":
					name, _ := inner.(string)
					for _, from := range slices.Sorted(maps.Keys(t.stacks)) {
						for _, output := range t.stacks[from].Template.Outputs() {
							if output.ExportName == name && name != "" && depth < 10 {
								walk(from, output.Value, depth+1)
							}
						}
					}
				default:
					walk(stack, inner, depth)
				}
			}
		}
	}
	walk(stack, value, 0)
	return found
}

// refsOf are the resources that a property refers to.
func (t *templates) refsOf(a at, path string) []at { return t.refs(a.stack, t.get(a, path)) }

// pointing are the resources of a type that refer to another by a property.
func (t *templates) pointing(resourceType, path string, to at) []at {
	return slices.DeleteFunc(t.of(resourceType), func(a at) bool { return !slices.Contains(t.refsOf(a, path), to) })
}
