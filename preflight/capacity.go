package preflight

import (
	"fmt"
	"strings"

	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// leastMiB is what common runtimes (a JVM, Node, Python with a framework) do
// not start below.
const leastMiB = 128

// capacity looks at whether tasks have room. What does not fit at all is
// refused by the declaration; see [spec.Shares].
func (s staged) capacity() {
	for _, class := range s.classes() {
		if !class.current {
			s.add(as(finding.PreviousGeneration, class.severity()), class.path, "AWS lists "+class.name+" as of a previous generation",
				"it is slower and dearer than its successors, and new zones and regions do not get it",
				"use "+class.instead)
		}
	}
	if !s.running() {
		return
	}
	instance, known := instances.Lookup(s.Scale.Instance)
	shares, err := spec.Shares(s.Scale, s.app.Services)
	if !known || err != nil {
		return // nothing can be said of a type that is newer than the table
	}
	s.memory(instance, shares)
	s.interfaces(instance)
	s.replacement()
}

// replacement looks at whether an instance that is replaced leaves another.
func (s staged) replacement() {
	if *s.Scale.Instances.Max > 1 {
		return
	}
	kind := finding.ReplacementPause
	if s.real() {
		kind = as(kind, Warning)
	}
	s.add(kind, ".scale.instances.max", "the stage has one instance at most, so whatever replaces it ends it first",
		"each release of the machine image, and each other instance type, stops all tasks for the minutes that a new instance and they take to start",
		"set instances.max to 2: the successor then starts first, and is paid for only meanwhile")
}

// class is a type of instance that the stage uses.
type class struct {
	path, name, instead string
	current             bool
}

// lastNitroless is the last generation of most series whose virtualization is not
// AWS's own hardware; AWS takes such types out of service one by one.
const lastNitroless = 4

// severity of the class being of a previous generation: AWS calls types so that are
// a few years old and sold as ever.
func (c class) severity() Severity {
	if series, generation := instances.Generation(c.name); generation > lastNitroless && series != "a" {
		return Notice
	}
	return Warning
}

// graviton is a type that is suggested where one with an ARM processor is wanted.
const graviton = "m8g.large"

func (s staged) classes() []class {
	var found []class
	if t, known := instances.Lookup(s.Scale.Instance); known {
		instead := "m8i.large or another type of a current generation"
		if t.Arch == instances.ARM64 {
			instead = graviton + " or another type of a current generation"
		}
		found = append(found, class{".scale.instance", t.Name, instead, t.Current})
	}
	if s.NewDatabase() {
		if d, known := instances.LookupDatabase(s.Database.Instance); known {
			found = append(found, class{".database.instance", d.Name, "t4g.micro, m7g.large or another class of a current generation: applications do not notice the architecture of a database", d.Current})
		}
	}
	return found
}

func (s staged) memory(instance instances.Type, shares map[string]spec.Share) {
	smallest, largest := max(1, *s.Scale.Instances.Min), *s.Scale.Instances.Max
	var little []string
	used, reserved := 0, 0
	for _, service := range s.app.Services {
		share, tasks := shares[service.Name], 1
		if service.Schedule == "" {
			tasks = *service.TasksIn(s.Scale).Max
		}
		if share.Memory < leastMiB {
			little = append(little, fmt.Sprintf("%s %d MiB", service.Name, share.Memory))
		}
		reservation := share.MemoryReservation
		if share.TaskMemory > 0 {
			reservation = share.TaskMemory
		}
		used += (tasks + smallest - 1) / smallest * share.Memory
		reserved += tasks * reservation
	}
	usable := instance.UsableMemoryMiB()
	if len(little) > 0 {
		s.add(finding.LittleMemory, ".scale.instance", fmt.Sprintf("tasks have little memory on %s: %s", instance.Name, phrase.List(little, "and")),
			fmt.Sprintf("many runtimes do not start below %d MiB: the kernel kills them, and the deployment waits and is rolled back", leastMiB),
			"take an instance with more memory, or declare memory where so little is enough")
	}
	if used > usable {
		s.add(finding.MemoryPromisedTwice, ".scale", fmt.Sprintf("at tasks.max on the fewest instances the tasks of one %s may use %d MiB, and it has %d", instance.Name, used, usable),
			"what is not declared is promised more than once (docs/sizing.md); if all of it is used at once, the kernel kills the largest task",
			"declare memory to reserve it as a whole, or lower tasks.max")
	}
	if most := largest * usable; reserved > most {
		s.add(finding.TasksBeyondInstances, ".scale", fmt.Sprintf("at tasks.max the tasks reserve %d MiB, and the largest cluster, %d × %s, has %d", reserved, largest, instance.Name, most),
			"tasks.max is never reached: the last tasks wait for room that does not come",
			"raise instances.max, lower tasks.max, or declare less memory")
	}
}

// interfaces looks at tasks with network interfaces of their own.
func (s staged) interfaces(instance instances.Type) {
	most := 0
	for _, service := range s.app.Services {
		if service.NetworkMode == spec.AWSVPC && service.Schedule == "" {
			most += *service.TasksIn(s.Scale).Max
		}
	}
	slots := *s.Scale.Instances.Desired * instance.TaskENIs()
	if s.Scale.Mode == spec.CPUAlarms && most > slots {
		s.add(finding.FewInterfaces, ".scale", fmt.Sprintf("tasks with a network interface each are up to %d, and %d × %s have room for %d", most, *s.Scale.Instances.Desired, instance.Name, slots),
			"instances follow the load of their CPU, not the tasks that wait: above that number a task waits until the instances themselves are busy",
			"use networkMode: bridge, mode: managed, or a type with more interfaces")
	}
}

// baselines are the loads in percent that burstable instances sustain without
// credits (Amazon EC2 user guide, "Key concepts for burstable performance
// instances", read 2026-11), by size; t2.xlarge and t2.2xlarge differ.
var baselines = map[string]float64{"nano": 5, "micro": 10, "small": 20, "medium": 20, "large": 30, "xlarge": 40, "2xlarge": 40}

// What a vCPU-hour above the baseline costs in us-east-1, in cents: T3 and
// T3a, and T4g (Amazon EC2 pricing, "T2/T3/T4g Unlimited mode", read 2026-11).
const (
	surplusCents    = 5.0
	surplusCentsARM = 4.0
)

// baseline is the load in percent that an instance sustains.
func baseline(name string) float64 {
	switch name {
	case "t2.xlarge":
		return 22.5
	case "t2.2xlarge":
		return 17
	}
	_, size, _ := strings.Cut(name, ".")
	return baselines[size]
}

// production looks at what a production stage should have.
func (s staged) production() {
	s.spot()
	if !s.real() {
		return
	}
	s.alarms()
	if s.Removal == spec.RemovalDestroy {
		s.add(finding.DataDeleted, ".removal", "the data of a production stage is deleted with the stage",
			"whoever deletes the stack by mistake has no database to go back to", "choose snapshot or retain")
	}
	if !s.running() {
		return
	}
	if instance, known := instances.Lookup(s.Scale.Instance); known && instance.Burstable && float64(s.Scale.CPU.ScaleOut) > baseline(instance.Name) {
		rate := surplusCents
		if instance.Arch == instances.ARM64 {
			rate = surplusCentsARM
		}
		bill := fmt.Sprintf("when its credits are spent, AWS bills what goes beyond: at full load $%.2f an hour for each instance, in us-east-1, beside its own price", rate*float64(instance.VCPU)*(1-baseline(instance.Name)/100)/100)
		if strings.HasPrefix(instance.Name, "t2.") {
			bill = "when its credits are spent, AWS slows it down to that"
		}
		s.add(finding.BurstableSustained, ".scale.instance", fmt.Sprintf("%s sustains %g %% of its CPU, and the stage grows above %d %% only", instance.Name, baseline(instance.Name), s.Scale.CPU.ScaleOut),
			bill, "take a type that is not burstable, such as m7i.large or m7g.large, or lower scale.cpu.scaleOut")
	}
	if *s.Scale.Instances.Min < 2 {
		s.add(finding.OneInstance, ".scale.instances.min", fmt.Sprintf("a production stage may be left with %s", phrase.Count(*s.Scale.Instances.Min, "instance")),
			"when that instance or its zone fails, the stage is down until another has started, some minutes", "raise instances.min to 2")
	}
	var alone []string
	for _, service := range s.app.Services {
		if service.Public() && *service.TasksIn(s.Scale).Min < 2 {
			alone = append(alone, service.Name)
		}
	}
	if len(alone) > 0 {
		s.add(finding.OneTask, ".scale.tasks.min", "one task may be all that runs of "+phrase.List(alone, "and"),
			"when a task dies, requests fail until the next one is healthy", "raise tasks.min to 2")
	}
}

// alarms looks at who hears of them.
func (s staged) alarms() {
	if s.Alarms.Topic == "" && !s.Alarms.OwnTopic() && len(monitor.Alarms(s.app, s.Stage)) > 0 {
		s.add(finding.NobodyAlarmed, ".alarms", "nobody hears of the alarms of a production stage",
			"they are raised in CloudWatch, where somebody has to look", "list e-mail addresses under alarms.notify or pipeline.notify, or give alarms.webhooks, alarms.slack or alarms.topic")
	}
}

// spotNotice is what AWS leaves an instance that it takes back.
const spotNotice = 120

func (s staged) spot() {
	if !*s.Scale.Spot {
		return
	}
	if s.real() {
		s.add(finding.SpotProduction, ".scale.spot", "a production stage runs on spot instances of a single type",
			"it stands still while AWS has none to spare", "use on-demand instances in production")
	}
	for _, service := range s.app.Services {
		if service.StopTimeout.Seconds() > spotNotice {
			s.add(finding.SpotStopTimeout, ".scale.spot", fmt.Sprintf("service %s may take %s to end", quote(service.Name), service.StopTimeout),
				"AWS takes a spot instance back after 2m, whatever runs on it", "shorten stopTimeout, or use on-demand instances")
		}
	}
}

// canary looks at whether a rehearsal is like what it rehearses.
func (s staged) canary() {
	var production *spec.Stage
	for i, other := range s.app.Stages {
		if s.CanaryOf != "" && other.Name == s.CanaryOf {
			production = &s.app.Stages[i]
		}
	}
	if production == nil {
		return
	}
	var smaller []string
	less := func(what string, canary, production int) {
		if canary < production {
			smaller = append(smaller, fmt.Sprintf("%s (%d for %d)", what, canary, production))
		}
	}
	mine, known := instances.Lookup(s.Scale.Instance)
	theirs, both := instances.Lookup(production.Scale.Instance)
	if known && both && (mine.MemoryMiB < theirs.MemoryMiB || mine.VCPU < theirs.VCPU) {
		smaller = append(smaller, fmt.Sprintf("instance (%s for %s)", mine.Name, theirs.Name))
	}
	less("instances.max", *s.Scale.Instances.Max, *production.Scale.Instances.Max)
	less("tasks.max", *s.Scale.Tasks.Max, *production.Scale.Tasks.Max)
	if ours, other := s.Database, production.Database; ours != nil && other != nil && ours.Existing == nil && other.Existing == nil {
		mine, known := instances.LookupDatabase(ours.Instance)
		theirs, both := instances.LookupDatabase(other.Instance)
		if known && both && (mine.MemoryMiB < theirs.MemoryMiB || mine.VCPU < theirs.VCPU) {
			smaller = append(smaller, fmt.Sprintf("database (%s for %s)", mine.Name, theirs.Name))
		}
	}
	if len(smaller) > 0 {
		s.add(finding.CanarySmaller, ".canaryOf", fmt.Sprintf("the canary is smaller than %s: %s", quote(production.Name), phrase.List(smaller, "and")),
			"what breaks for want of room breaks in production only, and under the same load the canary fails where production would not",
			"give the canary what production has, or accept that it tests the code and not the capacity")
	}
}
