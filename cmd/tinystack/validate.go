package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

func newValidate() *cobra.Command {
	return &cobra.Command{
		Use:   "validate",
		Short: "Finds everything that is wrong with the declaration",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			app, err := load(command)
			if err != nil {
				return err
			}
			fmt.Fprintf(command.OutOrStdout(), "%s is valid: %s, %s\n", command.Flag("file").Value,
				phrase.Count(len(app.Services), "service"), phrase.Count(len(app.Stages), "stage"))
			return nil
		},
	}
}
