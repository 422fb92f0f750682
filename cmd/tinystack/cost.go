package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tinystack-go/tinystack/cost"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/spec"
)

func newCost() *cobra.Command {
	command := &cobra.Command{
		Use:   "cost",
		Short: "Says what a month of the declaration costs, before anything is deployed",
		Long: `Says what a month of the declaration costs, line by line, for each stage and the
pipeline; from which load on an ALB is the cheaper endpoint; and what would save
money. It needs neither credentials nor a network. docs/cost.md has the prices,
and what is assumed.

--load is light, moderate or heavy, for all stages but canaries, which stay at
light; or STAGE=LOAD for one stage. The numbers below change the load of all
stages that --load changes, or of --stage alone.`,
		Example: `  tinystack cost --load prod=heavy
  tinystack cost --stage prod --requests 20000000 --gb-out 300
  git show main:tinystack.yaml > /tmp/main.yaml && tinystack cost --against /tmp/main.yaml`,
		Args: cobra.NoArgs,
		RunE: runCost,
	}
	flags := command.Flags()
	flags.StringArray("load", nil, "light (the default), moderate, heavy; or STAGE=LOAD")
	flags.String("stage", "", "only this stage, or pipeline")
	flags.Int64("requests", 0, "requests a month")
	flags.String("gb-out", "", "GB a month to the internet (10 KB for each request)")
	flags.String("gb-in", "", "GB a month from the internet (1 KB for each request)")
	flags.String("gb-logs", "", "GB of logs that the containers write a month")
	flags.Int("cpu", 0, "average CPU load in percent")
	flags.String("instance-hours", "", "hours a month of all container instances together")
	flags.Int("builds", 0, "commits a month that the pipeline carries")
	flags.Int("build-minutes", 0, "minutes that the build of an image takes")
	flags.Bool("json", false, "print JSON")
	flags.String("budget", "", "fail where a stage costs more than so many dollars a month")
	flags.Bool("old-prices", false, "list the prices that nobody has looked at for 180 days")
	flags.Bool("elsewhere", false, "print what applications cost here, on Fargate, Express Mode, one host and Lightsail")
	flags.String("against", "", "print what the declaration costs more or less than this one")
	return command
}

func runCost(command *cobra.Command, _ []string) error {
	if elsewhere, _ := command.Flags().GetBool("elsewhere"); elsewhere {
		return costElsewhere(command)
	}
	if old, _ := command.Flags().GetBool("old-prices"); old {
		return oldPrices(command)
	}
	app, err := load(command)
	if err != nil {
		return err
	}
	flags := command.Flags()
	stage, _ := flags.GetString("stage")
	if stage != "" && !hasPart(app, stage) {
		return fmt.Errorf("--stage: %q is not a stage of %s: choose one of %s", stage, app.Name, strings.Join(partNames(app), ", "))
	}
	loads, err := readLoads(flags, app, stage)
	if err != nil {
		return err
	}
	report, err := costOf(app, loads, stage)
	if err != nil {
		return err
	}
	asJSON, _ := flags.GetBool("json")
	if other, _ := flags.GetString("against"); other != "" {
		return compareCost(command, other, report, loads, stage, asJSON)
	}
	if asJSON {
		if err := printJSON(command, report); err != nil {
			return err
		}
		return withinBudget(flags, report)
	}
	fmt.Fprint(command.OutOrStdout(), report.Text())
	if given, _ := flags.GetStringArray("load"); stage == "" && len(given) == 0 && loads.Default.Name == cost.Light().Name {
		if err := otherLoads(command, app); err != nil {
			return err
		}
	}
	return withinBudget(flags, report)
}

// withinBudget fails with each part that costs more than --budget, or of which an
// amount is unknown.
func withinBudget(flags *pflag.FlagSet, report cost.Report) error {
	given, _ := flags.GetString("budget")
	if given == "" {
		return nil
	}
	budget, err := decimal.NewFromString(strings.TrimPrefix(given, "$"))
	if err != nil || budget.IsNegative() {
		return fmt.Errorf("--budget: %q is no number of dollars: give one such as 50", given)
	}
	var over []string
	for _, summary := range report.Summary {
		switch {
		case summary.Total.USD.GreaterThan(budget):
			over = append(over, fmt.Sprintf("%s costs %s", summary.Part, summary.Total))
		case summary.Total.Unknown > 0:
			over = append(over, fmt.Sprintf("%s may cost more than %s", summary.Part, summary.Total))
		}
	}
	if len(over) == 0 {
		return nil
	}
	return fmt.Errorf("over the budget of $%s a month: %s; \"What would save a month\" above lists what helps", budget.StringFixed(2), strings.Join(over, ", "))
}

// oldPrices lists the prices of which the page may say something else by now.
func oldPrices(command *cobra.Command) error {
	old := cost.OlderThan(time.Now().AddDate(0, 0, -180).Format("2006-01"))
	if asJSON, _ := command.Flags().GetBool("json"); asJSON {
		return printJSON(command, old)
	}
	for _, p := range old {
		fmt.Fprintf(command.OutOrStdout(), "%s  %-20s %-15s $%s each %s  %s\n", p.Date, p.Key, p.Region, p.USD, p.Unit, p.Source)
	}
	fmt.Fprintf(command.OutOrStdout(), "%s in cost/prices.csv and cost/regional.csv were last looked at more than 180 days ago.\n", phrase.Count(len(old), "price"))
	return nil
}

// costElsewhere prints what an application costs in several ways to run it.
func costElsewhere(command *cobra.Command) error {
	type row struct {
		Load     string           `json:"load"`
		Services int              `json:"services"`
		Ways     []cost.Elsewhere `json:"ways"`
	}
	var rows []row
	for _, load := range cost.Profiles() {
		for _, services := range cost.ComparedServices {
			ways, err := cost.AnyWay(services, load)
			if err != nil {
				return err
			}
			rows = append(rows, row{load, services, ways})
		}
	}
	if asJSON, _ := command.Flags().GetBool("json"); asJSON {
		return printJSON(command, rows)
	}
	for _, r := range rows {
		fmt.Fprintf(command.OutOrStdout(), "%s, %s load\n", phrase.Count(r.Services, "service"), r.Load)
		for _, way := range r.Ways {
			fmt.Fprintf(command.OutOrStdout(), "  %-32s %9s  %s\n", way.Way, way.Total, way.Detail)
		}
	}
	return nil
}

// costOf is what a declaration costs, or one stage of it: nothing where it has no
// such stage.
func costOf(app spec.App, loads cost.Loads, stage string) (cost.Report, error) {
	report, err := cost.NewReport(app, loads)
	if err == nil && stage != "" {
		report, _ = report.Only(stage)
	}
	return report, err
}

// otherLoads prints the totals at the loads that nobody asked for.
func otherLoads(command *cobra.Command, app spec.App) error {
	for _, name := range cost.Profiles()[1:] {
		profile, err := cost.Profile(name)
		if err != nil {
			return err
		}
		estimate, err := cost.Of(app, cost.Loads{Default: profile})
		if err != nil {
			return err
		}
		fmt.Fprintf(command.OutOrStdout(), "At %s load %s\n", name, estimate.Line())
	}
	return nil
}

func compareCost(command *cobra.Command, path string, report cost.Report, loads cost.Loads, stage string, asJSON bool) error {
	other, err := spec.Load(path)
	if err != nil {
		return err
	}
	before, err := costOf(other, loads, stage)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(command, map[string]any{
			"before": before.Total, "after": report.Total,
			"changes": cost.Compare(before.Estimate, report.Estimate),
		})
	}
	fmt.Fprint(command.OutOrStdout(), cost.CompareText(before.Estimate, report.Estimate))
	return nil
}

func printJSON(command *cobra.Command, value any) error {
	encoder := json.NewEncoder(command.OutOrStdout())
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// readLoads is what the flags say of the loads.
func readLoads(flags *pflag.FlagSet, app spec.App, only string) (cost.Loads, error) {
	loads := cost.Loads{Default: cost.Light(), Stages: map[string]cost.Load{}}
	given, _ := flags.GetStringArray("load")
	for _, text := range given {
		stage, name, named := strings.Cut(text, "=")
		if !named {
			stage, name = "", text
		}
		profile, err := cost.Profile(name)
		switch {
		case err != nil:
			return loads, fmt.Errorf("--load: %w", err)
		case !named:
			loads.Default = profile
		case !slices.ContainsFunc(app.Stages, func(s spec.Stage) bool { return s.Name == stage }) && !hasPart(app, stage):
			return loads, fmt.Errorf("--load: %q is not a stage of %s: choose one of %s", stage, app.Name, strings.Join(partNames(app), ", "))
		default:
			loads.Stages[stage] = profile
		}
	}
	change, err := readNumbers(flags)
	if err != nil || change == nil {
		return loads, err
	}
	if only != "" {
		one, ok := loads.Stages[only]
		if !ok {
			one = loads.Default
		}
		change(&one)
		loads.Stages[only] = one
		loads.Default.Builds, loads.Default.BuildMinutes = one.Builds, one.BuildMinutes
		return loads, nil
	}
	change(&loads.Default)
	for name, load := range loads.Stages {
		change(&load)
		loads.Stages[name] = load
	}
	return loads, nil
}

// readNumbers is what the flags change of a load, or nil.
func readNumbers(flags *pflag.FlagSet) (func(*cost.Load), error) {
	var changes []func(*cost.Load)
	integer := func(name string, most int64, set func(*cost.Load, int64)) error {
		if !flags.Changed(name) {
			return nil
		}
		var value int64
		if _, err := fmt.Sscan(flags.Lookup(name).Value.String(), &value); err != nil || value < 0 || value > most {
			return fmt.Errorf("--%s: %s is not a number from 0 to %d", name, flags.Lookup(name).Value, most)
		}
		changes = append(changes, func(l *cost.Load) { set(l, value) })
		return nil
	}
	number := func(name string, set func(*cost.Load, decimal.Decimal)) error {
		if !flags.Changed(name) {
			return nil
		}
		text := flags.Lookup(name).Value.String()
		value, err := decimal.NewFromString(text)
		if err != nil || value.IsNegative() || value.GreaterThan(decimal.NewFromInt(1_000_000_000)) {
			return fmt.Errorf("--%s: %q is not a number from 0 to a thousand million", name, text)
		}
		changes = append(changes, func(l *cost.Load) { set(l, value) })
		return nil
	}
	for _, err := range []error{
		integer("requests", 1_000_000_000_000, func(l *cost.Load, n int64) { l.Requests = n }),
		number("gb-out", func(l *cost.Load, n decimal.Decimal) { l.OutGB = &n }),
		number("gb-in", func(l *cost.Load, n decimal.Decimal) { l.InGB = &n }),
		number("gb-logs", func(l *cost.Load, n decimal.Decimal) { l.LogGB = n }),
		integer("cpu", 100, func(l *cost.Load, n int64) { l.CPU = int(n) }),
		number("instance-hours", func(l *cost.Load, n decimal.Decimal) { l.InstanceHours = &n }),
		integer("builds", 100_000, func(l *cost.Load, n int64) { l.Builds = int(n) }),
		integer("build-minutes", 480, func(l *cost.Load, n int64) { l.BuildMinutes = int(n) }),
	} {
		if err != nil {
			return nil, err
		}
	}
	if len(changes) == 0 {
		return nil, nil
	}
	return func(l *cost.Load) {
		for _, change := range changes {
			change(l)
		}
		l.Name = "changed " + l.Name
	}, nil
}

// partNames are the parts that an estimate has.
func partNames(app spec.App) []string {
	var names []string
	for _, stage := range app.Stages {
		names = append(names, stage.Name)
	}
	if len(names) == 0 {
		names = append(names, "dev")
	}
	if app.Pipeline != nil {
		names = append(names, "pipeline")
	}
	return names
}

func hasPart(app spec.App, name string) bool { return slices.Contains(partNames(app), name) }
