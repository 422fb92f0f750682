package cdkcontext_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/cdkcontext"
)

// A plain `cdk synth` and the apps must not disagree.
func TestContextIsThatOfCdkJSON(t *testing.T) {
	text, err := os.ReadFile("../../cdk.json")
	require.NoError(t, err)
	var file struct {
		Context map[string]any `json:"context"`
	}
	require.NoError(t, json.Unmarshal(text, &file))
	assert.Equal(t, file.Context, *cdkcontext.Context())
}

func TestValidationIsStrict(t *testing.T) {
	context := *cdkcontext.Context()
	assert.Equal(t, true, context["@aws-cdk/core:validateAgainstDefaultRules"])
	assert.Equal(t, true, context["@aws-cdk/core:strictCfnValidateErrors"])
	assert.Equal(t, "inmemory", context["@aws-cdk/core:appMode"])
	assert.Equal(t, "weak", context["@aws-cdk/core:defaultCrossStackReferences"])
}
