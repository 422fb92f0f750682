package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tinystack-go/tinystack/report"
	"github.com/tinystack-go/tinystack/snapshot"
)

func newShow() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "show [DIR]",
		Short: "Shows the declaration: the way of a commit, each stage with its services, and the costs",
		Long: `Shows what tinystack report writes to its page: the way of a commit with its gates,
each stage with its services, and what a month costs at each load. --json has all of
it; with DIR, a cloud assembly, also what only templates tell.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			app, err := load(command)
			if err != nil {
				return err
			}
			var assembly *snapshot.Assembly
			if len(args) > 0 {
				if assembly, err = snapshot.Load(args[0]); err != nil {
					return err
				}
			}
			made, err := report.New(app, assembly)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(command, made)
			}
			fmt.Fprint(command.OutOrStdout(), made.Text())
			return nil
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print all of it for programs")
	return command
}
