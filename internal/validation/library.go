package validation

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/tinystack-go/tinystack/internal/kernel"
)

// library is an aws-cdk-lib that the jsii runtime has unpacked.
type library struct {
	folder string
	// validator is the version of AWS's validator in it.
	validator string
	// identity changes with everything in it that a result depends on.
	identity string
}

// findLibrary finds the aws-cdk-lib that belongs to a version of awscdk; to that
// which this program is built with unless one is given.
func findLibrary(version string) (*library, error) {
	if version == "" {
		var err error
		if version, err = awscdkVersion(); err != nil {
			return nil, err
		}
	}
	cache, err := kernel.PackageCache()
	if err != nil {
		return nil, err
	}
	// One version of the package is unpacked once for each file it came from,
	// which is one file in practice. The runtime touches the one that it uses.
	markers, err := filepath.Glob(filepath.Join(cache, "aws-cdk-lib", version, "*", kernel.PackageMarker))
	if err != nil || len(markers) == 0 {
		return nil, fmt.Errorf("aws-cdk-lib %s is not in %s", version, cache)
	}
	used := func(marker string) time.Time {
		info, err := os.Stat(marker)
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(slices.MaxFunc(markers, func(a, b string) int { return used(a).Compare(used(b)) })))
	if err != nil {
		return nil, err
	}
	return readLibrary(folder)
}

func readLibrary(folder string) (*library, error) {
	validator := filepath.Join(folder, "node_modules", "@aws", "cloudformation-validate")
	text, err := os.ReadFile(filepath.Join(validator, "package.json"))
	if err != nil {
		return nil, err
	}
	var described struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(text, &described); err != nil || described.Version == "" {
		return nil, fmt.Errorf("%s does not say its version", filepath.Join(validator, "package.json"))
	}
	// The engine, the CDK's plug-in with the options it gives to the engine, and
	// the CDK's own rules. The engine is known by its version and size.
	parts := []string{folder, program}
	files, err := filepath.Glob(filepath.Join(folder, "core", "lib", "validation", "rules", "*"))
	if err != nil {
		return nil, err
	}
	files = append(files, filepath.Join(folder, "core", "lib", "validation", "cloudformation-validate-plugin.js"),
		filepath.Join(folder, "package.json"), filepath.Join(validator, "package.json"), filepath.Join(validator, "index.js"), filepath.Join(validator, "bindings_wasm.js"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		parts = append(parts, filepath.Base(file), digest(text))
	}
	info, err := os.Stat(filepath.Join(validator, "bindings_wasm_bg.wasm"))
	if err != nil {
		return nil, err
	}
	parts = append(parts, fmt.Sprint(info.Size()))
	return &library{folder: folder, validator: described.Version, identity: address(parts...)}, nil
}

// awscdkVersion is the version of awscdk in this program, which is that of the
// aws-cdk-lib in it.
func awscdkVersion() (string, error) {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/aws/aws-cdk-go/awscdk/v2" && module.Replace == nil {
				return strings.TrimPrefix(module.Version, "v"), nil
			}
		}
	}
	return "", errors.New("the program does not say which awscdk it is built with")
}
