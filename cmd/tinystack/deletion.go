package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/tinystack-go/tinystack/internal/teardown"
)

// deletion is what the commands that delete have in common.
type deletion struct {
	options  teardown.Options
	word     string
	profiles []string
}

// Tests do not wait, and have no terminal.
var (
	pause      = teardown.Pause
	backoff    retry.BackoffDelayer // nil is the SDK's
	isTerminal = func(in io.Reader) bool {
		file, ok := in.(*os.File)
		return ok && isatty.IsTerminal(file.Fd())
	}
)

func (d *deletion) flags(command *cobra.Command, word string) {
	flags := command.Flags()
	flags.StringVar(&d.word, "confirm", "", "instead of being asked, write `"+word+"`")
	flags.StringArrayVar(&d.profiles, "profile", nil, "AWS profile, as `[STAGE=|ACCOUNT=]NAME`: for everything, or for one stage or account")
	flags.BoolVar(&d.options.Unprotect, "unprotect", false, "switch termination protection off; of resources that are protected, do so yourself before")
	flags.BoolVar(&d.options.KeepData, "keep-data", false, "leave the stacks with termination protection, and their networks")
	dryRunFlag(command)
}

// repeated are the flags that a further run needs, too.
func (d *deletion) repeated(command *cobra.Command) string {
	text := ""
	if file := command.Flag("file"); file.Changed {
		text += " -f " + file.Value.String()
	}
	for _, profile := range d.profiles {
		text += " --profile " + profile
	}
	if d.options.Unprotect {
		text += " --unprotect"
	}
	if d.options.KeepData {
		text += " --keep-data"
	}
	if d.options.Network {
		text += " --network"
	}
	return text
}

func (d *deletion) access() (*teardown.Access, error) {
	access := &teardown.Access{Profiles: map[string]string{}, Backoff: backoff}
	for _, given := range d.profiles {
		of, name, single := strings.Cut(given, "=")
		switch {
		case !single:
			access.Profile = given
		case of == "" || name == "":
			return nil, fmt.Errorf("--profile %s: write NAME, STAGE=NAME or ACCOUNT=NAME", given)
		default:
			access.Profiles[of] = name
		}
	}
	return access, nil
}

// interruptible is a context that ends with Ctrl-C.
func interruptible(command *cobra.Command) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(command.Context(), os.Interrupt, syscall.SIGTERM)
}

// plan shows what is there, in the order in which it goes, and as whom.
func plan(out io.Writer, stacks []*teardown.Stack, sessions []*teardown.Session) {
	if len(stacks) == 0 {
		fmt.Fprintln(out, "\nIt has no stacks in AWS.")
	} else {
		fmt.Fprintln(out)
		table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
		fmt.Fprintln(table, "STACK\tACCOUNT\tREGION\tRESOURCES")
		for _, stack := range stacks {
			stays := ""
			if stack.Spared != "" {
				stays = " (stays)"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%d%s\n", stack.Name, stack.Account, stack.Region, stack.Resources, stays)
		}
		table.Flush()
		for _, stack := range stacks {
			if stack.Spared != "" {
				fmt.Fprintf(out, "\n%s stays: %s.\n", stack.Name, stack.Spared)
				continue
			}
			if len(stack.Kept) > 0 {
				fmt.Fprintf(out, "\nOf %s these stay:\n", stack.Name)
			}
			for _, kept := range stack.Kept {
				fmt.Fprintf(out, "  %s\n", kept.Staying())
			}
		}
	}
	fmt.Fprintln(out)
	for _, session := range sessions {
		fmt.Fprintf(out, "In %s as %s.\n", session.Place, session.Identity)
	}
}

// protected refuses what somebody protected, and says how to go on.
func (d *deletion) protected(stacks []*teardown.Stack) error {
	if d.options.Unprotect {
		return nil
	}
	found := teardown.Protected(stacks)
	if len(found) == 0 {
		return nil
	}
	text := "nothing was changed, because this is protected from deletion:"
	data, locked := false, false
	for _, stack := range found {
		if stack.TerminationProtection {
			data = true
			text += fmt.Sprintf("\n  the stack %s. --unprotect switches that off, or\n    %s", stack.Name, stack.Unprotect())
		}
		for _, resource := range stack.Locked {
			locked = true
			text += fmt.Sprintf("\n  the %s. Switch that off with\n    %s", resource, resource.Unlock(stack.Region))
		}
	}
	if locked {
		text += "\nor declare \"removal: snapshot\" for the stage and deploy that first. Then run the\ncommand again with --unprotect"
	}
	if data {
		text += "\nWith --keep-data the protected stacks stay, and everything else goes"
	}
	return errors.New(text)
}

// confirm asks for the word, or compares what was given without a terminal.
func (d *deletion) confirm(ctx context.Context, command *cobra.Command, word string) error {
	const unchanged = "nothing was changed"
	if d.word != "" {
		if d.word != word {
			return fmt.Errorf("--confirm %q is not %q: %s", d.word, word, unchanged)
		}
		return nil
	}
	if !isTerminal(command.InOrStdin()) {
		return fmt.Errorf("there is no terminal to ask at: use --confirm %s; %s", word, unchanged)
	}
	fmt.Fprint(command.ErrOrStderr(), "\nThis cannot be undone. Type delete to go on: ")
	typed := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(command.InOrStdin()).ReadString('\n')
		typed <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		return fmt.Errorf("interrupted: %s", unchanged)
	case line := <-typed:
		if line != "delete" {
			return fmt.Errorf("%q is not \"delete\": %s", line, unchanged)
		}
	}
	return nil
}

// delete deletes the stacks, and says what survives them.
func (d *deletion) delete(ctx context.Context, out io.Writer, stacks []*teardown.Stack) error {
	work := &teardown.Deletion{Out: out, Pause: pause, Unprotect: d.options.Unprotect}
	survivors, err := work.Run(ctx, stacks)
	if len(survivors) > 0 {
		fmt.Fprintln(out, "\nStill there, for you to keep or to delete:")
		for _, survivor := range survivors {
			fmt.Fprintf(out, "  %s (%s)\n", survivor.Staying(), survivor.Place)
		}
	}
	return err
}

// except names the stacks that were not deleted.
func except(stacks []*teardown.Stack) string {
	var names []string
	for _, stack := range stacks {
		if stack.Spared != "" {
			names = append(names, stack.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ", except " + strings.Join(names, " and ")
}
