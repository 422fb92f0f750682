package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/internal/phrase"
)

// Removal says what becomes of a stage's data when the stage is deleted.
type Removal string

const (
	// RemovalDestroy deletes the data.
	RemovalDestroy Removal = "destroy"
	// RemovalSnapshot deletes the database and keeps a last snapshot of it.
	RemovalSnapshot Removal = "snapshot"
	// RemovalRetain keeps everything and protects it from deletion.
	RemovalRetain Removal = "retain"
)

// Stage is one place the application runs in.
type Stage struct {
	// Name of the stage, unique in the application. The names of application,
	// stage and service together have up to 53 characters.
	//   - Default: required
	//   - Allowed: 1 to 20 lower-case letters, digits and single hyphens, beginning with a letter and not ending with a hyphen
	//   - Change: moves; another name is another stage, which is made beside the old one
	//   - Example: staging
	Name string `yaml:"name"`

	// Account is the id of the stage's AWS account.
	//   - Default: the pipeline's; without a pipeline, the account of the credentials that deploy
	//   - Allowed: 12 digits, in quotes
	//   - Change: moves, refused where it holds data; the old stage stays in the old account
	//   - Example: "222222222222"
	//   - See: docs/accounts.md
	Account string `yaml:"account"`

	// Region of the stage. Required with [Stage.CanaryOf].
	//   - Default: the pipeline's; without a pipeline, us-east-1
	//   - Allowed: a commercial AWS region
	//   - Change: moves, refused where it holds data; the old stage stays in the old region
	//   - Example: eu-central-1
	Region string `yaml:"region"`

	// CanaryOf names the production stage this stage rehearses: it takes that
	// stage's whole configuration except region, domain (with its zone,
	// certificate, routing, redirects and client certificates), approval, review,
	// bake, window, wave, and what is there already (a VPC, a database, a
	// firewall), and stands before it. Fields that it declares itself win, one by
	// one; a profile that it declares replaces the numbers of instances and
	// tasks.
	//   - Default: none
	//   - Allowed: the name of a later stage that is no canary
	//   - Change: by field; whatever differs from the production stage changes
	//   - Example: prod
	//   - See: docs/canary.md
	CanaryOf string `yaml:"canaryOf" also:"dependsOn"`

	// Bake is how long the stage runs a new commit, with its alarms watched,
	// before the next stage may follow. An alarm takes the stage back and stops
	// the pipeline. A canary does not take it over.
	//   - Default: 0s: no wait
	//   - Allowed: 1m to 7h
	//   - Change: in place; the stage gets or loses the role that its alarms are read with
	//   - Example: 2h
	//   - See: docs/canary.md
	Bake Duration `yaml:"bake" zero:"default"`

	// Smoke tests the stage after each deployment, before the commit counts as
	// released; a failure stops the pipeline. Where no task runs, nothing is
	// tested.
	//   - Default: none
	//   - Change: in the pipeline
	//   - Example: {path: /up}
	//   - See: docs/delivery.md
	Smoke *Smoke `yaml:"smoke"`

	// Wave joins neighbouring stages that name the same wave: they deploy
	// side by side.
	//   - Default: none: the stage deploys by itself
	//   - Allowed: 1 to 20 lower-case letters, digits and single hyphens, beginning with a letter and not ending with a hyphen
	//   - Change: in the pipeline; a way back is there again once a commit has passed the new order
	//   - Example: europe
	Wave string `yaml:"wave"`

	// Approval that a commit needs to enter the stage. Manual only with a
	// pipeline.
	//   - Default: automatic
	//   - Allowed: automatic or manual
	//   - Change: in the pipeline; beside a bake or a window, one that waits ends with its execution, and the newest commit asks again
	//   - Example: manual
	Approval Approval `yaml:"approval"`

	// Review shows whoever approves what a commit would change: the resources of
	// the stage's stacks, compared with those that are deployed. Only with a
	// manual approval, which it comes before. A canary does not take it over.
	//   - Default: false
	//   - Change: in the pipeline
	//   - Example: true
	Review bool `yaml:"review"`

	// Sleeps keeps a canary without tasks and instances between releases: the
	// pipeline wakes it before a deployment, and when the bake is over, or
	// anything failed, lets it sleep again. Its endpoint, network and database
	// stay. Only with [Stage.CanaryOf] and [Stage.Bake].
	//   - Default: false
	//   - Change: in place; the canary sleeps after the next commit
	//   - Example: true
	//   - See: docs/canary.md
	Sleeps bool `yaml:"sleeps"`

	// Window is the time of the week in which a commit may enter the stage; one
	// that comes at another time waits. It has to be the same in a whole wave. A
	// canary does not take it over.
	//   - Default: none: at any time
	//   - Change: in the pipeline
	//   - Example: {days: [mon, tue], timeZone: Europe/Berlin}
	Window *Window `yaml:"window"`

	// Profile is the preset of endpoint, way out, instance type and capacity
	// that the stage starts from. Economy is for stages that are not production:
	// one t4g.micro spot instance with a public address that nobody can reach.
	//   - Default: standard
	//   - Allowed: standard, hyperscale, idle or economy
	//   - Change: by field; it stands for the type of the endpoint, the way out and the numbers of the scale. To and from idle in place: tasks end, then instances, and back again instances come first
	//   - Example: idle
	Profile Profile `yaml:"profile"`

	// Production turns on what a production stage should have: Container
	// Insights, deletion protection, longer retention of logs and backups.
	//   - Default: true where the name is prod or production or begins with prod-, otherwise false
	//   - Change: restarts tasks
	//   - Example: true
	Production *bool `yaml:"production"`

	// Endpoint through which the stage is reached.
	//   - Default: by the profile
	//   - Change: by field
	//   - Example: {type: alb}
	//   - See: docs/endpoints.md
	Endpoint Endpoint `yaml:"endpoint"`

	// Variables are environment variables of the stage's containers. They are
	// not for secrets.
	//   - Default: none
	//   - Allowed: up to 100 names of letters, digits, underscores, dots and hyphens, beginning with a letter or an underscore, without those that the ECS agent sets; values that everyone may read
	//   - Change: restarts tasks
	//   - Example: {LOG_LEVEL: warn}
	Variables map[string]string `yaml:"variables" also:"env,environment"`

	// Secrets are environment variables whose values stay in AWS until a task
	// starts. Names are looked up in the stage's own account and region.
	//   - Default: none
	//   - Allowed: the name or ARN of a Secrets Manager secret, with "#key" for one key of a JSON secret; "ssm:" and the name of an SSM parameter, or its ARN
	//   - Change: restarts tasks; a new value under the same name is only read by tasks that start
	//   - Example: {API_KEY: "ssm:/shop/api-key"}
	Secrets map[string]string `yaml:"secrets"`

	// Permissions that the containers have in AWS beside those they need to
	// run.
	//   - Default: none
	//   - Change: in place; running tasks have them at once
	//   - Example: [{actions: ["s3:GetObject"], resources: ["arn:aws:s3:::shop-uploads/*"]}]
	Permissions []Permission `yaml:"permissions"`

	// Scale is the capacity of the stage and how it follows the load.
	//   - Default: by the profile
	//   - Change: by field
	//   - Example: {instance: t3.small}
	//   - See: docs/compute.md
	Scale ScaleProfile `yaml:"scale"`

	// Database of the stage, new or existing.
	//   - Default: none
	//   - Change: restarts tasks, replaces AWS::EC2::SecurityGroupIngress; the rule only where a new database takes the place of an existing one. Without it the stack of the database stays deployed, with everything in it
	//   - Example: {}
	//   - See: docs/database.md
	Database *Database `yaml:"database"`

	// Network of the stage.
	//   - Default: a new VPC with one NAT instance
	//   - Change: by field
	//   - Example: {egress: nat-gateway}
	Network Network `yaml:"network"`

	// LogRetentionDays is how many days the containers' output is kept.
	//   - Default: 90 in production, otherwise 14
	//   - Allowed: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653
	//   - Change: in place; what is older goes
	//   - Example: 30
	LogRetentionDays int `yaml:"logRetentionDays"`

	// Logs say what else becomes of that output.
	//   - Default: it is kept, and in production errors in it are counted
	//   - Change: by field
	//   - Example: {countErrors: true}
	//   - See: docs/monitoring.md
	Logs Logs `yaml:"logs"`

	// Alarms say which alarms watch the stage, and who hears of them.
	//   - Default: the essential ones; in production all
	//   - Change: by field
	//   - Example: {notify: [oncall@example.com]}
	//   - See: docs/monitoring.md
	Alarms Alarms `yaml:"alarms"`

	// Dashboard shows the stage on a page in CloudWatch.
	//   - Default: true
	//   - Change: in place
	//   - Example: false
	Dashboard *bool `yaml:"dashboard"`

	// ContainerInsights collects CloudWatch metrics of every task, billed by
	// the metric.
	//   - Default: true in production, otherwise false
	//   - Change: in place
	//   - Example: true
	ContainerInsights *bool `yaml:"containerInsights"`

	// Exec allows `aws ecs execute-command` into the containers. In
	// production each session is encrypted with a key of the stage's own, and
	// recorded in an encrypted log group.
	//   - Default: false in production, otherwise true
	//   - Change: restarts tasks; execute-command can reach the new ones or not
	//   - Example: false
	Exec *bool `yaml:"exec"`

	// Removal is what becomes of the stage's data when the stage is deleted:
	// destroy deletes it, snapshot deletes the database and keeps a last snapshot
	// of it, retain keeps everything and protects database and ALB from
	// deletion.
	//   - Default: retain in production, otherwise snapshot; in every canary snapshot
	//   - Allowed: destroy, snapshot or retain
	//   - Change: in place
	//   - Example: retain
	//   - See: docs/deleting.md
	Removal Removal `yaml:"removal"`
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
	s.Network.setDefaults(s.Region, s.Profile)
	if *s.Production {
		fill(&s.LogRetentionDays, productionLogDays)
	}
	fill(&s.LogRetentionDays, DefaultLogRetentionDays)
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

// productionByName says whether a stage is a production stage when it does not
// say so itself.
func productionByName(name string) bool {
	return name == "prod" || name == "production" || strings.HasPrefix(name, "prod-")
}

// mostStages leaves room for the pipeline's own stages among the 50 that
// CodePipeline allows.
const mostStages = 40

func (s Stage) validate(r report, app App) {
	named := validateName(r.field("name"), s.Name, "a stage")
	// What a stage has from the pipeline is reported there.
	var pipeline Pipeline
	if app.Pipeline != nil {
		pipeline = *app.Pipeline
	}
	if s.Account != "" && s.Account != pipeline.Account {
		validateAccount(r.field("account"), s.Account)
	}
	if region := r.field("region"); s.Region != "" {
		if s.Region != pipeline.Region {
			validateRegion(region, s.Region)
		}
	} else if s.CanaryOf != "" {
		region.fail("is missing", "a region other than that of the production stage", "say where the canary runs")
	}
	oneOf(r.field("approval"), s.Approval, "a kind of approval", Automatic, Manual)
	oneOf(r.field("profile"), s.Profile, "a profile", Standard, Hyperscale, Idle, Economy)
	if s.Profile == Economy && value(s.Production) {
		profile := r.field("profile")
		profile.fail(profile.quote(string(Economy))+" is for stages that are not production: its one spot instance can be away for minutes", "standard or hyperscale", "choose another profile, or say production: false")
	}
	oneOf(r.field("removal"), s.Removal, "a way to remove data", RemovalDestroy, RemovalSnapshot, RemovalRetain)
	validateRetention(r.field("logRetentionDays"), s.LogRetentionDays)
	if s.Wave != "" {
		validateName(r.field("wave"), s.Wave, "a wave")
	}
	s.validateFlow(r, app)
	s.validateGates(r, app)

	s.Endpoint.validate(r.field("endpoint"), s.Region, s.Account)
	validateVariables(r.field("variables"), s.Variables)
	validateSecrets(r.field("secrets"), s.Secrets)
	for i, permission := range s.Permissions {
		permission.validate(r.field("permissions").item(i))
	}
	s.Scale.validate(r.field("scale"))
	if s.Database != nil {
		s.Database.validate(r.field("database"), s.Region)
		s.validateExistingDatabase(r.field("database"))
		s.validateDatabaseUse(r.field("database"), app)
	}
	s.Network.validate(r.field("network"), s.Region)

	s.validateRoom(r, app)
	s.validateTaskNetworks(r, app)
	s.validateTaskCounts(r, app)
	s.validateServing(r, app)
	s.validateHosts(r, app)
	s.validatePulls(r, app)
	s.validateSecretPlaces(r, app)
	s.validateMonitoring(r, app)
	s.validateMigrations(r, app)
	if named {
		s.validateDerivedNames(r, app)
	}
}

// validateServing checks that the endpoint has something to serve and a
// network to stand in.
func (s Stage) validateServing(r report, app App) {
	endpoint := r.field("endpoint")
	if !app.hasPublicService() {
		const fix = "remove it, or have a service that is neither internal nor a worker"
		if s.Endpoint.Domain != "" {
			endpoint.field("domain").fail("has no service to serve", "", fix)
		}
		if s.Endpoint.Caching != nil {
			endpoint.field("caching").fail("has no service whose responses to keep", "", fix)
		}
		s.Endpoint.validateUnused(endpoint, fix)
		return
	}
	vpc := s.Network.VPC
	if s.Endpoint.Type == ALB && vpc != nil && len(vpc.PublicSubnets) == 0 {
		r.field("network").field("vpc").field("publicSubnets").fail("are missing, where an ALB stands", "one subnet a zone", "give the public subnets, or use the endpoint type api-gateway")
	}
	if s.Endpoint.Type != APIGateway {
		return
	}
	offered, known := vpcLinkZones[s.Region]
	if !known {
		return
	}
	check := func(zones report, ids []string) {
		for i, zone := range ids {
			if slices.Contains(zonesOf[s.Region], zone) && !slices.Contains(offered, zone) {
				at := zones.item(i)
				at.fail(at.quote(zone)+" has no VPC links, by which API Gateway reaches the tasks", phrase.List(offered, "or"), "choose another zone, or use the endpoint type alb")
			}
		}
	}
	if vpc != nil {
		check(r.field("network").field("vpc").field("zones"), vpc.Zones)
	} else {
		check(r.field("network").field("zones"), s.Network.Zones)
	}
}

const longestRole = 64

// validateDerivedNames checks the names that are made of several: those of
// roles are the longest in relation to what AWS allows.
func (s Stage) validateDerivedNames(r report, app App) {
	for _, service := range app.Services {
		if max(len(app.Name), len(service.Name)) > longestName {
			continue // reported there
		}
		role := naming.App(app.Name).Stage(s.Name).TaskRole(service.Name)
		if len(role) > longestRole {
			name := r.field("name")
			name.fail(fmt.Sprintf("the names of application, stage and service %s make a role name of %d characters", name.quote(service.Name), len(role)),
				fmt.Sprintf("up to %d, so 53 for the three names together", longestRole), "shorten one of them")
		}
	}
}

// validateArchitectures reports images that would have to be built for two
// architectures: an image is built once and runs in every stage.
func (a App) validateArchitectures(r report) {
	var built []string
	for _, service := range a.Services {
		if service.Builds() {
			built = append(built, r.quote(service.Name))
		}
	}
	if len(built) == 0 {
		return
	}
	var order []instances.Arch
	users := map[instances.Arch][]string{}
	deviating := -1
	for i, stage := range a.Stages {
		arch, known := architecture(stage.Scale.Instance)
		if !known {
			continue
		}
		if !slices.Contains(order, arch) {
			order = append(order, arch)
			if len(order) == 2 {
				deviating = i
			}
		}
		users[arch] = append(users[arch], fmt.Sprintf("%s (%s)", r.quote(stage.Name), r.unquoted(stage.Scale.Instance)))
	}
	if len(order) < 2 {
		return
	}
	var groups []string
	for _, arch := range order {
		groups = append(groups, fmt.Sprintf("%s in %s", arch, phrase.List(users[arch], "and")))
	}
	noun := "the image of service "
	if len(built) > 1 {
		noun = "the images of services "
	}
	r.item(deviating).field("scale").field("instance").fail(
		noun+phrase.List(built, "and")+" would be needed for two architectures: "+strings.Join(groups, ", "),
		"instance types of one architecture in all stages", "choose instance types with the same processor architecture, as an image is built once and promoted unchanged")
}

func architecture(instance string) (instances.Arch, bool) {
	if found, known := instances.Lookup(instance); known {
		return found.Arch, true
	}
	return instances.ArchOf(instance)
}

// runs says whether the stage has tasks at all.
func (s Stage) runs() bool { return value(s.Scale.Tasks.Max) > 0 }
