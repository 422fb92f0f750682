package snapshot

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	// updateFlag is the test flag that has golden files rewritten.
	updateFlag = "update"
	// updateEnv is the environment variable that does the same.
	updateEnv = "UPDATE_SNAPSHOTS"
	// hookFlag is never given by a user; see deferUpdateFlag.
	hookFlag = "snapshot.define-update"
)

func init() {
	if testing.Testing() {
		os.Args = deferUpdateFlag(flag.CommandLine, os.Args)
	}
}

// deferUpdateFlag sees to it that the command line args can be parsed if it has
// an -update flag.
//
// Defining the flag right here would be simpler, but this package is initialised
// before the test package that imports it. If that has an -update flag of its
// own, which is a common thing to have, defining it for a second time would
// panic before any test runs. The flag can be defined safely only after all
// packages have been initialised, and the one thing known to happen then, before
// the tests, is that the command line is parsed. So if there is an -update in it,
// a flag is put in front that defines -update, unless somebody did, at the time
// when it is parsed.
func deferUpdateFlag(fs *flag.FlagSet, args []string) []string {
	if len(args) == 0 || !slices.ContainsFunc(args[1:], isUpdateArg) {
		return args
	}
	fs.BoolFunc(hookFlag, "internal: defines -"+updateFlag, func(string) error {
		if fs.Lookup(updateFlag) == nil {
			fs.Bool(updateFlag, false, "rewrite the golden files")
		}
		return nil
	})
	return slices.Insert(slices.Clone(args), 1, "-"+hookFlag)
}

func isUpdateArg(arg string) bool {
	name, _, _ := strings.Cut(arg, "=")
	return name == "-"+updateFlag || name == "--"+updateFlag
}

// updating reports whether golden files are to be rewritten.
func updating() (bool, error) {
	if v := os.Getenv(updateEnv); v != "" {
		update, err := strconv.ParseBool(v)
		if err != nil {
			return false, fmt.Errorf("environment variable %s is %q, want 1 or 0", updateEnv, v)
		}
		if update {
			return true, nil
		}
	}
	return flagIsSet(flag.CommandLine), nil
}

// flagIsSet reports whether the update flag is true. The flag may be somebody
// else's and of any type, so its value is read in the form in which it would be
// written.
func flagIsSet(fs *flag.FlagSet) bool {
	f := fs.Lookup(updateFlag)
	if f == nil {
		return false
	}
	update, err := strconv.ParseBool(f.Value.String())
	return err == nil && update
}

// updateCommand returns the command that runs the test name again and rewrites
// its golden files, for use in the root of the module.
//
// It names the package, since a package without the flag would reject it.
func updateCommand(name string) string {
	elems := strings.Split(name, "/")
	for i, elem := range elems {
		// Within the quotes of a shell, a dot is the one way to match a quote.
		elems[i] = "^" + strings.ReplaceAll(regexp.QuoteMeta(elem), "'", ".") + "$"
	}
	return fmt.Sprintf("go test %s -run '%s' -%s", packagePath(), strings.Join(elems, "/"), updateFlag)
}

// packagePath returns the path of the package under test, relative to the root
// of its module. Go runs a test in the directory of its package.
func packagePath() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for root := dir; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			rel, err := filepath.Rel(root, dir)
			if err != nil || rel == "." {
				return "."
			}
			return "./" + filepath.ToSlash(rel)
		}
		if root == filepath.Dir(root) {
			return "."
		}
	}
}
