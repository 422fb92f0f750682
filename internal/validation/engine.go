package validation

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
)

//go:embed engine.js
var program string

//go:embed engine.py
var native string

// engine is the process that validates.
type engine struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	stderr  strings.Builder
	ended   chan struct{}

	mutex   sync.Mutex
	waiting map[int]*reply
	next    int
	failed  error
}

// reply is what the process will say of a template.
type reply struct {
	done chan struct{}
	said answer
	err  error
}

type answer struct {
	ID         int         `json:"id"`
	SHA256     string      `json:"sha256"`
	Violations []Violation `json:"violations"`
	Error      string      `json:"error"`
}

func (r *reply) wait() (answer, error) {
	<-r.done
	return r.said, r.err
}

// bundled runs the validator that is inside aws-cdk-lib. V8 compiles on one thread
// in it, and WebAssembly only as fast as it can: measured with 13 and with 60
// templates, the engine is there sooner so, everything takes a third less of the
// processor's time, which the kernel of the CDK has a use for meanwhile, and
// a third less memory.
func bundled(node, library string) *exec.Cmd {
	return exec.Command(node, "--single-threaded", "--liftoff-only", "--input-type=commonjs", "--eval", program, library)
}

// compiled runs the validator that is installed for a Python, and nothing of what
// the environment would add to it.
func compiled(python, library string) *exec.Cmd {
	return exec.Command(python, "-I", "-c", native, library)
}

func startEngine(command *exec.Cmd) (*engine, error) {
	e := &engine{
		command: command,
		waiting: map[int]*reply{},
		ended:   make(chan struct{}),
	}
	e.command.Stderr = &e.stderr
	var err error
	if e.stdin, err = e.command.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := e.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := e.command.Start(); err != nil {
		return nil, err
	}
	go e.read(stdout)
	return e, nil
}

// read hands out the replies until the process ends.
func (e *engine) read(stdout io.Reader) {
	lines := bufio.NewReader(stdout)
	var err error
	for err == nil {
		var line []byte
		if line, err = lines.ReadBytes('\n'); err != nil {
			break
		}
		var said answer
		if err = json.Unmarshal(line, &said); err != nil {
			break
		}
		e.mutex.Lock()
		asked := e.waiting[said.ID]
		delete(e.waiting, said.ID)
		e.mutex.Unlock()
		if asked == nil {
			err = fmt.Errorf("an answer that nobody asked for: %d", said.ID)
			break
		}
		asked.said = said
		if said.Error != "" {
			asked.err = errors.New(said.Error)
		}
		close(asked.done)
	}
	e.command.Process.Kill()
	e.command.Wait()
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.failed = fmt.Errorf("the validation's process ended: %w", err)
	if text := strings.TrimSpace(e.stderr.String()); text != "" {
		e.failed = fmt.Errorf("%w: %s", e.failed, strings.ReplaceAll(text, "\n", " / "))
	}
	for _, asked := range e.waiting {
		asked.err = e.failed
		close(asked.done)
	}
	e.waiting = nil
	close(e.ended)
}

func (e *engine) ask(template Template) (*reply, error) {
	e.mutex.Lock()
	if e.failed != nil {
		defer e.mutex.Unlock()
		return nil, e.failed
	}
	id := e.next
	e.next++
	asked := &reply{done: make(chan struct{})}
	e.waiting[id] = asked
	e.mutex.Unlock()
	line, err := json.Marshal(map[string]any{"id": id, "path": template.Path, "account": template.Account, "region": template.Region})
	if err != nil {
		return nil, err
	}
	if _, err := e.stdin.Write(append(line, '\n')); err != nil {
		<-e.ended
		return nil, e.failed
	}
	return asked, nil
}

// close ends the process, also while it is validating.
func (e *engine) close() {
	e.stdin.Close()
	e.command.Process.Kill()
	<-e.ended
}
