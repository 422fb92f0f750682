package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/field"
	"github.com/tinystack-go/tinystack/internal/finding"
)

func TestExplainSaysAllOfAField(t *testing.T) {
	got := tinystack("explain", "stages[0].database.storage")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, `stages[].database.storage

  Storage in GB.

  type      whole number
  default   20
  allowed   20 to 65536
  change    in place; without interruption, and after a change there is none for
            six hours. To shrink it is refused: RDS cannot
  example   storage: 100
  page      docs/declaration.md#stagesdatabase
`, got.stdout)
	got = tinystack("explain", "stages.scale.cpu")
	assert.Contains(t, got.stdout, "\n  scaleIn        scaleIn is", "the fields of a mapping follow")
}

func TestExplainListsTheFieldsOfADeclaration(t *testing.T) {
	got := tinystack("explain")
	assert.Equal(t, 0, got.status)
	for _, at := range field.Top() {
		assert.Contains(t, got.stdout, "  "+at.Name+" ")
	}
}

func TestExplainKnowsEveryFieldAndEveryFinding(t *testing.T) {
	for _, at := range field.All() {
		got := tinystack("explain", at.Path)
		require.Equal(t, 0, got.status, at.Path)
		for _, row := range []string{"type", "default", "change", "example", "page"} {
			require.Contains(t, got.stdout, "\n  "+row+" ", at.Path)
		}
		require.NotContains(t, got.stdout, "`", at.Path)
	}
	for _, kind := range finding.Kinds() {
		got := tinystack("explain", kind.ID)
		require.Equal(t, 0, got.status, kind.ID)
		require.True(t, strings.HasPrefix(got.stdout, kind.ID+" ("+string(kind.Severity)+")\n\n**"), kind.ID)
	}
}

func TestExplainSuggestsWhatWasProbablyMeant(t *testing.T) {
	for name, want := range map[string]string{
		"stages.databse.storage": "did you mean stages[].database.storage?",
		"port":                   "did you mean services[].port or stages[].database.existing.port?",
		"singel-nat":             "did you mean single-nat?",
		"xyzzy":                  "tinystack explain lists the fields",
	} {
		got := tinystack("explain", name)
		assert.Equal(t, 1, got.status, name)
		assert.Empty(t, got.stdout, name)
		assert.Contains(t, got.stderr, want, name)
	}
}

func TestSchemaPrintsTheCommittedFile(t *testing.T) {
	want, err := os.ReadFile("../../tinystack.schema.json")
	require.NoError(t, err)
	got := tinystack("schema")
	assert.Equal(t, 0, got.status)
	assert.Equal(t, string(want), got.stdout)
}
