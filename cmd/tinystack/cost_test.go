package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCost(t *testing.T) {
	got := tinystack("cost", "-f", "../../tinystack.yaml")
	require.Equal(t, 0, got.status, got.stderr)
	for _, says := range []string{
		"stage dev (us-east-1), light load, 100,000 requests a month\n",
		"container instances: 2 × t3.micro",
		"An ALB costs less than the HTTP API from ",
		"  egress nat-gateway +",
		"What would save a month:\n",
		"pipeline (us-east-1), light load, 20 builds a month\n",
		"\nguestbook costs about $",
		"\nAt moderate load guestbook costs about $",
		"\nAt heavy load guestbook costs about $",
	} {
		assert.Contains(t, got.stdout, says)
	}

	got = tinystack("cost", "-f", "../../tinystack.yaml", "--stage", "prod", "--load", "prod=heavy", "--requests", "7", "--cpu", "30")
	require.Equal(t, 0, got.status, got.stderr)
	assert.True(t, strings.HasPrefix(got.stdout, "stage prod (us-east-1), changed heavy load, 7 requests a month\n"), got.stdout)
	assert.NotContains(t, got.stdout, "stage dev")
	assert.NotContains(t, got.stdout, "At moderate load")
	assert.Contains(t, got.stdout, "10 × m6i.large")
}

func TestCostAsJSON(t *testing.T) {
	got := tinystack("cost", "-f", "../../tinystack.yaml", "--json", "--builds", "100")
	require.Equal(t, 0, got.status, got.stderr)
	var report struct {
		App   string
		Total struct {
			USD     string
			Unknown int
		}
		Parts []struct {
			Name  string
			Lines []struct{ Resource, Kind, Quantity, Unit, Price, Monthly, Source, Date string }
		}
		Summary []struct {
			Part      string
			BreakEven *struct{ Requests int }
			Advice    []struct{ Do, But, Saving string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &report))
	assert.Equal(t, "guestbook", report.App)
	assert.Regexp(t, `^\d+\.\d\d$`, report.Total.USD)
	require.Len(t, report.Parts, 4)
	for _, line := range report.Parts[0].Lines {
		if line.Kind != "free" {
			assert.NotEmpty(t, line.Source, line.Resource)
			assert.NotEmpty(t, line.Date, line.Resource)
		}
	}
	assert.NotNil(t, report.Summary[0].BreakEven)
	assert.NotEmpty(t, report.Summary[0].Advice)
	assert.Nil(t, report.Summary[3].BreakEven, "a pipeline has no endpoint")
}

func TestCostAgainst(t *testing.T) {
	before := declare(t, "name: shop\nstages: [{name: dev}]\n")
	after := declare(t, "name: shop\nstages: [{name: dev, database: {}}, {name: prod}]\n")
	got := tinystack("cost", "-f", after, "--against", before)
	require.Equal(t, 0, got.status, got.stderr)
	assert.Regexp(t, `(?m)^  database +0\.00 +11\.68 +\+11\.68$`, got.stdout)
	assert.Regexp(t, `(?m)^prod +\$0\.00 +\$\d+\.\d\d +\+\d+\.\d\d$`, got.stdout)
	assert.Regexp(t, `(?m)^together +\$\d+\.\d\d +\$\d+\.\d\d +\+\d+\.\d\d$`, got.stdout)

	got = tinystack("cost", "-f", after, "--against", before, "--stage", "prod")
	require.Equal(t, 0, got.status, got.stderr)
	assert.NotContains(t, got.stdout, "\ndev")

	got = tinystack("cost", "-f", after, "--against", before, "--json")
	require.Equal(t, 0, got.status, got.stderr)
	assert.True(t, json.Valid([]byte(got.stdout)))

	got = tinystack("cost", "-f", after, "--against", declare(t, "name: Shop\n"))
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "Shop")
}

func TestCostOfWhatIsWrong(t *testing.T) {
	file := declare(t, "name: shop\n")
	for says, args := range map[string][]string{
		`--load: "huge" is not a load: choose one of light, moderate and heavy`: {"--load", "huge"},
		`--load: "prod" is not a stage of shop: choose one of dev`:              {"--load", "prod=heavy"},
		`--stage: "prod" is not a stage of shop: choose one of dev`:             {"--stage", "prod"},
		`--requests: -1 is not a number from 0 to`:                              {"--requests=-1"},
		`--gb-out: "much" is not a number from 0 to`:                            {"--gb-out", "much"},
		`--gb-logs: "1e400" is not a number from 0 to`:                          {"--gb-logs", "1e400"},
		`--cpu: 101 is not a number from 0 to 100`:                              {"--cpu", "101"},
	} {
		got := tinystack(append([]string{"cost", "-f", file}, args...)...)
		assert.Equal(t, 1, got.status, args)
		assert.Empty(t, got.stdout)
		assert.Contains(t, got.stderr, says)
	}
	got := tinystack("cost", "-f", declare(t, "name: Shop\n"))
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "1 problem")
}

func TestSummaryHasTheBill(t *testing.T) {
	assembly := "../../snapshot/testdata/assembly"
	got := tinystack("summary", assembly, "-f", "../../tinystack.yaml")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Regexp(t, `\nAt light load guestbook costs about \$[\d.]+ a month: dev \$`, got.stdout)
	for _, args := range [][]string{{"summary", assembly}, {"summary", assembly, "-f", "nowhere.yaml"}} {
		got := tinystack(args...)
		require.Equal(t, 0, got.status, got.stderr)
		assert.NotContains(t, got.stdout, "costs about")
	}
}

// A budget is what the dearest part costs, to the cent.
func TestBudget(t *testing.T) {
	file := declare(t, "name: shop\nstages:\n  - name: dev\n    database: {}\n")
	for budget, status := range map[string]int{"50": 0, "$50": 0, "40": 1, "-1": 1, "much": 1} {
		got := tinystack("cost", "-f", file, "--budget", budget)
		assert.Equal(t, status, got.status, budget)
		if budget == "40" {
			assert.Contains(t, got.stderr, "over the budget of $40.00 a month: dev costs $")
		}
	}
	assert.Equal(t, 1, tinystack("cost", "-f", file, "--budget", "40", "--json").status)
	assert.Contains(t, tinystack("cost", "--elsewhere").stdout, "Lightsail containers")
	assert.Contains(t, tinystack("cost", "--old-prices").stdout, "cost/prices.csv")
}
