package spec

import (
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/naming"
)

// The stacks of a stage, as the ends of their names.
const (
	// NetworkStack is the stack of a stage's VPC.
	NetworkStack = "network"
	// DataStack is the stack of a stage's database.
	DataStack = "data"
	// ServiceStack is the stack of a stage's cluster, services and endpoint.
	ServiceStack = "service"
	// replicaStack begins the stack of a replica in another region.
	replicaStack = "replica-"
)

// The tags of everything that is made.
const (
	// AppTag names the application.
	AppTag = "tinystack:app"
	// StageTag names the stage; what stages share does not have it.
	StageTag = "tinystack:stage"
)

// StageStacks are the stacks that a stage can have, in the order in which they
// are deployed; they are deleted in the opposite one.
func StageStacks() []string { return []string{NetworkStack, DataStack, ServiceStack} }

// ReplicaStack is the stack of a database's replica in another region, which is
// the region that the stack is in.
func ReplicaStack(region string) string { return replicaStack + region }

// StacksOf are the stacks that a stage has, in the order in which they are
// deployed.
func (a App) StacksOf(s Stage) []string {
	var stacks []string
	if s.Network.VPC == nil {
		stacks = append(stacks, NetworkStack)
	}
	if s.NewDatabase() {
		stacks = append(stacks, DataStack)
	}
	for _, region := range s.ReplicaRegions() {
		stacks = append(stacks, ReplicaStack(region))
	}
	return append(stacks, ServiceStack)
}

// StageStackName is the name of a stack of a stage.
func (a App) StageStackName(stage, stack string) string {
	return naming.App(a.Name).Stage(stage).Stack(stack)
}

// StageStackOwner is what the description of every stack of a stage begins
// with. It tells a stage's stacks from those of a stage or application whose
// name begins alike.
func (a App) StageStackOwner(stage string) string { return a.Name + stageOwner + stage + ": " }

const stageOwner = ", stage "

// StageOf is the stage that a stack is of by its description; empty for any
// other stack.
func (a App) StageOf(description string) string {
	rest, found := strings.CutPrefix(description, a.Name+stageOwner)
	stage, _, ended := strings.Cut(rest, ": ")
	if !found || !ended {
		return ""
	}
	return stage
}

// PipelineStackName is the name of the stack of the application's pipeline.
func (a App) PipelineStackName() string { return naming.App(a.Name).PipelineStack() }

// RegistryStackName is the name of the stack of a region's image repositories.
func (a App) RegistryStackName(region string) string { return naming.App(a.Name).RegistryStack(region) }

// SupportStackName is the name that the CDK gives the stack of the bucket
// through which a pipeline deploys to another region.
func (a App) SupportStackName(region string) string {
	return naming.App(a.Name).SupportStack(region)
}

// StackOwner is what the description of the pipeline's stack, and of those of
// the registries, begins with.
func (a App) StackOwner() string { return a.Name + ": " }

// RegistryRegions are the regions that images go to: the pipeline's own first,
// then those of the stages. There are none where no image is built.
func (a App) RegistryRegions() []string {
	if a.Pipeline == nil || !slices.ContainsFunc(a.Services, Service.Builds) {
		return nil
	}
	regions := []string{a.Pipeline.Region}
	for _, stage := range a.Stages {
		if !slices.Contains(regions, stage.Region) {
			regions = append(regions, stage.Region)
		}
	}
	return regions
}

// PipelineRegions are the regions in which a complete application can have
// stacks beside those of its stages: the pipeline's, and those of every stage.
func (a App) PipelineRegions() []string {
	if a.Pipeline == nil {
		return nil
	}
	regions := []string{a.Pipeline.Region}
	for _, stage := range a.Stages {
		for _, region := range append([]string{stage.Region}, stage.ReplicaRegions()...) {
			if !slices.Contains(regions, region) {
				regions = append(regions, region)
			}
		}
	}
	return regions
}
