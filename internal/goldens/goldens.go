// Package goldens is for tests of packages that do not synthesize: the
// declarations of this repository of which there are golden templates, with those
// templates, so that what a package says of a declaration is held against what
// the CDK makes of it.
package goldens

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/spec"
)

// Golden is a declaration and what the CDK makes of it.
type Golden struct {
	// App is what is declared, without defaults.
	App spec.App
	// Templates are all its templates, by the name of their stack.
	Templates map[string]Template
}

// Template is a golden template, as far as tests look at it.
type Template struct {
	Resources map[string]Resource
}

// Resource is a resource of a template.
type Resource struct {
	Type       string
	Properties map[string]any
}

// All are the declarations that have templates, by a short name.
func All(t testing.TB) map[string]Golden {
	t.Helper()
	goldens := map[string]Golden{"go-app": {goApp(), folder(t, "examples/go-app/testdata")}}
	for name, paths := range map[string][2]string{
		"guestbook": {"tinystack.yaml", "stacks/testdata/guestbook"},
		"pipeline":  {"examples/pipeline/tinystack.yaml", "stacks/testdata/pipeline"},
		"direct":    {"examples/direct/tinystack.yaml", "stacks/testdata/direct"},
	} {
		app, err := spec.Load(path(t, paths[0]))
		require.NoError(t, err)
		goldens[name] = Golden{app, folder(t, paths[1])}
	}
	return goldens
}

// Read reads one golden template, at a path from the root of the repository.
func Read(t testing.TB, file string) Template {
	t.Helper()
	text, err := os.ReadFile(path(t, file))
	require.NoError(t, err)
	var template Template
	require.NoError(t, json.Unmarshal(text, &template))
	require.NotEmpty(t, template.Resources, file)
	return template
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

func folder(t testing.TB, folder string) map[string]Template {
	t.Helper()
	files, err := filepath.Glob(path(t, folder, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files, folder)
	templates := map[string]Template{}
	for _, file := range files {
		name := filepath.Base(file)
		templates[strings.TrimSuffix(name, ".json")] = Read(t, filepath.Join(folder, name))
	}
	return templates
}

// path is a path from the root of the repository, where go.mod is, as seen from
// the folder of the test that runs.
func path(t testing.TB, elements ...string) string {
	t.Helper()
	for root := "."; len(root) < 100; root = filepath.Join("..", root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			return filepath.Join(append([]string{root}, elements...)...)
		}
	}
	require.Fail(t, "no go.mod above the test's folder")
	return ""
}
