package course_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/internal/goldens"
	"github.com/tinystack-go/tinystack/spec"
)

// counted is a stage by its name and how many actions of each category it has.
type counted struct {
	Name                           string
	Approvals, Builds, Deployments int
	Sources                        int
}

func count(app spec.App) []counted {
	var all []counted
	for _, stage := range course.Of(app) {
		c := counted{Name: stage.Name}
		for _, action := range stage.Actions {
			switch {
			case action.Kind == course.Approve:
				c.Approvals++
			case action.Kind == course.Deploy:
				c.Deployments++
			case action.Kind == course.Source:
				c.Sources++
			case action.Kind.Builds():
				c.Builds++
			}
		}
		all = append(all, c)
	}
	return all
}

// made is what a template has of it.
func made(t *testing.T, template goldens.Template) []counted {
	t.Helper()
	var all []counted
	for _, resource := range template.Resources {
		if resource.Type != "AWS::CodePipeline::Pipeline" {
			continue
		}
		for _, stage := range resource.Properties["Stages"].([]any) {
			stage := stage.(map[string]any)
			c := counted{Name: stage["Name"].(string)}
			counters := map[string]*int{"Approval": &c.Approvals, "Build": &c.Builds, "Deploy": &c.Deployments, "Source": &c.Sources}
			for _, action := range stage["Actions"].([]any) {
				*counters[action.(map[string]any)["ActionTypeId"].(map[string]any)["Category"].(string)]++
			}
			all = append(all, c)
		}
	}
	require.NotEmpty(t, all)
	return all
}

// The course is that of the pipelines that are made.
func TestTheCourseIsThatOfTheTemplates(t *testing.T) {
	pipelines := 0
	for name, example := range goldens.All(t) {
		app, err := example.App.Resolve()
		require.NoError(t, err)
		template, there := example.Templates[app.Name+"-pipeline"]
		require.Equal(t, app.Pipeline != nil, there, name)
		if there {
			pipelines++
			assert.Equal(t, made(t, template), count(app), name)
		}
	}
	assert.Equal(t, 3, pipelines)
}

var (
	declaration = regexp.MustCompile("(?s)<!-- pictured: declaration -->\n```yaml\n(.*?)```")
	box         = regexp.MustCompile(`s\d+\["<b>([^<]+)</b><br/>([^"]*)"\]`)
)

// And that of the picture in docs/canary.md, which is drawn from a template.
func TestTheCourseIsThatOfThePicture(t *testing.T) {
	page, err := os.ReadFile("../../docs/canary.md")
	require.NoError(t, err)
	app, err := spec.Parse("tinystack.yaml", declaration.FindSubmatch(page)[1], os.LookupEnv)
	require.NoError(t, err)
	app, err = app.Resolve()
	require.NoError(t, err)
	type stage struct {
		name    string
		actions int
	}
	var drawn, known []stage
	for _, found := range box.FindAllSubmatch(page, -1) {
		drawn = append(drawn, stage{string(found[1]), 1 + strings.Count(string(found[2]), "<br/>") + strings.Count(string(found[2]), " + ")})
	}
	for _, s := range course.Of(app) {
		known = append(known, stage{strings.TrimPrefix(s.Name, app.Name+"-"), len(s.Actions)})
	}
	assert.Len(t, drawn, 11)
	assert.Equal(t, drawn, known)
}

func TestCourse(t *testing.T) {
	const head = "name: shop\npipeline: {account: \"111111111111\"}\nsource: {codeCommit: shop}\nservices: [{name: web, port: 80}]\n"
	names := func(stages string) (names []string) {
		app, err := spec.Parse("tinystack.yaml", []byte(head+"stages:\n"+stages), os.LookupEnv)
		require.NoError(t, err)
		app, err = app.Resolve()
		require.NoError(t, err)
		for _, stage := range course.Of(app)[4:] {
			text := stage.Name + ":"
			for _, action := range stage.Actions {
				text += " " + string(action.Kind)
			}
			names = append(names, text)
		}
		return names
	}
	const bare = "network: {vpc: {id: vpc-0123456789abcdef0, cidr: 10.0.0.0/16, zones: [us-east-1a, us-east-1b], privateSubnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]}}"
	for name, test := range map[string]struct {
		stages string
		want   []string
	}{
		"rules bake":               {"  - {name: a, bake: 10m, " + bare + "}\n", []string{"shop-a: deployment", "shop-a-release: release"}},
		"a build bakes for longer": {"  - {name: a, bake: 2h, " + bare + "}\n", []string{"shop-a: deployment bake release"}},
		"approved apart":           {"  - {name: a, bake: 2h, approval: manual, review: true, " + bare + "}\n", []string{"shop-a-approval: review approval", "shop-a: deployment bake release"}},
		"approved in the stage":    {"  - {name: a, approval: manual, " + bare + "}\n", []string{"shop-a: approval deployment release"}},
		"approved together": {"  - {name: a, wave: w, approval: manual, " + bare + "}\n  - {name: b, wave: w, approval: manual, " + bare + "}\n",
			[]string{"w: approval deployment release deployment release"}},
		"replicas elsewhere": {"  - {name: a, database: {readReplicas: [{}, {region: us-west-2}]}}\n", []string{"shop-a: deployment deployment deployment deployment release"}},
		"asleep": {"  - {name: c, canaryOf: a, region: us-west-2, bake: 10m, sleeps: true}\n  - {name: a, " + bare + "}\n",
			[]string{"shop-c: wake deployment deployment awake bake release", "shop-c-sleep: sleep", "shop-a: deployment release"}},
	} {
		assert.Equal(t, test.want, names(test.stages), name)
	}
}
