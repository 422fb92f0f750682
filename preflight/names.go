package preflight

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// Place is an account and a region. An empty account is that of the
// credentials that deploy.
type Place struct{ Account, Region string }

func (p Place) String() string {
	if p.Account == "" {
		return "the account that deploys, " + p.Region
	}
	return "account " + p.Account + ", " + p.Region
}

// Name is a physical name that a stack gives to a resource: AWS rejects a
// second one in the same place.
type Name struct {
	// Type of the resource, as CloudFormation names it.
	Type string
	// Name itself.
	Name string
	// Place where it is unique; without a region, in the whole account.
	Place Place
	// Stack that makes it, where that is, and the stage it belongs to; empty
	// for the pipeline's own.
	Stack      string
	StackPlace Place
	Stage      string
	// Path in the declaration that the name comes from.
	Path string
}

// nameLimits is how long AWS lets a name of each type be. Names of tinystack
// are made of those of application, stage and service, of which each has up to
// 20 characters; a test holds the longest against this.
var nameLimits = map[string]int{
	"AWS::CloudFormation::Stack":      128,
	"AWS::IAM::Role":                  64,
	"AWS::RDS::DBInstance":            63,
	"AWS::SecretsManager::Secret":     512,
	"AWS::Logs::LogGroup":             512,
	"AWS::ECR::Repository":            256,
	"AWS::CodePipeline::Pipeline":     100,
	"AWS::CloudWatch::Alarm":          255,
	"AWS::CloudWatch::CompositeAlarm": 255,
	"AWS::CloudWatch::Dashboard":      255,
}

// Names are the physical names that a declaration makes. Everything else is
// named by CloudFormation.
func Names(app spec.App) []Name {
	var names []Name
	for i, stage := range app.Stages {
		names = append(names, stageNames(app, stage, fmt.Sprintf("stages[%d]", i))...)
	}
	if app.Pipeline == nil {
		return names
	}
	home := Place{app.Pipeline.Account, app.Pipeline.Region}
	of := func(stack string, place Place, kind, name, path string, within Place) {
		names = append(names, Name{Type: kind, Name: name, Place: within, Stack: stack, StackPlace: place, Path: path})
	}
	called := naming.App(app.Name)
	stack := called.PipelineStack()
	of(stack, home, "AWS::CloudFormation::Stack", stack, "pipeline", home)
	of(stack, home, "AWS::CodePipeline::Pipeline", app.Name, "pipeline", home)
	of(stack, home, "AWS::Logs::LogGroup", called.BuildLogs(), "pipeline", home)
	of(stack, home, "AWS::Logs::LogGroup", called.DeploymentLogs(), "pipeline", home)
	for i, stage := range app.Stages {
		if watchedByBuild(app, stage) {
			of(stack, home, "AWS::IAM::Role", called.Stage(stage.Name).BakeRole(), fmt.Sprintf("stages[%d].bake", i), Place{home.Account, ""})
		}
		if stage.Sleeps {
			of(stack, home, "AWS::IAM::Role", called.Stage(stage.Name).WakerRole(), fmt.Sprintf("stages[%d].sleeps", i), Place{home.Account, ""})
		}
	}
	if *app.Pipeline.Dashboard {
		of(stack, home, "AWS::CloudWatch::Dashboard", app.Name, "pipeline.dashboard", Place{home.Account, ""})
	}
	for _, region := range app.RegistryRegions() {
		place := Place{home.Account, region}
		registry := called.RegistryStack(region)
		of(registry, place, "AWS::CloudFormation::Stack", registry, "pipeline", place)
		for i, service := range app.Services {
			if service.Builds() {
				of(registry, place, "AWS::ECR::Repository", called.Repository(service.Name), fmt.Sprintf("services[%d].name", i), place)
			}
		}
	}
	return names
}

// watchedByBuild says whether a build of the pipeline watches the stage while it
// bakes, by roles that have names.
func watchedByBuild(app spec.App, stage spec.Stage) bool {
	return app.WatchedByBuild(stage, course.Gates(app, stage))
}

func stageNames(app spec.App, stage spec.Stage, path string) []Name {
	called := naming.App(app.Name).Stage(stage.Name)
	place := Place{stage.Account, stage.Region}
	var names []Name
	add := func(stack, kind, name, from string, within Place) {
		names = append(names, Name{Type: kind, Name: name, Place: within, Stack: called.Stack(stack), StackPlace: place, Stage: stage.Name, Path: path + from})
	}
	remote := map[string]string{}
	for _, region := range stage.ReplicaRegions() {
		remote[spec.ReplicaStack(region)] = region
	}
	for _, stack := range app.StacksOf(stage) {
		region, ok := remote[stack]
		if !ok {
			add(stack, "AWS::CloudFormation::Stack", called.Stack(stack), ".name", place)
			continue
		}
		there := Place{stage.Account, region}
		add(stack, "AWS::CloudFormation::Stack", called.Stack(stack), ".database.readReplicas", there)
		add(stack, "AWS::RDS::DBInstance", called.RemoteReplica(), ".database.readReplicas", there)
		alarms := monitor.RemoteAlarms(stage, region)
		for _, alarm := range alarms {
			add(stack, "AWS::CloudWatch::Alarm", alarm.Name(app.Name, stage.Name), ".alarms", there)
		}
		first := len(names) - 2 - len(alarms)
		for i := range names[first:] {
			names[first+i].StackPlace = there
		}
	}
	if stage.NewDatabase() {
		instances := []string{called.String()}
		for i := range stage.Database.Replicas() {
			instances = append(instances, naming.Replica(called.String(), i+1))
		}
		for _, instance := range instances {
			add("data", "AWS::RDS::DBInstance", instance, ".database", place)
			for _, log := range stage.Database.LogExports {
				add("data", "AWS::Logs::LogGroup", naming.DatabaseLogs(instance, log), ".database", place)
			}
		}
		secret := called.DatabaseSecret()
		add("data", "AWS::SecretsManager::Secret", secret, ".database", place)
		if stage.Database.Alternates() {
			add("data", "AWS::SecretsManager::Secret", naming.UserSecret(secret, stage.Database.Rotation.User), ".database.rotation", place)
		}
	}
	for _, service := range app.Services {
		add("service", "AWS::IAM::Role", called.TaskRole(service.Name), ".name", Place{stage.Account, ""})
	}
	if watchedByBuild(app, stage) {
		add("service", "AWS::IAM::Role", called.GateRole(), ".bake", Place{stage.Account, ""})
	}
	if stage.Sleeps {
		add("service", "AWS::IAM::Role", called.SleepRole(), ".sleeps", Place{stage.Account, ""})
	}
	alarms := monitor.Alarms(app, stage)
	for _, alarm := range alarms {
		if alarm.ID == spec.AlarmTaskFailed {
			continue // of the scheduled task itself, which names nothing
		}
		add("service", "AWS::CloudWatch::Alarm", alarm.Name(app.Name, stage.Name), ".alarms", place)
	}
	if joined, ok := monitor.Unwell(stage, alarms); ok {
		add("service", "AWS::CloudWatch::CompositeAlarm", joined.Name(app.Name, stage.Name), ".alarms", place)
	}
	if *stage.Dashboard {
		add("service", "AWS::CloudWatch::Dashboard", monitor.DashboardName(app.Name, stage.Name), ".dashboard", Place{stage.Account, ""})
	}
	if !slices.ContainsFunc(app.Services, spec.Service.Public) {
		return names
	}
	if stage.Endpoint.Type == spec.APIGateway {
		add("service", "AWS::Logs::LogGroup", naming.AccessLogs(called.String()), ".endpoint", place)
	}
	return names
}

// names looks for two resources of one name, which AWS makes one of.
func (c *check) names() {
	type key struct {
		kind, name string
		place      Place
	}
	first := map[key]Name{}
	reported := map[string]bool{}
	for _, name := range Names(c.app) {
		k := key{name.Type, name.Name, name.Place}
		before, again := first[k]
		if !again {
			first[k] = name
			continue
		}
		// One pair of stages has one finding, however many names collide.
		pair := before.Path + "\n" + name.Path + "\n" + name.Type
		if reported[pair] {
			continue
		}
		reported[pair] = true
		var stages []string
		for _, stage := range []string{before.Stage, name.Stage} {
			if stage != "" && !slices.Contains(stages, stage) {
				stages = append(stages, stage)
			}
		}
		c.add(finding.NameClash, stages, name.Path, fmt.Sprintf("two resources would have the name %s (%s): that of %s, too", quote(name.Name), name.Type, before.Path),
			"AWS keeps such a name once in a place, so the second stack fails", "rename one of the stages or services")
	}
}

func segments(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
