package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

type limit struct {
	name    string
	subject subject
}

// limitsOf is what no app in Go can be faster than, however it is written: the
// jsii kernel in its single process, fed with what our synthesis asks of it as
// fast as it takes it.
func limitsOf(folder, out string) ([]limit, error) {
	requests, err := os.ReadFile(filepath.Join(folder, "requests"))
	if err != nil {
		return nil, err
	}
	runtime, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/jsii-runtime-go").Output()
	if err != nil {
		return nil, fmt.Errorf("where the jsii runtime is: %w", err)
	}
	program := filepath.Join(strings.TrimSpace(string(runtime)), "internal", "embedded", "resources", "lib", "program.js")
	kernel := subject{
		command:     []string{"node", "--random-seed=1", "--stack-trace-limit=0", "--preserve-symlinks", program},
		environment: []string{"CDK_VALIDATION=false"},
		out:         out,
	}
	// What comes before the first object is made: loading the CDK's modules.
	loads := requests[:bytes.Index(requests, []byte(`{"api":"create"`))]
	start, all := kernel, kernel
	start.feed, all.feed = []byte(string(loads)+"{\"exit\":0}\n"), requests
	return []limit{
		{"limit: the kernel's start", start},
		{"limit: the CDK's JavaScript", all},
	}, nil
}
