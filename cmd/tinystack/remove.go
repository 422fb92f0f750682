package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tinystack-go/tinystack/cost"
	"github.com/tinystack-go/tinystack/internal/teardown"
	"github.com/tinystack-go/tinystack/internal/yamledit"
	"github.com/tinystack-go/tinystack/spec"
)

// removal is `tinystack stage remove`.
type removal struct {
	deletion
	account          string
	regions          []string
	keepStacks, wait bool
	name             string
}

func newStageRemove() *cobra.Command {
	r := &removal{}
	command := &cobra.Command{
		Use:   "remove NAME",
		Short: "Takes a stage out of the declaration, and deletes its stacks",
		Long: `Takes a stage out of the declaration, and deletes its stacks in AWS: a stage that
is only taken out is deployed no more, but stays and is paid for.

It first shows the stacks, where they are, and what outlives them, and asks for
the word "delete"; without a terminal it wants --confirm NAME-delete. With a
pipeline the stacks go only when the deployed pipeline no longer has the stage,
because the next commit would create them again: push the changed declaration,
then run the command that is printed, or let --wait do it.

It can be run again at any time: what is deleted is skipped, what failed is
tried anew.`,
		Example: `  tinystack stage remove canary
  tinystack stage remove canary --confirm canary-delete --wait
  tinystack stage remove canary --account 222222222222 --region us-west-2`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			r.name = args[0]
			ctx, stop := interruptible(command)
			defer stop()
			return r.run(ctx, command)
		},
	}
	flags := command.Flags()
	r.flags(command, "NAME-delete")
	flags.StringVar(&r.account, "account", "", "account of a stage that is no longer declared")
	flags.StringSliceVar(&r.regions, "region", nil, "`region` of a stage that is no longer declared; then those of replicas, as --region A,B")
	flags.BoolVar(&r.keepStacks, "keep-stacks", false, "only take the stage out of the declaration; AWS is not asked")
	flags.BoolVar(&r.wait, "wait", false, "wait until the deployed pipeline no longer has the stage, then delete its stacks")
	flags.BoolVar(&r.options.Network, "network", false, "delete the network also where a database was kept in it before")
	return command
}

// pipelineEvery is the time between two looks at the deployed pipeline.
const pipelineEvery = 30 * time.Second

func (r *removal) run(ctx context.Context, command *cobra.Command) error {
	declared, err := read(command)
	if err != nil {
		return err
	}
	app, out := declared.App(), command.OutOrStdout()
	changed, places, err := r.locate(declared)
	if err != nil {
		return err
	}
	if r.keepStacks {
		return r.onlyDeclaration(command, declared, changed, places)
	}
	access, err := r.access()
	if err != nil {
		return err
	}
	var sessions []*teardown.Session
	for _, place := range places {
		session, err := access.In(ctx, place, r.name)
		if err != nil {
			return err
		}
		sessions = append(sessions, session)
	}
	stacks, err := teardown.Stage(ctx, sessions, app, r.name, r.options)
	if err != nil {
		return err
	}
	deployed, err := teardown.Deploys(ctx, access, app, r.name)
	if err != nil {
		return err
	}
	if len(stacks) == 0 && changed == nil && !deployed {
		fmt.Fprintf(out, "There is no stack of stage %s of %s in %s: nothing to delete.\n", r.name, app.Name, sessions[0].Place)
		return nil
	}

	fmt.Fprintf(out, "Stage %s of %s\n", r.name, app.Name)
	plan(out, stacks, sessions)
	if changed != nil {
		part, err := cost.Stage(app, r.name, cost.Light())
		if err != nil {
			return err
		}
		saving(out, app, cost.Estimate{Parts: []cost.Part{part}})
		unrehearsed(out, app, r.name)
	}
	if err := r.protected(stacks); err != nil {
		return err
	}
	if dryRun(command) {
		if changed != nil {
			fmt.Fprintf(out, "\n%s", declared.Diff(changed))
		}
		return nil
	}
	for i, session := range sessions {
		places[i].Account = session.Account
	}
	again := r.again(command, places)
	if changed == nil && deployed && !r.wait {
		return fmt.Errorf("the deployed pipeline still deploys %s, and would create it again: nothing was deleted.\n"+
			"Push the declaration without it and wait until the pipeline has updated itself, or use --wait", r.name)
	}
	if err := r.confirm(ctx, command, r.name+"-delete"); err != nil {
		return err
	}
	if changed != nil {
		if err := declared.Replace(changed); err != nil {
			return err
		}
		fmt.Fprintf(out, "\n%s: stage %s removed: %s\n", command.Flag("file").Value, r.name, order(changed.App()))
	}
	if deployed {
		if !r.wait {
			fmt.Fprintln(out, "\nIts stacks are still there. Deleted now, they would come back with the next\ncommit, because the deployed pipeline still has the stage.")
			next(out, nil,
				"Commit and push the declaration.",
				"When the pipeline has updated itself, delete the stacks:\n"+again)
			return nil
		}
		fmt.Fprintln(out, "\nCommit and push the declaration now. Waiting until the pipeline has updated\nitself; it is safe to stop this, and to go on later with\n  "+again)
		for deployed {
			if err = pause(ctx, pipelineEvery); err == nil {
				deployed, err = teardown.Deploys(ctx, access, app, r.name)
			}
			if err != nil {
				return goOn(err, again)
			}
		}
		// A run of the pipeline may have ended meanwhile.
		if stacks, err = teardown.Stage(ctx, sessions, app, r.name, r.options); err == nil {
			err = r.protected(stacks)
		}
		if err != nil {
			return goOn(err, again)
		}
	}
	fmt.Fprintln(out)
	if err := r.delete(ctx, out, stacks); err != nil {
		return goOn(err, again)
	}
	fmt.Fprintf(out, "\nStage %s is deleted%s.\n", r.name, except(stacks))
	if changed != nil && app.Pipeline != nil {
		next(out, nil, "Commit and push the declaration.")
	}
	return nil
}

// locate says where the stage is, first of all the stage itself and then its
// replicas, and what the declaration is without it; nil where it is out of it
// already.
func (r *removal) locate(declared *yamledit.Declaration) (*yamledit.Declaration, []teardown.Place, error) {
	app := declared.App()
	places := func(account string, regions ...string) (all []teardown.Place) {
		for _, region := range regions {
			all = append(all, teardown.Place{Account: account, Region: region})
		}
		return all
	}
	if !declared.Has(r.name) {
		if len(r.regions) == 0 {
			_, err := declared.RemoveStage(r.name)
			return nil, nil, fmt.Errorf("%w.\nIf it was taken out before, say where its stacks are: --region REGION, and --account ACCOUNT", err)
		}
		account := r.account
		if account == "" && app.Pipeline != nil {
			account = app.Pipeline.Account
		}
		return nil, places(account, r.regions...), nil
	}
	if r.account != "" || len(r.regions) > 0 {
		return nil, nil, fmt.Errorf("the declaration says where %s is: leave --account and --region out", r.name)
	}
	changed, err := declared.RemoveStage(r.name)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(app.Stages, func(s spec.Stage) bool { return s.Name == r.name })
	stage := app.Stages[i]
	return changed, places(stage.Account, append([]string{stage.Region}, stage.ReplicaRegions()...)...), nil
}

func (r *removal) onlyDeclaration(command *cobra.Command, declared, changed *yamledit.Declaration, places []teardown.Place) error {
	out := command.OutOrStdout()
	switch {
	case changed == nil:
		return fmt.Errorf("%s is not declared any more: there is nothing to do with --keep-stacks", r.name)
	case dryRun(command):
		fmt.Fprint(out, declared.Diff(changed))
		return nil
	}
	if err := declared.Replace(changed); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: stage %s removed: %s\n\nIts stacks stay, and are paid for, until you delete them:\n  %s\n",
		command.Flag("file").Value, r.name, order(changed.App()), r.again(command, places))
	return nil
}

// again is the command that goes on when the stage is not declared any more.
func (r *removal) again(command *cobra.Command, places []teardown.Place) string {
	text := "tinystack stage remove " + r.name
	if account := places[0].Account; account != "" {
		text += " --account " + account
	}
	var regions []string
	for _, place := range places {
		regions = append(regions, place.Region)
	}
	return text + " --region " + strings.Join(regions, ",") + r.repeated(command)
}

// saving says what the stages cost that are to go, at the least load.
func saving(out io.Writer, app spec.App, estimate cost.Estimate) {
	but := ""
	for _, part := range estimate.Parts {
		i := slices.IndexFunc(app.Stages, func(s spec.Stage) bool { return s.Name == part.Name })
		if i >= 0 && app.Stages[i].Removal == spec.RemovalRetain && app.Stages[i].Database != nil {
			but = ", less what the data costs that stays"
		}
	}
	fmt.Fprintf(out, "\nIt saves about %s a month at light load%s.\n", estimate.Total(), but)
}

// unrehearsed says what a production stage loses with its canary.
func unrehearsed(out io.Writer, app spec.App, name string) {
	find := func(name string) spec.Stage {
		i := slices.IndexFunc(app.Stages, func(s spec.Stage) bool { return s.Name == name })
		return app.Stages[i]
	}
	of := find(name).CanaryOf
	if of == "" {
		return
	}
	others := slices.ContainsFunc(app.Stages, func(s spec.Stage) bool { return s.CanaryOf == of && s.Name != name })
	if others {
		return
	}
	fmt.Fprintf(out, "\nNothing rehearses %s then.", of)
	if app.Pipeline != nil && find(of).Approval == spec.Automatic {
		fmt.Fprintf(out, " Commits enter it without a gate; to be asked:\n  tinystack stage approve-mode %s manual", of)
	}
	fmt.Fprintln(out)
}

// goOn adds to an error how to go on.
func goOn(err error, again string) error {
	var failure *teardown.Failure
	text := "To go on: "
	if errors.As(err, &failure) {
		text = "The command is: "
	}
	return fmt.Errorf("%w\n%s%s", err, text, strings.TrimSpace(again))
}
