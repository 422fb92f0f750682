package spec

import (
	"math"
	"strings"
)

// Defaults that a user meets in documentation, in one place. Sources of the
// numbers: docs/defaults.md.
const (
	defaultService = "web"
	defaultStage   = "dev"
	defaultRegion  = "us-east-1"
	defaultBranch  = "main"
	defaultCIDR    = "10.0.0.0/16"

	defaultPort          = 80
	defaultPostgresPort  = 5432
	defaultPostgres      = "17"
	defaultPostgresUser  = "postgres"
	defaultDatabaseClass = "t4g.micro"
	defaultStorageGB     = 20
	largestStorageGB     = 65536
	defaultScaleOut      = 75
	defaultScaleIn       = 35
	defaultCacheGB       = 0.5
	defaultHealthCodes   = "200-399"

	// DefaultKeepImages is how many images of a service are kept.
	DefaultKeepImages = 25

	buildLogDays      = 90
	productionLogDays = 90
	otherLogDays      = DefaultLogRetentionDays

	productionBackupDays = 7
	otherBackupDays      = 1
)

type preset struct {
	endpoint EndpointType
	scale    ScaleProfile
}

// presets are the profiles: what a stage of that profile has where it says
// nothing itself.
var presets = map[Profile]preset{
	Standard: {
		endpoint: APIGateway,
		scale: ScaleProfile{
			Instance:  "t3.micro",
			Instances: Instances{Min: new(1), Desired: new(2), Max: new(6)},
			Tasks:     Tasks{Min: new(1), Max: new(5)},
		},
	},
	Hyperscale: {
		endpoint: ALB,
		scale: ScaleProfile{
			Instance:  "m7i.large",
			Instances: Instances{Min: new(2), Desired: new(2), Max: new(10)},
			Tasks:     Tasks{Min: new(2), Max: new(10)},
		},
	},
	Idle: {
		endpoint: APIGateway,
		scale: ScaleProfile{
			Instance:  "t3.micro",
			Instances: Instances{Min: new(0), Desired: new(0), Max: new(0)},
			Tasks:     Tasks{Min: new(0), Max: new(0)},
		},
	},
}

// Preset returns the capacity that a profile stands for, complete, to start
// from and change field by field.
func Preset(profile Profile) ScaleProfile {
	scale := clone(presetOf(profile).scale)
	scale.setDefaults(profile)
	return scale
}

// presetOf is the preset of a profile, and that of Standard for a profile that
// there is not, which validate reports.
func presetOf(profile Profile) preset {
	if found, ok := presets[profile]; ok {
		return found
	}
	return presets[Standard]
}

func (p *Pipeline) setDefaults() {
	fill(&p.Region, defaultRegion)
	fill(&p.LogRetentionDays, buildLogDays)
	fillPtr(&p.Dashboard, true)
	fill(&p.ExecutionMode, Superseded)
	fill(&p.ApprovalTimeout, 7*24*hour)
	fill(&p.KeepImages, DefaultKeepImages)
	if p.Declaration != nil {
		p.Declaration.setDefaults()
	}
}

func (b *Build) setDefaults() {
	fill(&b.Timeout, hour)
}

func (s *Source) setDefaults() {
	if s.Bucket == "" {
		fill(&s.Branch, defaultBranch)
	}
}

func (s *Service) setDefaults() {
	if s.Image == "" {
		fill(&s.Context, ".")
		fill(&s.Dockerfile, "Dockerfile")
	}
	if s.Schedule != "" {
		s.Worker = true
	}
	if !s.Worker {
		fill(&s.Port, defaultPort)
	}
	fill(&s.NetworkMode, Bridge)
	fill(&s.StopTimeout, 30*second)
	for i := range s.Ulimits {
		fill(&s.Ulimits[i].Hard, s.Ulimits[i].Soft)
	}
	if s.Source != nil {
		s.Source.setDefaults()
	}
	s.HealthCheck.setDefaults()
	if s.Migration != nil {
		s.Migration.setDefaults()
	}
	fillPtr(&s.StageConfig, !s.Internal || s.Image == "")
}

func (h *HealthCheck) setDefaults() {
	fill(&h.Codes, defaultHealthCodes)
	fill(&h.Interval, 30*second)
	fill(&h.Timeout, max(2*second, min(5*second, (h.Interval-second)/second*second)))
	fill(&h.Retries, 3)
	fillPtr(&h.GracePeriod, 60*second)
}

func (s *Stage) setDefaults(app App) {
	if app.Pipeline != nil {
		fill(&s.Account, app.Pipeline.Account)
		if s.CanaryOf == "" {
			fill(&s.Region, app.Pipeline.Region)
		}
	}
	if s.CanaryOf == "" {
		fill(&s.Region, defaultRegion)
	}
	fill(&s.Approval, Automatic)
	fill(&s.Profile, Standard)
	fillPtr(&s.Production, productionByName(s.Name))
	if routing := s.Endpoint.Routing; routing != nil {
		if s.Endpoint.Domain != "" {
			fill(&routing.RegionalDomain, s.Name+"."+s.Endpoint.Domain)
		}
		if routing.HealthCheck != nil {
			fill(&routing.HealthCheck.Path, app.fallback().HealthCheck.Path)
		}
	}
	s.Endpoint.setDefaults(s.Profile)
	s.Scale.setDefaults(s.Profile)
	if s.Database != nil {
		s.Database.setDefaults(app, *s.Production)
	}
	s.Network.setDefaults(s.Region)
	if *s.Production {
		fill(&s.LogRetentionDays, productionLogDays)
	}
	fill(&s.LogRetentionDays, otherLogDays)
	fillPtr(&s.Exec, !*s.Production)
	fillPtr(&s.ContainerInsights, *s.Production)
	if *s.Production && s.CanaryOf == "" {
		fill(&s.Removal, RemovalRetain)
	}
	fill(&s.Removal, RemovalSnapshot)
	if s.Smoke != nil {
		s.Smoke.setDefaults(app)
	}
	s.setMonitoringDefaults(app)
	if s.Window != nil {
		s.Window.setDefaults()
	}
}

// setDefaults leaves Path empty where no service is public: there is nothing
// to ask.
func (s *Smoke) setDefaults(app App) {
	fill(&s.Status, 200)
	fill(&s.Timeout, 5*minute)
	if app.hasPublicService() {
		fill(&s.Path, app.fallback().HealthCheck.Path)
		fill(&s.Path, "/")
	}
}

func (e *Endpoint) setDefaults(profile Profile) {
	fill(&e.Type, presetOf(profile).endpoint)
	fill(&e.Deployment, Rolling)
	if e.Caching != nil {
		e.Caching.setDefaults()
	}
	if e.CORS != nil {
		e.CORS.setDefaults()
	}
	if e.Routing != nil {
		e.Routing.setDefaults()
	}
}

func (c *Caching) setDefaults() {
	fill(&c.Size, defaultCacheGB)
	fill(&c.TTL, 5*minute)
}

func (c *CORS) setDefaults() {
	if len(c.Methods) == 0 {
		c.Methods = []string{"GET", "HEAD", "POST"}
	}
}

func (s *ScaleProfile) setDefaults(profile Profile) {
	preset := clone(presetOf(profile).scale)
	fill(&s.Instance, preset.Instance)
	s.Instances.setDefaults(preset.Instances)
	s.Tasks.setDefaults(preset.Tasks)
	s.CPU.setDefaults(*s.Instances.Min)
	fill(&s.Mode, CPUAlarms)
}

// setDefaults lets a number that was declared move the others: whoever asks
// for at least 3 or at most 1 need not spell out the rest.
func (i *Instances) setDefaults(preset Instances) {
	low, desired, high := value(preset.Min), value(preset.Desired), value(preset.Max)
	if i.Max != nil {
		low, desired, high = min(low, *i.Max), min(desired, *i.Max), *i.Max
	}
	if i.Desired != nil {
		low, desired, high = min(low, *i.Desired), *i.Desired, max(high, *i.Desired)
	}
	if i.Min != nil {
		low, desired, high = *i.Min, max(desired, *i.Min), max(high, *i.Min)
	}
	fillPtr(&i.Min, low)
	fillPtr(&i.Desired, desired)
	fillPtr(&i.Max, high)
}

func (t *Tasks) setDefaults(preset Tasks) {
	low, high := value(preset.Min), value(preset.Max)
	if t.Max != nil {
		low = min(low, *t.Max)
	}
	if t.Min != nil {
		high = max(high, *t.Min)
	}
	fillPtr(&t.Min, low)
	fillPtr(&t.Max, high)
}

// setDefaults keeps the default of ScaleIn below what ScaleOut allows.
func (c *CPUThresholds) setDefaults(fewest int) {
	fill(&c.ScaleOut, defaultScaleOut)
	limit := int(math.Ceil(scaleInLimit(c.ScaleOut, fewest))) - 1
	fill(&c.ScaleIn, max(1, min(defaultScaleIn, limit)))
	fill(&c.For, 15*minute)
}

// scaleInLimit is the load, in percent, below which one instance less does not
// call itself back: the load that the remaining instances then have stays
// below scaleOut.
func scaleInLimit(scaleOut, fewest int) float64 {
	remaining := float64(max(1, fewest))
	return float64(scaleOut) * remaining / (remaining + 1)
}

func (d *Database) setDefaults(app App, production bool) {
	fill(&d.Name, strings.ReplaceAll(app.Name, "-", "_"))
	fill(&d.User, defaultPostgresUser)
	if d.Existing != nil {
		fill(&d.Existing.Port, defaultPostgresPort)
		return
	}
	fill(&d.Instance, defaultDatabaseClass)
	fill(&d.Storage, defaultStorageGB)
	fill(&d.MaxStorage, min(2*d.Storage, largestStorageGB))
	fill(&d.Version, defaultPostgres)
	fillPtr(&d.MultiAZ, false)
	fillPtr(&d.PerformanceInsights, production)
	if len(d.LogExports) == 0 {
		d.LogExports = []string{LogPostgres}
	}
	for i := range d.ReadReplicas {
		fill(&d.ReadReplicas[i].Instance, d.Instance)
	}
	if d.Rotation != nil {
		d.Rotation.setDefaults()
	}
	if production {
		fill(&d.BackupDays, productionBackupDays)
	}
	fill(&d.BackupDays, otherBackupDays)
}

func (n *Network) setDefaults(region string) {
	if n.VPC != nil {
		return
	}
	fill(&n.Egress, NATInstance)
	fill(&n.CIDR, defaultCIDR)
	if len(n.Zones) == 0 {
		n.Zones = defaultZones(region)
	}
}

// fill sets what was left out.
func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// fillPtr sets what was left out where zero can be meant.
func fillPtr[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// value is what a pointer field holds, or zero.
func value[T any](field *T) T {
	var zero T
	if field == nil {
		return zero
	}
	return *field
}
