package cost

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/spec"
)

// fargateSizes are the vCPUs of a Fargate task and the GB that each can have;
// the smallest also takes half a GB.
var fargateSizes = []struct {
	cpu         decimal.Decimal
	least, most decimal.Decimal
}{
	{dec("0.25"), dec("0.5"), num(2)}, {dec("0.5"), num(1), num(4)}, {dec("1"), num(2), num(8)}, {dec("2"), num(4), num(16)},
	{dec("4"), num(8), num(30)}, {dec("8"), num(16), num(60)}, {dec("16"), num(32), num(120)},
}

// runMinutes is how long a run of a scheduled task is taken to last.
const runMinutes = 1

// fargateTask is the size of a task.
type fargateTask struct{ cpu, gb decimal.Decimal }

func (t fargateTask) String() string { return fmt.Sprintf("%s vCPU, %s GB", t.cpu, t.gb) }

// fargateSize is the smallest task with so many vCPUs and GB of memory.
func fargateSize(cpu, gb decimal.Decimal) (fargateTask, bool) {
	for _, size := range fargateSizes {
		if size.cpu.LessThan(cpu) || size.most.LessThan(gb) {
			continue
		}
		if gb = decimal.Max(gb, size.least); gb.GreaterThan(dec("0.5")) {
			gb = gb.Ceil()
		}
		return fargateTask{size.cpu, gb}, true
	}
	return fargateTask{}, false
}

// rests says whether scaling takes the stage down to fewer instances than are
// desired, and leaves it there while the load stays as it is.
func (s *stage) rests() bool {
	scale := s.declared.Scale
	return *scale.Instances.Min < *scale.Instances.Desired && s.load.Busy == 0 && s.load.InstanceHours == nil && s.load.CPU < scale.CPU.ScaleIn
}

// atRest is the stage on its least number of instances.
func (s *stage) atRest() Part {
	load := s.load
	load.InstanceHours = new(num(*s.declared.Scale.Instances.Min).Mul(s.hoursAwake()))
	return ofStage(s.app, s.declared, load)
}

// tasks that a service runs on average: its least number, and more as the
// instances are.
func (s *stage) tasks(service spec.Service) decimal.Decimal {
	tasks := service.TasksIn(s.declared.Scale)
	least, most := num(*tasks.Min), num(*tasks.Max)
	return least.Add(most.Sub(least).Mul(num(s.load.Busy)).Div(num(100)))
}

// sureCPU is the vCPUs that an instance has day and night: of a burstable one its
// baseline, or what the load takes where that is more.
func sureCPU(instance instances.Type, load int) decimal.Decimal {
	cpu := num(instance.VCPU)
	if baseline, ok := baselines[sizeOf(instance.Name)]; ok && instance.Burstable {
		return decimal.Max(baseline, cpu.Mul(num(load)).Div(num(100)))
	}
	return cpu
}

// needed is how many instances the load takes: the least number, unless scaling has
// a reason to have more.
func (s *stage) needed() decimal.Decimal {
	least := num(*s.declared.Scale.Instances.Min)
	if s.load.Busy == 0 && s.load.InstanceHours == nil && least.IsPositive() {
		return least
	}
	return decimal.Max(least, s.average())
}

// onFargate is the stage with Fargate tasks in place of its instances: as many of
// each service as run here, each of the least size that has the memory that the
// task may use here, and the CPU that it is sure of. Fargate runs the processor
// that the instances have.
func (s *stage) onFargate(now Part) (Part, string, bool) {
	instance, known := instances.Lookup(s.declared.Scale.Instance)
	if !known || s.instanceHours().IsZero() {
		return Part{}, "", false
	}
	shares, err := spec.Shares(s.declared.Scale, s.app.Services)
	if err != nil {
		return Part{}, "", false
	}
	cpu, gb, all := decimal.Zero, decimal.Zero, decimal.Zero
	for _, service := range s.app.Services {
		all = all.Add(s.tasks(service))
	}
	var details []string
	hours := s.hoursAwake()
	for _, service := range s.app.Services {
		tasks, share := s.tasks(service), shares[service.Name]
		want := num(service.CPU).Div(num(1024))
		if service.CPU == 0 && all.IsPositive() {
			want = sureCPU(instance, s.load.CPU).Mul(s.needed()).Div(all)
		}
		size, fits := fargateSize(want, num(max(share.Memory, share.TaskMemory)).Div(num(1024)))
		if !fits {
			return Part{}, "", false
		}
		running := tasks.Mul(hours)
		if service.Schedule != "" && *service.TasksIn(s.declared.Scale).Max > 0 {
			tasks = num(1)
			running = num(scheduledRuns * runMinutes).Div(num(60))
		}
		if running.IsPositive() {
			cpu, gb = cpu.Add(running.Mul(size.cpu)), gb.Add(running.Mul(size.gb))
			details = append(details, fmt.Sprintf("%s × %s", number(tasks), size))
		}
	}
	part := now
	part.Lines = withoutInstances(now)
	lines := sheet{region: s.region}
	lines.addFargate(cpu, gb, instance.Arch)
	part.Lines = append(part.Lines, lines.lines...)
	return part, strings.Join(compact(details), "; "), true
}

// withoutInstances are the lines of a stage but those of its container instances.
func withoutInstances(part Part) []Line {
	return slices.DeleteFunc(slices.Clone(part.Lines), func(l Line) bool { return slices.Contains(ofInstances, l.Resource) })
}

// addFargate is what tasks take of Fargate: so many hours of a vCPU and of a GB.
func (s *sheet) addFargate(cpu, gb decimal.Decimal, arch instances.Arch) {
	ofCPU, ofMemory := "fargate-cpu", "fargate-memory"
	if arch == instances.ARM64 {
		ofCPU, ofMemory = "fargate-arm-cpu", "fargate-arm-memory"
	}
	s.add(Line{Resource: "CPU of Fargate tasks", Kind: Fixed}, cpu, priceOf(ofCPU))
	s.add(Line{Resource: "memory of Fargate tasks", Kind: Fixed}, gb, priceOf(ofMemory))
}

// compact says once what is said of several, and of how many.
func compact(texts []string) []string {
	times := map[string]int{}
	var once []string
	for _, text := range texts {
		if times[text]++; times[text] == 1 {
			once = append(once, text)
		}
	}
	for i, text := range once {
		if n := times[text]; n > 1 {
			once[i] = fmt.Sprintf("%d services of %s", n, text)
		}
	}
	return once
}
