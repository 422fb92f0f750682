// Command notices prints the licences of everything that the command tinystack
// is linked from. Its output goes into every archive of a release: the licences
// ask for that.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tinystack-go/tinystack/internal/licences"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write() error {
	fmt.Println("The command tinystack is linked from the modules below, under their licences.")
	modules, err := licences.Of("./cmd/tinystack", false, "linux", "darwin", "windows")
	if err != nil {
		return err
	}
	for _, module := range modules {
		section(module.Path+" "+module.Version+" ("+strings.Join(module.Licences, ", ")+")", module.Texts...)
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	for _, also := range []struct{ title, file string }{
		{"The Go standard library", filepath.Join(strings.TrimSpace(string(goroot)), "LICENSE")},
		{"The tables of instances", filepath.Join("internal", "instances", "LICENSE.data")},
	} {
		text, err := os.ReadFile(also.file)
		if err != nil {
			return err
		}
		section(also.title, string(text))
	}
	return nil
}

func section(title string, texts ...string) {
	fmt.Printf("\n%s\n%s\n", strings.Repeat("=", 72), title)
	for _, text := range texts {
		fmt.Printf("%s\n\n%s\n", strings.Repeat("-", 72), strings.TrimSpace(text))
	}
}
