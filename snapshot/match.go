package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Match fails the test if the template, normalised and rendered by [Render],
// differs from the content of the golden file, or if there is no such file. With
// the -update flag or UPDATE_SNAPSHOTS=1 it writes the file instead.
//
// A failure does not end the test, so a test can report on several templates.
func Match(t testing.TB, goldenPath string, template Template, opts ...Option) {
	t.Helper()
	g, ok := newGolden(t)
	if !ok {
		return
	}
	content, err := Render(template, opts...)
	if err != nil {
		t.Errorf("%s: %v", goldenPath, err)
		return
	}
	g.match(goldenPath, string(content))
}

// MatchAssembly is [Match] for every template of an assembly. The golden file of
// a stack is <stack-name>.json in goldenDir, and that of a nested stack
// <stack-name>.<logical-id>.json. Stacks that share a name, in different
// environments, have their id in the file name: <stack-name>@<id>.json.
//
// A JSON file in goldenDir that belongs to no stack fails the test as well, and
// is removed with -update. So goldenDir must hold nothing but the golden files of
// one assembly. Files with other extensions, and directories, are left alone.
func MatchAssembly(t testing.TB, goldenDir string, assembly *Assembly, opts ...Option) {
	t.Helper()
	g, ok := newGolden(t)
	if !ok {
		return
	}
	// Without this, an app that lost its stacks would match an empty directory,
	// and -update would empty a full one.
	if assembly == nil || len(assembly.Stacks) == 0 {
		t.Errorf("%s: the assembly has no stacks", goldenDir)
		return
	}

	templates, err := assembly.files()
	if err != nil {
		t.Errorf("%s: %v", goldenDir, err)
		return
	}
	for _, name := range sortedKeys(templates) {
		path := filepath.Join(goldenDir, name)
		content, err := Render(templates[name], opts...)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		g.match(path, string(content))
	}

	entries, err := os.ReadDir(goldenDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read golden files: %v", err)
		return
	}
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".json" {
			continue
		}
		if _, ok := templates[e.Name()]; ok {
			continue
		}
		g.stale(filepath.Join(goldenDir, e.Name()))
	}
}

// notInFileName matches what is replaced in the names of golden files. Names of
// stacks and logical ids have no such characters, but ids of artifacts can.
var notInFileName = regexp.MustCompile(`[^0-9A-Za-z_.@-]`)

// files returns the templates of the assembly by the names of their golden
// files.
func (a *Assembly) files() (map[string]Template, error) {
	files := make(map[string]Template)
	add := func(name string, t Template) error {
		name = notInFileName.ReplaceAllString(name, "_") + ".json"
		if _, ok := files[name]; ok {
			return fmt.Errorf("two templates would share the golden file %s", name)
		}
		files[name] = t
		return nil
	}
	names := a.uniqueNames()
	for i, s := range a.Stacks {
		if err := add(names[i], s.Template); err != nil {
			return nil, err
		}
		for _, n := range s.Nested {
			if err := add(names[i]+"."+strings.ReplaceAll(n.Path, "/", "."), n.Template); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// A golden compares content with golden files, or updates them.
type golden struct {
	t      testing.TB
	update bool
}

func newGolden(t testing.TB) (golden, bool) {
	t.Helper()
	update, err := updating()
	if err != nil {
		t.Error(err)
		return golden{}, false
	}
	return golden{t, update}, true
}

// match compares got with a golden file, and explains a difference by a diff.
func (g golden) match(path, got string) {
	g.t.Helper()
	want, ok := g.compare(path, got)
	if ok {
		return
	}
	diff := unifiedDiff(want, got, maxDiffLines)
	if diff == "" {
		diff = "(only the newline at the end of the file differs)"
	}
	g.t.Errorf("%[1]s is out of date\n\n--- %[1]s\n+++ got\n%[2]s\n\n%[3]s", path, diff, g.accept(path))
}

// compare returns the content of a golden file, and whether nothing is left to
// do: because it equals got, because it was updated, or because the test has
// failed without it.
func (g golden) compare(path, got string) (want string, ok bool) {
	g.t.Helper()
	data, err := os.ReadFile(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		g.t.Errorf("read golden file: %v", err)
		return "", true
	}
	// Version control on Windows may have changed how the lines end.
	want = strings.ReplaceAll(string(data), "\r\n", "\n")
	if !missing && want == got {
		return want, true
	}

	if g.update {
		if err := write(path, got); err != nil {
			g.t.Errorf("update golden file: %v", err)
			return "", true
		}
		g.t.Logf("updated %s", path)
		return got, true
	}
	if missing {
		g.t.Errorf("no golden file %s\n\nTo create it, run\n\n    %s\n\nthen read it and commit it.", path, updateCommand(g.t.Name()))
		return "", true
	}
	return want, false
}

// stale deals with a golden file that nothing is compared with.
func (g golden) stale(path string) {
	g.t.Helper()
	if g.update {
		if err := os.Remove(path); err != nil {
			g.t.Errorf("remove golden file: %v", err)
			return
		}
		g.t.Logf("removed %s", path)
		return
	}
	g.t.Errorf("the assembly has no stack for the golden file %s\n\nIf the stack was removed on purpose, remove the file with\n\n    %s", path, updateCommand(g.t.Name()))
}

// accept says how to make the test pass.
func (g golden) accept(path string) string {
	return fmt.Sprintf("If this is what the change was meant to do, accept it with\n\n    %s\n\nand commit %s.", updateCommand(g.t.Name()), path)
}

func write(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644)
}
