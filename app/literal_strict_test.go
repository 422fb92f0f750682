//go:build strict

package app

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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
				for _, text := range special {
					if taken[at.Path+text] {
						continue
					}
					var value any = text
					if at.Kind == field.Map {
						value = map[string]any{"SPECIAL": text}
					} else if at.List {
						value = []any{text}
					}
					// Alone it has to be accepted, and better with all others.
					alone, ok := accepted(t, spot.With(value))
					if !ok {
						continue
					}
					taken[at.Path+text] = true
					if both := together.With(spot.Path, value); spot.Plain && text == special[0] && both.Valid() {
						together = both
						continue
					}
					apps = append(apps, alone)
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
			app, err := spec.Parse("", []byte(block[1]), func(name string) (string, bool) { return "333333333333", true })
			if !assert.NoError(t, err, "%s:\n%s", page, block[1]) {
				continue
			}
			if found, err := preflight.Check(app); assert.NoError(t, err) && found.Refusal() == nil {
				apps = append(apps, app)
			}
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
		t.Setenv("CDK_OUTDIR", t.TempDir())
		cdk := NewApp(nil)
		for i, app := range apps[first:min(first+most, len(apps))] {
			stacks.NewTinyStack(cdk, jsii.String(fmt.Sprintf("%s%d", app.Name, first+i)), &stacks.TinyStackProps{App: app})
		}
		if !assert.NotPanics(t, func() { cdk.Synth(nil) }) {
			continue
		}
		assembly, err := snapshot.Load(os.Getenv("CDK_OUTDIR"))
		require.NoError(t, err)
		for _, stack := range assembly.Stacks {
			assert.Empty(t, deployable.Broken(stack.Template), stack.Name)
		}
	}
}
