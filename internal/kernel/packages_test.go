package kernel

import (
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The modules of this version are known. Where this fails after an upgrade,
// everything still works, only slower: look at which packages the CDK's Go module
// loads now, and in which order.
func TestTheStubStandsForTheModules(t *testing.T) {
	listed, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}", "../..").Output()
	require.NoError(t, err)
	info := &debug.BuildInfo{}
	modules := strings.Split(strings.TrimSpace(string(listed)), "\n")
	slices.Sort(modules)
	for _, line := range slices.Compact(modules) {
		path, version, _ := strings.Cut(line, " ")
		info.Deps = append(info.Deps, &debug.Module{Path: path, Version: version, Sum: "h1:" + path})
	}
	versions, stub := identity(info, true)
	require.Len(t, versions, len(packages))
	again, same := identity(info, true)
	assert.Equal(t, versions, again)
	assert.Equal(t, stub, same)

	at := slices.IndexFunc(info.Deps, func(module *debug.Module) bool { return strings.HasPrefix(module.Path, packages[4].module) })
	for name, change := range map[string]func(*debug.Module){
		"replaced":         func(module *debug.Module) { module.Replace = &debug.Module{Path: "../fork"} },
		"without checksum": func(module *debug.Module) { module.Sum = "" },
		"another module":   func(module *debug.Module) { module.Path = "example.com/cdk" },
	} {
		changed := *info.Deps[at]
		change(&changed)
		versions, _ := identity(&debug.BuildInfo{Deps: append(slices.Delete(slices.Clone(info.Deps), at, at+1), &changed)}, true)
		assert.Nil(t, versions, name)
	}
	changed := *info.Deps[at]
	changed.Sum = "h1:other"
	_, other := identity(&debug.BuildInfo{Deps: append(slices.Delete(slices.Clone(info.Deps), at, at+1), &changed)}, true)
	assert.NotEqual(t, stub, other)
	versions, _ = identity(nil, false)
	assert.Nil(t, versions)
}
