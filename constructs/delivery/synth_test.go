package delivery

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/spec"
)

// The version of the CDK's command line that pipelines know is the one that this
// repository is tested with, byte for byte.
func TestKnownCommandLine(t *testing.T) {
	text, err := os.ReadFile("../../package-lock.json")
	require.NoError(t, err)
	var lock struct {
		Packages map[string]struct{ Version, Integrity string }
	}
	require.NoError(t, json.Unmarshal(text, &lock))
	cli := lock.Packages["node_modules/aws-cdk"]
	assert.Equal(t, cli.Version, cdkVersion)
	assert.Equal(t, cli.Integrity, cdkIntegrity)
}

const (
	newerCLI  = "2.9999.0"
	goApp     = `{"build": "go build -o .bin/app .", "app": ".bin/app"}`
	appLock   = `{"name": "shop", "lockfileVersion": 3, "packages": {"": {"scripts": {"postinstall": "touch $FAKE/ran"}}, "node_modules/express": {}}}`
	appScript = `{"name": "shop", "private": true, "scripts": {"postinstall": "touch $FAKE/ran"}, "dependencies": {"express": "4"}}`
)

// synthShell has a checkout in which nothing of npm may run.
func synthShell(t *testing.T, files map[string]string) *shell {
	s := newShell(t, map[string]string{"GOFLAGS": "-buildvcs=false -modcacherw"})
	s.file("needs", "2.1147.0")
	for name, text := range files {
		s.file("source/"+name, text)
	}
	return s
}

// synthesize runs the step's commands one after the other in one shell, as
// CodeBuild does.
func (s *shell) synthesize(declared spec.Pipeline) (calls []string, output string, ok bool) {
	return s.sh(strings.Join(synthCommands(declared), " && "))
}

// Whatever a repository looks like, the synthesis installs one thing, outside of
// it, and builds the app where its go.mod is.
func TestRepositoriesThatAreSynthesized(t *testing.T) {
	app := map[string]string{"go.mod": "module shop", "go.sum": "", "cdk.json": goApp, "tinystack.yaml": "name: shop"}
	with := func(more map[string]string) map[string]string {
		all := map[string]string{}
		for name, text := range app {
			all[name] = text
		}
		for name, text := range more {
			all[name] = text
		}
		return all
	}
	in := func(folder string, files map[string]string) map[string]string {
		moved := map[string]string{}
		for name, text := range files {
			moved[folder+"/"+name] = text
		}
		return moved
	}
	for name, shape := range map[string]struct {
		files     map[string]string
		directory string
		git       bool
	}{
		"Go only":            {files: app},
		"Node with a lock":   {files: with(map[string]string{"package.json": appScript, "package-lock.json": appLock, "server.js": ""})},
		"an older CDK in it": {files: with(map[string]string{"package.json": appScript, "package-lock.json": strings.ReplaceAll(appLock, "express", "aws-cdk")})},
		"pnpm workspace": {files: with(map[string]string{"package.json": appScript, "pnpm-workspace.yaml": "packages: [services/*]", "pnpm-lock.yaml": "",
			"services/web/package.json": `{"name": "web", "dependencies": {"shared": "workspace:*"}}`})},
		"private npm package": {files: with(map[string]string{"package.json": appScript, "package-lock.json": appLock,
			".npmrc": "@acme:registry=https://npm.acme.example\n//npm.acme.example/:_authToken=${NPM_TOKEN}\n"})},
		"Python":                        {files: with(map[string]string{"pyproject.toml": "[project]\nname = \"shop\"\n", "uv.lock": "", "app/main.py": ""})},
		"monorepo with a folder for it": {files: in("infra/live", app), directory: "infra/live"},
		"two repositories":              {files: with(map[string]string{"README.md": "the application is elsewhere"}), directory: "."},
		"a submodule": {files: with(map[string]string{".gitmodules": "[submodule \"lib\"]\n\tpath = lib\n\turl = ../lib.git\n", "lib/README.md": ""}),
			git: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := synthShell(t, shape.files)
			if shape.git {
				s.file("source/.git/HEAD", "ref: refs/heads/main\n")
			}
			folder := filepath.Join("source", shape.directory)
			calls, output, ok := s.synthesize(spec.Pipeline{Directory: shape.directory})
			require.True(t, ok, output)
			inside, err := filepath.EvalSymlinks(filepath.Join(s.folder, folder))
			require.NoError(t, err)
			assert.Equal(t, []string{
				`npm ci --ignore-scripts --no-audit --no-fund {"private":true,"dependencies":{"aws-cdk":"` + cdkVersion + `"}}`,
				"cdk@" + cdkVersion + " synth --quiet --no-notices --output cdk.out",
				"go build -o .bin/app . (-buildvcs=false -modcacherw)",
				"app in " + inside,
			}, calls)
			assert.FileExists(t, filepath.Join(s.folder, folder, "cdk.out", "manifest.json"))
			assert.NoFileExists(t, filepath.Join(s.folder, "ran"))
			assert.NoDirExists(t, filepath.Join(s.folder, "source", "node_modules"))
		})
	}
}

// Where a repository cannot be synthesized the step says why, and ends.
func TestRepositoriesThatAreNot(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		env   string
		want  string
	}{
		"no cdk.json":      {map[string]string{"infra/cdk.json": goApp}, "", "pipeline.directory names the folder"},
		"no go.mod":        {map[string]string{"cdk.json": goApp}, "", "cannot find main module"},
		"the app fails":    {map[string]string{"cdk.json": `{"app": "echo wrong >&2; exit 3"}`}, "", "wrong"},
		"npm fails":        {map[string]string{"cdk.json": goApp, "go.mod": ""}, "FAIL_NPM", ""},
		"nothing to be of": {nil, "", "there is no cdk.json in"},
	} {
		t.Run(name, func(t *testing.T) {
			s := synthShell(t, test.files)
			if test.env != "" {
				s.env[test.env] = "yes"
			}
			// What an earlier build left, or somebody committed, is no answer.
			s.file("source/cdk.out/manifest.json", `{"minimumCliVersion": "`+newerCLI+`"}`)
			calls, output, ok := s.synthesize(spec.Pipeline{})
			assert.False(t, ok)
			assert.Contains(t, output, test.want)
			assert.NotContains(t, strings.Join(calls, "\n"), newerCLI)
		})
	}
	calls, _, ok := synthShell(t, nil).synthesize(spec.Pipeline{Synth: []string{"echo own >>$FAKE/log"}})
	assert.True(t, ok)
	assert.Equal(t, []string{"own"}, calls, "commands of one's own are all that runs")
}

// An upgrade of the library, or of the CDK alone, brings assemblies that the
// deployed pipeline's version of the command line does not read: by the version
// that the assembly asks for, it updates itself all the same.
func TestUpgradeOverAChangeOfTheSchema(t *testing.T) {
	s := synthShell(t, map[string]string{"cdk.json": goApp, "go.mod": ""})
	s.file("needs", newerCLI)
	calls, output, ok := s.synthesize(spec.Pipeline{})
	require.True(t, ok, output)
	assert.Contains(t, output, "the assembly asks for "+newerCLI+" of the CDK's command line, and this pipeline knows "+cdkVersion)
	installed := func(how, version string) string {
		return "npm " + how + ` --ignore-scripts --no-audit --no-fund {"private":true,"dependencies":{"aws-cdk":"` + version + `"}}`
	}
	assert.Equal(t, []string{installed("ci", cdkVersion), installed("install", newerCLI)}, callsOf("npm", calls))
	assert.Equal(t, []string{
		"cdk@" + cdkVersion + " synth --quiet --no-notices --output cdk.out",
		"cdk@" + newerCLI + " synth --quiet --no-notices --output cdk.out",
	}, callsOf("cdk", calls))

	// What the deployed pipeline updates itself with.
	s.env["TINYSTACK_ASSEMBLY"], s.env["TINYSTACK_PATH"] = "cdk.out", "shop/Pipeline"
	calls, output, ok = s.run(withCDK(updateScript))
	require.True(t, ok, output)
	assert.Equal(t, []string{installed("install", newerCLI)}, callsOf("npm", calls))
	assert.Equal(t, []string{"cdk@" + newerCLI + " --app cdk.out deploy shop/Pipeline --require-approval never --no-notices --progress events"}, callsOf("cdk", calls))

	// A review of what would change reads the same assembly.
	review := reviewShell(t, "Number of stacks with differences: 1\n")
	review.file("source/manifest.json", `{"minimumCliVersion": "`+newerCLI+`"}`)
	calls, output, ok = review.run(withCDK(reviewScript))
	require.True(t, ok, output)
	assert.Contains(t, strings.Join(calls, "\n"), "cdk@"+newerCLI+" --app . diff")

	// An assembly that names none is of an older CDK, or not one that this
	// command line cannot read.
	for _, text := range []string{`{}`, `{"minimumCliVersion": "2.1000.0"}`, `{"minimumCliVersion": "$(touch ran)"}`, `{"minimumCliVersion": "` + cdkVersion + `"}`} {
		s.file("source/cdk.out/manifest.json", text)
		calls, output, ok = s.run(withCDK(updateScript))
		assert.Equal(t, []string{installed("ci", cdkVersion)}, callsOf("npm", calls), "%s: %s", text, output)
		assert.Equal(t, !strings.Contains(text, "touch"), ok, "%s: %s", text, output)
	}
	assert.NoFileExists(t, filepath.Join(s.folder, "source", "ran"))
}

// npm itself takes the lock that a pipeline writes.
func TestTheLockIsOneThatNpmTakes(t *testing.T) {
	folder := t.TempDir()
	// The package that is asked for is not there without a network, and npm looks
	// at the lock first: a lock that it does not understand is another error.
	command := exec.Command("bash", "-c", withCDK(`install_cdk "$cdk_pinned"`))
	command.Env = append(os.Environ(), "TMPDIR="+folder, "npm_config_offline=true", "npm_config_cache="+filepath.Join(folder, "cache"))
	output, err := command.CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(output), "ENOTCACHED")
}

func callsOf(tool string, calls []string) []string {
	var found []string
	for _, call := range calls {
		if strings.HasPrefix(call, tool) {
			found = append(found, call)
		}
	}
	return found
}

// A bake of the longest duration that may be declared is watched to its end.
func TestTheLongestBakeFitsIntoABuild(t *testing.T) {
	assert.LessOrEqual(t, maxBake.Minutes()*11/10+10, longestBuild)
}
