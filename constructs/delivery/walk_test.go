package delivery

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/spec"
)

// What follows walks a pipeline as CodePipeline does. An execution enters a
// stage once the one before has ended well and its entry conditions are met;
// there the actions of a run order start when all of the lower ones succeeded;
// it leaves the stage when all actions succeeded and the success conditions are
// met. An entry condition that skips lets the execution past the stage.
//
// Whatever is withheld never succeeds. A gate holds for a stack when nothing
// deploys that stack while the gate is withheld.

// point is something in the pipeline that can succeed or fail: an action, or a
// rule of a condition.
type point struct{ stage, name string }

func (p point) String() string { return p.stage + "/" + p.name }

// reached are the actions that run while some points never succeed.
func reached(stages []pipelineStage, withheld func(point) bool) map[point]action {
	ran := map[point]action{}
	met := func(stage string, g gate, result string) bool {
		for _, condition := range g.Conditions {
			if condition.Result != result {
				continue
			}
			for _, r := range condition.Rules {
				if withheld(point{stage, r.Name}) {
					return false
				}
			}
		}
		return true
	}
	for _, s := range stages {
		if !met(s.Name, s.BeforeEntry, "FAIL") {
			return ran
		}
		if !met(s.Name, s.BeforeEntry, "SKIP") {
			continue
		}
		actions := slices.Clone(s.Actions)
		slices.SortStableFunc(actions, func(a, b action) int { return a.RunOrder - b.RunOrder })
		for i, a := range actions {
			failed := slices.ContainsFunc(actions[:i], func(b action) bool { return b.RunOrder < a.RunOrder && withheld(point{s.Name, b.Name}) })
			if failed {
				return ran
			}
			ran[point{s.Name, a.Name}] = a
		}
		if slices.ContainsFunc(actions, func(a action) bool { return withheld(point{s.Name, a.Name}) }) ||
			!met(s.Name, s.OnSuccess, "ROLLBACK") || !met(s.Name, s.OnSuccess, "FAIL") {
			return ran
		}
	}
	return ran
}

// deploys says whether an action can bring a commit into a stage's stacks,
// wherever it stands and whatever it is called.
func deploys(a action, app, stage string) bool {
	prefix := app + "-" + stage + "-"
	stack, _ := a.Configuration["StackName"].(string)
	return a.ActionTypeID.Provider == "CloudFormation" && strings.HasPrefix(stack, prefix)
}

// ungated are the ways by which a commit reaches a stage without passing a gate
// that the declaration puts before it, and the gates that are not there at all.
// A stage has before it its own approval and window, and all that the stages
// before its wave have: theirs, their deployments, smoke tests and bakes.
func ungated(stages []pipelineStage, declared spec.App) []string {
	var found []string
	none := func(point) bool { return false }
	all := reached(stages, none)
	for i, target := range declared.Stages {
		first := i
		for first > 0 && target.Wave != "" && declared.Stages[first-1].Wave == target.Wave {
			first--
		}
		if !slices.ContainsFunc(slices.Collect(values(all)), func(a action) bool { return deploys(a, declared.Name, target.Name) }) {
			found = append(found, target.Name+" is never deployed")
		}
		require := func(what string, is func(point) bool) {
			holds := false
			for _, s := range stages {
				for _, p := range pointsOf(s) {
					holds = holds || is(p)
				}
			}
			if !holds {
				found = append(found, fmt.Sprintf("there is no %s before %s", what, target.Name))
				return
			}
			for at, a := range reached(stages, is) {
				if deploys(a, declared.Name, target.Name) {
					found = append(found, fmt.Sprintf("%s deploys %s without %s", at, target.Name, what))
				}
			}
		}
		wave := func(of spec.Stage) []string {
			names := []string{of.Name, of.Name + "-approval"}
			if of.Wave != "" {
				names = append(names, of.Wave, of.Wave+"-approval")
			}
			return names
		}
		// of finds the points of a stage, by the names they have alone and
		// among neighbours.
		of := func(owner spec.Stage, name string) func(point) bool {
			return func(p point) bool {
				return slices.Contains(wave(owner), p.stage) && (p.name == name || p.name == owner.Name+"."+name)
			}
		}
		entry := func(owner spec.Stage) {
			if owner.Approval == spec.Manual {
				require("approval of "+owner.Name, of(owner, "Approve"))
			}
			if owner.Window != nil {
				require("window of "+owner.Name, of(owner, "Window"))
			}
		}
		entry(target)
		for _, before := range declared.Stages[:first] {
			entry(before)
			require("deployment of "+before.Name, func(p point) bool {
				a, ran := all[p]
				return ran && deploys(a, declared.Name, before.Name)
			})
			if before.Smoke != nil && *before.Scale.Tasks.Max > 0 {
				require("smoke test of "+before.Name, of(before, "Smoke"))
			}
			if before.Bake > 0 {
				require("bake of "+before.Name, func(p point) bool {
					return of(before, "Bake")(p) || slices.Contains(wave(before), p.stage) && regexp.MustCompile(`^Bake-[0-9]+$`).MatchString(p.name)
				})
			}
		}
	}
	slices.Sort(found)
	return found
}

func values[K comparable, V any](m map[K]V) func(func(V) bool) {
	return func(yield func(V) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

func pointsOf(s pipelineStage) []point {
	var points []point
	for _, a := range s.Actions {
		points = append(points, point{s.Name, a.Name})
	}
	for _, g := range []gate{s.BeforeEntry, s.OnSuccess} {
		for _, condition := range g.Conditions {
			for _, r := range condition.Rules {
				points = append(points, point{s.Name, r.Name})
			}
		}
	}
	return points
}

// gated is a pipeline with every kind of gate: a canary whose bake rules watch,
// one that a build watches and that sleeps, two production regions side by side that bake
// behind one approval and one window, and a last stage.
func gated() spec.App {
	declared := guestbook()
	declared.Pipeline.ProtectGates = true
	near := stageOf("near", home, "us-west-2")
	near.CanaryOf, near.Bake, near.Smoke = "prod-us", spec.Minutes(20), &spec.Smoke{Commands: []string{"true"}}
	far := declared.Stages[1]
	far.Name, far.CanaryOf, far.Sleeps = "far", "prod-us", true
	far.Scale.Instances = spec.Instances{Min: new(1), Desired: new(2), Max: new(4)}
	window := &spec.Window{Days: []string{"mon", "tue"}, From: new(9), Until: 17, TimeZone: "Europe/Berlin"}
	var production []spec.Stage
	for _, region := range []string{"us-east-1", "eu-central-1"} {
		s := stageOf("prod-"+region[:2], other, region)
		s.Wave, s.Approval, s.Window, s.Bake, s.Review = "world", spec.Manual, window, spec.Minutes(10), true
		production = append(production, s)
	}
	last := stageOf("last", other, "ap-northeast-1")
	last.Window = window
	declared.Stages = []spec.Stage{declared.Stages[0], near, far, production[0], production[1], last}
	return declared
}

func TestGates(t *testing.T) {
	declared := gated()
	pipeline := template(t, synth(t, declared), "guestbook-pipeline")
	stages := stagesOf(t, pipeline)
	require.Equal(t, []string{
		"dev: guestbook-dev-network.Deploy → guestbook-dev-service.Deploy → Release",
		"near: guestbook-near-network.Deploy → guestbook-near-service.Deploy → Smoke",
		"near-release: Release",
		"far: Wake → guestbook-far-network.Deploy → guestbook-far-service.Deploy → Awake → Bake → Release",
		"far-sleep: Sleep",
		"world-approval: Review → Approve",
		"world: prod-eu.guestbook-prod-eu-network.Deploy + prod-us.guestbook-prod-us-network.Deploy" +
			" → prod-eu.guestbook-prod-eu-service.Deploy + prod-us.guestbook-prod-us-service.Deploy → prod-eu.Bake + prod-us.Bake → prod-eu.Release + prod-us.Release",
		"last: guestbook-last-network.Deploy → guestbook-last-service.Deploy → Release",
	}, outline(stages)[6:])
	by := map[string]pipelineStage{}
	for _, s := range stages {
		by[s.Name] = s
	}

	t.Run("nothing reaches a stage without its gates", func(t *testing.T) {
		assert.Empty(t, ungated(stages, declared))
	})

	t.Run("rules watch the alarms that they can see", func(t *testing.T) {
		require.Len(t, by["near"].OnSuccess.Conditions, 1)
		assert.Equal(t, "ROLLBACK", by["near"].OnSuccess.Conditions[0].Result)
		rules := by["near"].OnSuccess.Conditions[0].Rules
		require.Len(t, rules, 2)
		for i, alarm := range []string{"guestbook-canary-5xx", "guestbook-canary-latency"} {
			assert.Equal(t, map[string]string{"AlarmName": alarm, "WaitTime": "20"}, rules[i].Configuration)
			assert.Equal(t, "us-west-2", rules[i].Region)
			assert.Equal(t, "Rule/AWS/CloudWatchAlarm/1", fmt.Sprintf("%[1]s/%[2]s/%[3]s/%[4]s", rules[i].RuleTypeID.Category, rules[i].RuleTypeID.Owner, rules[i].RuleTypeID.Provider, rules[i].RuleTypeID.Version))
		}
		var allowed []any
		for id, policy := range pipeline.Resources("AWS::IAM::Policy") {
			for _, s := range policy.Get("Properties.PolicyDocument.Statement").([]any) {
				if s := s.(map[string]any); s["Action"] == "cloudwatch:DescribeAlarms" {
					assert.Contains(t, id, "PipelineRole")
					allowed = append(allowed, s["Resource"])
				}
			}
		}
		assert.Equal(t, []any{"arn:aws:cloudwatch:us-west-2:" + home + ":alarm:*"}, allowed, "the pipeline may read them")
		for _, s := range stages {
			if s.Name != "near" {
				assert.Empty(t, s.OnSuccess.Conditions, s.Name)
			}
		}
	})

	t.Run("a window stands before its stage", func(t *testing.T) {
		for _, s := range stages {
			if s.Name == course.GateApprovalStage {
				continue
			}
			if s.Name != "world" && s.Name != "last" {
				assert.Empty(t, s.BeforeEntry.Conditions, s.Name)
				continue
			}
			require.Len(t, s.BeforeEntry.Conditions, 1)
			assert.Equal(t, "FAIL", s.BeforeEntry.Conditions[0].Result)
			rules := s.BeforeEntry.Conditions[0].Rules
			require.Len(t, rules, 1)
			assert.Equal(t, "DeploymentWindow", rules[0].RuleTypeID.Provider)
			assert.Equal(t, map[string]string{"Cron": "* * 9-16 ? * MON,TUE *", "TimeZone": "Europe/Berlin"}, rules[0].Configuration)
		}
	})

	t.Run("what bakes goes back by itself", func(t *testing.T) {
		for _, s := range stages {
			if slices.Contains([]string{"near", "far", "world"}, s.Name) {
				assert.Equal(t, map[string]any{"Result": "ROLLBACK"}, s.OnFailure, s.Name)
			} else {
				assert.Nil(t, s.OnFailure, s.Name)
			}
			for _, a := range s.Actions {
				assert.False(t, a.Name == "Approve" && s.OnFailure != nil, "going back from %s would wait for a person", s.Name)
			}
		}
	})

	t.Run("whoever approves sees what would change", func(t *testing.T) {
		review, approval := find(t, stages, "world-approval", "Review"), find(t, stages, "world-approval", "Approve")
		require.NotEmpty(t, review.Namespace)
		assert.Equal(t, "Let commit #{Source@acme_guestbook.CommitId} of guestbook into wave world (prod-us, prod-eu)? Stacks that would change: #{"+review.Namespace+".TINYSTACK_CHANGED}, see #{"+review.Namespace+".TINYSTACK_REVIEW}",
			approval.Configuration["CustomData"])
		link := fmt.Sprint(approval.Configuration["ExternalEntityLink"])
		assert.Contains(t, link, "https://us-east-1.console.aws.amazon.com/s3/object/")
		assert.Contains(t, link, "?region=us-east-1&prefix=#{"+review.Namespace+".TINYSTACK_REVIEW}")

		project := projectOf(t, pipeline, review)
		env := environmentOf(t, pipeline, review)
		assert.Equal(t, "prod-us/**\nprod-eu/**", env["TINYSTACK_STACKS"])
		assert.Equal(t, "reviews/prod-us", env["TINYSTACK_REVIEWS"])
		var buildSpec struct {
			Env    map[string][]string
			Phases map[string]struct{ Commands []string }
		}
		require.NoError(t, json.Unmarshal([]byte(project.Get("Properties.Source.BuildSpec").(string)), &buildSpec))
		assert.ElementsMatch(t, []string{"TINYSTACK_REVIEW", "TINYSTACK_CHANGED"}, buildSpec.Env["exported-variables"])
		assert.Contains(t, buildSpec.Phases["build"].Commands, *(*script(withCDK(reviewScript)))[0])

		role, ok := pipeline.Resource(project.Get("Properties.ServiceRole.Fn::GetAtt.0").(string))
		require.True(t, ok)
		var assumed []string
		for _, s := range statements(t, role) {
			for _, a := range s.actions {
				switch a {
				case "sts:AssumeRole":
					assumed = s.resources
				case "s3:PutObject":
					require.Len(t, s.resources, 1)
					assert.Contains(t, s.resources[0], "/reviews/prod-us/*")
				}
			}
		}
		assert.ElementsMatch(t, []string{
			"arn:aws:iam::" + other + ":role/cdk-hnb659fds-lookup-role-" + other + "-us-east-1",
			"arn:aws:iam::" + other + ":role/cdk-hnb659fds-lookup-role-" + other + "-eu-central-1",
		}, assumed)

		days := 0.0
		for _, bucket := range pipeline.Resources("AWS::S3::Bucket") {
			rules, _ := bucket.Get("Properties.LifecycleConfiguration.Rules").([]any)
			for _, r := range rules {
				if r := r.(map[string]any); r["Prefix"] == "reviews/" {
					days = r["ExpirationInDays"].(float64)
				}
			}
		}
		assert.Equal(t, 2.0, days, "a day longer than an approval may wait")
	})

	t.Run("each gate that is missing, moved or weakened is found", func(t *testing.T) {
		action := func(stages []pipelineStage, stage, name string) *action {
			for i := range stages {
				for j := range stages[i].Actions {
					if stages[i].Name == stage && stages[i].Actions[j].Name == name {
						return &stages[i].Actions[j]
					}
				}
			}
			t.Fatalf("no %s in %s", name, stage)
			return nil
		}
		index := func(name string) int {
			return slices.IndexFunc(stages, func(s pipelineStage) bool { return s.Name == name })
		}
		for name, test := range map[string]struct {
			damage func(stages []pipelineStage) []pipelineStage
			want   string
		}{
			"no approval": {func(s []pipelineStage) []pipelineStage {
				return slices.Delete(s, index("world-approval"), index("world-approval")+1)
			}, "there is no approval of prod-us before prod-us"},
			"approval after": {func(s []pipelineStage) []pipelineStage {
				s[index("world-approval")], s[index("world")] = s[index("world")], s[index("world-approval")]
				return s
			}, "world/prod-us.guestbook-prod-us-service.Deploy deploys prod-us without approval of prod-us"},
			"approval beside": {func(s []pipelineStage) []pipelineStage {
				approve := s[index("world-approval")].Actions[0]
				approve.Name, approve.RunOrder = "prod-us.Approve", action(s, "world", "prod-us.guestbook-prod-us-network.Deploy").RunOrder
				s[index("world")].Actions = append(s[index("world")].Actions, approve)
				return slices.Delete(s, index("world-approval"), index("world-approval")+1)
			}, "world/prod-us.guestbook-prod-us-network.Deploy deploys prod-us without approval of prod-us"},
			"window that skips": {func(s []pipelineStage) []pipelineStage {
				skip := s[index("world")].BeforeEntry
				skip.Conditions = slices.Clone(skip.Conditions)
				skip.Conditions[0].Result = "SKIP"
				s[index("world")].BeforeEntry = skip
				return s
			}, "last/guestbook-last-service.Deploy deploys last without window of prod-us"},
			"no window": {func(s []pipelineStage) []pipelineStage {
				s[index("last")].BeforeEntry = gate{}
				return s
			}, "there is no window of last before last"},
			"no rules": {func(s []pipelineStage) []pipelineStage {
				s[index("near")].OnSuccess = gate{}
				return s
			}, "there is no bake of near before last"},
			"bake side by side with the next deployment": {func(s []pipelineStage) []pipelineStage {
				bake := *action(s, "far", "Bake")
				s[index("far")].Actions = slices.DeleteFunc(s[index("far")].Actions, func(a step) bool { return a.Name == "Bake" })
				bake.Name, bake.RunOrder = "far.Bake", 1
				s[index("world")].Actions = append(s[index("world")].Actions, bake)
				return s
			}, "there is no bake of far before prod-us"},
			"production deployed from elsewhere": {func(s []pipelineStage) []pipelineStage {
				other := *action(s, "world", "prod-us.guestbook-prod-us-service.Deploy")
				other.Name, other.RunOrder = "Harmless", 1
				s[index("dev")].Actions = append(s[index("dev")].Actions, other)
				return s
			}, "dev/Harmless deploys prod-us without approval of prod-us"},
			"no smoke test": {func(s []pipelineStage) []pipelineStage {
				s[index("near")].Actions = slices.DeleteFunc(s[index("near")].Actions, func(a step) bool { return a.Name == "Smoke" })
				return s
			}, "there is no smoke test of near before far"},
			"a stage that is left out": {func(s []pipelineStage) []pipelineStage {
				return slices.Delete(s, index("far"), index("far")+1)
			}, "far is never deployed"},
		} {
			t.Run(name, func(t *testing.T) {
				text, err := json.Marshal(stages)
				require.NoError(t, err)
				var copied []pipelineStage
				require.NoError(t, json.Unmarshal(text, &copied))
				assert.Contains(t, ungated(test.damage(copied), declared), test.want)
			})
		}
	})
}

// step is an action where a variable is called so.
type step = action

// A wave that the CDK would divide keeps no gate: it is refused, by name.
func TestGatesOfALargeWave(t *testing.T) {
	declared := guestbook()
	declared.Stages = nil
	for i := range 20 {
		s := stageOf(fmt.Sprintf("s%d", i), home, spec.Regions()[i%3])
		s.Wave = "world"
		declared.Stages = append(declared.Stages, s)
	}
	declared.Stages[3].Bake = spec.Minutes(10)
	said := refusal(t, declared)
	assert.Contains(t, said, "wave world (s0, s1, ")
	assert.Contains(t, said, "needs more than 50 actions")
	assert.Contains(t, said, "divide it into two waves")
}

// A canary that sleeps is woken before its deployment and watched awake; it
// sleeps again whatever becomes of the commit.
func TestSleep(t *testing.T) {
	declared := guestbook()
	canary := &declared.Stages[1]
	canary.Account, canary.Sleeps, canary.Bake, canary.Approval = other, true, spec.Minutes(30), spec.Manual
	canary.Scale.Instances = spec.Instances{Min: new(1), Desired: new(2), Max: new(4)}
	pipeline := template(t, synth(t, declared), "guestbook-pipeline")
	stages := stagesOf(t, pipeline)
	assert.Equal(t, []string{
		"canary-approval: Approve",
		"canary: Wake → guestbook-canary-network.Deploy → guestbook-canary-service.Deploy → Awake → Bake → Release",
		"canary-sleep: Sleep",
		"prod: Approve → guestbook-prod-network.Deploy → guestbook-prod-service.Deploy → Release",
	}, outline(stages)[5:])
	assert.Empty(t, ungated(stages, declared))
	for action, mode := range map[string]string{"canary/Wake": "wake", "canary/Awake": "awake", "canary-sleep/Sleep": "sleep"} {
		stage, name, _ := strings.Cut(action, "/")
		env := environmentOf(t, pipeline, find(t, stages, stage, name))
		assert.Equal(t, map[string]any{
			"AWS_REGION": "us-east-1", "STAGE_NAME": "canary", "STAGE_REGION": "us-west-2", "TINYSTACK_DEPLOYS": "canary", "TINYSTACK_DESIRED": "2", "TINYSTACK_LEAST": "1",
			"TINYSTACK_MODE": mode, "TINYSTACK_PIPELINE": "guestbook", "TINYSTACK_SLEEP_ROLE": "arn:aws:iam::" + other + ":role/guestbook-canary-sleep", "TINYSTACK_STACK": "guestbook-canary-service",
		}, env)
	}
	bake := find(t, stages, "canary", "Bake")
	assert.Equal(t, "900", environmentOf(t, pipeline, bake)["TINYSTACK_SETTLE_SECONDS"])
	assert.Equal(t, 58.0, projectOf(t, pipeline, bake).Properties["TimeoutInMinutes"])
	for _, s := range stages {
		assert.Equal(t, s.Name == "canary", s.OnFailure != nil, "a sleep that fails takes no commit back: %s", s.Name)
	}

	var found int
	for id, rule := range pipeline.Resources("AWS::Events::Rule") {
		if !strings.Contains(id, "Sleep") {
			continue
		}
		found++
		assert.Equal(t, map[string]any{
			"pipeline": []any{"guestbook"}, "stage": []any{"canary", "canary-sleep"}, "state": []any{"FAILED", "STOPPED", "CANCELED"},
		}, rule.Get("Properties.EventPattern.detail"))
		project, ok := pipeline.Resource(rule.Get("Properties.Targets.0.Arn.Fn::GetAtt.0").(string))
		require.True(t, ok)
		assert.Equal(t, "NO_SOURCE", project.Get("Properties.Source.Type"))
		assert.Contains(t, fmt.Sprint(project.Get("Properties.Environment.EnvironmentVariables")), "Name:TINYSTACK_MODE Type:PLAINTEXT Value:failed")
		role, ok := pipeline.Resource(project.Get("Properties.ServiceRole.Fn::GetAtt.0").(string))
		require.True(t, ok)
		assert.Equal(t, "guestbook-canary-waker", role.Properties["RoleName"])
		assert.Contains(t, statements(t, role), statement{[]string{"sts:AssumeRole"}, []string{"arn:aws:iam::" + other + ":role/guestbook-canary-sleep"}})
	}
	assert.Equal(t, 1, found)
}

// The picture in docs/canary.md is that of the declaration above it.
func TestPicture(t *testing.T) {
	const page = "../../docs/canary.md"
	raw, err := os.ReadFile(page)
	require.NoError(t, err)
	block := func(kind, language string) string {
		_, rest, found := strings.Cut(string(raw), "<!-- pictured: "+kind+" -->\n```"+language+"\n")
		require.True(t, found, kind)
		text, _, _ := strings.Cut(rest, "```")
		return text
	}
	file := filepath.Join(t.TempDir(), "tinystack.yaml")
	require.NoError(t, os.WriteFile(file, []byte(block("declaration", "yaml")), 0o644))
	declared, err := spec.Load(file)
	require.NoError(t, err)
	declared, err = declared.Resolve()
	require.NoError(t, err)
	stages := stagesOf(t, template(t, synth(t, declared, func(p *DeliveryProps) {
		for i := range p.Stages {
			p.Stages[i].URL = outputOf(p.Stages[i], "URL")
		}
	}), "shop-pipeline"))
	assert.Empty(t, ungated(stages, declared))
	want, have := picture(stages, declared.Name), block("pipeline", "mermaid")
	if update := flag.Lookup("update"); want != have && update != nil && update.Value.String() == "true" {
		text := strings.Replace(string(raw), "pipeline -->\n```mermaid\n"+have, "pipeline -->\n```mermaid\n"+want, 1)
		require.NoError(t, os.WriteFile(page, []byte(text), 0o644))
		return
	}
	assert.Equal(t, want, have, "draw it again: go test ./constructs/delivery -run TestPicture -update")
}

// picture draws a pipeline's stages from top to bottom.
func picture(stages []pipelineStage, app string) string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	before := ""
	link := func(to, text string) {
		if before != "" {
			fmt.Fprintf(&b, "  %s -->%s %s\n", before, text, to)
		}
	}
	for i, s := range stages {
		id, label := fmt.Sprintf("s%d", i), ""
		for _, condition := range s.BeforeEntry.Conditions {
			c := condition.Rules[0].Configuration
			what := fmt.Sprintf("%s %s", c["Cron"], c["TimeZone"])
			if condition.Rules[0].RuleTypeID.Provider == "VariableCheck" {
				what = "skipped when no gate is weakened"
			}
			label = fmt.Sprintf("|%q|", what)
		}
		rows := []string{"<b>" + s.Name + "</b>"}
		_, line, _ := strings.Cut(outline([]pipelineStage{s})[0], ": ")
		for _, row := range strings.Split(line, " → ") {
			rows = append(rows, strings.NewReplacer(".Deploy", "", app+"-", "").Replace(row))
		}
		for _, condition := range s.OnSuccess.Conditions {
			for _, r := range condition.Rules {
				rows = append(rows, fmt.Sprintf("%s quiet for %s minutes", r.Configuration["AlarmName"], r.Configuration["WaitTime"]))
			}
		}
		link(fmt.Sprintf("%s[%q]", id, strings.Join(rows, "<br/>")), label)
		if before == "" {
			fmt.Fprintf(&b, "  %s[%q]\n", id, strings.Join(rows, "<br/>"))
		}
		if s.OnFailure["Result"] == "ROLLBACK" {
			fmt.Fprintf(&b, "  %s -.->|\"a failure takes it back\"| %s\n", id, id)
		}
		before = id
	}
	return b.String()
}
