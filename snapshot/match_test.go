package snapshot

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// recorder is a testing.TB that records failures instead of failing. The methods
// it does not have panic, so a test would notice the use of another.
type recorder struct {
	testing.TB
	name   string
	errors []string
	logs   []string
}

func (r *recorder) Helper()           {}
func (r *recorder) Name() string      { return r.name }
func (r *recorder) Error(args ...any) { r.errors = append(r.errors, fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Logf(format string, args ...any) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

// record runs f, with or without golden files being updated, and returns what it
// reports.
func record(t *testing.T, update bool, f func(tb testing.TB)) *recorder {
	t.Helper()
	setUpdate(t, update)
	r := &recorder{name: "TestStack/in 'EU' (1)"}
	f(r)
	return r
}

// setUpdate sets for the rest of the test whether golden files are updated, also
// when this package's own golden files are.
func setUpdate(t *testing.T, update bool) {
	t.Helper()
	if f := flag.Lookup(updateFlag); f != nil {
		old := f.Value.String()
		if err := f.Value.Set("false"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := f.Value.Set(old); err != nil {
				t.Error(err)
			}
		})
	}
	t.Setenv(updateEnv, fmt.Sprint(update))
}

// The update command for the test that the recorder has the name of.
const wantCommand = `go test ./snapshot -run '^TestStack$/^in .EU. \(1\)$' -update`

func (r *recorder) passed(t *testing.T) {
	t.Helper()
	if len(r.errors) > 0 {
		t.Errorf("failed:\n%s", strings.Join(r.errors, "\n"))
	}
}

// failed checks that there is one failure, and that it contains all of want.
func (r *recorder) failed(t *testing.T, want ...string) {
	t.Helper()
	if len(r.errors) != 1 {
		t.Fatalf("got %d failures, want 1:\n%s", len(r.errors), strings.Join(r.errors, "\n"))
	}
	for _, w := range want {
		if !strings.Contains(r.errors[0], w) {
			t.Errorf("failure is\n%s\nwhich has no %q", r.errors[0], w)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func fileNames(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestMatch(t *testing.T) {
	golden := filepath.Join(t.TempDir(), "new", "golden.json")
	match := func(tmpl Template, opts ...Option) func(testing.TB) {
		return func(tb testing.TB) { Match(tb, golden, tmpl, opts...) }
	}
	queue := func(name string) Template {
		return Template{"Resources": map[string]any{"Queue": map[string]any{
			"Type":       "AWS::SQS::Queue",
			"Properties": map[string]any{"QueueName": name, "RedrivePolicy": "{\"maxReceiveCount\":3}"},
		}}}
	}
	const content = `{
 "Resources": {
  "Queue": {
   "Properties": {
    "QueueName": "orders",
    "RedrivePolicy": {
     "Fn::ParsedJson": {
      "maxReceiveCount": 3
     }
    }
   },
   "Type": "AWS::SQS::Queue"
  }
 }
}
`

	// Nothing is written unless asked for.
	record(t, false, match(queue("orders"))).failed(t, "no golden file "+golden, wantCommand)
	if _, err := os.Stat(filepath.Dir(golden)); !os.IsNotExist(err) {
		t.Errorf("a missing golden file was created: %v", err)
	}

	r := record(t, true, match(queue("orders")))
	r.passed(t)
	if want := []string{"updated " + golden}; !reflect.DeepEqual(r.logs, want) {
		t.Errorf("logs: got %q, want %q", r.logs, want)
	}
	if got := readFile(t, golden); got != content {
		t.Errorf("golden file:\n%s\nwant\n%s", got, content)
	}

	record(t, false, match(queue("orders"))).passed(t)

	// What is up to date is not reported as updated.
	if r := record(t, true, match(queue("orders"))); len(r.logs) > 0 {
		t.Errorf("logs of an update of nothing: %q", r.logs)
	}

	record(t, false, match(queue("returns"))).failed(t,
		golden+" is out of date",
		"--- "+golden+"\n+++ got\n@@ -2,7 +2,7 @@ Resources.Queue.Properties\n",
		"\n    \"Properties\": {\n-    \"QueueName\": \"orders\",\n+    \"QueueName\": \"returns\",\n",
		wantCommand,
		"commit "+golden,
	)
	if got := readFile(t, golden); got != content {
		t.Errorf("the failure has changed the golden file to\n%s", got)
	}

	record(t, false, match(queue("returns"), Replace(regexp.MustCompile("returns"), "orders"))).passed(t)

	record(t, true, match(queue("returns"))).passed(t)
	record(t, false, match(queue("returns"))).passed(t)
	record(t, false, match(queue("orders"))).failed(t, "-    \"QueueName\": \"returns\",")
}

func TestMatchLineEndings(t *testing.T) {
	dir := t.TempDir()
	golden := filepath.Join(dir, "golden.json")
	match := func(tb testing.TB) { Match(tb, golden, Template{"a": 1}) }

	writeFiles(t, dir, map[string]string{"golden.json": "{\r\n \"a\": 1\r\n}\r\n"})
	record(t, false, match).passed(t)

	writeFiles(t, dir, map[string]string{"golden.json": "{\n \"a\": 1\n}"})
	record(t, false, match).failed(t, "only the newline at the end of the file differs")
}

func TestMatchLongDiff(t *testing.T) {
	golden := filepath.Join(t.TempDir(), "golden.json")
	numbered := func(from int) Template {
		tmpl := Template{}
		for i := from; i < from+500; i++ {
			tmpl[fmt.Sprintf("Key%d", i)] = i
		}
		return tmpl
	}
	record(t, true, func(tb testing.TB) { Match(tb, golden, numbered(1000)) }).passed(t)
	r := record(t, false, func(tb testing.TB) { Match(tb, golden, numbered(2000)) })
	r.failed(t, "- \"Key1000\": 1000,", "more lines of diff", wantCommand)
	if n := strings.Count(r.errors[0], "\n"); n > maxDiffLines+15 {
		t.Errorf("the failure has %d lines", n)
	}
}

func TestMatchErrors(t *testing.T) {
	dir := t.TempDir()
	golden := filepath.Join(dir, "golden.json")
	for _, update := range []bool{false, true} {
		record(t, update, func(tb testing.TB) { Match(tb, golden, nil) }).failed(t, golden+": snapshot: template is nil")
		record(t, update, func(tb testing.TB) { Match(tb, dir, Template{}) }).failed(t, "read golden file: ")
	}
	if names := fileNames(t, dir); len(names) > 0 {
		t.Errorf("got files %v", names)
	}

	writeFiles(t, dir, map[string]string{"file": ""})
	record(t, true, func(tb testing.TB) { Match(tb, filepath.Join(dir, "file", "golden.json"), Template{}) }).
		failed(t, "golden file: ")

	// A value that says neither yes nor no is no reason to guess.
	setUpdate(t, false)
	t.Setenv(updateEnv, "maybe")
	for name, f := range map[string]func(testing.TB){
		"Match":           func(tb testing.TB) { Match(tb, golden, Template{}) },
		"MatchAssembly":   func(tb testing.TB) { MatchAssembly(tb, dir, loadTestdata(t)) },
		"MatchLogicalIDs": func(tb testing.TB) { MatchLogicalIDs(tb, golden, loadTestdata(t)) },
	} {
		r := &recorder{}
		f(r)
		if len(r.errors) != 1 || r.errors[0] != `environment variable UPDATE_SNAPSHOTS is "maybe", want 1 or 0` {
			t.Errorf("%s: got failures %q", name, r.errors)
		}
	}
}

// The golden files of the assembly in testdata, which show what the package
// makes of one.
func TestMatchAssembly(t *testing.T) {
	MatchAssembly(t, filepath.Join("testdata", "golden"), loadTestdata(t))
}

func TestMatchAssemblyFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "golden")
	a := loadTestdata(t)
	match := func(tb testing.TB) { MatchAssembly(tb, dir, a) }
	want := []string{
		"Prod-Shop.json",
		"Shop.Search.Deeper.json",
		"Shop.Search.json",
		"Shop.json",
		"network@Network.json",
		"network@ProdNetwork5E6F7A8B.json",
	}

	r := record(t, false, match)
	if len(r.errors) != len(want) {
		t.Errorf("got %d failures, want one for each of %d files", len(r.errors), len(want))
	}
	for i, e := range r.errors {
		if !strings.HasPrefix(e, "no golden file "+filepath.Join(dir, want[i])+"\n") {
			t.Errorf("failure %d is\n%s\nwant one about %s", i, e, want[i])
		}
	}

	record(t, true, match).passed(t)
	if got := fileNames(t, dir); !reflect.DeepEqual(got, want) {
		t.Errorf("got files %v, want %v", got, want)
	}
	record(t, false, match).passed(t)

	// A change in any of the templates fails, also in those of nested stacks.
	for _, change := range []struct {
		resources any
		file      string
	}{
		{a.Stacks[0].Template["Resources"], "Prod-Shop.json"},
		{a.Stacks[1].Nested[1].Template["Resources"], "Shop.Search.Deeper.json"},
	} {
		resources := change.resources.(map[string]any)
		resources["Extra"] = map[string]any{"Type": "AWS::SQS::Queue"}
		record(t, false, match).failed(t, filepath.Join(dir, change.file)+" is out of date", "+  \"Extra\": {")
		delete(resources, "Extra")
	}
}

func TestMatchAssemblyStaleFiles(t *testing.T) {
	dir := t.TempDir()
	a := &Assembly{Stacks: []*Stack{{ID: "A", Name: "a", Template: Template{}}}}
	match := func(tb testing.TB) { MatchAssembly(tb, dir, a) }
	record(t, true, match).passed(t)

	writeFiles(t, dir, map[string]string{"old.json": "{}", "ids.txt": ""})
	if err := os.Mkdir(filepath.Join(dir, "other.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(dir, "old.json")
	record(t, false, match).failed(t, "the assembly has no stack for the golden file "+old, wantCommand)
	if got, want := fileNames(t, dir), []string{"a.json", "ids.txt", "old.json", "other.json"}; !reflect.DeepEqual(got, want) {
		t.Errorf("after the failure: got files %v, want %v", got, want)
	}

	r := record(t, true, match)
	r.passed(t)
	if want := []string{"removed " + old}; !reflect.DeepEqual(r.logs, want) {
		t.Errorf("logs: got %q, want %q", r.logs, want)
	}
	if got, want := fileNames(t, dir), []string{"a.json", "ids.txt", "other.json"}; !reflect.DeepEqual(got, want) {
		t.Errorf("after the update: got files %v, want %v", got, want)
	}
	record(t, false, match).passed(t)
}

func TestMatchAssemblyErrors(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"precious.json": "{}"})
	for _, update := range []bool{false, true} {
		for _, a := range []*Assembly{nil, {}} {
			record(t, update, func(tb testing.TB) { MatchAssembly(tb, dir, a) }).failed(t, "the assembly has no stacks")
		}
		twins := &Assembly{Stacks: []*Stack{
			{ID: "A", Name: "a", Template: Template{}},
			{ID: "A", Name: "a", Template: Template{}},
		}}
		record(t, update, func(tb testing.TB) { MatchAssembly(tb, dir, twins) }).failed(t, "two templates would share the golden file a@A.json")
	}
	if got, want := fileNames(t, dir), []string{"precious.json"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got files %v, want %v", got, want)
	}

	// One template that cannot be rendered does not hide the others.
	broken := &Assembly{Stacks: []*Stack{
		{ID: "A", Name: "a", Template: nil},
		{ID: "B", Name: "b:1", Template: Template{}},
	}}
	r := record(t, false, func(tb testing.TB) { MatchAssembly(tb, t.TempDir(), broken) })
	if len(r.errors) != 2 || !strings.Contains(r.errors[0], "a.json: snapshot: template is nil") || !strings.Contains(r.errors[1], "b_1.json") {
		t.Errorf("got failures %q", r.errors)
	}
}
