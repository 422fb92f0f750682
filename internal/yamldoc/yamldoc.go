// Package yamldoc reads the YAML of a declaration into nodes with their places.
// It is the only place that knows the parser: it bounds what the parser is given,
// and says of what is not YAML where that is and what to do.
package yamldoc

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Node is a value, with the line and column where it begins, both counted from
// 1, a column in characters. It begins with its anchor or tag, if it has one.
type Node = yaml.Node

// Bounds of what is read, far above any declaration: what follows would take
// long with more.
const (
	mostNodes   = 20_000
	mostNesting = 32
)

// Problem is why a text cannot be read.
type Problem struct {
	Line, Column        int
	Wrong, Allowed, Fix string
}

func (p *Problem) Error() string { return p.Wrong }

// Parse returns the only document's value. Its lines end in "\n", and it has no
// byte order mark.
func Parse(text string) (*Node, *Problem) {
	documents, err := load(text)
	var broken *yaml.LoadError
	switch {
	case errors.As(err, &broken):
		return nil, explain(text, broken)
	case err != nil:
		// The message only: it may quote the file.
		return nil, &Problem{Line: 1, Column: 1, Wrong: "is not YAML: the parser cannot make sense of it", Fix: "check that this is the right file"}
	}
	var root *Node
	for _, document := range documents {
		for _, value := range document.Content {
			if empty(value) {
				continue
			}
			if root != nil {
				return nil, &Problem{value.Line, value.Column, "there is a second YAML document", "one declaration a file", "remove the line --- and what follows it"}
			}
			root = value
		}
	}
	if root == nil {
		return nil, &Problem{1, 1, "declares nothing", "a declaration in YAML", "\"name: my-app\" is enough to begin with"}
	}
	count := 0
	if problem := bounded(root, 0, &count); problem != nil {
		return nil, problem
	}
	return root, nil
}

// load reads all documents. A parser that panics has not understood the text.
func load(text string) (documents []*Node, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the parser panicked")
		}
	}()
	loader, err := yaml.NewLoader(strings.NewReader(versionDirective.ReplaceAllString(text, "%YAML 1.1")))
	if err != nil {
		return nil, err
	}
	for {
		document := new(Node)
		err := loader.Load(document)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		documents = append(documents, document)
	}
}

// empty says that a document has no value at all.
func empty(value *Node) bool {
	return value.Kind == yaml.ScalarNode && value.Style&^yaml.TaggedStyle == 0 && value.Value == ""
}

// bounded finds the first value beyond the bounds.
func bounded(node *Node, depth int, count *int) *Problem {
	*count++
	wrong := ""
	switch {
	case depth > mostNesting:
		wrong = fmt.Sprintf("is nested more than %d levels deep", mostNesting)
	case *count > mostNodes:
		wrong = fmt.Sprintf("has more than %d keys and values", mostNodes)
	}
	if wrong != "" {
		return &Problem{Line: node.Line, Column: node.Column, Wrong: wrong, Fix: "check that this is the right file"}
	}
	for _, child := range node.Content {
		if problem := bounded(child, depth+1, count); problem != nil {
			return problem
		}
	}
	return nil
}

// versionDirective is a line that the parser refuses, although it reads YAML 1.2:
// it knows the line for 1.1 only.
var versionDirective = regexp.MustCompile(`\A%YAML 1\.2\b`)

// Null says whether a node is a plain null, or nothing at all.
func Null(node *Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// Quoted says whether a scalar stands in quotes.
func Quoted(node *Node) bool {
	return node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
}

// IsMerge says whether a key is "<<", which takes over what another mapping has.
func IsMerge(key *Node) bool { return key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" }

// Flow says whether a mapping or list stands in brackets.
func Flow(node *Node) bool { return node.Style&yaml.FlowStyle != 0 }
