package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/tinystack-go/tinystack/guard"
	"github.com/tinystack-go/tinystack/snapshot"
)

func newGuard() *cobra.Command {
	var against string
	var allowed []string
	command := &cobra.Command{
		Use:   "guard --against PATH DIR",
		Short: "Refuses templates whose deployment would lose data",
		Long: `Compares the cloud assembly in DIR with what PATH holds: another cloud assembly,
a deployed template in a file named after its stack (<stack>.json, as
"aws cloudformation get-template --stack-name <stack>" prints it), or a folder of
such files. Replacements that the declaration allows are allowed here, too.`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			path := command.Flag("file").Value.String()
			if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) || command.Flag("file").Changed {
				declared, err := load(command)
				if err != nil {
					return err
				}
				allowed = append(allowed, declared.Replacements...)
			}
			after, err := snapshot.Load(args[0])
			if err != nil {
				return err
			}
			before, err := guard.Load(against, after)
			if err != nil {
				return err
			}
			notices, err := guard.Check(against, before, after, allowed)
			for _, notice := range notices {
				fmt.Fprintln(command.ErrOrStderr(), notice)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(command.OutOrStdout(), "nothing that holds data is replaced or deleted, compared with %s\n", against)
			return nil
		},
	}
	command.Flags().StringVar(&against, "against", "", "what to compare with")
	command.Flags().StringArrayVar(&allowed, "allow", nil, "a change that is wanted, as the refusal names it")
	if err := command.MarkFlagRequired("against"); err != nil {
		panic(err) // there is no such flag
	}
	return command
}
