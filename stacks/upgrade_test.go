package stacks_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/guard"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
	"github.com/tinystack-go/tinystack/stacks"
)

// replaced are the types of the resources that CloudFormation would make anew
// on the way from one template to the other. A new revision of a task
// definition is how every deployment works, and not listed.
func replaced(before, after snapshot.Template) []string {
	assembly := func(template snapshot.Template) *snapshot.Assembly {
		return &snapshot.Assembly{Stacks: []*snapshot.Stack{{Name: "stack", Template: template}}}
	}
	var types []string
	for _, lost := range guard.Replacements(assembly(before), assembly(after)) {
		for id := range lost {
			if kind := before.Resources("")[id].Type; kind != "AWS::ECS::TaskDefinition" && !slices.Contains(types, kind) {
				types = append(types, kind)
			}
		}
	}
	slices.Sort(types)
	return types
}

// What switching a field replaces is in docs/upgrades.md, and is never the
// cluster, the instances' group, the capacity provider or the service.
func TestWhatSwitchingAFieldReplaces(t *testing.T) {
	synthesize := func(changes ...func(*spec.App, *spec.Stage)) snapshot.Template {
		stage := spec.Stage{Name: "dev", Scale: spec.ScaleProfile{Instance: "t3.large"}, Network: spec.Network{VPC: &spec.ExistingVPC{
			// No change is about the network, which is a third of a stage.
			ID: "vpc-0123456789abcdef0", CIDR: "10.0.0.0/16", Zones: []string{"use1-az1", "use1-az2"},
			PublicSubnets:  []string{"subnet-0123456789abcdef0", "subnet-0123456789abcdef1"},
			PrivateSubnets: []string{"subnet-0123456789abcdef2", "subnet-0123456789abcdef3"},
		}}}
		declared := spec.App{
			Name: "shop",
			Services: []spec.Service{
				{Name: "web", Image: "example.com/web:1"},
				{Name: "cache", Image: "redis:7", Internal: true, Port: 6379},
				{Name: "nightly", Image: "example.com/web:1", Schedule: "rate(1 day)"},
			},
		}
		for _, change := range changes {
			if change != nil {
				change(&declared, &stage)
			}
		}
		declared.Stages = []spec.Stage{stage}
		app := synthtest.NewApp(t)
		stacks.NewTinyStack(app, jsii.String("App"), &stacks.TinyStackProps{App: declared})
		return template(t, synthtest.Synth(t, app), "shop-dev-service")
	}
	type change = func(*spec.App, *spec.Stage)
	alb := func(_ *spec.App, s *spec.Stage) { s.Endpoint.Type = spec.ALB }
	plain, balanced := synthesize(), synthesize(alb)

	documented := upgradeTable(t)
	for name, test := range map[string]struct {
		base   change
		change change
	}{
		"`scale.mode`":                   {nil, func(_ *spec.App, s *spec.Stage) { s.Scale.Mode = spec.Managed }},
		"`scale.instance`":               {nil, func(_ *spec.App, s *spec.Stage) { s.Scale.Instance = "t3.xlarge" }},
		"`scale.instance` (processor)":   {nil, func(_ *spec.App, s *spec.Stage) { s.Scale.Instance = "t4g.large" }},
		"`scale.instances`":              {nil, func(_ *spec.App, s *spec.Stage) { s.Scale.Instances = spec.Instances{Min: new(3), Max: new(3)} }},
		"`scale.tasks`":                  {nil, func(_ *spec.App, s *spec.Stage) { s.Scale.Tasks = spec.Tasks{Min: new(2), Max: new(2)} }},
		"`scale.cpu`":                    {nil, func(_ *spec.App, s *spec.Stage) { s.Scale.CPU = spec.CPUThresholds{ScaleOut: 60, For: spec.Minutes(3)} }},
		"`scale.spot`":                   {nil, func(_ *spec.App, s *spec.Stage) { s.Scale.Spot = true }},
		"`scale.image`":                  {nil, func(_ *spec.App, s *spec.Stage) { s.Scale.Image = "ami-0123456789abcdef0" }},
		"`profile: idle`":                {nil, func(_ *spec.App, s *spec.Stage) { s.Profile = spec.Idle }},
		"`containerInsights`":            {nil, func(_ *spec.App, s *spec.Stage) { s.ContainerInsights = new(true) }},
		"`exec`":                         {nil, func(_ *spec.App, s *spec.Stage) { s.Exec = new(false) }},
		"`services[].tasks`":             {nil, func(a *spec.App, _ *spec.Stage) { a.Services[1].Tasks = spec.Tasks{Max: new(1)} }},
		"`services[].networkMode`":       {nil, func(a *spec.App, _ *spec.Stage) { a.Services[0].NetworkMode = spec.AWSVPC }},
		"`services[].networkMode` (ALB)": {alb, func(a *spec.App, _ *spec.Stage) { a.Services[0].NetworkMode = spec.AWSVPC }},
		"`services[].healthCheck`": {nil, func(a *spec.App, _ *spec.Stage) {
			a.Services[0].HealthCheck = spec.HealthCheck{Path: "/up", Retries: 5}
		}},
		"`services[].healthCheck` (ALB)": {alb, func(a *spec.App, _ *spec.Stage) {
			a.Services[0].HealthCheck = spec.HealthCheck{Path: "/up", Retries: 5}
		}},
		"`services[].port`":          {nil, func(a *spec.App, _ *spec.Stage) { a.Services[0].Port = 8080 }},
		"`services[].port` (ALB)":    {alb, func(a *spec.App, _ *spec.Stage) { a.Services[0].Port = 8080 }},
		"`services[].schedule`":      {nil, func(a *spec.App, _ *spec.Stage) { a.Services[2].Schedule = "rate(2 days)" }},
		"`services[].cpu`, `memory`": {nil, func(a *spec.App, _ *spec.Stage) { a.Services[0].CPU, a.Services[0].Memory = 128, 256 }},
		"`services[].stopTimeout`, `user`, `ulimits`, `volumes`, …": {alb, func(a *spec.App, _ *spec.Stage) {
			w := &a.Services[0]
			w.StopTimeout, w.User, w.ReadOnlyRoot, w.WorkingDirectory = spec.Duration(time.Minute), "app", true, "/srv"
			w.Ulimits, w.Volumes = []spec.Ulimit{{Name: "nofile", Soft: 9000}}, []spec.Volume{{Name: "tmp", Path: "/tmp"}}
		}},
		"`endpoint.type`":       {nil, alb},
		"`endpoint.deployment`": {alb, func(_ *spec.App, s *spec.Stage) { s.Endpoint.Deployment = spec.BlueGreen }},
	} {
		t.Run(name, func(t *testing.T) {
			before := plain
			if test.base != nil {
				before = balanced
			}
			after := synthesize(test.base, test.change)
			assert.NotEqual(t, before, after, "the change must show in the template")
			var types []string
			for _, there := range [][]string{replaced(before, after), replaced(after, before)} {
				for _, kind := range there {
					if !slices.Contains(types, kind) {
						types = append(types, kind)
					}
				}
			}
			for _, kind := range []string{"AWS::ECS::Cluster", "AWS::ECS::Service", "AWS::ECS::CapacityProvider", "AWS::AutoScaling::AutoScalingGroup"} {
				assert.NotContains(t, types, kind)
				for id := range before.Resources(kind) {
					assert.Contains(t, after.Resources(kind), id, "it would be deleted and another made")
				}
			}
			want := strings.Join(types, ", ")
			if want == "" {
				want = "nothing"
			}
			assert.Equal(t, want, documented[name], "docs/upgrades.md")
			delete(documented, name)
		})
	}
	assert.Empty(t, documented, "docs/upgrades.md has rows that no test covers")
}

// upgradeTable is the table of docs/upgrades.md that says what each field
// replaces.
func upgradeTable(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../docs/upgrades.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "## Compute")
	require.True(t, found)
	rows := map[string]string{}
	for line := range strings.SplitSeq(section, "\n") {
		if strings.HasPrefix(line, "## ") {
			break
		}
		if cells := strings.Split(line, " | "); len(cells) == 3 && strings.HasPrefix(cells[0], "| `") {
			rows[strings.TrimPrefix(cells[0], "| ")] = strings.ReplaceAll(cells[1], "`", "")
		}
	}
	return rows
}
