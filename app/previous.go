package app

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tinystack-go/tinystack/guard"
	"github.com/tinystack-go/tinystack/snapshot"
)

// AgainstVariable names the environment variable that says what a synthesis is
// compared with: the folder of a cloud assembly, or deployed templates (see
// package guard). Without it that is the assembly which the synthesis
// overwrites, if there is one.
const AgainstVariable = "TINYSTACK_AGAINST"

// previous is what a synthesis is compared with, and where it goes.
type previous struct {
	// outdir is where the assembly goes in the end.
	outdir string
	// partial is where it is made; empty if at once in outdir, because there is
	// nothing to overwrite.
	partial string
	// against is what it is compared with; empty for nothing.
	against string
}

func findPrevious() previous {
	p := previous{outdir: os.Getenv("CDK_OUTDIR"), against: os.Getenv(AgainstVariable)}
	if p.outdir == "" {
		p.outdir = "cdk.out"
	}
	if info, err := os.Stat(filepath.Join(p.outdir, "manifest.json")); err != nil || info.Size() == 0 {
		return p
	}
	if p.against == "" {
		p.against = p.outdir
	}
	// Made beside it, what is refused leaves no trace, and is refused again.
	p.partial = p.outdir + ".next"
	for isOther(p.partial) {
		p.partial += ".next"
	}
	return p
}

// isOther says whether the folder holds something that is no cloud assembly, so that
// it is not ours to delete.
func isOther(folder string) bool {
	if entries, err := os.ReadDir(folder); err != nil || len(entries) == 0 {
		return err != nil && !os.IsNotExist(err)
	}
	for _, file := range []string{"cdk.out", reportFile} {
		if _, err := os.Stat(filepath.Join(folder, file)); err == nil {
			return false
		}
	}
	return true
}

// made is the folder in which the assembly is made.
func (p previous) made() string {
	if p.partial == "" {
		return p.outdir
	}
	return p.partial
}

func (p previous) staging() *string {
	if p.partial == "" {
		return nil // the CDK knows from the environment
	}
	os.RemoveAll(p.partial)
	return &p.partial
}

// reportFile is what the CDK's message about invalid templates refers to.
const reportFile = "validation-report.json"

// cleanUp leaves nothing beside the assembly but such a report, which the next
// synthesis removes.
func (p previous) cleanUp() {
	if p.partial == "" {
		return
	}
	if _, err := os.Stat(filepath.Join(p.partial, reportFile)); err != nil {
		os.RemoveAll(p.partial)
	}
}

// compare refuses an assembly by whose deployment data would be lost, other than
// by the changes that are allowed.
func (p previous) compare(allowed []string, stderr io.Writer) error {
	if p.against == "" {
		return nil
	}
	after, err := snapshot.Load(p.made())
	if err != nil {
		return p.refuse(err)
	}
	before, err := guard.Load(p.against, after)
	if err != nil {
		return p.refuse(fmt.Errorf("%w\n    fix: set %s to a cloud assembly or a template; or, if there is nothing to compare with, unset it or delete %s", err, AgainstVariable, p.against))
	}
	notices, err := guard.Check(p.against, before, after, allowed)
	for _, notice := range notices {
		fmt.Fprintln(stderr, notice)
	}
	if err != nil && p.partial == "" {
		os.RemoveAll(filepath.Join(p.outdir, "manifest.json")) // nothing that could be deployed
	}
	return p.refuse(err)
}

// refuse leaves nothing of templates that are valid and are not wanted.
func (p previous) refuse(err error) error {
	if err != nil {
		os.Remove(filepath.Join(p.made(), reportFile))
	}
	return err
}

// replace puts the new assembly in its place.
func (p previous) replace() error {
	if p.partial == "" {
		return nil // it was made there
	}
	if err := p.move(); err != nil {
		return fmt.Errorf("the new templates are not in place: %w", err)
	}
	return nil
}

// move puts everything that was made into the folder, one by one: the CDK's
// command line tool keeps a lock of its own in there. The manifest comes last.
func (p previous) move() error {
	entries, err := os.ReadDir(p.partial)
	if err != nil {
		return err
	}
	names := []string{}
	for _, entry := range entries {
		if entry.Name() != "manifest.json" {
			names = append(names, entry.Name())
		}
	}
	for _, name := range append(names, "manifest.json") {
		target := filepath.Join(p.outdir, name)
		if err := os.RemoveAll(target); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(p.partial, name), target); err != nil {
			return err
		}
	}
	return nil
}
