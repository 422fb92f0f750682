package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tinystack-go/tinystack/internal/yamledit"
	"github.com/tinystack-go/tinystack/spec"
)

func newStage() *cobra.Command {
	stage := &cobra.Command{
		Use:   "stage",
		Short: "Changes the stages of the declaration, and deletes one",
		Long: `Changes the stages of the declaration. Comments, order and formatting of
everything else stay as they are, and a declaration that would be wrong is not
written. With --dry-run the change is only shown.`,
	}
	stage.AddCommand(newStageAdd(), newStageMove(), newStageApproveMode(), newStageRemove())
	return stage
}

func newStageAdd() *cobra.Command {
	var place yamledit.Place
	// In the order in which they are written.
	fields := []struct{ field, flag, usage string }{
		{"canaryOf", "canary-of", "the production stage that it rehearses; it then stands before that one"},
		{"account", "account", "its account"},
		{"region", "region", "its region"},
		{"wave", "wave", "the wave that it deploys in"},
		{"bake", "bake", "how long a canary is watched, as in 30m"},
		{"approval", "approval", "automatic or manual"},
		{"profile", "profile", "standard, hyperscale or idle"},
	}
	add := &cobra.Command{
		Use:   "add NAME",
		Short: "Declares a new stage, at any place in the order",
		Example: `  tinystack stage add test --before prod
  tinystack stage add canary --canary-of prod --region us-west-2 --bake 30m`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			var written []yamledit.Field
			for _, f := range fields {
				if command.Flags().Changed(f.flag) {
					value, _ := command.Flags().GetString(f.flag)
					written = append(written, yamledit.Field{Name: f.field, Value: value})
				}
			}
			if production, _ := command.Flags().GetString("canary-of"); production != "" && place == (yamledit.Place{}) {
				place.Before = production
			}
			return edit(command, func(d *yamledit.Declaration) (*yamledit.Declaration, error) {
				return d.AddStage(args[0], written, place)
			}, func(out io.Writer, before, after spec.App) {
				fmt.Fprintf(out, "stage %s added: %s\n", args[0], order(after))
				next(out, bootstraps(before, after), deployment(after, args[0], "The newest commit then passes the stages in this order."))
			})
		},
	}
	placeFlags(add, &place)
	for _, f := range fields {
		add.Flags().String(f.flag, "", f.usage)
	}
	return add
}

func newStageMove() *cobra.Command {
	var place yamledit.Place
	move := &cobra.Command{
		Use:     "move NAME",
		Short:   "Puts a stage somewhere else in the order",
		Example: "  tinystack stage move load-test --after test",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return edit(command, func(d *yamledit.Declaration) (*yamledit.Declaration, error) {
				return d.MoveStage(args[0], place)
			}, func(out io.Writer, _, after spec.App) {
				fmt.Fprintf(out, "stage %s moved: %s\n", args[0], order(after))
				if after.Pipeline == nil {
					fmt.Fprintln(out, "\nNothing has to be deployed: without a pipeline the order is that in which you deploy.")
					return
				}
				next(out, nil, deployment(after, "", "Executions that are under way end, and the newest commit starts\nagain in this order. No stage's own stacks change."))
			})
		},
	}
	placeFlags(move, &place)
	return move
}

func placeFlags(command *cobra.Command, place *yamledit.Place) {
	command.Flags().StringVar(&place.Before, "before", "", "the stage that it stands before")
	command.Flags().StringVar(&place.After, "after", "", "the stage that it stands after")
	dryRunFlag(command)
}

func dryRunFlag(command *cobra.Command) {
	command.Flags().Bool("dry-run", false, "show what would change, and change nothing")
}

func newStageApproveMode() *cobra.Command {
	approve := &cobra.Command{
		Use:   "approve-mode NAME automatic|manual",
		Short: "Says whether a commit waits for a person before a stage",
		Args:  cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			name, approval := args[0], spec.Approval(args[1])
			if approval != spec.Automatic && approval != spec.Manual {
				return fmt.Errorf("%q is not a kind of approval: write automatic or manual", args[1])
			}
			var changed []string
			return edit(command, func(d *yamledit.Declaration) (result *yamledit.Declaration, err error) {
				result, changed, err = d.SetApproval(name, approval)
				return result, err
			}, func(out io.Writer, _, after spec.App) {
				stages := strings.Join(changed, ", ")
				fmt.Fprintf(out, "approval of %s is now %s\n", stages, approval)
				if len(changed) > 1 {
					fmt.Fprintf(out, "(the stages of a wave have it in common)\n")
				}
				then := "A commit then waits for a person before " + stages + "."
				if approval == spec.Automatic {
					then = "A commit then enters " + stages + " by itself, when the stages before\nit succeeded."
				}
				next(out, nil, deployment(after, "", then))
			})
		},
	}
	dryRunFlag(approve)
	return approve
}

// edit changes the declaration, or shows what would change, and says what
// happens next.
func edit(command *cobra.Command, change func(*yamledit.Declaration) (*yamledit.Declaration, error), say func(out io.Writer, before, after spec.App)) error {
	declared, err := read(command)
	if err != nil {
		return err
	}
	changed, err := change(declared)
	if err != nil {
		return err
	}
	file, out := command.Flag("file").Value.String(), command.OutOrStdout()
	if changed.Text() == declared.Text() {
		fmt.Fprintf(out, "%s says so already: nothing changed\n", file)
		return nil
	}
	for _, warning := range newWarnings(declared.App(), changed.App()) {
		fmt.Fprintln(command.ErrOrStderr(), warning)
	}
	if dryRun(command) {
		fmt.Fprint(out, declared.Diff(changed))
		return nil
	}
	if err := declared.Replace(changed); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: ", file)
	say(out, declared.App(), changed.App())
	return nil
}

func read(command *cobra.Command) (*yamledit.Declaration, error) {
	path, err := command.Flags().GetString("file")
	if err != nil {
		return nil, err
	}
	return yamledit.Read(path)
}

func dryRun(command *cobra.Command) bool {
	dry, _ := command.Flags().GetBool("dry-run")
	return dry
}

// newWarnings are those that a change brings, wherever they stand.
func newWarnings(before, after spec.App) spec.Problems {
	had := map[string]bool{}
	for _, warning := range before.Warnings() {
		had[warning.Wrong] = true
	}
	return slices.DeleteFunc(after.Warnings(), func(p spec.Problem) bool { return had[p.Wrong] })
}

// order is the order in which a commit passes the stages; those of a wave are
// side by side.
func order(app spec.App) string {
	var text strings.Builder
	for i, stage := range app.Stages {
		if i > 0 {
			if stage.Wave != "" && stage.Wave == app.Stages[i-1].Wave {
				text.WriteString(" + ")
			} else {
				text.WriteString(" → ")
			}
		}
		text.WriteString(stage.Name)
	}
	return text.String()
}

// deployment is how a changed declaration gets into effect.
func deployment(app spec.App, stage, then string) string {
	if app.Pipeline != nil {
		return "Commit and push the declaration: the pipeline updates itself before it\ndeploys. " + then
	}
	return fmt.Sprintf("Deploy it: npx cdk deploy '%s/%s/*'", app.Name, stage)
}

// bootstraps are the commands that prepare what accounts and regions only the
// later declaration uses.
func bootstraps(before, after spec.App) []string {
	pipeline := ""
	if after.Pipeline != nil {
		pipeline = after.Pipeline.Account
	}
	var commands []string
	had := places(before)
	for _, place := range places(after) {
		if !slices.Contains(had, place) {
			commands = append(commands, bootstrap(place, pipeline))
		}
	}
	return commands
}

// places are the accounts and regions that a declaration deploys to.
func places(app spec.App) []string {
	var all []string
	add := func(account, region string) {
		if account == "" {
			account = "ACCOUNT"
		}
		if place := account + "/" + region; !slices.Contains(all, place) {
			all = append(all, place)
		}
	}
	if app.Pipeline != nil {
		add(app.Pipeline.Account, app.Pipeline.Region)
	}
	for _, stage := range app.Stages {
		if app.Pipeline != nil {
			// Images and artifacts are copied to every stage's region.
			add(app.Pipeline.Account, stage.Region)
		}
		add(stage.Account, stage.Region)
	}
	return all
}

// next lists what a person has to do, in order.
func next(out io.Writer, bootstraps []string, steps ...string) {
	if len(bootstraps) > 0 {
		steps = slices.Insert(steps, 0, "Once, with credentials of the account that each names:\n"+strings.Join(bootstraps, "\n"))
	}
	fmt.Fprintln(out, "\nNext:")
	for i, step := range steps {
		fmt.Fprintf(out, "%d. %s\n", i+1, strings.ReplaceAll(step, "\n", "\n   "))
	}
}
