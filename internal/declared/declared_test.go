package declared_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/declared"
	"github.com/tinystack-go/tinystack/preflight"
	"github.com/tinystack-go/tinystack/spec"
)

func read(t *testing.T, text string) (declared.Declaration, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tinystack.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	return declared.Read(file)
}

func TestWhatIsWrongEndsIt(t *testing.T) {
	_, err := read(t, "name: Shop\nstages: [{name: dev, region: mars}]\n")
	var problems spec.Problems
	require.ErrorAs(t, err, &problems)
	assert.Len(t, problems, 2)
	_, err = declared.Check(spec.App{Name: "Shop", Stages: []spec.Stage{{Name: "dev", Region: "mars"}}})
	require.ErrorAs(t, err, &problems)
	assert.Len(t, problems, 2)
}

// Two services in two stages get one name for a role; that is valid, and AWS
// refuses the second.
func TestWhatAWSWouldRejectEndsIt(t *testing.T) {
	const text = "name: shop\nservices: [{name: b-c}, {name: c, worker: true}]\nstages: [{name: a}, {name: a-b}]\n"
	_, err := read(t, text)
	var refusal *preflight.Refusal
	require.ErrorAs(t, err, &refusal)
	assert.ErrorContains(t, err, "[name-clash]")
	assert.ErrorContains(t, err, "tinystack.yaml:3:")
	assert.ErrorContains(t, err, "\n\nAWS would reject this: 1 error")

	_, err = declared.Check(spec.App{
		Name:     "shop",
		Services: []spec.Service{{Name: "b-c"}, {Name: "c", Worker: true}},
		Stages:   []spec.Stage{{Name: "a"}, {Name: "a-b"}},
	})
	require.ErrorAs(t, err, &refusal)
	assert.ErrorContains(t, err, "[name-clash]")
}

// A file and a program in Go are told the same, but for the place in the file.
func TestWhatPeopleHear(t *testing.T) {
	fromFile, err := read(t, "name: shop\nservices: [{name: web}]\nstages: [{name: prod, variables: {SECRET_KEY: hunter2}}]\n")
	require.NoError(t, err)
	fromGo, err := declared.Check(spec.App{
		Name: "shop", Services: []spec.Service{{Name: "web"}},
		Stages: []spec.Stage{{Name: "prod", Variables: map[string]string{"SECRET_KEY": "hunter2"}}},
	})
	require.NoError(t, err)
	require.Len(t, fromGo.Said, len(fromFile.Said))
	require.NotEmpty(t, fromGo.Said)
	for i, text := range fromGo.Said {
		assert.Regexp(t, `tinystack\.yaml:\d+:\d+: `, fromFile.Said[i])
		assert.Contains(t, fromFile.Said[i], text)
		assert.NotContains(t, text, "hunter2")
	}
	assert.Equal(t, "prod", fromGo.App.Stages[0].Name)
	assert.NotEmpty(t, fromGo.App.Stages[0].Region, "complete")
}

// What somebody accepted is not said.
func TestWhatIsAcceptedIsNotSaid(t *testing.T) {
	app := spec.App{Name: "shop", Services: []spec.Service{{Name: "web"}}, Stages: []spec.Stage{{Name: "prod"}}}
	open, err := declared.Check(app)
	require.NoError(t, err)
	app.Acknowledge = []spec.Acknowledgement{{Finding: "single-nat", Reason: "An hour without is cheaper."}}
	accepted, err := declared.Check(app)
	require.NoError(t, err)
	assert.Len(t, accepted.Said, len(open.Said)-1)
}
