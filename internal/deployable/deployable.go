// Package deployable holds what AWS wants of templates and no validator checks:
// rules that every template of the project has to keep, whatever was declared.
// A test applies them to every golden template in the repository.
package deployable

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/guard"
	"github.com/tinystack-go/tinystack/snapshot"
)

// Rule is one thing that AWS wants.
type Rule struct {
	// ID names the rule in its test.
	ID string
	// Why it is wanted: what happens otherwise.
	Why string
	// check returns what breaks the rule, by logical id.
	check func(t snapshot.Template) map[string]string
}

// Rules are all of them.
var Rules = []Rule{
	{"literal-name", "what names another resource of its stack by a text is made and deleted in any order: it can come before that is there, and stay when it has gone", literalNames},
	{"update-policy", "AWS refuses a rolling update whose MinInstancesInService is not below the group's MaxSize", updatePolicies},
	{"signals", "an image whose agent does not register would replace all instances, and the update would succeed", signals},
	{"nat", "everything of a stage leaves by it", nats},
	{"reserved-memory", "where tasks take all memory the kernel ends Docker, the agent or one of them", reservedMemory},
	{"loopback-by-name", "the wget of BusyBox takes ::1 for localhost and does not fall back: a server on IPv4 is never healthy", loopback},
	{"region-variables", "with one hop to the metadata service an SDK in a container finds no region", regionVariables},
	{"pipeline-variable", "CodePipeline refuses a pipeline that refers to the outputs of an action that it does not have", pipelineVariables},
	{"plain-secret", "CloudFormation writes the value that a dynamic reference names into the task definition", dynamicReferences},
}

// Broken says what breaks the rules, each with the rule and the logical id.
func Broken(t snapshot.Template) []string {
	var broken []string
	for _, rule := range Rules {
		found := rule.check(t)
		for _, id := range slices.Sorted(maps.Keys(found)) {
			broken = append(broken, fmt.Sprintf("%s: %s: %s", rule.ID, id, found[id]))
		}
	}
	return broken
}

// calledByNobody are types whose names stand in no other resource, and are words
// that stand there for other reasons, as the name of the application does.
var calledByNobody = []string{"AWS::CloudWatch::Dashboard", "AWS::CodePipeline::Pipeline", "AWS::ServiceDiscovery::Service"}

// literalNames finds resources that hold another one's name as a text, without
// a reference to it or a dependency on it.
func literalNames(t snapshot.Template) map[string]string {
	owners := map[string]string{}
	for id, resource := range t.Resources("") {
		if slices.Contains(calledByNobody, resource.Type) {
			continue
		}
		if name, ok := resource.Get("Properties." + guard.NameProperty(resource.Type)).(string); ok && name != "" {
			owners[name] = id
		}
	}
	broken := map[string]string{}
	for id, resource := range t.Resources("") {
		before := needs(t, id)
		properties := maps.Clone(resource.Properties)
		delete(properties, "Tags")
		for text := range texts(properties) {
			owner, named := owners[text]
			if named && owner != id && !before[owner] {
				broken[id] = fmt.Sprintf("has the name of %s, %q, and does not depend on it", owner, text)
			}
		}
	}
	return broken
}

// needs are the resources that CloudFormation makes before one: what it refers to
// or depends on, and what those do.
func needs(t snapshot.Template, id string) map[string]bool {
	found := map[string]bool{}
	var visit func(id string)
	visit = func(id string) {
		resource, ok := t.Resource(id)
		if !ok {
			return
		}
		for _, other := range append(references(resource.Properties), resource.DependsOn...) {
			if !found[other] {
				found[other] = true
				visit(other)
			}
		}
	}
	visit(id)
	return found
}

// references are the logical ids that a value refers to.
func references(value any) (ids []string) {
	switch value := value.(type) {
	case map[string]any:
		if id, ok := value["Ref"].(string); ok {
			ids = append(ids, id)
		}
		switch att := value["Fn::GetAtt"].(type) {
		case []any:
			if len(att) > 0 {
				ids = append(ids, fmt.Sprint(att[0]))
			}
		case string:
			id, _, _ := strings.Cut(att, ".")
			ids = append(ids, id)
		}
		for _, inner := range value {
			ids = append(ids, references(inner)...)
		}
	case []any:
		for _, inner := range value {
			ids = append(ids, references(inner)...)
		}
	}
	return ids
}

// texts yields every text in a value.
func texts(value any) func(yield func(string) bool) {
	return func(yield func(string) bool) { walk(value, yield) }
}

func walk(value any, yield func(string) bool) bool {
	switch value := value.(type) {
	case string:
		return yield(value)
	case map[string]any:
		for _, inner := range value {
			if !walk(inner, yield) {
				return false
			}
		}
	case []any:
		for _, inner := range value {
			if !walk(inner, yield) {
				return false
			}
		}
	}
	return true
}

func updatePolicies(t snapshot.Template) map[string]string {
	broken := map[string]string{}
	for id, group := range t.Resources("AWS::AutoScaling::AutoScalingGroup") {
		least, given := number(group.UpdatePolicy["AutoScalingRollingUpdate"], "MinInstancesInService")
		most, _ := number(group.Properties, "MaxSize")
		if given && least >= most {
			broken[id] = fmt.Sprintf("MinInstancesInService is %d, and MaxSize %d", least, most)
		}
	}
	return broken
}

func number(in any, name string) (int, bool) {
	properties, ok := in.(map[string]any)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(fmt.Sprint(properties[name]))
	return n, err == nil
}

// containers calls a function for each container of each task definition.
func containers(t snapshot.Template, do func(id string, container map[string]any)) {
	for id, task := range t.Resources("AWS::ECS::TaskDefinition") {
		list, _ := task.Get("Properties.ContainerDefinitions").([]any)
		for _, container := range list {
			if container, ok := container.(map[string]any); ok {
				do(id, container)
			}
		}
	}
}

func loopback(t snapshot.Template) map[string]string {
	broken := map[string]string{}
	containers(t, func(id string, container map[string]any) {
		for text := range texts(container["HealthCheck"]) {
			if strings.Contains(text, "//localhost") {
				broken[id] = "the health check asks localhost"
			}
		}
	})
	return broken
}

func regionVariables(t snapshot.Template) map[string]string {
	broken := map[string]string{}
	containers(t, func(id string, container map[string]any) {
		set := map[string]bool{}
		for _, list := range []string{"Environment", "Secrets"} {
			entries, _ := container[list].([]any)
			for _, entry := range entries {
				if entry, ok := entry.(map[string]any); ok {
					set[fmt.Sprint(entry["Name"])] = true
				}
			}
		}
		for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
			if !set[name] {
				broken[id] = fmt.Sprintf("container %v has no %s", container["Name"], name)
			}
		}
	})
	return broken
}

var pipelineVariable = regexp.MustCompile(`#\{([^.}]*)\.`)

// pipelineVariables finds "#{namespace.variable}" without an action, a rule or
// CodePipeline itself that gives variables in that namespace.
func pipelineVariables(t snapshot.Template) map[string]string {
	broken := map[string]string{}
	for id, pipeline := range t.Resources("AWS::CodePipeline::Pipeline") {
		given := map[string]bool{"codepipeline": true}
		stages, _ := pipeline.Get("Properties.Stages").([]any)
		for _, stage := range stages {
			stage, _ := stage.(map[string]any)
			actions, _ := stage["Actions"].([]any)
			for _, action := range actions {
				action, _ := action.(map[string]any)
				given[fmt.Sprint(action["Namespace"])] = true
			}
		}
		for text := range texts(stages) {
			for _, found := range pipelineVariable.FindAllStringSubmatch(text, -1) {
				if !given[found[1]] {
					broken[id] = fmt.Sprintf("%s is of no action", found[1])
				}
			}
		}
	}
	return broken
}

func dynamicReferences(t snapshot.Template) map[string]string {
	broken := map[string]string{}
	containers(t, func(id string, container map[string]any) {
		for text := range texts(container["Environment"]) {
			if strings.Contains(text, "{{resolve:") {
				broken[id] = "a variable is a dynamic reference"
			}
		}
	})
	return broken
}
