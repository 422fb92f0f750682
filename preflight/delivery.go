package preflight

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/monitor"
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
		c.add(finding.NobodyNotified, waiting, "pipeline", "nobody is told that a commit waits for approval into "+phrase.List(waiting, "and"),
			"it waits until somebody looks, and ends after "+c.app.Pipeline.ApprovalTimeout.String(), "list e-mail addresses under pipeline.notify")
	}
	c.pipelineOffers()
	c.gates()
	total := 0
	stages := course.Of(c.app)
	for _, stage := range stages {
		total += len(stage.Actions)
		if len(stage.Actions) > MostStageActions {
			c.add(finding.PipelineActions, stage.Of, stage.Path, fmt.Sprintf("stage %s of the pipeline would have %d actions", quote(stage.Name), len(stage.Actions)),
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

// gates looks at what keeps a commit from production.
func (c *check) gates() {
	if c.app.Pipeline.ProtectGates {
		return
	}
	var gated []string
	for _, stage := range c.app.Stages {
		before := slices.ContainsFunc(c.app.Stages, func(s spec.Stage) bool { return s.CanaryOf == stage.Name && s.Bake > 0 })
		if *stage.Production && stage.CanaryOf == "" && (stage.Approval == spec.Manual || stage.Window != nil || before) {
			gated = append(gated, stage.Name)
		}
	}
	if len(gated) > 0 {
		c.add(finding.UnprotectedGates, gated, "pipeline", "a commit can take away what keeps commits from "+phrase.List(gated, "and"),
			"the pipeline updates itself before the gates: whoever may push can drop an approval, a window or a bake with the very commit that it would have held",
			"set pipeline.protectGates: true, and somebody has to approve that, too")
	}
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
// can be declared of them, cluster and endpoint have about 50, beside their
// alarms, and a service 13.
func serviceResources(app spec.App, stage spec.Stage) int {
	alarms := monitor.Alarms(app, stage)
	resources := 50 + 13*len(app.Services) + len(alarms)
	if stage.Alarms.OwnTopic() {
		// The topic, its policy and key, the channel and its role.
		resources += 6 + len(stage.Alarms.Notify) + len(stage.Alarms.Webhooks)
	}
	subdomains := map[string]bool{}
	for _, service := range app.Services {
		if service.Internal {
			resources += len(app.Services) // who may reach it
		}
		if stage.Migrates(service) {
			resources += 6 // a function with its role and log, and what calls it
		}
		if service.Public() && service.Subdomain != "" {
			subdomains[service.Subdomain] = true
		}
	}
	resources += 9 * len(subdomains) // an API and a host name each
	if stage.NewDatabase() && stage.Database.Rotation != nil {
		resources += 8 // a function that starts tasks anew
	}
	if zone := stage.Endpoint.HostedZone; zone != nil && zone.Delegation != nil {
		resources += 6 // a zone, and a function that delegates it
	}
	if stage.Endpoint.Routing != nil {
		resources += 6 // a host name of the region's own, and health checks
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
