package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/preflight"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
	"github.com/tinystack-go/tinystack/stacks"
)

// programVariable makes the test binary be the example.
const programVariable = "TINYSTACK_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		main()
	}
	synthtest.Main(m)
}

// A program that declares its application in Go is told what a declaration in
// YAML is told, and before anything is written.
func TestAProgramInGoIsToldTheSame(t *testing.T) {
	binary, err := os.Executable()
	require.NoError(t, err)
	command := exec.Command(binary)
	command.Env = append(os.Environ(), programVariable+"=yes", "CDK_VALIDATION=false", "CDK_OUTDIR="+t.TempDir())
	said, err := command.CombinedOutput()
	require.NoError(t, err, string(said))
	assert.Contains(t, string(said), `warning: stages[2].network.egress: one NAT instance serves both zones of a production stage [single-nat]`)
	assert.Equal(t, 1, strings.Count(string(said), "[single-nat]"))
}

func TestExample(t *testing.T) {
	var declared spec.App
	assembly := synthtest.SynthExample(t, func(app awscdk.App) {
		build(app)
		declared = app.Node().FindChild(jsii.String("Shop")).(stacks.TinyStack).Declaration()
	})
	found, err := preflight.Check(declared)
	require.NoError(t, err)
	var ids []string
	for _, f := range found.Of(preflight.Error, preflight.Warning) {
		ids = append(ids, f.ID+" "+f.Path)
	}
	assert.Equal(t, []string{
		"little-memory stages[0].scale.instance", "little-memory stages[2].scale.instance", "nobody-alarmed stages[2].alarms",
		"burstable-sustained stages[2].scale.instance", "one-instance stages[2].scale.instances.min", "single-nat stages[2].network.egress", "health-check-image services[0].healthCheck.path",
	}, ids)
	snapshot.MatchAssembly(t, "testdata", assembly)
	snapshot.MatchLogicalIDs(t, "stateful.txt", assembly)
}
