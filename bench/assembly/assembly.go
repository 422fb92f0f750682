// Package assembly says what the benchmarks want to know of a cloud assembly.
package assembly

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Resources adds up the resources of all templates in a cloud assembly and the
// assemblies nested in it.
func Resources(folder string) (count int, err error) {
	err = filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".template.json") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var template struct{ Resources map[string]json.RawMessage }
		if err := json.Unmarshal(text, &template); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		count += len(template.Resources)
		return nil
	})
	return count, err
}
