package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/phrase"
)

func (a App) validateStages(r report) {
	if len(a.Stages) > mostStages {
		r.fail(phrase.Count(len(a.Stages), "stage")+" are declared", fmt.Sprintf("up to %d", mostStages), "make two applications of them")
		return
	}
	firsts := map[string]int{}
	for i, stage := range a.Stages {
		at := r.item(i)
		stage.validate(at, a)
		if first, again := firsts[stage.Name]; again && stage.Name != "" {
			at.field("name").fail(fmt.Sprintf("%s is also the name of stages[%d]", at.quote(stage.Name), first), "a name of its own for each stage", "rename one of the two")
		} else {
			firsts[stage.Name] = i
		}
		for service := range min(len(a.Services), mostServices) {
			a.validateEnvironment(report{"services", r.to}, r, service, i)
		}
		a.validateCanary(at, i)
		a.validateWave(at, i)
	}
	a.validateDomains(r)
	a.validateShared(r)
	a.validateArchitectures(r)
	a.validateAddresses(report{"services", r.to})
}

// longestBake is the longest a stage can bake: what waits longer than a day
// holds up every commit after it.
const longestBake = 24 * hour

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
	oneOf(r.field("profile"), s.Profile, "a profile", Standard, Hyperscale, Idle)
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
	s.Scale.validate(r.field("scale"), s.Region)
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

// validateFlow checks what only a pipeline does.
func (s Stage) validateFlow(r report, app App) {
	if app.Pipeline == nil {
		const fix = "add a pipeline, or remove it"
		if s.Approval == Manual {
			r.field("approval").fail("needs a pipeline: without one whoever deploys decides", "", fix)
		}
		if s.Bake != 0 {
			r.field("bake").fail("needs a pipeline that waits", "", fix)
		}
		if s.Smoke != nil {
			r.field("smoke").fail("needs a pipeline that runs it", "", fix)
		}
		if s.Wave != "" {
			r.field("wave").fail("needs a pipeline that deploys stages side by side", "", fix)
		}
	} else if s.Account == "" && app.Pipeline.Account != "" {
		r.field("account").fail("is missing", "12 digits", "give the account of the stage")
	}
	if s.Smoke != nil {
		s.Smoke.validate(r.field("smoke"), app)
	}
	if s.Bake != 0 {
		r.field("bake").lasting(s.Bake, minute, longestBake, minute)
	}
}

// smokePath may have a query, but nothing that a shell, a header or a log could
// take for its own.
var smokePath = compile(`^/[A-Za-z0-9._~/%:@+,;=&?!*()-]*$`)

func (s Smoke) validate(r report, app App) {
	path := r.field("path")
	switch {
	case app.hasPublicService():
		path.matches(s.Path, smokePath, "a path", "a path that begins with a slash, with or without a query", "begin with a slash, and encode special characters")
	case s.Path != "":
		path.fail("has no service to ask", "", "remove it, or have a service that is neither internal nor a worker")
	case len(s.Commands) == 0:
		r.fail("tests nothing: no service is public, and there are no commands", "commands", "add commands, or remove it")
	}
	r.field("status").between(s.Status, 100, 599, "a status", "", "give the HTTP status that the path answers with")
	r.field("timeout").lasting(s.Timeout, 10*second, 30*minute, second)
	for i, command := range s.Commands {
		if strings.TrimSpace(command) == "" {
			r.field("commands").item(i).fail("is empty", "a shell command", "remove it")
		}
	}
}

// validateExistingDatabase checks that the stage can reach it.
func (s Stage) validateExistingDatabase(r report) {
	if s.Database.Existing != nil && s.Network.VPC == nil {
		r.field("existing").fail("is in a VPC that the stage is not in", "an existing database together with network.vpc", "name the VPC of the database under network.vpc")
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

// validatePulls checks that instances without the internet can pull every
// image.
func (s Stage) validatePulls(r report, app App) {
	if s.Network.Egress != VPCEndpoints {
		return
	}
	for _, service := range app.Services {
		if service.Image == "" || isToken(service.Image) {
			continue
		}
		region, ecr := service.registry()
		if ecr && region == s.Region {
			continue
		}
		r.field("network").field("egress").fail(
			fmt.Sprintf("endpoints do not reach the registry of the image %s of service %s", r.quote(service.Image), r.quote(service.Name)),
			"images that are built, or in ECR in the stage's region", "copy the image to ECR in that region, or choose another egress")
	}
}

// validateSecretPlaces checks references by ARN, which hold for one region and account.
func (s Stage) validateSecretPlaces(r report, app App) {
	for _, name := range slices.Sorted(maps.Keys(s.Secrets)) {
		validateSecretPlace(r.field("secrets").field(name), s.Secrets[name], s)
	}
	for i, service := range app.Services {
		for _, name := range slices.Sorted(maps.Keys(service.Secrets)) {
			if _, replaced := s.Secrets[name]; replaced && value(service.StageConfig) {
				continue
			}
			validateSecretPlace(report{"services", r.to}.item(i).field("secrets").field(name), service.Secrets[name], s)
		}
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
		role := fmt.Sprintf("%s-%s-%s-TaskRole", app.Name, s.Name, service.Name)
		if len(role) > longestRole {
			name := r.field("name")
			name.fail(fmt.Sprintf("the names of application, stage and service %s make a role name of %d characters", name.quote(service.Name), len(role)),
				fmt.Sprintf("up to %d, so 53 for the three names together", longestRole), "shorten one of them")
		}
	}
}

// validateCanary checks a stage that rehearses another.
func (a App) validateCanary(r report, index int) {
	stage := a.Stages[index]
	if stage.CanaryOf == "" {
		return
	}
	canaryOf := r.field("canaryOf")
	production := a.stageIndex(stage.CanaryOf)
	switch {
	case stage.CanaryOf == stage.Name:
		canaryOf.fail(canaryOf.quote(stage.CanaryOf)+" is the stage itself", "the name of another stage", "name the production stage")
		return
	case production < 0:
		var names []string
		for _, other := range a.Stages {
			if other.CanaryOf == "" && other.Name != "" && r.plain(other.Name) {
				names = append(names, other.Name)
			}
		}
		fix := didYouMean(stage.CanaryOf, names)
		if fix == "" {
			fix = "name a stage that is declared"
		}
		canaryOf.fail(canaryOf.quote(stage.CanaryOf)+" is not a stage", phrase.List(names, "or"), fix)
		return
	case a.Stages[production].CanaryOf != "":
		canaryOf.fail(canaryOf.quote(stage.CanaryOf)+" is a canary itself", "a stage that is no canary", "name the production stage")
		return
	}
	target := a.Stages[production]
	if production < index {
		canaryOf.fail(canaryOf.quote(stage.CanaryOf)+" stands before its canary", "a canary before its production stage", "move the canary up")
	}
	if region := r.field("region"); stage.Region != "" && stage.Region == target.Region {
		region.fail(region.quote(stage.Region)+" is also the region of "+r.quote(target.Name), "another region", "choose another region for the canary")
	}
	if stage.Wave != "" && stage.Wave == target.Wave {
		wave := r.field("wave")
		wave.fail(wave.quote(stage.Wave)+" is also the wave of "+r.quote(target.Name)+", which the canary must precede", "another wave, or none", "take the canary out of the wave")
	}
	if a.Pipeline != nil && target.Approval != Manual && (stage.Bake == 0 || !stage.runs()) {
		approval := report{"stages", r.to}.item(production).field("approval")
		fix := "set \"approval: manual\" here, or \"bake: 30m\" for the canary"
		if stage.Bake > 0 {
			fix = "set \"approval: manual\" here, or give the canary tasks: it bakes, and nothing runs in it"
		}
		approval.fail(fmt.Sprintf("nothing is awaited between the canary %s and this stage", r.quote(stage.Name)),
			"manual, or a bake time for the canary", fix)
	}
}

// validateWave checks a stage against those before it in the same wave.
func (a App) validateWave(r report, index int) {
	stage := a.Stages[index]
	if stage.Wave == "" || index == 0 {
		return
	}
	before := a.Stages[:index]
	first := slices.IndexFunc(before, func(s Stage) bool { return s.Wave == stage.Wave })
	if first < 0 {
		return
	}
	wave, approval := r.field("wave"), r.field("approval")
	if before[index-1].Wave != stage.Wave {
		wave.fail(wave.quote(stage.Wave)+" is interrupted by the stage before this one", "stages of a wave next to each other", "move the stage up, or name another wave")
	}
	if stage.Approval != before[first].Approval {
		approval.fail(fmt.Sprintf("%s differs from that of stages[%d], which deploys in the same wave", approval.quote(string(stage.Approval)), first),
			"one approval for the whole wave", "give all stages of the wave the same approval")
	}
	if !sameWindow(stage.Window, before[first].Window) {
		r.field("window").fail(fmt.Sprintf("differs from that of stages[%d], which deploys in the same wave", first),
			"one window for the whole wave", "give all stages of the wave the same window")
	}
}

// validateArchitectures reports images that would have to be built for two
// architectures: an image is built once and runs in every stage.
func (a App) validateArchitectures(r report) {
	var built []string
	for _, service := range a.Services {
		if service.Image == "" {
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

var (
	actionPattern   = compile(`^[a-z0-9-]+:[A-Za-z0-9*?]+$`)
	resourcePattern = compile(`^arn:(?:aws[a-z-]*|\*):[a-z0-9*-]+:[a-z0-9*-]*:(?:[0-9]{12}|aws|\*)?:\S+$`)
)

func (p Permission) validate(r report) {
	actions, resources := r.field("actions"), r.field("resources")
	if len(p.Actions) == 0 {
		actions.fail("is missing", "at least one action, as in s3:GetObject", "list what the containers may do")
	}
	for i, action := range p.Actions {
		at := actions.item(i)
		if action == "*" || action == "*:*" {
			at.fail(at.quote(action)+" allows everything", "actions of one service, as in s3:GetObject", "list what the containers need")
			continue
		}
		at.matches(action, actionPattern, "an action", "service:Action, as in s3:GetObject", "write the service's prefix, a colon and the action")
	}
	if len(p.Resources) == 0 {
		resources.fail("is missing", "at least one ARN", "say on what the actions are allowed")
	}
	for i, resource := range p.Resources {
		at := resources.item(i)
		if resource == "*" {
			at.warn("allows the actions on every resource of the account", "name the resources by their ARNs, if the actions have any")
			continue
		}
		at.matches(resource, resourcePattern, "an ARN", "an ARN, as in arn:aws:s3:::bucket/*", "write the whole ARN")
	}
}
