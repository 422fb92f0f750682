package licences_test

import (
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/licences"
)

// Whoever uses the library or the command takes on these licences. All of them
// ask for no more than that their text is handed on.
var permissive = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

// Whoever adds a module under another licence has to say here why that is
// allowed.
func TestEveryModuleIsUnderAPermissiveLicence(t *testing.T) {
	modules, err := licences.Of("github.com/tinystack-go/tinystack/...", true, runtime.GOOS)
	require.NoError(t, err)
	require.Greater(t, len(modules), 20, "go list found hardly anything")
	for _, module := range modules {
		for _, licence := range module.Licences {
			assert.True(t, slices.Contains(permissive, licence), "%s %s is under %s", module.Path, module.Version, licence)
		}
	}
}
