package yamledit

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/spec"
)

// Declaration is a valid declaration and its text. Its methods return a new
// one and change nothing.
type Declaration struct {
	file      string
	text      string
	lookupEnv func(string) (string, bool)
	app       spec.App
	source    *source
}

// Parse reads a declaration. It has to be valid: nothing certain could be said
// of a change to one that is not.
func Parse(file string, text []byte, lookupEnv func(string) (string, bool)) (*Declaration, error) {
	app, err := spec.Parse(file, text, lookupEnv)
	if err != nil {
		return nil, err
	}
	read, err := newSource(string(text))
	if err != nil {
		return nil, refuse("%s cannot be edited: %w", file, err)
	}
	return &Declaration{file: file, text: string(text), lookupEnv: lookupEnv, app: app, source: read}, nil
}

// Text of the declaration.
func (d *Declaration) Text() string { return d.text }

// App that the text declares, complete.
func (d *Declaration) App() spec.App { return d.app }

// Has says whether the stage is declared.
func (d *Declaration) Has(stage string) bool { return d.index(stage) >= 0 }

func (d *Declaration) index(stage string) int {
	return slices.IndexFunc(d.app.Stages, func(s spec.Stage) bool { return s.Name == stage })
}

// Refusal is an edit that is not made, and why.
type Refusal struct{ err error }

func (r *Refusal) Error() string { return r.err.Error() }

// Unwrap gives the problems that the declaration would have.
func (r *Refusal) Unwrap() error { return r.err }

func refuse(format string, args ...any) error { return &Refusal{fmt.Errorf(format, args...)} }

func (d *Declaration) unknown(stage string) error {
	return refuse("%s has no stage %q; it has %s", d.file, stage, strings.Join(names(d.app), ", "))
}

func names(app spec.App) []string {
	var all []string
	for _, stage := range app.Stages {
		all = append(all, stage.Name)
	}
	return all
}

// Place is where a stage goes: before or after another. At most one is set;
// none is the end.
type Place struct{ Before, After string }

// index is the number that a stage at this place gets in the list.
func (p Place) index(d *Declaration) (int, error) {
	reference, offset := p.Before, 0
	switch {
	case p.Before != "" && p.After != "":
		return 0, refuse("say either before which stage or after which one, not both")
	case p.Before == "" && p.After == "":
		return len(d.app.Stages), nil
	case p.After != "":
		reference, offset = p.After, 1
	}
	i := d.index(reference)
	if i < 0 {
		return 0, d.unknown(reference)
	}
	return i + offset, nil
}

// Field is a line of a new stage.
type Field struct{ Name, Value string }

// AddStage writes a new stage at a place.
func (d *Declaration) AddStage(name string, fields []Field, place Place) (*Declaration, error) {
	if d.Has(name) {
		return nil, refuse("%s has a stage %q already", d.file, name)
	}
	explicit, err := d.withStages()
	if err != nil {
		return nil, err
	}
	at, err := place.index(explicit)
	if err != nil {
		return nil, err
	}
	list, err := explicit.source.stages()
	if err != nil {
		return nil, refuse("%s: %w", d.file, err)
	}
	fields = append([]Field{{"name", name}}, fields...)
	list.insert(at, list.newItem(fields), place.After != "")
	return explicit.become(list.text(), slices.Insert(names(explicit.app), at, name), name)
}

// RemoveStage takes a stage out, with the comments that stand directly above it
// and within it.
func (d *Declaration) RemoveStage(name string) (*Declaration, error) {
	i := d.index(name)
	if i < 0 {
		return nil, d.unknown(name)
	}
	if len(d.app.Stages) == 1 {
		return nil, refuse("%s is the only stage, and an application has at least one: tinystack destroy deletes the whole application", name)
	}
	var canaries []string
	for _, stage := range d.app.Stages {
		if stage.CanaryOf == name {
			canaries = append(canaries, stage.Name)
		}
	}
	if len(canaries) > 0 {
		return nil, refuse("%s is rehearsed by %s, which would have nothing to derive from: remove %[2]s first (tinystack stage remove %s)", name, strings.Join(canaries, " and "), canaries[0])
	}
	list, err := d.source.stages()
	if err != nil {
		return nil, refuse("%s: %w", d.file, err)
	}
	if anchor, line := d.source.anchorUsedElsewhere(i); anchor != "" {
		return nil, refuse("%s: the stage %s defines the anchor &%s, which line %d refers to: move what the anchor stands for out of the stage first", d.file, name, anchor, line)
	}
	list.remove(i)
	return d.become(list.text(), slices.Delete(names(d.app), i, i+1))
}

// MoveStage puts a stage somewhere else in the order.
func (d *Declaration) MoveStage(name string, place Place) (*Declaration, error) {
	from := d.index(name)
	if from < 0 {
		return nil, d.unknown(name)
	}
	if place.Before == "" && place.After == "" {
		return nil, refuse("say before or after which stage")
	}
	if name == place.Before || name == place.After {
		return nil, refuse("a stage cannot stand before or after itself")
	}
	to, err := place.index(d)
	if err != nil {
		return nil, err
	}
	if to > from {
		to-- // it is taken out first
	}
	if to == from {
		return d, nil
	}
	list, err := d.source.stages()
	if err != nil {
		return nil, refuse("%s: %w", d.file, err)
	}
	moved := list.remove(from)
	list.insert(to, moved, place.After != "")
	order := slices.Delete(names(d.app), from, from+1)
	return d.become(list.text(), slices.Insert(order, to, name))
}

// SetApproval changes what lets a commit into a stage, and into those of its
// wave, which have it in common. It says which stages those are.
func (d *Declaration) SetApproval(name string, approval spec.Approval) (*Declaration, []string, error) {
	i := d.index(name)
	if i < 0 {
		return nil, nil, d.unknown(name)
	}
	var changed []string
	for _, stage := range d.app.Stages {
		together := stage.Name == name || stage.Wave != "" && stage.Wave == d.app.Stages[i].Wave
		if together && stage.Approval != approval {
			changed = append(changed, stage.Name)
		}
	}
	if len(changed) == 0 {
		return d, nil, nil
	}
	edited, err := d.withStages()
	if err != nil {
		return nil, nil, err
	}
	text := edited.text
	// From the last one up: an edit moves only what stands below it.
	for k := len(edited.app.Stages) - 1; k >= 0; k-- {
		if !slices.Contains(changed, edited.app.Stages[k].Name) {
			continue
		}
		if text, err = edited.source.setField(text, k, "approval", string(approval), approval == spec.Automatic); err != nil {
			return nil, nil, refuse("%s: stage %s: %w", d.file, edited.app.Stages[k].Name, err)
		}
	}
	result, err := edited.become(text, names(edited.app), changed...)
	if err != nil {
		return nil, nil, err
	}
	for _, stage := range result.app.Stages {
		if slices.Contains(changed, stage.Name) && stage.Approval != approval {
			return nil, nil, refuse("%s: the stage %s takes its approval from a \"<<\": write \"approval: %s\" into it by hand", d.file, stage.Name, approval)
		}
	}
	return result, changed, nil
}

// withStages writes the stage down that a declaration without stages has.
func (d *Declaration) withStages() (*Declaration, error) {
	if d.source.declaresStages() {
		return d, nil
	}
	text, err := d.source.appendStages(names(d.app))
	if err != nil {
		return nil, refuse("%s: %w", d.file, err)
	}
	return d.become(text, names(d.app))
}

// become reads an edited text, and compares it with what was meant: these
// stages, of which only some changed, and nothing else.
func (d *Declaration) become(text string, order []string, changed ...string) (*Declaration, error) {
	next, err := Parse(d.file, []byte(text), d.lookupEnv)
	var problems spec.Problems
	if errors.As(err, &problems) {
		// Lines are those of a text that nobody will see.
		unplaced := slices.Clone(problems)
		for i := range unplaced {
			unplaced[i].Line, unplaced[i].Column = 0, 0
		}
		return nil, refuse("nothing was changed, because the declaration would then be wrong:\n%w", unplaced)
	}
	if err != nil {
		return nil, err
	}
	if got := names(next.app); !slices.Equal(got, order) {
		return nil, refuse("%s is written in a way that this cannot edit (it would have the stages %s): edit it by hand", d.file, strings.Join(got, ", "))
	}
	if difference := otherThan(d.app, next.app, changed); difference != "" {
		return nil, refuse("%s is written in a way that this cannot edit (%s would change, too, perhaps by an anchor or \"<<\"): edit it by hand", d.file, difference)
	}
	return next, nil
}

// otherThan names something that differs between two declarations, apart from
// the order of the stages, those that only one has, and those that changed.
func otherThan(before, after spec.App, changed []string) string {
	for _, was := range before.Stages {
		i := slices.IndexFunc(after.Stages, func(s spec.Stage) bool { return s.Name == was.Name })
		if i >= 0 && !slices.Contains(changed, was.Name) && !reflect.DeepEqual(was, after.Stages[i]) {
			return "the stage " + was.Name
		}
	}
	was, is := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range was.NumField() {
		field := was.Type().Field(i)
		if field.IsExported() && field.Name != "Stages" && !reflect.DeepEqual(was.Field(i).Interface(), is.Field(i).Interface()) {
			return field.Tag.Get("yaml")
		}
	}
	return ""
}
