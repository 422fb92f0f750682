package delivery

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

// Every kind of source, as the pipeline's whole template has it.
func TestSourceGoldens(t *testing.T) {
	selfManaged := connection("tools/platform/guestbook")
	selfManaged.Connection = "arn:aws:codestar-connections:us-east-1:" + home + ":connection/89abcdef-0123-4567-89ab-0123456789ab"
	filtered := connection("acme/guestbook")
	filtered.Branches, filtered.Paths = []string{"main", "release/*"}, []string{"services/**", "!**/*.md"}
	tagged := connection("acme/guestbook")
	tagged.Tags = []string{"v*", "!v0.*"}
	for name, source := range map[string]*spec.Source{
		"connection":              connection("acme/guestbook"),
		"connection-self-managed": selfManaged,
		"connection-filtered":     filtered,
		"connection-tags":         tagged,
		"codecommit":              {CodeCommit: "guestbook", Branch: "main"},
		"s3":                      {Bucket: "acme-source", Key: "guestbook/app.zip"},
	} {
		t.Run(name, func(t *testing.T) {
			declared := guestbook()
			declared.Stages, declared.Source = declared.Stages[:1], source
			pipeline := template(t, secured(t, declared), "guestbook-pipeline")
			snapshot.Match(t, filepath.Join("testdata", "sources", name+".json"), pipeline)
			walk(t, declared, pipeline)
		})
	}
}

func TestFilters(t *testing.T) {
	declared := guestbook()
	declared.Source.Paths = []string{"services/**", "!**/*.md"}
	tagged := connection("acme/web")
	tagged.Tags = []string{"v*", "!v0.*"}
	declared.Services = append(declared.Services,
		spec.Service{Name: "web", Context: ".", Dockerfile: "Dockerfile", Source: tagged},
		spec.Service{Name: "jobs", Context: ".", Dockerfile: "Dockerfile", Source: connection("acme/jobs")})
	pipeline := template(t, synth(t, declared), "guestbook-pipeline")
	trigger := func(action string, push map[string]any) any {
		return map[string]any{
			"ProviderType":     "CodeStarSourceConnection",
			"GitConfiguration": map[string]any{"SourceActionName": action, "Push": []any{push}},
		}
	}
	assert.Equal(t, []any{
		trigger("Application", map[string]any{
			"Branches":  map[string]any{"Includes": []any{"main"}},
			"FilePaths": map[string]any{"Includes": []any{"services/**"}, "Excludes": []any{"**/*.md"}},
		}),
		trigger("web", map[string]any{"Tags": map[string]any{"Includes": []any{"v*"}, "Excludes": []any{"v0.*"}}}),
	}, only(t, pipeline, "AWS::CodePipeline::Pipeline").Properties["Triggers"])
	stages := stagesOf(t, pipeline)
	for name, detects := range map[string]any{"Application": false, "web": false, "jobs": nil} {
		assert.Equal(t, detects, find(t, stages, "Source", name).Configuration["DetectChanges"], "%s: a trigger takes the place of every push", name)
	}
}

// The declaration may be in a repository of its own: templates are made from
// there, and the application's commit still names the images.
func TestDeclarationOfItsOwn(t *testing.T) {
	declared := guestbook()
	declared.Pipeline.Declaration = connection("acme/infrastructure")
	pipeline := template(t, synth(t, declared), "guestbook-pipeline")
	stages := stagesOf(t, pipeline)
	assert.Equal(t, "Source: Application + Declaration", outline(stages)[0])
	synthesis := find(t, stages, "Build", "Synth")
	assert.Equal(t, "acme_infrastructure_Source", synthesis.Inputs[0].Name)
	assert.Equal(t, "#{Source@acme_guestbook.CommitId}", environmentOf(t, pipeline, synthesis)["TINYSTACK_COMMIT"])
	build := find(t, stages, "Images", "api")
	assert.Equal(t, "acme_guestbook_Source", build.Inputs[0].Name)
	assert.Equal(t, "#{Source@acme_guestbook.CommitId}", environmentOf(t, pipeline, build)["IMAGE_TAG"])
	assert.Contains(t, find(t, stages, "prod", "Approve").Configuration["CustomData"], "acme_guestbook.CommitId")
	walk(t, declared, pipeline)

	// The application's commit is needed also where nothing is built.
	declared.Services = declared.Services[1:]
	pipeline = template(t, synth(t, declared), "guestbook-pipeline")
	assert.Equal(t, "Source: Application + Declaration", outline(stagesOf(t, pipeline))[0])
}

func TestPipelineSettings(t *testing.T) {
	declared := guestbook()
	declared.Pipeline.ExecutionMode = spec.Queued
	declared.Pipeline.ApprovalTimeout = spec.Duration(72 * time.Hour)
	declared.Build.Timeout = spec.Minutes(95)
	declared.Services[0].BuildSpec, declared.Services[0].ReleaseSpec = "ci/build.yml", "ci/release.yml"
	pipeline := template(t, synth(t, declared, func(p *DeliveryProps) {
		p.BuildSpecs = map[string]string{"api": "build.yml"}
	}), "guestbook-pipeline")
	stages := stagesOf(t, pipeline)
	assert.Equal(t, "QUEUED", only(t, pipeline, "AWS::CodePipeline::Pipeline").Properties["ExecutionMode"])
	for _, stage := range stages {
		for _, a := range stage.Actions {
			want := 0
			if a.Name == "Approve" {
				want = 72 * 60
			}
			assert.Equal(t, want, a.Timeout, "%s.%s: CodePipeline takes it for approvals only", stage.Name, a.Name)
		}
	}
	build, release := projectOf(t, pipeline, find(t, stages, "Images", "api")), projectOf(t, pipeline, find(t, stages, "prod", "api-Release"))
	assert.Equal(t, "ci/build.yml", build.Get("Properties.Source.BuildSpec"), "what is declared wins over what was found")
	assert.Equal(t, "ci/release.yml", release.Get("Properties.Source.BuildSpec"))
	assert.Equal(t, 95.0, build.Properties["TimeoutInMinutes"])
	assert.Equal(t, 95.0, release.Properties["TimeoutInMinutes"])
}

func TestSmoke(t *testing.T) {
	declared := guestbook()
	smoke := &spec.Smoke{Path: "/healthy", Status: 200, Timeout: spec.Minutes(5)}
	declared.Stages[0].Smoke = smoke
	withCommands := *smoke
	withCommands.Commands = []string{"./smoke.sh", "make check"}
	declared.Stages[1].Smoke = &withCommands
	declared.Stages[2].Smoke, declared.Stages[2].Scale.Tasks.Max = smoke, new(0)
	pipeline := template(t, synth(t, declared, func(p *DeliveryProps) {
		p.ReleaseSpecs = map[string]string{"api": "release.yml"}
		for i := range p.Stages {
			p.Stages[i].URL = outputOf(p.Stages[i], "URL")
		}
	}), "guestbook-pipeline")
	stages := stagesOf(t, pipeline)
	assert.Equal(t, []string{
		"dev: guestbook-dev-network.Deploy → guestbook-dev-service.Deploy → Smoke → api-Release → Release",
		"canary: guestbook-canary-network.Deploy → guestbook-canary-service.Deploy → Smoke → api-Release → Bake → Release",
		"prod: Approve → guestbook-prod-network.Deploy → guestbook-prod-service.Deploy → api-Release → Release",
	}, outline(stages)[4:], "before the release; not at all where no task runs")

	dev, canary := find(t, stages, "dev", "Smoke"), find(t, stages, "canary", "Smoke")
	assert.Equal(t, map[string]any{
		"STAGE_NAME":              "dev",
		"STAGE_REGION":            "us-east-1",
		"STAGE_URL":               "#{devservice749B5B1F.URL}",
		"TINYSTACK_PATH":          "/healthy",
		"TINYSTACK_STATUS":        "200",
		"TINYSTACK_SMOKE_SECONDS": "300",
	}, environmentOf(t, pipeline, dev))
	assert.Equal(t, "Synth_Output", dev.Inputs[0].Name)
	assert.Equal(t, "acme_guestbook_Source", canary.Inputs[0].Name, "commands find the application's source")
	assert.Equal(t, 15.0, projectOf(t, pipeline, dev).Properties["TimeoutInMinutes"])
	assert.Equal(t, 75.0, projectOf(t, pipeline, canary).Properties["TimeoutInMinutes"])

	var buildSpec struct {
		Phases map[string]struct {
			Commands  []string
			OnFailure string `json:"on-failure"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(projectOf(t, pipeline, canary).Get("Properties.Source.BuildSpec").(string)), &buildSpec))
	assert.Empty(t, buildSpec.Phases["build"].OnFailure)
	assert.Equal(t, []string{"./smoke.sh", "make check"}, buildSpec.Phases["build"].Commands[1:], "each can end the build")

	for _, a := range []action{dev, canary} {
		role, ok := pipeline.Resource(projectOf(t, pipeline, a).Get("Properties.ServiceRole.Fn::GetAtt.0").(string))
		require.True(t, ok)
		var actions []string
		for _, s := range statements(t, role) {
			actions = append(actions, s.actions...)
		}
		assert.Equal(t, a.Inputs[0].Name == "acme_guestbook_Source", slices.Contains(actions, "codeconnections:UseConnection"))
		assert.NotContains(t, actions, "ecr:PutImage")
	}

	assert.Equal(t, "delivery Delivery: stage dev is smoke-tested at /healthy and has no address: give the output that holds it\n"+
		"stage canary is smoke-tested at /healthy and has no address: give the output that holds it", refusal(t, func() spec.App {
		declared := declared
		declared.Stages = declared.Stages[:2]
		return declared
	}()))
}

// Approval is one field: switching it replaces nothing, and takes nothing away
// but the approval itself.
func TestSwitchingApproval(t *testing.T) {
	with := guestbook()
	without := guestbook()
	without.Stages = slices.Clone(with.Stages)
	without.Stages[2].Approval = spec.Automatic
	before, after := synth(t, with), synth(t, without)
	require.Equal(t, len(before.Stacks), len(after.Stacks))
	for _, stack := range before.Stacks {
		other := template(t, after, stack.Name)
		have, want := other.Resources(""), stack.Template.Resources("")
		for id, resource := range want {
			assert.Equal(t, resource.Type, have[id].Type, id)
			switch resource.Type {
			case "AWS::CodePipeline::Pipeline":
			case "AWS::IAM::Policy": // tells of approvals, or need not
				assert.Equal(t, resource.Properties["PolicyName"], have[id].Properties["PolicyName"], id)
			default:
				assert.True(t, assert.ObjectsAreEqual(resource, have[id]), "%s of %s changed", id, stack.Name)
			}
		}
		assert.Len(t, have, len(want), stack.Name)
	}
	stages := func(of *snapshot.Assembly) []string {
		return outline(stagesOf(t, template(t, of, "guestbook-pipeline")))
	}
	assert.Equal(t, strings.Replace(stages(before)[6], "Approve → ", "", 1), stages(after)[6])
	assert.NotEqual(t, stages(before)[6], stages(after)[6])
	assert.Equal(t, stages(before)[:6], stages(after)[:6])
}

// walk follows a commit through a pipeline's template: the stages come in the
// declared order, each gate stands before the right one, and nothing is used
// before it was made.
func walk(t *testing.T, declared spec.App, pipeline snapshot.Template) {
	t.Helper()
	stages := stagesOf(t, pipeline)
	wanted := []string{"Source", "Build", "UpdatePipeline"}
	if len(BuiltServices(declared)) > 0 {
		wanted = append(wanted, "Images")
	}
	var groups [][]spec.Stage
	for i, s := range declared.Stages {
		if i > 0 && s.Wave != "" && s.Wave == declared.Stages[i-1].Wave {
			groups[len(groups)-1] = append(groups[len(groups)-1], s)
			continue
		}
		groups = append(groups, []spec.Stage{s})
	}
	for _, group := range groups {
		name := group[0].Name
		if len(group) > 1 {
			name = group[0].Wave
		}
		if apart(group) {
			wanted = append(wanted, name+"-approval")
		}
		wanted = append(wanted, name)
	}
	var names []string
	for _, s := range stages {
		names = append(names, s.Name)
	}
	require.Equal(t, wanted, names)

	made := map[string]bool{}
	for _, s := range stages {
		actions := slices.Clone(s.Actions)
		slices.SortStableFunc(actions, func(a, b action) int { return a.RunOrder - b.RunOrder })
		for _, a := range actions {
			for _, input := range a.Inputs {
				assert.True(t, made[input.Name], "%s.%s uses %s before it is made", s.Name, a.Name, input.Name)
			}
			for _, output := range a.Outputs {
				made[output.Name] = true
			}
		}
	}
	for _, group := range groups {
		name := group[0].Name
		if len(group) > 1 {
			name = group[0].Wave
		}
		checkGates(t, stages[slices.Index(names, name)], group)
	}
	assert.Empty(t, ungated(stages, declared))
}

// apart says whether the approval of stages that deploy side by side stands
// before their stage of the pipeline.
func apart(group []spec.Stage) bool {
	approved, gated := false, false
	for _, s := range group {
		approved = approved || s.Approval == spec.Manual
		gated = gated || s.Bake > 0 || s.Window != nil
	}
	return approved && gated
}

// Every project's role names what it may use. A token for the registry has no
// resource to name.
func TestRolesNameTheirResources(t *testing.T) {
	declared := guestbook()
	for i := range declared.Stages {
		declared.Stages[i].Smoke = &spec.Smoke{Commands: []string{"true"}}
	}
	pipeline := template(t, synth(t, declared, func(p *DeliveryProps) {
		p.BuildSpecs = map[string]string{"api": "build.yml"}
		p.ReleaseSpecs = map[string]string{"api": "release.yml"}
	}), "guestbook-pipeline")
	checked := map[string]bool{}
	for _, stage := range stagesOf(t, pipeline) {
		for _, a := range stage.Actions {
			if a.ActionTypeID.Provider != "CodeBuild" || a.Name == "SelfMutate" {
				continue // the CDK's own, acknowledged one by one
			}
			role, ok := pipeline.Resource(projectOf(t, pipeline, a).Get("Properties.ServiceRole.Fn::GetAtt.0").(string))
			require.True(t, ok)
			for _, s := range statements(t, role) {
				for _, action := range s.actions {
					assert.NotContains(t, action, "*", "%s.%s", stage.Name, a.Name)
					assert.Equal(t, action == "ecr:GetAuthorizationToken", slices.Contains(s.resources, "*"), "%s.%s: %s", stage.Name, a.Name, action)
				}
			}
			checked[a.Name] = true
		}
	}
	assert.Len(t, checked, 7, "Synth, api, api-Distribute, Smoke, api-Release, Bake, Release")
}

// What is in another account reads artifacts where it is deployed, and does
// nothing else with them.
func TestAnotherAccountReadsArtifacts(t *testing.T) {
	declared := guestbook()
	declared.Stages[1].Account = other
	assembly := secured(t, declared)
	for stack, region := range map[string]string{"guestbook-pipeline": "us-east-1", "guestbook-pipeline-support-us-west-2": "us-west-2"} {
		role := "cdk-hnb659fds-deploy-role-" + other + "-" + region
		found := map[string]any{}
		for kind, path := range map[string]string{"AWS::S3::BucketPolicy": "Properties.PolicyDocument.Statement", "AWS::KMS::Key": "Properties.KeyPolicy.Statement"} {
			for _, resource := range template(t, assembly, stack).Resources(kind) {
				for _, s := range resource.Get(path).([]any) {
					s := s.(map[string]any)
					if s["Effect"] == "Allow" && strings.Contains(fmt.Sprint(s["Principal"]), other) {
						assert.Contains(t, fmt.Sprint(s["Principal"]), role, stack)
						found[kind] = s["Action"]
					}
				}
			}
		}
		assert.Equal(t, map[string]any{
			"AWS::S3::BucketPolicy": []any{"s3:GetBucket*", "s3:GetObject*", "s3:List*"},
			"AWS::KMS::Key":         []any{"kms:Decrypt", "kms:DescribeKey"},
		}, found, stack)
	}
}

// checkGates looks at one stage of the pipeline, which deploys one stage or the
// stages of a wave.
func checkGates(t *testing.T, s pipelineStage, group []spec.Stage) {
	t.Helper()
	orders := func(owner spec.Stage, match func(string) bool) (first, last int) {
		for _, a := range s.Actions {
			prefix := ""
			if len(group) > 1 {
				prefix = owner.Name + "."
			}
			name, mine := strings.CutPrefix(a.Name, prefix)
			if !mine && a.Name == "Approve" {
				name, mine = a.Name, true // of the whole wave
			}
			if mine && match(name) {
				if first == 0 || a.RunOrder < first {
					first = a.RunOrder
				}
				last = max(last, a.RunOrder)
			}
		}
		return first, last
	}
	for _, owner := range group {
		is := func(name string) func(string) bool { return func(other string) bool { return other == name } }
		_, approved := orders(owner, is("Approve"))
		deploys, deployed := orders(owner, func(name string) bool { return strings.HasSuffix(name, ".Deploy") })
		_, smoked := orders(owner, is("Smoke"))
		_, baked := orders(owner, is("Bake"))
		released, _ := orders(owner, is("Release"))
		assert.Equal(t, owner.Approval == spec.Manual && !apart(group), approved > 0, "approval of %s", owner.Name)
		assert.Greater(t, deploys, approved, "%s is deployed once it is approved", owner.Name)
		assert.Equal(t, owner.Smoke != nil, smoked > deployed, "smoke test of %s", owner.Name)
		assert.Equal(t, owner.Bake > 0, baked > max(deployed, smoked), "bake of %s", owner.Name)
		assert.Greater(t, released, max(deployed, smoked, baked), "%s is released last", owner.Name)
	}
}

// Applications of all shapes, by chance: the walk holds for each.
func TestWalk(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	regions := []string{"us-east-1", "us-west-2", "eu-central-1"}
	gates := map[string]int{}
	for round := range 8 {
		declared := guestbook()
		declared.Stages = nil
		window := &spec.Window{Days: []string{"mon"}, From: new(9), Until: 16, TimeZone: "UTC"}
		for i := range 2 + random.IntN(6) {
			s := stageOf(fmt.Sprintf("s%d", i), []string{home, other}[random.IntN(2)], regions[random.IntN(3)])
			if random.IntN(2) == 0 {
				s.Approval = spec.Manual
				gates["approvals"]++
			}
			if random.IntN(2) == 0 {
				s.Smoke = &spec.Smoke{Commands: []string{"true"}}
				gates["smoke tests"]++
			}
			if random.IntN(3) == 0 {
				s.Bake = spec.Minutes(10)
				gates["bakes"]++
			}
			if random.IntN(3) > 0 {
				s.Wave = fmt.Sprintf("w%d", i/3)
			}
			if i > 0 && s.Wave != declared.Stages[i-1].Wave && slices.ContainsFunc(declared.Stages, func(other spec.Stage) bool { return other.Wave == s.Wave }) {
				s.Wave = ""
			}
			if random.IntN(4) == 0 {
				s.Window = window
				gates["windows"]++
			}
			if i > 0 && s.Wave != "" && s.Wave == declared.Stages[i-1].Wave {
				s.Window = declared.Stages[i-1].Window
			}
			declared.Stages = append(declared.Stages, s)
		}
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			walk(t, declared, template(t, synth(t, declared), "guestbook-pipeline"))
		})
	}
	assert.Len(t, gates, 4)
}

// Thirty stages in ten regions are within what AWS takes, or the error says by
// how much they are not.
func TestThirtyStagesInTenRegions(t *testing.T) {
	declared := guestbook()
	declared.Stages = nil
	for i := range 30 {
		s := stageOf(fmt.Sprintf("s%d", i), home, spec.Regions()[i%10])
		if i%3 == 0 {
			s.Approval = spec.Manual
		}
		declared.Stages = append(declared.Stages, s)
	}
	pipeline := template(t, synth(t, declared), "guestbook-pipeline")
	walk(t, declared, pipeline)
	count := func(pipeline snapshot.Template) (actions int) {
		for _, s := range stagesOf(t, pipeline) {
			assert.LessOrEqual(t, len(s.Actions), maxStageActions, s.Name)
			actions += len(s.Actions)
		}
		assert.LessOrEqual(t, actions, maxPipelineActions)
		return actions
	}
	assert.Equal(t, 4+30*3+10, count(pipeline))

	// Side by side they are too many for one stage of the pipeline, so the CDK
	// divides the wave.
	for i := range declared.Stages {
		declared.Stages[i].Wave, declared.Stages[i].Approval = "world", spec.Automatic
	}
	pipeline = template(t, synth(t, declared), "guestbook-pipeline")
	assert.Equal(t, 4+30*3, count(pipeline))
	assert.Less(t, len(stagesOf(t, pipeline)), 10)
}
