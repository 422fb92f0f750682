package cost

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/spec"
)

// What the templates say without being told; a test compares it with them.
const (
	rootVolumeGB = 30
	natInstance  = "t4g.nano"
	natVolumeGB  = 8
	flowLogDays  = 14
	execLogDays  = 90
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
	// wakeOverhead is how many minutes a canary that sleeps is awake beside its
	// bake: it starts, is deployed to, is tested, and goes back to sleep.
	wakeOverhead = 30
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
		s.addInstances, s.addDatabase, s.addEgress, s.addEndpoint, s.addRouting, s.addAddresses, s.addNamespace,
		s.addSecrets, s.addFunctions, s.addAlarms, s.addMonitoring, s.addInsights, s.addKeys, s.addLogs, s.addSchedules, s.addTransfer, s.addImages, s.addFree,
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
	return desired.Add(busy).Mul(s.hoursAwake())
}

// hoursAwake are those of the month in which the stage runs: a canary that
// sleeps does so for each build, while it is deployed to, tested and bakes.
func (s *stage) hoursAwake() decimal.Decimal {
	if !s.declared.Sleeps {
		return hoursPerMonth
	}
	minutes := s.declared.Bake.Minutes() + wakeOverhead
	return decimal.Min(hoursPerMonth, num(s.load.Builds*minutes).Div(num(60)))
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

func (s *stage) newDatabase() bool { return s.declared.NewDatabase() }

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
	if s.declared.Sleeps {
		detail += fmt.Sprintf(" on average, awake for %s hours of %d builds", number(s.hoursAwake().Round(1)), s.load.Builds)
	}
	if *scale.Spot {
		detail += ", spot"
	}
	s.add(Line{Resource: "container instances", Detail: detail, Type: "AWS::AutoScaling::AutoScalingGroup", Count: 1, Kind: Fixed},
		hours, instancePrice(scale.Instance, s.region, *scale.Spot))
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

// addSecrets are those that the stage makes: the database's credentials.
// Secrets that it refers to are there already.
func (s *stage) addSecrets() {
	if !s.newDatabase() {
		return
	}
	of := []string{"credentials of the database"}
	if s.declared.Database.Alternates() {
		of = append(of, "of the services in it")
	}
	if len(s.declared.ComposedVariables(s.app.Services...)) > 0 {
		of = append(of, "connection strings")
	}
	if s.declared.ComposesForMigrations(s.app) {
		of = append(of, "those of migrations")
	}
	s.addEach("AWS::SecretsManager::Secret", len(of), "secrets", phrase.List(of, "and"))
}

// addKeys are the customer keys of the stage.
func (s *stage) addKeys() {
	var of []string
	if s.recordsExec() {
		of = append(of, "of recorded shells")
	}
	if s.declared.Alarms.OwnTopic() {
		of = append(of, "of notifications")
	}
	for _, region := range s.toldRegions() {
		of = append(of, "of notifications in "+region)
	}
	if s.declared.Logs.Encrypted {
		of = append(of, "of logs")
	}
	for _, region := range s.declared.ReplicaRegions() {
		of = append(of, "of the replica in "+region)
	}
	s.addEach("AWS::KMS::Key", len(of), "KMS keys", strings.Join(of, ", "))
}

func (s *stage) recordsExec() bool { return *s.declared.Exec && *s.declared.Production }

// number writes a quantity as people do: to three digits after the point, and
// a very small one to as many as it takes.
func number(d decimal.Decimal) string {
	if rounded := d.Round(3); !rounded.IsZero() || d.IsZero() {
		return grouped(rounded.String())
	}
	return d.Round(7).String()
}
