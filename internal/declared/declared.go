// Package declared is the way of a declaration until something may be made of
// it. Programs in YAML and in Go go it alike: package app and the command begin
// with a file, [stacks.NewTinyStack] with the value that a program declared.
package declared

import (
	"fmt"

	"github.com/tinystack-go/tinystack/preflight"
	"github.com/tinystack-go/tinystack/spec"
)

// Declaration is a declaration that something may be made of.
type Declaration struct {
	// App is what is declared, complete.
	App spec.App
	// Said is what people are to hear of it, in this order: what is unwise in
	// it, and what a preflight warns of and nobody has accepted.
	Said []string
}

// steps are that way. The first that ends in an error ends it.
var steps = []struct {
	name string
	run  func(*Declaration) error
}{
	{"complete it: defaults, canaries, values of the environment; all that is wrong at once", (*Declaration).resolve},
	{"say what is unwise in it", (*Declaration).warn},
	{"find what AWS would reject, starve, surprise with or overcharge for", (*Declaration).preflight},
}

// Read is the way of a declaration in a file. Its error is [spec.Problems] or
// [*preflight.Refusal], or about the file; what was said until then is in the
// declaration.
func Read(path string) (Declaration, error) {
	app, err := spec.Load(path)
	if err != nil {
		return Declaration{}, err
	}
	return Check(app)
}

// Check is the way of a declaration in Go; see [Read].
func Check(app spec.App) (Declaration, error) {
	d := Declaration{App: app}
	for _, step := range steps {
		if err := step.run(&d); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (d *Declaration) resolve() (err error) {
	d.App, err = d.App.Resolve()
	return err
}

func (d *Declaration) warn() error {
	for _, warning := range d.App.Warnings() {
		d.Said = append(d.Said, fmt.Sprint(warning))
	}
	return nil
}

func (d *Declaration) preflight() error {
	found, err := preflight.Check(d.App)
	if err != nil {
		return err
	}
	if err := found.Refusal(); err != nil {
		return err
	}
	for _, warning := range found.Open().Of(preflight.Warning) {
		d.Said = append(d.Said, warning.String())
	}
	return nil
}
