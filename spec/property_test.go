package spec_test

import (
	"cmp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/randomedit"
	"github.com/tinystack-go/tinystack/spec"
)

// After any sequence of edits the declaration is valid; the stages that an
// edit does not touch are what they were, to the last default; they stand in
// the declared order, with the declared gates, each canary before its
// production.
func TestAnySequenceOfEdits(t *testing.T) {
	count := map[string]int{}
	for seed := range uint64(150) {
		editor := randomedit.New(seed)
		before := resolved(t, editor.App)
		for range 12 {
			touched := editor.Edit()
			after := resolved(t, editor.App)
			var names []string
			for i, stage := range after {
				declared := editor.App.Stages[i]
				names = append(names, stage.Name)
				require.Equal(t, declared.Name, stage.Name, "seed %d: order", seed)
				require.Equal(t, []any{declared.Bake, declared.Review, declared.Sleeps, declared.Window == nil, cmp.Or(declared.Approval, spec.Automatic)},
					[]any{stage.Bake, stage.Review, stage.Sleeps, stage.Window == nil, stage.Approval}, "seed %d: gates of %s", seed, stage.Name)
				was := slices.IndexFunc(before, func(s spec.Stage) bool { return s.Name == stage.Name })
				if was >= 0 && !slices.Contains(touched, stage.Name) {
					require.Equal(t, before[was], stage, "seed %d: %s is changed by an edit of %v", seed, stage.Name, touched)
				}
			}
			for i, stage := range after {
				if stage.CanaryOf != "" {
					assert.Less(t, i, slices.Index(names, stage.CanaryOf), "seed %d: canary %s", seed, stage.Name)
				}
			}
			before = after
		}
		for kind, n := range editor.Count {
			count[kind] += n
		}
	}
	assert.Len(t, count, 5)
	for kind, n := range count {
		assert.Greater(t, n, 100, kind)
	}
}

func resolved(t *testing.T, app spec.App) []spec.Stage {
	t.Helper()
	complete, err := app.Resolve()
	require.NoError(t, err)
	return complete.Stages
}
