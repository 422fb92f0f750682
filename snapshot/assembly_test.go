package snapshot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func loadTestdata(t *testing.T) *Assembly {
	t.Helper()
	a, err := Load(filepath.Join("testdata", "assembly"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLoad(t *testing.T) {
	a := loadTestdata(t)

	// What the stacks are, apart from their templates.
	want := []Stack{
		{
			ID:           "ProdShop1A2B3C4D",
			Name:         "Prod-Shop",
			DisplayName:  "Prod/Shop",
			Environment:  "aws://222222222222/us-east-1",
			Dependencies: []string{"network"},
		},
		{
			ID:          "Shop",
			Name:        "Shop",
			DisplayName: "Shop",
			Environment: "aws://111111111111/eu-west-1",
			// The assets that it depends on too are no stack.
			Dependencies: []string{"network"},
			Messages: []Message{
				{LevelInfo, "/Shop/Api", "map[text:structured]"},
				{LevelWarning, "/Shop/Orders", "orders are kept for one day"},
			},
		},
		{
			ID:          "Network",
			Name:        "network",
			DisplayName: "Network",
			Environment: "aws://unknown-account/unknown-region",
			Messages: []Message{
				{LevelError, "/Network", "no NAT gateway"},
				{LevelWarning, "/Network/Vpc/Resource", "one zone only [ack: network:zones]"},
				{LevelInfo, "/Network/Vpc/Resource", "flow logs are off"},
			},
		},
		{
			ID:          "ProdNetwork5E6F7A8B",
			Name:        "network",
			DisplayName: "Prod/Network",
			Environment: "aws://222222222222/us-east-1",
		},
	}
	if len(a.Stacks) != len(want) {
		t.Fatalf("got %d stacks, want %d", len(a.Stacks), len(want))
	}
	for i, s := range a.Stacks {
		got := *s
		got.Template, got.Nested = nil, nil
		if !reflect.DeepEqual(got, want[i]) {
			t.Errorf("stack %d:\n got %+v\nwant %+v", i, got, want[i])
		}
	}

	// Each has its own template.
	for i, path := range []string{
		"Resources.OrdersBucket0D3A7F21.Type",
		"Resources.Task.Type",
		"Resources.Subnet1.Type",
		"Resources.Vpc8378EB38.Type",
	} {
		if a.Stacks[i].Template.Get(path) == nil {
			t.Errorf("template of %s has no %s", a.Stacks[i].ID, path)
		}
	}
	if got := a.Stacks[3].Template.Get("Resources.Vpc8378EB38.Properties.CidrBlock"); got != "10.1.0.0/16" {
		t.Errorf("network of Prod: got %v", got)
	}
}

func TestLoadNestedStacks(t *testing.T) {
	shop, err := loadTestdata(t).Stack("Shop")
	if err != nil {
		t.Fatal(err)
	}
	// One is found by its key in the asset manifest, the other by the metadata
	// of its resource. A template from elsewhere is not part of the assembly.
	want := map[string]string{
		"Search":        "Index",
		"Search/Deeper": "Log",
	}
	if len(shop.Nested) != len(want) {
		t.Errorf("got %d nested stacks, want %d", len(shop.Nested), len(want))
	}
	for _, n := range shop.Nested {
		if _, ok := n.Template.Resource(want[n.Path]); !ok {
			t.Errorf("nested stack %q has no resource %q", n.Path, want[n.Path])
		}
	}
	if shop.Nested[0].Path != "Search" {
		t.Errorf("nested stacks are not sorted: %q is first", shop.Nested[0].Path)
	}
}

func TestLoadDependencies(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"manifest.json": `{"artifacts": {
			"A": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json", "stackName": "z"}},
			"B": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json", "stackName": "y"}},
			"C": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json", "stackName": "x"},
				"dependencies": ["A", "B", "A", "Elsewhere"]}}}`,
		"t.json": `{}`,
	})
	a, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := a.Stacks[0].Dependencies, []string{"y", "z"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLoadErrors(t *testing.T) {
	const stack = `{"artifacts": {"A": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "a.json"}}}}`
	const nesting = `{"Resources": {"N": {"Type": "AWS::CloudFormation::Stack",
		"Properties": {"TemplateURL": "https://example.com/x"},
		"Metadata": {"aws:asset:path": "%s", "aws:asset:property": "TemplateURL"}}}}`
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no manifest", nil, "is not a cloud assembly"},
		{"bad manifest", map[string]string{"manifest.json": `{`}, "manifest.json: unexpected EOF"},
		{"trailing data", map[string]string{"manifest.json": `{} {}`}, "manifest.json: more than one JSON value"},
		{"no template", map[string]string{"manifest.json": stack}, "stack A of"},
		{"null template", map[string]string{"manifest.json": stack, "a.json": `null`}, "a.json: template is null"},
		{"template is no object", map[string]string{"manifest.json": stack, "a.json": `[]`}, "cannot unmarshal array"},
		{
			"no template file",
			map[string]string{"manifest.json": `{"artifacts": {"A": {"type": "aws:cloudformation:stack", "properties": {}}}}`},
			"manifest names no template file",
		},
		{
			"no properties",
			map[string]string{"manifest.json": `{"artifacts": {"A": {"type": "aws:cloudformation:stack"}}}`},
			"artifact A of",
		},
		{
			"no metadata file",
			map[string]string{
				"manifest.json": `{"artifacts": {"A": {"type": "aws:cloudformation:stack",
					"additionalMetadataFile": "gone.json", "properties": {"templateFile": "a.json"}}}}`,
				"a.json": `{}`,
			},
			"gone.json",
		},
		{
			"no asset manifest",
			map[string]string{"manifest.json": `{"artifacts": {"A": {"type": "cdk:asset-manifest", "properties": {"file": "gone.json"}}}}`},
			"gone.json",
		},
		{
			"no nested assembly",
			map[string]string{"manifest.json": `{"artifacts": {"A": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "gone"}}}}`},
			"gone is not a cloud assembly",
		},
		{
			"assembly in itself",
			map[string]string{"manifest.json": `{"artifacts": {"A": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}}}`},
			"nested more than once",
		},
		{
			"nested stack in itself",
			map[string]string{"manifest.json": stack, "a.json": strings.ReplaceAll(nesting, "%s", "b.json"), "b.json": strings.ReplaceAll(nesting, "%s", "b.json")},
			"nested stack N/N contains itself",
		},
		{
			"no nested template",
			map[string]string{"manifest.json": stack, "a.json": strings.ReplaceAll(nesting, "%s", "gone.json")},
			"nested stack N: ",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFiles(t, dir, tt.files)
			a, err := Load(dir)
			if err == nil {
				t.Fatalf("no error, but %d stacks", len(a.Stacks))
			}
			if !strings.HasPrefix(err.Error(), "snapshot: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %q, want one with %q", err, tt.want)
			}
		})
	}

	if _, err := Load(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("empty directory: got %v, want fs.ErrNotExist", err)
	}
}

func TestAssemblyStack(t *testing.T) {
	a := loadTestdata(t)
	for name, id := range map[string]string{
		"Shop":                "Shop",
		"Prod-Shop":           "ProdShop1A2B3C4D",
		"Prod/Shop":           "ProdShop1A2B3C4D",
		"ProdShop1A2B3C4D":    "ProdShop1A2B3C4D",
		"Network":             "Network",
		"Prod/Network":        "ProdNetwork5E6F7A8B",
		"ProdNetwork5E6F7A8B": "ProdNetwork5E6F7A8B",
	} {
		s, err := a.Stack(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if s.ID != id {
			t.Errorf("%s: got stack %s, want %s", name, s.ID, id)
		}
	}

	for name, want := range map[string]string{
		"network": `snapshot: 2 stacks are called "network": ask for one of "Network", "Prod/Network"`,
		"nothing": `snapshot: no stack "nothing"; the assembly has "Prod-Shop", "Shop", "network", "network"`,
	} {
		if _, err := a.Stack(name); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", name, err, want)
		}
	}
	if _, err := new(Assembly).Stack("x"); err == nil || !strings.HasSuffix(err.Error(), "the assembly has none") {
		t.Errorf("empty assembly: got %v", err)
	}
}

func TestMessageString(t *testing.T) {
	m := Message{LevelWarning, "/Shop/Orders", "careful"}
	if got, want := m.String(), "warning /Shop/Orders: careful"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
