package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// result is what a run of the command printed.
type result struct {
	status         int
	stdout, stderr string
}

// tinystack runs the command with nobody at the keyboard.
func tinystack(args ...string) result {
	var stdout, stderr bytes.Buffer
	status := run(args, strings.NewReader(""), &stdout, &stderr)
	return result{status, stdout.String(), stderr.String()}
}

// declare writes a declaration and returns its path.
func declare(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tinystack.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func TestValidate(t *testing.T) {
	got := tinystack("validate", "-f", "../../tinystack.yaml")
	assert.Equal(t, 0, got.status)
	assert.Equal(t, "../../tinystack.yaml is valid: 2 services, 3 stages\n", got.stdout)

	got = tinystack("validate", "--file", declare(t, "name: Shop\nstages: [{name: dev, region: mars}]\n"))
	assert.Equal(t, 1, got.status)
	assert.Empty(t, got.stdout)
	assert.Contains(t, got.stderr, "stages[0].region")
	assert.Contains(t, got.stderr, "\n2 problems\n")
}

func TestUnknownCommand(t *testing.T) {
	got := tinystack("fly")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, `unknown command "fly"`)
	assert.Contains(t, got.stderr, "See tinystack --help\n")
	assert.Contains(t, tinystack("stage", "add").stderr, "See tinystack stage add --help\n")
	assert.NotContains(t, tinystack("validate", "-f", "none.yaml").stderr, "--help")
}

// A bug report names the version, so the program knows it.
func TestVersion(t *testing.T) {
	got := tinystack("--version")
	assert.Zero(t, got.status)
	assert.Regexp(t, `^tinystack version \S+\n$`, got.stdout)
}
