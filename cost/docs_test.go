package cost

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/spec"
)

// defaultStage is what somebody starts with: nothing declared but a database.
const defaultStage = "name: shop\nstages:\n  - name: dev\n    database: {}\n"

// A development stage is to cost no more than $46 a month, database included,
// with private instances, encryption and backups.
func TestDefaultStageCostsAtMost46Dollars(t *testing.T) {
	app, err := parsed(t, defaultStage).Resolve()
	require.NoError(t, err)
	for _, pipeline := range []*spec.Pipeline{nil, {Account: "111111111111", Region: homeRegion}} {
		app.Pipeline = pipeline
		part := ofStage(app, app.Stages[0], Light())
		assert.Zero(t, part.Total().Unknown)
		assert.True(t, part.Total().USD.LessThanOrEqual(num(46)), "the default stage costs %s", part.Total())
		assert.True(t, part.has("database"))
	}
	stage := app.Stages[0]
	assert.Equal(t, spec.NATInstance, stage.Network.Egress, "instances are private")
	assert.Positive(t, stage.Database.BackupDays)
}

// The README says from where on an ALB is cheaper.
func TestBreakEvenInTheReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	found := report(t, parsed(t, defaultStage), "light").Summary[0].BreakEven
	require.NotNil(t, found)
	assert.Contains(t, string(readme), fmt.Sprintf("roughly %d million requests", (found.Requests+500_000)/1_000_000))
	assert.Contains(t, string(readme), fmt.Sprintf("has an ALB: $%s a month", priceOf("alb").amount(hoursPerMonth).usd.Add(priceOf("public-ipv4").amount(hoursPerMonth.Mul(num(2))).usd).StringFixed(0)))
}

var section = regexp.MustCompile(`(?s)<!-- cost: ([a-z ]+) -->\n.*?<!-- end of cost -->`)

// What the documentation says of costs is what the code says.
func TestDocumentation(t *testing.T) {
	sections := map[string]func(*testing.T) string{
		"default stage": defaultStageSection,
		"alternatives":  alternativesSection,
		"loads":         loadsSection,
		"assumptions":   assumptionsSection,
		"prices":        pricesSection,
		"resources":     resourcesSection,
		"pipeline":      pipelineSection,
		"elsewhere":     elsewhereSection,
		"fargate":       fargateSection,
		"economy":       economySection,
	}
	shown := map[string]bool{}
	for _, page := range []string{"../README.md", "../docs/cost.md"} {
		have, err := os.ReadFile(page)
		require.NoError(t, err)
		want := section.ReplaceAllStringFunc(string(have), func(found string) string {
			name := section.FindStringSubmatch(found)[1]
			require.Contains(t, sections, name)
			shown[name] = true
			return fmt.Sprintf("<!-- cost: %s -->\n%s<!-- end of cost -->", name, sections[name](t))
		})
		golden(t, page, want)
	}
	assert.Len(t, shown, len(sections), "each section is on a page")
}

func markdown(header []string, rows [][]string) string {
	text := "| " + strings.Join(header, " | ") + " |\n" + strings.Repeat("|---", len(header)) + "|\n"
	for _, row := range rows {
		text += "| " + strings.Join(row, " | ") + " |\n"
	}
	return text
}

func defaultStageSection(t *testing.T) string {
	r := report(t, parsed(t, defaultStage), "light")
	var rows [][]string
	for _, line := range r.Parts[0].Lines {
		if line.Kind == Free {
			continue
		}
		name := line.Resource
		if line.Detail != "" {
			name += ": " + line.Detail
		}
		rows = append(rows, []string{name, number(line.Quantity) + " " + plural(line.Unit, line.Quantity), "$" + cents(line.Price.usd), string(line.Kind), "$" + line.Monthly.String()})
	}
	rows = append(rows, []string{"**together**", "", "", "", "**" + r.Total.String() + "**"})
	return markdown([]string{"what", "quantity", "each", "billed", "a month"}, rows)
}

func alternativesSection(t *testing.T) string {
	r := report(t, parsed(t, defaultStage), "light")
	rows := [][]string{{"as it is", r.Total.String(), ""}}
	for _, alternative := range r.Summary[0].Alternatives {
		rows = append(rows, []string{alternative.Choice, alternative.Total.String(), signed(alternative.More.StringFixed(2))})
	}
	return markdown([]string{"the same stage with", "a month", "more"}, rows)
}

func elsewhereSection(t *testing.T) string {
	header := []string{"load", "services"}
	var rows [][]string
	for _, name := range Profiles() {
		for _, services := range ComparedServices {
			ways, err := AnyWay(services, name)
			require.NoError(t, err)
			row := []string{name, strconv.Itoa(services)}
			for _, way := range ways {
				if len(rows) == 0 {
					header = append(header, way.Way)
				}
				row = append(row, way.Total.String()+" ("+way.Detail+")")
			}
			require.Len(t, row, len(header), "every way is in every row")
			rows = append(rows, row)
		}
	}
	return markdown(header, rows)
}

// economyStage is the cheapest way to have the same.
const economyStage = "name: shop\nstages:\n  - name: dev\n    profile: economy\n    database: {}\n"

// The profile economy keeps a development stage with a database at $25 a month.
func TestEconomyCostsAtMost25Dollars(t *testing.T) {
	for _, pipeline := range []*spec.Pipeline{nil, {Account: "111111111111", Region: homeRegion}} {
		app, err := parsed(t, economyStage).Resolve()
		require.NoError(t, err)
		app.Pipeline = pipeline
		part := ofStage(app, app.Stages[0], Light())
		assert.Zero(t, part.Total().Unknown)
		assert.True(t, part.Total().USD.LessThanOrEqual(num(25)), "the economy stage costs %s", part.Total())
		assert.Positive(t, app.Stages[0].Database.BackupDays)
	}
}

func economySection(t *testing.T) string {
	standard, economy := report(t, parsed(t, defaultStage), "light"), report(t, parsed(t, economyStage), "light")
	rows := [][]string{}
	for _, change := range Compare(standard.Estimate, economy.Estimate) {
		for _, line := range change.Lines {
			rows = append(rows, []string{line.Resource, "$" + line.Before.String(), "$" + line.After.String()})
		}
	}
	rows = append(rows, []string{"**all of it**", "**" + standard.Total.String() + "**", "**" + economy.Total.String() + "**"})
	return "What differs between a development stage with a database and the same with\n`profile: economy`, a month at light load:\n\n" +
		markdown([]string{"", "standard", "economy"}, rows)
}

// fargateSection says from how many services on instances are cheaper.
func fargateSection(t *testing.T) string {
	for services := 1; services < 20; services++ {
		ways, err := AnyWay(services, Light().Name)
		require.NoError(t, err)
		here, fargate := ways[0].Total.USD, ways[1].Total.USD
		if here.LessThan(fargate) {
			return fmt.Sprintf("With one service, Fargate is as cheap or cheaper; from %d services on, which share an\ninstance here, the same tasks cost more on Fargate (%s against %s a month).\n", services, ways[1].Total, ways[0].Total)
		}
	}
	t.Fatal("Fargate is always cheaper: say so in the README")
	return ""
}

func pipelineSection(t *testing.T) string {
	r := report(t, parsed(t, "pipeline: {account: \"111111111111\", notify: [team@example.com]}\nsource: {codeCommit: shop}\n"+defaultStage), "light")
	pipeline, _ := r.Only(pipelineName)
	return fmt.Sprintf("The pipeline of such an application is %s more, for %d builds a month.\n", pipeline.Total, Light().Builds)
}

func loadsSection(*testing.T) string {
	var rows [][]string
	for _, name := range Profiles() {
		l := loads[name]
		rows = append(rows, []string{
			name, whole(l.Requests), number(l.outGB()) + " GB", number(l.inGB()) + " GB", number(l.LogGB) + " GB",
			fmt.Sprintf("%d %%", l.CPU), fmt.Sprintf("%d %%", l.Busy), fmt.Sprint(l.Builds), fmt.Sprint(l.BuildMinutes),
		})
	}
	return markdown([]string{"load", "requests", "out", "in", "logs", "CPU", "instances between desired and max", "builds", "minutes of a build"}, rows)
}

func assumptionsSection(*testing.T) string {
	rows := [][]string{
		{"a month", hoursPerMonth.String() + " hours"},
		{"a request and its answer", fmt.Sprintf("%d KB in, %d KB out, %s KB of access log", inKB, outKB, accessLogKB)},
		{"a connection to a load balancer", fmt.Sprintf("one for each request, open for %d seconds", connectionSeconds)},
		{"flow log, database log", flowLogGB.String() + " GB and " + databaseLogGB.String() + " GB a month"},
		{"traffic that changes the zone", betweenZones.Mul(num(100)).String() + " % of what goes in and out"},
		{"an image", imageGB.String() + " GB; a new version of it " + layersGB.String() + " GB of new layers"},
		{"a scheduled task", fmt.Sprintf("%d runs a month", scheduledRuns)},
		{"an execution of the pipeline", pipelineMinutes() + fmt.Sprintf("; a bake that a build watches as long as it is and %d minute; approvals are free, and so are bakes and windows that rules watch", bakeOverhead)},
		{"a canary that sleeps", fmt.Sprintf("awake for each build: its bake and %d minutes", wakeOverhead)},
		{"a replica in another region", fmt.Sprintf("gets what comes in and %s GB", writtenGB)},
		{"functions", fmt.Sprintf("%s GB; a migration runs for %d seconds at each build, the look at a rotated password every five minutes for %s", functionGB, migrationSeconds, refreshSeconds)},
		{"a health check of a region", fmt.Sprintf("a request every %d seconds from all places together; three times as many with an interval of 10s", checksEvery)},
		{"artifacts and logs of an execution", artifactGB.String() + " GB, kept for 90 days, and " + deliveryLogGB.String() + " GB"},
		{"Container Insights", fmt.Sprintf("8 metrics of a cluster, 11 of a service, 6 of a task definition; one-minute monitoring %d of an instance; %s GB of logs of each cluster, service and task", detailedMetrics, insightsLogGB)},
	}
	return markdown([]string{"what", "is taken to be"}, rows)
}

func pipelineMinutes() string {
	var all []string
	for kind, minutes := range minutesOf {
		all = append(all, fmt.Sprintf("%s %d", kind, minutes))
	}
	slices.Sort(all)
	return "minutes: " + strings.Join(all, ", ") + "; each stack is a deployment"
}

func pricesSection(*testing.T) string {
	var keys []string
	for key := range prices() {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var rows [][]string
	for _, key := range keys {
		p := prices()[key]
		each := "$" + cents(p.tiers[0].usd)
		for _, t := range p.tiers[1:] {
			each += ", beyond " + grouped(t.from.String()) + " $" + cents(t.usd)
		}
		scope := homeRegion
		if p.everywhere {
			scope = "all"
		}
		rows = append(rows, []string{"`" + key + "`", each, p.unit, scope, p.note, "[" + strings.TrimPrefix(p.source, "https://aws.amazon.com/") + "](" + p.source + ")", p.date})
	}
	return markdown([]string{"price", "each", "unit", "regions", "", "source", "as of"}, rows)
}

func resourcesSection(*testing.T) string {
	var paid, free []string
	for kind, how := range billed {
		paid = append(paid, fmt.Sprintf("| `%s` | %s |", kind, how.how))
	}
	for kind, why := range gratis {
		if why != "" {
			why = " (" + why + ")"
		}
		free = append(free, "`"+kind+"`"+why)
	}
	slices.Sort(paid)
	slices.Sort(free)
	return "| billed | how |\n|---|---|\n" + strings.Join(paid, "\n") + "\n\nFree: " + strings.Join(free, ", ") + ".\n"
}
