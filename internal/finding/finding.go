// Package finding lists what a preflight can find. The declaration refers to
// findings by these ids, and the preflight reports them: both know the list
// from here.
package finding

// Severity says what becomes of a finding.
type Severity string

// The severities, the worst first.
const (
	// Error is what AWS rejects; it ends a synthesis.
	Error Severity = "error"
	// Warning is what starves, surprises or costs more than it need.
	Warning Severity = "warning"
	// Notice is worth knowing once; a synthesis does not print it.
	Notice Severity = "notice"
)

// Kind is something that can be found.
type Kind struct {
	// ID is the stable name of the finding.
	ID string
	// Severity where nothing else is known.
	Severity Severity
	// Live is whether only a look into the AWS account finds it.
	Live bool
}

// What can be found, by what it is about.
var (
	LittleMemory         = Kind{ID: "little-memory", Severity: Warning}
	MemoryPromisedTwice  = Kind{ID: "memory-promised-twice", Severity: Notice}
	TasksBeyondInstances = Kind{ID: "tasks-beyond-instances", Severity: Warning}
	FewInterfaces        = Kind{ID: "few-network-interfaces", Severity: Warning}
	PreviousGeneration   = Kind{ID: "previous-generation", Severity: Warning}
	NotOffered           = Kind{ID: "not-offered", Severity: Warning}
	GPUUnused            = Kind{ID: "gpu-unused", Severity: Warning}
	BurstableSustained   = Kind{ID: "burstable-sustained", Severity: Warning}
	OneInstance          = Kind{ID: "one-instance", Severity: Warning}
	OneTask              = Kind{ID: "one-task", Severity: Notice}
	SpotProduction       = Kind{ID: "spot-production", Severity: Warning}
	SpotStopTimeout      = Kind{ID: "spot-stop-timeout", Severity: Warning}
	ARM64Image           = Kind{ID: "arm64-image", Severity: Notice}
	CanarySmaller        = Kind{ID: "canary-smaller", Severity: Warning}
	AsleepDatabase       = Kind{ID: "asleep-database", Severity: Warning}
	AsleepVPCLink        = Kind{ID: "asleep-vpc-link", Severity: Notice}

	NoMultiAZ       = Kind{ID: "no-multi-az", Severity: Warning}
	ShortBackups    = Kind{ID: "short-backups", Severity: Warning}
	DataDeleted     = Kind{ID: "data-deleted", Severity: Warning}
	PostgresSupport = Kind{ID: "postgres-support", Severity: Warning}
	PostgresRetired = Kind{ID: "postgres-retired", Severity: Warning}
	SharedDatabase  = Kind{ID: "shared-database", Severity: Notice}
	RotationGap     = Kind{ID: "rotation-gap", Severity: Notice}
	MigrationBeside = Kind{ID: "migration-beside-tasks", Severity: Notice}

	SingleNAT       = Kind{ID: "single-nat", Severity: Warning}
	PublicAddresses = Kind{ID: "public-addresses", Severity: Warning}
	SharedVPC       = Kind{ID: "shared-vpc", Severity: Notice}
	CIDROverlap     = Kind{ID: "cidr-overlap", Severity: Notice}
	VPCLinkRegion   = Kind{ID: "vpc-link-region", Severity: Warning}
	OptInRegion     = Kind{ID: "opt-in-region", Severity: Notice}

	RoutedAsleep      = Kind{ID: "routed-asleep", Severity: Warning}
	HTTPOnly          = Kind{ID: "http-only", Severity: Warning}
	HealthCheckClient = Kind{ID: "health-check-client", Severity: Warning}
	HealthCheckImage  = Kind{ID: "health-check-image", Severity: Notice}
	NoHealthCheck     = Kind{ID: "no-health-check", Severity: Notice}

	DockerHub        = Kind{ID: "docker-hub", Severity: Warning}
	SecretInVariable = Kind{ID: "secret-in-variable", Severity: Warning}
	SecretAsName     = Kind{ID: "secret-as-name", Severity: Warning}

	PipelineRegion    = Kind{ID: "pipeline-region", Severity: Warning}
	UnprotectedGates  = Kind{ID: "unprotected-gates", Severity: Notice}
	NobodyAlarmed     = Kind{ID: "nobody-alarmed", Severity: Warning}
	NobodyNotified    = Kind{ID: "nobody-notified", Severity: Notice}
	PipelineActions   = Kind{ID: "pipeline-actions", Severity: Error}
	TemplateResources = Kind{ID: "template-resources", Severity: Warning}
	NameClash         = Kind{ID: "name-clash", Severity: Error}

	QuotaVPCs              = Kind{ID: "quota-vpcs", Severity: Warning}
	QuotaElasticIPs        = Kind{ID: "quota-elastic-ips", Severity: Warning}
	QuotaVCPUs             = Kind{ID: "quota-vcpus", Severity: Notice}
	QuotaSpotVCPUs         = Kind{ID: "quota-spot-vcpus", Severity: Notice}
	QuotaAutoScalingGroups = Kind{ID: "quota-auto-scaling-groups", Severity: Warning}
	QuotaVPCLinks          = Kind{ID: "quota-vpc-links", Severity: Warning}
	QuotaDomainNames       = Kind{ID: "quota-domain-names", Severity: Warning}
	QuotaLoadBalancers     = Kind{ID: "quota-load-balancers", Severity: Warning}
	QuotaDatabases         = Kind{ID: "quota-databases", Severity: Warning}
	QuotaBuilds            = Kind{ID: "quota-builds", Severity: Notice}
	QuotaNamespaces        = Kind{ID: "quota-namespaces", Severity: Warning}
	QuotaAPIResources      = Kind{ID: "quota-api-resources", Severity: Warning}
	QuotaRequests          = Kind{ID: "quota-requests", Severity: Notice}

	UnusedAcknowledgement = Kind{ID: "unused-acknowledgement", Severity: Warning}

	NameTaken          = Kind{ID: "name-taken", Severity: Error, Live: true}
	SecretBeingDeleted = Kind{ID: "secret-being-deleted", Severity: Error, Live: true}
	StackStuck         = Kind{ID: "stack-stuck", Severity: Error, Live: true}
	NotBootstrapped    = Kind{ID: "not-bootstrapped", Severity: Warning, Live: true}
	NotChecked         = Kind{ID: "not-checked", Severity: Notice, Live: true}
)

// Kinds are all of them, in the order of the documentation.
func Kinds() []Kind {
	return []Kind{
		LittleMemory, MemoryPromisedTwice, TasksBeyondInstances, FewInterfaces, NotOffered, GPUUnused, PreviousGeneration, BurstableSustained, OneInstance,
		OneTask, SpotProduction, SpotStopTimeout, ARM64Image, CanarySmaller, AsleepDatabase, AsleepVPCLink,
		NoMultiAZ, ShortBackups, DataDeleted, PostgresSupport, PostgresRetired, SharedDatabase, RotationGap, MigrationBeside,
		SingleNAT, PublicAddresses, SharedVPC, CIDROverlap, VPCLinkRegion, OptInRegion,
		RoutedAsleep, HTTPOnly, HealthCheckClient, HealthCheckImage, NoHealthCheck,
		DockerHub, SecretInVariable, SecretAsName,
		NobodyNotified, NobodyAlarmed, PipelineRegion, UnprotectedGates, PipelineActions, TemplateResources, NameClash,
		QuotaVPCs, QuotaElasticIPs, QuotaVCPUs, QuotaSpotVCPUs, QuotaAutoScalingGroups, QuotaVPCLinks, QuotaDomainNames, QuotaLoadBalancers, QuotaDatabases,
		QuotaNamespaces, QuotaBuilds, QuotaAPIResources, QuotaRequests,
		UnusedAcknowledgement,
		NameTaken, SecretBeingDeleted, StackStuck, NotBootstrapped, NotChecked,
	}
}

// Find is the kind of that id.
func Find(id string) (Kind, bool) {
	for _, kind := range Kinds() {
		if kind.ID == id {
			return kind, true
		}
	}
	return Kind{}, false
}
