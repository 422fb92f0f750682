package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/cfnfake"
	"github.com/tinystack-go/tinystack/internal/teardown"
	"github.com/tinystack-go/tinystack/spec"
)

var update = flag.Bool("update", false, "write what the command prints into docs/command.md")

const commandPage = "../../docs/command.md"

// printed is a code block with what a command prints in a folder with the
// project's tinystack.yaml. A command that changes that file works on a copy;
// what the page shows one after the other happens one after the other only
// within a block.
var printed = regexp.MustCompile("(?s)<!-- run: (.+?) -->\n```\n(.*?)```")

func TestCommandPage(t *testing.T) {
	page, err := filepath.Abs(commandPage)
	require.NoError(t, err)
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	declared, err := os.ReadFile("../../tinystack.yaml")
	require.NoError(t, err)
	assembly, err := filepath.Abs("../../snapshot/testdata/assembly")
	require.NoError(t, err)

	blocks := 0
	want := printed.ReplaceAllFunc(text, func(block []byte) []byte {
		blocks++
		commands := string(printed.FindSubmatch(block)[1])
		w := deployed(t, guestbook()...)
		dir := t.TempDir()
		t.Chdir(dir)
		w.file = filepath.Join(dir, "tinystack.yaml")
		require.NoError(t, os.WriteFile(w.file, declared, 0o644))
		require.NoError(t, os.CopyFS("cdk.out", os.DirFS(assembly)))
		var out strings.Builder
		for command := range strings.SplitSeq(commands, " && ") {
			got := tinystack(strings.Fields(command)...)
			fmt.Fprintf(&out, "$ tinystack %s\n%s%s", command, got.stdout, withoutWarnings(got.stderr))
			// The pipeline is as quick as it is in a page.
			if pipeline := w.Stack("guestbook-pipeline"); pipeline != nil {
				pipeline.Template = noResources
			}
		}
		return fmt.Appendf(nil, "<!-- run: %s -->\n```\n%s```", commands, out.String())
	})
	if *update {
		require.NoError(t, os.WriteFile(page, want, 0o644))
		return
	}
	assert.Equal(t, string(want), string(text), "%s is not what the command prints; run: go test ./cmd/tinystack -update", commandPage)
	assert.GreaterOrEqual(t, blocks, 5)
}

// withoutWarnings leaves out what tinystack.yaml is warned about anyway.
func withoutWarnings(stderr string) string {
	return regexp.MustCompile(`(?m)^tinystack\.yaml:\d+:\d+: warning: .*\n    fix: .*\n`).ReplaceAllString(stderr, "")
}

// guestbook is tinystack.yaml, deployed; with fewer resources than it has.
func guestbook() []*cfnfake.Stack {
	stacks := slices.DeleteFunc(everything(), func(stack *cfnfake.Stack) bool {
		return stack.Name == "shop-dev-replica" || stack.Name == "shop-old-service" || stack.Name == "shop-dev-bucket"
	})
	stacks = append(stacks, stackOf(pipelineAccount, "us-east-1", "dev", "data", `{"Resources": {"DB": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot"}, `+uses("shop-dev-network")+`}}`,
		&cfnfake.Resource{LogicalID: "DB", Type: "AWS::RDS::DBInstance", PhysicalID: "shop-dev"}))
	for _, stack := range stacks {
		for _, text := range []*string{&stack.Name, &stack.Description, &stack.Template} {
			*text = strings.ReplaceAll(*text, "shop", "guestbook")
		}
		for _, resource := range stack.Resources {
			resource.PhysicalID = strings.ReplaceAll(resource.PhysicalID, "shop", "guestbook")
		}
	}
	return stacks
}

// The templates that the library makes: what they protect and keep is found in
// them, and all of it is deleted in an order that CloudFormation can follow.
func TestRealTemplates(t *testing.T) {
	templates, err := filepath.Glob("../../stacks/testdata/guestbook/*.json")
	require.NoError(t, err)
	require.Greater(t, len(templates), 10)
	app, err := spec.Load("../../tinystack.yaml")
	require.NoError(t, err)
	places := map[string][2]string{"guestbook-pipeline": {app.Pipeline.Account, app.Pipeline.Region}}
	for _, region := range app.PipelineRegions() {
		places[app.RegistryStackName(region)] = [2]string{app.Pipeline.Account, region}
		places[app.SupportStackName(region)] = [2]string{app.Pipeline.Account, region}
	}
	for _, stage := range app.Stages {
		for _, kind := range spec.StageStacks() {
			places[app.StageStackName(stage.Name, kind)] = [2]string{stage.Account, stage.Region}
		}
	}
	var stacks []*cfnfake.Stack
	for _, file := range templates {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var template struct {
			Description string
			Resources   map[string]struct{ Type, DeletionPolicy string }
		}
		require.NoError(t, json.Unmarshal(text, &template))
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		require.Contains(t, places, name)
		stack := &cfnfake.Stack{Account: places[name][0], Region: places[name][1], Name: name, Description: template.Description, Template: string(text), Protected: name == "guestbook-prod-data"}
		for _, id := range slices.Sorted(maps.Keys(template.Resources)) {
			stack.Resources = append(stack.Resources, &cfnfake.Resource{LogicalID: id, Type: template.Resources[id].Type, PhysicalID: strings.ToLower(id), Kept: template.Resources[id].DeletionPolicy == "Retain"})
		}
		stacks = append(stacks, stack)
	}
	w := deployed(t, stacks...)
	w.file = "../../tinystack.yaml"

	got := w.run("stage", "remove", "dev", "--dry-run")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Regexp(t, "a last snapshot of the database databaseinstance", got.stdout)
	got = w.run("stage", "remove", "dev", "--confirm", "no")
	assert.Equal(t, 1, got.status)
	for stage, deployed := range map[string]bool{"dev": true, "canary": true, "prod": true, "test": false} {
		deploys, err := teardown.Deploys(t.Context(), &teardown.Access{}, app, stage)
		require.NoError(t, err)
		assert.Equal(t, deployed, deploys, stage)
	}

	got = w.run("destroy", "--confirm", "guestbook-delete")
	assert.Equal(t, 1, got.status)
	for _, protected := range []string{
		"the stack guestbook-prod-data.",
		"aws elbv2 modify-load-balancer-attributes --region us-east-1 --load-balancer-arn endpointalbloadbalancer",
	} {
		assert.Contains(t, got.stderr, protected)
	}
	assert.NotContains(t, got.stderr, "us-west-2", "a canary is disposable")
	got = w.run("destroy", "--confirm", "guestbook-delete", "--unprotect")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, []string{
		"guestbook-pipeline", "guestbook-pipeline-support-us-west-2",
		"guestbook-prod-service", "guestbook-prod-data",
		"guestbook-canary-service", "guestbook-canary-data", "guestbook-canary-network",
		"guestbook-dev-service", "guestbook-dev-data", "guestbook-dev-network",
		"guestbook-registry-us-east-1", "guestbook-registry-us-west-2",
	}, w.Deleted())
	_, survives, _ := strings.Cut(got.stdout, "Still there")
	for _, kind := range []string{"bucket", "database", "secret", "log group", "security group", "database subnet group", "image repository"} {
		assert.Regexp(t, `(?m)^  `+kind+" [a-z0-9]+ \\(", survives)
	}
	assert.NotContains(t, survives, "AWS::", "every kind of thing that stays has a name")
	page, err := os.ReadFile("../../docs/deleting.md")
	require.NoError(t, err)
	_, table, _ := strings.Cut(string(page), "## What survives")
	for _, line := range regexp.MustCompile(`(?m)^  (.+) [a-z0-9]+ \(`).FindAllStringSubmatch(survives, -1) {
		assert.Contains(t, table, strings.TrimPrefix(strings.TrimSuffix(line[1], " of the database"), "a "), "docs/deleting.md")
	}
}

// Every command is in the page, with every flag.
func TestEveryCommandIsDocumented(t *testing.T) {
	text, err := os.ReadFile(commandPage)
	require.NoError(t, err)
	page := string(text)
	var visit func(command *cobra.Command)
	visit = func(command *cobra.Command) {
		assert.NotEmpty(t, command.Short)
		for _, below := range command.Commands() {
			if !below.Hidden && below.Name() != "help" && below.Name() != "completion" {
				visit(below)
			}
		}
		if command.HasSubCommands() {
			return
		}
		_, section, found := strings.Cut(page, "\n## `"+command.CommandPath()+"`\n")
		if !assert.True(t, found, "%s has no section %q", commandPage, "## `"+command.CommandPath()+"`") {
			return
		}
		section, _, _ = strings.Cut(section, "\n## ")
		command.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			assert.Contains(t, section, "`--"+f.Name, "the section of %s", command.CommandPath())
		})
	}
	visit(newRoot())
}

func TestStageCommands(t *testing.T) {
	file := declare(t, shop)
	run := func(args ...string) result { return tinystack(append(args, "-f", file)...) }
	declared := func() string {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		return string(text)
	}

	got := run("stage", "add", "eu", "--after", "prod", "--region", "eu-west-1", "--account", "333333333333", "--dry-run")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "+  - name: eu\n+    account: \"333333333333\"\n+    region: eu-west-1\n")
	assert.Equal(t, shop, declared())

	got = run("stage", "add", "eu", "--after", "prod", "--region", "eu-west-1", "--account", "333333333333")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, shop+"\n  - name: eu\n    account: \"333333333333\"\n    region: eu-west-1\n", declared())
	assert.Contains(t, got.stdout, "stage eu added: dev → canary → prod → eu\n")
	assert.Contains(t, got.stdout, "npx cdk bootstrap aws://333333333333/eu-west-1 --trust 111111111111 ")
	assert.Contains(t, got.stdout, "npx cdk bootstrap aws://111111111111/eu-west-1\n", "the pipeline's bucket there")
	assert.NotContains(t, got.stdout, "us-west-2", "what is prepared already")

	got = run("stage", "add", "eu-canary", "--canary-of", "eu", "--region", "eu-west-3", "--bake", "30m")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "prod → eu-canary → eu\n", "before its production")

	got = run("stage", "move", "dev", "--after", "eu")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "canary → prod → eu-canary → eu → dev\n")
	got = run("stage", "move", "prod", "--before", "canary")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "stands before its canary")

	before := declared()
	got = run("stage", "approve-mode", "eu", "manual")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "waits for a person before eu.")
	got = run("stage", "approve-mode", "eu", "manual")
	assert.Contains(t, got.stdout, "says so already")
	got = run("stage", "approve-mode", "eu", "automatic")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, before, declared())
	got = run("stage", "approve-mode", "eu", "sometimes")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "automatic or manual")

	file = declare(t, "name: shop\n")
	got = run("stage", "add", "prod")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "Deploy it: npx cdk deploy 'shop/prod/*'")
	got = run("stage", "move", "prod", "--before", "dev")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "Nothing has to be deployed")

	file = declare(t, "name: Shop\n")
	got = run("stage", "add", "prod")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, ":1:1: name: \"Shop\"", "the declaration's own problems, where they are")
}
