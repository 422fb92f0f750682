// Package bench measures how long a synthesis takes, as a user runs it: the
// whole process, from the declaration to the templates on disk. Figures and the
// machine they come from are in README.md.
package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/bench/declaration"
)

// BenchmarkSynth is the whole process for 1, 5 and 20 stages, with strict
// validation of the templates as users run it, and without.
func BenchmarkSynth(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "tinystack")
	out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", binary, "..").CombinedOutput()
	require.NoError(b, err, string(out))
	for _, stages := range []int{1, 5, 20} {
		config := filepath.Join(b.TempDir(), fmt.Sprintf("%d.yaml", stages))
		require.NoError(b, os.WriteFile(config, []byte(declaration.Of(stages)), 0o644))
		for _, validation := range []string{"true", "false"} {
			b.Run(fmt.Sprintf("stages=%d/validation=%s", stages, validation), func(b *testing.B) {
				for b.Loop() {
					command := exec.Command(binary)
					command.Env = append(os.Environ(), "TINYSTACK_CONFIG="+config, "CDK_VALIDATION="+validation, "CDK_OUTDIR="+b.TempDir())
					out, err := command.CombinedOutput()
					require.NoError(b, err, string(out))
				}
			})
		}
	}
}

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
