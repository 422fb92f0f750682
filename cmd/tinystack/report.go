package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tinystack-go/tinystack/guard"
	"github.com/tinystack-go/tinystack/report"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

func newReport() *cobra.Command {
	var output, against, againstFile string
	var markdown bool
	command := &cobra.Command{
		Use:   "report [DIR]",
		Short: "Writes a page about the declaration and its templates: pipeline, stages, costs, findings",
		Long: `Writes one page, in HTML, about the declaration and the cloud assembly in DIR
(cdk.out): the pipeline and its gates, and for each stage what it consists of, who
reaches whom, what it costs, what was found, its alarms with their runbooks, and the
commands that one needs. The page opens from disk and loads nothing; it holds no
values of variables or secrets.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			made, err := gather(command, folderOf(args), against, againstFile)
			if err != nil {
				return err
			}
			if markdown {
				if made.Changes == nil {
					return errors.New("--markdown writes what changes: name what to compare with by --against")
				}
				fmt.Fprint(command.OutOrStdout(), made.Changes.Markdown())
				return nil
			}
			var page bytes.Buffer
			if err := made.HTML(&page); err != nil {
				return err
			}
			if output == "-" {
				_, err := page.WriteTo(command.OutOrStdout())
				return err
			}
			if err := os.WriteFile(output, page.Bytes(), 0o644); err != nil {
				return err
			}
			path, err := filepath.Abs(output)
			if err != nil {
				return err
			}
			fmt.Fprintf(command.OutOrStdout(), "%s, %d KB: open file://%s\n", output, (page.Len()+1023)/1024, filepath.ToSlash(path))
			return nil
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "report.html", "the file to write, or - for standard output")
	command.Flags().StringVar(&against, "against", "", "also say what changes from this cloud assembly, or these deployed templates")
	command.Flags().StringVar(&againstFile, "against-file", "", "the declaration of --against, for what the change costs")
	command.Flags().BoolVar(&markdown, "markdown", false, "print what changes as Markdown, for a comment on a pull request")
	return command
}

// folderOf is the cloud assembly that the arguments name.
func folderOf(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return "cdk.out"
}

// gather is the report of the declaration that the flags name, with the assembly
// in a folder.
func gather(command *cobra.Command, folder, against, againstFile string) (*report.Report, error) {
	app, err := load(command)
	if err != nil {
		return nil, err
	}
	assembly, err := snapshot.Load(folder)
	if err != nil {
		return nil, fmt.Errorf("%w\nSynthesize the declaration first (make synth), or name the folder of its templates", err)
	}
	made, err := report.New(app, assembly)
	if err != nil || against == "" {
		return made, err
	}
	before, err := guard.Load(against, assembly)
	if err != nil {
		return nil, err
	}
	var was *spec.App
	if againstFile != "" {
		read, err := spec.Load(againstFile)
		if err != nil {
			return nil, err
		}
		was = &read
	}
	return made, made.Compare(against, before, assembly, was, &app)
}
