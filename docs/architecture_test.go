package docs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const modulePath = "github.com/tinystack-go/tinystack"

// room is a row of the table of packages in architecture.md.
type room struct {
	floor int // 0 is the highest
	// patterns are the packages in it: paths in this module, or folders that
	// end in "/…".
	patterns []string
	// dependsOn are the columns that say yes: CDK, AWS.
	dependsOn map[string]bool
	beside    []string // patterns of what it imports from its own floor
}

// building is what architecture.md says about the packages.
type building struct {
	floors []string
	rooms  []room
}

var (
	floorTable    = regexp.MustCompile(`(?s)<!-- floors -->\n(.*?)<!-- /floors -->`)
	importPicture = regexp.MustCompile(`(?s)<!-- imports -->\n(.*?)<!-- /imports -->`)
	quoted        = regexp.MustCompile("`([^`]+)`")
)

func readBuilding(t *testing.T, page string) building {
	t.Helper()
	table := floorTable.FindStringSubmatch(page)
	require.NotNil(t, table, "architecture.md has no table of floors")
	var b building
	for line := range strings.Lines(table[1]) {
		cells := strings.Split(strings.TrimSpace(strings.Trim(strings.TrimSpace(line), "|")), "|")
		if len(cells) < 5 || strings.HasPrefix(cells[0], "-") || strings.TrimSpace(cells[0]) == "floor" {
			continue
		}
		if name := strings.TrimSpace(cells[0]); name != "" {
			b.floors = append(b.floors, name)
		}
		r := room{floor: len(b.floors) - 1, dependsOn: map[string]bool{
			"CDK": strings.TrimSpace(cells[3]) == "yes",
			"AWS": strings.TrimSpace(cells[4]) == "yes",
		}}
		for _, found := range quoted.FindAllStringSubmatch(cells[1], -1) {
			r.patterns = append(r.patterns, found[1])
		}
		if len(cells) > 5 {
			for _, found := range quoted.FindAllStringSubmatch(cells[5], -1) {
				r.beside = append(r.beside, found[1])
			}
		}
		b.rooms = append(b.rooms, r)
	}
	return b
}

// in says whether a package is one of those that the patterns name.
func in(pkg string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		folder, all := strings.CutSuffix(pattern, "/…")
		return pattern == pkg || all && strings.HasPrefix(pkg, folder+"/")
	})
}

// room is the one that a package is in.
func (b building) room(pkg string) (room, bool) {
	for _, r := range b.rooms {
		if in(pkg, r.patterns) {
			return r, true
		}
	}
	return room{}, false
}

// goPackage is a package of this module as the go command lists it, with paths
// below the module; the one at the top is app.go.
type goPackage struct {
	path    string
	imports []string // of this module
	// dependsOn are the columns of the table whose module it depends on,
	// directly or not.
	dependsOn map[string]bool
}

// outside are the modules that not every package may depend on, by the column of
// the table that says which may.
var outside = map[string]string{
	"CDK": "github.com/aws/jsii-runtime-go",
	"AWS": "github.com/aws/aws-sdk-go-v2",
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	readSources(t)
	command := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...")
	command.Dir = ".."
	out, err := command.Output()
	require.NoError(t, err)
	short := func(path string) (string, bool) {
		if path == modulePath {
			return "app.go", true
		}
		return strings.CutPrefix(path, modulePath+"/")
	}
	var packages []goPackage
	for listed := json.NewDecoder(strings.NewReader(string(out))); ; {
		var entry struct {
			ImportPath    string
			Imports, Deps []string
		}
		err := listed.Decode(&entry)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		var p goPackage
		p.path, _ = short(entry.ImportPath)
		for _, imported := range entry.Imports {
			if own, ok := short(imported); ok {
				p.imports = append(p.imports, own)
			}
		}
		p.dependsOn = map[string]bool{}
		for column, module := range outside {
			p.dependsOn[column] = slices.ContainsFunc(entry.Deps, func(dep string) bool { return strings.HasPrefix(dep, module) })
		}
		packages = append(packages, p)
	}
	require.Greater(t, len(packages), 30)
	return packages
}

// readSources reads every source, because Go reuses the result of a test whose
// own reads found nothing new, and does not see what another process read for it.
func readSources(t *testing.T) {
	t.Helper()
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "node_modules":
			return fs.SkipDir
		case strings.HasSuffix(path, ".go"), entry.Name() == "go.mod":
			_, err = os.ReadFile(path)
		}
		return err
	}))
}

// The table of packages is the law: what it does not allow is not imported.
func TestPackagesImportOnlyWhatIsBelowThem(t *testing.T) {
	page, err := os.ReadFile("architecture.md")
	require.NoError(t, err)
	b := readBuilding(t, string(page))
	used := map[string]bool{} // patterns, and permissions of the first of a room
	for _, p := range listPackages(t) {
		from, ok := b.room(p.path)
		if !assert.True(t, ok, "%s has no place in the table of docs/architecture.md: say on which floor it is", p.path) {
			continue
		}
		for _, pattern := range from.patterns {
			used[pattern] = used[pattern] || in(p.path, []string{pattern})
		}
		for column, module := range outside {
			permission := from.patterns[0] + " " + column
			used[permission] = used[permission] || p.dependsOn[column]
			assert.False(t, p.dependsOn[column] && !from.dependsOn[column], "%s depends on %s, which docs/architecture.md does not allow it", p.path, module)
		}
		for _, imported := range p.imports {
			to, ok := b.room(imported)
			if !ok {
				continue // said above
			}
			switch {
			case to.floor == from.floor:
				assert.True(t, in(imported, from.beside), "%s imports %s from its own floor, %s, which docs/architecture.md does not allow it", p.path, imported, b.floors[from.floor])
			case b.floors[to.floor] == "tests":
				assert.Fail(t, "a package for tests only", "%s imports %s", p.path, imported)
			case b.floors[from.floor] != "tests":
				assert.Greater(t, to.floor, from.floor, "%s (floor %s) imports %s (floor %s), which is above it", p.path, b.floors[from.floor], imported, b.floors[to.floor])
			}
		}
	}
	for _, r := range b.rooms {
		for _, pattern := range r.patterns {
			assert.True(t, used[pattern], "docs/architecture.md names %s, which is not there", pattern)
		}
		for column := range outside {
			assert.Equal(t, r.dependsOn[column], used[r.patterns[0]+" "+column], "column %s of %s: what it allows is not needed", column, r.patterns[0])
		}
	}
}

func TestPictureOfThePackages(t *testing.T) {
	have, err := os.ReadFile("architecture.md")
	require.NoError(t, err)
	b := readBuilding(t, string(have))
	picture := "<!-- imports -->\n```mermaid\n" + draw(b, listPackages(t)) + "```\n<!-- /imports -->"
	want := importPicture.ReplaceAllLiteral(have, []byte(picture))
	require.Contains(t, string(want), picture, "architecture.md has no place for the picture")
	settle(t, "architecture.md", have, want)
}

// draw makes a picture of the floors, with an arrow from each box to what it
// imports that is not reached another way. The folders of a pattern are one box,
// and what only tests use is left out.
func draw(b building, packages []goPackage) string {
	boxes := map[string][]string{} // what each imports, by name
	floor := map[string]int{}
	box := func(pkg string) string {
		r, ok := b.room(pkg)
		if !ok || b.floors[r.floor] == "tests" {
			return ""
		}
		for _, pattern := range r.patterns {
			if in(pkg, []string{pattern}) {
				floor[pattern] = r.floor
				return pattern
			}
		}
		return ""
	}
	for _, p := range packages {
		from := box(p.path)
		if from == "" {
			continue
		}
		if _, known := boxes[from]; !known {
			boxes[from] = nil // one that imports nothing is drawn as well
		}
		for _, imported := range p.imports {
			if to := box(imported); to != "" && to != from && !slices.Contains(boxes[from], to) {
				boxes[from] = append(boxes[from], to)
			}
		}
	}
	var picture strings.Builder
	picture.WriteString("flowchart TB\n")
	for i, name := range b.floors {
		var inside []string
		for _, pattern := range slices.Sorted(maps.Keys(boxes)) {
			if floor[pattern] == i {
				inside = append(inside, pattern)
			}
		}
		if len(inside) == 0 {
			continue
		}
		fmt.Fprintf(&picture, "  subgraph floor%d[%s]\n", i, name)
		for _, pattern := range inside {
			fmt.Fprintf(&picture, "    %s[%s]\n", identifier(pattern), strings.TrimPrefix(pattern, "internal/"))
		}
		picture.WriteString("  end\n")
	}
	for _, from := range slices.Sorted(maps.Keys(boxes)) {
		for _, to := range slices.Sorted(slices.Values(boxes[from])) {
			if !reachedAnotherWay(boxes, from, to) {
				fmt.Fprintf(&picture, "  %s --> %s\n", identifier(from), identifier(to))
			}
		}
	}
	return picture.String()
}

// reachedAnotherWay says whether something else that a box imports leads to the
// same place. Imports have no cycles.
func reachedAnotherWay(boxes map[string][]string, from, to string) bool {
	var reaches func(at string) bool
	reaches = func(at string) bool {
		return at == to || slices.ContainsFunc(boxes[at], reaches)
	}
	return slices.ContainsFunc(boxes[from], func(other string) bool { return other != to && reaches(other) })
}

func identifier(pattern string) string {
	return regexp.MustCompile(`[^a-z0-9]`).ReplaceAllString(path.Clean(strings.TrimSuffix(pattern, "/…")), "_")
}
