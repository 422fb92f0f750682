package cost

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/spec"
)

// What the templates say without being told; a test compares it with them.
const (
	rootVolumeGB = 30
	natInstance  = "t4g.nano"
	natVolumeGB  = 8
	flowLogDays  = 14
	execLogDays  = 90
	// endpointServices is how many interface endpoints `egress: endpoints`
	// makes.
	endpointServices = 9
	// detailedMetrics is how many metrics of an instance one-minute monitoring
	// bills.
	detailedMetrics = 7
)

// What is taken for granted where nobody can know better; docs/cost.md lists
// it.
var (
	// flowLogGB and databaseLogGB are written in a month.
	flowLogGB     = dec("0.1")
	databaseLogGB = dec("0.1")
	// imageGB is what a new instance pulls of an image, and layersGB what a
	// new version of it changes.
	imageGB  = dec("0.25")
	layersGB = dec("0.05")
	// betweenZones is the share of the traffic that changes the availability
	// zone.
	betweenZones = dec("0.5")
	// insightsLogGB is what Container Insights writes in a month of a cluster,
	// a service or a task.
	insightsLogGB = dec("0.05")
	// scheduledRuns of a scheduled task in a month: every hour.
	scheduledRuns = 730
)

// stage is what the lines of a stage are derived from. The declaration is
// complete.
type stage struct {
	sheet
	app      spec.App
	declared spec.Stage
	load     Load
}

// ofStage estimates a stage of a resolved declaration.
func ofStage(app spec.App, declared spec.Stage, load Load) Part {
	s := &stage{sheet: sheet{region: declared.Region}, app: app, declared: declared, load: load}
	for _, add := range []func(){
		s.addInstances, s.addDatabase, s.addEgress, s.addEndpoint, s.addAddresses, s.addNamespace,
		s.addSecrets, s.addAlarms, s.addInsights, s.addKeys, s.addLogs, s.addSchedules, s.addTransfer, s.addImages, s.addFree,
	} {
		add()
	}
	return Part{Name: declared.Name, Region: declared.Region, Load: load, Lines: s.lines}
}

// instanceHours that the cluster runs in a month.
func (s *stage) instanceHours() decimal.Decimal {
	scale := s.declared.Scale.Instances
	desired, most := num(*scale.Desired), num(*scale.Max)
	if given := s.load.InstanceHours; given != nil {
		return decimal.Min(*given, most.Mul(hoursPerMonth))
	}
	busy := most.Sub(desired).Mul(num(s.load.Busy)).Div(num(100))
	return desired.Add(busy).Mul(hoursPerMonth)
}

// average number of instances.
func (s *stage) average() decimal.Decimal { return s.instanceHours().Div(hoursPerMonth) }

// served says whether the endpoint has a task behind it.
func (s *stage) served() bool {
	for _, service := range s.app.Services {
		if service.Public() && *service.TasksIn(s.declared.Scale).Max > 0 {
			return true
		}
	}
	return false
}

// traffic is the load that the stage can have: without tasks it answers
// nothing, and without instances it does nothing at all.
func (s *stage) traffic() Load {
	load := s.load
	idle := s.instanceHours().IsZero()
	if idle || !s.served() {
		load.Requests = 0
	}
	if idle {
		load.OutGB, load.InGB, load.LogGB = nil, nil, decimal.Zero
	}
	return load
}

func (s *stage) public() bool {
	for _, service := range s.app.Services {
		if service.Public() {
			return true
		}
	}
	return false
}

// zones is in how many availability zones the network is.
func (s *stage) zones() int { return max(2, len(s.declared.Network.Zones)) }

func (s *stage) ownNetwork() bool { return s.declared.Network.VPC == nil }

func (s *stage) newDatabase() bool {
	return s.declared.Database != nil && s.declared.Database.Existing == nil
}

// ofInstances are the lines that there are for container instances alone.
var ofInstances = []string{"container instances", "volumes of the instances", "CPU credits of the instances", "one-minute metrics"}

// sizeOf is the size of an instance type: micro of t3.micro.
func sizeOf(instance string) string {
	_, size, _ := strings.Cut(instance, ".")
	return size
}

// addInstances are the container instances, their volumes and their credits.
func (s *stage) addInstances() {
	scale, hours := s.declared.Scale, s.instanceHours()
	detail := fmt.Sprintf("%s × %s", number(s.average()), scale.Instance)
	if scale.Spot {
		detail += ", spot"
	}
	s.add(Line{Resource: "container instances", Detail: detail, Type: "AWS::AutoScaling::AutoScalingGroup", Count: 1, Kind: Fixed},
		hours, instancePrice(scale.Instance, s.region, scale.Spot))
	s.add(Line{Resource: "volumes of the instances", Detail: fmt.Sprintf("gp3, %d GB each, encrypted", rootVolumeGB), Kind: Fixed},
		s.average().Mul(num(rootVolumeGB)), priceOf("ebs-gp3"))
	if name, used := surplus(scale.Instance, s.load.CPU); !used.IsZero() {
		s.add(Line{Resource: "CPU credits of the instances", Detail: fmt.Sprintf("%d %% CPU day and night is more than %s earns", s.load.CPU, scale.Instance), Kind: Usage},
			used.Mul(hours), priceOf(name))
	}
	if scale.OneMinuteMetrics() {
		s.add(Line{Resource: "one-minute metrics", Detail: "scale.cpu.for is no multiple of 5m", Kind: Fixed},
			s.average().Mul(num(detailedMetrics)), priceOf("metric"))
	}
}

// baselines are the vCPUs that a burstable instance may use for its price.
var baselines = map[string]decimal.Decimal{
	"nano": dec("0.1"), "micro": dec("0.2"), "small": dec("0.4"), "medium": dec("0.4"),
	"large": dec("0.6"), "xlarge": dec("1.6"), "2xlarge": dec("3.2"),
}

// surplus is how many vCPUs an instance uses beyond its baseline at a load,
// and the name of their price. T2 is not billed for it: it slows down.
func surplus(instance string, cpu int) (key string, used decimal.Decimal) {
	family, _, _ := strings.Cut(instance, ".")
	switch family {
	case "t3", "t3a":
		key = "cpu-credits-t3"
	case "t4g":
		key = "cpu-credits-t4g"
	default:
		return "", decimal.Zero
	}
	known, ok := instances.Lookup(instance)
	if !ok {
		return "", decimal.Zero
	}
	used = num(known.VCPU).Mul(num(cpu)).Div(num(100)).Sub(baselines[sizeOf(instance)])
	return key, decimal.Max(used, decimal.Zero)
}

// addDatabase is a new Postgres instance; one that was there is paid for
// already.
func (s *stage) addDatabase() {
	if !s.newDatabase() {
		return
	}
	db := s.declared.Database
	class := strings.TrimPrefix(db.Instance, "db.")
	copies, detail := 1, "Postgres on "+class
	if *db.MultiAZ {
		copies, detail = 2, detail+", with a standby"
	}
	s.add(Line{Resource: "database", Detail: detail, Type: "AWS::RDS::DBInstance", Count: 1, Kind: Fixed},
		hoursPerMonth.Mul(num(copies)), databasePrice(class, s.region))
	s.add(Line{Resource: "database storage", Detail: fmt.Sprintf("gp3, %d GB, encrypted; backups of the same size are free", db.Storage), Kind: Fixed},
		num(db.Storage*copies), priceOf("rds-gp3"))
	if _, used := surplus(class, s.load.CPU); !used.IsZero() {
		s.add(Line{Resource: "CPU credits of the database", Detail: fmt.Sprintf("%d %% CPU day and night is more than %s earns", s.load.CPU, class), Kind: Usage},
			used.Mul(hoursPerMonth).Mul(num(copies)), priceOf("cpu-credits-rds"))
	}
}

// addEgress is the way out of the private subnets.
func (s *stage) addEgress() {
	if !s.ownNetwork() {
		return
	}
	through := s.throughEgress()
	gateways := 0
	switch s.declared.Network.Egress {
	case spec.NATInstance:
		s.add(Line{Resource: "NAT instance", Detail: natInstance, Type: "AWS::EC2::Instance", Count: 1, Kind: Fixed},
			hoursPerMonth, instancePrice(natInstance, s.region, false))
		s.add(Line{Resource: "volume of the NAT instance", Detail: fmt.Sprintf("gp3, %d GB, encrypted", natVolumeGB), Kind: Fixed},
			num(natVolumeGB), priceOf("ebs-gp3"))
	case spec.NATGateway:
		gateways = 1
	case spec.NATGatewayPerZone:
		gateways = s.zones()
	case spec.VPCEndpoints:
		s.add(Line{Resource: "VPC endpoints", Detail: fmt.Sprintf("%d services in %d zones", endpointServices, s.zones()), Type: "AWS::EC2::VPCEndpoint", Count: endpointServices, Kind: Fixed},
			hoursPerMonth.Mul(num(endpointServices*s.zones())), priceOf("vpc-endpoint"))
		s.add(Line{Resource: "traffic through the VPC endpoints", Detail: "logs, and images that are not in the stage's registry", Kind: Usage}, through, priceOf("vpc-endpoint-data"))
	}
	if gateways > 0 {
		s.add(Line{Resource: "NAT gateways", Detail: fmt.Sprintf("%d", gateways), Type: "AWS::EC2::NatGateway", Count: gateways, Kind: Fixed},
			hoursPerMonth.Mul(num(gateways)), priceOf("nat-gateway"))
		s.add(Line{Resource: "traffic through the NAT gateways", Detail: "logs, and images that are not in the stage's registry", Kind: Usage}, through, priceOf("nat-gateway-data"))
	}
	s.free("S3 gateway endpoint", "AWS::EC2::VPCEndpoint", 1)
}

// throughEgress is the GB that instances send and fetch themselves. Answers to
// requests go back through the endpoint, and layers of images in the stage's
// registry come through the S3 gateway endpoint.
func (s *stage) throughEgress() decimal.Decimal {
	existing := 0
	for _, service := range s.app.Services {
		if service.Image != "" {
			existing++
		}
	}
	return s.traffic().LogGB.Add(imageGB.Mul(num(existing)).Mul(s.average()))
}

// addAddresses are public IPv4 addresses, of whatever has one.
func (s *stage) addAddresses() {
	network := s.declared.Network
	add := func(of, kind string, count int, hours decimal.Decimal) {
		s.add(Line{Resource: "public IPv4 " + of, Type: kind, Count: count, Kind: Fixed}, hours, priceOf("public-ipv4"))
	}
	if s.ownNetwork() {
		switch network.Egress {
		case spec.NATInstance:
			add("of the NAT instance", "", 0, hoursPerMonth)
		case spec.NATGateway:
			add("of the NAT gateway", "AWS::EC2::EIP", 1, hoursPerMonth)
		case spec.NATGatewayPerZone:
			add("of the NAT gateways", "AWS::EC2::EIP", s.zones(), hoursPerMonth.Mul(num(s.zones())))
		}
	}
	if network.Egress == spec.PublicIP {
		add("of the instances", "", 0, s.instanceHours())
	}
	if s.public() && s.declared.Endpoint.Type == spec.ALB {
		zones := s.zones()
		if network.VPC != nil {
			zones = len(network.VPC.PublicSubnets)
		}
		add("of the load balancer", "", 0, hoursPerMonth.Mul(num(zones)))
	}
}

// addNamespace is the private zone in which tasks find one another, and an
// HTTP API finds them. Cloud Map itself asks nothing for what ECS registers.
func (s *stage) addNamespace() {
	if s.endpointKind() != httpAPI && !spec.HasProxies(s.app.Services) {
		return
	}
	s.addEach("AWS::ServiceDiscovery::PrivateDnsNamespace", 1, "private DNS zone", "where services are found")
}

// addSecrets are those that the stage makes: the database's credentials.
// Secrets that it refers to are there already.
func (s *stage) addSecrets() {
	if s.newDatabase() {
		s.addEach("AWS::SecretsManager::Secret", 1, "secrets", "credentials of the database")
	}
}

// addKeys are the customer keys of the stage: that of recorded shells.
func (s *stage) addKeys() {
	if s.recordsExec() {
		s.addEach("AWS::KMS::Key", 1, "KMS keys", "of recorded shells")
	}
}

func (s *stage) recordsExec() bool { return *s.declared.Exec && *s.declared.Production }

// insightsMetrics is how many metrics Container Insights bills: 8 of a
// cluster, 11 of a service and 6 of a task definition.
func (s *stage) insightsMetrics() int {
	metrics := 8
	for _, service := range s.app.Services {
		metrics += 6
		if service.Schedule == "" {
			metrics += 11
		}
	}
	return metrics
}

// insightsLogs is of how many things Container Insights keeps a log: the
// cluster, its services, and the tasks that always run.
func (s *stage) insightsLogs() int {
	logs := 1
	for _, service := range s.app.Services {
		logs += 1 + *service.TasksIn(s.declared.Scale).Min
	}
	return logs
}

func (s *stage) addInsights() {
	if *s.declared.ContainerInsights {
		s.add(Line{Resource: "Container Insights", Detail: "metrics of the cluster and " + counted(len(s.app.Services), "service"), Kind: Fixed},
			num(s.insightsMetrics()), priceOf("metric"))
		s.add(Line{Resource: "logs of Container Insights", Kind: Usage}, insightsLogGB.Mul(num(s.insightsLogs())), priceOf("log-ingest"))
	}
}

// addLogs is what is written to CloudWatch, and what is kept of it: as much as
// was written in the days of its retention.
func (s *stage) addLogs() {
	groups, written, stored := 0, decimal.Zero, decimal.Zero
	log := func(gb decimal.Decimal, days int) {
		groups++
		written = written.Add(gb)
		stored = stored.Add(kept(gb, days))
	}
	for i := range s.app.Services {
		gb := decimal.Zero
		if i == 0 {
			gb = s.traffic().LogGB // of all services together
		}
		log(gb, s.declared.LogRetentionDays)
	}
	if s.ownNetwork() {
		log(flowLogGB, flowLogDays)
	}
	if kind := s.endpointKind(); kind == httpAPI || kind == restAPI {
		log(gb(s.traffic().Requests, dec(accessLogKB)), s.declared.LogRetentionDays)
	}
	if s.newDatabase() {
		log(databaseLogGB, s.declared.LogRetentionDays)
	}
	if s.recordsExec() {
		log(decimal.Zero, execLogDays)
	}
	s.addLogLines(groups, written, stored)
}

func (s *stage) addLogLines(groups int, written, stored decimal.Decimal) {
	s.add(Line{Resource: "logs", Detail: "written to " + counted(groups, "log group"), Type: "AWS::Logs::LogGroup", Count: groups, Kind: Usage},
		written, priceOf("log-ingest"))
	s.add(Line{Resource: "kept logs", Detail: fmt.Sprintf("of %d days", s.declared.LogRetentionDays), Kind: Usage}, stored, priceOf("log-store"))
}

// addSchedules are scheduled tasks: what starts them, and where their failures
// are collected.
func (s *stage) addSchedules() {
	tasks := 0
	runs := 0
	for _, service := range s.app.Services {
		if service.Schedule == "" {
			continue
		}
		tasks++
		if *service.TasksIn(s.declared.Scale).Max > 0 {
			runs += scheduledRuns
		}
	}
	if tasks == 0 {
		return
	}
	million := num(runs).Div(num(1_000_000))
	s.add(Line{Resource: "schedules", Detail: "a run an hour", Type: "AWS::Scheduler::Schedule", Count: tasks, Kind: Usage}, million, priceOf("scheduler"))
	s.add(Line{Resource: "queues of failed runs", Type: "AWS::SQS::Queue", Count: tasks, Kind: Usage}, million, priceOf("sqs"))
	s.free("rules for failed runs", "AWS::Events::Rule", tasks)
}

// addTransfer is what leaves for the internet, and what crosses zones.
func (s *stage) addTransfer() {
	load := s.traffic()
	s.add(Line{Resource: "traffic to the internet", Kind: Usage}, load.outGB(), priceOf("transfer-out"))
	s.add(Line{Resource: "traffic between zones", Detail: "half of what goes in and out", Kind: Usage},
		load.outGB().Add(load.inGB()).Mul(betweenZones), priceOf("transfer-zone"))
}

// addImages is what pulling images costs: nothing within a region, so only
// images that are declared in another, and without a pipeline the repository
// that `cdk bootstrap` made.
func (s *stage) addImages() {
	far, built := 0, 0
	for _, service := range s.app.Services {
		if region, ecr := service.ImageRegion(); ecr && region != s.region {
			far++
		}
		if service.Image == "" {
			built++
		}
	}
	s.add(Line{Resource: "images pulled from another region", Detail: "once by each instance", Kind: Usage},
		imageGB.Mul(num(far)).Mul(s.average()), priceOf("transfer-region"))
	if s.app.Pipeline == nil {
		s.add(Line{Resource: "images in the bootstrap repository", Detail: fmt.Sprintf("%d images each of %s", spec.DefaultKeepImages, counted(built, "service")), Kind: Usage},
			keptImages(spec.DefaultKeepImages).Mul(num(built)), priceOf("ecr"))
	}
}

// keptImages is the GB of the images of one service.
func keptImages(keep int) decimal.Decimal { return imageGB.Add(layersGB.Mul(num(keep))) }

// number writes a quantity as people do: to three digits after the point, and
// a very small one to as many as it takes.
func number(d decimal.Decimal) string {
	if rounded := d.Round(3); !rounded.IsZero() || d.IsZero() {
		return grouped(rounded.String())
	}
	return d.Round(7).String()
}
