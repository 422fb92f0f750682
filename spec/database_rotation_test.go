package spec

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhoRotates(t *testing.T) {
	for name, test := range map[string]struct {
		change            func(*App)
		canary, prod, any bool
	}{
		"a user that a migration makes, also in the canary": {func(*App) {}, true, true, true},
		"the database's own user":                           {func(a *App) { a.Stages[1].Database.Rotation.User = "" }, true, true, false},
		"no rotation":                                       {func(a *App) { a.Stages[1].Database.Rotation = nil }, false, false, false},
		"no tasks, so nobody who makes the user":            {func(a *App) { a.Stages[0].Profile = Idle }, false, true, true},
		"no database":                                       {func(a *App) { a.Stages[1].Database = nil }, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			app, d := decode("x.yaml", readFile(t, "testdata/good/alternating.yaml"), nil)
			require.Empty(t, d.problems)
			test.change(&app)
			app, err := app.Resolve()
			require.NoError(t, err)
			assert.Equal(t, test.canary, app.Stages[0].Rotates(app))
			assert.Equal(t, test.prod, app.Stages[1].Rotates(app))
			assert.Equal(t, test.any, app.Stages[0].Database != nil && app.Stages[0].Database.Alternates())
			assert.False(t, app.Stages[0].MigratesDatabase(app.Services[1]), "it has no migration")
		})
	}
}
