package spec

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBuildFiles(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "admin", "release.yml"), 0o755))
	for _, name := range []string{"build.yml", "admin/build.yml"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	app := App{dir: dir, Pipeline: &Pipeline{}, Services: []Service{
		{Name: "web", Context: "."},
		{Name: "admin", Context: "admin"},
		{Name: "cache", Context: ".", Image: "redis:7"},
		{Name: "far", Context: ".", Source: &Source{CodeCommit: "far"}},
	}}
	assert.Equal(t, map[string]string{"web": "build.yml", "admin": "admin/build.yml"}, app.BuildFiles("build.yml"))
	assert.Empty(t, app.BuildFiles("release.yml"), "a folder is no file")
	app.Pipeline.Declaration = &Source{CodeCommit: "infra"}
	assert.Empty(t, app.BuildFiles("build.yml"), "the declaration is in another repository")
	app.Pipeline = nil
	assert.Empty(t, app.BuildFiles("build.yml"))
	assert.Empty(t, App{Pipeline: &Pipeline{}, Services: app.Services}.BuildFiles("build.yml"), "declared in Go")
}

func TestImageRegion(t *testing.T) {
	region, ok := Service{Image: "111111111111.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1"}.ImageRegion()
	assert.True(t, ok)
	assert.Equal(t, "eu-west-1", region)
	_, ok = Service{Image: "redis:7"}.ImageRegion()
	assert.False(t, ok)
}

func TestOneMinuteMetrics(t *testing.T) {
	scale := Preset(Standard)
	assert.False(t, scale.OneMinuteMetrics())
	scale.CPU.For = Minutes(7)
	assert.True(t, scale.OneMinuteMetrics())
	scale.Mode = Managed
	assert.False(t, scale.OneMinuteMetrics())
}
