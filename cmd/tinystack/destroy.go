package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tinystack-go/tinystack/cost"
	"github.com/tinystack-go/tinystack/internal/teardown"
)

func newDestroy() *cobra.Command {
	d := &deletion{}
	command := &cobra.Command{
		Use:   "destroy",
		Short: "Deletes everything that the declaration made in AWS",
		Long: `Deletes all stacks of the application: the pipeline first, so that no commit
creates anything again, the stages from the last to the first, and then the
stacks of the image repositories. The declaration stays.

It first shows the stacks and what outlives them, and asks for the word "delete";
without a terminal it wants --confirm APP-delete. It can be run again at any time:
what is deleted is skipped, what failed is tried anew.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			ctx, stop := interruptible(command)
			defer stop()
			app, err := load(command)
			if err != nil {
				return err
			}
			access, err := d.access()
			if err != nil {
				return err
			}
			stacks, sessions, err := teardown.App(ctx, access, app, d.options)
			if err != nil {
				return err
			}
			out := command.OutOrStdout()
			if len(stacks) == 0 {
				fmt.Fprintf(out, "There is no stack of %s: nothing to delete.\n", app.Name)
				return nil
			}
			fmt.Fprintf(out, "Everything of %s\n", app.Name)
			plan(out, stacks, sessions)
			estimate, err := cost.Of(app, cost.Loads{Default: cost.Light()})
			if err != nil {
				return err
			}
			saving(out, app, estimate)
			if err := d.protected(stacks); err != nil {
				return err
			}
			if dryRun(command) {
				return nil
			}
			if err := d.confirm(ctx, command, app.Name+"-delete"); err != nil {
				return err
			}
			fmt.Fprintln(out)
			if err := d.delete(ctx, out, stacks); err != nil {
				return goOn(err, "tinystack destroy"+d.repeated(command))
			}
			fmt.Fprintf(out, "\n%s is deleted%s.\nThe bootstrap stacks of the CDK (CDKToolkit) stay: other applications in these\naccounts may need them.\n", app.Name, except(stacks))
			return nil
		},
	}
	d.flags(command, "APP-delete")
	command.Flags().BoolVar(&d.options.Network, "network", false, "delete networks also where a database was kept in them before")
	return command
}
