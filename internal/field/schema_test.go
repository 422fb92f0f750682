package field_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/tinystack-go/tinystack/internal/field"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(field.Schema()))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource(field.SchemaURL, document))
	schema, err := compiler.Compile(field.SchemaURL)
	require.NoError(t, err)
	return schema
}

// read reads YAML as an editor does.
func read(t *testing.T, text []byte) any {
	t.Helper()
	var value any
	require.NoError(t, yaml.Unmarshal(text, &value), "%s", text)
	asJSON, err := json.Marshal(value)
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	require.NoError(t, err)
	return document
}

func TestSchemaAcceptsEveryValidDeclaration(t *testing.T) {
	schema := compiled(t)
	var files []string
	for _, pattern := range []string{"../../spec/testdata/good/*.yaml", "../../spec/testdata/*.yaml", "../../tinystack.yaml", "../../examples/*/tinystack.yaml", "fieldtest/bases/*.yaml"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		files = append(files, found...)
	}
	require.Greater(t, len(files), 20)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NoError(t, schema.Validate(read(t, text)), file)
	}
}

func TestSchemaRefusesWhatOneFieldCannotBe(t *testing.T) {
	schema := compiled(t)
	for name, text := range map[string]string{
		"an unknown field":             "{name: shop, colour: red}",
		"a missing name":               "{tags: {a: b}}",
		"a text for a number":          "{name: shop, services: [{name: web, port: http}]}",
		"a number beyond its range":    "{name: shop, services: [{name: web, port: 70000}]}",
		"no choice there is":           "{name: shop, stages: [{name: dev, approval: perhaps}]}",
		"a duration without a unit":    "{name: shop, build: {timeout: 90}}",
		"a size that no cache has":     "{name: shop, stages: [{name: dev, endpoint: {caching: {size: 2}}}]}",
		"a mapping for a list":         "{name: shop, stages: {name: dev}}",
		"an element without its name":  "{name: shop, services: [{port: 80}]}",
		"too many stages":              "{name: shop, stages: [" + string(bytes.Repeat([]byte("{name: dev},"), 41)) + "]}",
		"nothing where something goes": "{name: shop, stages: }",
	} {
		assert.Error(t, schema.Validate(read(t, []byte(text))), name)
	}
}

func TestSchemaAcceptsReferencesToTheEnvironmentAndPartsOfACanary(t *testing.T) {
	schema := compiled(t)
	for _, text := range []string{
		`{name: shop, services: [{name: web, port: "${PORT}", worker: "${WORKER}"}], stages: [{name: "${STAGE}", approval: "${APPROVAL}", bake: "${BAKE}"}]}`,
		"{name: shop, stages: [{name: canary, canaryOf: prod, endpoint: {caching: {size: 1.6}}}]}",
		"{name: shop, stages: [{name: dev, database: {version: 17, parameters: {work_mem: 64}}}]}",
	} {
		assert.NoError(t, schema.Validate(read(t, []byte(text))), text)
	}
}

// Every field says in the schema what an editor shows and offers.
func TestSchemaDescribesEveryField(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(field.Schema()))
	require.NoError(t, err)
	definitions := document.(map[string]any)["definitions"].(map[string]any)
	for _, at := range field.All() {
		property := definitions[at.In].(map[string]any)["properties"].(map[string]any)[at.Name].(map[string]any)
		assert.NotEmpty(t, property["description"], at.Path)
		assert.Len(t, property["examples"], 1, at.Path)
		if value, ok := at.DefaultValue(); ok {
			assert.Contains(t, property, "default", "%s %v", at.Path, value)
		}
	}
	port := definitions["Service"].(map[string]any)["properties"].(map[string]any)["port"].(map[string]any)
	either := port["anyOf"].([]any)[0].(map[string]any)
	assert.EqualValues(t, "1", either["minimum"].(interface{ String() string }).String())
	assert.EqualValues(t, "65535", either["maximum"].(interface{ String() string }).String())
}
