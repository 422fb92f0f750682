package app

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/tinystack-go/tinystack/internal/cdkcontext"
	"github.com/tinystack-go/tinystack/internal/declared"
	"github.com/tinystack-go/tinystack/internal/validation"
	"github.com/tinystack-go/tinystack/stacks"
)

// steps are how a synthesis goes, whether the declaration is a file or part of
// a program in Go. A step that fails ends it, and nothing that was there before
// has changed. What a declaration goes through until something may be made of it
// is a list of its own, in package declared.
var steps = []step{
	{"look whether templates can be validated", (*synthesis).look},
	{"read the declaration, if it is a file", (*synthesis).read},
	{"find the assembly that this one replaces", (*synthesis).find},
	{"start what validates templates", (*synthesis).startValidation},
	{"start the CDK", (*synthesis).startCDK},
	{"make the stacks, and check what is declared in Go", (*synthesis).build},
	{"say what people are to hear of the declarations", (*synthesis).say},
	{"write the templates, and validate them", (*synthesis).write},
	{"compare with the assembly that is replaced: nothing that holds data may be lost", (*synthesis).compare},
	{"put the new assembly in its place", (*synthesis).replace},
}

type step struct {
	name string
	run  func(*synthesis) error
}

// synthesis is what the steps need and give.
type synthesis struct {
	stderr io.Writer
	// file is the declaration; empty for a program in Go.
	file string
	// program puts into the CDK app what is wanted. Reading a file gives it.
	program func(awscdk.App)
	// inputs are what the templates depend on beside the program, as far as it
	// is known.
	inputs []string
	// said is what people have heard.
	said []string

	previous  previous
	templates *templateValidation
	cdk       awscdk.App
	// ends are run when all is over, the last first.
	ends []func()
}

// run goes the whole course. What a construct finds wrong is a panic, as is the
// custom of the CDK in Go; [reporting] meets it.
func (s *synthesis) run() error {
	defer func() {
		for _, end := range slices.Backward(s.ends) {
			end()
		}
	}()
	for _, step := range steps {
		if debugging() {
			fmt.Fprintln(s.stderr, "step:", step.name)
		}
		if err := step.run(s); err != nil {
			return err
		}
	}
	return nil
}

func (s *synthesis) look() error { return validation.Check() }

func (s *synthesis) read() error {
	if s.file == "" {
		return nil
	}
	declaration, err := declared.Read(s.file)
	s.tell(declaration.Said)
	if err != nil {
		return err
	}
	app := declaration.App
	inputs, err := json.Marshal(app)
	if err != nil {
		return err
	}
	s.inputs = []string{string(inputs)}
	s.program = func(cdk awscdk.App) {
		stacks.NewTinyStack(cdk, &app.Name, &stacks.TinyStackProps{
			App:     app,
			Tags:    stacks.TagsFromEnvironment(app),
			OnStage: s.templates.handOver(app.Pipeline != nil),
		})
	}
	return nil
}

func (s *synthesis) find() error {
	s.previous = findPrevious()
	s.ends = append(s.ends, s.previous.cleanUp)
	return nil
}

func (s *synthesis) startValidation() error {
	s.templates = startValidation(validation.Settings{Outdir: s.previous.made(), Inputs: s.inputs})
	s.ends = append(s.ends, s.templates.close)
	return nil
}

// startCDK makes an app that writes to the folder which the CDK command line tool
// names in the environment.
func (s *synthesis) startCDK() error {
	cdkcontext.PrepareRuntime(nil)
	s.ends = append(s.ends, func() { closeRuntime(os.Stderr) })
	s.cdk = NewApp(s.templates.props(s.previous.staging()))
	s.templates.of(s.cdk)
	return nil
}

func (s *synthesis) build() error {
	s.program(s.cdk)
	return nil
}

func (s *synthesis) say() error {
	s.tell(noted(s.cdk, stacks.SaidMetadata))
	return nil
}

// tell says what was not said before.
func (s *synthesis) tell(texts []string) {
	for _, text := range texts {
		if !slices.Contains(s.said, text) {
			s.said = append(s.said, text)
			fmt.Fprintln(s.stderr, text)
		}
	}
}

func (s *synthesis) write() error {
	s.cdk.Synth(nil)
	s.templates.passed()
	return nil
}

func (s *synthesis) compare() error {
	return s.previous.compare(noted(s.cdk, stacks.ReplacementsMetadata), s.stderr)
}

func (s *synthesis) replace() error { return s.previous.replace() }

// noted are the texts that declarations in the app have left on its root.
func noted(cdk awscdk.App, kind string) []string {
	var texts []string
	for _, entry := range *cdk.Node().Metadata() {
		if *entry.Type != kind {
			continue
		}
		if list, ok := entry.Data.([]any); ok {
			for _, text := range list {
				texts = append(texts, fmt.Sprint(text))
			}
		}
	}
	return texts
}
