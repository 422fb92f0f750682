package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity tells what must be mended from what should be known.
type Severity int

const (
	// Error stops everything.
	Error Severity = iota
	// Warning is worth reading; the declaration is valid all the same.
	Warning
)

// Problem is one thing that is wrong with a declaration.
type Problem struct {
	// Severity of the problem.
	Severity Severity
	// File, Line and Column say where; File is empty for a declaration built
	// in Go, Line and Column are 1-based and 0 where unknown.
	File         string
	Line, Column int
	// Path of the field, as in stages[2].scale.cpu.scaleIn.
	Path string
	// Wrong says what is wrong, with the value that was given.
	Wrong string
	// Allowed says what would be accepted. May be empty.
	Allowed string
	// Fix says what to do. May be empty.
	Fix string
}

// String is the problem as a person reads it: a line that says where and what,
// then what is allowed and what to do.
func (p Problem) String() string {
	var text strings.Builder
	if p.File != "" {
		text.WriteString(p.File + ":")
		if p.Line > 0 {
			fmt.Fprintf(&text, "%d:%d:", p.Line, max(p.Column, 1))
		}
		text.WriteString(" ")
	}
	if p.Severity == Warning {
		text.WriteString("warning: ")
	}
	if p.Path != "" {
		text.WriteString(p.Path + ": ")
	}
	text.WriteString(p.Wrong)
	if p.Allowed != "" {
		text.WriteString("\n    allowed: " + p.Allowed)
	}
	if p.Fix != "" {
		text.WriteString("\n    fix: " + p.Fix)
	}
	return text.String()
}

// Problems is everything that is wrong with a declaration, in the order of
// the file; for a declaration built in Go, in the order of its fields. It is an
// error.
type Problems []Problem

// Error is all problems, one after the other.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// Errors returns the problems that are errors as an error, or nil.
func (p Problems) Errors() error {
	if errors := p.only(Error); len(errors) > 0 {
		return errors
	}
	return nil
}

// Warnings returns the problems that are warnings.
func (p Problems) Warnings() Problems { return p.only(Warning) }

func (p Problems) only(severity Severity) Problems {
	return slices.DeleteFunc(slices.Clone(p), func(problem Problem) bool { return problem.Severity != severity })
}

// tidy sorts the problems by position and drops repetitions.
func (p Problems) tidy() Problems {
	seen := map[Problem]bool{}
	tidied := slices.DeleteFunc(slices.Clone(p), func(problem Problem) bool {
		again := seen[problem]
		seen[problem] = true
		return again
	})
	slices.SortStableFunc(tidied, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return tidied
}
