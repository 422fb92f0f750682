package spec_test

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/field"
	"github.com/tinystack-go/tinystack/internal/field/fieldtest"
	"github.com/tinystack-go/tinystack/spec"
)

// place is the first place where the example of a field is valid.
func place(t *testing.T, at field.At) (fieldtest.Spot, bool) {
	t.Helper()
	if strings.HasPrefix(at.Path, "services[].tasks.") {
		return fieldtest.Spot{}, false // they have the defaults of the stage's
	}
	for _, base := range fieldtest.Bases() {
		for _, spot := range fieldtest.Spots(base, at) {
			if _, scheduled := spot.Before.Get("services[2].schedule"); scheduled && at.Path == "services[].worker" {
				continue // what has a schedule is a worker by itself
			}
			if spot.With(at.ExampleValue()).Valid() {
				return spot, true
			}
		}
	}
	return fieldtest.Spot{}, false
}

// spots are found once: that takes as long as the rest of these tests.
var spots []fieldtest.Spot

// once are all fields, a field of a type that is met at several places once: at
// the first where its example is valid.
func once(t *testing.T) []fieldtest.Spot {
	t.Helper()
	if spots != nil {
		return spots
	}
	var found []fieldtest.Spot
	done := map[string]bool{}
	for _, at := range field.All() {
		key := at.In + "." + at.Go
		if done[key] {
			continue
		}
		if spot, ok := place(t, at); ok {
			done[key] = true
			found = append(found, spot)
		}
	}
	for _, at := range field.All() {
		assert.True(t, done[at.In+"."+at.Go], "the example of %s is valid nowhere: %s", at.Path, at.Example)
	}
	spots = found
	return found
}

func TestEveryFieldIsInTheTable(t *testing.T) {
	known := map[string]string{}
	for _, at := range field.All() {
		known[at.In+"."+at.Go] = at.Name
	}
	count := 0
	var visit func(reflect.Type)
	visit = func(of reflect.Type) {
		switch of.Kind() {
		case reflect.Pointer, reflect.Slice:
			visit(of.Elem())
		case reflect.Struct:
			for i := range of.NumField() {
				f := of.Field(i)
				name := of.Name() + "." + f.Name
				if !f.IsExported() {
					continue
				}
				count++
				assert.Equal(t, f.Tag.Get("yaml"), known[name], name)
				visit(f.Type)
			}
		}
	}
	visit(reflect.TypeFor[spec.App]())
	assert.Greater(t, count, 200)
}

// text writes a value of a declaration as a comment does.
func text(value any) string {
	if list, ok := value.([]string); ok {
		return "[" + strings.Join(list, ", ") + "]"
	}
	return fmt.Sprint(value)
}

var (
	byProduction = regexp.MustCompile(`^(\S+) in production, otherwise (\S+?)(?:; in every canary .*)?$`)
	byProfile    = regexp.MustCompile(`^(\S+); with the profile hyperscale (\S+?)(?:; .*)?$`)
	mostly       = regexp.MustCompile(`^(\S+?)(?:, (?:or|but|except) .*|: .*)$`)
)

// What a comment calls the default is what a declaration gets that leaves the
// field out.
func TestDefaultsAreWhatIsFilledIn(t *testing.T) {
	checked := 0
	for _, spot := range once(t) {
		without := spot.With(spot.Field.ExampleValue())
		without = without.Without(spot.Path)
		stage, _, inStage := strings.Cut(spot.Path, "].")
		check := func(want string, changed fieldtest.Declaration) {
			t.Helper()
			app, err := changed.Parse()
			if err != nil {
				return // without it the declaration is wrong: it is required here
			}
			got := fieldtest.Value(app, spot.Path)
			if want == "none" {
				assert.True(t, got == nil || reflect.ValueOf(got).IsZero(), "the default of %s is none, and it is %v", spot.Path, got)
			} else {
				have := text(got)
				if d, err := spec.ParseDuration(want); err == nil && reflect.TypeOf(got) == reflect.TypeFor[spec.Duration]() {
					want = d.String()
				}
				assert.Equal(t, want, have, spot.Path)
			}
			checked++
		}
		in := func(name string, value any) fieldtest.Declaration {
			if inStage && strings.HasPrefix(stage, "stages[") {
				return without.With(stage+"]."+name, value)
			}
			return without
		}
		stated := spot.Field.Default
		switch {
		case byProduction.MatchString(stated):
			parts := byProduction.FindStringSubmatch(stated)
			check(parts[1], in("production", true))
			check(parts[2], in("production", false))
		case byProfile.MatchString(stated):
			parts := byProfile.FindStringSubmatch(stated)
			check(parts[1], in("profile", "standard"))
			check(parts[2], in("profile", "hyperscale"))
		case stated == "none" || strings.HasPrefix(stated, "none:") || strings.HasPrefix(stated, "none;") || stated == "not bounded":
			check("none", without)
		case mostly.MatchString(stated):
			check(mostly.FindStringSubmatch(stated)[1], without)
		default:
			if value, ok := spot.Field.DefaultValue(); ok {
				want := strings.Trim(stated, `"`)
				if _, list := value.([]any); list {
					want = stated
				}
				check(want, without)
			}
		}
	}
	assert.Greater(t, checked, 120)
}

// reported says whether anything is wrong with a path or what is below it.
func reported(changed fieldtest.Declaration, path string) bool {
	_, err := changed.Parse()
	var problems spec.Problems
	if err != nil && !errors.As(err, &problems) {
		panic(err)
	}
	for _, problem := range problems {
		rest, below := strings.CutPrefix(problem.Path, path)
		if below && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// beside are values of other fields, in the same mapping or anywhere, that a field
// needs to reach its edges.
var beside = map[string]map[string]any{
	"stages[].scale.cpu.scaleIn":            {"scaleOut": 100, "allowFlapping": true},
	"stages[].scale.instances.min":          {"max": 1000, "stages[0].scale.tasks": map[string]any{"min": 0, "max": 0}},
	"stages[].window.until":                 {"from": 0},
	"services[].ulimits[].soft":             {"hard": 2147483647},
	"services[].healthCheck.timeout":        {"interval": "300s"},
	"stages[].alarms.thresholds.latencyP90": {"latencyP99": "5m"},
	"stages[].alarms.thresholds.latencyP99": {"latencyP90": "10ms"},
	// Endpoints reach no registry but ECR.
	"stages[].network.egress": {
		"services[0].image": "111111111111.dkr.ecr.us-east-1.amazonaws.com/web:1",
		"services[1].image": "111111111111.dkr.ecr.us-east-1.amazonaws.com/web:1",
	},
	// Without tasks an instance can be missing.
	"stages[].scale.instances.desired": {"stages[0].scale.tasks": map[string]any{"min": 0, "max": 0}},
	"stages[].scale.instances.max":     {"stages[0].scale.tasks": map[string]any{"min": 0, "max": 0}},
}

func TestEdgesOfWhatIsAllowed(t *testing.T) {
	checked := 0
	for _, spot := range once(t) {
		at, bounds := spot.Field, spot.Field.Bounds()
		holder := spot.Path[:strings.LastIndex(spot.Path, ".")+1]
		set := func(value any) fieldtest.Declaration {
			changed := spot.With(value)
			for name, other := range beside[at.Path] {
				if !strings.Contains(name, "[") {
					name = holder + name
				}
				changed = changed.With(name, other)
			}
			return changed
		}
		accepted := func(value any) {
			t.Helper()
			checked++
			assert.False(t, reported(set(value), spot.Path), "%s: %v is said to be allowed (%s), and is refused", spot.Path, value, at.Allowed)
		}
		refused := func(value any) {
			t.Helper()
			checked++
			where := spot.Path
			if at.In == "Instances" || at.In == "Tasks" {
				where = strings.TrimSuffix(holder, ".") // a number moves the others
			}
			assert.True(t, reported(set(value), where), "%s: %v is not said to be allowed (%s), and is accepted", spot.Path, value, at.Allowed)
		}
		switch {
		case bounds.Choice != nil:
			for _, choice := range bounds.Choice {
				accepted(element(at, choice))
			}
			refused(element(at, map[field.Kind]string{field.Integer: "2", field.Number: "2.5", field.Duration: "20s", field.Text: "no-such-choice"}[at.Kind]))
		case bounds.Most == "":
		case at.List || at.Kind == field.Map:
			most := number(t, bounds.Most)
			refused(many(at, most+1))
		case at.Kind == field.Duration:
			least, err := spec.ParseDuration(bounds.Least)
			require.NoError(t, err)
			most, err := spec.ParseDuration(bounds.Most)
			require.NoError(t, err)
			accepted(bounds.Least)
			accepted(bounds.Most)
			refused((most + spec.Minutes(1)).String())
			if least > 0 {
				refused(spec.Duration(least / 2).String())
			}
		default:
			accepted(number(t, bounds.Least))
			accepted(number(t, bounds.Most))
			refused(number(t, bounds.Least) - 1)
			refused(number(t, bounds.Most) + 1)
		}
	}
	assert.Greater(t, checked, 300)
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// element is a choice as YAML would have it, in a list where one is wanted.
func element(at field.At, choice string) any {
	var value any = choice
	if n, err := strconv.ParseFloat(choice, 64); err == nil && at.Kind != field.Text {
		value = n
	}
	if at.List {
		return []any{value}
	}
	return value
}

// many are so many elements of a list or a mapping.
func many(at field.At, n int) any {
	if at.Kind == field.Map {
		all := map[string]any{}
		for i := range n {
			all[fmt.Sprint("key", i)] = "value"
		}
		return all
	}
	example := at.ExampleValue().([]any)
	var all []any
	for range n {
		all = append(all, example[0])
	}
	return all
}

// A text that says what is allowed refuses nonsense; one that says "any text" takes
// it.
func TestNonsenseIsRefusedWhereNotAnyTextIsAllowed(t *testing.T) {
	const nonsense = "<\tno such thing\u0007>"
	for _, spot := range once(t) {
		at := spot.Field
		var value any = nonsense
		switch {
		case at.Kind == field.Map:
			value = map[string]any{nonsense: "value"}
		case at.Kind != field.Text:
			continue
		case at.List:
			value = []any{nonsense}
		}
		assert.Equal(t, !at.AnyText(), reported(spot.With(value), spot.Path), "%s allows %s", spot.Path, at.Allowed)
	}
}
