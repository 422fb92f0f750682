//go:build strict

package app

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/cdkcontext"
	"github.com/tinystack-go/tinystack/internal/deployable"
	"github.com/tinystack-go/tinystack/internal/field"
	"github.com/tinystack-go/tinystack/internal/field/fieldtest"
	"github.com/tinystack-go/tinystack/preflight"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
	"github.com/tinystack-go/tinystack/stacks"
)

// special are texts that mean something to CloudFormation, CodePipeline or a shell,
// in the shapes that fields ask for. Their dollar signs are those of the declaration.
var special = []string{
	"a $${A} b $$${B} $${", "$${A}", "a/$${A}.zip", "/$${A}", "https://example.com/$${A}", "a #{A.b} c of the whole", "#{A.b}", "a/#{A.b}.zip",
	"{{A}} 'b' \"c\" \\d <e> & %f `g` é",
}

// warnedOf are the findings that are warnings where AWS's validation, or the CDK, has
// no doubt.
var warnedOf = []string{"postgres-retired", "pipeline-region", "template-resources"}

// What the validation of declarations and the preflight accept is synthesized, and
// every text comes out as it was given: each field that takes a text gets each of
// the special ones that it takes.
func TestStrictSpecialTextsAreLiterals(t *testing.T) {
	taken := map[string]bool{}
	var apps []spec.App
	for _, base := range fieldtest.Bases() {
		together := base.Declaration()
		for _, at := range field.All() {
			if at.Kind != field.Text && at.Kind != field.Map {
				continue
			}
			for _, spot := range fieldtest.Spots(base, at) {
				var texts []any
				named := map[string]any{}
				for i, text := range special {
					value := any(text)
					if at.Kind == field.Map {
						value = map[string]any{"SPECIAL": text}
					} else if at.List {
						value = []any{text}
					}
					if taken[at.Path+text] {
						continue
					}
					alone, ok := accepted(t, spot.With(value))
					if !ok {
						continue
					}
					taken[at.Path+text] = true
					texts, named[fmt.Sprintf("SPECIAL%d", i)] = append(texts, text), text
					if at.Kind == field.Text && !at.List {
						apps = append(apps, alone)
					}
				}
				value := any(texts)
				if at.Kind == field.Map {
					value = named
				}
				if len(texts) == 0 || at.Kind == field.Text && !at.List {
					continue
				}
				if both := together.With(spot.Path, value); spot.Plain && both.Valid() {
					together = both
				} else if app, ok := accepted(t, spot.With(value)); assert.True(t, ok, "%s takes each of %q and not all", at.Path, texts) {
					apps = append(apps, app)
				}
			}
		}
		if app, ok := accepted(t, together); ok {
			apps = append(apps, app)
		}
	}
	for _, path := range []string{"services[].command", "services[].entryPoint", "services[].healthCheck.command", "services[].variables", "stages[].variables", "build.variables", "pipeline.synth"} {
		assert.True(t, taken[path+special[0]], path)
	}
	t.Logf("%d pairs of a field and a text, %d declarations", len(taken), len(apps))
	validatesAll(t, apps)
}

// declarationBlock is an example of a whole declaration in a page.
var declarationBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

// Every example of the documentation that is a whole declaration can be synthesized,
// unless what it shows is what the preflight refuses.
func TestStrictExamplesOfThePagesAreSynthesized(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	var apps []spec.App
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, block := range declarationBlock.FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(block[1], "name:") && !strings.Contains(block[1], "\nname:") {
				continue // a part of one
			}
			dir := t.TempDir()
			app, err := spec.Parse(filepath.Join(dir, "tinystack.yaml"), []byte(block[1]), func(name string) (string, bool) { return "333333333333", true })
			if !assert.NoError(t, err, "%s:\n%s", page, block[1]) {
				continue
			}
			for _, service := range app.Services {
				context := filepath.Join(dir, service.Context)
				require.NoError(t, os.MkdirAll(context, 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(context, "Dockerfile"), []byte("FROM scratch\n"), 0o644))
			}
			found, err := preflight.Check(app)
			if !assert.NoError(t, err) || found.Refusal() != nil {
				continue
			}
			// Of what may be otherwise by now, goes on where it runs already, or is only
			// likely, there is no more than a warning.
			if slices.ContainsFunc(found, func(f preflight.Finding) bool { return slices.Contains(warnedOf, f.ID) }) {
				continue
			}
			apps = append(apps, app)
		}
	}
	require.Greater(t, len(apps), 50)
	validatesAll(t, apps)
}

func accepted(t *testing.T, declared fieldtest.Declaration) (spec.App, bool) {
	t.Helper()
	app, err := declared.Parse()
	if err != nil {
		return app, false
	}
	found, err := preflight.Check(app)
	return app, err == nil && found.Refusal() == nil
}

// validatesAll validates the declarations as AWS does, some at a time: the templates
// of all of them would not fit into the memory of a small machine.
func validatesAll(t *testing.T, apps []spec.App) {
	t.Helper()
	const most = 12
	cdkcontext.PrepareRuntime(nil)
	defer jsii.Close()
	for first := 0; first < len(apps); first += most {
		outdir := t.TempDir()
		cdk := NewApp(&awscdk.AppProps{Outdir: &outdir})
		for i, app := range apps[first:min(first+most, len(apps))] {
			// The CDK has one stack in each region for all pipelines of a name.
			app.Name = fmt.Sprintf("%s%d", app.Name, first+i)
			stacks.NewTinyStack(cdk, &app.Name, &stacks.TinyStackProps{App: app})
		}
		if !assert.NotPanics(t, func() { cdk.Synth(nil) }) {
			continue
		}
		assembly, err := snapshot.Load(outdir)
		require.NoError(t, err)
		for _, stack := range assembly.Stacks {
			assert.Empty(t, deployable.Broken(stack.Template), stack.Name)
		}
	}
}
