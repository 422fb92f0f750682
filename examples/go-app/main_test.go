package main

import (
	"testing"

	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
)

func TestMain(m *testing.M) { synthtest.MainStrict(m) }

func TestExample(t *testing.T) {
	app := synthtest.NewStrictApp(t)
	synthtest.Secure(app)
	build(app)
	assembly := synthtest.Synth(t, app)
	snapshot.MatchAssembly(t, "testdata", assembly)
	snapshot.MatchLogicalIDs(t, "stateful.txt", assembly)
}
