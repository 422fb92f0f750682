package delivery

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

// compare runs the check of the deployed pipeline on what a commit brings.
func compare(t *testing.T, deployed, brought any) (weakened, output string, ok bool) {
	t.Helper()
	s := newShell(t, map[string]string{
		"AWS_REGION": "us-east-1", "TINYSTACK_STACK": "guestbook-pipeline", "TINYSTACK_PATH": "App/Pipeline",
	})
	for file, content := range map[string]any{
		"deployed.json":        deployed,
		"source/brought.json":  brought,
		"source/decoy.json":    deployed,
		"source/manifest.json": manifest("App/Pipeline"),
	} {
		text, err := json.Marshal(content)
		require.NoError(t, err)
		s.file(file, string(text))
	}
	program, err := exec.LookPath("node")
	require.NoError(t, err, "the CDK needs it, too")
	command := exec.Command("sh", "-c", node(gatesScript))
	command.Dir = filepath.Join(s.folder, "source")
	command.Env = []string{"PATH=" + filepath.Join(s.folder, "bin") + ":" + filepath.Dir(program) + ":/usr/bin:/bin", "FAKE=" + s.folder}
	for name, value := range s.env {
		command.Env = append(command.Env, name+"="+value)
	}
	said, err := command.CombinedOutput()
	text, _ := os.ReadFile(filepath.Join(s.folder, "source", "tinystack-weakened"))
	return string(text), string(said), err == nil
}

func manifest(path string) map[string]any {
	stack := func(path, file string) map[string]any {
		return map[string]any{"type": "aws:cloudformation:stack", "displayName": path, "properties": map[string]any{"templateFile": file}}
	}
	return map[string]any{"artifacts": map[string]any{
		"AppPipeline123": stack(path, "brought.json"),
		"AppDecoy123":    stack("App/Decoy", "decoy.json"),
		"Tree":           map[string]any{"type": "cdk:tree"},
	}}
}

// decoded is a template as plain JSON, to be changed.
func decoded(t *testing.T, of snapshot.Template) map[string]any {
	t.Helper()
	resources := map[string]any{}
	for id, r := range of.Resources("") {
		resources[id] = map[string]any{"Type": r.Type, "Properties": r.Properties}
	}
	text, err := json.Marshal(map[string]any{"Resources": resources})
	require.NoError(t, err)
	var copied map[string]any
	require.NoError(t, json.Unmarshal(text, &copied))
	return copied
}

func TestProtectGates(t *testing.T) {
	declared := gated()
	pipeline := template(t, synth(t, declared), "guestbook-pipeline")
	stages := stagesOf(t, pipeline)

	t.Run("the check stands before the pipeline updates itself", func(t *testing.T) {
		assert.Equal(t, []string{"Build: Synth", "GateCheck: Compare", "GateApproval: Approve", "UpdatePipeline: SelfMutate"}, outline(stages)[1:5])
		check, approval := find(t, stages, "GateCheck", "Compare"), stages[3]
		assert.Equal(t, "GateCheck", check.Namespace)
		assert.Equal(t, "Synth_Output", check.Inputs[0].Name)
		project := projectOf(t, pipeline, check)
		assert.Equal(t, "guestbook-pipeline", environmentOf(t, pipeline, check)["TINYSTACK_STACK"])
		assert.Contains(t, project.Get("Properties.Source.BuildSpec"), "weakened", "the check is the deployed pipeline's, not the commit's")
		role, ok := pipeline.Resource(project.Get("Properties.ServiceRole.Fn::GetAtt.0").(string))
		require.True(t, ok)
		assert.Contains(t, statements(t, role), statement{[]string{"cloudformation:GetTemplate"}, []string{"arn:aws:cloudformation:us-east-1:" + home + ":stack/guestbook-pipeline/*"}})

		require.Len(t, approval.BeforeEntry.Conditions, 1)
		assert.Equal(t, "SKIP", approval.BeforeEntry.Conditions[0].Result)
		rules := approval.BeforeEntry.Conditions[0].Rules
		require.Len(t, rules, 1)
		assert.Equal(t, "VariableCheck", rules[0].RuleTypeID.Provider)
		assert.Equal(t, map[string]string{"Variable": "#{GateCheck.TINYSTACK_WEAKENED}", "Operator": "NE", "Value": "none"}, rules[0].Configuration)
		assert.Contains(t, approval.Actions[0].Configuration["CustomData"], "#{GateCheck.TINYSTACK_WEAKENED}")
		assert.Equal(t, 24*60, approval.Actions[0].Timeout)
	})

	deployed := decoded(t, pipeline)
	changed := func(t *testing.T, change func(*spec.App)) map[string]any {
		other := gated()
		other.Pipeline.Notify = slices.Clone(other.Pipeline.Notify)
		change(&other)
		app := synthtest.NewApp(t)
		deploy(app, other)
		return decoded(t, template(t, synthtest.Synth(t, app), "guestbook-pipeline"))
	}
	for name, test := range map[string]struct {
		change func(*spec.App)
		want   []string
	}{
		"more and longer gates, another stage": {func(a *spec.App) {
			a.Stages[1].Bake, a.Stages[2].Bake = spec.Minutes(30), spec.Minutes(120)
			a.Stages[0].Smoke = &spec.Smoke{Commands: []string{"true"}}
			third := a.Stages[4]
			third.Name, third.Region = "prod-ap", "ap-southeast-2"
			a.Stages = append(slices.Insert(a.Stages, 5, third), stageOf("more", home, "us-east-1"))
			a.Stages[2].Scale.Instances.Desired = new(3)
		}, nil},
		"no approval, no window": {func(a *spec.App) {
			for i := range a.Stages {
				a.Stages[i].Approval, a.Stages[i].Window, a.Stages[i].Review = spec.Automatic, nil, false
			}
		}, []string{
			"last/Window is gone", "world/Approve is gone", "world/Review is gone", "world/Window is gone",
			"world/Approve is no longer before guestbook-prod-us-service",
			"world/Window is no longer before guestbook-prod-eu-network",
		}},
		"shorter bakes, another smoke test, a longer window": {func(a *spec.App) {
			a.Stages[1].Bake, a.Stages[2].Bake = spec.Minutes(10), spec.Minutes(61)
			a.Stages[1].Smoke = &spec.Smoke{Commands: []string{"false"}}
			a.Stages[5].Window = &spec.Window{Days: []string{"mon"}, From: new(0), Until: 24, TimeZone: "UTC"}
		}, []string{"near/Bake-1 is changed", "far/Bake is changed", "near/Smoke is changed", "last/Window is changed"}},
		"production before its canary": {func(a *spec.App) {
			s := a.Stages
			a.Stages = []spec.Stage{s[0], s[1], s[3], s[4], s[2], s[5]}
		}, []string{"far/Bake is no longer before guestbook-prod-us-service"}},
		"no protection": {func(a *spec.App) { a.Pipeline.ProtectGates = false }, []string{
			"GateCheck/Compare is gone", "GateApproval/Approve is gone", "GateApproval/Approve is no longer before the pipeline itself",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			weakened, output, ok := compare(t, deployed, changed(t, test.change))
			require.True(t, ok, output)
			if test.want == nil {
				assert.Equal(t, "none", weakened, output)
			}
			for _, want := range test.want {
				assert.Contains(t, strings.Split(output, "\n"), want)
			}
			assert.LessOrEqual(t, len(weakened), 640)
			assert.NotEmpty(t, weakened)
		})
	}

	t.Run("nothing", func(t *testing.T) {
		weakened, output, ok := compare(t, deployed, deployed)
		require.True(t, ok, output)
		assert.Equal(t, "none", weakened)
		assert.Contains(t, output, "every gate stands as it did")
	})

	// What no declaration says and an app's own code can do.
	by := func(template map[string]any, kind string, is func(map[string]any) bool) map[string]any {
		for _, r := range template["Resources"].(map[string]any) {
			if r := r.(map[string]any); r["Type"] == kind && is(r) {
				return r["Properties"].(map[string]any)
			}
		}
		panic("no " + kind)
	}
	stage := func(template map[string]any, name string) map[string]any {
		p := by(template, "AWS::CodePipeline::Pipeline", func(map[string]any) bool { return true })
		for _, s := range p["Stages"].([]any) {
			if s := s.(map[string]any); s["Name"] == name {
				return s
			}
		}
		panic("no stage " + name)
	}
	for name, test := range map[string]struct {
		change func(map[string]any)
		want   string
	}{
		"a bake that does nothing": {func(of map[string]any) {
			by(of, "AWS::CodeBuild::Project", func(r map[string]any) bool {
				return strings.HasSuffix(fmt.Sprint(r["Properties"].(map[string]any)["Description"]), "far/Bake")
			})["Source"].(map[string]any)["BuildSpec"] = `{"phases":{}}`
		}, "far/Bake is changed"},
		"a canary that nobody checks to be awake": {func(of map[string]any) {
			far := stage(of, "far")
			far["Actions"] = slices.DeleteFunc(far["Actions"].([]any), func(a any) bool { return a.(map[string]any)["Name"] == "Awake" })
		}, "far/Awake is gone"},
		"no way back": {func(of map[string]any) { delete(stage(of, "near"), "OnFailure") }, "near/way back is gone"},
		"an approval that starts beside the deployment": {func(of map[string]any) {
			world := stage(of, "world")
			world["Actions"] = append(world["Actions"].([]any), stage(of, "world-approval")["Actions"].([]any)[1])
			actions := stage(of, "world-approval")["Actions"].([]any)
			stage(of, "world-approval")["Actions"] = actions[:1]
		}, "world/Approve is no longer before guestbook-prod-us-network"},
		"a second way into production": {func(of map[string]any) {
			for _, a := range stage(of, "world")["Actions"].([]any) {
				if strings.HasSuffix(a.(map[string]any)["Name"].(string), "prod-us-service.Deploy") {
					dev := stage(of, "dev")
					dev["Actions"] = append(dev["Actions"].([]any), a)
				}
			}
		}, "world/Approve is no longer before guestbook-prod-us-service"},
		"a gate that is skipped": {func(of map[string]any) {
			stage(of, "last")["BeforeEntry"].(map[string]any)["Conditions"].([]any)[0].(map[string]any)["Result"] = "SKIP"
		}, "last/Window is changed"},
	} {
		t.Run(name, func(t *testing.T) {
			brought := decoded(t, pipeline)
			test.change(brought)
			_, output, ok := compare(t, deployed, brought)
			require.True(t, ok, output)
			assert.Contains(t, strings.Split(output, "\n"), test.want)
		})
	}

	t.Run("what cannot be compared is refused", func(t *testing.T) {
		weakened, output, ok := compare(t, deployed, map[string]any{"Resources": map[string]any{}})
		assert.False(t, ok)
		assert.Empty(t, weakened)
		assert.Contains(t, output, "the template has 0 pipelines")
		weakened, _, ok = compare(t, "not a template", deployed)
		assert.False(t, ok)
		assert.Empty(t, weakened)
	})
}
