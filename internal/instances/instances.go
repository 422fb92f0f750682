package instances

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/suggest"
)

// Arch is a processor architecture, named as EC2 names it.
type Arch string

// The architectures of EC2 instance types.
const (
	X8664 Arch = "x86_64"
	ARM64 Arch = "arm64"
)

// Type is an EC2 instance type.
type Type struct {
	// Name is the type's name, such as t3.micro.
	Name string
	// VCPU is the number of virtual CPUs.
	VCPU int
	// MemoryMiB is the memory the type is sold with. A host leaves less of it
	// to tasks: see [Type.UsableMemoryMiB].
	MemoryMiB int
	// ENIs is the number of elastic network interfaces that the instance's
	// first network card takes, the instance's own included. All but some of
	// the largest types have a single card.
	ENIs int
	// Arch is the processor architecture.
	Arch Arch
	// Current is whether AWS lists the type as of the current generation.
	Current bool
	// Burstable is whether the type earns and spends CPU credits.
	Burstable bool
	// GPUs is the number of GPUs.
	GPUs int

	regions string
}

// OfferedIn reports whether the region offers the type. It is true for regions
// that the table does not know: they are newer than the table.
func (t Type) OfferedIn(region string) bool {
	return offeredIn(t.regions, region, tables().ec2.regions)
}

// UsableMemoryMiB is an estimate of the memory that an ECS host of this type
// has left for tasks: about 88 % of what it is sold with, and less on the small
// types (736 of the 1024 MiB of a t3.micro).
//
// The kernel and the platform keep some memory to themselves, and the ECS agent
// registers what is left, which AWS documents for no type but one: 7985 MiB of
// the 8192 of an m4.large. What they keep is a fixed part, here 64 MiB, and one
// that grows with the memory, here a sixteenth. Both are on the safe side, as a
// task that is too large for its host is never placed, while a little memory
// unused does no harm. Of what is registered the host's own processes need
// [ReservedMemoryMiB].
//
// See https://docs.aws.amazon.com/AmazonECS/latest/developerguide/memory-management.html.
func (t Type) UsableMemoryMiB() int {
	return max(t.MemoryMiB-64-t.MemoryMiB/16-ReservedMemoryMiB(t.Name), 0)
}

// What the operating system, Docker, its helper beside each container, and the
// ECS agent are left at least, and at most.
const (
	leastReservedMiB = 128
	mostReservedMiB  = 1024
)

// unknownMemoryMiB is what a type that is newer than the table is taken to have:
// such types are seldom smaller, and of a larger one more would be left.
const unknownMemoryMiB = 4096

// ReservedMemoryMiB is what a host of the type keeps for its own processes: the
// agent's ECS_RESERVED_MEMORY. They run in the memory that the agent registers,
// and where tasks take all of it the kernel kills one or the other. It is 128 MiB
// and a thirty-second of the memory, up to 1024 MiB.
func ReservedMemoryMiB(name string) int {
	memory := unknownMemoryMiB
	if t, known := Lookup(name); known {
		memory = t.MemoryMiB
	}
	return min(leastReservedMiB+memory/32, mostReservedMiB)
}

// CPUUnits is the CPU that a host of this type has for tasks, in the units of
// ECS: 1024 for each vCPU.
func (t Type) CPUUnits() int { return t.VCPU * 1024 }

// TaskENIs is the number of tasks with a network interface of their own (the
// awsvpc network mode) that a host of this type takes while the account does
// not use ENI trunking. The instance itself needs one of the interfaces.
func (t Type) TaskENIs() int { return max(t.ENIs-1, 0) }

// Database is an RDS instance class that runs PostgreSQL.
type Database struct {
	// Name is the class without the prefix db., such as t4g.micro.
	Name string
	// VCPU is the number of virtual CPUs.
	VCPU int
	// MemoryMiB is the memory of the instance.
	MemoryMiB int
	// Arch is the processor architecture.
	Arch Arch
	// Current is whether AWS lists the class as of the current generation.
	Current bool

	regions string
}

// OfferedIn reports whether the region offers PostgreSQL on the class. It is
// true for regions that the table does not know: they are newer than the table.
func (d Database) OfferedIn(region string) bool {
	return offeredIn(d.regions, region, tables().rds.regions)
}

// Lookup returns the EC2 instance type of that name, and whether the table
// knows it.
func Lookup(name string) (Type, bool) {
	t, ok := tables().ec2.entries[name]
	return t, ok
}

// Names returns the names of all EC2 instance types in the table, sorted.
func Names() []string { return slices.Clone(tables().ec2.names) }

// LookupDatabase returns the RDS instance class of that name, which may have
// the prefix db. or not, and whether the table knows it.
func LookupDatabase(name string) (Database, bool) {
	d, ok := tables().rds.entries[strings.TrimPrefix(name, databasePrefix)]
	return d, ok
}

// DatabaseNames returns the names of all RDS instance classes in the table,
// without the prefix db., sorted.
func DatabaseNames() []string { return slices.Clone(tables().rds.names) }

// Nearest returns the EC2 instance type whose name is the most like name, to
// suggest in an error message, or an empty string when none is much like it.
func Nearest(name string) string {
	ec2 := tables().ec2
	return nearest(name, ec2.names, func(n string) bool { return ec2.entries[n].Current })
}

// NearestDatabase is like [Nearest], for RDS instance classes. What it returns
// has the prefix db. where name has it.
func NearestDatabase(name string) string {
	rds := tables().rds
	bare, prefixed := strings.CutPrefix(name, databasePrefix)
	found := nearest(bare, rds.names, func(n string) bool { return rds.entries[n].Current })
	if prefixed && found != "" {
		return databasePrefix + found
	}
	return found
}

const databasePrefix = "db."

func offeredIn(regions, region string, known map[string]bool) bool {
	if !known[region] {
		return true
	}
	for r := range strings.FieldsSeq(regions) {
		if r == region {
			return true
		}
	}
	return false
}

// nearest returns the candidate with the smallest edit distance to name. Of
// several it prefers those of the current generation, then those that begin
// like name, then the last in order, which is mostly the newest.
func nearest(name string, candidates []string, current func(string) bool) string {
	name = strings.ToLower(strings.TrimSpace(name))
	// A third of the name wrong is no slip of the keyboard but another name.
	limit := min(len(name)/3, 3)
	type match struct {
		name     string
		distance int
		current  bool
		prefix   int
	}
	var best match
	for _, candidate := range candidates {
		distance := suggest.Distance(name, candidate)
		if distance > limit {
			continue
		}
		m := match{candidate, distance, current(candidate), commonPrefix(name, candidate)}
		if best.name == "" || cmp.Or(
			cmp.Compare(best.distance, m.distance),
			compareBool(m.current, best.current),
			cmp.Compare(m.prefix, best.prefix),
			cmp.Compare(m.name, best.name),
		) > 0 {
			best = m
		}
	}
	return best.name
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
