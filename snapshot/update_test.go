package snapshot

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func newFlagSet() *flag.FlagSet {
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Bool("other", false, "")
	return fs
}

// The package under test is initialised after this one, and the command line is
// parsed after both.
func TestDeferUpdateFlag(t *testing.T) {
	tests := []struct {
		args []string
		want bool
	}{
		{[]string{"x.test", "-other"}, false},
		{[]string{"x.test", "-update"}, true},
		{[]string{"x.test", "-other", "--update", "-other=false"}, true},
		{[]string{"x.test", "-update=true"}, true},
		{[]string{"x.test", "-update=false"}, false},
		{[]string{"x.test", "arg", "-update"}, false},
		{[]string{"x.test"}, false},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args[1:], " "), func(t *testing.T) {
			before := append([]string(nil), tt.args...)

			fs := newFlagSet()
			if err := fs.Parse(deferUpdateFlag(fs, tt.args)[1:]); err != nil {
				t.Errorf("without a flag of the package: %v", err)
			}
			if got := flagIsSet(fs); got != tt.want {
				t.Errorf("without a flag of the package: got %v, want %v", got, tt.want)
			}

			fs = newFlagSet()
			args := deferUpdateFlag(fs, tt.args)
			theirs := fs.Bool("update", false, "") // Panics if it is there already.
			if err := fs.Parse(args[1:]); err != nil {
				t.Errorf("with a flag of the package: %v", err)
			}
			if flagIsSet(fs) != tt.want || *theirs != tt.want {
				t.Errorf("with a flag of the package: got %v and %v, want %v", flagIsSet(fs), *theirs, tt.want)
			}

			// A package that was initialised earlier may have one too.
			fs = newFlagSet()
			theirs = fs.Bool("update", false, "")
			if err := fs.Parse(deferUpdateFlag(fs, tt.args)[1:]); err != nil {
				t.Errorf("with a flag of another package: %v", err)
			}
			if flagIsSet(fs) != tt.want || *theirs != tt.want {
				t.Errorf("with a flag of another package: got %v and %v, want %v", flagIsSet(fs), *theirs, tt.want)
			}

			if !reflect.DeepEqual(tt.args, before) {
				t.Errorf("the arguments have become %q", tt.args)
			}
		})
	}

	if got := deferUpdateFlag(newFlagSet(), nil); got != nil {
		t.Errorf("no arguments: got %q", got)
	}
	// Other flags that are not known are still errors.
	fs := newFlagSet()
	if err := fs.Parse(deferUpdateFlag(fs, []string{"x.test", "-updated"})[1:]); err == nil {
		t.Error("-updated was accepted")
	}
}

func TestFlagIsSetToSomethingElse(t *testing.T) {
	fs := newFlagSet()
	fs.String("update", "", "what to update")
	for value, want := range map[string]bool{"": false, "all": false, "true": true} {
		if err := fs.Set("update", value); err != nil {
			t.Fatal(err)
		}
		if got := flagIsSet(fs); got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
}

// helperEnv has TestHelperUpdating report to TestUpdating.
const helperEnv = "SNAPSHOT_TEST_HELPER"

// TestUpdating runs the test binary, whose command line nothing but the package
// itself prepares.
func TestUpdating(t *testing.T) {
	tests := []struct {
		arg, env string
		want     string
	}{
		{"", "", "false"},
		{"-update", "", "true"},
		{"--update=true", "", "true"},
		{"-update=false", "", "false"},
		{"", "1", "true"},
		{"", "0", "false"},
		{"-update", "0", "true"},
		{"", "x", "false environment variable"},
		{"-no-such-flag", "", "flag provided but not defined"},
	}
	for _, tt := range tests {
		cmd := exec.Command(os.Args[0], "-test.run=^TestHelperUpdating$")
		if tt.arg != "" {
			cmd.Args = append(cmd.Args, tt.arg)
		}
		cmd.Env = append(os.Environ(), helperEnv+"=1", updateEnv+"="+tt.env)
		// Only the flag that is not defined makes it fail, and its output says so.
		out, err := cmd.CombinedOutput()
		if failed := tt.arg == "-no-such-flag"; (err != nil) != failed {
			t.Errorf("%q, %q: %v", tt.arg, tt.env, err)
		}
		if !strings.HasPrefix(string(out), tt.want) {
			t.Errorf("%q, %q: got %q, want %q", tt.arg, tt.env, out, tt.want)
		}
	}
}

func TestHelperUpdating(t *testing.T) {
	if os.Getenv(helperEnv) == "" {
		t.Skip("run by TestUpdating")
	}
	update, err := updating()
	fmt.Println(update, err)
}

func TestUpdateCommand(t *testing.T) {
	for name, want := range map[string]string{
		"TestShop":        `go test ./snapshot -run '^TestShop$' -update`,
		"TestShop/a+b/#1": `go test ./snapshot -run '^TestShop$/^a\+b$/^#1$' -update`,
		"TestShop/it's":   `go test ./snapshot -run '^TestShop$/^it.s$' -update`,
	} {
		if got := updateCommand(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestPackagePath(t *testing.T) {
	root := t.TempDir()
	writeFiles(t, root, map[string]string{"go.mod": "module example.com/m\n"})
	deep := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{root: ".", deep: "./a/b"} {
		t.Chdir(dir)
		if got := packagePath(); got != want {
			t.Errorf("%s: got %s, want %s", dir, got, want)
		}
	}
}
