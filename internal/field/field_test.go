package field_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/field"
	"github.com/tinystack-go/tinystack/internal/field/source"
)

func TestTheTableIsWhatTheCommentsSay(t *testing.T) {
	types, err := source.Read("../../spec")
	require.NoError(t, err)
	want, err := json.MarshalIndent(types, "", " ")
	require.NoError(t, err)
	have, err := os.ReadFile("fields.json")
	require.NoError(t, err)
	assert.Equal(t, string(want)+"\n", string(have), "run: go generate ./internal/field")
}

func TestReadReportsEveryCommentThatLacksSomething(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "app.go"), []byte("package spec\n\n"+`
// App is a declaration.
type App struct {
	// Name of the application.
	//   - Default: required
	//   - Allowed: any text
	//   - Change: in place, perhaps
	//   - Example: shop
	Name string `+"`yaml:\"name\"`"+`

	// How many there are.
	//   - Default: 1
	//   - Default: 2
	//   - Change: with care
	Count int `+"`yaml:\"count\"`"+`

	// LogDays are days, see LogDays and [App.Lost] and [Gone.Name].
	//   - Default: 1
	//   - Allowed: 1 to 3
	//   - Change: in place
	//   - Example: 2
	//   - Colour: red
	LogDays int `+"`yaml:\"logDays\"`"+`

	Done chan int
}
`), 0o600))
	_, err := source.Read(dir)
	require.Error(t, err)
	for _, wanted := range []string{
		`app.go:11: App.Name: "perhaps" is not an effect of a change`,
		`app.go:17: the comment of App.Count has to begin with its name`,
		`App.Count says twice what its Default is`,
		`App.Count does not say what is allowed`,
		`App.Count does not say an example`,
		`App.Count: "with care" is not an effect of a change`,
		`App.LogDays says LogDays: write a link to the field`,
		`a comment refers to [App.Lost], which is no field`,
		`a comment refers to [Gone.Name], which is no type`,
		`App.LogDays has the item "Colour"`,
		`Done has a type that a declaration cannot have`,
		`App.Done has no name in YAML`,
		`App.Done does not say what it means`,
		`App.Done does not say its default`,
		`App.Done does not say what a change does`,
	} {
		assert.ErrorContains(t, err, wanted)
	}
}

func TestReferencesToFieldsHaveTheirNamesInYAML(t *testing.T) {
	at, found := field.Find("stages[].database.maxStorage")
	require.True(t, found)
	assert.Equal(t, "`maxStorage` in GB up to which storage grows by itself, at least 1.1 times `storage`.", at.Doc)
	at, found = field.Find("services.subdomain")
	require.True(t, found)
	assert.Contains(t, at.Doc, "Not with `stages[].endpoint.caching`.")
}

func TestEveryPageThatAFieldNamesIsThere(t *testing.T) {
	for _, at := range field.All() {
		if at.See != "" {
			assert.FileExists(t, "../../"+at.See, at.Path)
		}
	}
}

func TestFindTakesAPathAsPeopleWriteIt(t *testing.T) {
	for _, path := range []string{"stages[].scale.cpu.scaleIn", "stages[2].scale.cpu.scaleIn", "stages.scale.cpu.scaleIn"} {
		at, found := field.Find(path)
		assert.True(t, found, path)
		assert.Equal(t, "stages[].scale.cpu.scaleIn", at.Path)
	}
	_, found := field.Find("stages.scale.cpu.in")
	assert.False(t, found)
	_, found = field.Find("")
	assert.False(t, found)
}

func TestNearestSuggestsWhatWasProbablyMeant(t *testing.T) {
	for path, want := range map[string][]string{
		"stages.databse.storage":    {"stages[].database.storage"},
		"stages[0].database.strage": {"stages[].database.storage"},
		"storage":                   {"stages[].database.storage"},
		"Storage":                   {"stages[].database.storage"},
		"scale.cpu":                 {"stages[].scale.cpu"},
		"port":                      {"services[].port", "stages[].database.existing.port"},
		"pipelin":                   {"pipeline"},
		"xyzzy":                     nil,
		"stages.xyzzy":              nil,
	} {
		assert.Equal(t, want, field.Nearest(path), path)
	}
}

func TestBoundsAreReadFromWhatIsAllowed(t *testing.T) {
	for _, test := range []struct {
		field field.Field
		want  field.Bounds
	}{
		{field.Field{Kind: field.Integer, Allowed: "20 to 65536"}, field.Bounds{Least: "20", Most: "65536"}},
		{field.Field{Kind: field.Integer, Allowed: "1 to 1 less than the declared storage"}, field.Bounds{}},
		{field.Field{Kind: field.Integer, Allowed: "1, 3 or 5"}, field.Bounds{Choice: []string{"1", "3", "5"}}},
		{field.Field{Kind: field.Duration, Allowed: "1m to 24h"}, field.Bounds{Least: "1m", Most: "24h"}},
		{field.Field{Kind: field.Duration, Allowed: "10s or 30s"}, field.Bounds{Choice: []string{"10s", "30s"}}},
		{field.Field{Kind: field.Text, Allowed: "public-ip or endpoints"}, field.Bounds{Choice: []string{"public-ip", "endpoints"}}},
		{field.Field{Kind: field.Text, Allowed: "1 to 20 lower-case letters"}, field.Bounds{}},
		{field.Field{Kind: field.Text, Allowed: "the name or ARN of a secret"}, field.Bounds{}},
		{field.Field{Kind: field.Text, List: true, Allowed: "GET or PUT; or \"*\" alone"}, field.Bounds{}},
		{field.Field{Kind: field.Text, List: true, Allowed: "mon or tue"}, field.Bounds{Choice: []string{"mon", "tue"}}},
		{field.Field{Kind: field.Object, List: true, Allowed: "up to 15"}, field.Bounds{Most: "15"}},
		{field.Field{Kind: field.Object, List: true, Allowed: "1 to 100"}, field.Bounds{Least: "1", Most: "100"}},
	} {
		assert.Equal(t, test.want, test.field.Bounds(), test.field.Allowed)
	}
}

func TestParseChange(t *testing.T) {
	c, err := field.ParseChange("restarts tasks, replaces AWS::A::B and AWS::C::D; at once, or later")
	require.NoError(t, err)
	assert.Equal(t, field.Change{Effects: []field.Effect{field.RestartsTasks, field.Replaces}, Replaced: []string{"AWS::A::B", "AWS::C::D"}, Note: "at once, or later"}, c)
	assert.Equal(t, "restarts tasks, replaces AWS::A::B, AWS::C::D; at once, or later", c.String())
	for _, wrong := range []string{"", "replaces", "replaces a bucket", "in places", "in place by night", "in place,restarts tasks"} {
		_, err := field.ParseChange(wrong)
		assert.Error(t, err, wrong)
	}
}
