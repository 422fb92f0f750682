package spec

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/internal/instances"
)

// ScaleMode is what decides on the number of instances.
type ScaleMode string

const (
	// CPUAlarms adds and removes one instance at a time by CloudWatch alarms
	// on the instances' CPU.
	CPUAlarms ScaleMode = "cpu-alarms"
	// Managed leaves it to ECS: as many instances as the tasks need.
	Managed ScaleMode = "managed"
)

// ScaleProfile is the capacity of a stage and how it follows the load.
type ScaleProfile struct {
	// Instance is the EC2 instance type.
	//   - Default: t3.micro; with the profile hyperscale m7i.large, with economy t4g.micro
	//   - Allowed: an EC2 instance type
	//   - Change: restarts instances, restarts tasks; instances are replaced one by one, their tasks drained first. Another processor needs images for it
	//   - Example: t3.small
	//   - See: docs/sizing.md
	Instance string `yaml:"instance"`

	// Instances is how many instances there are.
	//   - Default: min 1, desired 2, max 6; with the profile hyperscale min 2, desired 2, max 10, with economy min 1, desired 1, max 2
	//   - Change: by field
	//   - Example: {desired: 3}
	Instances Instances `yaml:"instances"`

	// Tasks is how many copies of each service run.
	//   - Default: min 1, max 5; with the profile hyperscale min 2, max 10, with economy one
	//   - Change: by field
	//   - Example: {max: 4}
	Tasks Tasks `yaml:"tasks"`

	// CPU is the load that changes capacity.
	//   - Default: out at 75 %, in at 35 %, for 15 minutes
	//   - Change: by field
	//   - Example: {scaleOut: 60}
	CPU CPUThresholds `yaml:"cpu"`

	// Mode is what decides on the number of instances: cpu-alarms adds and
	// removes one at a time by alarms on their CPU, managed leaves it to ECS,
	// which takes as many as the tasks need.
	//   - Default: cpu-alarms
	//   - Allowed: cpu-alarms or managed
	//   - Change: in place
	//   - Example: managed
	//   - See: docs/compute.md
	Mode ScaleMode `yaml:"mode"`

	// Spot runs spot instances: for a price that follows demand, by AWS's
	// account up to 90 % lower, and with two minutes' notice when AWS takes one
	// back, in which its tasks are drained.
	//   - Default: false; with the profile economy true
	//   - Change: restarts instances; they are replaced one by one
	//   - Example: true
	//   - See: docs/compute.md
	Spot *bool `yaml:"spot"`

	// Image is the id of a machine image (AMI) with the ECS agent and curl, in the
	// stage's region, that instances keep until another is declared. A canary
	// does not take it over.
	//   - Default: the newest ECS-optimized Amazon Linux 2023 at each deployment
	//   - Allowed: the id of a machine image
	//   - Change: restarts instances; they are replaced one by one
	//   - Example: ami-0123456789abcdef0
	Image string `yaml:"image"`
}

// Instances is a number of EC2 instances, 0 ≤ min ≤ desired ≤ max.
type Instances struct {
	// Min is the number that always runs.
	//   - Default: 1; with the profile hyperscale 2
	//   - Allowed: 0 to 1000
	//   - Change: restarts tasks; the group's bounds move, and shares of the instances with them
	//   - Example: 2
	Min *int `yaml:"min"`

	// Desired is the number that runs under everyday load: what the stage
	// starts with.
	//   - Default: 2, but within min and max
	//   - Allowed: 0 to 1000
	//   - Change: in place; the number that scaling decided on stays
	//   - Example: 3
	Desired *int `yaml:"desired"`

	// Max is the number that bounds the bill.
	//   - Default: 6; with the profile hyperscale 10
	//   - Allowed: 0 to 1000
	//   - Change: in place
	//   - Example: 4
	Max *int `yaml:"max"`
}

// Tasks is a number of copies of a service, 0 ≤ min ≤ max.
type Tasks struct {
	// Min is the number that always runs.
	//   - Default: 1; with the profile hyperscale 2; of a service, its stage's
	//   - Allowed: 0 to 1000
	//   - Change: restarts tasks; shares of the instances change with it
	//   - Example: 2
	Min *int `yaml:"min"`

	// Max is the number that is never exceeded.
	//   - Default: 5; with the profile hyperscale 10; of a service, its stage's
	//   - Allowed: 0 to 1000
	//   - Change: restarts tasks; shares of the instances change with it
	//   - Example: 3
	Max *int `yaml:"max"`
}

// CPUThresholds are loads in percent. A stage grows at [CPUThresholds.ScaleOut]
// and shrinks at [CPUThresholds.ScaleIn].
type CPUThresholds struct {
	// ScaleOut is the load in percent above which capacity is added.
	//   - Default: 75
	//   - Allowed: 1 to 100
	//   - Change: in place
	//   - Example: 60
	ScaleOut int `yaml:"scaleOut"`

	// ScaleIn is the load in percent below which it is removed. It must be below
	// scaleOut·min/(min+1), with min the lowest number of instances: otherwise
	// the load of one instance less would at once call it back.
	//   - Default: 35, or the highest that scaleOut allows where that is less
	//   - Allowed: 1 to 99
	//   - Change: in place
	//   - Example: 20
	ScaleIn int `yaml:"scaleIn"`

	// For is how long the load must last, a multiple of a minute.
	//   - Default: 15m
	//   - Allowed: 1m to 1h
	//   - Change: in place; minutes that are no multiple of five replace the instances one by one, for metrics every minute
	//   - Example: 10m
	For Duration `yaml:"for"`

	// AllowFlapping accepts thresholds that call capacity back and forth.
	//   - Default: false
	//   - Change: none
	//   - Example: true
	AllowFlapping bool `yaml:"allowFlapping"`
}

// The loads in percent at which capacity follows: the README's section
// "Decisions" says why these.
const (
	defaultScaleOut = 75
	defaultScaleIn  = 35
)

func (s *ScaleProfile) setDefaults(profile Profile) {
	preset := clone(presetOf(profile).scale)
	fill(&s.Instance, preset.Instance)
	fillPtr(&s.Spot, value(preset.Spot))
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

// Complete fills in the defaults of the profile standard.
func (s ScaleProfile) Complete() (ScaleProfile, error) {
	s = clone(s)
	s.setDefaults(Standard)
	r := newReport(nil)
	s.validate(r)
	return s, r.errors()
}

// mostCapacity is far above what one stage of this kind is for, and finds
// slips such as a port in the wrong line.
const mostCapacity = 1000

var machineImage = compile(`^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)

func (s ScaleProfile) validate(r report) {
	validateInstance(r.field("instance"), s.Instance)
	if s.Image != "" {
		r.field("image").matches(s.Image, machineImage, "the id of a machine image", "an id, as in ami-0123456789abcdef0", "copy the id from the EC2 console, in the stage's region")
	}
	counts := s.Instances.validate(r.field("instances"))
	tasks := s.Tasks.validate(r.field("tasks"))
	mode := oneOf(r.field("mode"), s.Mode, "a way to scale", CPUAlarms, Managed)
	if counts && tasks {
		s.validateZero(r)
	}
	if s.CPU.validate(r.field("cpu")) && counts && mode {
		s.validateThresholds(r.field("cpu"))
	}
}

// validateZero reports tasks without an instance to run on.
func (s ScaleProfile) validateZero(r report) {
	const fix = "raise the instances, or set tasks to {min: 0, max: 0}"
	instances, tasks := r.field("instances"), r.field("tasks")
	least, desired, most := value(s.Instances.Min), value(s.Instances.Desired), value(s.Instances.Max)
	switch {
	case most == 0 && value(s.Tasks.Max) > 0:
		tasks.field("max").fail(tasks.field("max").show(value(s.Tasks.Max))+" tasks are allowed where instances.max is 0: CloudFormation would wait for ever for a task to start", "0", fix)
	case value(s.Tasks.Min) == 0 || s.Mode == Managed:
		// In managed mode a task that waits calls for an instance.
	case desired == 0:
		instances.field("desired").fail(fmt.Sprintf("0 instances are to run %s or more tasks: CloudFormation would wait for ever for them to start", tasks.field("min").show(value(s.Tasks.Min))), "1 or more, with tasks.min above 0", fix)
	case least == 0:
		instances.field("min").fail(fmt.Sprintf("0 instances may be left to run %s or more tasks: in a quiet night they would stop", tasks.field("min").show(value(s.Tasks.Min))), "1 or more, with tasks.min above 0", fix)
	}
}

// validateThresholds checks that a scale-in does not at once call the instance
// back.
func (s ScaleProfile) validateThresholds(r report) {
	least, most := value(s.Instances.Min), value(s.Instances.Max)
	if s.Mode == Managed || least == most {
		return // nothing follows the thresholds
	}
	limit := scaleInLimit(s.CPU.ScaleOut, least)
	if float64(s.CPU.ScaleIn) < limit {
		return
	}
	remaining := max(1, least)
	in, out := r.field("scaleIn"), r.field("scaleOut")
	wrong := fmt.Sprintf("%s is not below %s (scaleOut %s × %d/(%d+1))", in.show(s.CPU.ScaleIn), rounded(limit), out.show(s.CPU.ScaleOut), remaining, remaining)
	if s.CPU.AllowFlapping {
		in.warn(wrong+", so one instance less calls itself back, again and again", "lower scaleIn")
		return
	}
	if highest := int(math.Ceil(limit)) - 1; highest >= 1 {
		in.fail(wrong+": the load of one instance less would at once call it back", fmt.Sprintf("1 to %d", highest), fmt.Sprintf("use %d or less, or accept it with \"allowFlapping: true\"", highest))
		return
	}
	in.fail(wrong+": the load of one instance less would at once call it back", "", "raise scaleOut, or instances.min")
}

// rounded writes a limit with one digit after the point at most.
func rounded(limit float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(limit, 'f', 1, 64), ".0")
}

func (i Instances) validate(r report) bool {
	least, desired, most := value(i.Min), value(i.Desired), value(i.Max)
	for _, count := range []struct {
		name  string
		value int
	}{{"min", least}, {"desired", desired}, {"max", most}} {
		if !r.field(count.name).between(count.value, 0, mostCapacity, "a number of instances", "", "give another number") {
			return false
		}
	}
	return ordered(r, "min", least, "desired", desired) && ordered(r, "desired", desired, "max", most)
}

func (t Tasks) validate(r report) bool {
	least, most := value(t.Min), value(t.Max)
	valid := r.field("min").between(least, 0, mostCapacity, "a number of tasks", "", "give another number") &&
		r.field("max").between(most, 0, mostCapacity, "a number of tasks", "", "give another number")
	return valid && ordered(r, "min", least, "max", most)
}

// ordered reports a lower bound above an upper one.
func ordered(r report, lower string, low int, upper string, high int) bool {
	if low <= high {
		return true
	}
	r.field(lower).fail(fmt.Sprintf("%s is more than %s, %s", r.field(lower).show(low), upper, r.field(upper).show(high)), lower+" ≤ "+upper, fmt.Sprintf("lower %s, or raise %s", lower, upper))
	return false
}

func (c CPUThresholds) validate(r report) bool {
	const fix = "give a load in percent"
	out := r.field("scaleOut").between(c.ScaleOut, 1, 100, "a load", "percent", fix)
	in := r.field("scaleIn").between(c.ScaleIn, 1, 99, "a load", "percent", fix)
	r.field("for").lasting(c.For, minute, 60*minute, minute)
	return out && in
}

// OneMinuteMetrics says whether scaling on CPU needs the instances' metrics
// every minute, which are billed, instead of every five.
func (s ScaleProfile) OneMinuteMetrics() bool {
	return s.Mode == CPUAlarms && s.CPU.For.Minutes()%5 != 0
}

func validateInstance(r report, name string) {
	if isToken(name) {
		return
	}
	if _, known := instances.Lookup(name); !known {
		unknownType(r, name, "an EC2 instance type", "a type, as in t3.micro", instances.Nearest(name), instances.Names())
	}
}

// unknownType tells a type newer than the table from a slip of the keyboard.
func unknownType(r report, name, what, allowed, near string, known []string) {
	fix := "check the name"
	if near != "" {
		fix = "did you mean " + near + "?"
	}
	_, wellFormed := instances.ArchOf(name)
	if wellFormed && !strings.HasPrefix(name, "db.") && maybeNewer(name, known) {
		r.warn(r.quote(name)+" is not known to this version of tinystack, which cannot check it nor estimate its cost", fix)
		return
	}
	r.fail(r.quote(name)+" is not "+what, allowed, fix)
}

// maybeNewer says whether AWS can have added the type since the table was
// made: it is of a new series, or of a new family in the latest generation or
// after it. Families that are known do not get new sizes.
func maybeNewer(name string, known []string) bool {
	family, _, _ := strings.Cut(name, ".")
	series, generation := instances.Generation(name)
	latest := 0
	for _, other := range known {
		if strings.HasPrefix(other, family+".") {
			return false
		}
		if s, g := instances.Generation(other); s == series {
			latest = max(latest, g)
		}
	}
	return generation >= latest
}
