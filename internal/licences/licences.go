// Package licences says under which licences the modules are that a program of
// this repository is linked from, for the notices that go with a published
// binary and for a test of what may be depended on.
package licences

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// Module is a module and the texts that its licence asks to be handed on.
type Module struct {
	Path    string
	Version string
	// Licences are the SPDX identifiers of all licences that are found in its
	// files, sorted.
	Licences []string
	// Texts are the contents of its licence and notice files, in the order of
	// their names.
	Texts []string
}

// Of lists the modules that a pattern of packages, such as ./cmd/tinystack, is
// built from on some operating systems, sorted by path, without this module
// itself; with tests also those that only tests are built from. The modules have
// to be in the module cache.
func Of(pattern string, tests bool, systems ...string) ([]Module, error) {
	folders := map[string]string{} // by path@version
	for _, system := range systems {
		if err := list(folders, pattern, tests, system); err != nil {
			return nil, fmt.Errorf("go list %s for %s: %w", pattern, system, err)
		}
	}
	var modules []Module
	for name, folder := range folders {
		module, err := read(folder)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		module.Path, module.Version, _ = strings.Cut(name, "@")
		modules = append(modules, module)
	}
	slices.SortFunc(modules, func(a, b Module) int { return strings.Compare(a.Path, b.Path) })
	return modules, nil
}

// list adds the folders in the module cache of the modules that a pattern is
// built from on a system.
func list(folders map[string]string, pattern string, tests bool, system string) error {
	command := exec.Command("go", "list", "-deps", "-json=Module", fmt.Sprintf("-test=%t", tests), pattern)
	command.Env = append(os.Environ(), "GOOS="+system)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return err
	}
	for listed := json.NewDecoder(bytes.NewReader(out)); ; {
		var entry struct {
			Module *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := listed.Decode(&entry); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if m := entry.Module; m != nil && !m.Main {
			folders[m.Path+"@"+m.Version] = m.Dir
		}
	}
}

// read takes the licence and notice files at the top of a module. A file that
// calls itself a licence and in which none is recognised is an error: somebody
// has to read it.
func read(folder string) (Module, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return Module{}, err
	}
	var module Module
	for _, entry := range entries {
		name := strings.ToUpper(entry.Name())
		licence := strings.HasPrefix(name, "LICEN") || strings.HasPrefix(name, "COPYING")
		source := strings.HasSuffix(name, ".GO")
		if entry.IsDir() || source || !licence && !strings.HasPrefix(name, "NOTICE") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return Module{}, err
		}
		module.Texts = append(module.Texts, string(text))
		if !licence {
			continue
		}
		found := licensecheck.Scan(text)
		if found.Percent < 75 {
			return Module{}, fmt.Errorf("no known licence makes up three quarters of %s", entry.Name())
		}
		for _, match := range found.Match {
			module.Licences = append(module.Licences, match.ID)
		}
	}
	if len(module.Licences) == 0 {
		return Module{}, errors.New("no licence file")
	}
	slices.Sort(module.Licences)
	module.Licences = slices.Compact(module.Licences)
	return module, nil
}
