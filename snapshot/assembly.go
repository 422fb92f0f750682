package snapshot

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The artifact types of a cloud assembly that matter here.
const (
	artifactStack    = "aws:cloudformation:stack"
	artifactAssembly = "cdk:cloud-assembly"
	artifactAssets   = "cdk:asset-manifest"
)

// Level is the severity of a [Message].
type Level string

// The levels that the CDK's annotations have.
const (
	LevelInfo    Level = "info"
	LevelWarning Level = "warning"
	LevelError   Level = "error"
)

// levels maps the types of metadata entries that are messages to their levels.
var levels = map[string]Level{
	"aws:cdk:info":    LevelInfo,
	"aws:cdk:warning": LevelWarning,
	"aws:cdk:error":   LevelError,
}

// A Message is an annotation that a construct left during synthesis.
type Message struct {
	// Level is the severity of the message.
	Level Level
	// Path is the path of the construct that the message is attached to, with
	// a leading slash.
	Path string
	// Text is the message. A warning that can be acknowledged ends in its
	// identifier, as in "careful [ack: example:id]".
	Text string
}

// String returns the message on one line, in the form "warning /Shop/Bucket: careful".
func (m Message) String() string {
	return fmt.Sprintf("%s %s: %s", m.Level, m.Path, m.Text)
}

// An Assembly is what synthesising a CDK app produces.
type Assembly struct {
	// Stacks holds the stacks of the app and of all its stages, sorted by name
	// and, where stacks in different environments share a name, by id.
	Stacks []*Stack
}

// A Stack is one stack of an [Assembly].
type Stack struct {
	// ID is the id of the stack's artifact in the assembly.
	ID string
	// Name is the name under which CloudFormation knows the stack.
	Name string
	// DisplayName is the path of the stack in the app, as in "Prod/Shop".
	DisplayName string
	// Environment is the account and region of the stack, in the form
	// "aws://123456789012/eu-west-1". A stack that is not bound to one has
	// "aws://unknown-account/unknown-region".
	Environment string
	// Template is the CloudFormation template of the stack.
	Template Template
	// Nested holds the nested stacks of the stack, at any depth, sorted by path.
	Nested []NestedStack
	// Dependencies holds the names of the stacks that must be deployed before
	// this one, sorted.
	Dependencies []string
	// Messages holds the annotations of the stack's constructs, sorted by path
	// and, for one construct, in the order in which they were added.
	Messages []Message
}

// A NestedStack is a stack that is a resource of another one. CloudFormation
// deploys it with its parent, so it is no stack of the [Assembly] in its own
// right.
type NestedStack struct {
	// Path is the logical id of the AWS::CloudFormation::Stack resource. For a
	// nested stack within a nested stack it is preceded by the path of the
	// outer one and a slash.
	Path string
	// Template is the CloudFormation template of the nested stack.
	Template Template
}

// Stack returns the stack with the given name. A stack can also be named by its
// display name or by its id, which tells apart stacks in different environments
// that share a name.
func (a *Assembly) Stack(name string) (*Stack, error) {
	// The name of one stack may be the id of another, so a kind of name that
	// matches settles it before the next kind is tried.
	for _, key := range []func(*Stack) string{
		func(s *Stack) string { return s.Name },
		func(s *Stack) string { return s.DisplayName },
		func(s *Stack) string { return s.ID },
	} {
		var found []*Stack
		for _, s := range a.Stacks {
			if key(s) == name {
				found = append(found, s)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			names := make([]string, len(found))
			for i, s := range found {
				names[i] = s.DisplayName
			}
			return nil, fmt.Errorf("snapshot: %d stacks are called %q: ask for one of %s", len(found), name, quoteList(names))
		}
	}
	names := make([]string, len(a.Stacks))
	for i, s := range a.Stacks {
		names[i] = s.Name
	}
	return nil, fmt.Errorf("snapshot: no stack %q; the assembly has %s", name, quoteList(names))
}

// uniqueNames returns the names of the stacks, with the id added to those that
// several stacks have.
func (a *Assembly) uniqueNames() []string {
	count := make(map[string]int)
	for _, s := range a.Stacks {
		count[s.Name]++
	}
	names := make([]string, len(a.Stacks))
	for i, s := range a.Stacks {
		names[i] = s.Name
		if count[s.Name] > 1 {
			names[i] += "@" + s.ID
		}
	}
	return names
}

func quoteList(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, ", ")
}

// Load reads the cloud assembly in dir, which is the directory that
// app.Synth(nil).Directory() names, or the cdk.out that the CDK command line
// leaves. The assemblies of stages are read with it.
func Load(dir string) (*Assembly, error) {
	l := loader{seen: make(map[string]bool)}
	if err := l.load(dir); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	slices.SortFunc(l.stacks, func(a, b *Stack) int {
		return cmp.Or(
			cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.ID, b.ID),
			cmp.Compare(a.Environment, b.Environment),
		)
	})
	return &Assembly{Stacks: l.stacks}, nil
}

// The types below mirror those parts of the files of a cloud assembly that are
// read. The properties of an artifact depend on its type, and types that are not
// read may have any, so they are decoded late.
type (
	manifest struct {
		Artifacts map[string]artifact `json:"artifacts"`
	}
	artifact struct {
		Type                   string          `json:"type"`
		Environment            string          `json:"environment"`
		DisplayName            string          `json:"displayName"`
		Dependencies           []string        `json:"dependencies"`
		Metadata               metadata        `json:"metadata"`
		AdditionalMetadataFile string          `json:"additionalMetadataFile"`
		Properties             json.RawMessage `json:"properties"`
	}
	metadata      map[string][]metadataEntry
	metadataEntry struct {
		Type string `json:"type"`
		Data any    `json:"data"`
	}
	stackProperties struct {
		TemplateFile string `json:"templateFile"`
		StackName    string `json:"stackName"`
	}
	assemblyProperties struct {
		DirectoryName string `json:"directoryName"`
	}
	assetProperties struct {
		File string `json:"file"`
	}
	assetManifest struct {
		Files map[string]struct {
			Source struct {
				Path string `json:"path"`
			} `json:"source"`
			Destinations map[string]struct {
				ObjectKey string `json:"objectKey"`
			} `json:"destinations"`
		} `json:"files"`
	}
)

type loader struct {
	stacks []*Stack
	// seen holds the directories that were read, so that an assembly that
	// contains itself is an error and not an endless recursion.
	seen map[string]bool
}

func (l *loader) load(dir string) error {
	dir = filepath.Clean(dir)
	if l.seen[dir] {
		return fmt.Errorf("cloud assembly %s: nested more than once", dir)
	}
	l.seen[dir] = true

	var m manifest
	if err := readJSON(filepath.Join(dir, "manifest.json"), &m); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is not a cloud assembly: %w", dir, err)
		}
		return err
	}

	// Dependencies name artifacts of the same manifest, some of which are
	// assets and not stacks.
	names := make(map[string]string)
	assets := make(map[string]string)
	for _, id := range sortedKeys(m.Artifacts) {
		a := m.Artifacts[id]
		var err error
		switch a.Type {
		case artifactStack:
			var p stackProperties
			err = json.Unmarshal(a.Properties, &p)
			names[id] = cmp.Or(p.StackName, id)
		case artifactAssets:
			err = addAssets(assets, dir, a)
		case artifactAssembly:
			var p assemblyProperties
			if err = json.Unmarshal(a.Properties, &p); err == nil {
				err = l.load(filepath.Join(dir, filepath.FromSlash(p.DirectoryName)))
			}
		}
		if err != nil {
			return fmt.Errorf("artifact %s of %s: %w", id, dir, err)
		}
	}

	for _, id := range sortedKeys(names) {
		s, err := newStack(dir, id, m.Artifacts[id], names, assets)
		if err != nil {
			return fmt.Errorf("stack %s of %s: %w", id, dir, err)
		}
		l.stacks = append(l.stacks, s)
	}
	return nil
}

// addAssets adds the files of an asset manifest to assets: the name under which
// each is uploaded, and where it comes from. The templates of nested stacks are
// among them.
func addAssets(assets map[string]string, dir string, a artifact) error {
	var p assetProperties
	if err := json.Unmarshal(a.Properties, &p); err != nil {
		return err
	}
	file := filepath.Join(dir, filepath.FromSlash(p.File))
	var m assetManifest
	if err := readJSON(file, &m); err != nil {
		return err
	}
	for _, f := range m.Files {
		for _, d := range f.Destinations {
			assets[path.Base(d.ObjectKey)] = filepath.Join(filepath.Dir(file), filepath.FromSlash(f.Source.Path))
		}
	}
	return nil
}

func newStack(dir, id string, a artifact, names, assets map[string]string) (*Stack, error) {
	var p stackProperties
	if err := json.Unmarshal(a.Properties, &p); err != nil {
		return nil, err
	}
	if p.TemplateFile == "" {
		return nil, errors.New("manifest names no template file")
	}
	s := &Stack{
		ID:          id,
		Name:        names[id],
		DisplayName: cmp.Or(a.DisplayName, id),
		Environment: a.Environment,
	}

	file := filepath.Join(dir, filepath.FromSlash(p.TemplateFile))
	var err error
	if s.Template, err = readTemplate(file); err != nil {
		return nil, err
	}
	if s.Nested, err = nestedStacks(s.Template, "", []string{file}, dir, assets); err != nil {
		return nil, err
	}

	for _, dep := range a.Dependencies {
		if name, ok := names[dep]; ok {
			s.Dependencies = append(s.Dependencies, name)
		}
	}
	slices.Sort(s.Dependencies)
	s.Dependencies = slices.Compact(s.Dependencies)

	s.Messages = a.Metadata.messages(nil)
	if a.AdditionalMetadataFile != "" {
		var more metadata
		if err := readJSON(filepath.Join(dir, filepath.FromSlash(a.AdditionalMetadataFile)), &more); err != nil {
			return nil, err
		}
		s.Messages = more.messages(s.Messages)
	}
	slices.SortStableFunc(s.Messages, func(a, b Message) int { return cmp.Compare(a.Path, b.Path) })
	return s, nil
}

// messages appends the messages among the metadata to list.
func (md metadata) messages(list []Message) []Message {
	for p, entries := range md {
		for _, e := range entries {
			level, ok := levels[e.Type]
			if !ok {
				continue
			}
			text, ok := e.Data.(string)
			if !ok {
				text = fmt.Sprint(e.Data)
			}
			list = append(list, Message{Level: level, Path: p, Text: text})
		}
	}
	return list
}

// nestedStacks reads the nested stacks of t, in the order of their paths, which
// start with prefix. The chain holds the files of the templates around them.
func nestedStacks(t Template, prefix string, chain []string, dir string, assets map[string]string) ([]NestedStack, error) {
	resources := t.Resources("AWS::CloudFormation::Stack")
	var nested []NestedStack
	for _, id := range sortedKeys(resources) {
		r := resources[id]
		file := assets[lastSegment(r.Properties["TemplateURL"])]
		if file == "" && r.Metadata["aws:asset:property"] == "TemplateURL" {
			// Assemblies without asset manifests say it in the template.
			if p, ok := r.Metadata["aws:asset:path"].(string); ok {
				file = filepath.Join(dir, filepath.FromSlash(p))
			}
		}
		if file == "" {
			// The template is somebody else's, at a URL of its own.
			continue
		}
		if slices.Contains(chain, file) {
			return nil, fmt.Errorf("nested stack %s%s contains itself", prefix, id)
		}
		inner, err := readTemplate(file)
		if err != nil {
			return nil, fmt.Errorf("nested stack %s%s: %w", prefix, id, err)
		}
		nested = append(nested, NestedStack{Path: prefix + id, Template: inner})
		deeper, err := nestedStacks(inner, prefix+id+"/", append(slices.Clip(chain), file), dir, assets)
		if err != nil {
			return nil, err
		}
		nested = append(nested, deeper...)
	}
	return nested, nil
}

// lastSegment returns what follows the last slash of a URL that may be written
// with intrinsic functions, or "" if that part is not literal.
func lastSegment(url any) string {
	switch url := url.(type) {
	case string:
		return url[strings.LastIndexByte(url, '/')+1:]
	case map[string]any:
		if sub, ok := url["Fn::Sub"]; ok {
			return lastSegment(sub)
		}
		if parts, ok := joinParts(url); ok && len(parts) > 0 {
			last, _ := parts[len(parts)-1].(string)
			return lastSegment(last)
		}
	}
	return ""
}

func readTemplate(file string) (Template, error) {
	var t Template
	if err := readJSON(file, &t); err != nil {
		return nil, err
	}
	if t == nil {
		return nil, fmt.Errorf("%s: template is null", file)
	}
	return t, nil
}

// readJSON decodes the JSON document in file into v.
func readJSON(file string, v any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("%s: more than one JSON value", file)
	}
	return nil
}
