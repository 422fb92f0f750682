package yamldoc

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// quote is what helps where a text has signs that mean something in YAML.
const quote = "put texts with special characters in quotes, as in \"${NAME}\""

// explain says in plain words what the parser stumbled over, at the line that
// somebody would change. It quotes nothing of the file but single signs: a text
// may be a secret.
func explain(text string, broken *yaml.LoadError) *Problem {
	lines := strings.Split(text, "\n")
	at, from := broken.Mark, broken.ContextMark
	if at.Line == 0 {
		at = from
	}
	problem := func(where yaml.Mark, wrong, fix string) *Problem {
		return &Problem{Line: max(1, where.Line), Column: max(1, where.Column), Wrong: "is not YAML: " + wrong, Fix: fix}
	}
	if tab := tabAt(lines, at.Line); tab != nil {
		return problem(*tab, "a tab indents the line", "indent with spaces, not with tabs")
	}
	line, first := lineAt(lines, at.Line), firstOf(lines, at.Line)
	switch message := broken.Message; {
	case strings.HasPrefix(message, "unknown anchor"):
		return &Problem{max(1, at.Line), max(1, at.Column), "refers to an anchor that is not defined before it", "an anchor, as in \"&name\", above the alias \"*name\"", "define the anchor, or put a text that begins with * in quotes"}
	case strings.HasPrefix(message, "exceeded max depth"):
		return &Problem{max(1, at.Line), max(1, at.Column), fmt.Sprintf("is nested more than %d levels deep", mostNesting), "", "check that this is the right file"}
	case strings.HasPrefix(message, "mapping values are not allowed"):
		return misplacedColon(lines, at, problem)
	case strings.Contains(message, "did not find expected key"), strings.Contains(message, "did not find expected '-' indicator"):
		if at.Column == first.Column {
			if at.Line == from.Line || strings.ContainsAny(sign(line, at.Column), "}]") {
				return problem(at, "there is a bracket too many", "remove it")
			}
			return problem(at, "the line is indented like none of the lines above that it could belong to", "indent it as its neighbours: each field of a mapping, and each hyphen of a list, in the same column")
		}
		if strings.ContainsAny(sign(line, at.Column), "}]") {
			return problem(at, "there is a bracket too many", "remove it, or "+quote)
		}
		return problem(at, "something follows a value that has ended, as behind a closing quote", "put the whole value in quotes; within single quotes a quote is written twice")
	case strings.Contains(message, "did not find expected ',' or"):
		if at.Line != from.Line {
			return problem(from, fmt.Sprintf("the bracket %s is not closed", sign(lineAt(lines, from.Line), from.Column)), "close it, with a comma between its elements; "+quote)
		}
		return problem(at, "a comma or a closing bracket is missing before this", "write it; "+quote)
	case strings.Contains(message, "did not find expected node content"):
		return problem(at, "a value is missing here", "write it, or remove the sign before it; "+quote)
	case strings.Contains(message, "could not find expected ':'"):
		if from.Line > 0 {
			at = from
		}
		return problem(at, "the line has no colon, and is no part of a text", "write \"name: value\"")
	case strings.Contains(message, "found unexpected end of stream"), strings.Contains(message, "found unexpected document indicator"):
		return problem(from, "the quote that opens here is not closed", "close it")
	case strings.Contains(message, "found unknown escape character"):
		return problem(at, "a backslash in double quotes begins a special sign, and this is none", "write \\\\, or use single quotes")
	case strings.Contains(message, "found character that cannot start any token"):
		return problem(at, fmt.Sprintf("a value cannot begin with %s", sign(line, at.Column)), "put it in quotes")
	case strings.Contains(message, "block sequence entries are not allowed"):
		return problem(at, "a list cannot begin here", "begin it on a line of its own, or put a text that begins with a hyphen in quotes")
	case strings.Contains(message, "did not find expected alphabetic or numeric character"):
		return problem(from, fmt.Sprintf("%s begins the name of an anchor, and there is none", sign(lineAt(lines, from.Line), from.Column)), "put the text in quotes")
	}
	return problem(at, broken.Message, "check the indentation, and "+quote)
}

// misplacedColon explains a colon where no field can begin.
func misplacedColon(lines []string, at yaml.Mark, problem func(yaml.Mark, string, string) *Problem) *Problem {
	first := firstOf(lines, at.Line)
	written := strings.TrimLeft(lineAt(lines, at.Line), " -")
	if colon := strings.Index(written, ": "); colon >= 0 && strings.Contains(written[colon+2:], ":") {
		return problem(at, "there is a second colon in one line", "put the text that has a colon in quotes, or the second field on a line of its own")
	}
	for n := at.Line - 1; n >= 1; n-- {
		above := strings.TrimSpace(strings.SplitN(lineAt(lines, n), " #", 2)[0])
		if above == "" || strings.HasPrefix(above, "#") {
			continue
		}
		beginning := firstOf(lines, n)
		switch {
		case first.Column > fieldColumn(lineAt(lines, n)):
			fix := "do not indent it"
			if spaces := fieldColumn(lineAt(lines, n)) - 1; spaces > 0 {
				fix = fmt.Sprintf("indent it by %d spaces, as its neighbours", spaces)
			}
			return problem(first, fmt.Sprintf("the line is indented further than line %d, which has its value already", n), fix)
		case !strings.Contains(above, ": ") && !strings.HasSuffix(above, ":"):
			return problem(beginning, "the line has no colon with a space behind it", "write \"name: value\"")
		}
		break
	}
	return problem(first, "the line is indented like none of the lines above that it could belong to", "indent it as its neighbours: each field of a mapping, and each hyphen of a list, in the same column")
}

// fieldColumn is where the first field of a line begins, behind its hyphens.
func fieldColumn(line string) int {
	rest := strings.TrimLeft(line, " ")
	for strings.HasPrefix(rest, "- ") {
		rest = strings.TrimLeft(rest[1:], " ")
	}
	return len(line) - len(rest) + 1
}

func lineAt(lines []string, n int) string {
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

// firstOf is the place of a line's first sign.
func firstOf(lines []string, n int) yaml.Mark {
	line := lineAt(lines, n)
	return yaml.Mark{Line: n, Column: len(line) - len(strings.TrimLeft(line, " \t")) + 1}
}

// tabAt is a tab that indents the line, or the one above.
func tabAt(lines []string, n int) *yaml.Mark {
	for _, n := range []int{n, n - 1} {
		line := lineAt(lines, n)
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if tab := strings.IndexByte(indent, '\t'); tab >= 0 && len(indent) < len(line) {
			return &yaml.Mark{Line: n, Column: tab + 1}
		}
	}
	return nil
}

// sign is the character in a column.
func sign(line string, column int) string {
	for range column - 1 {
		_, size := utf8.DecodeRuneInString(line)
		line = line[size:]
	}
	r, size := utf8.DecodeRuneInString(line)
	if size == 0 {
		return "it"
	}
	return string(r)
}
