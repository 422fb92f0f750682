package spec

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStageOf(t *testing.T) {
	app := App{Name: "shop"}
	for description, stage := range map[string]string{
		app.StageStackOwner("prod-eu") + "VPC": "prod-eu",
		"shop, stage prod":                     "",
		"shop: delivery pipeline":              "",
		"shopping, stage prod: VPC":            "",
		"":                                     "",
	} {
		assert.Equal(t, stage, app.StageOf(description), description)
	}
}

func TestPipelineRegions(t *testing.T) {
	app := App{Stages: []Stage{{Region: "us-west-2"}, {Region: "us-east-1"}, {Region: "us-west-2"}}}
	assert.Empty(t, app.PipelineRegions())
	app.Pipeline = &Pipeline{Region: "us-east-1"}
	assert.Equal(t, []string{"us-east-1", "us-west-2"}, app.PipelineRegions())
}

func TestStacksOfReplicas(t *testing.T) {
	app, err := App{Name: "shop", Pipeline: &Pipeline{Account: "111111111111"}, Source: &Source{CodeCommit: "shop"}, Stages: []Stage{
		{Name: "dev"},
		{Name: "canary", CanaryOf: "prod", Region: "us-west-2"},
		{Name: "prod", Approval: Manual, Database: &Database{ReadReplicas: []ReadReplica{{}, {Region: "eu-west-1"}}}},
	}}.Resolve()
	require.NoError(t, err)
	assert.Equal(t, []string{"network", "service"}, app.StacksOf(app.Stages[0]))
	assert.Equal(t, []string{"network", "data", "service"}, app.StacksOf(app.Stages[1]), "a canary has none elsewhere")
	assert.Equal(t, []string{"network", "data", "replica-eu-west-1", "service"}, app.StacksOf(app.Stages[2]))
	assert.Equal(t, []string{"us-east-1", "us-west-2", "eu-west-1"}, app.PipelineRegions())
	assert.True(t, app.Stages[2].NewDatabase())
	assert.False(t, Stage{Database: &Database{Existing: &ExistingDatabase{}}}.NewDatabase())
}

func TestBakesByRules(t *testing.T) {
	pipeline := Pipeline{Account: "111111111111"}
	for name, test := range map[string]struct {
		stage  Stage
		alarms int
		rules  bool
	}{
		"by itself, in the pipeline's account": {Stage{Account: "111111111111", Bake: Minutes(60)}, 5, true},
		"too long":                             {Stage{Account: "111111111111", Bake: Minutes(61)}, 5, false},
		"too many alarms":                      {Stage{Account: "111111111111", Bake: Minutes(60)}, 6, false},
		"nothing to watch":                     {Stage{Account: "111111111111", Bake: Minutes(60)}, 0, false},
		"another account":                      {Stage{Account: "222222222222", Bake: Minutes(60)}, 5, false},
		"in a wave":                            {Stage{Account: "111111111111", Bake: Minutes(60), Wave: "w"}, 5, false},
		"asleep":                               {Stage{Account: "111111111111", Bake: Minutes(60), Sleeps: true}, 5, false},
	} {
		assert.Equal(t, test.rules, BakesByRules(pipeline, test.stage, test.alarms), name)
		assert.Equal(t, !test.rules, App{Pipeline: &pipeline}.WatchedByBuild(test.stage, test.alarms), name)
	}
	assert.False(t, BakesByRules(pipeline, Stage{Account: "111111111111"}, 5), "no bake")
	assert.False(t, App{Pipeline: &pipeline}.WatchedByBuild(Stage{Account: "111111111111"}, 5), "no bake")
	assert.False(t, App{}.WatchedByBuild(Stage{Bake: Minutes(5)}, 5), "no pipeline")
}
