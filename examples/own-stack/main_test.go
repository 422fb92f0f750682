package main

import (
	"testing"

	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

func TestExample(t *testing.T) {
	app := synthtest.NewApp(t)
	synthtest.Secure(app)
	build(app)
	assembly := synthtest.Synth(t, app)
	synthtest.Findings(t, assembly)
	snapshot.MatchAssembly(t, "testdata", assembly)
	snapshot.MatchLogicalIDs(t, "stateful.txt", assembly)
}
