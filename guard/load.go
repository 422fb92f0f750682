package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tinystack-go/tinystack/snapshot"
)

// Load reads what to compare with: the folder of a cloud assembly (cdk.out); or
// a deployed template, as `aws cloudformation get-template` prints it, in a file
// named <stack>.json; or a folder of such files. A template takes the
// environment of the stack of its name in after.
func Load(path string, after *snapshot.Assembly) (*snapshot.Assembly, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("nothing to compare with: %w", err)
	}
	if !info.IsDir() {
		stack, err := readTemplate(path, after)
		if err != nil {
			return nil, err
		}
		return &snapshot.Assembly{Stacks: []*snapshot.Stack{stack}}, nil
	}
	if _, err := os.Stat(filepath.Join(path, "manifest.json")); !errors.Is(err, fs.ErrNotExist) {
		return snapshot.Load(path)
	}
	files, err := filepath.Glob(filepath.Join(path, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%s holds neither a cloud assembly (manifest.json) nor templates (<stack>.json)", path)
	}
	assembly := &snapshot.Assembly{}
	for _, file := range files {
		stack, err := readTemplate(file, after)
		if err != nil {
			return nil, err
		}
		assembly.Stacks = append(assembly.Stacks, stack)
	}
	return assembly, nil
}

func readTemplate(path string, after *snapshot.Assembly) (*snapshot.Stack, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var template snapshot.Template
	if err := json.Unmarshal(raw, &template); err != nil {
		return nil, fmt.Errorf("%s is not a template in JSON: %w", path, err)
	}
	if body, ok := template["TemplateBody"].(map[string]any); ok {
		template = body // as get-template prints it
	}
	if len(template.Resources("")) == 0 {
		return nil, fmt.Errorf("%s is not a template: it has no Resources", path)
	}
	name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".json"), ".template")
	stack := &snapshot.Stack{ID: name, Name: name, Template: template}
	switch now := named(after, name); len(now) {
	case 1:
		stack.Environment = now[0].Environment
	case 0:
		return nil, fmt.Errorf("%s: there is no stack %q to compare it with: name the file after its stack", path, name)
	default:
		return nil, fmt.Errorf("%s: several accounts or regions have a stack %q: compare with a cloud assembly instead", path, name)
	}
	return stack, nil
}
