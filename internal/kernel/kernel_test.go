package kernel_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/kernel"
)

// installed calls UseOneProcess with a cache of its own and returns what
// JSII_NODE is then.
func installed(t *testing.T) string {
	t.Helper()
	return installedIn(t, t.TempDir())
}

func installedIn(t *testing.T, cache string) string {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	t.Setenv("JSII_RUNTIME", "")
	t.Setenv("JSII_NODE", "")
	kernel.UseOneProcess()
	return os.Getenv("JSII_NODE")
}

func TestWhatIsDamagedIsMadeAnew(t *testing.T) {
	script := installed(t)
	require.NotEmpty(t, script)
	for _, file := range []string{script, filepath.Join(filepath.Dir(script), "shim.js")} {
		whole, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, []byte("damaged"), 0o700))
		os.Setenv("JSII_NODE", "")
		kernel.UseOneProcess()
		assert.Equal(t, script, os.Getenv("JSII_NODE"))
		again, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, string(whole), string(again), file)
	}
	files, err := os.ReadDir(filepath.Dir(script))
	require.NoError(t, err)
	assert.Len(t, files, 2, "nothing half-written stays")
}

func TestTheRuntimeIsLeftAlone(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T){
		"where the user has chosen a runtime": func(t *testing.T) { t.Setenv("JSII_RUNTIME", "some command") },
		"where there is no cache": func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "file")
			require.NoError(t, os.WriteFile(file, nil, 0o600))
			t.Setenv("XDG_CACHE_HOME", file)
			t.Setenv("HOME", file)
		},
		"where no cache is named": func(t *testing.T) {
			t.Setenv("XDG_CACHE_HOME", "")
			t.Setenv("HOME", "")
		},
		"without Node": func(t *testing.T) { t.Setenv("PATH", t.TempDir()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("JSII_NODE", "")
			prepare(t)
			kernel.UseOneProcess()
			assert.Empty(t, os.Getenv("JSII_NODE"))
		})
	}
	t.Setenv("JSII_NODE", "my-node")
	kernel.UseOneProcess()
	assert.Equal(t, "my-node", os.Getenv("JSII_NODE"), "a Node that the user has chosen stays")
}

// program is a kernel as the jsii runtime has it, as far as its outside goes:
// it answers what it reads on file descriptor 3 there, and prints.
const program = `// {readFD:3,writeFD:3}
const fs = require('fs');
console.log('printed', process.argv.length);
console.error('complained');
require('child_process').execFileSync('echo', ['from a child'], { stdio: ['ignore', 'inherit', process.stderr] });
const buffer = Buffer.alloc(100);
const read = fs.readSync(3, buffer, 0, buffer.length, null);
fs.writeSync(3, 'heard ' + buffer.subarray(0, read).toString());
process.exit(fs.readSync(0, buffer, 0, buffer.length, null));
`

// entry is the runtime's entry point, which in two processes starts the program.
const entry = `// {stdio:["ignore","pipe","pipe","pipe"]}
console.log('two processes', process.argv.length);
`

// start runs the script as the jsii runtime would, on a runtime of such an entry
// point and program.
func start(t *testing.T, entry, program string) (stdout, stderr string) {
	t.Helper()
	return startIn(t, t.TempDir(), entry, program)
}

// startIn does it with a cache that may have been used before.
func startIn(t *testing.T, cache, entry, program string) (stdout, stderr string) {
	t.Helper()
	script := installedIn(t, cache)
	require.NotEmpty(t, script)
	folder := filepath.Join(t.TempDir(), "a folder")
	for name, text := range map[string]string{"bin/jsii-runtime.js": entry, "lib/program.js": program} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	command := exec.Command(script, filepath.Join(folder, "bin", "jsii-runtime.js"))
	command.Stdin = strings.NewReader("a message\n")
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	require.NoError(t, command.Run(), errs.String())
	return out.String(), errs.String()
}

// Nothing but answers is on standard output; what is printed is said in the way
// that the jsii runtime reads.
func TestOneProcess(t *testing.T) {
	stdout, stderr := start(t, entry, program)
	assert.Equal(t, "heard a message\n", stdout)
	printed := map[string]string{}
	var plain []string
	for line := range strings.Lines(stderr) {
		var said map[string]string
		if json.Unmarshal([]byte(line), &said) != nil {
			plain = append(plain, line)
			continue
		}
		for stream, text := range said {
			bytes, err := base64.StdEncoding.DecodeString(text)
			require.NoError(t, err)
			printed[stream] += string(bytes)
		}
	}
	assert.Equal(t, map[string]string{"stdout": "printed 2\n", "stderr": "complained\n"}, printed)
	assert.Equal(t, []string{"from a child\n"}, plain)
}

// loading is a kernel that loads a package from a folder with another name each
// time, as that of the jsii runtime does, and removes it as it ends.
const loading = `// {readFD:3,writeFD:3}
const fs = require('fs');
const path = require('path');
const folder = fs.mkdtempSync(path.join(require('os').tmpdir(), 'jsii-kernel-'));
process.once('exit', () => fs.rmSync(folder, { recursive: true }));
const file = path.join(folder, 'node_modules', 'package', 'index.js');
fs.mkdirSync(path.dirname(file), { recursive: true });
fs.writeFileSync(file, 'module.exports = function answer() { return "loaded"; }');
fs.writeSync(3, require('module').createRequire(folder)(file)() + ' ' + fs.mkdtempSync(path.join(folder, 'other-')).startsWith(folder));
process.exit(0);
`

// What is compiled of a package is kept for the next run, once, and made anew
// where it is damaged; without a place for it the kernel runs as well.
func TestCompiledPackagesAreKept(t *testing.T) {
	version, err := exec.Command("node", "-p", "const [major, minor] = process.versions.node.split('.'); major * 100 + +minor >= 2412").Output()
	require.NoError(t, err)
	if strings.TrimSpace(string(version)) != "true" {
		t.Skip("this Node cannot keep what it compiles for a folder that moves")
	}
	cache := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	run := func() map[string]string {
		stdout, _ := startIn(t, cache, entry, loading)
		assert.Equal(t, "loaded true", stdout)
		left, err := os.ReadDir(os.TempDir())
		require.NoError(t, err)
		assert.Empty(t, left, "the kernel's folder is gone")
		kept := map[string]string{}
		for _, pattern := range []string{"*", "*/*"} {
			files, err := filepath.Glob(filepath.Join(cache, "tinystack", "kernel", "compiled", pattern))
			require.NoError(t, err)
			for _, file := range files {
				if text, err := os.ReadFile(file); err == nil {
					kept[file] = string(text)
				}
			}
		}
		return kept
	}
	first := run()
	require.Len(t, first, 1)
	assert.Equal(t, first, run())
	for file, text := range first {
		for _, damaged := range []string{"", "damaged", text[:len(text)/2], text[:len(text)-9] + "damaged!!"} {
			require.NoError(t, os.WriteFile(file, []byte(damaged), 0o600))
			assert.Len(t, run()[file], len(text))
		}
	}
	t.Setenv("NODE_DISABLE_COMPILE_CACHE", "1")
	require.NoError(t, os.RemoveAll(filepath.Join(cache, "tinystack", "kernel", "compiled")))
	assert.Empty(t, run())
	t.Setenv("NODE_DISABLE_COMPILE_CACHE", "")
	require.NoError(t, os.RemoveAll(filepath.Join(cache, "tinystack", "kernel", "compiled")))
	require.NoError(t, os.WriteFile(filepath.Join(cache, "tinystack", "kernel", "compiled"), nil, 0o600))
	run()
}

// linking is a kernel that loads a package from where it is unpacked.
const linking = `// {readFD:3,writeFD:3}
const fs = require('fs');
fs.mkdirSync(process.env.UNPACKED, { recursive: true });
fs.symlinkSync(process.env.UNPACKED, process.env.UNPACKED + '.loaded');
fs.writeSync(3, 'loaded');
process.exit(0);
`

// What is unpacked is found by the stub that stands for it, too, whether the link
// could be made now or was there.
func TestUnpackedPackagesAreFoundByTheirStub(t *testing.T) {
	const stub = "stands for it\n"
	t.Setenv("TINYSTACK_PACKAGES_STUB", stub)
	for _, name := range []string{"constructs", "@aws-cdk/schema"} {
		place := filepath.Join(t.TempDir(), "cache", filepath.FromSlash(name), "1.2.3")
		unpacked := filepath.Join(place, strings.Repeat("0", 64))
		t.Setenv("UNPACKED", unpacked)
		for range 2 {
			stdout, _ := start(t, entry, linking)
			assert.Equal(t, "loaded", stdout)
			sum := sha256.Sum256([]byte(stub + "\x00" + name + "\x00" + "1.2.3"))
			target, err := os.Readlink(filepath.Join(place, hex.EncodeToString(sum[:])))
			require.NoError(t, err)
			assert.Equal(t, unpacked, target)
			require.NoError(t, os.Remove(unpacked+".loaded"))
		}
	}
}

// A runtime that is built in another way than the script knows is started as it
// would be without it.
func TestAnotherRuntimeIsStartedAsItIs(t *testing.T) {
	for name, runtime := range map[string]struct{ entry, program string }{
		"its kernel reads elsewhere":    {entry, strings.ReplaceAll(program, "readFD:3", "readFD:5")},
		"its entry point does more":     {strings.ReplaceAll(entry, `"pipe","pipe"]`, `"pipe","ipc"]`), program},
		"it has no kernel of that name": {entry, ""},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr := start(t, runtime.entry, runtime.program)
			assert.Equal(t, "two processes 2\n", stdout)
			assert.Empty(t, stderr)
		})
	}
}

// The jsii runtime of this version is built as the script knows it. Where this
// fails after an upgrade, everything still works, in two processes: look at what
// the runtime's entry point does now, and teach the script.
func TestThisRuntimeIsKnown(t *testing.T) {
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/jsii-runtime-go").Output()
	require.NoError(t, err)
	resources := filepath.Join(strings.TrimSpace(string(folder)), "internal", "embedded", "resources")
	for file, mark := range map[string]string{
		"bin/jsii-runtime.js": `{stdio:["ignore","pipe","pipe","pipe"]}`,
		"lib/program.js":      "readFD:3,writeFD:3",
	} {
		text, err := os.ReadFile(filepath.Join(resources, file))
		require.NoError(t, err)
		assert.Contains(t, string(text), mark, file)
	}
}
