// Package cdkcontext holds the CDK context that every app of this project is
// synthesized with: all feature flags that the CDK recommends, and template
// validation in strict mode. The apps carry it themselves, so that templates
// do not depend on which cdk.json is in the folder.
package cdkcontext

import (
	_ "embed"
	"encoding/json"
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
