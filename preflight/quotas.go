package preflight

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/spec"
)

// Quota is what AWS lets an account have in a region until more is asked for.
type Quota struct {
	// Kind of finding where it is exceeded.
	Kind finding.Kind
	// Service and Code name the quota in Service Quotas.
	Service, Code string
	// Default is what an account has that never asked for more.
	Default int
	// Of is what it counts, in the plural.
	Of string
	// Type of the resources that count, as CloudFormation names them; empty
	// where they cannot be counted one by one.
	Type string
	// Source of the default.
	Source string
	// Need is what a stage takes of it at its largest.
	Need func(app spec.App, stage spec.Stage) int
	// Stack is the stack of a stage that has what is counted.
	Stack string
	// Replica is what a replica of a stage's database takes of it in another
	// region.
	Replica int
}

// in is what a stage takes of it in a place, and by which of its stacks.
func (q Quota) in(place Place, app spec.App, stage spec.Stage) (need int, stack string) {
	switch {
	case place.Account != stage.Account:
		return 0, ""
	case place.Region == stage.Region:
		return q.Need(app, stage), q.Stack
	case slices.Contains(stage.ReplicaRegions(), place.Region):
		return q.Replica, spec.ReplicaStack(place.Region)
	}
	return 0, ""
}

// Quotas are those that an application of this kind can meet, as read in
// 2026-11. New accounts begin below some of them.
func Quotas() []Quota {
	return slices.Concat([]Quota{
		{finding.QuotaVPCs, "vpc", "L-F678F1CE", 5, "VPCs", "AWS::EC2::VPC",
			"Amazon VPC user guide, Amazon VPC quotas", needVPC, "network", 1},
		{finding.QuotaElasticIPs, "ec2", "L-0263D0A3", 5, "Elastic IP addresses", "AWS::EC2::EIP",
			"Amazon VPC user guide, Amazon VPC quotas", needElasticIPs, "network", 0},
	}, vcpus(), []Quota{
		{finding.QuotaAutoScalingGroups, "autoscaling", "L-CDE20ADC", 500, "Auto Scaling groups", "AWS::AutoScaling::AutoScalingGroup",
			"Amazon EC2 Auto Scaling user guide, Quotas", needOne, "service", 0},
		{finding.QuotaVPCLinks, "apigateway", "L-608BDCD4", 10, "VPC links (V2)", "AWS::ApiGatewayV2::VpcLink",
			"Amazon API Gateway developer guide, Quotas for HTTP APIs", needVPCLink, "service", 0},
		{finding.QuotaDomainNames, "apigateway", "L-A93447B8", 120, "custom domain names of API Gateway", "AWS::ApiGatewayV2::DomainName",
			"Amazon API Gateway developer guide, Quotas for HTTP APIs", needDomainNames, "service", 0},
		{finding.QuotaLoadBalancers, "elasticloadbalancing", "L-53DA6B97", 50, "Application Load Balancers", "AWS::ElasticLoadBalancingV2::LoadBalancer",
			"Elastic Load Balancing user guide, Quotas for your Application Load Balancers", needLoadBalancer, "service", 0},
		{finding.QuotaDatabases, "rds", "L-7B6409FD", 40, "database instances", "AWS::RDS::DBInstance",
			"Amazon RDS user guide, Quotas and constraints", needDatabase, "data", 1},
		{finding.QuotaNamespaces, "AWSCloudMap", "L-0FE3F50E", 50, "Cloud Map namespaces", "",
			"AWS Cloud Map developer guide, Quotas", needNamespace, "service", 0},
	})
}

// A family of instance types with vCPU quotas of its own, by the series in the names
// of its types.
type family struct {
	name           string
	series         []string
	onDemand, spot string
	begins         int
}

// families by the quotas of EC2. A new account has none of those beyond the standard
// ones. P5 and later have a spot quota of their own, which is not looked at.
var families = []family{
	{"standard", []string{"a", "c", "cc", "cr", "d", "h", "hs", "i", "im", "is", "m", "r", "t", "z"}, "L-1216C47A", "L-34B43A08", 5},
	{"G and VT", []string{"g", "gr", "vt"}, "L-DB2E81BA", "L-3819A6DF", 0},
	{"P", []string{"p"}, "L-417A185B", "L-7212CCBC", 0},
	{"X", []string{"x"}, "L-7295265B", "L-E3A00192", 0},
	{"F", []string{"f"}, "L-74FC7D96", "L-88CF9481", 0},
	{"Inf", []string{"inf"}, "L-1945791B", "L-B5D1601B", 0},
	{"Trn", []string{"trn"}, "L-2C3B7624", "L-5480EFD2", 0},
	{"DL", []string{"dl"}, "L-6E869C2A", "L-85EED4F7", 0},
}

// vcpus are the quotas of all families, on demand and as spot instances.
func vcpus() []Quota {
	var quotas []Quota
	for _, f := range families {
		onDemand, spot := finding.QuotaFamilyVCPUs, finding.QuotaFamilyVCPUs
		if f.begins > 0 {
			onDemand, spot = finding.QuotaVCPUs, finding.QuotaSpotVCPUs
		}
		quotas = append(quotas,
			Quota{onDemand, "ec2", f.onDemand, f.begins, "vCPUs of on-demand " + f.name + " instances", "",
				"Amazon EC2 user guide, On-Demand Instance quotas", f.need(false), "service", 0},
			Quota{spot, "ec2", f.spot, f.begins, "vCPUs of " + f.name + " spot instances", "",
				"Amazon EC2 user guide, Spot Instance quotas", f.need(true), "service", 0})
	}
	return quotas
}

// need is what the stage's instances take of the family's quota at their most, and
// its NAT instance, which is an on-demand t4g.nano.
func (f family) need(spot bool) func(spec.App, spec.Stage) int {
	return func(_ spec.App, stage spec.Stage) int {
		nat := when(!spot && stage.Network.Egress == spec.NATInstance && slices.Contains(f.series, "t"), natVCPUs)
		instance, known := instances.Lookup(stage.Scale.Instance)
		series, _ := instances.Generation(instance.Name)
		if !known || *stage.Scale.Spot != spot || !slices.Contains(f.series, series) {
			return nat
		}
		return nat + *stage.Scale.Instances.Max*instance.VCPU
	}
}

// Quotas that are not a sum over stages: of the pipeline's region, of one API,
// and of all APIs together.
var (
	builds = Quota{Kind: finding.QuotaBuilds, Service: "codebuild", Code: "L-9D07B6EF", Default: 1, Of: "builds at once (Linux/Small)",
		Source: "AWS CodeBuild user guide, Quotas for AWS CodeBuild"}
	buildsARM = Quota{Kind: finding.QuotaBuilds, Service: "codebuild", Code: "L-5ED1D25B", Default: 1, Of: "builds at once (ARM/Small)",
		Source: "AWS CodeBuild user guide, Quotas for AWS CodeBuild"}
	apiResources = Quota{Kind: finding.QuotaAPIResources, Service: "apigateway", Code: "L-01C8A9E0", Default: 300, Of: "resources of a REST API",
		Source: "Amazon API Gateway developer guide, Quotas for REST APIs"}
	requests = Quota{Kind: finding.QuotaRequests, Service: "apigateway", Code: "L-8A5B8E43", Default: 10_000, Of: "requests a second to all APIs (2500 in some regions)",
		Source: "Amazon API Gateway developer guide, Amazon API Gateway quotas"}
)

// fewerRequests are the regions in which an account begins with 2500 requests
// a second.
var fewerRequests = []string{
	"af-south-1", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7", "ca-west-1",
	"eu-central-2", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "mx-central-1",
}

// AllQuotas are [Quotas] and those that are not a sum over stages.
func AllQuotas() []Quota { return append(Quotas(), builds, buildsARM, apiResources, requests) }

func isQuota(kind finding.Kind) bool { return strings.HasPrefix(kind.ID, "quota-") }

func needOne(spec.App, spec.Stage) int { return 1 }

func when(holds bool, n int) int {
	if holds {
		return n
	}
	return 0
}

func needVPC(_ spec.App, stage spec.Stage) int { return when(stage.Network.VPC == nil, 1) }

// needElasticIPs: a NAT gateway has an Elastic IP address. A NAT instance has
// a public address of another kind, which does not count.
func needElasticIPs(_ spec.App, stage spec.Stage) int {
	switch stage.Network.Egress {
	case spec.NATInstance, spec.NATGateway:
		return 1
	case spec.NATGatewayPerZone:
		return max(2, len(stage.Network.Zones))
	}
	return 0
}

// natVCPUs are those of a t4g.nano.
const natVCPUs = 2

func needVPCLink(app spec.App, stage spec.Stage) int {
	public := slices.ContainsFunc(app.Services, spec.Service.Public)
	return when(public && stage.Endpoint.Type == spec.APIGateway, 1)
}

func needLoadBalancer(app spec.App, stage spec.Stage) int {
	return when(slices.ContainsFunc(app.Services, spec.Service.Public) && (stage.Endpoint.Type == spec.ALB || stage.Endpoint.Caching != nil), 1)
}

// needNamespace: an HTTP API finds tasks in a namespace, and services each
// other.
func needNamespace(app spec.App, stage spec.Stage) int {
	return when(stage.HTTPAPI(app.Services) || spec.HasProxies(app.Services), 1)
}

func needDatabase(_ spec.App, stage spec.Stage) int {
	if !stage.NewDatabase() {
		return 0
	}
	return 1 + len(stage.Database.Replicas())
}

// needDomainNames: one for the domain, for its regional name, and for each
// subdomain.
func needDomainNames(app spec.App, stage spec.Stage) int {
	if stage.Endpoint.Type != spec.APIGateway || stage.Endpoint.Domain == "" || !slices.ContainsFunc(app.Services, spec.Service.Public) {
		return 0
	}
	names := map[string]bool{"": true}
	for _, service := range app.Services {
		if service.Public() {
			names[service.Subdomain] = true
		}
	}
	return len(names) + when(stage.Endpoint.Routing != nil, 1)
}

// Account is what is known of the accounts that a declaration meets.
type Account struct {
	// Limits that apply, by place and code of the quota.
	Limits map[Place]map[string]Limit
	// Deployed are the stacks that are there, by place.
	Deployed map[Place]map[string]bool
	// Found is what else was found.
	Found Findings
}

// Limit is a quota as it applies to an account.
type Limit struct {
	// Value of the quota.
	Value int
	// InUse is how much of it is taken; 0 where that is not known.
	InUse int
}

func (a *Account) limit(place Place, code string) (Limit, bool) {
	if a == nil {
		return Limit{}, false
	}
	found, known := a.Limits[place][code]
	return found, known
}

// quotas sums what the stages of one account and region take.
func (c *check) quotas() {
	for _, quota := range Quotas() {
		var places []Place
		stages := map[Place][]int{}
		for i, stage := range c.app.Stages {
			for _, region := range append([]string{stage.Region}, stage.ReplicaRegions()...) {
				place := Place{stage.Account, region}
				if need, _ := quota.in(place, c.app, stage); need > 0 {
					if len(stages[place]) == 0 {
						places = append(places, place)
					}
					stages[place] = append(stages[place], i)
				}
			}
		}
		for _, place := range places {
			c.quota(quota, place, stages[place])
		}
	}
	c.builds()
}

func (c *check) quota(quota Quota, place Place, stages []int) {
	limit, known := c.limit(quota, place)
	total, counted := limit.InUse, limit.InUse > 0
	var names []string
	last := stages[0]
	for _, i := range stages {
		stage := c.app.Stages[i]
		names = append(names, stage.Name)
		need, stack := quota.in(place, c.app, stage)
		if counted && c.account.Deployed[place][c.app.StageStackName(stage.Name, stack)] {
			continue // is among those in use
		}
		before := total
		total += need
		if before <= limit.Value && total > limit.Value {
			last = i // the first that no longer fits
		}
	}
	if total <= limit.Value {
		return
	}
	c.exceeded(quota, known, names, fmt.Sprintf("stages[%d]", last), place, total, limit)
}

func (c *check) exceeded(quota Quota, known bool, stages []string, path string, place Place, total int, limit Limit) {
	take := "take"
	if len(stages) == 1 {
		take = "takes"
	}
	what := fmt.Sprintf("%s %s up to %d %s in %s, and an account begins with %d", phrase.List(stages, "and"), take, total, quota.Of, place, limit.Value)
	switch {
	case known && limit.InUse > 0:
		what = fmt.Sprintf("with %s there would be up to %d %s in %s, whose quota is %d", phrase.List(stages, "and"), total, quota.Of, place, limit.Value)
	case known:
		what = fmt.Sprintf("%s %s up to %d %s in %s, whose quota is %d", phrase.List(stages, "and"), take, total, quota.Of, place, limit.Value)
	}
	before := len(c.found)
	c.add(quota.Kind, stages, path, what, "past the quota AWS refuses to make more, and the deployment or the scaling stops there",
		askFor(quota, total, place.Region)+"; tinystack preflight --live compares with the account's own")
	if known {
		// What may be for an account is so for this one.
		c.found[before].Severity = map[Severity]Severity{Notice: Warning, Warning: Error}[quota.Kind.Severity]
	}
}

// builds looks at what CodeBuild is asked to do at the same time: images, and
// what follows the deployments of stages that deploy side by side.
func (c *check) builds() {
	if c.app.Pipeline == nil {
		return
	}
	quota := builds
	if c.arm64() {
		quota = buildsARM
	}
	built := len(course.Built(c.app))
	c.sideBySide(quota, nil, "pipeline", fmt.Sprintf("the images of %d services are built side by side", built), built)
	for _, stage := range course.Of(c.app) {
		// At least one build of each stage runs at the same time.
		building := map[string]bool{}
		for _, action := range stage.Actions {
			if action.Kind.Builds() && action.Stage != "" {
				building[action.Stage] = true
			}
		}
		if steps := len(building); steps > 1 {
			c.sideBySide(builds, stage.Of, stage.Path, fmt.Sprintf("%s are released, tested and baked side by side, which takes %d builds", phrase.List(stage.Of, "and"), steps), steps)
		}
	}
}

func (c *check) sideBySide(quota Quota, stages []string, path, what string, needed int) {
	region := c.app.Pipeline.Region
	limit, known := c.limit(quota, Place{c.app.Pipeline.Account, region})
	if needed <= limit.Value {
		return
	}
	begins := "a new account begins with"
	if known {
		begins = "the account's quota is"
	}
	c.add(quota.Kind, stages, path, fmt.Sprintf("%s, and %s %d", what, begins, limit.Value),
		"the others queue, behind a bake for as long as it lasts, and every commit takes longer", askFor(quota, needed, region))
}

// api looks at the size of a REST API, and at limits that let more through
// than the account.
func (s staged) api() {
	place := Place{s.Account, s.Region}
	if s.Endpoint.Caching != nil {
		limit, _ := s.limit(apiResources, place)
		if parts, _ := cachedPaths(*s.Endpoint.Caching); parts > limit.Value {
			s.add(apiResources.Kind, ".endpoint.caching.paths", fmt.Sprintf("the API would have %d resources, and a REST API begins with %d", parts, limit.Value),
				"the parts of the paths are resources of the API: past the quota the deployment fails", "keep the responses of fewer paths, or "+askFor(apiResources, parts, s.Region))
		}
	}
	limit, known := s.limit(requests, place)
	if !known && slices.Contains(fewerRequests, s.Region) {
		limit.Value = 2500
	}
	if most := s.Endpoint.Throttling.RequestsPerSecond; most > limit.Value {
		s.add(requests.Kind, ".endpoint.throttling.requestsPerSecond", fmt.Sprintf("%d requests a second are let through, and all APIs of the account together begin with %d", most, limit.Value),
			"API Gateway answers what comes beyond with 429, whatever is declared", askFor(requests, most, s.Region))
	}
}

// limit is what a place has of a quota: its own, or what accounts begin with.
func (c *check) limit(quota Quota, place Place) (limit Limit, known bool) {
	if limit, known = c.account.limit(place, quota.Code); known {
		return limit, true
	}
	return Limit{Value: quota.Default}, false
}

func askFor(quota Quota, value int, region string) string {
	return fmt.Sprintf("ask for more before: aws service-quotas request-service-quota-increase --service-code %s --quota-code %s --desired-value %d --region %s",
		quota.Service, quota.Code, value, region)
}
