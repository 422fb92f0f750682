// Package app is the ready-made CDK app: it reads a declaration and
// synthesizes what it declares. A user's own app.go is three lines:
//
//	package main
//
//	import "github.com/tinystack-go/tinystack/app"
//
//	func main() { app.Main() }
package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/tinystack-go/tinystack/guard"
	"github.com/tinystack-go/tinystack/internal/cdkcontext"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/internal/validation"
	"github.com/tinystack-go/tinystack/preflight"
	"github.com/tinystack-go/tinystack/spec"
	"github.com/tinystack-go/tinystack/stacks"
)

// Main is the whole app: it synthesizes what the declaration that [spec.File]
// names declares, into the folder that the CDK command line tool names. It ends
// the process: with status 1 and a list of problems where the declaration is
// wrong.
func Main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

// Run is a whole app that is written in Go: build puts into the CDK app what is
// wanted, and Run does the rest. It ends the process: with status 1 and
// a message where something is wrong.
//
//	func main() {
//		app.Run(func(cdk awscdk.App) {
//			stacks.NewTinyStack(cdk, jsii.String("Shop"), &stacks.TinyStackProps{App: shop})
//		})
//	}
func Run(build func(cdk awscdk.App)) {
	os.Exit(reporting(os.Stderr, func() int {
		if err := validation.Check(); err != nil {
			return fail(os.Stderr, err)
		}
		synthesize(build)
		return 0
	}))
}

func run(args []string, stderr io.Writer) int {
	return reporting(stderr, func() int { return do(args, stderr) })
}

// reporting reports what a construct found wrong instead of ending with a trace.
func reporting(stderr io.Writer, work func() int) (status int) {
	defer func() {
		if problem := recover(); problem != nil {
			report(stderr, problem)
			status = 1
		}
	}()
	return work()
}

func do(args []string, stderr io.Writer) int {
	if len(args) > 0 {
		return fail(stderr, fmt.Errorf("this app synthesizes %s and takes no arguments, not %q: the command is another program, cmd/tinystack", spec.File(), strings.Join(args, " ")))
	}
	if err := validation.Check(); err != nil {
		return fail(stderr, err)
	}
	declared, err := spec.Load(spec.File())
	if err != nil {
		return fail(stderr, err)
	}
	for _, warning := range declared.Warnings() {
		fmt.Fprintln(stderr, warning)
	}
	found, err := preflight.Check(declared)
	if err != nil {
		return fail(stderr, err)
	}
	for _, open := range found.Open().Of(preflight.Error, preflight.Warning) {
		fmt.Fprintln(stderr, open)
	}
	if errors := found.Open().Of(preflight.Error); len(errors) > 0 {
		fmt.Fprintf(stderr, "\nAWS would reject this: %s; nothing was written\n", phrase.Count(len(errors), "error"))
		return 1
	}
	inputs, err := json.Marshal(declared)
	if err != nil {
		return fail(stderr, err)
	}
	synthesize(func(cdk awscdk.App) {
		stacks.NewTinyStack(cdk, &declared.Name, &stacks.TinyStackProps{
			App:  declared,
			Tags: stacks.TagsFromEnvironment(declared),
		})
	}, string(inputs))
	return 0
}

// synthesize runs the CDK. The folder it writes to is the one that the CDK
// command line tool names in the environment. Inputs are what the templates
// depend on beside the program, as far as it is known.
func synthesize(build func(cdk awscdk.App), inputs ...string) {
	previous := findPrevious()
	defer previous.cleanUp()
	templates := startValidation(validation.Settings{Outdir: previous.made(), Inputs: inputs})
	defer templates.close()
	cdkcontext.PrepareRuntime(nil)
	defer closeRuntime(os.Stderr)
	cdk := NewApp(templates.props(previous.staging()))
	templates.of(cdk)
	build(cdk)
	cdk.Synth(nil)
	templates.passed()
	previous.replaceWith(cdk, os.Stderr)
}

// NewApp is a CDK app with the context that tinystack's templates are made
// with: all recommended feature flags, and strict validation. Props may be nil;
// its context wins.
func NewApp(props *awscdk.AppProps) awscdk.App {
	own := awscdk.AppProps{}
	if props != nil {
		own = *props
	}
	context := *cdkcontext.Context()
	if own.Context != nil {
		for key, value := range *own.Context {
			context[key] = value
		}
	}
	own.Context = &context
	return awscdk.NewApp(&own)
}

func fail(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	var problems spec.Problems
	if errors.As(err, &problems) {
		fmt.Fprintln(stderr, problems)
		fmt.Fprintf(stderr, "\n%s; nothing was written\n", phrase.Count(len(problems), "problem"))
		return 1
	}
	fmt.Fprintln(stderr, err)
	return 1
}

// report prints what a construct found wrong. A construct panics, as is the
// custom of the CDK in Go, so this is where its message meets the user.
func report(stderr io.Writer, problem any) {
	if err, ok := problem.(error); ok {
		fail(stderr, err)
		var problems spec.Problems
		var refusal *guard.Refusal
		if errors.As(err, &problems) || errors.As(err, &refusal) {
			return // that is about the declaration, wherever in the code it was found
		}
	} else {
		text := strings.TrimSpace(fmt.Sprint(problem))
		// What follows the message is a trace through the CDK's JavaScript.
		text, _, _ = strings.Cut(text, "\n    at ")
		fmt.Fprintln(stderr, text)
	}
	if os.Getenv("TINYSTACK_DEBUG") != "" {
		stderr.Write(debug.Stack())
	} else {
		fmt.Fprintln(stderr, "(TINYSTACK_DEBUG=1 shows where)")
	}
}
