package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/preflight"
	"github.com/tinystack-go/tinystack/preflight/live"
	"github.com/tinystack-go/tinystack/spec"
)

func newPreflight() *cobra.Command {
	var inAccount, asJSON, verbose bool
	command := &cobra.Command{
		Use:   "preflight",
		Short: "Says what AWS would reject, starve, surprise with or overcharge for",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			app, err := load(command)
			if err != nil {
				return err
			}
			found, err := look(command.Context(), app, inAccount)
			if err != nil {
				return err
			}
			return printFindings(command, found, asJSON, verbose)
		},
	}
	command.Flags().BoolVar(&inAccount, "live", false, "also look into the AWS account of the credentials, and change nothing")
	command.Flags().BoolVar(&asJSON, "json", false, "print all findings as JSON")
	command.Flags().BoolVarP(&verbose, "verbose", "v", false, "print what was acknowledged, too")
	return command
}

func look(ctx context.Context, app spec.App, inAccount bool) (preflight.Findings, error) {
	if !inAccount {
		return preflight.Check(app)
	}
	if ctx == nil {
		ctx = context.Background()
	}
	account, err := live.Look(ctx, app)
	if err != nil {
		return nil, err
	}
	return preflight.CheckIn(app, account)
}

// printFindings ends in an error where AWS would reject something that nobody
// accepted.
func printFindings(command *cobra.Command, found preflight.Findings, asJSON, verbose bool) error {
	out, open := command.OutOrStdout(), found.Open()
	errorsFound := open.Of(preflight.Error)
	if asJSON {
		if found == nil {
			found = preflight.Findings{}
		}
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(found); err != nil {
			return err
		}
	} else {
		shown := open
		if verbose {
			shown = found
		}
		for _, f := range shown {
			fmt.Fprintln(out, f)
		}
		if len(shown) > 0 {
			fmt.Fprintln(out)
		}
		text := fmt.Sprintf("%s, %s, %s", phrase.Count(len(errorsFound), "error"), phrase.Count(len(open.Of(preflight.Warning)), "warning"), phrase.Count(len(open.Of(preflight.Notice)), "notice"))
		if accepted := len(found) - len(open); accepted > 0 {
			text += fmt.Sprintf("; %d acknowledged", accepted)
		}
		fmt.Fprintln(out, text+"; each is explained in docs/preflight.md")
	}
	if len(errorsFound) > 0 {
		return errors.New("AWS would reject this: mend the errors, or acknowledge them with a reason")
	}
	return nil
}
