package guard

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/snapshot"
)

// Refusal is an error that lists every change that nobody allowed.
type Refusal struct {
	// Against names what was compared with.
	Against string
	// Changes that were refused.
	Changes []Change
}

// Check compares and refuses what is not allowed: each text in allowed is the
// [Change.Key] of one change. The notices are about what is allowed, about what
// is not lost, and about texts that allow nothing.
func Check(against string, before, after *snapshot.Assembly, allowed []string) (notices []string, err error) {
	var refused []Change
	used := map[string]bool{}
	if stranger := strangers(against, before, after); stranger != "" {
		notices = append(notices, stranger)
	}
	for _, change := range Compare(before, after) {
		key := change.Key()
		switch {
		case slices.Contains(allowed, key):
			used[key] = true
			notices = append(notices, fmt.Sprintf("allowed by replacements: %s\n    consequence: %s", change.headline(), change.Consequence()))
		case change.Notice:
			notices = append(notices, change.headline()+"\n"+change.values()+"    consequence: "+change.Consequence())
		default:
			refused = append(refused, change)
		}
	}
	for i, text := range allowed {
		if !used[text] {
			notices = append(notices, fmt.Sprintf("replacements[%d]: %q allows nothing: compared with %s there is no such change\n    fix: remove it once the change is deployed everywhere", i, text, against))
		}
	}
	if len(refused) > 0 {
		return notices, &Refusal{Against: against, Changes: refused}
	}
	return notices, nil
}

// Error lists the changes, each with its consequence and what to do.
func (r *Refusal) Error() string {
	var text strings.Builder
	for _, change := range r.Changes {
		fmt.Fprintf(&text, "%s\n", change.headline())
		text.WriteString(change.values())
		fmt.Fprintf(&text, "    consequence: %s\n", change.Consequence())
		if change.Effect == Rejected {
			fmt.Fprintf(&text, "    fix: take the change back; or, if you know that AWS takes it by now, allow it in the declaration with\n        replacements: [%q]\n", change.Key())
			continue
		}
		if change.Successor != "" {
			fmt.Fprintf(&text, "    fix: if it only got another logical id, %s, give it back its old one; otherwise, if it is to go,", change.Successor)
		} else {
			fmt.Fprintf(&text, "    fix: take the change back; or, if that is what you want,")
		}
		fmt.Fprintf(&text, " save what is in it, and allow it in the declaration with\n        replacements: [%q]\n", change.Key())
	}
	fmt.Fprintf(&text, "\n%s, compared with %s; refused", phrase.List(r.verdicts(), "and"), r.Against)
	return text.String()
}

// verdicts count what was refused by what would become of it.
func (r *Refusal) verdicts() []string {
	rejected := 0
	for _, change := range r.Changes {
		if change.Effect == Rejected {
			rejected++
		}
	}
	var verdicts []string
	if lost := len(r.Changes) - rejected; lost > 0 {
		verdicts = append(verdicts, phrase.Count(lost, "change")+" would lose data")
	}
	if rejected > 0 {
		verdicts = append(verdicts, phrase.Count(rejected, "change")+" would fail in AWS")
	}
	return verdicts
}

func (c Change) headline() string {
	where := c.Stack + "/" + c.LogicalID
	if c.Path != "" {
		where += " (" + c.Path + ")"
	}
	verb := "would be " + string(c.Effect)
	if c.Effect == Undeclared || c.Effect == Weakened {
		verb = "is " + string(c.Effect)
	}
	if c.Rule != "" {
		verb += " [" + c.Rule + "]"
	}
	return fmt.Sprintf("%s %s %s", where, c.Type, verb)
}

// values are the properties that change, a line each.
func (c Change) values() string {
	var text strings.Builder
	for _, property := range c.Properties {
		if property.Reference {
			fmt.Fprintf(&text, "    %s: %s, which is replaced itself\n", property.Name, property.New)
		} else {
			fmt.Fprintf(&text, "    %s: %s → %s\n", property.Name, property.Old, property.New)
		}
	}
	return text.String()
}

// Consequence says what becomes of the resource and of what is in it.
func (c Change) Consequence() string {
	if c.why != "" {
		return c.why + " (" + c.source + ")"
	}
	holds := protected[c.Type]
	switch c.Effect {
	case Undeclared:
		return fmt.Sprintf("the stack %s stays deployed, with everything in it, and is paid for until somebody deletes it", c.Stack)
	case LeftBehind:
		return fmt.Sprintf("it is %s; a new, empty one is made elsewhere, and the old one stays where it is, unused and paid for", holds)
	}
	old := map[string]string{
		"Retain":   "the old one stays, but no stack knows it any more",
		"Snapshot": "the old one is deleted after a last snapshot",
		"Delete":   "the old one is deleted, without a copy",
	}[c.Policy]
	if c.Effect == Deleted {
		return fmt.Sprintf("it is %s; %s", holds, old)
	}
	return fmt.Sprintf("it is %s; a new, empty one takes its place (where it has a fixed name, CloudFormation cannot make it beside the old one, and the deployment fails), and %s", holds, old)
}
