package spec

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/tinystack-go/tinystack/internal/yamldoc"
)

var update = flag.Bool("update", false, "write the golden files anew")

// environment is what the declarations of the tests refer to.
func environment(name string) (string, bool) {
	value, set := map[string]string{
		"EMPTY":         "",
		"HIDDEN":        "hidden-value",
		"HIDDEN_NUMBER": "123456",
		"REGION":        "eu-west-1",
		"MAX":           "3",
	}[name]
	return value, set
}

func TestBadDeclarations(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			_, err = Parse(name, text, environment)
			var problems Problems
			require.ErrorAs(t, err, &problems)
			for _, p := range problems {
				assert.Equal(t, Error, p.Severity, p)
				assert.Equal(t, name, p.File, p)
				assert.Positive(t, p.Line, p)
				assert.Positive(t, p.Column, p)
				assert.NotEmpty(t, p.Wrong, p)
				assert.NotEmpty(t, p.Fix, p)
				if !strings.HasPrefix(name, "yaml-") {
					assert.NotEmpty(t, p.Path, p)
				}
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", err.Error()+"\n")
		})
	}
}

// Each file is valid; what is unwise in it stands beside it.
func TestWarnings(t *testing.T) {
	files, err := filepath.Glob("testdata/warnings/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".yaml"), func(t *testing.T) {
			app := parse(t, file)
			text := ""
			for _, p := range app.Warnings() {
				assert.Equal(t, Warning, p.Severity, p)
				assert.NotEmpty(t, p.Path, p)
				assert.NotEmpty(t, p.Wrong, p)
				assert.NotEmpty(t, p.Fix, p)
				text += strings.ReplaceAll(p.String(), file, name) + "\n"
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", text)
		})
	}
}

func TestGoodDeclarations(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range append(files, "testdata/guestbook.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			app := parse(t, file)
			assert.NoError(t, app.Validate())
			assert.Equal(t, filepath.Dir(file), app.Dir())
		})
	}
}

func TestGuestbook(t *testing.T) {
	app := parse(t, "testdata/guestbook.yaml")
	require.Len(t, app.Services, 2)
	api, cache := app.Services[0], app.Services[1]
	assert.Equal(t, 8000, api.Port)
	assert.Equal(t, "/healthy", api.HealthCheck.Path)
	assert.Equal(t, ".", api.Context)
	assert.Equal(t, "Dockerfile", api.Dockerfile)
	assert.True(t, *api.StageConfig)
	assert.Equal(t, "public.ecr.aws/docker/library/redis:7", cache.Image)
	assert.Empty(t, cache.Context)
	assert.False(t, *cache.StageConfig, "a cache gets only what it declares itself")
	assert.Equal(t, []string{"team@example.com"}, app.Pipeline.Notify)
	assert.Equal(t, 90, app.Pipeline.LogRetentionDays)

	require.Len(t, app.Stages, 3)
	dev, canary, prod := app.Stages[0], app.Stages[1], app.Stages[2]

	assert.Equal(t, Standard, dev.Profile)
	assert.Equal(t, APIGateway, dev.Endpoint.Type)
	assert.Equal(t, Preset(Standard), dev.Scale)
	assert.Equal(t, []string{"use1-az1", "use1-az2"}, dev.Network.Zones)
	assert.Equal(t, NATInstance, dev.Network.Egress)
	assert.Equal(t, "guestbook", dev.Database.Name)
	assert.Equal(t, 40, dev.Database.MaxStorage)
	assert.Equal(t, 1, dev.Database.BackupDays)
	assert.False(t, *dev.Production)
	assert.True(t, *dev.Exec)
	assert.Equal(t, 14, dev.LogRetentionDays)
	assert.Equal(t, RemovalSnapshot, dev.Removal)

	assert.Equal(t, Manual, prod.Approval)
	assert.Equal(t, ALB, prod.Endpoint.Type)
	assert.Equal(t, RemovalRetain, prod.Removal)
	assert.True(t, *prod.Production)
	assert.False(t, *prod.Exec)
	assert.Equal(t, 90, prod.LogRetentionDays)
	assert.Equal(t, 7, prod.Database.BackupDays)

	assert.Equal(t, "canary", canary.Name)
	assert.Equal(t, "us-west-2", canary.Region)
	assert.Equal(t, "222222222222", canary.Account)
	assert.Equal(t, Automatic, canary.Approval)
	assert.Equal(t, 30, canary.Bake.Minutes())
	assert.Equal(t, ALB, canary.Endpoint.Type)
	assert.Empty(t, canary.Endpoint.Domain)
	assert.Nil(t, canary.Endpoint.HostedZone)
	assert.Equal(t, prod.Scale, canary.Scale)
	assert.Equal(t, "m6i.large", canary.Scale.Instance)
	assert.Equal(t, prod.Secrets, canary.Secrets)
	assert.Equal(t, prod.Variables, canary.Variables)
	assert.Equal(t, prod.Permissions, canary.Permissions)
	assert.Equal(t, prod.Database, canary.Database)
	assert.Equal(t, []string{"usw2-az1", "usw2-az2"}, canary.Network.Zones)
	assert.True(t, *canary.Production)
	assert.Equal(t, RemovalSnapshot, canary.Removal)
}

func TestAnchorsAndEnvironment(t *testing.T) {
	app := parse(t, "testdata/good/anchors.yaml")
	assert.Equal(t, map[string]string{"LOG": "info", "MODE": "fast"}, app.Services[0].Variables)
	assert.Equal(t, map[string]string{"LOG": "info", "MODE": "slow", "OTHER": "fast"}, app.Services[1].Variables)
	assert.Equal(t, []string{"serve", "--verbose"}, app.Services[1].Command)
	for i, name := range []string{"dev", "test"} {
		assert.Equal(t, name, app.Stages[i].Name)
		assert.Equal(t, "eu-west-1", app.Stages[i].Region)
		assert.Equal(t, 3, *app.Stages[i].Scale.Instances.Max)
	}
}

// Texts are taken as they are written, whatever YAML takes them for.
func TestLiteralTexts(t *testing.T) {
	app := parse(t, "testdata/good/full.yaml")
	assert.Equal(t, "011111111111", app.Pipeline.Account)
	assert.Equal(t, map[string]string{"NODE_ENV": "production", "RETRIES": "3", "VERBOSE": "true"}, app.Build.Variables)
	assert.Equal(t, "1.50", app.Services[0].Variables["LIMIT"])
	assert.Equal(t, []string{"exec serve --limit ${LIMIT}", "8080"}, app.Services[0].Command)
	assert.Equal(t, "16.13", app.Stages[3].Database.Version)
	assert.Equal(t, "4711", app.Tags["cost centre"])
	assert.Zero(t, *app.Services[0].HealthCheck.GracePeriod, "0s is not the default here")
}

func TestLoad(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	t.Setenv("SPEC_TEST_REGION", "eu-west-1")
	good := write("tinystack.yaml", "\uFEFFname: shop\r\nstages:\r\n  - name: dev\r\n    region: ${SPEC_TEST_REGION}\r\n")
	app, err := Load(good)
	require.NoError(t, err)
	assert.Equal(t, "shop", app.Name)
	assert.Equal(t, "eu-west-1", app.Stages[0].Region)
	assert.Equal(t, folder, app.Dir())

	for name, test := range map[string]struct{ path, wrong string }{
		"missing":    {filepath.Join(folder, "nothing.yaml"), "there is no such file"},
		"folder":     {folder, "is a folder"},
		"empty":      {write("empty.yaml", " \n"), "is empty"},
		"not UTF-8":  {write("latin.yaml", "name: caf\xe9\n"), "is not text in UTF-8"},
		"UTF-16":     {write("utf16.yaml", "n\x00a\x00m\x00e\x00"), "is not text: it has a zero byte"},
		"too large":  {write("large.yaml", strings.Repeat("nonsense: [", 100_000)), "is larger than 256 KB"},
		"too many":   {write("many.yaml", "["+strings.Repeat("a,", 25_000)+"]"), "has more than 20000 keys and values"},
		"wrong line": {write("wrong.yaml", "name: shop\nport: 1\n"), "is not a field of the declaration"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(test.path)
			var problems Problems
			require.ErrorAs(t, err, &problems)
			require.Len(t, problems, 1)
			assert.Equal(t, test.path, problems[0].File)
			assert.Equal(t, test.wrong, problems[0].Wrong)
			assert.NotEmpty(t, problems[0].Fix)
			assert.NotContains(t, err.Error(), "nonsense")
		})
	}
}

// What is large but not too large is still refused in no time.
func TestHostileYAML(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("name: shop\nbuild:\n  variables: &v0 {A: b}\nservices:\n")
	for i := range 30 {
		fmt.Fprintf(&bomb, "  - name: s%d\n    worker: true\n    variables: &v%d\n      <<: [%s]\n", i, i+1, strings.Repeat(fmt.Sprintf("*v%d, ", i), 10))
	}
	for name, text := range map[string]string{
		"aliases of aliases":    bomb.String(),
		"keys without values":   strings.Repeat("a:\n", 9_900),
		"sequence in sequence":  strings.Repeat("- ", 20_000),
		"brackets":              strings.Repeat("[", 39_000),
		"braces":                strings.Repeat("{a: ", 12_000),
		"question marks":        strings.Repeat("? ", 20_000),
		"tags":                  strings.Repeat("!a ", 10_000),
		"tags on lines":         strings.Repeat("!a\n", 10_000),
		"anchors":               strings.Repeat("&a ", 10_000),
		"quotes":                strings.Repeat("\"", 19_999),
		"one long scalar":       "name: " + strings.Repeat("x", 200_000),
		"references":            "name: " + strings.Repeat("${HIDDEN}", 20_000),
		"block scalar":          "name: |\n" + strings.Repeat("  x\n", 50_000),
		"comment":               "name: shop\nx: 1 #" + strings.Repeat("#", 200_000),
		"commas":                "name: [" + strings.Repeat(",", 30_000) + "]",
		"empty stages":          "stages:\n" + strings.Repeat("- {}\n", 6_000),
		"empty elements":        "services:\n" + strings.Repeat("-\n", 19_000),
		"merges of merges":      "name: &a\n  <<: &b\n    <<: [*a, *b]\n",
		"alias of a list in it": "services: &a [*a, *a]\n",
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := Parse("x.yaml", []byte(text), environment)
			require.Error(t, err)
			assert.Less(t, time.Since(began), 10*time.Second, "far more than it takes on a busy machine")
		})
	}
}

// Whatever field holds it, neither what came from the environment nor what
// looks like a secret is ever in a message.
func TestNothingLeaks(t *testing.T) {
	mutants, refused := 0, 0
	for _, file := range []string{"testdata/guestbook.yaml", "testdata/good/full.yaml", "testdata/good/existing.yaml", "testdata/good/sources.yaml"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, at := range scalars(string(text)) {
			for _, marker := range []string{"Marker-5ecret value", "AKIAABCDEFGHIJKLMNOP", "98765"} {
				mutant := string(text[:at.from]) + `"${MARKER}"` + string(text[at.to:])
				app, err := Parse("mutant.yaml", []byte(mutant), func(string) (string, bool) { return marker, true })
				mutants++
				if err != nil {
					refused++
					require.NotContains(t, err.Error(), marker, mutant)
				} else {
					require.NotContains(t, app.Warnings().Error(), marker, mutant)
				}
				if marker == "AKIAABCDEFGHIJKLMNOP" {
					_, err := Parse("mutant.yaml", []byte(strings.Replace(mutant, "${MARKER}", marker, 1)), nil)
					if err != nil {
						require.NotContains(t, err.Error(), marker, mutant)
					}
				}
			}
		}
	}
	assert.Greater(t, mutants, 500)
	assert.Greater(t, refused, mutants/2)

	for name, text := range map[string]string{
		"in a name":          "name: AKIAABCDEFGHIJKLMNOP\n",
		"in a number":        "name: a\nservices: [{name: w, port: AKIAABCDEFGHIJKLMNOP}]\n",
		"for a struct":       "name: a\nservices: [{name: w, healthCheck: AKIAABCDEFGHIJKLMNOP}]\n",
		"in a reference":     "name: a\nservices: [{name: w, command: [\"${AKIAABCDEFGHIJKLMNOP\"]}]\n",
		"in broken YAML":     "name: AKIAABCDEFGHIJKLMNOP: x\n",
		"in unclosed quotes": "name: \"AKIAABCDEFGHIJKLMNOP\n",
	} {
		_, err := Parse("x.yaml", []byte(text), nil)
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "AKIA", name)
	}
}

type span struct{ from, to int }

// scalars finds the values of a YAML text that are no keys.
func scalars(text string) []span {
	var lines []int // where each begins
	for i := range text {
		if i == 0 || text[i-1] == '\n' {
			lines = append(lines, i)
		}
	}
	root, problem := yamldoc.Parse(text)
	if problem != nil {
		return nil
	}
	var found []span
	var look func(node *yamldoc.Node, key bool)
	look = func(node *yamldoc.Node, key bool) {
		for i, child := range node.Content {
			look(child, node.Kind == yaml.MappingNode && i%2 == 0)
		}
		if node.Kind != yaml.ScalarNode || key || node.Value == "" {
			return
		}
		from := lines[node.Line-1] + node.Column - 1
		to := from + len(node.Value)
		if yamldoc.Quoted(node) {
			to += 2
		}
		found = append(found, span{from, min(to, len(text))})
	}
	look(root, false)
	return found
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.yaml")
	require.NoError(f, err)
	for _, file := range append(files, "testdata/guestbook.yaml") {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		began := time.Now()
		app, err := Parse("x.yaml", text, environment)
		require.Less(t, time.Since(began), 10*time.Second)
		if err != nil {
			var problems Problems
			require.ErrorAs(t, err, &problems)
			require.NotEmpty(t, problems)
			require.NotEmpty(t, err.Error())
			require.NotContains(t, err.Error(), "hidden-value")
			for _, p := range problems {
				require.NotEmpty(t, p.Wrong)
			}
			return
		}
		again, err := app.Resolve()
		require.NoError(t, err)
		require.Equal(t, app, again)
	})
}

func parse(t *testing.T, file string) App {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	app, err := Parse(file, text, environment)
	require.NoError(t, err)
	return app
}

// golden compares a text with the file that holds what it should be.
func golden(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), text)
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return text
}
