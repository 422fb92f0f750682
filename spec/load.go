package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"
)

// mostBytes bounds a declaration; one for twenty stages has some 20 KB.
const mostBytes = 256 * 1024

// FileVariable is the environment variable that names the declaration's file.
const FileVariable = "TINYSTACK_CONFIG"

// File is the declaration that is read when none is named: what
// TINYSTACK_CONFIG says, or tinystack.yaml in the working directory.
func File() string {
	if path := os.Getenv(FileVariable); path != "" {
		return path
	}
	return "tinystack.yaml"
}

// Load reads a declaration from a YAML file, completes and checks it. Its
// error is a [Problems] with everything that is wrong.
//
// "${NAME}" in a value stands for the environment variable of that name;
// "$${" is a literal "${".
func Load(path string) (App, error) {
	text, err := read(path)
	if err != nil {
		return App{}, err
	}
	return Parse(path, text, os.LookupEnv)
}

// Parse is [Load] for a text that was read already. The file is the name that
// problems mention; paths in the declaration are relative to its folder.
func Parse(file string, text []byte, lookupEnv func(string) (string, bool)) (App, error) {
	if problem, ok := checkText(text); !ok {
		problem.File = file
		return App{}, Problems{problem}
	}
	app, found := decode(file, normal(text), lookupEnv)
	if found.stopped {
		return App{}, found.problems.tidy()
	}
	if file != "" {
		app.dir = filepath.Dir(file)
	}
	resolved := app.complete()
	problems := found.problems
	for _, problem := range resolved.validate() {
		// What could not be read has been reported as that.
		if !found.covers(problem.Path) {
			problems = append(problems, problem)
		}
	}
	if err := problems.tidy().Errors(); err != nil {
		return App{}, err
	}
	return resolved, nil
}

func read(path string) ([]byte, error) {
	problem := func(wrong, fix string) error {
		return Problems{{File: path, Wrong: wrong, Allowed: "a YAML file", Fix: fix}}
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, problem("there is no such file", "name the file of the declaration, or write one: \"name: my-app\" is enough to begin with")
	}
	if err != nil {
		return nil, problem("cannot be read: "+reason(err), "allow reading it, or name another file")
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, problem("is a folder", "name the file in it, such as "+filepath.Join(path, "tinystack.yaml"))
	}
	// One byte more than allowed tells that there is more.
	text, err := io.ReadAll(io.LimitReader(file, mostBytes+1))
	if err != nil {
		return nil, problem("cannot be read: "+reason(err), "allow reading it, or name another file")
	}
	return text, nil
}

// reason is an error of the file system without the path.
func reason(err error) string {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err.Error()
	}
	return err.Error()
}

// checkText reports what cannot be a declaration at all.
func checkText(text []byte) (Problem, bool) {
	switch {
	case len(text) > mostBytes:
		return Problem{
			Wrong:   fmt.Sprintf("is larger than %d KB", mostBytes/1024),
			Allowed: fmt.Sprintf("a declaration of up to %d KB", mostBytes/1024),
			Fix:     "check that this is the right file",
		}, false
	case len(bytes.TrimSpace(text)) == 0:
		return Problem{Wrong: "is empty", Allowed: "a declaration in YAML", Fix: "\"name: my-app\" is enough to begin with"}, false
	case !utf8.Valid(text):
		line, column := invalidAt(text)
		return Problem{Line: line, Column: column, Wrong: "is not text in UTF-8", Allowed: "a declaration in YAML, encoded in UTF-8", Fix: "save the file as UTF-8"}, false
	case bytes.ContainsRune(text, 0):
		before := text[:bytes.IndexByte(text, 0)]
		return Problem{Line: bytes.Count(before, []byte("\n")) + 1, Column: 1, Wrong: "is not text: it has a zero byte", Allowed: "a declaration in YAML, encoded in UTF-8", Fix: "check that this is the right file"}, false
	}
	return Problem{}, true
}

// invalidAt is the place of the first byte that is not UTF-8.
func invalidAt(text []byte) (line, column int) {
	line, column = 1, 1
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			return line, column
		case r == '\n':
			line, column = line+1, 1
		default:
			column++
		}
		text = text[size:]
	}
	return line, column
}

// normal is the text without a byte order mark and with line ends of one kind.
func normal(text []byte) []byte {
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
}

// Dir is the folder the declaration was read from; paths in it are relative
// to that. It is empty for a declaration built in Go.
func (a App) Dir() string { return a.dir }

// Locate says where in the file a path of the declaration stands, as in
// stages[2].database, or what is nearest above it. The file is empty for a
// declaration built in Go; line and column are 0 where unknown.
func (a App) Locate(path string) (file string, line, column int) {
	where := a.origin.find(path)
	return a.origin.name(), where.line, where.column
}

// Declares says whether the file itself declares the path, so that it is
// neither a default nor taken over from another stage.
func (a App) Declares(path string) bool { return a.origin.declares(path) }

// Conceal puts references to the environment back where a text holds their
// values: a value can be a secret, its name never is.
func (a App) Conceal(text string) string { return a.origin.conceal(text) }
