package course_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/course"
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
func made(t *testing.T, file string) []counted {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var read struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				Stages []struct {
					Name    string
					Actions []struct{ ActionTypeId struct{ Category string } }
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &read))
	var all []counted
	for _, resource := range read.Resources {
		if resource.Type != "AWS::CodePipeline::Pipeline" {
			continue
		}
		for _, stage := range resource.Properties.Stages {
			c := counted{Name: stage.Name}
			for _, action := range stage.Actions {
				*map[string]*int{"Approval": &c.Approvals, "Build": &c.Builds, "Deploy": &c.Deployments, "Source": &c.Sources}[action.ActionTypeId.Category]++
			}
			all = append(all, c)
		}
	}
	require.NotEmpty(t, all, file)
	return all
}

// goApp is what examples/go-app declares in Go.
func goApp() spec.App {
	return spec.App{
		Name:     "shop",
		Pipeline: &spec.Pipeline{Account: "111111111111", Region: "us-east-1"},
		Source:   &spec.Source{CodeCommit: "shop"},
		Services: []spec.Service{
			{Name: "web", Port: 8080, HealthCheck: spec.HealthCheck{Path: "/healthz"}},
			{Name: "cache", Image: "public.ecr.aws/docker/library/redis:7", Port: 6379, Internal: true},
		},
		Stages: []spec.Stage{
			{Name: "dev"},
			{Name: "canary", CanaryOf: "prod", Region: "us-west-2", Bake: spec.Minutes(30)},
			{Name: "prod", Account: "222222222222", Approval: spec.Manual, Database: &spec.Database{Instance: "t4g.small", MultiAZ: new(true)}},
		},
	}
}

// The course is that of the pipelines that are made.
func TestTheCourseIsThatOfTheTemplates(t *testing.T) {
	guestbook, err := spec.Load("../../tinystack.yaml")
	require.NoError(t, err)
	pipeline, err := spec.Load("../../examples/pipeline/tinystack.yaml")
	require.NoError(t, err)
	for file, app := range map[string]spec.App{
		"../../stacks/testdata/guestbook/guestbook-pipeline.json": guestbook,
		"../../stacks/testdata/pipeline/notes-pipeline.json":      pipeline,
		"../../examples/go-app/testdata/shop-pipeline.json":       goApp(),
	} {
		app, err := app.Resolve()
		require.NoError(t, err)
		assert.Equal(t, made(t, file), count(app), file)
	}
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
