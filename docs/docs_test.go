// Package docs_test holds the documentation against the code.
package docs_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aymanbagabas/go-udiff"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/field"
	"github.com/tinystack-go/tinystack/spec"
)

var update = flag.Bool("update", false, "write what is derived from the code into the documentation")

// block is a code block whose content is that of a file, or what the loader
// prints about a declaration in testdata.
var block = regexp.MustCompile("(?s)<!-- (file|output): ([^ ]+) -->\n```([a-z]*)\n(.*?)```")

func TestCodeInTheDocumentationIsThatOfTheFiles(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	require.NoError(t, err)
	blocks := 0
	for _, page := range append(pages, "../README.md") {
		have, err := os.ReadFile(page)
		require.NoError(t, err)
		want := block.ReplaceAllFunc(have, func(found []byte) []byte {
			blocks++
			part := block.FindSubmatch(found)
			return fmt.Appendf(nil, "<!-- %s: %s -->\n```%s\n%s```", part[1], part[2], part[3], content(t, string(part[1]), string(part[2])))
		})
		settle(t, page, have, want)
	}
	assert.GreaterOrEqual(t, blocks, 5)
}

func content(t *testing.T, kind, name string) string {
	t.Helper()
	if kind == "output" {
		_, err := spec.Load(filepath.Join("testdata", name))
		require.Error(t, err)
		return strings.ReplaceAll(err.Error(), filepath.Join("testdata", name), "tinystack.yaml") + "\n"
	}
	text, err := os.ReadFile(filepath.Join("..", name))
	require.NoError(t, err)
	return string(text)
}

func TestDeclarationListsEveryField(t *testing.T) {
	var page bytes.Buffer
	page.WriteString(declarationIntroduction)
	section(&page, field.TypeOf(field.Root), "", field.Top(), map[string]bool{})
	have, err := os.ReadFile("declaration.md")
	if !*update {
		require.NoError(t, err)
	}
	settle(t, "declaration.md", have, page.Bytes())
}

const declarationIntroduction = `# The declaration

Everything that ` + "`tinystack.yaml`" + ` can say. ` + "`tinystack explain stages.database.storage`" + ` says the same
of one field, and an editor with the YAML language server shows it beside the line:

` + "```yaml" + `
# yaml-language-server: $schema=` + field.SchemaURL + `
name: shop
` + "```" + `

` + "`tinystack schema`" + ` prints that schema. What a change of a field does to what is deployed is
explained in [upgrades.md](upgrades.md). ` + "`${NAME}`" + ` in a value is the environment variable of that
name; ` + "`$${`" + ` is a literal ` + "`${`" + `. YAML is that of version 1.2.
What several values have in common is written once with an anchor, and taken over with an alias
or ` + "`<<`" + `; fields at the top whose name begins with ` + "`x-`" + ` hold such texts, and mean nothing
by themselves:

` + "```yaml" + `
name: shop
x-limits: &limits {cpu: 256, memory: 128}
services:
  - {name: web, port: 8080, <<: *limits}
  - {name: mailer, worker: true, <<: *limits}
` + "```" + `
`

// section writes what a type has, then the types of its fields. A type that has
// a section already is referred to.
func section(page *bytes.Buffer, t field.Type, path string, fields []field.At, written map[string]bool) {
	written[t.Name] = true
	title := field.Section(t.Name)
	fmt.Fprintf(page, "\n## %s\n\n%s\n\n| field | meaning | default | allowed | a change |\n|---|---|---|---|---|\n", title, cell(t.Doc))
	for _, at := range fields {
		meaning := at.Doc + " Example: `" + at.Name + ": " + at.Example + "`"
		if at.See != "" {
			meaning += fmt.Sprintf(" See [%[1]s](%[1]s).", strings.TrimPrefix(at.See, "docs/"))
		}
		permits := at.Permits()
		if permits == "" {
			permits = at.Type()
			if at.Of != "" {
				permits += " ([fields](#" + field.Anchor(field.Section(at.Of)) + "))"
			}
		}
		fmt.Fprintf(page, "| `%s` | %s | %s | %s | %s |\n", at.Name, cell(meaning), cell(at.Default), cell(permits), cell(changes(at.Field)))
	}
	for _, at := range fields {
		if at.Of != "" && !written[at.Of] {
			section(page, field.TypeOf(at.Of), at.Inside(), at.Below(), written)
		}
	}
}

func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(text)
}

func changes(f field.Field) string {
	var all []string
	for _, change := range f.Changes {
		all = append(all, change.String())
	}
	return strings.Join(all, ". ")
}

var changeTable = regexp.MustCompile(`(?s)<!-- changes -->.*<!-- end of changes -->`)

func TestUpgradesListsEveryChange(t *testing.T) {
	have, err := os.ReadFile("upgrades.md")
	require.NoError(t, err)
	require.True(t, changeTable.Match(have))
	var table bytes.Buffer
	table.WriteString("<!-- changes -->\n| field | a change |\n|---|---|\n")
	for _, at := range field.All() {
		if !at.Changes[0].Has(field.ByField) || at.Changes[0].Note != "" {
			fmt.Fprintf(&table, "| `%s` | %s |\n", at.Path, cell(changes(at.Field)))
		}
	}
	table.WriteString("<!-- end of changes -->")
	settle(t, "upgrades.md", have, changeTable.ReplaceAllLiteral(have, table.Bytes()))
}

func TestTheSchemaIsWhatTheFieldsSay(t *testing.T) {
	have, err := os.ReadFile("../tinystack.schema.json")
	if !*update {
		require.NoError(t, err)
	}
	settle(t, "../tinystack.schema.json", have, field.Schema())
}

func settle(t *testing.T, page string, have, want []byte) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(page, want, 0o644))
		return
	}
	if difference := udiff.Unified(page, "the code", string(have), string(want)); difference != "" {
		assert.Fail(t, page+" is not what the code says; run: go test ./docs -update", "%s", difference)
	}
}
