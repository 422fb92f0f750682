package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tinystack-go/tinystack/docs"
	"github.com/tinystack-go/tinystack/internal/field"
	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/internal/suggest"
)

func newExplain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [FIELD | FINDING]",
		Short: "Says what a field of the declaration means, or a finding of the preflight",
		Long: "Says what a field of the declaration means, its type, its default, what it may be,\n" +
			"and what a change of it does to what is deployed; or what a finding of the preflight\n" +
			"means. Without a name it lists the fields of a whole declaration.",
		Example: "  tinystack explain stages.database.storage\n" +
			"  tinystack explain 'stages[].scale.cpu'\n" +
			"  tinystack explain single-nat",
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			out := command.OutOrStdout()
			if len(args) == 0 {
				listFields(out, field.Top())
				return nil
			}
			if at, found := field.Find(args[0]); found {
				explainField(out, at)
				return nil
			}
			if kind, found := finding.Find(args[0]); found {
				fmt.Fprintf(out, "%s (%s)\n\n%s\n", kind.ID, kind.Severity, docs.Finding(kind.ID))
				return nil
			}
			return unknownName(args[0])
		},
	}
}

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Prints the JSON Schema of a declaration, for editors",
		Long: "Prints the JSON Schema of a declaration. An editor with the YAML language server\n" +
			"knows the fields by this line at the top of tinystack.yaml:\n\n" +
			"  # yaml-language-server: $schema=" + field.SchemaURL,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			_, err := command.OutOrStdout().Write(field.Schema())
			return err
		},
	}
}

// textWidth is that of the documentation: lines of a terminal are longer.
const textWidth = 80

func explainField(out io.Writer, at field.At) {
	fmt.Fprintf(out, "%s\n\n%s\n\n", at.Path, wrap(field.Plain(at.Doc), "  "))
	row := func(name, text string) {
		if text != "" {
			fmt.Fprintf(out, "  %-10s%s\n", name, strings.TrimSpace(wrap(field.Plain(text), strings.Repeat(" ", 12))))
		}
	}
	row("type", at.Type())
	row("default", at.Default)
	row("allowed", at.Permits())
	for _, change := range at.Changes {
		row("change", change.String())
	}
	row("example", exampleOf(at))
	row("see", at.See)
	row("page", "docs/declaration.md#"+field.Anchor(field.Section(at.In)))
	if below := at.Below(); len(below) > 0 {
		fmt.Fprintln(out)
		listFields(out, below)
	}
}

// exampleOf is a line of YAML. It is not broken: it is there to be copied.
func exampleOf(at field.At) string { return at.Name + ": " + at.Example }

func listFields(out io.Writer, fields []field.At) {
	longest := 0
	for _, at := range fields {
		longest = max(longest, len(at.Name))
	}
	margin := strings.Repeat(" ", longest+4)
	for _, at := range fields {
		first, _, _ := strings.Cut(field.Plain(at.Doc), ". ")
		fmt.Fprintf(out, "  %-*s  %s\n", longest, at.Name, strings.TrimSpace(wrap(strings.TrimSuffix(first, "."), margin)))
	}
}

// wrap breaks a text into lines that begin with the margin.
func wrap(text, margin string) string {
	var lines []string
	line := margin
	for _, word := range strings.Fields(text) {
		if len([]rune(line))+len([]rune(word)) > textWidth && line != margin {
			lines = append(lines, strings.TrimRight(line, " "))
			line = margin
		}
		line += word + " "
	}
	return strings.Join(append(lines, strings.TrimRight(line, " ")), "\n")
}

func unknownName(name string) error {
	if near := field.Nearest(name); near != nil {
		return fmt.Errorf("there is no field %q: did you mean %s?", name, phrase.List(near, "or"))
	}
	var ids []string
	for _, kind := range finding.Kinds() {
		ids = append(ids, kind.ID)
	}
	if ask := suggest.DidYouMean(name, ids); ask != "" {
		return fmt.Errorf("there is no finding %q: %s", name, ask)
	}
	return fmt.Errorf("there is no field or finding %q: tinystack explain lists the fields of a declaration, docs/preflight.md the findings", name)
}
