// Package bench measures how long the command takes, as a user runs it: the
// whole process. What a synthesis takes is measured by bench/compare. Figures
// and the machine they come from are in README.md.
package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/bench/declaration"
)

// BenchmarkLoad is the declaration alone: what every wrong one costs.
func BenchmarkLoad(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "tinystack")
	out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", binary, "../cmd/tinystack").CombinedOutput()
	require.NoError(b, err, string(out))
	config := filepath.Join(b.TempDir(), "20.yaml")
	require.NoError(b, os.WriteFile(config, []byte(declaration.Of(20)), 0o644))
	for b.Loop() {
		command := exec.Command(binary, "validate")
		command.Env = append(os.Environ(), "TINYSTACK_CONFIG="+config)
		out, err := command.CombinedOutput()
		require.NoError(b, err, string(out))
	}
}

// BenchmarkStart is what every run of the command costs before it does anything,
// with the AWS SDK that it links.
func BenchmarkStart(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "tinystack")
	out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", binary, "../cmd/tinystack").CombinedOutput()
	require.NoError(b, err, string(out))
	for b.Loop() {
		out, err := exec.Command(binary, "help").CombinedOutput()
		require.NoError(b, err, string(out))
	}
}

// BenchmarkCost is the command that estimates costs, the whole process: it is to
// take less than 50 ms.
func BenchmarkCost(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "tinystack")
	out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", binary, "../cmd/tinystack").CombinedOutput()
	require.NoError(b, err, string(out))
	for b.Loop() {
		out, err := exec.Command(binary, "cost", "-f", "../tinystack.yaml").CombinedOutput()
		require.NoError(b, err, string(out))
	}
}
