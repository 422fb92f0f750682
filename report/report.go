package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/cost"
	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/preflight"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

// Report is what there is to know of an application before it is deployed.
type Report struct {
	// App is the name of the application.
	App string `json:"app"`
	// Pipeline is what a commit passes; nil where stages are deployed by hand.
	Pipeline *Pipeline `json:"pipeline,omitempty"`
	Stages   []Stage   `json:"stages"`
	// Loads are the names of the loads that costs are told for, the lightest
	// first.
	Loads []string `json:"loads"`
	// Costs of everything, one for each load.
	Costs []Cost `json:"costs"`
	// Findings of the preflight, the worst first.
	Findings preflight.Findings `json:"findings"`
	// Changes from what it was compared with; nil where it was not.
	Changes *Changes `json:"changes,omitempty"`
}

// Cost is what a month costs at a load.
type Cost struct {
	Load string `json:"load"`
	// Requests a month that the load stands for.
	Requests int64 `json:"requests"`
	// Total of the lines, and how many of them have no known price.
	Total decimal.Decimal `json:"total"`
	// Unknown is how many lines have no known price.
	Unknown int `json:"unknown,omitempty"`
	// Lines of a part; the whole has none.
	Lines []cost.Line `json:"lines,omitempty"`
	// Advice is what would be cheaper, and at which price.
	Advice []cost.Advice `json:"advice,omitempty"`
}

// Pipeline is what a commit passes.
type Pipeline struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	// Steps in the order in which a commit passes them.
	Steps []Step `json:"steps"`
	// Costs of the pipeline, one for each load.
	Costs []Cost `json:"costs"`
	// Stacks that make it, in the order of their names; none where there are
	// no templates.
	Stacks []Stack `json:"stacks,omitempty"`

	picture Picture
}

// Step is a stage of the pipeline.
type Step struct {
	// Name that CodePipeline knows it by.
	Name string `json:"name"`
	// Stages of the declaration that it deploys, or is for.
	Stages []string `json:"stages,omitempty"`
	// Actions of it, as in "approval"; those that are for one of several
	// stages name it.
	Actions []Action `json:"actions"`
}

// Action is one of a step.
type Action struct {
	Kind  string `json:"kind"`
	Stage string `json:"stage,omitempty"`
	Count int    `json:"count"`
}

// Stage is one place the application runs in.
type Stage struct {
	Name string `json:"name"`
	// Account is empty where it is that of the credentials that deploy.
	Account    string `json:"account,omitempty"`
	Region     string `json:"region"`
	Production bool   `json:"production"`
	// CanaryOf is the stage it rehearses, Wave those it is deployed with.
	CanaryOf string `json:"canaryOf,omitempty"`
	Wave     string `json:"wave,omitempty"`
	// Gates are what a commit has to pass into the stage and beyond it.
	Gates []Gate `json:"gates"`
	// Endpoint is how it is reached; empty where it is not.
	Endpoint string    `json:"endpoint,omitempty"`
	Domain   string    `json:"domain,omitempty"`
	Services []Service `json:"services"`
	Database string    `json:"database,omitempty"`
	Capacity Capacity  `json:"capacity"`
	// Alarms that watch it.
	Alarms []Alarm `json:"alarms"`
	// Costs of it, one for each load.
	Costs []Cost `json:"costs"`
	// Findings that concern it.
	Findings preflight.Findings `json:"findings"`
	// Topology, Reach, Outputs and Stacks follow from templates; they are
	// empty where there are none.
	Topology *Picture `json:"topology,omitempty"`
	Reach    []Reach  `json:"reach,omitempty"`
	Outputs  []Output `json:"outputs,omitempty"`
	Stacks   []Stack  `json:"stacks,omitempty"`
}

// Gate is what stands between a commit and the next stage.
type Gate struct {
	// Kind is approval, window, smoke test or bake.
	Kind string `json:"kind"`
	// Text says what it takes to pass.
	Text string `json:"text"`
}

// Service is a container in a stage.
type Service struct {
	Name string `json:"name"`
	// Role is public, internal, worker or scheduled.
	Role string `json:"role"`
	// Image that runs; empty where it is built from the source.
	Image string `json:"image,omitempty"`
	// Port it listens on; 0 is none.
	Port int `json:"port,omitempty"`
	// Path, Subdomain and Schedule say when it is asked.
	Path      string `json:"path,omitempty"`
	Subdomain string `json:"subdomain,omitempty"`
	Schedule  string `json:"schedule,omitempty"`
	// MinTasks and MaxTasks are how many copies run.
	MinTasks int `json:"minTasks"`
	MaxTasks int `json:"maxTasks"`
	// CPU units and MiB that are reserved for a task, and the most MiB that it
	// may use; 0 is not known.
	CPU         int `json:"cpu"`
	ReservedMiB int `json:"reservedMiB"`
	MemoryMiB   int `json:"memoryMiB"`
}

// Alarm tells that something is wrong.
type Alarm struct {
	// Name in CloudWatch.
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Meaning  string `json:"meaning"`
	// Gate says that deployments stop at it.
	Gate bool `json:"gate"`
	// Runbook is the address of what to do.
	Runbook string `json:"runbook"`
}

// New gathers what there is to know of a declaration, complete or not. The
// assembly is what was synthesized of it; nil leaves out what only templates
// tell. Its error is what is wrong with the declaration, or that the assembly is
// not of it.
func New(app spec.App, assembly *snapshot.Assembly) (*Report, error) {
	app, err := app.Resolve()
	if err != nil {
		return nil, err
	}
	findings, err := preflight.Check(app)
	if err != nil {
		return nil, err
	}
	r := &Report{App: app.Name, Loads: cost.Profiles(), Findings: findings}
	if app.Pipeline != nil {
		r.Pipeline = &Pipeline{Account: app.Pipeline.Account, Region: app.Pipeline.Region, Steps: stepsOf(app)}
	}
	for i, stage := range app.Stages {
		r.Stages = append(r.Stages, stageOf(app, stage))
		r.Stages[i].Findings = slices.DeleteFunc(slices.Clone(findings), func(f preflight.Finding) bool { return !slices.Contains(f.Stages, stage.Name) })
	}
	if err := r.price(app); err != nil {
		return nil, err
	}
	if assembly != nil {
		if err := r.look(app, assembly); err != nil {
			return nil, err
		}
	}
	if r.Pipeline != nil {
		r.Pipeline.picture = r.pipelinePicture(app)
	}
	r.conceal(app.Conceal)
	return r, nil
}

// price fills in the costs.
func (r *Report) price(app spec.App) error {
	for _, load := range r.Loads {
		profile, err := cost.Profile(load)
		if err != nil {
			return err
		}
		report, err := cost.NewReport(app, cost.Loads{Default: profile})
		if err != nil {
			return err
		}
		total := report.Total
		r.Costs = append(r.Costs, Cost{Load: load, Requests: profile.Requests, Total: total.USD, Unknown: total.Unknown})
		for i, part := range report.Parts {
			total := part.Total()
			costs := Cost{Load: load, Requests: part.Load.Requests, Total: total.USD, Unknown: total.Unknown, Lines: part.Lines}
			if i < len(report.Summary) {
				costs.Advice = report.Summary[i].Advice
			}
			if part.Pipeline {
				r.Pipeline.Costs = append(r.Pipeline.Costs, costs)
				continue
			}
			j := slices.IndexFunc(r.Stages, func(s Stage) bool { return s.Name == part.Name })
			r.Stages[j].Costs = append(r.Stages[j].Costs, costs)
		}
	}
	return nil
}

// look fills in what templates tell.
func (r *Report) look(app spec.App, assembly *snapshot.Assembly) error {
	byName := map[string]*snapshot.Stack{}
	for _, stack := range assembly.Stacks {
		byName[stack.Name] = stack
	}
	taken := map[string]bool{}
	for i, stage := range app.Stages {
		var stacks []*snapshot.Stack
		var missing []string
		for _, kind := range app.StacksOf(stage) {
			name := app.StageStackName(stage.Name, kind)
			if taken[name] = true; byName[name] == nil {
				missing = append(missing, name)
				continue
			}
			stacks = append(stacks, byName[name])
		}
		if len(missing) > 0 {
			return fmt.Errorf("the templates are not those of the declaration: stage %s has no stack %s there; synthesize it anew", stage.Name, strings.Join(missing, ", "))
		}
		s := &r.Stages[i]
		picture := topologyOf(stage.Name, stacks, app.Conceal)
		s.Topology, s.Reach = &picture, reachOf(stacks)
		for _, stack := range stacks {
			s.Outputs = append(s.Outputs, outputsOf(stack, stage.Region)...)
			s.Stacks = append(s.Stacks, stackOf(stack))
		}
	}
	if r.Pipeline != nil {
		for _, name := range slices.Sorted(maps.Keys(byName)) {
			if !taken[name] {
				r.Pipeline.Stacks = append(r.Pipeline.Stacks, stackOf(byName[name]))
			}
		}
	}
	return nil
}

func stepsOf(app spec.App) []Step {
	var steps []Step
	for _, stage := range course.Of(app) {
		step := Step{Name: stage.Name, Stages: stage.Of}
		for _, action := range stage.Actions {
			same := func(a Action) bool { return a.Kind == string(action.Kind) && a.Stage == action.Stage }
			if i := slices.IndexFunc(step.Actions, same); i >= 0 {
				step.Actions[i].Count++
				continue
			}
			step.Actions = append(step.Actions, Action{Kind: string(action.Kind), Stage: action.Stage, Count: 1})
		}
		steps = append(steps, step)
	}
	return steps
}

func stageOf(app spec.App, stage spec.Stage) Stage {
	s := Stage{
		Name: stage.Name, Account: stage.Account, Region: stage.Region,
		Production: *stage.Production, CanaryOf: stage.CanaryOf, Wave: stage.Wave,
		Gates: gatesOf(app, stage), Services: servicesOf(app, stage), Capacity: capacityOf(app, stage),
		Endpoint: endpointOf(app, stage), Domain: stage.Endpoint.Domain,
	}
	if stage.NewDatabase() {
		s.Database = fmt.Sprintf("Postgres %s, %s, %d GB", stage.Database.Version, stage.Database.Instance, stage.Database.Storage)
		if stage.Database.MultiAZ != nil && *stage.Database.MultiAZ {
			s.Database += ", standby in a second zone"
		}
	} else if stage.Database != nil {
		s.Database = "an existing database"
	}
	alarms := monitor.Alarms(app, stage)
	wanted := monitor.Wanted(stage, alarms)
	if unwell, ok := monitor.Unwell(stage, wanted); ok {
		s.Alarms = append(s.Alarms, Alarm{Name: unwell.Name(app.Name, stage.Name), Severity: string(unwell.Severity), Meaning: unwell.Meaning, Runbook: monitor.Runbook(stage.Alarms.Runbooks, string(unwell.ID))})
	}
	for _, alarm := range wanted {
		s.Alarms = append(s.Alarms, Alarm{Name: alarm.Name(app.Name, stage.Name), Severity: string(alarm.Severity), Meaning: alarm.Meaning, Gate: alarm.Gate, Runbook: monitor.Runbook(stage.Alarms.Runbooks, string(alarm.ID))})
	}
	return s
}

func endpointOf(app spec.App, stage spec.Stage) string {
	switch {
	case !slices.ContainsFunc(app.Services, spec.Service.Public):
		return ""
	case stage.Endpoint.Type == spec.ALB:
		return "Application Load Balancer"
	case stage.Endpoint.Caching != nil:
		return "REST API with a cache"
	}
	return "HTTP API"
}

func gatesOf(app spec.App, stage spec.Stage) []Gate {
	gates := []Gate{}
	add := func(kind course.Kind, text string) { gates = append(gates, Gate{string(kind), text}) }
	if app.Pipeline == nil {
		return gates
	}
	if stage.Window != nil {
		w := stage.Window
		gates = append(gates, Gate{"window", fmt.Sprintf("opens %s, %d to %d h, %s", strings.Join(w.Days, " "), *w.From, w.Until, w.TimeZone)})
	}
	if course.Manual(stage) {
		text := "a person approves within " + app.Pipeline.ApprovalTimeout.String()
		if stage.Review {
			text += ", shown what would change"
		}
		add(course.Approve, text)
	}
	if stage.Smoke != nil && *stage.Scale.Tasks.Max > 0 {
		add(course.Smoke, fmt.Sprintf("%s answers %d within %s", stage.Smoke.Path, stage.Smoke.Status, stage.Smoke.Timeout))
	}
	if course.Bakes(stage) {
		add(course.Bake, fmt.Sprintf("%s without an alarm (%d watched)", stage.Bake, course.Gates(app, stage)))
	}
	return gates
}

func servicesOf(app spec.App, stage spec.Stage) []Service {
	shares, _ := spec.Shares(stage.Scale, app.Services) // without: what is not known stays 0
	var services []Service
	for _, service := range app.Services {
		tasks, share := service.TasksIn(stage.Scale), shares[service.Name]
		s := Service{
			Name: service.Name, Role: "public", Image: service.Image, Port: service.Port,
			Path: service.Path, Subdomain: service.Subdomain, Schedule: service.Schedule,
			MinTasks: *tasks.Min, MaxTasks: *tasks.Max,
			CPU: share.CPU, ReservedMiB: max(share.MemoryReservation, share.TaskMemory), MemoryMiB: share.Memory,
		}
		switch {
		case service.Schedule != "":
			s.Role, s.MinTasks, s.MaxTasks = "scheduled", 0, 1
		case service.Worker:
			s.Role = "worker"
		case service.Internal:
			s.Role = "internal"
		}
		services = append(services, s)
	}
	return services
}
