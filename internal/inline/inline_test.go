package inline_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tinystack-go/tinystack/internal/inline"
)

func TestJavaScript(t *testing.T) {
	assert.Equal(t, "a('// kept');\nb();\n", inline.JavaScript("// gone\n\n  a('// kept');\n\t// gone\n\tb();"))
	assert.NotPanics(t, func() { inline.JavaScript(strings.Repeat("x", 4095)) })
	assert.PanicsWithValue(t, "inline: 4097 characters of code, 4096 are allowed", func() { inline.JavaScript(strings.Repeat("x", 4096)) })
}

func TestJSON(t *testing.T) {
	value := map[string]any{"b": "${Token[A.1]} && c <d>", "a": []int{1}}
	assert.Equal(t, `{"a":[1],"b":"${Token[A.1]} && c <d>"}`, inline.JSON(value, ""))
	assert.Equal(t, "{\n  \"a\": [\n    1\n  ],\n  \"b\": \"${Token[A.1]} && c <d>\"\n}", inline.JSON(value, "  "))
	assert.Panics(t, func() { inline.JSON(func() {}, "") })
}
