package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/preflight"
)

const accepted = `name: shop
stages: [{name: prod}]
acknowledge:
  - {finding: single-nat, reason: An hour without it does no harm.}
`

func TestPreflight(t *testing.T) {
	got := tinystack("preflight", "-f", declare(t, accepted))
	assert.Equal(t, 0, got.status)
	assert.Empty(t, got.stderr)
	assert.Contains(t, got.stdout, "[one-instance]")
	assert.Regexp(t, `tinystack.yaml:2:10: warning: stages\[0\]\.scale\.instances\.min: `, got.stdout)
	assert.NotContains(t, got.stdout, "[single-nat]")
	assert.Regexp(t, `\n0 errors, 3 warnings, [0-9] notices; 1 acknowledged; `, got.stdout)

	got = tinystack("preflight", "-v", "-f", declare(t, accepted))
	assert.Contains(t, got.stdout, "[single-nat]")
	assert.Contains(t, got.stdout, "acknowledged: An hour without it does no harm.")
}

func TestPreflightErrors(t *testing.T) {
	const clash = "name: shop\nservices: [{name: b-c}, {name: c, worker: true}]\nstages: [{name: a}, {name: a-b}]\n"
	got := tinystack("preflight", "-f", declare(t, clash))
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stdout, "error: stages[1].name")
	assert.Contains(t, got.stderr, "AWS would reject this")
	// Who knows better says so.
	got = tinystack("preflight", "-f", declare(t, clash+"acknowledge: [{finding: name-clash, reason: The roles are made by hand.}]\n"))
	assert.Equal(t, 0, got.status)

	got = tinystack("preflight", "-f", declare(t, "name: Shop\n"))
	assert.Equal(t, 1, got.status)
	assert.Empty(t, got.stdout)
	assert.Contains(t, got.stderr, "1 problem")
}

func TestPreflightJSON(t *testing.T) {
	got := tinystack("preflight", "--json", "-f", declare(t, accepted))
	assert.Equal(t, 0, got.status)
	var found preflight.Findings
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &found))
	reasons := map[string]string{}
	for _, f := range found {
		reasons[f.ID] = f.Acknowledged
		assert.Positive(t, f.Line)
	}
	assert.Equal(t, "An hour without it does no harm.", reasons["single-nat"])
	assert.Empty(t, reasons["one-instance"])
	assert.True(t, strings.HasPrefix(got.stdout, "[\n"))
}

func TestPreflightWithoutCredentials(t *testing.T) {
	nothing := filepath.Join(t.TempDir(), "nothing")
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", nothing)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", nothing)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	got := tinystack("preflight", "--live", "-f", declare(t, accepted))
	assert.Equal(t, 1, got.status)
	assert.Empty(t, got.stdout)
	assert.Contains(t, got.stderr, "there are no AWS credentials: --live needs")
}
