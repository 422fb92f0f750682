package synthtest_test

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/cdkcontext"
)

// Every flag that this version of the CDK recommends is set as it recommends.
func TestAllRecommendedFlagsAreSet(t *testing.T) {
	context := *cdkcontext.Context()
	recommended := recommendedFlags(t)
	assert.Greater(t, len(recommended), 50)
	for flag, value := range recommended {
		assert.Equal(t, value, context[flag], flag)
	}
}

// recommendedFlags reads them from the CDK's own package in the module cache.
func recommendedFlags(t *testing.T) map[string]any {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-cdk-go/awscdk/v2").Output()
	require.NoError(t, err)
	packages, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "jsii", "*.tgz"))
	require.NoError(t, err)
	require.Len(t, packages, 1)
	file, err := os.Open(packages[0])
	require.NoError(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			t.Fatal("the CDK has no recommended-feature-flags.json")
		}
		require.NoError(t, err)
		if header.Name == "package/recommended-feature-flags.json" {
			var flags map[string]any
			require.NoError(t, json.NewDecoder(archive).Decode(&flags))
			return flags
		}
	}
}
