package report_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/spec"
)

// What a declaration takes from the environment is shown by its name, also where
// it is the templates that hold it.
func TestWhatComesFromTheEnvironmentStaysThere(t *testing.T) {
	text, err := os.ReadFile("../tinystack.yaml")
	require.NoError(t, err)
	planted := strings.NewReplacer("public.ecr.aws/docker/library/redis:7", "${IMAGE}", "domain: api.example.com", "domain: ${HOST}", "path: /healthy", "path: ${HEALTH}").Replace(string(text))
	environment := map[string]string{"IMAGE": "registry.example.com/hunter2/cache:7", "HOST": "hunter2.example.com", "HEALTH": "/healthy-hunter2"}
	app, err := spec.Parse("tinystack.yaml", []byte(planted), func(name string) (string, bool) { value, ok := environment[name]; return value, ok })
	require.NoError(t, err)
	_, assembly := guestbook(t)
	for _, stack := range assembly.Stacks {
		raw, err := json.Marshal(stack.Template)
		require.NoError(t, err)
		stack.Template = nil
		replaced := strings.NewReplacer("public.ecr.aws/docker/library/redis:7", environment["IMAGE"], "api.example.com", environment["HOST"], "/healthy", environment["HEALTH"]).Replace(string(raw))
		require.NoError(t, json.Unmarshal([]byte(replaced), &stack.Template))
	}
	shown := page(t, app, assembly)
	assert.Zero(t, strings.Count(shown, "hunter2")) // a page is too long to be printed
	assert.Positive(t, strings.Count(shown, "${HOST}"))
	assert.Positive(t, strings.Count(shown, "${IMAGE}"))
}
