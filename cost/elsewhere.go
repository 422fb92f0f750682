package cost

import (
	"fmt"

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

// lightsailNodes is how many nodes a container service may have, and lightsailGB the
// traffic that its price includes.
const (
	lightsailNodes = 20
	lightsailGB    = 500
)

// AnyWay is what an application of so many services, one of them public, costs in
// us-east-1 at light, moderate or heavy load, without a database and a pipeline:
// here, with its tasks on Fargate, as services of ECS Express Mode, on one instance
// of its own with Docker Compose, and as a Lightsail container service. Each is as
// small as the load allows; a way that is too small for it is left out.
func AnyWay(services int, profile string) ([]Elsewhere, error) {
	load, err := Profile(profile)
	if err != nil {
		return nil, err
	}
	need := neededCPU[profile]
	here, part, err := cheapestHere(services, need, load)
	if err != nil {
		return nil, err
	}
	scale := here.declared.Scale
	all := []Elsewhere{{"tinystack", fmt.Sprintf("%d × %s, %s", *scale.Instances.Min, scale.Instance, here.endpointKind()), part.Total()}}
	add := func(way, detail string, lines []Line) {
		all = append(all, Elsewhere{way, detail, Part{Lines: lines}.Total()})
	}

	tasks := services * *scale.Tasks.Min
	size, fits := fargateSize(need.Div(num(tasks)), num(serviceMiB).Div(num(1024)))
	if !fits {
		return nil, fmt.Errorf("no Fargate task has %s vCPU", need)
	}
	fargate := sheet{region: homeRegion}
	hours := hoursPerMonth.Mul(num(tasks))
	fargate.addFargate(hours.Mul(size.cpu), hours.Mul(size.gb), instances.ARM64)
	detail := fmt.Sprintf("%d × %s", tasks, size)
	add("the same with Fargate", detail, append(withoutInstances(part), fargate.lines...))
	add("ECS Express Mode", detail, append(expressMode(services, tasks, load), fargate.lines...))
	if host, found := cheapestHost(services*serviceMiB+hostMiB, need); found {
		add("one EC2 host with Docker Compose", host, onHost(host, load))
	}
	if lines, detail, found := onLightsail(services, need, load); found {
		add("Lightsail containers", detail, lines)
	}
	return all, nil
}

// expressMode is what services of ECS Express Mode pay beside their tasks, which have
// public addresses and share a load balancer.
func expressMode(services, tasks int, load Load) []Line {
	s := sheet{region: homeRegion}
	s.add(Line{Resource: "public IPv4 of tasks and load balancer", Kind: Fixed}, hoursPerMonth.Mul(num(tasks+2)), priceOf("public-ipv4"))
	s.add(Line{Resource: "ALB", Kind: Fixed}, hoursPerMonth, priceOf("alb"))
	s.add(Line{Resource: "capacity units", Kind: Usage}, load.traffic(services).LCU().Mul(hoursPerMonth), priceOf("lcu"))
	s.add(Line{Resource: "logs", Kind: Usage}, load.LogGB, priceOf("log-ingest"))
	s.add(Line{Resource: "traffic to the internet", Kind: Usage}, load.outGB(), priceOf("transfer-out"))
	return s.lines
}

// onHost is what one instance with Docker Compose pays.
func onHost(instance string, load Load) []Line {
	s := sheet{region: homeRegion}
	s.add(Line{Resource: "instance", Kind: Fixed}, hoursPerMonth, instancePrice(instance, homeRegion, false))
	s.add(Line{Resource: "volume", Kind: Fixed}, num(rootVolumeGB), priceOf("ebs-gp3"))
	s.add(Line{Resource: "public IPv4", Kind: Fixed}, hoursPerMonth, priceOf("public-ipv4"))
	s.add(Line{Resource: "traffic to the internet", Kind: Usage}, load.outGB(), priceOf("transfer-out"))
	return s.lines
}

// onLightsail is what the smallest container service pays, each node of which runs
// all services.
func onLightsail(services int, need decimal.Decimal, load Load) (lines []Line, detail string, found bool) {
	gb := num(services * serviceMiB).Div(num(1024))
	for nodes := 1; nodes <= lightsailNodes; nodes++ {
		for _, power := range lightsailPowers {
			if power.cpu.LessThan(need.Div(num(nodes))) || power.gb.LessThan(gb) {
				continue
			}
			s := sheet{region: homeRegion}
			s.add(Line{Resource: "container service", Kind: Fixed}, num(nodes), priceOf(power.price))
			s.add(Line{Resource: "traffic beyond what is included", Kind: Usage}, decimal.Max(decimal.Zero, load.outGB().Sub(num(lightsailGB))), priceOf("transfer-out"))
			return s.lines, fmt.Sprintf("%d × %s", nodes, power.name), true
		}
	}
	return nil, "", false
}

// cheapestHere is the cheapest declaration whose instances have the memory and,
// day and night, the CPU.
func cheapestHere(services int, need decimal.Decimal, load Load) (here *stage, best Part, err error) {
	load.CPU, load.Busy = 0, 0 // the instances are as many as it takes
	for _, name := range comparedInstances {
		app, fits := smallest(services, name, need)
		if !fits {
			continue
		}
		for _, endpoint := range []spec.EndpointType{spec.APIGateway, spec.ALB} {
			declared := app.Stages[0]
			declared.Endpoint.Type = endpoint
			if part := ofStage(app, declared, load); here == nil || part.exact().LessThan(best.exact()) {
				here, best = &stage{app: app, declared: declared}, part
			}
		}
	}
	if here == nil {
		return nil, Part{}, fmt.Errorf("no instance has room for %d services", services)
	}
	return here, best, nil
}

// mostCompared is how many instances of a type are tried.
const mostCompared = 8

// smallest is the application on as few instances of a type as have the memory and
// the CPU.
func smallest(services int, name string, need decimal.Decimal) (spec.App, bool) {
	instance, _ := instances.Lookup(name)
	for n := 1; n <= mostCompared; n++ {
		if sureCPU(instance, 0).Mul(num(n)).LessThan(need) {
			continue
		}
		if app, err := compared(services, name, n).Resolve(); err == nil {
			return app, true
		}
	}
	return spec.App{}, false
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
