package guard

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/snapshot"
)

// Effect is what becomes of a resource.
type Effect string

const (
	// Replaced means that a new, empty one takes its place.
	Replaced Effect = "replaced"
	// Deleted means that its stack goes on without it.
	Deleted Effect = "deleted"
	// LeftBehind means that its stack is made anew in another account or
	// region, and the old stack stays.
	LeftBehind Effect = "left behind"
	// Undeclared means that nothing makes its stack any more. It stays
	// deployed, with everything in it.
	Undeclared Effect = "no longer declared"
	// Rejected means that AWS refuses the change: the deployment fails, and is
	// rolled back.
	Rejected Effect = "refused by AWS"
	// Weakened means that the resource stays, and something that protected it, or
	// that clients relied on, goes.
	Weakened Effect = "weakened"
)

// Change is what a deployment would do to a resource that holds something.
type Change struct {
	// Stack that the resource is in, and its logical id there.
	Stack, LogicalID string
	// Type of the resource.
	Type string
	// Path of its construct, where the template tells it.
	Path string
	// Effect of the change.
	Effect Effect
	// Properties whose change has that effect; none where it is the whole
	// resource or stack that goes.
	Properties []Property
	// Policy is what becomes of the old resource: Retain, Snapshot or Delete.
	Policy string
	// Successor is the logical id of a new resource of the same type that has
	// perhaps only been renamed.
	Successor string
	// Notice says that the change is told, not refused: nothing is lost by it.
	Notice bool

	// Rule is the name of the rule that found the change, as in storage-shrinks; empty
	// where it follows from the resource's schema.
	Rule string

	// why and source are the consequence and where AWS says so, for what a rule found.
	why, source string
}

// Property is a property that changes.
type Property struct {
	// Name is its path, as in DBName.
	Name string
	// Old and New are its values as the templates write them, in JSON.
	Old, New string
	// Reference says that the value is the same text, but refers to a resource
	// that is replaced.
	Reference bool
}

// Key names the change, and nothing else: it is what allows it.
func (c Change) Key() string {
	what := string(c.Effect)
	if len(c.Properties) > 0 {
		var names []string
		for _, property := range c.Properties {
			names = append(names, property.Name)
		}
		what = strings.Join(names, ", ")
	}
	return c.Stack + "/" + c.LogicalID + ": " + what
}

// Compare finds what the deployment of after would do to what before holds.
// Stacks that only one of them has are not compared; where at least one is in
// both, those that have gone are told.
func Compare(before, after *snapshot.Assembly) []Change {
	now := map[string]*snapshot.Stack{}
	for _, stack := range after.Stacks {
		now[stackKey(stack)] = stack
	}
	related := false
	for _, stack := range before.Stacks {
		related = related || now[stackKey(stack)] != nil || len(named(after, stack.Name)) > 0
	}
	lost := Replacements(before, after)
	var changes []Change
	for _, old := range before.Stacks {
		new, there := now[stackKey(old)]
		switch moved := named(after, old.Name); {
		case there:
			changes = append(changes, compareStack(old, new, lost[stackKey(old)])...)
		case len(moved) == 1 && len(named(before, old.Name)) == 1:
			changes = append(changes, abandoned(old, LeftBehind, []Property{{Name: "environment", Old: quote(old.Environment), New: quote(moved[0].Environment)}})...)
		case related:
			changes = append(changes, abandoned(old, Undeclared, nil)...)
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(a.Key(), b.Key()) })
	return changes
}

// strangers tells of an assembly that shares no stack with the new one: another
// application, or the same under another name.
func strangers(against string, before, after *snapshot.Assembly) string {
	var left []string
	for _, old := range before.Stacks {
		if len(named(after, old.Name)) > 0 {
			return ""
		}
		left = append(left, old.Name)
	}
	if len(left) == 0 || len(after.Stacks) == 0 {
		return ""
	}
	slices.Sort(left)
	return fmt.Sprintf("%s has stacks of which none is in the new templates: %s\n    consequence: if this is the same application under another name, everything is made anew, empty; the old stacks stay deployed, with their data, and are paid for until somebody deletes them", against, strings.Join(left, ", "))
}

// stackKey tells stacks apart: those of two accounts or regions may share a
// name. A template that was given alone has no environment.
func stackKey(stack *snapshot.Stack) string { return stack.Name + "\n" + stack.Environment }

func named(assembly *snapshot.Assembly, name string) []*snapshot.Stack {
	var found []*snapshot.Stack
	for _, stack := range assembly.Stacks {
		if stack.Name == name {
			found = append(found, stack)
		}
	}
	return found
}

func compareStack(old, new *snapshot.Stack, lost map[string][]Property) []Change {
	changes := compareTemplate(old.Name, "", old.Template, new.Template, lost)
	for _, nested := range old.Nested {
		for _, now := range new.Nested {
			if now.Path == nested.Path {
				changes = append(changes, compareTemplate(old.Name, nested.Path+"/", nested.Template, now.Template, replacedIn(nested.Template, now.Template, nil))...)
			}
		}
	}
	return changes
}

func compareTemplate(stack, prefix string, before, after snapshot.Template, lost map[string][]Property) []Change {
	var changes []Change
	for _, id := range slices.Sorted(maps.Keys(before.Resources(""))) {
		old := before.Resources("")[id]
		if _, ok := protected[old.Type]; !ok || isDerived(old) || keyOfTopics(id, before) {
			continue
		}
		change := Change{Stack: stack, LogicalID: prefix + id, Type: old.Type, Path: pathOf(old)}
		now, there := after.Resource(id)
		switch {
		case !there:
			change.Effect, change.Policy = Deleted, policy(old.DeletionPolicy, old)
			change.Successor = successor(old.Type, before, after)
			change.Notice = change.Successor == "" && isReplica(old) ||
				change.Policy == "Retain" && !slices.Contains(precious, old.Type)
		case now.Type != old.Type:
			change.Effect, change.Policy = Replaced, policy(old.UpdateReplacePolicy, old)
			change.Properties = []Property{{Name: "Type", Old: quote(old.Type), New: quote(now.Type)}}
		case len(lost[id]) > 0:
			change.Effect, change.Policy, change.Properties = Replaced, policy(old.UpdateReplacePolicy, old), lost[id]
		default:
			continue
		}
		changes = append(changes, change)
	}
	return append(changes, applyRules(stack, prefix, before, after, lost)...)
}

// passing are the types of resources that use a key and keep nothing that it encrypted,
// and those that only name it.
var passing = []string{"AWS::SNS::Topic", "AWS::KMS::Alias", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}

// keyOfTopics says whether the resource is a key that nothing uses but topics: they
// pass messages on and keep none, so nothing becomes unreadable without it.
func keyOfTopics(id string, in snapshot.Template) bool {
	if key, _ := in.Resource(id); key.Type != "AWS::KMS::Key" {
		return false
	}
	topics, ids := 0, map[string]bool{id: true}
	for _, user := range in.Resources("") {
		if !refersTo(user.Properties, ids, nil) {
			continue
		}
		if !slices.Contains(passing, user.Type) {
			return false
		}
		if user.Type == "AWS::SNS::Topic" {
			topics++
		}
	}
	for _, output := range in.Outputs() {
		if refersTo(output.Value, ids, nil) {
			return false // another stack may use it
		}
	}
	return topics > 0
}

// abandoned are the resources of a stack that is not made again.
func abandoned(stack *snapshot.Stack, effect Effect, properties []Property) []Change {
	var changes []Change
	for _, id := range slices.Sorted(maps.Keys(stack.Template.Resources(""))) {
		resource := stack.Template.Resources("")[id]
		if !slices.Contains(precious, resource.Type) || resource.Type == "AWS::RDS::DBSubnetGroup" || isDerived(resource) {
			continue
		}
		changes = append(changes, Change{
			Stack: stack.Name, LogicalID: id, Type: resource.Type, Path: pathOf(resource),
			Effect: effect, Properties: properties, Policy: "Retain", Notice: effect == Undeclared || isReplica(resource),
		})
	}
	return changes
}

// isDerived says whether the resource is a secret whose value follows from another
// that stays: CloudFormation composes it by a dynamic reference, and would do so
// again.
func isDerived(resource snapshot.Resource) bool {
	return resource.Type == "AWS::SecretsManager::Secret" && strings.Contains(quote(resource.Get("Properties.SecretString")), "{{resolve:secretsmanager:")
}

// isReplica says whether the data is a copy of another instance's.
func isReplica(resource snapshot.Resource) bool {
	return resource.Type == "AWS::RDS::DBInstance" && resource.Get("Properties.SourceDBInstanceIdentifier") != nil
}

// policy is what becomes of the resource when it goes.
func policy(declared string, resource snapshot.Resource) string {
	if declared == "RetainExceptOnCreate" {
		return "Retain"
	}
	if declared == "" {
		if resource.Type == "AWS::RDS::DBCluster" || resource.Type == "AWS::RDS::DBInstance" && resource.Get("Properties.DBClusterIdentifier") == nil {
			return "Snapshot" // CloudFormation's own default for these
		}
		return "Delete"
	}
	return declared
}

// successor is the one new resource of a type of which one goes.
func successor(kind string, before, after snapshot.Template) string {
	found := ""
	for id := range after.Resources(kind) {
		if _, was := before.Resource(id); was {
			continue
		}
		if found != "" {
			return ""
		}
		found = id
	}
	return found
}

func pathOf(resource snapshot.Resource) string {
	path, _ := resource.Metadata["aws:cdk:path"].(string)
	return strings.TrimSuffix(path, "/Resource")
}

// Replacements are the properties that make CloudFormation replace resources of
// before on the way to after: by stack (its name and environment, as in
// "shop-dev-data\naws://111111111111/us-east-1") and logical id. What refers to
// a replaced resource by such a property is replaced with it, also over stacks.
func Replacements(before, after *snapshot.Assembly) map[string]map[string][]Property {
	lost := map[string]map[string][]Property{}
	outputs := map[string]bool{} // of which stack, with another value afterwards
	for range len(before.Stacks) + 1 {
		settled := true
		for _, old := range before.Stacks {
			for _, new := range after.Stacks {
				if stackKey(old) != stackKey(new) {
					continue
				}
				found := replacedIn(old.Template, new.Template, outputs)
				settled = settled && len(found) == len(lost[stackKey(old)])
				lost[stackKey(old)] = found
				gone := map[string]bool{}
				for id := range found {
					gone[id] = true
				}
				for name, output := range new.Template.Outputs() {
					if refersTo(output.Value, gone, nil) {
						outputs[old.Name+"."+name] = true
					}
				}
			}
		}
		if settled {
			break
		}
	}
	return lost
}

// replacedIn does that for one template; outputs are those of other stacks that
// will have another value.
func replacedIn(before, after snapshot.Template, outputs map[string]bool) map[string][]Property {
	lost, gone := map[string][]Property{}, map[string]bool{}
	for changed := true; changed; {
		changed = false
		for id, old := range before.Resources("") {
			now, ok := after.Resource(id)
			if !ok || gone[id] || now.Type != old.Type {
				continue
			}
			var found []Property
			for _, name := range replacing(old.Type) {
				was, is := old.Get("Properties."+name), now.Get("Properties."+name)
				switch {
				case !same(was, is):
					found = append(found, Property{Name: name, Old: quote(was), New: quote(is)})
				case refersTo(is, gone, outputs):
					found = append(found, Property{Name: name, Old: quote(was), New: quote(is), Reference: true})
				}
			}
			if found != nil {
				lost[id], gone[id], changed = found, true, true
			}
		}
	}
	return lost
}

// same compares values of a template, in which a number or a boolean may also
// be written as a text.
func same(a, b any) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	return isScalar(a) && isScalar(b) && fmt.Sprint(a) == fmt.Sprint(b)
}

func isScalar(value any) bool {
	switch value.(type) {
	case string, float64, bool:
		return true
	}
	return false
}

func refersTo(value any, ids, outputs map[string]bool) bool {
	switch value := value.(type) {
	case map[string]any:
		if ref, ok := value["Ref"].(string); ok && ids[ref] {
			return true
		}
		switch att := value["Fn::GetAtt"].(type) {
		case []any:
			if len(att) > 0 && ids[fmt.Sprint(att[0])] {
				return true
			}
		case string:
			id, _, _ := strings.Cut(att, ".")
			if ids[id] {
				return true
			}
		}
		if output, ok := value["Fn::GetStackOutput"].(map[string]any); ok && outputs[fmt.Sprint(output["StackName"], ".", output["OutputName"])] {
			return true
		}
		for _, inner := range value {
			if refersTo(inner, ids, outputs) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(value, func(inner any) bool { return refersTo(inner, ids, outputs) })
	}
	return false
}

// quote writes a value as the template has it.
func quote(value any) string {
	if value == nil {
		return "(none)"
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(raw)
}
