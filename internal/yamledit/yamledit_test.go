package yamledit_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/yamledit"
	"github.com/tinystack-go/tinystack/spec"
)

func parse(t *testing.T, text string) *yamledit.Declaration {
	t.Helper()
	d, err := yamledit.Parse("tinystack.yaml", []byte(text), func(name string) (string, bool) {
		return "us-west-2", name == "REGION"
	})
	require.NoError(t, err, text)
	return d
}

const pipeline = `name: shop
pipeline: {account: "111111111111"}
source: {codeCommit: shop}
`

// edits are what a person would have done by hand.
var edits = map[string]struct {
	before, after string
	edit          func(*yamledit.Declaration) (*yamledit.Declaration, error)
}{
	"remove one of several": {
		before: "name: shop\n\n# Where it runs.\nstages:\n  # For everybody.\n  - name: dev # here\n    variables: {A: b}\n    # region: eu-west-1\n\n  # Not of any stage.\n\n  # Looked at by people.\n  # Twice.\n  - name: test\n    variables:\n      TEXT: |\n        # no comment\n\n        more\n\n  - name: prod\n\n# The end.\ntags: {a: b}\n",
		after:  "name: shop\n\n# Where it runs.\nstages:\n  # For everybody.\n  - name: dev # here\n    variables: {A: b}\n    # region: eu-west-1\n\n  # Not of any stage.\n\n  - name: prod\n\n# The end.\ntags: {a: b}\n",
		edit:   remove("test"),
	},
	"remove the first": {
		before: "name: shop\nstages:\n  # First.\n  - name: dev\n\n  # Second.\n  - name: prod\n",
		after:  "name: shop\nstages:\n  # Second.\n  - name: prod\n",
		edit:   remove("dev"),
	},
	"remove the last, no line end": {
		before: "name: shop\nstages:\n- name: dev\n\n- name: prod\n  region: us-west-2",
		after:  "name: shop\nstages:\n- name: dev",
		edit:   remove("prod"),
	},
	"remove the last before another field": {
		before: "name: shop\nstages:\n- name: dev\n\n# Between.\n\n- name: prod\n  # scale: {}\n\n# Tags.\ntags: {a: b}\n",
		after:  "name: shop\nstages:\n- name: dev\n\n# Between.\n\n# Tags.\ntags: {a: b}\n",
		edit:   remove("prod"),
	},
	"remove, Windows line ends and a byte order mark": {
		before: "\uFEFFname: shop\r\nstages:\r\n  # é\r\n  - name: dev\r\n  - {name: test}\r\n  - name: prod\r\n",
		after:  "\uFEFFname: shop\r\nstages:\r\n  # é\r\n  - name: dev\r\n  - name: prod\r\n",
		edit:   remove("test"),
	},
	"remove in a line": {
		before: "name: shop\nstages: [{name: dev}, {name: test, variables: {A: \"}, {\"}}, {name: prod}] # all\n",
		after:  "name: shop\nstages: [{name: dev}, {name: prod}] # all\n",
		edit:   remove("test"),
	},
	"remove the first in a line": {
		before: "{name: shop, stages: [ {name: dev}, {name: prod} ]}\n",
		after:  "{name: shop, stages: [ {name: prod} ]}\n",
		edit:   remove("dev"),
	},
	"remove the last in brackets over lines": {
		before: "name: shop\nstages: [\n  {name: dev}, # first\n  # above\n  {name: prod}, # second\n]\n",
		after:  "name: shop\nstages: [\n  {name: dev}, # first\n]\n",
		edit:   remove("prod"),
	},
	"remove the last in brackets, no comma": {
		before: "name: shop\nstages: [\n  {name: dev}, # first\n  {name: prod} # second\n]\n",
		after:  "name: shop\nstages: [\n  {name: dev} # first\n]\n",
		edit:   remove("prod"),
	},
	"remove a stage that refers to an anchor": {
		before: "name: shop\nstages:\n  - &dev\n    name: dev\n    variables: &v {A: b}\n  - <<: *dev\n    name: test\n  - name: prod\n    variables: *v\n",
		after:  "name: shop\nstages:\n  - &dev\n    name: dev\n    variables: &v {A: b}\n  - name: prod\n    variables: *v\n",
		edit:   remove("test"),
	},
	"move up": {
		before: "name: shop\nstages:\n  - name: dev\n\n  # Gate.\n\n  # People.\n  - name: test # t\n    region: us-west-2\n\n  - name: prod",
		after:  "name: shop\nstages:\n  - name: prod\n\n  - name: dev\n\n  # Gate.\n\n  # People.\n  - name: test # t\n    region: us-west-2",
		edit:   move("prod", yamledit.Place{Before: "dev"}),
	},
	"move down": {
		before: "name: shop\nstages:\n  # d\n  - name: dev\n    variables:\n      A: b\n  - name: test\n  - name: prod\n",
		after:  "name: shop\nstages:\n  - name: test\n  # d\n  - name: dev\n    variables:\n      A: b\n  - name: prod\n",
		edit:   move("dev", yamledit.Place{After: "test"}),
	},
	"move in brackets": {
		before: "name: shop\nstages: [\n  {name: dev}, # d\n  # above\n  {name: test}, {name: prod} # p\n]\n",
		after:  "name: shop\nstages: [\n  {name: prod}, # p\n  {name: dev}, # d\n  # above\n  {name: test}\n]\n",
		edit:   move("prod", yamledit.Place{Before: "dev"}),
	},
	"move to where it is": {
		before: "name: shop\nstages: [{name: dev}, {name: prod}]\n",
		after:  "name: shop\nstages: [{name: dev}, {name: prod}]\n",
		edit:   move("prod", yamledit.Place{After: "dev"}),
	},
	"add to a declaration without stages": {
		before: "name: shop\n\nservices: [{name: web}]",
		after:  "name: shop\n\nservices: [{name: web}]\n\nstages:\n  - name: dev\n  - name: prod\n    region: us-west-2\n",
		edit:   add("prod", yamledit.Place{}, yamledit.Field{Name: "region", Value: "us-west-2"}),
	},
	"add in the middle": {
		before: "name: shop\nstages:\n  -   name: dev\n      region: eu-west-1\n\n  # Careful.\n  -   name: prod\n# end",
		after:  "name: shop\nstages:\n  -   name: dev\n      region: eu-west-1\n\n  -   name: test\n      account: \"012345678901\"\n      region: us-west-2\n\n  # Careful.\n  -   name: prod\n# end",
		edit:   add("test", yamledit.Place{Before: "prod"}, yamledit.Field{Name: "account", Value: "012345678901"}, yamledit.Field{Name: "region", Value: "us-west-2"}),
	},
	"add after, a comment between": {
		before: "name: shop\nstages:\n- name: dev\n\n# Alone.\n\n- name: prod\n",
		after:  "name: shop\nstages:\n- name: dev\n\n- name: test\n\n# Alone.\n\n- name: prod\n",
		edit:   add("test", yamledit.Place{After: "dev"}),
	},
	"add at the end, no line end": {
		before: "name: shop\r\nstages:\r\n  - {name: dev}",
		after:  "name: shop\r\nstages:\r\n  - {name: dev}\r\n  - {name: \"null\", region: us-west-2}",
		edit:   add("null", yamledit.Place{}, yamledit.Field{Name: "region", Value: "us-west-2"}),
	},
	"add in a line": {
		before: "name: shop\nstages: [{name: dev}, {name: prod}]\n",
		after:  "name: shop\nstages: [{name: test}, {name: dev}, {name: prod}]\n",
		edit:   add("test", yamledit.Place{Before: "dev"}),
	},
	"add in brackets over lines": {
		before: "name: shop\nstages: [\n  {name: dev}, # d\n  {name: prod} # p\n]\n",
		after:  "name: shop\nstages: [\n  {name: dev}, # d\n  {name: prod}, # p\n  {name: test}\n]\n",
		edit:   add("test", yamledit.Place{}),
	},
	"add before the document's end": {
		before: "---\nname: shop\nstages:\n  - name: dev\n...\n",
		after:  "---\nname: shop\nstages:\n  - name: dev\n  - name: test\n...\n",
		edit:   add("test", yamledit.Place{}),
	},
	"approval, new": {
		before: pipeline + "stages:\n  - name: dev\n  # People.\n  - name: prod # p\n    region: ${REGION} # r\n    variables: {A: b}",
		after:  pipeline + "stages:\n  - name: dev\n  # People.\n  - name: prod # p\n    region: ${REGION} # r\n    approval: manual\n    variables: {A: b}",
		edit:   approve("prod", spec.Manual),
	},
	"approval, new in the last line": {
		before: pipeline + "stages:\n  - name: prod",
		after:  pipeline + "stages:\n  - name: prod\n    approval: manual",
		edit:   approve("prod", spec.Manual),
	},
	"approval, new in braces": {
		before: pipeline + "stages:\n  - {name: 'prod' , variables: {A: b}}\n",
		after:  pipeline + "stages:\n  - {name: 'prod', approval: manual , variables: {A: b}}\n",
		edit:   approve("prod", spec.Manual),
	},
	"approval, not declared": {
		before: pipeline,
		after:  pipeline + "stages:\n  - name: dev\n    approval: manual\n",
		edit:   approve("dev", spec.Manual),
	},
	"approval, taken out": {
		before: pipeline + "stages:\n  - name: prod\n    approval: \"manual\"\n    region: us-west-2\n",
		after:  pipeline + "stages:\n  - name: prod\n    region: us-west-2\n",
		edit:   approve("prod", spec.Automatic),
	},
	"approval, with a comment": {
		before: pipeline + "stages:\n  - name: prod\n    approval: 'manual' # says who\n",
		after:  pipeline + "stages:\n  - name: prod\n    approval: automatic # says who\n",
		edit:   approve("prod", spec.Automatic),
	},
	"approval of a wave": {
		before: pipeline + "stages:\n  - name: eu\n    wave: prod\n    region: eu-west-1\n  - {name: us, wave: prod}\n",
		after:  pipeline + "stages:\n  - name: eu\n    wave: prod\n    region: eu-west-1\n    approval: manual\n  - {name: us, wave: prod, approval: manual}\n",
		edit:   approve("us", spec.Manual),
	},
	"approval by an alias": {
		before: pipeline + "stages:\n  - name: dev\n    variables: {A: &gate manual}\n  - name: prod\n    approval: *gate\n",
		after:  pipeline + "stages:\n  - name: dev\n    variables: {A: &gate manual}\n  - name: prod\n",
		edit:   approve("prod", spec.Automatic),
	},
}

type edit = func(*yamledit.Declaration) (*yamledit.Declaration, error)

func remove(name string) edit {
	return func(d *yamledit.Declaration) (*yamledit.Declaration, error) { return d.RemoveStage(name) }
}

func move(name string, place yamledit.Place) edit {
	return func(d *yamledit.Declaration) (*yamledit.Declaration, error) { return d.MoveStage(name, place) }
}

func add(name string, place yamledit.Place, fields ...yamledit.Field) edit {
	return func(d *yamledit.Declaration) (*yamledit.Declaration, error) {
		return d.AddStage(name, fields, place)
	}
}

func approve(name string, approval spec.Approval) edit {
	return func(d *yamledit.Declaration) (*yamledit.Declaration, error) {
		changed, _, err := d.SetApproval(name, approval)
		return changed, err
	}
}

func TestEdits(t *testing.T) {
	for name, test := range edits {
		t.Run(name, func(t *testing.T) {
			d, err := test.edit(parse(t, test.before))
			require.NoError(t, err)
			assert.Equal(t, test.after, d.Text())
		})
	}
}

func TestRefusals(t *testing.T) {
	two := "name: shop\nstages: [{name: dev}, {name: prod}]\n"
	canary := pipeline + "stages:\n  - {name: dev}\n  - {name: canary, canaryOf: prod, region: us-west-2, bake: 30m}\n  - {name: prod}\n"
	for name, test := range map[string]struct {
		text string
		edit edit
		says string
	}{
		"the only stage":            {"name: shop\nstages: [{name: dev}]\n", remove("dev"), "tinystack destroy"},
		"the stage of the defaults": {"name: shop\n", remove("dev"), "only stage"},
		"no such stage":             {two, remove("test"), "no stage \"test\"; it has dev, prod"},
		"rehearsed":                 {canary, remove("prod"), "rehearsed by canary"},
		"a canary behind":           {canary, move("prod", yamledit.Place{Before: "canary"}), "stands before its canary"},
		"beside itself":             {two, move("dev", yamledit.Place{After: "dev"}), "itself"},
		"nowhere":                   {two, move("dev", yamledit.Place{}), "before or after which"},
		"both":                      {two, add("test", yamledit.Place{Before: "dev", After: "prod"}), "not both"},
		"twice":                     {two, add("dev", yamledit.Place{}), "already"},
		"a bad name":                {two, add("Test Stage", yamledit.Place{}), "write test-stage"},
		"a bad region":              {two, add("test", yamledit.Place{}, yamledit.Field{Name: "region", Value: "mars"}), "\"mars\" is not an AWS region"},
		"an anchor":                 {"name: shop\nstages:\n  - name: dev\n    variables: &v {A: b}\n  - name: prod\n    variables: *v\n", remove("dev"), "&v, which line 6"},
		"an anchor that moves":      {"name: shop\nstages:\n  - name: dev\n    variables: &v {A: b}\n  - name: prod\n    variables: *v\n", move("dev", yamledit.Place{After: "prod"}), "anchor"},
		"an anchor's namesake":      {"name: shop\nstages:\n  - {name: a, variables: &v {A: a}}\n  - {name: b, variables: &v {A: b}}\n  - {name: c, variables: *v}\n", move("b", yamledit.Place{Before: "a"}), "the stage c would change, too"},
		"a shared value":            {pipeline + "stages:\n  - {name: dev, approval: &gate manual}\n  - {name: prod, approval: *gate}\n", approve("dev", spec.Automatic), "the stage prod would change, too"},
		"stages by an alias":        {"tags: {a: b}\nname: shop\nservices:\n  - name: web\nstages: &s\n  - {name: dev}\n", add("x", yamledit.Place{After: "y"}), "no stage \"y\""},
		"an empty list":             {"name: shop\nstages: []\n", add("test", yamledit.Place{}), "is empty"},
		"no list":                   {"{name: shop}\n", add("test", yamledit.Place{}), "write one by hand"},
		"approval without pipeline": {two, approve("prod", spec.Manual), "needs a pipeline"},
		"approval merged in":        {pipeline + "stages:\n  - &d {name: dev, approval: manual}\n  - {<<: *d, name: prod}\n", approve("dev", spec.Automatic), "the stage prod would change, too"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := test.edit(parse(t, test.text))
			var refusal *yamledit.Refusal
			require.True(t, errors.As(err, &refusal), "%v", err)
			assert.Contains(t, err.Error(), test.says)
		})
	}
	_, err := yamledit.Parse("tinystack.yaml", []byte("name: [shop\n"), nil)
	assert.ErrorAs(t, err, &spec.Problems{})
}

// Every declaration that the tests of the project accept can be edited, and
// ends as it began when an edit is taken back.
func TestAcceptedDeclarations(t *testing.T) {
	files, err := filepath.Glob("../../spec/testdata/*/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, pattern := range []string{"../../app/testdata/*.yaml", "../../examples/*/tinystack.yaml", "../../tinystack.yaml"} {
		more, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, more)
		files = append(files, more...)
	}
	edited := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		d, err := yamledit.Parse(file, text, func(string) (string, bool) { return "111111111111", true })
		if err != nil {
			continue // it is to be refused, or needs another environment
		}
		for i, stage := range d.App().Stages {
			place := yamledit.Place{Before: stage.Name}
			added, err := d.AddStage("zz", fieldsLike(stage), place)
			if err != nil {
				assert.NotContains(t, err.Error(), "cannot edit", "%s: %s", file, stage.Name)
				continue
			}
			back, err := added.RemoveStage("zz")
			require.NoError(t, err, "%s: %s", file, stage.Name)
			if len(d.App().Stages) > 1 {
				assert.Equal(t, string(text), back.Text(), "%s: %s", file, stage.Name)
			}
			if i > 0 {
				moved, err := d.MoveStage(stage.Name, yamledit.Place{Before: d.App().Stages[i-1].Name})
				if err == nil {
					_, err = moved.MoveStage(stage.Name, yamledit.Place{After: d.App().Stages[i-1].Name})
				}
				if err != nil {
					assert.NotContains(t, err.Error(), "cannot edit", "%s: %s", file, stage.Name)
				}
			}
			edited++
		}
	}
	assert.Greater(t, edited, 20)
}

// fieldsLike are those of a stage that can stand beside another.
func fieldsLike(stage spec.Stage) []yamledit.Field {
	var fields []yamledit.Field
	if stage.Account != "" {
		fields = append(fields, yamledit.Field{Name: "account", Value: stage.Account})
	}
	return append(fields, yamledit.Field{Name: "region", Value: stage.Region})
}

// FuzzEdit looks for a text that an edit breaks: it has to refuse, or to give
// what was asked for.
func FuzzEdit(f *testing.F) {
	for _, test := range edits {
		f.Add(test.before, 0, 1)
	}
	f.Fuzz(func(t *testing.T, text string, i, j int) {
		d, err := yamledit.Parse("tinystack.yaml", []byte(text), nil)
		if err != nil {
			t.Skip()
		}
		stages := d.App().Stages
		name, other := stages[abs(i)%len(stages)].Name, stages[abs(j)%len(stages)].Name
		for _, edit := range []edit{
			remove(name),
			move(name, yamledit.Place{Before: other}),
			move(name, yamledit.Place{After: other}),
			add("zz", yamledit.Place{After: other}),
			approve(name, spec.Manual),
			approve(name, spec.Automatic),
		} {
			if _, err := edit(d); err != nil {
				var refusal *yamledit.Refusal
				require.ErrorAs(t, err, &refusal)
			}
		}
	})
}

func abs(n int) int { return max(n, -(n + 1)) }

// A random declaration, and random changes of it: whatever they do, the text of
// every stage that they leave alone stays as it is, with its comments, and the
// declaration has the stages that it should have.
func TestRandomSequences(t *testing.T) {
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 7))
		text, bodies, order := randomDeclaration(random)
		d := parse(t, text)
		history := []string{fmt.Sprintf("seed %d:\n%s", seed, text)}
		for step := range 8 {
			var err error
			i := random.IntN(len(order))
			name := order[i]
			place, at := yamledit.Place{Before: order[random.IntN(len(order))]}, 0
			if random.IntN(2) == 0 {
				place = yamledit.Place{After: place.Before}
			}
			changed := d
			switch random.IntN(4) {
			case 0:
				added := fmt.Sprintf("new%d", step)
				at = slices.Index(order, place.Before+place.After)
				if place.After != "" {
					at++
				}
				history = append(history, fmt.Sprintf("add %s %+v", added, place))
				changed, err = d.AddStage(added, []yamledit.Field{{Name: "region", Value: "us-west-2"}}, place)
				order = slices.Insert(slices.Clone(order), at, added)
				bodies[added] = "name: " + added
			case 1:
				if len(order) == 1 {
					continue
				}
				history = append(history, "remove "+name)
				changed, err = d.RemoveStage(name)
				order = slices.Delete(slices.Clone(order), i, i+1)
				if err == nil {
					assert.NotContains(t, changed.Text(), "of "+name+".", "its comments go with it")
				}
			case 2:
				if name == place.Before+place.After {
					continue
				}
				history = append(history, fmt.Sprintf("move %s %+v", name, place))
				changed, err = d.MoveStage(name, place)
				order = slices.Delete(slices.Clone(order), i, i+1)
				at = slices.Index(order, place.Before+place.After)
				if place.After != "" {
					at++
				}
				order = slices.Insert(order, at, name)
			case 3:
				history = append(history, "approve "+name)
				was := d.App().Stages[i].Approval
				to := spec.Manual
				if was == spec.Manual {
					to = spec.Automatic
				}
				// There and back, which may leave the default written out.
				if changed, _, err = d.SetApproval(name, to); err == nil {
					assert.Equal(t, to, changed.App().Stages[i].Approval)
				}
				bodies[name] = ""
			}
			require.NoError(t, err, strings.Join(history, "\n"))
			d = changed
			var got []string
			for _, stage := range d.App().Stages {
				got = append(got, stage.Name)
				require.Contains(t, d.Text(), bodies[stage.Name], strings.Join(history, "\n"))
			}
			require.Equal(t, order, got, strings.Join(history, "\n"))
			for _, alone := range []string{"# Before all.", "# Behind all.", "# Alone 0.", "# Alone 1."} {
				require.Equal(t, strings.Count(text, alone), strings.Count(d.Text(), alone), strings.Join(history, "\n")+"\n"+d.Text())
			}
		}
	}
}

func randomDeclaration(random *rand.Rand) (text string, bodies map[string]string, order []string) {
	bodies = map[string]string{}
	pick := func(options ...string) string { return options[random.IntN(len(options))] }
	margin := pick("", "  ", "    ")
	flow := random.IntN(3) == 0
	multiline := random.IntN(2) == 0
	var list strings.Builder
	count := 1 + random.IntN(5)
	for i := range count {
		name := fmt.Sprintf("stage%d", i)
		order = append(order, name)
		var body string
		if flow {
			body = "{" + pick("name: "+name, "'name': \""+name+"\"", "name: "+name+", variables: {A: '],{}', B: \"s # [\"}") + pick("", " ") + "}"
			if multiline {
				above := pick("", "  # Above of "+name+".\n")
				list.WriteString("\n" + above + "  ")
				bodies[name] = body
				list.WriteString(body)
				if i < count-1 || random.IntN(2) == 0 {
					list.WriteString(",")
				}
				list.WriteString(pick("", " # Behind of "+name+"."))
			} else {
				bodies[name] = body
				list.WriteString(body)
				if i < count-1 {
					list.WriteString(pick(", ", ",", ",  "))
				}
			}
			continue
		}
		if i > 0 {
			list.WriteString(pick("", "\n", "\n\n"))
			if i <= 2 {
				list.WriteString(pick("", "\n"+margin+"# Alone "+fmt.Sprint(i-1)+".\n\n"))
			}
		}
		body = pick("", margin+"# Above of "+name+".\n", margin+"# Above of "+name+".\n"+margin+"# é\n")
		body += margin + pick(
			"- name: "+name+" # Here of "+name+".\n",
			"- {name: "+name+"}\n",
			"-\n"+margin+"  name: '"+name+"'\n",
			"- region: us-east-1\n"+margin+"  name: "+name+"\n"+margin+"  variables:\n"+margin+"    TEXT: |\n"+margin+"      # no comment\n\n"+margin+"      - name: none\n",
			"- name: "+name+"\n"+margin+"  variables: {A: \"b\n"+margin+"    c\"}\n"+margin+"  # bake: 30m of "+name+".\n",
		)
		bodies[name] = body
		list.WriteString(body)
	}
	if flow {
		text = pipeline + "# Before all.\nstages: [" + list.String()
		if multiline {
			text += "\n"
		}
		text += "]" + pick("", " # Behind all.") + "\n"
		return text, bodies, order
	}
	text = pipeline + "# Before all.\nstages:\n" + list.String()
	text += pick("", "\n# Behind all.\n", "\n# Behind all.\ntags: {a: b}\n", "tags: {a: b}\n")
	if random.IntN(3) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
		for name, body := range bodies {
			bodies[name] = strings.ReplaceAll(body, "\n", "\r\n")
		}
	}
	return text, bodies, order
}
