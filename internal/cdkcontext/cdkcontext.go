// Package cdkcontext holds the CDK context that every app of this project is
// synthesized with: all feature flags that the CDK recommends, and template
// validation in strict mode. The apps carry it themselves, so that templates
// do not depend on which cdk.json is in the folder.
//
// The app mode in it makes a failed validation an error of the synthesis. By
// default the CDK only sets the exit status of its own process, which in a Go
// app is a child whose status nobody looks at: an invalid template would pass.
package cdkcontext

import (
	_ "embed"
	"encoding/json"
	"os"

	"github.com/aws/jsii-runtime-go"
	jsiiruntime "github.com/aws/jsii-runtime-go/runtime"

	"github.com/tinystack-go/tinystack/internal/kernel"
)

//go:embed context.json
var contextJSON []byte

// Context returns the context as the CDK's App takes it.
func Context() *map[string]any {
	var context map[string]any
	if err := json.Unmarshal(contextJSON, &context); err != nil {
		panic(err) // embedded at build time; a test reads it
	}
	return &context
}

// PrepareRuntime sets environment variables for the jsii runtime, and keeps it
// from printing a banner on every run when Node is past its end of life: each of
// the releases in the list runs the CDK, and the banner would hide what there is
// to say about a declaration. It has to come before anything of the CDK.
func PrepareRuntime(variables map[string]string) {
	os.Setenv("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20,21,22,23,24,25")
	for name, value := range variables {
		os.Setenv(name, value)
	}
	kernel.UseOneProcess()
	// The runtime copied the environment when the CDK's packages were
	// initialized. It has not been started yet; closing it makes a new one,
	// with the environment as it is now.
	jsii.Close()
	loadUnpacked(kernel.Unpacked())
}

// loadUnpacked has the kernel load what it has unpacked already; nothing is loaded
// twice. Whatever goes wrong will go wrong again when the CDK is used, and is said
// then, or it goes well without this.
func loadUnpacked(packages []kernel.Package) {
	defer func() {
		if recover() != nil {
			jsii.Close()
		}
	}()
	for _, p := range packages {
		jsiiruntime.Load(p.Name, p.Version, p.Stub)
	}
}
