// Command tinystack reads a declaration and says what becomes of it, without
// making the templates: whether it is valid, and what a cloud assembly of it
// holds. It changes the stages of a declaration, and deletes what was deployed.
// It needs neither Node nor the CDK, and AWS only where it says so.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/spec"
)

func main() {
	// A run lasts milliseconds: collecting its few megabytes would take a third
	// of them.
	debug.SetGCPercent(400)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole command. Data goes to stdout, everything else to stderr;
// the status is 0, or 1 where something is wrong.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	// What is wrong with the words of the call is found before this.
	started := false
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	ran, err := root.ExecuteC()
	if err != nil {
		printError(stderr, err)
		if !started {
			fmt.Fprintf(stderr, "See %s --help\n", ran.CommandPath())
		}
		return 1
	}
	return 0
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "tinystack",
		Short:         "Says what becomes of a declaration, changes it, and deletes it",
		Version:       version(),
		SilenceErrors: true, // printError prints them
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().StringP("file", "f", spec.File(), "the declaration")
	root.AddCommand(
		newValidate(),
		newSummary(),
		newPreflight(),
		newExplain(),
		newSchema(),
		newStage(),
		newDestroy(),
		newCost(),
		newGuard(),
		newReport(),
		newShow(),
	)
	return root
}

// version is the one that Go put into the program: of the release or of the
// `go install` that it comes from, or of the commit that it was built at.
func version() string {
	if built, ok := debug.ReadBuildInfo(); ok && built.Main.Version != "" {
		return built.Main.Version
	}
	return "unknown"
}

// load reads the declaration that the flags name, and prints its warnings.
func load(command *cobra.Command) (spec.App, error) {
	path, err := command.Flags().GetString("file")
	if err != nil {
		return spec.App{}, err
	}
	app, err := spec.Load(path)
	if err != nil {
		return spec.App{}, err
	}
	for _, warning := range app.Warnings() {
		fmt.Fprintln(command.ErrOrStderr(), warning)
	}
	return app, nil
}

func printError(stderr io.Writer, err error) {
	fmt.Fprintln(stderr, err)
	var problems spec.Problems
	if errors.As(err, &problems) {
		fmt.Fprintf(stderr, "\n%s\n", phrase.Count(len(problems), "problem"))
	}
}
