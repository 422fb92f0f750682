// Package repository_test holds the repository to rules that no compiler knows.
package repository_test

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
	"golang.org/x/mod/modfile"
)

const root = "../.."

// made are the folders that are made, and not part of the repository.
var made = []string{".git", ".bin", "cdk.out", "dist", "node_modules"}

// files are the files of the repository whose path ends in one of the suffixes,
// and folders all its folders, relative to the root.
func files(t *testing.T, suffixes ...string) (files, folders []string) {
	t.Helper()
	require.NoError(t, fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(made, entry.Name()):
			return fs.SkipDir
		case entry.IsDir():
			folders = append(folders, path)
		case slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(path, suffix) }):
			files = append(files, path)
		}
		return nil
	}))
	return files, folders
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(text)
}

// A folder that is named after nothing gathers everything.
func TestFoldersAreNamedAfterWhatTheyHold(t *testing.T) {
	_, folders := files(t)
	require.Greater(t, len(folders), 30)
	for _, folder := range folders {
		name := filepath.Base(folder)
		assert.False(t, slices.Contains([]string{"util", "utils", "common", "helpers", "misc", "shared"}, name), "%s says nothing about what is in it", folder)
	}
}

// Each package says once what it is for, where go doc and editors show it: in
// the one file that a reader opens first.
func TestEachPackageHasOneComment(t *testing.T) {
	sources, _ := files(t, ".go")
	comments := map[string]int{} // how many files have one, by folder
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		folder := filepath.Dir(source)
		comments[folder] += 0 // a folder without any is seen as well
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, source), nil, parser.PackageClauseOnly|parser.ParseComments)
		require.NoError(t, err)
		if file.Doc == nil {
			continue
		}
		comments[folder]++
		opening := "Package " + file.Name.Name + " "
		if file.Name.Name == "main" {
			folder := filepath.Base(folder)
			opening = "Command |This example |" + strings.ToUpper(folder[:1]) + folder[1:] + " "
		}
		assert.Regexp(t, "^("+opening+")", file.Doc.Text(), source)
	}
	require.Greater(t, len(comments), 30)
	for folder, found := range comments {
		assert.Equal(t, 1, found, "package comments in %s", folder)
	}
}

func goMod(t *testing.T) *modfile.File {
	t.Helper()
	parsed, err := modfile.Parse("go.mod", []byte(read(t, "go.mod")), nil)
	require.NoError(t, err)
	return parsed
}

// Whoever requires this module builds it without our replacements: with one we
// would test what nobody gets, and `go install …@latest` refuses to work at all.
func TestTheModuleReplacesNothing(t *testing.T) {
	m := goMod(t)
	assert.Empty(t, m.Replace)
	assert.Empty(t, m.Exclude)
	assert.Nil(t, m.Toolchain, "the Go that builds a user's app is the user's choice")
}

var (
	// pinned is an action at one commit, with the version it is for people.
	pinned = regexp.MustCompile(`^\s*(?:- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	// tool is a Go program that a workflow runs or installs.
	tool = regexp.MustCompile(`go (?:run|install) \S+@(\S+)`)
)

// workflow is a workflow of GitHub Actions, as far as it matters here.
type workflow struct {
	Permissions map[string]string `yaml:"permissions"`
	Jobs        map[string]struct {
		TimeoutMinutes int `yaml:"timeout-minutes"`
		Strategy       struct {
			Matrix struct {
				Node []string `yaml:"node"`
			} `yaml:"matrix"`
		} `yaml:"strategy"`
		Steps []struct {
			Uses string         `yaml:"uses"`
			With map[string]any `yaml:"with"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	found := map[string]workflow{}
	paths, _ := files(t, ".yml")
	for _, path := range paths {
		if filepath.ToSlash(filepath.Dir(path)) != ".github/workflows" {
			continue
		}
		var parsed workflow
		require.NoError(t, yaml.Unmarshal([]byte(read(t, path)), &parsed), path)
		found[path] = parsed
	}
	require.NotEmpty(t, found)
	return found
}

// A tag can be moved to other code, a commit cannot.
func TestWorkflowsRunOnlyWhatIsPinned(t *testing.T) {
	actions := 0
	for path := range workflows(t) {
		for line := range strings.Lines(read(t, path)) {
			line = strings.TrimSuffix(line, "\n")
			if strings.Contains(line, "uses:") {
				actions++
				assert.Regexp(t, pinned, line, path)
			}
			for _, found := range tool.FindAllStringSubmatch(line, -1) {
				assert.Regexp(t, `^v\d+\.\d+\.\d+$`, found[1], "%s: %s", path, line)
			}
		}
	}
	assert.Greater(t, actions, 5)
}

// What a workflow may do is said by the job that needs it, and a token is never
// left for the steps after the checkout.
func TestWorkflowsMayDoLittle(t *testing.T) {
	for path, workflow := range workflows(t) {
		assert.Equal(t, map[string]string{"contents": "read"}, workflow.Permissions, "permissions of %s", path)
		for name, job := range workflow.Jobs {
			assert.Positive(t, job.TimeoutMinutes, "%s, job %s: timeout-minutes", path, name)
			for _, step := range job.Steps {
				if strings.HasPrefix(step.Uses, "actions/checkout@") {
					assert.Equal(t, false, step.With["persist-credentials"], "%s, job %s: persist-credentials", path, name)
				}
			}
		}
	}
}

// The newest patch of the Go that go.mod asks for: its minor version is what we
// promise, and a patch may close a hole.
func TestWorkflowsUseTheGoOfTheModule(t *testing.T) {
	minor := strings.Join(strings.Split(goMod(t).Go.Version, ".")[:2], ".")
	seen := 0
	for path, workflow := range workflows(t) {
		for name, job := range workflow.Jobs {
			for _, step := range job.Steps {
				if strings.HasPrefix(step.Uses, "actions/setup-go@") {
					seen++
					assert.Equal(t, minor+".x", step.With["go-version"], "%s, job %s: go-version", path, name)
				}
			}
		}
	}
	assert.Positive(t, seen)
}

// The table of supported versions is what is really asked for and tested.
func TestSupportedVersions(t *testing.T) {
	rows := map[string]string{} // the versions, by the first column
	for line := range strings.Lines(read(t, "docs/stability.md")) {
		if cells := strings.Split(line, " | "); len(cells) == 3 {
			rows[strings.TrimPrefix(cells[0], "| ")] = cells[1] + " | " + cells[2]
		}
	}
	m := goMod(t)
	assert.Contains(t, rows["Go"], strings.Join(strings.Split(m.Go.Version, ".")[:2], ".")+" or later")
	for _, required := range m.Require {
		if required.Mod.Path == "github.com/aws/aws-cdk-go/awscdk/v2" {
			assert.Contains(t, rows["AWS CDK (`awscdk/v2`)"], strings.TrimPrefix(required.Mod.Version, "v")+" or later")
		}
	}
	var npm struct{ DevDependencies map[string]string }
	require.NoError(t, json.Unmarshal([]byte(read(t, "package.json")), &npm))
	assert.Contains(t, rows["CDK CLI (`aws-cdk`)"], npm.DevDependencies["aws-cdk"]+" or later")

	versions := workflows(t)[".github/workflows/ci.yml"].Jobs["everything"].Strategy.Matrix.Node
	require.NotEmpty(t, versions)
	assert.Contains(t, rows["Node"], versions[0]+" or later")
	assert.Contains(t, rows["Node"], "tested with "+strings.Join(versions, " and "))
	for _, page := range []string{"README.md", "CONTRIBUTING.md"} {
		assert.Contains(t, read(t, page), "Node "+versions[0]+" or later", page)
	}
}

var (
	// fence is a block of code, whose content is no Markdown.
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	// dropped is what an anchor leaves out of its heading.
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the parts of a page that a link can lead to, as GitHub names them.
func anchors(text string) map[string]bool {
	names := map[string]bool{}
	for _, found := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		words := link.ReplaceAllString(found[1], "]")
		name := dropped.ReplaceAllString(strings.ToLower(words), "")
		names[strings.ReplaceAll(name, " ", "-")] = true
	}
	return names
}

func TestLinksLeadSomewhere(t *testing.T) {
	pages, _ := files(t, ".md")
	links := 0
	for _, page := range pages {
		for _, found := range link.FindAllStringSubmatch(fence.ReplaceAllString(read(t, page), ""), -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			links++
			path := page
			if target != "" {
				path = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(filepath.Join(root, path)); !assert.NoError(t, err, "%s links to %s", page, found[1]) {
				continue
			}
			if anchor != "" && strings.HasSuffix(path, ".md") {
				assert.True(t, anchors(read(t, path))[anchor], "%s links to %s, a heading that is not there", page, found[1])
			}
		}
	}
	assert.Greater(t, links, 100)
}

// Packages that have rooms say in their documentation which, and every file is in one.
func TestEveryFileIsInARoomOfItsPackage(t *testing.T) {
	withRooms := 0
	docs, _ := files(t, "/doc.go")
	for _, doc := range docs {
		_, section, ok := strings.Cut(read(t, doc), "\n// # Rooms\n")
		if !ok {
			continue
		}
		withRooms++
		section, _, _ = strings.Cut(section, "\n// # ")
		listed := map[string]bool{}
		for _, row := range regexp.MustCompile(`(?m)^//\t([a-z]+) +\S`).FindAllStringSubmatch(section, -1) {
			listed[row[1]] = false
		}
		found, err := filepath.Glob(filepath.Join(root, filepath.Dir(doc), "*.go"))
		require.NoError(t, err)
		for _, file := range found {
			name := strings.TrimSuffix(filepath.Base(file), ".go")
			if name == "doc" || strings.HasSuffix(name, "_test") {
				continue
			}
			room, _, _ := strings.Cut(name, "_")
			_, known := listed[room]
			assert.True(t, known, "%s is in no room of %s", file, doc)
			listed[room] = true
		}
		for room, used := range listed {
			assert.True(t, used, "%s: the room %s is empty", doc, room)
		}
	}
	assert.GreaterOrEqual(t, withRooms, 2)
}

// make synth deletes what it overwrites: only what is a cloud assembly, or nothing.
func TestMakeDeletesOnlyCloudAssemblies(t *testing.T) {
	for name, test := range map[string]struct {
		files []string
		takes bool
	}{
		"none":           {nil, true},
		"out/":           {[]string{"out/"}, true},
		"an assembly":    {[]string{"out/", "out/cdk.out", "out/manifest.json"}, true},
		"sources":        {[]string{"out/", "out/main.go"}, false},
		"another's":      {[]string{"out/", "out/manifest.json"}, false},
		"hidden":         {[]string{"out/", "out/.git"}, false},
		"a file":         {[]string{"out"}, false},
		"beside it":      {[]string{"out.partial/", "out.partial/thesis.tex"}, false},
		"an aborted one": {[]string{"out.partial/", "out.partial/cdk.out"}, true},
	} {
		dir := filepath.Join(t.TempDir(), "with space")
		require.NoError(t, os.Mkdir(dir, 0o755))
		for _, file := range test.files {
			if folder, ok := strings.CutSuffix(file, "/"); ok {
				require.NoError(t, os.Mkdir(filepath.Join(dir, folder), 0o755))
			} else {
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), nil, 0o644))
			}
		}
		make := exec.Command("make", "--no-print-directory", "out", "OUT="+filepath.Join(dir, "out"))
		make.Dir = root
		output, err := make.CombinedOutput()
		if test.takes {
			assert.NoError(t, err, "%s: %s", name, output)
		} else {
			assert.Error(t, err, name)
			assert.Contains(t, string(output), "is not a cloud assembly", name)
		}
	}
}
