package cost

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/goldens"
	"github.com/tinystack-go/tinystack/spec"
)

var update = flag.Bool("update", false, "write the golden tables and what the documentation shows of them")

func declared(t testing.TB, path string) spec.App {
	t.Helper()
	app, err := spec.Load(path)
	require.NoError(t, err)
	return app
}

func parsed(t testing.TB, text string) spec.App {
	t.Helper()
	app, err := spec.Parse("tinystack.yaml", []byte(text), os.LookupEnv)
	require.NoError(t, err)
	return app
}

func report(t testing.TB, app spec.App, load string) Report {
	t.Helper()
	profile, err := Profile(load)
	require.NoError(t, err)
	r, err := NewReport(app, Loads{Default: profile})
	require.NoError(t, err)
	return r
}

func golden(t *testing.T, path, have string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(have), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run: go test ./cost -update")
	assert.Equal(t, string(want), have, "%s: run go test ./cost -update and read the difference", path)
}

// Every example has its bill, at each load, in testdata.
func TestGoldenTables(t *testing.T) {
	for name, example := range goldens.All(t) {
		app := example.App
		text := report(t, app, "light").Text()
		for _, load := range []string{"moderate", "heavy"} {
			text += "\nAt " + load + " load " + report(t, app, load).Line() + "\n"
		}
		golden(t, "testdata/"+name+".txt", text)
	}
	// Declarations that have no templates here; package app compares them with
	// those that it makes.
	for _, name := range []string{"applications", "database", "delivery", "everything", "regions"} {
		golden(t, "testdata/"+name+".txt", report(t, declared(t, "../app/testdata/"+name+".yaml"), "light").Text())
	}
	t.Run("own-stack", func(t *testing.T) {
		database, err := Database("eu-west-1", spec.Database{Name: "billing", Storage: 50}, Light())
		require.NoError(t, err)
		service, err := Service("eu-west-1", spec.Service{Name: "invoices", Image: "a/b:1", Worker: true}, spec.ScaleProfile{Instance: "m7g.large"}, Light())
		require.NoError(t, err)
		golden(t, "testdata/own-stack.txt", "database\n\n"+database.Table()+"\nservice invoices\n\n"+service.Table())
		counts := database.Counts()
		for kind, n := range service.Counts() {
			counts[kind] += n
		}
		assert.Equal(t, billedIn(goldens.Read(t, "examples/own-stack/testdata/billing.json")), counts)
	})
}

// What is billed is as often in the lines as in the templates.
func TestCountsAreThoseOfTheTemplates(t *testing.T) {
	for name, example := range goldens.All(t) {
		resolved, err := example.App.Resolve()
		require.NoError(t, err)
		for _, part := range ofApp(resolved, Loads{Default: Light()}).Parts {
			var templates []goldens.Template
			for stack, template := range example.Templates {
				of := strings.TrimPrefix(stack, resolved.Name+"-")
				if strings.HasPrefix(of+"-", part.Name+"-") || part.Pipeline && strings.HasPrefix(of, "registry-") {
					templates = append(templates, template)
				}
			}
			require.NotEmpty(t, templates, "%s: %s", name, part.Name)
			want := billedIn(templates...)
			if name == "go-app" && !part.Pipeline {
				// The topic that the example adds itself.
				require.Equal(t, 1, want["AWS::SNS::Topic"])
				delete(want, "AWS::SNS::Topic")
			}
			assert.Equal(t, want, part.Counts(), "%s: %s", name, part.Name)
		}
	}
}

// billedIn counts the resources of templates that are billed, by type.
func billedIn(templates ...goldens.Template) map[string]int {
	counts := map[string]int{}
	for _, template := range templates {
		for _, resource := range template.Resources {
			if Billed(resource.Type) {
				counts[resource.Type]++
			}
		}
	}
	return counts
}

// What the estimate takes for granted of volumes, metrics and retentions is
// what the templates have.
func TestConstantsAreThoseOfTheTemplates(t *testing.T) {
	network, err := os.ReadFile("../stacks/testdata/guestbook/guestbook-dev-network.json")
	require.NoError(t, err)
	service, err := os.ReadFile("../stacks/testdata/guestbook/guestbook-dev-service.json")
	require.NoError(t, err)
	assert.Contains(t, string(network), fmt.Sprintf(`"VolumeSize": %d,`, natVolumeGB))
	assert.Contains(t, string(network), fmt.Sprintf(`"InstanceType": "%s"`, natInstance))
	assert.Contains(t, string(network), fmt.Sprintf(`"RetentionInDays": %d`, flowLogDays))
	assert.Contains(t, string(service), fmt.Sprintf(`"VolumeSize": %d,`, rootVolumeGB))
	// Metrics that alarms watch.
	watched := 0
	resources := goldens.Read(t, "stacks/testdata/guestbook/guestbook-dev-service.json").Resources
	maps.Copy(resources, goldens.Read(t, "stacks/testdata/guestbook/guestbook-dev-network.json").Resources)
	for _, resource := range resources {
		if resource.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		queries, _ := resource.Properties["Metrics"].([]any)
		for _, query := range queries {
			if _, ok := query.(map[string]any)["MetricStat"]; ok {
				watched++
			}
		}
		if len(queries) == 0 {
			watched++
		}
	}
	resolved, err := declared(t, "../tinystack.yaml").Resolve()
	require.NoError(t, err)
	s := &stage{app: resolved, declared: resolved.Stages[0]}
	_, metrics := s.watched()
	assert.Equal(t, watched, metrics)
}

var resourceType = regexp.MustCompile(`"((?:AWS|Custom)::[A-Za-z0-9]+(?:::[A-Za-z0-9]+)?)"`)

// pseudo are what Ref knows beside resources.
var pseudo = []string{"AWS::AccountId", "AWS::NoValue", "AWS::Partition", "AWS::Region", "AWS::StackId", "AWS::StackName", "AWS::URLSuffix"}

// Every type of resource in any template of the repository is billed or free.
func TestEveryResourceTypeIsCovered(t *testing.T) {
	seen := map[string]bool{}
	for _, pattern := range []string{"../stacks/testdata/*/*.json", "../examples/*/testdata/*.json", "../constructs/*/testdata/*.json", "../constructs/*/testdata/*/*.json"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, match := range resourceType.FindAllStringSubmatch(string(text), -1) {
				if kind := match[1]; !slices.Contains(pseudo, kind) {
					seen[kind] = true
					assert.True(t, Covers(kind), "%s in %s is neither billed nor free: enter it in cost/resources.go", kind, file)
				}
			}
		}
	}
	assert.Greater(t, len(seen), 60)
	for kind, how := range billed {
		assert.NotContains(t, gratis, kind)
		if how.price != "" {
			priceOf(how.price)
		}
	}
	assert.False(t, Covers("AWS::Redshift::Cluster"))
}

// The column adds up: a total is the sum of what is printed, to the cent.
func TestTotalsAreTheSumOfTheLines(t *testing.T) {
	amounts := regexp.MustCompile(`(?m) (\d[\d,]*\.\d\d)(?: ~)?$`)
	for name, example := range goldens.All(t) {
		for _, load := range Profiles() {
			r := report(t, example.App, load)
			all := decimal.Zero
			for i, part := range r.Parts {
				sum := decimal.Zero
				for _, match := range amounts.FindAllStringSubmatch(strings.Split(part.Table(), "\nFixed")[0], -1) {
					sum = sum.Add(dec(strings.ReplaceAll(match[1], ",", "")))
				}
				assert.True(t, sum.Equal(part.Total().USD), "%s %s at %s load: lines make %s, total is %s", name, part.Name, load, sum, part.Total())
				assert.True(t, sum.Equal(r.Summary[i].Fixed.USD.Add(r.Summary[i].Usage.USD)))
				all = all.Add(sum)
			}
			assert.True(t, all.Equal(r.Total.USD), name)
		}
	}
}

// An estimate does not depend on when, or how often, it is made.
func TestSameInputSameEstimate(t *testing.T) {
	app := declared(t, "../tinystack.yaml")
	assert.Equal(t, report(t, app, "heavy").Text(), report(t, app, "heavy").Text())
}

func TestUnknownIsNotZero(t *testing.T) {
	app := parsed(t, "name: shop\nservices: [{name: web, image: \"a/b:1\", cpu: 100, memory: 100}]\nstages: [{name: dev, region: ap-southeast-6, database: {}}]\n")
	r := report(t, app, "light")
	part := r.Parts[0]
	assert.Equal(t, 3, part.Total().Unknown, "instances, database and NAT instance")
	assert.Contains(t, part.Table(), "container instances: 2 × t3.micro")
	assert.Regexp(t, `container instances: 2 × t3\.micro +1,460 hours +unknown \[1\] +unknown`, part.Table())
	assert.Contains(t, r.Text(), "and 3 unknown amounts")
	encoded, err := json.Marshal(r)
	require.NoError(t, err)
	assert.Contains(t, string(encoded), `"monthly":null`)
	assert.NotContains(t, part.Table(), "0.00\n")
	assert.False(t, Amount{}.Known())
	assert.Equal(t, "unknown", Amount{}.String())
}

func TestPricesOfTheRegion(t *testing.T) {
	dear := report(t, parsed(t, "name: shop\nstages: [{name: dev, region: sa-east-1}]\n"), "light").Parts[0]
	for _, line := range dear.Lines {
		switch line.Resource {
		case "container instances":
			assert.Equal(t, "0.0168", line.Price.USD().String())
			assert.Equal(t, "2025-05-28", line.Date)
			assert.Contains(t, line.Source, "ec2-instances-info")
			assert.Empty(t, line.Note)
		case "volumes of the instances":
			assert.Equal(t, "0.152", line.Price.USD().String())
			assert.Empty(t, line.Note)
		case "HTTP API":
			assert.Equal(t, "at least: us-east-1 price", line.Note)
		case "traffic to the internet":
			assert.Equal(t, "0.15", line.Price.USD().String())
		case "alarms", "private DNS zone", "public IPv4 of the NAT instance":
			assert.NotContains(t, line.Note, "us-east-1", line.Resource)
		}
		if line.Kind != Free {
			assert.NotEmpty(t, line.Source, line.Resource)
			assert.NotEmpty(t, line.Date, line.Resource)
		}
	}
	assert.Contains(t, dear.Table(), "* at least: us-east-1 price")
	supported := report(t, parsed(t, "name: shop\nstages: [{name: dev, region: sa-east-1, database: {version: \"14\", extendedSupport: true}}]\n"), "light").Parts[0]
	i := slices.IndexFunc(supported.Lines, func(l Line) bool { return l.Resource == "extended support" })
	require.GreaterOrEqual(t, i, 0)
	assert.Contains(t, supported.Lines[i].Note, "at least: us-east-1 price", "a line of nothing yet is of the region, too")
	for _, same := range likeHome {
		assert.NotContains(t, report(t, parsed(t, "name: shop\nstages: [{name: dev, region: "+same+"}]\n"), "light").Parts[0].Table(), "at least", same)
	}
}

// What was not looked at for long is listed, the oldest first.
func TestOldPrices(t *testing.T) {
	assert.Empty(t, OlderThan("2000-01"))
	all := OlderThan("2999-01")
	assert.Greater(t, len(all), len(prices()), "those of regions, too")
	assert.True(t, slices.IsSortedFunc(all, func(a, b Listed) int { return strings.Compare(a.Date, b.Date) }))
}

// The list is read as it is written, and nothing in it is stale.
func TestPriceList(t *testing.T) {
	source, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var code strings.Builder
	for _, file := range source {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if !strings.HasSuffix(file, "_test.go") {
			code.Write(text)
		}
	}
	for key, p := range prices() {
		assert.Regexp(t, `^https://aws\.amazon\.com/.+/pricing/`, p.source, key)
		assert.Regexp(t, `^20\d\d-\d\d(-\d\d)?$`, p.date, key)
		assert.NotEmpty(t, p.unit, key)
		for i, tier := range p.tiers {
			assert.True(t, tier.usd.IsPositive(), key)
			if i == 0 {
				assert.True(t, tier.from.IsZero(), key)
			} else {
				assert.True(t, tier.from.GreaterThan(p.tiers[i-1].from), key)
				assert.True(t, tier.usd.LessThan(p.tiers[i-1].usd), "%s: a higher tier is cheaper", key)
			}
		}
		for region, other := range p.regional {
			assert.False(t, p.everywhere, "%s is the same everywhere", key)
			assert.NotContains(t, likeHome, region, key)
			assert.Len(t, other.tiers, len(p.tiers), "%s in %s", key, region)
			assert.Regexp(t, `^20\d\d-\d\d$`, other.date, "%s in %s", key, region)
			for i, tier := range other.tiers {
				assert.True(t, tier.from.Equal(p.tiers[i].from), "%s in %s", key, region)
				assert.True(t, tier.usd.GreaterThanOrEqual(p.tiers[i].usd.Mul(dec("0.9"))) && tier.usd.LessThan(p.tiers[i].usd.Mul(num(8))), "%s in %s is a slip: %s", key, region, tier.usd)
			}
		}
		if !strings.HasPrefix(key, "cache-") {
			assert.Contains(t, code.String(), `"`+key+`"`, "nothing uses the price")
		}
	}
	for _, size := range []string{"0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237"} {
		priceOf("cache-" + size)
	}
}
