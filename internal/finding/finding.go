// Package finding lists what a preflight can find. The declaration refers to
// findings by these ids, and the preflight reports them: both know the list
// from here.
package finding

import "slices"

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

// kinds are all that were made by kind and live, in that order.
var kinds []Kind

// kind is what a look at the declaration finds.
func kind(id string, severity Severity) Kind {
	kinds = append(kinds, Kind{ID: id, Severity: severity})
	return kinds[len(kinds)-1]
}

// live is what only a look into the AWS account finds.
func live(id string, severity Severity) Kind {
	kinds = append(kinds, Kind{ID: id, Severity: severity, Live: true})
	return kinds[len(kinds)-1]
}

// What can be found, by what it is about, in the order of docs/preflight.md.
// Each has a section there, with an example that the tests look at.
var (
	LittleMemory         = kind("little-memory", Warning)
	MemoryPromisedTwice  = kind("memory-promised-twice", Notice)
	TasksBeyondInstances = kind("tasks-beyond-instances", Warning)
	FewInterfaces        = kind("few-network-interfaces", Warning)
	NotOffered           = kind("not-offered", Warning)
	ImageUnsupported     = kind("image-unsupported", Error)
	GPUUnused            = kind("gpu-unused", Warning)
	PreviousGeneration   = kind("previous-generation", Warning)
	BurstableSustained   = kind("burstable-sustained", Warning)
	OneInstance          = kind("one-instance", Warning)
	ReplacementPause     = kind("replacement-pause", Notice)
	OneTask              = kind("one-task", Notice)
	SpotProduction       = kind("spot-production", Warning)
	SpotStopTimeout      = kind("spot-stop-timeout", Warning)
	ARM64Image           = kind("arm64-image", Notice)
	CanarySmaller        = kind("canary-smaller", Warning)
	AsleepDatabase       = kind("asleep-database", Warning)
	AsleepVPCLink        = kind("asleep-vpc-link", Notice)

	NoMultiAZ       = kind("no-multi-az", Warning)
	ShortBackups    = kind("short-backups", Warning)
	DataDeleted     = kind("data-deleted", Warning)
	PostgresSupport = kind("postgres-support", Warning)
	PostgresRetired = kind("postgres-retired", Warning)
	SharedDatabase  = kind("shared-database", Notice)
	RotationGap     = kind("rotation-gap", Notice)
	MigrationBeside = kind("migration-beside-tasks", Notice)

	UnreachableService = kind("unreachable-service", Warning)
	SingleNAT          = kind("single-nat", Warning)
	PublicAddresses    = kind("public-addresses", Warning)
	SharedVPC          = kind("shared-vpc", Notice)
	CIDROverlap        = kind("cidr-overlap", Notice)
	VPCLinkRegion      = kind("vpc-link-region", Warning)
	OptInRegion        = kind("opt-in-region", Notice)

	RoutedAsleep       = kind("routed-asleep", Warning)
	HTTPOnly           = kind("http-only", Warning)
	ForwardedHeaders   = kind("forwarded-headers", Notice)
	EndpointCapability = kind("endpoint-capability", Warning)
	HealthCheckClient  = kind("health-check-client", Warning)
	HealthCheckImage   = kind("health-check-image", Warning)
	NoHealthCheck      = kind("no-health-check", Notice)

	DockerHub        = kind("docker-hub", Warning)
	SecretInVariable = kind("secret-in-variable", Warning)
	SecretAsName     = kind("secret-as-name", Warning)

	NobodyNotified    = kind("nobody-notified", Notice)
	NobodyAlarmed     = kind("nobody-alarmed", Warning)
	PipelineRegion    = kind("pipeline-region", Warning)
	UnprotectedGates  = kind("unprotected-gates", Notice)
	PipelineActions   = kind("pipeline-actions", Error)
	TemplateResources = kind("template-resources", Warning)
	NameClash         = kind("name-clash", Error)

	QuotaVPCs              = kind("quota-vpcs", Warning)
	QuotaElasticIPs        = kind("quota-elastic-ips", Warning)
	QuotaVCPUs             = kind("quota-vcpus", Notice)
	QuotaSpotVCPUs         = kind("quota-spot-vcpus", Notice)
	QuotaFamilyVCPUs       = kind("quota-family-vcpus", Warning)
	QuotaAutoScalingGroups = kind("quota-auto-scaling-groups", Warning)
	QuotaVPCLinks          = kind("quota-vpc-links", Warning)
	QuotaDomainNames       = kind("quota-domain-names", Warning)
	QuotaLoadBalancers     = kind("quota-load-balancers", Warning)
	QuotaDatabases         = kind("quota-databases", Warning)
	QuotaNamespaces        = kind("quota-namespaces", Warning)
	QuotaBuilds            = kind("quota-builds", Notice)
	QuotaAPIResources      = kind("quota-api-resources", Warning)
	QuotaRequests          = kind("quota-requests", Notice)

	UnusedAcknowledgement = kind("unused-acknowledgement", Warning)

	NameTaken          = live("name-taken", Error)
	SecretBeingDeleted = live("secret-being-deleted", Error)
	StackStuck         = live("stack-stuck", Error)
	NotBootstrapped    = live("not-bootstrapped", Warning)
	NotChecked         = live("not-checked", Notice)
)

// Kinds are all of them.
func Kinds() []Kind { return slices.Clone(kinds) }

// Find is the kind of that id.
func Find(id string) (Kind, bool) {
	for _, kind := range kinds {
		if kind.ID == id {
			return kind, true
		}
	}
	return Kind{}, false
}
