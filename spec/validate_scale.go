package spec

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/internal/instances"
)

// mostCapacity is far above what one stage of this kind is for, and finds
// slips such as a port in the wrong line.
const mostCapacity = 1000

var machineImage = compile(`^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)

// validate checks the capacity of a stage in a region; an empty region is not
// known yet.
func (s ScaleProfile) validate(r report, region string) {
	validateInstance(r.field("instance"), s.Instance, region)
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

func validateInstance(r report, name, region string) {
	if isToken(name) {
		return
	}
	found, known := instances.Lookup(name)
	if !known {
		unknownType(r, name, "an EC2 instance type", "a type, as in t3.micro", instances.Nearest(name), instances.Names())
		return
	}
	if region != "" && isRegion(region) && !found.OfferedIn(region) {
		r.fail(r.quote(name)+" is not offered in "+r.quote(region), "a type that the region has", "choose another type or another region")
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

var typeSeries = compile(`^([a-z]+)-?([0-9]+)`)

// maybeNewer says whether AWS can have added the type since the table was
// made: it is of a new series, or of a new family in the latest generation or
// after it. Families that are known do not get new sizes.
func maybeNewer(name string, known []string) bool {
	family, _, _ := strings.Cut(name, ".")
	series, generation := seriesOf(name)
	latest := 0
	for _, other := range known {
		if strings.HasPrefix(other, family+".") {
			return false
		}
		if s, g := seriesOf(other); s == series {
			latest = max(latest, g)
		}
	}
	return generation >= latest
}

// seriesOf splits m7g.large into m and 7.
func seriesOf(name string) (series string, generation int) {
	match := typeSeries.FindStringSubmatch(name)
	if match == nil {
		return "", 0
	}
	generation, _ = strconv.Atoi(match[2])
	return match[1], generation
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
