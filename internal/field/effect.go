package field

import (
	"fmt"
	"strings"
)

// Effect is what a change of a field does to what is deployed.
type Effect string

// The effects. What is below the comment of one is tested against the templates
// before and after such a change.
const (
	// None: nothing is deployed differently.
	None Effect = "none"
	// InPlace: resources come, go or are updated; none is replaced, and no task
	// or instance that runs is started anew for it.
	InPlace Effect = "in place"
	// InPipeline: the same, and only of the pipeline and its image repositories.
	InPipeline Effect = "in the pipeline"
	// RestartsTasks: tasks get a new revision of their definition, and are
	// replaced one after the other, without interruption.
	RestartsTasks Effect = "restarts tasks"
	// RestartsInstances: instances are replaced one after the other, their tasks
	// drained first.
	RestartsInstances Effect = "restarts instances"
	// Replaces, with the types of resources: new ones take their place. Nothing
	// is lost by it.
	Replaces Effect = "replaces"
	// MadeAnew: the services are made anew, and the old ones go.
	MadeAnew Effect = "made anew"
	// Moves: the stacks are made under another name, or in another account or
	// region, and the old ones stay deployed until somebody deletes them.
	Moves Effect = "moves"
	// Refused: data would be lost, or AWS would not do it, so package guard refuses
	// it until it is allowed.
	Refused Effect = "refused"
	// ByField: what the fields below it say.
	ByField Effect = "by field"
)

// effects in the order in which they are recognized.
var effects = []Effect{None, InPlace, InPipeline, RestartsTasks, RestartsInstances, Replaces, MadeAnew, Moves, Refused, ByField}

// Change says what a change of a field does.
type Change struct {
	// When it does that, as in "with a load balancer"; empty for the general case.
	When string `json:"when,omitempty"`
	// Effects of it, one or more.
	Effects []Effect `json:"effects"`
	// Replaced are the types of resources of which new ones are made.
	Replaced []string `json:"replaced,omitempty"`
	// Note is what people should know beside.
	Note string `json:"note,omitempty"`
}

// ParseChange reads a change as a comment writes it: effects with commas
// between them, then a semicolon and a note.
func ParseChange(text string) (Change, error) {
	var c Change
	said, note, _ := strings.Cut(text, "; ")
	c.Note = note
	for part := range strings.SplitSeq(said, ", ") {
		effect, rest, err := parseEffect(part)
		if err != nil {
			return Change{}, err
		}
		switch {
		case effect == Replaces:
			for kind := range strings.SplitSeq(rest, " and ") {
				if strings.Count(kind, "::") != 2 || strings.Contains(kind, " ") {
					return Change{}, fmt.Errorf("%q is not a type of resource", kind)
				}
				c.Replaced = append(c.Replaced, kind)
			}
		case effect == Refused && strings.HasPrefix(rest, "where "):
			// A condition: the note of this effect.
			if c.Note != "" {
				c.Note = "; " + c.Note
			}
			c.Note = "refused " + rest + c.Note
			continue
		case rest != "":
			return Change{}, fmt.Errorf("%q is said after %q: write what is for people behind a semicolon", rest, effect)
		}
		c.Effects = append(c.Effects, effect)
	}
	return c, nil
}

func parseEffect(text string) (effect Effect, rest string, err error) {
	for _, known := range effects {
		if after, found := strings.CutPrefix(text, string(known)); found && (after == "" || after[0] == ' ') {
			return known, strings.TrimSpace(after), nil
		}
	}
	return "", "", fmt.Errorf("%q is not an effect of a change", text)
}

// Has says whether the change has that effect.
func (c Change) Has(effect Effect) bool {
	for _, e := range c.Effects {
		if e == effect {
			return true
		}
	}
	return false
}

// String is the change in words.
func (c Change) String() string {
	var parts []string
	for _, effect := range c.Effects {
		text := string(effect)
		if effect == Replaces {
			text += " " + strings.Join(c.Replaced, ", ")
		}
		parts = append(parts, text)
	}
	text := strings.Join(parts, ", ")
	if c.Note != "" {
		text += "; " + c.Note
	}
	if c.When != "" {
		text = c.When + ": " + text
	}
	return text
}
