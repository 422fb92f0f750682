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
	"github.com/tinystack-go/tinystack/preflight"
	"github.com/tinystack-go/tinystack/spec"
)

// Main is the whole app: it synthesizes what the declaration that [spec.File]
// names declares, into the folder that the CDK command line tool names. It ends
// the process: with status 1 and a list of problems where the declaration is
// wrong.
func Main() {
	endOnSignal()
	end(run(os.Args[1:], os.Stderr))
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
	endOnSignal()
	end(reporting(os.Stderr, func(stderr io.Writer) error {
		return (&synthesis{stderr: stderr, program: build}).run()
	}))
}

func run(args []string, stderr io.Writer) int {
	return reporting(stderr, func(stderr io.Writer) error {
		if len(args) > 0 {
			return fmt.Errorf("this app synthesizes %s and takes no arguments, not %q: the command is another program, cmd/tinystack", spec.File(), strings.Join(args, " "))
		}
		return (&synthesis{stderr: stderr, file: spec.File()}).run()
	})
}

// reporting says what went wrong, with the status 1. A construct panics, as is
// the custom of the CDK in Go, so this is where its message meets the user.
func reporting(stderr io.Writer, work func(io.Writer) error) (status int) {
	defer func() {
		if problem := recover(); problem != nil {
			reportPanic(stderr, problem)
			status = 1
		}
	}()
	if err := work(stderr); err != nil {
		report(stderr, err)
		return 1
	}
	return 0
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

// report prints an error, and says whether it is about what is declared, wherever
// in the code it was found.
func report(stderr io.Writer, err error) (ofDeclaration bool) {
	var (
		problems spec.Problems
		rejected *preflight.Refusal
		lost     *guard.Refusal
	)
	switch {
	case errors.As(err, &problems):
		fmt.Fprintf(stderr, "%v\n\n%s; nothing was written\n", problems, phrase.Count(len(problems), "problem"))
	case errors.As(err, &rejected):
		fmt.Fprintf(stderr, "%v; nothing was written\n", rejected)
	default:
		fmt.Fprintln(stderr, err)
		return errors.As(err, &lost)
	}
	return true
}

// reportPanic prints what a construct found wrong.
func reportPanic(stderr io.Writer, problem any) {
	if err, ok := problem.(error); ok {
		if report(stderr, err) {
			return
		}
	} else {
		text := strings.TrimSpace(fmt.Sprint(problem))
		// What follows the message is a trace through the CDK's JavaScript.
		text, _, _ = strings.Cut(text, "\n    at ")
		fmt.Fprintln(stderr, text)
	}
	if debugging() {
		stderr.Write(debug.Stack())
	} else {
		fmt.Fprintln(stderr, "(TINYSTACK_DEBUG=1 shows where)")
	}
}

func debugging() bool { return os.Getenv("TINYSTACK_DEBUG") != "" }
