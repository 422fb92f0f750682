package app

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/spec"
)

// Most of these tests run the app as the CDK command line tool does: as a process
// that writes into the folder it is told.

// programVariable makes the test binary be the program: it is linked already.
const programVariable = "TINYSTACK_TEST_PROGRAM"

// binaries that are built already, by folder.
var binaries = map[string]string{}

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		Main()
	}
	code := m.Run()
	jsii.Close()
	for _, binary := range binaries {
		os.RemoveAll(filepath.Dir(binary))
	}
	os.Exit(code)
}

// self is the app of `app.go`: the test binary plays its part.
func self(t *testing.T) string {
	t.Helper()
	t.Setenv(programVariable, "app")
	binary, err := os.Executable()
	require.NoError(t, err)
	return binary
}

func build(t *testing.T, app string) string {
	t.Helper()
	if binaries[app] == "" {
		dir, err := os.MkdirTemp("", "tinystack")
		require.NoError(t, err)
		binary := filepath.Join(dir, "tinystack")
		out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", binary, app).CombinedOutput()
		require.NoError(t, err, string(out))
		binaries[app] = binary
	}
	return binaries[app]
}

type result struct {
	status         int
	stdout, stderr string
}

func start(t *testing.T, binary, config, outdir string, args ...string) result {
	t.Helper()
	command := exec.Command(binary, args...)
	command.Env = append(os.Environ(), spec.FileVariable+"="+config, "CDK_OUTDIR="+outdir)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	if err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	return result{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// bad declarations, and what must be said of each: all of it, at once.
var bad = map[string]struct {
	text string
	says []string
}{
	"unknown field":          {"name: shop\nservices: [{name: web, prot: 80}]\n", []string{"services[0].prot", "did you mean port"}},
	"wrong type":             {"name: shop\nstages: [{name: dev, database: {storage: big}}]\n", []string{"stages[0].database.storage", "big"}},
	"empty":                  {"", []string{"empty"}},
	"duplicate stages":       {"name: shop\nstages: [{name: dev}, {name: dev}]\n", []string{"stages[1].name", "dev"}},
	"canary of nothing":      {"name: shop\nstages: [{name: canary, canaryOf: prod, region: us-west-2}]\n", []string{"stages[0].canaryOf", "prod"}},
	"cache with a balancer":  {"name: shop\nstages: [{name: dev, endpoint: {type: alb, caching: {paths: [{path: /, query: []}]}}}]\n", []string{"stages[0].endpoint.caching"}},
	"min over max":           {"name: shop\nstages: [{name: dev, scale: {instances: {min: 5, max: 2}}}]\n", []string{"stages[0].scale.instances"}},
	"port":                   {"name: shop\nservices: [{name: web, port: 70000}]\n", []string{"services[0].port", "70000", "65535"}},
	"region":                 {"name: shop\nstages: [{name: dev, region: us-east-9}]\n", []string{"stages[0].region", "us-east-9"}},
	"two architectures":      {"name: shop\nstages: [{name: dev}, {name: prod, scale: {instance: t4g.micro}}]\n", []string{"arm64", "x86_64", "t4g.micro", "t3.micro"}},
	"a long name":            {"name: " + strings.Repeat("a", 30) + "\n", []string{"name", "20"}},
	"not YAML":               {"name: [shop\n", []string{"bad.yaml:1"}},
	"a megabyte of nonsense": {strings.Repeat("x]{:&*", 1<<20/6), []string{"bad.yaml"}},
	"an unset variable":      {"name: shop\nstages: [{name: dev, account: \"${NO_SUCH_ACCOUNT}\"}]\n", []string{"NO_SUCH_ACCOUNT", "export"}},
	"several at once":        {"name: Shop\nservices: [{name: web, port: -1}]\nstages: [{name: dev, region: mars}]\n", []string{"Shop", "services[0].port", "stages[0].region"}},
	"names that collide":     {"name: shop\nservices: [{name: b-c}, {name: c, worker: true}]\nstages: [{name: a}, {name: a-b}]\n", []string{"error: stages[1].name", "shop-a-b-c-TaskRole", "[name-clash]", "nothing was written"}},
	"more than fits":         {"name: shop\nservices: [{name: web, memory: 4000}]\n", []string{"memory", "4000", "t3.micro"}},
}

func TestBadDeclarations(t *testing.T) {
	binary, dir, left := self(t), t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", left)
	// What an earlier synthesis left must survive all of them.
	outdir := filepath.Join(dir, "cdk.out")
	require.NoError(t, os.Mkdir(outdir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(outdir, "manifest.json"), []byte("earlier"), 0o644))
	for name, test := range bad {
		t.Run(name, func(t *testing.T) {
			config := filepath.Join(dir, "bad.yaml")
			require.NoError(t, os.WriteFile(config, []byte(test.text), 0o644))
			got := start(t, binary, config, outdir)
			assert.Equal(t, 1, got.status)
			assert.Empty(t, got.stdout)
			for _, says := range test.says {
				assert.Contains(t, got.stderr, says)
			}
			assert.NotContains(t, got.stderr, "goroutine")
			assert.NotContains(t, got.stderr, ".go:")
			assert.NotContains(t, got.stderr, "jsii")
			assert.Less(t, len(got.stderr), 5000)
		})
	}
	assert.Empty(t, files(t, left), "the runtime is removed again")
	t.Run("no such file", func(t *testing.T) {
		got := start(t, binary, filepath.Join(dir, "none.yaml"), outdir)
		assert.Equal(t, 1, got.status)
		assert.Contains(t, got.stderr, "none.yaml")
	})
	assert.Equal(t, map[string]string{"manifest.json": "earlier"}, files(t, outdir))
}

func TestArguments(t *testing.T) {
	got := start(t, self(t), "", t.TempDir(), "validate")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "cmd/tinystack")
}

// What the default declaration becomes, as `cdk synth` runs it; `make synth`
// also validates it.
func TestSynthesize(t *testing.T) {
	t.Setenv("CDK_VALIDATION", "false")
	outdir := filepath.Join(t.TempDir(), "cdk.out")
	got := start(t, self(t), "../tinystack.yaml", outdir)
	require.Equal(t, 0, got.status, got.stderr)
	for line := range strings.Lines(got.stderr) {
		assert.Regexp(t, `^([a-z/.]+yaml:[0-9:]+ warning: |    why: |    fix: )`, line, "only warnings about the declaration are printed")
	}
	made := files(t, outdir)
	assert.Contains(t, made, "manifest.json")
	for name, text := range made {
		if strings.HasSuffix(name, "manifest.json") {
			assert.NotContains(t, text, `"missing"`, "%s: something would be looked up", name)
		}
	}
	summary := start(t, build(t, "../cmd/tinystack"), "", "", "summary", outdir).stdout
	assert.Contains(t, summary, "guestbook-prod-service                 222222222222   us-east-1")
	assert.Contains(t, summary, "npx cdk bootstrap aws://222222222222/us-west-2 --trust 111111111111")
	documented(t, summary, made)
}

// With the CDK's kernel in one process or in two, the templates are the same
// bytes, and nothing stays behind.
func TestOneProcessOrTwo(t *testing.T) {
	t.Setenv("CDK_VALIDATION", "false")
	synthesize := func(node string) map[string]string {
		left := t.TempDir()
		t.Setenv("TMPDIR", left)
		t.Setenv("JSII_NODE", node)
		outdir := filepath.Join(t.TempDir(), "cdk.out")
		got := start(t, self(t), "../examples/direct/tinystack.yaml", outdir)
		require.Equal(t, 0, got.status, got.stderr)
		assert.Empty(t, files(t, left))
		return files(t, outdir)
	}
	one, two := synthesize(""), synthesize("node")
	assert.Equal(t, two, one)
	assert.Contains(t, one, "manifest.json")
}

// Somebody who stops a synthesis finds nothing of it in the folder for temporary
// files.
func TestNothingStaysOfWhatIsStopped(t *testing.T) {
	t.Setenv("CDK_VALIDATION", "false")
	t.Setenv("CDK_OUTDIR", filepath.Join(t.TempDir(), "cdk.out"))
	t.Setenv(spec.FileVariable, "../tinystack.yaml")
	left := t.TempDir()
	t.Setenv("TMPDIR", left)
	command := exec.Command(self(t))
	var said bytes.Buffer
	command.Stderr = &said
	require.NoError(t, command.Start())
	require.Eventually(t, func() bool {
		kernel, err := filepath.Glob(filepath.Join(left, "jsii-kernel-*"))
		return err == nil && len(kernel) > 0
	}, time.Minute, time.Millisecond)
	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	command.Wait()
	assert.Equal(t, 128+int(syscall.SIGTERM), command.ProcessState.ExitCode())
	assert.NotContains(t, said.String(), "goroutine")
	entries, err := os.ReadDir(left)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

// What would lose data is refused before the last assembly is touched, again and
// again, until the declaration allows it.
func TestReplacementsAreRefused(t *testing.T) {
	t.Setenv("CDK_VALIDATION", "false")
	binary, dir := self(t), t.TempDir()
	config, outdir := filepath.Join(dir, "tinystack.yaml"), filepath.Join(dir, "cdk.out")
	synthesize := func(database, more string) result {
		text := "name: shop\nservices: [{name: web, image: \"example.com/web:1\"}]\nstages: [{name: dev, database: " + database + "}]\n" + more
		require.NoError(t, os.WriteFile(config, []byte(text), 0o644))
		return start(t, binary, config, outdir)
	}
	got := synthesize("{}", "")
	require.Equal(t, 0, got.status, got.stderr)
	first := files(t, outdir)

	got = synthesize("{}", "")
	require.Equal(t, 0, got.status, got.stderr)
	assert.Empty(t, got.stderr)
	assert.Equal(t, first, files(t, outdir), "the way over another folder leaves no trace")

	for range 2 {
		got = synthesize("{name: books, storage: 30}", "")
		assert.Equal(t, 1, got.status)
		assert.Contains(t, got.stderr, `DBName: "shop" → "books"`)
		assert.Contains(t, got.stderr, `replacements: ["shop-dev-data/DatabaseInstanceAA8A5FDE: DBName"]`)
		assert.NotContains(t, got.stderr, "AllocatedStorage", "that is changed in place")
		assert.NotContains(t, got.stderr, "TINYSTACK_DEBUG")
		assert.NotContains(t, got.stderr, ".go:")
		assert.Equal(t, first, files(t, outdir))
	}

	got = synthesize("{name: books, storage: 30}", `replacements: ["shop-dev-data/DatabaseInstanceAA8A5FDE: DBName"]`)
	require.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stderr, "allowed by replacements: shop-dev-data/DatabaseInstanceAA8A5FDE")
	assert.NotEqual(t, first, files(t, outdir))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "nothing is left beside the assembly")

	// Deployed is still the first, so that is what to compare with.
	deployed := filepath.Join(dir, "shop-dev-data.json")
	for name, text := range first {
		if strings.HasSuffix(name, ".template.json") && strings.Contains(text, "AWS::RDS::DBInstance") {
			require.NoError(t, os.WriteFile(deployed, []byte(text), 0o644))
		}
	}
	t.Setenv(AgainstVariable, deployed)
	got = synthesize("{name: books}", "")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "compared with "+deployed)
	t.Setenv(AgainstVariable, filepath.Join(dir, "none.json"))
	got = synthesize("{}", "")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "fix: set TINYSTACK_AGAINST")

	cli := build(t, "../cmd/tinystack")
	got = start(t, cli, config, "", "guard", "--against", deployed, outdir)
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "DBName")
	got = start(t, cli, config, "", "guard", "--against", outdir, outdir)
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "nothing that holds data is replaced or deleted")
}

// Values that must stay secret are planted wherever a person or a pipeline might
// leave one; nothing that is written or printed may have them.
func TestNoSecretIsWritten(t *testing.T) {
	const marker = "Marker-5ecret-hunter2"
	t.Setenv("CDK_VALIDATION", "false")
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD", "PG_CREDENTIALS_SECRET", "GITHUB_TOKEN", "PLANTED"} {
		t.Setenv(name, marker)
	}
	binary, dir := self(t), t.TempDir()
	run := func(t *testing.T, text string, status int) {
		config, outdir := filepath.Join(dir, "tinystack.yaml"), filepath.Join(t.TempDir(), "cdk.out")
		require.NoError(t, os.WriteFile(config, []byte(text), 0o644))
		got := start(t, binary, config, outdir)
		assert.Equal(t, status, got.status, got.stderr)
		assert.NotContains(t, got.stdout+got.stderr, marker)
		if status != 0 {
			assert.NoDirExists(t, outdir)
			return
		}
		for name, content := range files(t, outdir) {
			assert.NotContains(t, content, marker, name)
		}
	}
	t.Run("all that is written", func(t *testing.T) {
		run(t, `name: shop
services: [{name: web, image: "example.com/web:1", migration: {command: [migrate]}}]
stages:
  - name: dev
    scale: {instance: t3.small}
    secrets: {STRIPE: shop/stripe#key, TOKEN: ssm:/shop/token}
    database: {rotation: {user: clerk}, readReplicas: [{}], tunnel: true, iamUser: web}
`, 0)
	})
	const head = "name: shop\nservices: [{name: web, image: \"example.com/web:1\"MORE}]\nstages: [{name: dev"
	for name, text := range map[string]string{
		"as a reference":         head + ", secrets: {A: \"${PLANTED} \"}}]",
		"as a plain reference":   head + ", secrets: {A: \"postgres://u:Marker-5ecret-hunter2@h/d\"}}]",
		"as an existing secret":  head + ", database: {existing: {host: h, secret: \"${PLANTED}!\", securityGroup: sg-0123456789abcdef0}}}]",
		"as a user":              head + ", database: {user: \"${PLANTED}\"}}]",
		"as a user that rotates": head + ", database: {rotation: {user: \"${PLANTED}\"}}}]",
		"as a parameter's name":  head + ", database: {parameters: {Wrong: \"${PLANTED}\"}}}]",
		"as a window":            head + ", database: {backupWindow: \"${PLANTED}\"}}]",
		"as a service":           head + ", database: {services: [\"${PLANTED}\"]}}]",
		"as an override":         head + ", database: {overrides: [\"${PLANTED}\"]}}]",
		"as a replica's region":  head + ", database: {readReplicas: [{instance: \"${PLANTED}\"}]}}]",
		"as a replacement":       head + "}]\nreplacements: [\"${PLANTED}\"]",
		"as a migration's limit": strings.Replace(head, "MORE", ", migration: {command: [\"\"], timeout: \"${PLANTED}\"}", 1) + "}]",
	} {
		t.Run(name, func(t *testing.T) { run(t, strings.Replace(text, "MORE", "", 1)+"\n", 1) })
	}
}

// documented compares what docs/accounts.md and docs/rollback.md say of
// tinystack.yaml with what was made of it.
func documented(t *testing.T, summary string, made map[string]string) {
	t.Helper()
	accounts, err := os.ReadFile("../docs/accounts.md")
	require.NoError(t, err)
	_, block, found := strings.Cut(string(accounts), "<!-- summary: tinystack.yaml -->\n```sh\n")
	require.True(t, found)
	block, _, _ = strings.Cut(block, "```")
	_, printed, found := strings.Cut(summary, "once for each account and region:\n")
	require.True(t, found)
	bootstrap, deploy, found := strings.Cut(strings.ReplaceAll(printed, "  npx", "npx"), "and then, once; ")
	require.True(t, found)
	assert.Equal(t, bootstrap, block)
	_, deploy, _ = strings.Cut(deploy, "\n")
	assert.Contains(t, string(accounts), "```sh\n"+deploy+"```")

	rollback, err := os.ReadFile("../docs/rollback.md")
	require.NoError(t, err)
	pages, text := string(accounts)+string(rollback), ""
	for file, content := range made {
		if strings.HasSuffix(file, "manifest.json") || strings.HasSuffix(file, ".template.json") {
			text += content
		}
	}
	for said, is := range map[string]string{
		"cdk deploy 'guestbook/prod/*'":                `"displayName": "guestbook/prod/service"`,
		"cdk deploy '*/Pipeline'":                      `"displayName": "guestbook/Pipeline"`,
		"--region us-east-1 --pipeline-name guestbook": `"Name": "guestbook"`,
		"--stage-name guestbook-prod":                  `"Name": "guestbook-prod"`,
		"export TINYSTACK_COMMIT=":                     `\"name\":\"TINYSTACK_COMMIT\"`,
		"repository=guestbook/api":                     `guestbook/api=TINYSTACK_COMMIT`,
	} {
		assert.Contains(t, pages, said)
		assert.Contains(t, text, is, said)
	}
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name, _ := filepath.Rel(dir, path)
			found[name] = string(text)
		}
		return err
	}))
	return found
}
