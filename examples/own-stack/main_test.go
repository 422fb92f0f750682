package main

import (
	"testing"

	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

func TestExample(t *testing.T) {
	assembly := synthtest.SynthExample(t, build)
	snapshot.MatchAssembly(t, "testdata", assembly)
	snapshot.MatchLogicalIDs(t, "stateful.txt", assembly)
}
