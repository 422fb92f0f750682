package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/bench/assembly"
	"github.com/tinystack-go/tinystack/bench/declaration"
)

// One program plays three parts, told apart by a variable of the environment:
// the command that a person runs, the app that synthesizes, and, between the
// app and the kernel, a relay that the app starts in place of the kernel.
//
// Before the relay hands a message to the kernel, it asks the app where the
// message comes from. The app is then waiting for the kernel's answer, so the
// stack of the waiting goroutine is the call.
const (
	roleVariable   = "TINYSTACK_MESSAGES_ROLE"
	roleRelay      = "relay"
	roleApp        = "app"
	socketVariable = "TINYSTACK_MESSAGES_SOCKET"
	recordVariable = "TINYSTACK_MESSAGES_RECORD"
	kernelVariable = "TINYSTACK_MESSAGES_KERNEL"
	// A folder in which the packages that the kernel loads are kept.
	tarballsVariable = "TINYSTACK_MESSAGES_TARBALLS"
)

// message is one request to the kernel.
type message struct {
	Kind string `json:"kind"` // as in "get aws_ec2.CfnVPC.ref"
	Site string `json:"site"` // the line of this project that led to it
	// Request is the message itself.
	Request json.RawMessage `json:"request"`
}

type recording struct {
	messages  []message
	resources int
}

// record synthesizes a declaration, without validation of its templates, and
// returns what the kernel was asked.
// The packages that it loaded stay in the folder tarballs, if that is given.
func record(file string, stages int, tarballs string) (*recording, error) {
	folder, err := os.MkdirTemp("", "messages.*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	if file == "" {
		file = filepath.Join(folder, "tinystack.yaml")
		if err := os.WriteFile(file, []byte(declaration.Of(stages)), 0o600); err != nil {
			return nil, err
		}
	}
	kernel, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/jsii-runtime-go").Output()
	if err != nil {
		return nil, fmt.Errorf("where the jsii runtime is: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, out := filepath.Join(folder, "log"), filepath.Join(folder, "out")
	command := exec.Command(self)
	var said strings.Builder
	command.Stderr = &said
	command.Env = append(os.Environ(),
		roleVariable+"="+roleApp,
		socketVariable+"="+filepath.Join(folder, "socket"),
		recordVariable+"="+log,
		tarballsVariable+"="+tarballs,
		kernelVariable+"="+filepath.Join(strings.TrimSpace(string(kernel)), "internal", "embedded", "resources", "bin", "jsii-runtime.js"),
		"JSII_RUNTIME="+roleVariable+"="+roleRelay+" exec "+strconv.Quote(self),
		"TINYSTACK_CONFIG="+file, "CDK_OUTDIR="+out, "CDK_VALIDATION=false",
	)
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("the synthesis: %w\n%s", err, said.String())
	}
	result := &recording{}
	if result.messages, err = readLog(log); err != nil {
		return nil, err
	}
	result.resources, err = assembly.Resources(out)
	return result, err
}

func readLog(file string) ([]message, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []message
	for decoder := json.NewDecoder(strings.NewReader(string(text))); ; {
		var one message
		if err := decoder.Decode(&one); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
}

// answerWithStacks makes the app answer the relay's question where a message
// comes from.
func answerWithStacks(socket string) error {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		questions := bufio.NewReader(connection)
		for {
			if _, err := questions.ReadByte(); err != nil {
				return
			}
			fmt.Fprintln(connection, site())
		}
	}()
	return nil
}

// site is the innermost line of this project on the stack of the goroutine that
// waits for the kernel.
func site() string {
	const here, tool = "github.com/tinystack-go/tinystack", "github.com/tinystack-go/tinystack/bench/messages"
	records := make([]runtime.StackRecord, 64)
	for {
		n, ok := runtime.GoroutineProfile(records)
		if ok {
			records = records[:n]
			break
		}
		records = make([]runtime.StackRecord, 2*n)
	}
	for _, record := range records {
		waits := false
		found := ""
		frames := runtime.CallersFrames(record.Stack())
		for more := true; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			waits = waits || strings.HasSuffix(frame.Function, "process.(*Process).Request")
			if found == "" && strings.HasPrefix(frame.Function, here) && !strings.HasPrefix(frame.Function, tool+".") {
				found = fmt.Sprintf("%s:%d", filepath.Join(packageOf(frame.Function, here), filepath.Base(frame.File)), frame.Line)
			}
		}
		if waits {
			return found
		}
	}
	return ""
}

// packageOf is the folder of a function's package inside the module: functions
// are named "module/folder/package.Type.Method".
func packageOf(function, module string) string {
	path := strings.TrimPrefix(function, module)
	slash := strings.LastIndex(path, "/") + 1
	if dot := strings.Index(path[slash:], "."); dot >= 0 {
		path = path[:slash+dot]
	}
	return strings.Trim(path, "/")
}

// relay stands between app and kernel, and writes down every message of the app.
func relay(in io.Reader, out, errs io.Writer) error {
	log, err := os.Create(os.Getenv(recordVariable))
	if err != nil {
		return err
	}
	defer log.Close()
	app, err := net.Dial("unix", os.Getenv(socketVariable))
	if err != nil {
		return err
	}
	defer app.Close()
	answers := bufio.NewReader(app)

	node := os.Getenv("JSII_NODE")
	if node == "" {
		node = "node"
	}
	// The CDK numbers its tokens from a random number on. With a fixed seed the
	// messages can be fed to another kernel.
	kernel := exec.Command(node, "--random-seed=1", os.Getenv(kernelVariable))
	kernel.Stdout, kernel.Stderr = out, errs
	kernelIn, err := kernel.StdinPipe()
	if err != nil {
		return err
	}
	if err := kernel.Start(); err != nil {
		return err
	}
	buffered := bufio.NewWriter(log)
	defer buffered.Flush()
	records := json.NewEncoder(buffered)
	tarballs := os.Getenv(tarballsVariable)
	for requests := bufio.NewReader(in); ; {
		request, err := requests.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if kind, ok := kindOf(request); ok {
			if _, err := app.Write([]byte{'?'}); err != nil {
				return err
			}
			site, err := answers.ReadString('\n')
			if err != nil {
				return err
			}
			if request, err = keepTarball(request, tarballs); err != nil {
				return err
			}
			if err := records.Encode(message{Kind: kind, Site: strings.TrimSpace(site), Request: bytes.TrimSpace(request)}); err != nil {
				return err
			}
		}
		if _, err := kernelIn.Write(request); err != nil {
			return err
		}
	}
	kernelIn.Close()
	return kernel.Wait()
}

// keepTarball copies the package that a request loads into a folder that stays:
// the app removes its own when it is loaded.
func keepTarball(request []byte, folder string) ([]byte, error) {
	var load struct{ API, Name, Version, Tarball string }
	if folder == "" || json.Unmarshal(request, &load) != nil || load.API != "load" {
		return request, nil
	}
	text, err := os.ReadFile(load.Tarball)
	if err != nil {
		return nil, err
	}
	kept := filepath.Join(folder, filepath.Base(load.Tarball))
	if err := os.WriteFile(kept, text, 0o600); err != nil {
		return nil, err
	}
	request, err = json.Marshal(map[string]string{"api": load.API, "name": load.Name, "version": load.Version, "tarball": kept})
	return append(request, '\n'), err
}

// kindOf says what a request asks for; ok is false for the one that ends the
// kernel, to which nobody waits for an answer.
func kindOf(request []byte) (kind string, ok bool) {
	var asked struct {
		API      string
		FQN      string
		Method   string
		Property string
		Name     string
		ObjRef   struct {
			Name string `json:"$jsii.byref"`
		}
		Exit     *int
		Complete *struct{ CBID string }
	}
	if err := json.Unmarshal(request, &asked); err != nil {
		return "not understood: " + err.Error(), true
	}
	if asked.Exit != nil {
		return "", false
	}
	if asked.Complete != nil {
		return "complete", true
	}
	subject := asked.FQN
	if subject == "" {
		// An object is named "aws-cdk-lib.aws_ec2.Vpc@10001".
		subject, _, _ = strings.Cut(asked.ObjRef.Name, "@")
	}
	if subject == "" {
		subject = asked.Name
	}
	kind = asked.API + " " + strings.TrimPrefix(subject, "aws-cdk-lib.")
	if member := asked.Method + asked.Property; member != "" {
		kind += "." + member
	}
	return kind, true
}
