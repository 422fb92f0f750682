package cost

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/spec"
)

// Elsewhere is what one application costs a month in one of several ways to run
// it.
type Elsewhere struct {
	// Way that it runs.
	Way string `json:"way"`
	// Detail says what is paid for.
	Detail string `json:"detail"`
	// Total a month.
	Total Total `json:"total"`
}

// ComparedServices are the numbers of services that applications are compared with.
var ComparedServices = []int{1, 3, 8}

// serviceMiB is the memory that each service of the compared application needs.
const serviceMiB = 256

// hostMiB is what a host takes for itself where nobody else says so.
const hostMiB = 256

// neededCPU is how many vCPUs the compared application takes on average, all its
// services together.
var neededCPU = map[string]decimal.Decimal{"light": dec("0.05"), "moderate": dec("0.5"), "heavy": num(4)}

var endpointNames = map[spec.EndpointType]string{spec.APIGateway: "HTTP API", spec.ALB: "ALB"}

// comparedInstances are the types that the comparison chooses from, all Graviton.
var comparedInstances = []string{
	"t4g.micro", "t4g.small", "t4g.medium", "t4g.large",
	"m7g.medium", "m7g.large", "m7g.xlarge", "c7g.medium", "c7g.large", "c7g.xlarge", "c7g.2xlarge",
}

// lightsailPowers are the sizes of a node of a Lightsail container service.
var lightsailPowers = []struct {
	name, price string
	cpu, gb     decimal.Decimal
}{
	{"nano", "lightsail-nano", dec("0.25"), dec("0.5")}, {"micro", "lightsail-micro", dec("0.25"), num(1)},
	{"small", "lightsail-small", dec("0.5"), num(1)}, {"medium", "lightsail-medium", num(1), num(2)},
	{"large", "lightsail-large", num(2), num(4)}, {"xlarge", "lightsail-xlarge", num(4), num(8)},
}

// AnyWay is what an application of so many services, one of them public, costs in
// us-east-1 under a load, without a database and a pipeline: here, with its tasks on
// Fargate, as services of ECS Express Mode, on one instance of its own with Docker
// Compose, and as a Lightsail container service. Each is as small as the
// load allows.
func AnyWay(services int, load Load) ([]Elsewhere, error) {
	need, known := neededCPU[load.Name]
	if !known {
		return nil, fmt.Errorf("%q is not a load: choose one of light, moderate and heavy", load.Name)
	}
	app, part, err := cheapestHere(services, need, load)
	if err != nil {
		return nil, err
	}
	stage := app.Stages[0]
	tasks := *stage.Scale.Tasks.Min
	all := []Elsewhere{{"tinystack", fmt.Sprintf("%d × %s, %s", *stage.Scale.Instances.Min, stage.Scale.Instance, endpointNames[stage.Endpoint.Type]), part.Total()}}

	size, fits := fargateSize(need.Div(num(services*tasks)), num(serviceMiB).Div(num(1024)))
	if !fits {
		return nil, fmt.Errorf("no Fargate task has %s vCPU", need)
	}
	s := &stageOf{sheet{region: homeRegion}, load}
	for _, line := range part.Lines {
		if !slices.Contains(ofInstances, line.Resource) {
			s.lines = append(s.lines, line)
		}
	}
	s.tasks(size, services*tasks)
	detail := fmt.Sprintf("%d × %s", services*tasks, size)
	all = append(all, Elsewhere{"the same with Fargate", detail, s.total()})

	s = &stageOf{sheet{region: homeRegion}, load}
	s.tasks(size, services*tasks)
	s.add(Line{Resource: "public IPv4 of tasks and load balancer", Kind: Fixed}, hoursPerMonth.Mul(num(services*tasks+2)), priceOf("public-ipv4"))
	s.add(Line{Resource: "ALB", Kind: Fixed}, hoursPerMonth, priceOf("alb"))
	s.add(Line{Resource: "capacity units", Kind: Usage}, load.traffic(services).LCU().Mul(hoursPerMonth), priceOf("lcu"))
	s.add(Line{Resource: "logs", Kind: Usage}, load.LogGB, priceOf("log-ingest"))
	s.add(Line{Resource: "traffic to the internet", Kind: Usage}, load.outGB(), priceOf("transfer-out"))
	all = append(all, Elsewhere{"ECS Express Mode", detail, s.total()})

	host, found := cheapestHost(services*serviceMiB+hostMiB, need)
	if found {
		s = &stageOf{sheet{region: homeRegion}, load}
		s.add(Line{Resource: "instance", Kind: Fixed}, hoursPerMonth, instancePrice(host, homeRegion, false))
		s.add(Line{Resource: "volume", Kind: Fixed}, num(rootVolumeGB), priceOf("ebs-gp3"))
		s.add(Line{Resource: "public IPv4", Kind: Fixed}, hoursPerMonth, priceOf("public-ipv4"))
		s.add(Line{Resource: "traffic to the internet", Kind: Usage}, load.outGB(), priceOf("transfer-out"))
		all = append(all, Elsewhere{"one EC2 host with Docker Compose", host, s.total()})
	}

	nodes := 1
	for ; nodes <= 20; nodes++ { // as many as a service may have
		cpu, gb := need.Div(num(nodes)), num(services*serviceMiB).Div(num(1024))
		for _, power := range lightsailPowers {
			if power.cpu.LessThan(cpu) || power.gb.LessThan(gb) {
				continue
			}
			s = &stageOf{sheet{region: homeRegion}, load}
			s.add(Line{Resource: "container service", Kind: Fixed}, num(nodes), priceOf(power.price))
			s.add(Line{Resource: "traffic beyond 500 GB", Kind: Usage}, decimal.Max(decimal.Zero, load.outGB().Sub(num(500))), priceOf("transfer-out"))
			return append(all, Elsewhere{"Lightsail containers", fmt.Sprintf("%d × %s", nodes, power.name), s.total()}), nil
		}
	}
	return all, nil
}

// stageOf is a sheet for what tinystack does not make.
type stageOf struct {
	sheet
	load Load
}

func (s *stageOf) total() Total { return Part{Lines: s.lines}.Total() }

func (s *stageOf) tasks(size fargateTask, n int) {
	hours := hoursPerMonth.Mul(num(n))
	s.add(Line{Resource: "CPU of Fargate tasks", Kind: Fixed}, hours.Mul(size.cpu), priceOf("fargate-arm-cpu"))
	s.add(Line{Resource: "memory of Fargate tasks", Kind: Fixed}, hours.Mul(size.gb), priceOf("fargate-arm-memory"))
}

// cheapestHere is the cheapest declaration whose instances have the memory and,
// day and night, the CPU.
func cheapestHere(services int, need decimal.Decimal, load Load) (spec.App, Part, error) {
	var bestApp spec.App
	var best Part
	for _, name := range comparedInstances {
		instance, _ := instances.Lookup(name)
		for n := 1; n <= 8; n++ {
			if sureCPU(instance, 0).Mul(num(n)).LessThan(need) {
				continue
			}
			app, err := compared(services, name, n).Resolve()
			if err != nil {
				continue // it does not fit
			}
			running := load
			running.CPU, running.Busy = 0, 0
			for _, endpoint := range []spec.EndpointType{spec.APIGateway, spec.ALB} {
				app.Stages = slices.Clone(app.Stages)
				app.Stages[0].Endpoint.Type = endpoint
				if part := ofStage(app, app.Stages[0], running); best.Lines == nil || part.exact().LessThan(best.exact()) {
					bestApp, best = app, part
				}
			}
			break
		}
	}
	if best.Lines == nil {
		return spec.App{}, Part{}, fmt.Errorf("no instance has room for %d services", services)
	}
	return bestApp, best, nil
}

// compared is the application that the comparison is of.
func compared(services int, instance string, n int) spec.App {
	app := spec.App{Name: "shop", Stages: []spec.Stage{{Name: "live", Region: homeRegion}}}
	for i := range services {
		app.Services = append(app.Services, spec.Service{Name: fmt.Sprintf("s%d", i+1), Worker: i > 0, Memory: serviceMiB})
	}
	scale := &app.Stages[0].Scale
	scale.Instance = instance
	scale.Instances = spec.Instances{Min: new(n), Desired: new(n), Max: new(n)}
	scale.Tasks = spec.Tasks{Min: new(n), Max: new(n)}
	return app
}

// cheapestHost is the cheapest single instance with so much memory and CPU.
func cheapestHost(mib int, need decimal.Decimal) (name string, found bool) {
	lowest := decimal.Zero
	for _, candidate := range comparedInstances {
		instance, _ := instances.Lookup(candidate)
		price := instancePrice(candidate, homeRegion, false).amount(num(1))
		if instance.MemoryMiB < mib || sureCPU(instance, 0).LessThan(need) || !price.Known() {
			continue
		}
		if !found || price.usd.LessThan(lowest) {
			name, found, lowest = candidate, true, price.usd
		}
	}
	return name, found
}
