//go:build strict

package main

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "record the figures of today in recorded.json")

// The test binary plays the app's and the relay's part as well.
func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// figures of one number of stages.
type figures struct {
	Stages    int `json:"stages"`
	Messages  int `json:"messages"`
	Resources int `json:"resources"`
}

// growth that is an oversight rather than a feature. Some messages more or less
// come and go with the order of Go's maps.
const growth = 1.05

// What a stage asks of the kernel does not grow unnoticed. Where a feature is
// worth its messages, record them: go test -tags strict ./bench/messages -update.
func TestMessagesStrict(t *testing.T) {
	var recorded []figures
	text, err := os.ReadFile("recorded.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &recorded))
	measured := map[int]figures{}
	for i, of := range recorded {
		found, err := record("", of.Stages, "")
		require.NoError(t, err)
		now := figures{of.Stages, len(found.messages), found.resources}
		measured[of.Stages] = now
		t.Logf("%d stages: %d messages, %d resources", now.Stages, now.Messages, now.Resources)
		if *update {
			continue
		}
		assert.LessOrEqual(t, float64(now.Messages), growth*float64(of.Messages), "messages for %d stages", of.Stages)
		if i > 0 {
			less := recorded[i-1]
			per := func(of, less figures) float64 {
				return float64(of.Messages-less.Messages) / float64(of.Stages-less.Stages)
			}
			assert.LessOrEqual(t, per(now, measured[less.Stages]), growth*per(of, less), "messages for each stage from %d to %d", less.Stages, of.Stages)
		}
	}
	if *update {
		all := slices.SortedFunc(maps.Values(measured), func(a, b figures) int { return a.Stages - b.Stages })
		text, err := json.MarshalIndent(all, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile("recorded.json", append(text, '\n'), 0o644))
	}
}
