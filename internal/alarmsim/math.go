package alarmsim

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
)

// expression of metric math at one moment. Gap is no data.
type expression interface {
	eval(at map[string]float64) float64
}

type (
	variable string
	number   float64
	binary   struct {
		operator    string
		left, right expression
	}
	call struct {
		name      string
		arguments []expression
	}
)

func (v variable) eval(at map[string]float64) float64 { return at[string(v)] }
func (n number) eval(map[string]float64) float64      { return float64(n) }

func (b binary) eval(at map[string]float64) float64 {
	l, r := b.left.eval(at), b.right.eval(at)
	if math.IsNaN(l) || math.IsNaN(r) {
		return Gap
	}
	is := func(true bool) float64 {
		if true {
			return 1
		}
		return 0
	}
	switch b.operator {
	case "+":
		return l + r
	case "-":
		return l - r
	case "*":
		return l * r
	case "/":
		if r == 0 {
			return Gap // CloudWatch has no infinity
		}
		return l / r
	case ">":
		return is(l > r)
	case "<":
		return is(l < r)
	case ">=":
		return is(l >= r)
	default:
		return is(l <= r)
	}
}

func (c call) eval(at map[string]float64) float64 {
	if c.name == "FILL" {
		if value := c.arguments[0].eval(at); !math.IsNaN(value) {
			return value
		}
		return c.arguments[1].eval(at)
	}
	condition := c.arguments[0].eval(at)
	switch {
	case math.IsNaN(condition):
		return Gap
	case condition != 0:
		return c.arguments[1].eval(at)
	}
	return c.arguments[2].eval(at)
}

// arity of the functions that are understood.
var arity = map[string]int{"FILL": 2, "IF": 3}

var token = regexp.MustCompile(`\s*([A-Za-z][A-Za-z0-9_]*|[0-9]+(?:\.[0-9]+)?|>=|<=|[-+*/<>(),])`)

type parser struct {
	tokens []string
	known  []string
}

// parse reads an expression of the variables that are known.
func parse(text string, known []string) (expression, error) {
	p := &parser{known: known}
	for rest := text; rest != ""; {
		found := token.FindStringSubmatchIndex(rest)
		if found == nil || found[0] != 0 {
			return nil, fmt.Errorf("not understood: %q", rest)
		}
		p.tokens = append(p.tokens, rest[found[2]:found[3]])
		rest = rest[found[1]:]
	}
	parsed, err := p.level(0)
	if err == nil && len(p.tokens) > 0 {
		err = fmt.Errorf("%q is left over", p.tokens)
	}
	return parsed, err
}

var levels = [][]string{{">", "<", ">=", "<="}, {"+", "-"}, {"*", "/"}}

func (p *parser) level(n int) (expression, error) {
	if n == len(levels) {
		return p.operand()
	}
	left, err := p.level(n + 1)
	for err == nil && len(p.tokens) > 0 && slices.Contains(levels[n], p.tokens[0]) {
		operator := p.next()
		var right expression
		right, err = p.level(n + 1)
		left = binary{operator, left, right}
	}
	return left, err
}

func (p *parser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	first := p.tokens[0]
	p.tokens = p.tokens[1:]
	return first
}

func (p *parser) operand() (expression, error) {
	text := p.next()
	if text == "(" {
		inner, err := p.level(0)
		if closing := p.next(); err == nil && closing != ")" {
			err = fmt.Errorf("%q instead of )", closing)
		}
		return inner, err
	}
	if value, err := strconv.ParseFloat(text, 64); err == nil {
		return number(value), nil
	}
	if count, function := arity[text]; function {
		return p.call(text, count)
	}
	if !slices.Contains(p.known, text) {
		return nil, fmt.Errorf("%q is neither a metric nor a function that is understood", text)
	}
	return variable(text), nil
}

func (p *parser) call(name string, count int) (expression, error) {
	if opening := p.next(); opening != "(" {
		return nil, fmt.Errorf("%q instead of (", opening)
	}
	made := call{name: name}
	for {
		argument, err := p.level(0)
		if err != nil {
			return nil, err
		}
		made.arguments = append(made.arguments, argument)
		switch separator := p.next(); {
		case separator == "," && len(made.arguments) < count:
		case separator == ")" && len(made.arguments) == count:
			return made, nil
		default:
			return nil, fmt.Errorf("%s takes %d arguments", name, count)
		}
	}
}

// withoutFill is the expression where FILL does nothing.
func withoutFill(e expression) expression {
	switch e := e.(type) {
	case binary:
		return binary{e.operator, withoutFill(e.left), withoutFill(e.right)}
	case call:
		if e.name == "FILL" {
			return withoutFill(e.arguments[0])
		}
		stripped := call{name: e.name}
		for _, argument := range e.arguments {
			stripped.arguments = append(stripped.arguments, withoutFill(argument))
		}
		return stripped
	}
	return e
}
