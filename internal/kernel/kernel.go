// Package kernel starts the jsii kernel, in which the CDK runs, in one process
// instead of two.
//
// The jsii runtime starts Node on its bin/jsii-runtime.js, which starts a second
// Node on its lib/program.js, the kernel, and passes every message on between
// the two. That is a tenth of a synthesis, and 50 MB. What the first process
// gives the second can be had from the shell: file descriptor 3 for the
// messages, and an output that does not get between them.
package kernel

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

// The script takes the place of Node: the jsii runtime starts what JSII_NODE
// names on its own entry point. Where that, or the kernel, is not as the script
// knows it, the script starts Node as the runtime would have done.
//
//go:embed start.sh
var start []byte

// The shim is what the kernel runs in: see there.
//
//go:embed shim.js
var shim []byte

// UseOneProcess makes the jsii runtime start its kernel in one process, by
// setting an environment variable. It comes before the runtime is started.
// It changes nothing where the user has chosen a Node or a runtime, and nothing
// where there is no place for the two small files that it takes: then the
// runtime starts two processes, as it does everywhere else.
func UseOneProcess() {
	if os.Getenv("JSII_NODE") != "" || os.Getenv("JSII_RUNTIME") != "" || runtime.GOOS == "windows" {
		return
	}
	if _, err := exec.LookPath("node"); err != nil {
		return // the runtime says so better than the script could
	}
	if script, err := install(); err == nil {
		os.Setenv("JSII_NODE", script)
	}
}

// install puts the files into the user's cache, in a folder named after what is
// in them, and returns the path of the script.
func install() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(bytes.Clone(start), shim...))
	folder := filepath.Join(cache, "tinystack", "kernel", hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	if err := put(filepath.Join(folder, "shim.js"), shim, 0o600); err != nil {
		return "", err
	}
	script := filepath.Join(folder, "start.sh")
	if err := put(script, start, 0o700); err != nil {
		return "", err
	}
	const execute = 1
	return script, syscall.Access(script, execute) // a cache may be mounted noexec
}

// put makes a file what it should be. Another process may be doing the same, or
// running the file.
func put(file string, content []byte, mode os.FileMode) error {
	if present, err := os.ReadFile(file); err == nil && bytes.Equal(present, content) {
		return nil
	}
	partial, err := os.CreateTemp(filepath.Dir(file), ".partial")
	if err != nil {
		return err
	}
	defer os.Remove(partial.Name())
	if _, err = partial.Write(content); err == nil {
		err = partial.Chmod(mode)
	}
	if closed := partial.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(partial.Name(), file)
}
