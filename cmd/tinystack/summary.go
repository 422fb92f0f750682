package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tinystack-go/tinystack/cost"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

func newSummary() *cobra.Command {
	return &cobra.Command{
		Use:   "summary DIR",
		Short: "Says what a cloud assembly holds, and how it is deployed",
		Args:  cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return summary(command.OutOrStdout(), args[0], bill(command))
		},
	}
}

// summary prints what a cloud assembly holds, a line a stack, and what has to
// be done once in each environment before it can be deployed. The bill stands
// between them.
func summary(out io.Writer, dir, bill string) error {
	assembly, err := snapshot.Load(dir)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "STACK\tACCOUNT\tREGION\tRESOURCES")
	var environments []string
	pipeline := ""
	for _, stack := range assembly.Stacks {
		account, region := environment(stack.Environment)
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\n", stack.Name, account, region, len(stack.Template.Resources("")))
		if strings.HasSuffix(stack.Name, "-pipeline") {
			pipeline = account
		}
		if place := account + "/" + region; !slices.Contains(environments, place) {
			environments = append(environments, place)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if bill != "" {
		fmt.Fprintf(out, "\n%s\n", bill)
	}
	fmt.Fprintf(out, "\nTemplates are in %s. To deploy them, once for each account and region:\n", dir)
	for _, place := range environments {
		fmt.Fprintf(out, "  %s\n", bootstrap(place, pipeline))
	}
	if pipeline != "" {
		fmt.Fprintf(out, "and then, once; the pipeline deploys the stages, and itself from then on:\n  npx cdk deploy '*/Pipeline'\n")
	} else {
		fmt.Fprintf(out, "and then, each time:\n  npx cdk deploy '**'\n")
	}
	return nil
}

// bootstrap is the command that prepares a place, account/region, for the CDK,
// and lets the account of the pipeline deploy there; that is empty without one.
func bootstrap(place, pipeline string) string {
	command := "npx cdk bootstrap aws://" + place
	if account, _, _ := strings.Cut(place, "/"); pipeline != "" && account != pipeline {
		command += fmt.Sprintf(" --trust %s --cloudformation-execution-policies arn:aws:iam::aws:policy/AdministratorAccess", pipeline)
	}
	return command
}

// bill is what the declaration costs, in a line, where the flags name one: an
// assembly alone does not say.
func bill(command *cobra.Command) string {
	if !command.Flags().Changed("file") {
		return ""
	}
	app, err := spec.Load(command.Flag("file").Value.String())
	if err != nil {
		return "" // not what the assembly was made of
	}
	estimate, err := cost.Of(app, cost.Loads{Default: cost.Light()})
	if err != nil {
		return ""
	}
	return "At light load " + estimate.Line() + " (make cost)."
}

// environment is what aws://account/region names; where the account is that of
// the credentials, the CDK says so in words of its own.
func environment(text string) (account, region string) {
	account, region, _ = strings.Cut(strings.TrimPrefix(text, "aws://"), "/")
	account = strings.ReplaceAll(account, "unknown-account", "ACCOUNT")
	region = strings.ReplaceAll(region, "unknown-region", "REGION")
	return account, region
}
