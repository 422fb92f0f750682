package preflight

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/spec"
)

// CodePipeline's limits, which cannot be raised (AWS CodePipeline user guide,
// "Quotas in AWS CodePipeline", read 2026-11).
const (
	MostPipelineStages  = 50
	MostStageActions    = 50
	MostPipelineActions = 500
)

// mostResources is how many resources a CloudFormation template takes.
const mostResources = 500

// pipeline looks at the delivery.
func (c *check) pipeline() {
	if c.app.Pipeline == nil {
		return
	}
	var waiting []string
	for _, stage := range c.app.Stages {
		if stage.Approval == spec.Manual {
			waiting = append(waiting, stage.Name)
		}
	}
	if len(waiting) > 0 && len(c.app.Pipeline.Notify) == 0 {
		c.add(finding.NobodyNotified, waiting, "pipeline", "nobody is told that a commit waits for approval into "+list(waiting),
			"it waits until somebody looks, and ends after "+c.app.Pipeline.ApprovalTimeout.String(), "list e-mail addresses under pipeline.notify")
	}
	total := 0
	stages := c.pipelineStages()
	for _, stage := range stages {
		total += stage.actions
		if stage.actions > MostStageActions {
			c.add(finding.PipelineActions, stage.of, stage.path, fmt.Sprintf("stage %s of the pipeline would have %d actions", quote(stage.name), stage.actions),
				fmt.Sprintf("CodePipeline takes %d in a stage, and does not raise that", MostStageActions), "deploy fewer stages side by side")
		}
	}
	if total > MostPipelineActions {
		c.add(finding.PipelineActions, nil, "pipeline", fmt.Sprintf("the pipeline would have %d actions", total),
			fmt.Sprintf("CodePipeline takes %d, and does not raise that", MostPipelineActions), "declare fewer stages or services, or split the application")
	}
	if len(stages) > MostPipelineStages {
		c.add(finding.PipelineActions, nil, "pipeline", fmt.Sprintf("the pipeline would have %d stages", len(stages)),
			fmt.Sprintf("CodePipeline takes %d, and does not raise that", MostPipelineStages), "join neighbouring stages with wave")
	}
}

// pipelineStage is a stage of CodePipeline.
type pipelineStage struct {
	name, path string
	of         []string
	actions    int
	// steps is how many builds run at the same time at least: one in each of
	// its stages that has any.
	steps int
}

// built are the services whose images the pipeline builds.
func (c *check) built() []spec.Service {
	return slices.DeleteFunc(slices.Clone(c.app.Services), func(s spec.Service) bool { return s.Image != "" })
}

// pipelineStages are the stages and actions that the pipeline has at least:
// buildspecs that are found in the source, and steps that a Go app adds, come
// on top.
func (c *check) pipelineStages() []pipelineStage {
	built := c.built()
	sources := 1
	if c.app.Pipeline.Declaration != nil {
		sources++
	}
	for _, service := range built {
		if service.Source != nil {
			sources++
		}
	}
	stages := []pipelineStage{{name: "Source", path: "source", actions: sources}, {name: "Build", path: "pipeline", actions: 1}, {name: "UpdatePipeline", path: "pipeline", actions: 1}}
	if len(built) > 0 {
		stages = append(stages, pipelineStage{name: "Images", path: "services", actions: len(built)})
	}
	for i := 0; i < len(c.app.Stages); {
		first := c.app.Stages[i]
		wave := pipelineStage{name: c.app.Name + "-" + first.Name, path: fmt.Sprintf("stages[%d]", i)}
		manual := 0
		for ; i < len(c.app.Stages) && (len(wave.of) == 0 || first.Wave != "" && c.app.Stages[i].Wave == first.Wave); i++ {
			stage := c.app.Stages[i]
			wave.of = append(wave.of, stage.Name)
			wave.actions += c.stageActions(stage)
			if c.stageActions(stage) > len(stacksOf(stage)) {
				wave.steps++
			}
			if stage.Approval == spec.Manual {
				manual++
			}
		}
		if len(wave.of) > 1 {
			wave.name = first.Wave
			if manual == len(wave.of) {
				manual = 1 // they wait together
			}
		}
		wave.actions += manual
		stages = append(stages, wave)
	}
	return stages
}

// stageActions are the actions that deploy a stage and follow its deployment.
func (c *check) stageActions(stage spec.Stage) int {
	actions := len(stacksOf(stage))
	if stage.Smoke != nil && *stage.Scale.Tasks.Max > 0 {
		actions++
	}
	if stage.Bake > 0 {
		actions++
	}
	built := c.built()
	for _, service := range built {
		if service.ReleaseSpec != "" {
			actions++
		}
	}
	if len(built) > 0 {
		actions++
	}
	return actions
}

// stacksOf are the stacks that a stage consists of.
func stacksOf(stage spec.Stage) []string {
	var stacks []string
	if stage.Network.VPC == nil {
		stacks = append(stacks, "network")
	}
	if stage.Database != nil && stage.Database.Existing == nil {
		stacks = append(stacks, "data")
	}
	return append(stacks, "service")
}

// template looks at the size of the largest of the stage's templates.
func (s staged) template() {
	if resources := serviceResources(s.app, s.Stage); resources > mostResources {
		s.add(finding.TemplateResources, ".endpoint", fmt.Sprintf("the template %s-%s-service would have about %d resources", s.app.Name, s.Name, resources),
			fmt.Sprintf("CloudFormation takes %d, and does not raise that", mostResources), "keep the responses of fewer paths, or split the application")
	}
}

// serviceResources is an estimate from above of the resources in a stage's
// service template; a test holds it against templates. With everything that
// can be declared, cluster and endpoint have about 50 and a service 12.
func serviceResources(app spec.App, stage spec.Stage) int {
	resources := 50 + 12*len(app.Services)
	for _, service := range app.Services {
		if service.Internal {
			resources += len(app.Services) // who may reach it
		}
	}
	if caching := stage.Endpoint.Caching; caching != nil {
		resources += cachedResources(*caching)
	}
	return resources + 3*len(stage.Endpoint.APIKeys) + 2*len(stage.Endpoint.RedirectFrom)
}

// cachedResources are the resources and methods that a REST API consists of in
// the template: each resource takes any method, and those whose responses are
// kept a GET beside.
func cachedResources(caching spec.Caching) int {
	resources, kept := cachedPaths(caching)
	return 2*resources + kept - 1 // the root is not in the template
}

// cachedPaths are the resources of a REST API, the root among them, and how
// many of them keep responses: one for every part of a declared path, and a
// catch-all beside parts that are no variable.
func cachedPaths(caching spec.Caching) (resources, kept int) {
	const root = ""
	parts, variable := map[string]bool{root: true}, map[string]bool{}
	for _, path := range caching.Paths {
		at := root
		for _, segment := range segments(path.Path) {
			if strings.HasPrefix(segment, "{") {
				variable[at] = true
			}
			at += "/" + segment
			parts[at] = true
		}
	}
	return 2*len(parts) - len(variable), len(caching.Paths)
}

// arm64 says whether images are built for arm64.
func (c *check) arm64() bool {
	arch, ok := instances.ArchOf(c.app.Stages[0].Scale.Instance)
	return ok && arch == instances.ARM64
}
