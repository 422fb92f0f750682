package fieldtest

import (
	"reflect"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/guard"
	"github.com/tinystack-go/tinystack/internal/field"
	"github.com/tinystack-go/tinystack/snapshot"
)

// Observe says what a deployment of after does where before is deployed, from
// the templates alone.
func Observe(before, after *snapshot.Assembly) field.Change {
	var c field.Change
	add := func(effect field.Effect, is bool) {
		if is && !slices.Contains(c.Effects, effect) {
			c.Effects = append(c.Effects, effect)
		}
	}
	old, now := byName(before), byName(after)
	gone, came := missing(old, now), missing(now, old)
	add(field.Moves, gone && came)
	_, err := guard.Check("before", before, after, nil)
	add(field.Refused, err != nil)

	lost := guard.Replacements(before, after)
	changed, delivered := gone != came, true
	for name, was := range old {
		is, found := now[name]
		if !found || reflect.DeepEqual(was.Template, is.Template) {
			continue
		}
		changed = true
		delivered = delivered && isDelivery(was)
		add(field.MadeAnew, anew(was.Template, is.Template))
		add(field.RestartsTasks, !c.Has(field.MadeAnew) && restartsTasks(was.Template, is.Template))
		add(field.RestartsInstances, restartsInstances(was.Template, is.Template))
		for id := range lost[name] {
			switch kind := was.Template.Resources("")[id].Type; {
			case slices.Contains(identities, kind):
				add(field.MadeAnew, true)
			case !slices.Contains(newEachTime, kind) && !slices.Contains(c.Replaced, kind):
				c.Replaced = append(c.Replaced, kind)
			}
		}
	}
	slices.Sort(c.Replaced)
	if c.Has(field.Moves) || c.Has(field.MadeAnew) || c.Has(field.Refused) {
		c.Replaced = nil // that is said already
	}
	add(field.Replaces, c.Replaced != nil)
	switch {
	case c.Effects != nil:
	case !changed:
		add(field.None, true)
	case delivered:
		add(field.InPipeline, true)
	default:
		add(field.InPlace, true)
	}
	return c
}

// identities are the types of which a new one is another service or cluster.
var identities = []string{"AWS::ECS::Cluster", "AWS::ECS::Service", "AWS::ECS::CapacityProvider", "AWS::AutoScaling::AutoScalingGroup"}

// newEachTime are the types of which every deployment makes a new one: that is
// how they work.
var newEachTime = []string{"AWS::ECS::TaskDefinition"}

func byName(assembly *snapshot.Assembly) map[string]*snapshot.Stack {
	stacks := map[string]*snapshot.Stack{}
	for _, stack := range assembly.Stacks {
		stacks[stack.Name+"\n"+stack.Environment] = stack
	}
	return stacks
}

func missing(from, in map[string]*snapshot.Stack) bool {
	for name := range from {
		if _, found := in[name]; !found {
			return true
		}
	}
	return false
}

func isDelivery(stack *snapshot.Stack) bool {
	return strings.HasSuffix(stack.Name, "-pipeline") || strings.Contains(stack.Name, "-registry-") || strings.Contains(stack.Name, "-pipeline-support-")
}

// anew says whether a service, or what it runs on, goes and another comes.
func anew(was, is snapshot.Template) bool {
	for _, kind := range identities {
		gone, came := false, false
		old, now := was.Resources(kind), is.Resources(kind)
		for id := range old {
			_, found := now[id]
			gone = gone || !found
		}
		for id := range now {
			_, found := old[id]
			came = came || !found
		}
		if gone && came {
			return true
		}
	}
	return false
}

// restartsTasks says whether a service gets another task definition.
func restartsTasks(was, is snapshot.Template) bool {
	return anyOf("AWS::ECS::Service", was, is, func(service, after snapshot.Resource) bool {
		before, _ := service.Get("Properties.TaskDefinition.Ref").(string)
		behind, _ := after.Get("Properties.TaskDefinition.Ref").(string)
		if before != behind {
			return true
		}
		old, _ := was.Resource(before)
		new, _ := is.Resource(behind)
		return !reflect.DeepEqual(old.Properties, new.Properties)
	})
}

// anyOf says whether it holds for any resource of the type that both have.
func anyOf(kind string, was, is snapshot.Template, holds func(before, after snapshot.Resource) bool) bool {
	now := is.Resources(kind)
	for id, before := range was.Resources(kind) {
		if after, found := now[id]; found && holds(before, after) {
			return true
		}
	}
	return false
}

// restartsInstances says whether the group of instances gets another template,
// or other subnets.
func restartsInstances(was, is snapshot.Template) bool {
	return anyOf("AWS::AutoScaling::AutoScalingGroup", was, is, func(group, after snapshot.Resource) bool {
		for _, property := range []string{"Properties.VPCZoneIdentifier", "Properties.MixedInstancesPolicy"} {
			if !reflect.DeepEqual(group.Get(property), after.Get(property)) {
				return true
			}
		}
		return !reflect.DeepEqual(launchTemplate(was, group), launchTemplate(is, after))
	})
}

func launchTemplate(in snapshot.Template, group snapshot.Resource) any {
	specification := group.Get("Properties.LaunchTemplate.LaunchTemplateId.Ref")
	if specification == nil {
		specification = group.Get("Properties.MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId.Ref")
	}
	id, _ := specification.(string)
	template, _ := in.Resource(id)
	return template.Get("Properties.LaunchTemplateData")
}

// Claim is what the field says that a change of it does in the base. What
// happens in place happens in the pipeline, where the field is one of the
// pipeline's.
func (s Spot) Claim() field.Change {
	claimed := s.Field.Changes[0]
	for _, special := range s.Field.Changes[1:] {
		if slices.Contains(s.Base.When, special.When) {
			claimed = special
		}
	}
	if i := slices.Index(claimed.Effects, field.InPlace); i >= 0 && strings.HasPrefix(s.Field.Path, "pipeline.logs.") {
		claimed.Effects = slices.Clone(claimed.Effects)
		claimed.Effects[i] = field.InPipeline
	}
	return claimed
}

// weaker are the effects that any stronger one includes, the weakest first.
var weaker = []field.Effect{field.None, field.InPipeline, field.InPlace}

// Beyond says what was observed and not claimed; it is empty where the claim
// covers everything. A change may do less than is claimed: what it does can
// depend on the rest of the declaration.
func Beyond(claimed, observed field.Change) string {
	strength := func(c field.Change) int {
		for i, effect := range weaker {
			if c.Has(effect) {
				return i
			}
		}
		return len(weaker)
	}
	if len(observed.Effects) == 1 && strength(observed) <= strength(claimed) && strength(observed) < len(weaker) {
		return ""
	}
	var beyond []string
	for _, effect := range observed.Effects {
		told := effect == field.Refused && strings.Contains(claimed.Note, "refused")
		if !claimed.Has(effect) && !told {
			beyond = append(beyond, string(effect))
		}
	}
	for _, kind := range observed.Replaced {
		if !slices.Contains(claimed.Replaced, kind) {
			beyond = append(beyond, kind)
		}
	}
	return strings.Join(beyond, ", ")
}

// Union is what any of the changes does.
func Union(a, b field.Change) field.Change {
	var c field.Change
	for _, effect := range append(slices.Clone(a.Effects), b.Effects...) {
		if !slices.Contains(c.Effects, effect) {
			c.Effects = append(c.Effects, effect)
		}
	}
	for _, kind := range append(slices.Clone(a.Replaced), b.Replaced...) {
		if !slices.Contains(c.Replaced, kind) {
			c.Replaced = append(c.Replaced, kind)
		}
	}
	// What is stronger includes what is weaker; that it is refused says nothing
	// of what it would do.
	strongest := slices.ContainsFunc(c.Effects, func(effect field.Effect) bool {
		return effect != field.Refused && !slices.Contains(weaker, effect)
	})
	for _, effect := range slices.Backward(weaker) {
		if i := slices.Index(c.Effects, effect); i >= 0 && strongest {
			c.Effects = slices.Delete(c.Effects, i, i+1)
		} else if i >= 0 {
			strongest = true
		}
	}
	return c
}

// Short says what was claimed and never observed; it is empty where all of it
// was.
func Short(claimed, observed field.Change) string {
	var missing []string
	for _, effect := range claimed.Effects {
		if !observed.Has(effect) {
			missing = append(missing, string(effect))
		}
	}
	for _, kind := range claimed.Replaced {
		if !slices.Contains(observed.Replaced, kind) {
			missing = append(missing, kind)
		}
	}
	return strings.Join(missing, ", ")
}
