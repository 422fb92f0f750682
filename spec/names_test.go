package spec

import (
	"testing"

	"github.com/stretchr/testify/assert"
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
