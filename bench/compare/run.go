package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// subject is something to measure: a whole process with all it starts.
type subject struct {
	command     []string
	environment []string
	out         string       // the folder of its cloud assembly, empty before each run
	before      func() error // what is done before each run, unmeasured
	feed        []byte       // what it reads from, and answers on, file descriptor 3
}

func (s subject) with(variable string) subject {
	s.environment = append(slices.Clone(s.environment), variable)
	return s
}

// result is what one run took: seconds, and bytes.
type result struct {
	wall, cpu       float64
	memory, largest float64
}

type series struct {
	wall, cpu, memory, largest []float64
}

func (s *series) add(r result) {
	s.wall, s.cpu = append(s.wall, r.wall), append(s.cpu, r.cpu)
	s.memory, s.largest = append(s.memory, r.memory), append(s.largest, r.largest)
}

func (s subject) run() (result, error) {
	if s.before != nil {
		if err := s.before(); err != nil {
			return result{}, err
		}
	}
	if s.out != "" {
		if err := os.RemoveAll(s.out); err != nil {
			return result{}, err
		}
	}
	command := exec.Command(s.command[0], s.command[1:]...)
	for _, variable := range os.Environ() {
		// A synthesis in CI does not trust the record of clean validations.
		if !strings.HasPrefix(variable, "CI=") && !strings.HasPrefix(variable, "CDK_") && !strings.HasPrefix(variable, "TINYSTACK_") {
			command.Env = append(command.Env, variable)
		}
	}
	command.Env = append(command.Env, s.environment...)
	if s.out != "" {
		command.Env = append(command.Env, "CDK_OUTDIR="+s.out)
	}
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	check := func() error { return nil }
	if s.feed != nil {
		var err error
		if check, err = s.attachFeed(command); err != nil {
			return result{}, err
		}
	}
	start := time.Now()
	if err := command.Start(); err != nil {
		return result{}, err
	}
	stop, peak := make(chan struct{}), make(chan float64)
	go watchMemory(command.Process.Pid, stop, peak)
	err := command.Wait()
	wall := time.Since(start)
	close(stop)
	memory := <-peak
	if err != nil {
		return result{}, fmt.Errorf("%s: %w\n%s", s.command[0], err, said.Bytes())
	}
	if err := check(); err != nil {
		return result{}, err
	}
	usage := command.ProcessState.SysUsage().(*syscall.Rusage)
	largest := float64(usage.Maxrss)
	if runtime.GOOS != "darwin" {
		largest *= 1024
	}
	return result{
		wall:    wall.Seconds(),
		cpu:     (command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds(),
		memory:  memory,
		largest: largest,
	}, nil
}

// attachFeed gives the command what it is fed with on file descriptor 3. When
// it has ended, check says whether it answered anything with an error.
func (s subject) attachFeed(command *exec.Cmd) (check func() error, err error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	theirs, ours := os.NewFile(uintptr(pair[0]), "theirs"), os.NewFile(uintptr(pair[1]), "ours")
	command.ExtraFiles = []*os.File{theirs}
	go ours.Write(s.feed)
	failed := make(chan error, 1)
	go func() {
		defer close(failed)
		for answers := bufio.NewReader(ours); ; {
			answer, err := answers.ReadBytes('\n')
			if err != nil {
				return
			}
			if bytes.HasPrefix(answer, []byte(`{"error"`)) {
				failed <- fmt.Errorf("the kernel answers %s", answer)
				io.Copy(io.Discard, answers)
				return
			}
		}
	}()
	return func() error {
		theirs.Close()
		defer ours.Close()
		return <-failed
	}, nil
}

// watchMemory samples what a process and all that it started have in memory,
// each for itself, and says at the end what the most was. Only Linux says.
func watchMemory(root int, stop <-chan struct{}, peak chan<- float64) {
	most := 0.0
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case <-stop:
			tick.Stop()
			peak <- most
			return
		case <-tick.C:
			most = max(most, resident(root))
		}
	}
}

func resident(process int) float64 {
	folder := filepath.Join("/proc", strconv.Itoa(process))
	text, err := os.ReadFile(filepath.Join(folder, "statm"))
	if err != nil {
		return 0
	}
	sum := 0.0
	if fields := strings.Fields(string(text)); len(fields) > 1 {
		pages, _ := strconv.ParseFloat(fields[1], 64)
		sum = pages * float64(os.Getpagesize())
	}
	threads, _ := filepath.Glob(filepath.Join(folder, "task", "*", "children"))
	for _, thread := range threads {
		children, _ := os.ReadFile(thread)
		for _, child := range strings.Fields(string(children)) {
			if id, err := strconv.Atoi(child); err == nil {
				sum += resident(id)
			}
		}
	}
	return sum
}

// processors says what the machine is.
func processors() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return fmt.Sprintf("%d × %s", runtime.NumCPU(), strings.TrimSpace(value))
		}
	}
	return fmt.Sprintf("%d processors, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
}
