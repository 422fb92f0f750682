package spec_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/spec"
)

func services(n int) []spec.Service {
	var list []spec.Service
	for i := range n {
		list = append(list, spec.Service{Name: fmt.Sprintf("s%d", i), Port: 80})
	}
	return list
}

// Whatever fits at all must leave room for the second copy of every task, with
// all services at their greatest number of tasks on the smallest cluster.
func TestARollingUpdateAlwaysFits(t *testing.T) {
	checked := 0
	for _, name := range instances.Names() {
		instance, _ := instances.Lookup(name)
		for n := 1; n <= 6; n++ {
			for _, variant := range []string{"plain", "internal", "fixed", "scheduled"} {
				scale := spec.Preset(spec.Standard)
				scale.Instance = name
				list := services(n)
				internal := variant == "internal"
				list[0].Internal = internal
				if variant == "fixed" {
					list[0].Tasks = spec.Tasks{Min: new(1), Max: new(1)}
				}
				if variant == "scheduled" {
					list[0].Schedule = "rate(1 hour)"
				}
				shares, err := spec.Shares(scale, list)
				if err != nil {
					assert.Contains(t, err.Error(), name)
					continue
				}
				checked++
				smallest := max(1, *scale.Instances.Min)
				memory, cpu := 0, 0
				for _, s := range list {
					most := *s.TasksIn(scale).Max
					if s.Schedule != "" {
						// A run ends; the next one has the new version.
						assert.Equal(t, shares[s.Name].Memory, shares[s.Name].MemoryReservation)
						memory, cpu = memory+shares[s.Name].MemoryReservation, cpu+shares[s.Name].CPU
						continue
					}
					if internal {
						// ECS reserves the limit of the task, proxy included.
						memory += 2 * *s.TasksIn(scale).Min * shares[s.Name].TaskMemory
						assert.Equal(t, shares[s.Name].TaskMemory, shares[s.Name].Memory+spec.ProxyMiB)
					} else {
						memory += 2 * most * shares[s.Name].MemoryReservation
						assert.Zero(t, shares[s.Name].TaskMemory)
					}
					cpu += 2 * most * shares[s.Name].CPU
					assert.LessOrEqual(t, shares[s.Name].MemoryReservation, shares[s.Name].Memory)
					assert.LessOrEqual(t, n*shares[s.Name].Memory, instance.UsableMemoryMiB(), "%s × %d", name, n)
				}
				assert.LessOrEqual(t, memory, smallest*instance.UsableMemoryMiB(), "%s × %d", name, n)
				assert.LessOrEqual(t, cpu, smallest*instance.CPUUnits(), "%s × %d", name, n)
			}
		}
	}
	assert.Greater(t, checked, 10000)
}

func TestDivide(t *testing.T) {
	scale := func(change func(*spec.ScaleProfile)) spec.ScaleProfile {
		s := spec.Preset(spec.Standard)
		if change != nil {
			change(&s)
		}
		return s
	}
	for name, test := range map[string]struct {
		scale    spec.ScaleProfile
		services []spec.Service
		want     spec.Share
		problem  string
	}{
		// 736 MiB and 2048 units, for one service with up to five tasks, twice.
		"alone on a t3.micro": {
			scale: scale(nil), services: services(1),
			want: spec.Share{CPU: 204, MemoryReservation: 73, Memory: 736, CPUTarget: 750},
		},
		"two share it": {
			scale: scale(nil), services: services(2),
			want: spec.Share{CPU: 102, MemoryReservation: 36, Memory: 368, CPUTarget: 750},
		},
		// Service Connect: 736 MiB for two services, twice, 64 MiB of it the proxy's.
		"beside a proxy": {
			scale: scale(nil), services: []spec.Service{{Name: "s0"}, {Name: "s1", Internal: true}},
			want: spec.Share{CPU: 102, MemoryReservation: 120, Memory: 120, TaskMemory: 184, CPUTarget: 750},
		},
		"declared beside a proxy": {
			scale: scale(nil), services: []spec.Service{{Name: "s0", Memory: 150, CPU: 256}, {Name: "s1", Internal: true}},
			want: spec.Share{CPU: 256, MemoryReservation: 150, Memory: 150, TaskMemory: 214, CPUTarget: 75},
		},
		"too many beside proxies": {
			scale: scale(nil), services: append(services(5), spec.Service{Name: "s9", Internal: true}),
			problem: "the Service Connect proxy beside each task takes 64 MiB",
		},
		"a fixed number of tasks": {
			scale:    scale(func(s *spec.ScaleProfile) { s.Tasks.Max = new(1) }),
			services: services(1),
			want:     spec.Share{CPU: 1024, MemoryReservation: 368, Memory: 736, CPUTarget: 150},
		},
		"more instances share the tasks": {
			scale:    scale(func(s *spec.ScaleProfile) { s.Instances.Min = new(5) }),
			services: services(1),
			want:     spec.Share{CPU: 1024, MemoryReservation: 368, Memory: 736, CPUTarget: 150},
		},
		"declared": {
			scale:    scale(nil),
			services: []spec.Service{{Name: "s0", CPU: 256, Memory: 350}},
			want:     spec.Share{CPU: 256, MemoryReservation: 350, Memory: 350, CPUTarget: 75},
		},
		"declared more than fits twice": {
			scale:    scale(nil),
			services: []spec.Service{{Name: "s0", Memory: 370}},
			problem:  "which leaves 736 MiB",
		},
		"declared by one leaves nothing for the other": {
			scale:    scale(nil),
			services: []spec.Service{{Name: "s0", Memory: 360}, {Name: "s1"}},
			problem:  "s0 2 × 1 × 360 MiB",
		},
		"a number of tasks of its own": {
			scale:    scale(nil),
			services: []spec.Service{{Name: "s0", Tasks: spec.Tasks{Max: new(1)}}, {Name: "s1"}},
			want:     spec.Share{CPU: 512, MemoryReservation: 184, Memory: 368, CPUTarget: 150},
		},
		"declared, with more tasks of its own than the stage's": {
			scale:    scale(nil),
			services: []spec.Service{{Name: "s0", Memory: 190, Tasks: spec.Tasks{Min: new(2)}}},
			problem:  "s0 2 × 2 × 190 MiB",
		},
		"a scheduled task needs no second copy": {
			scale:    scale(nil),
			services: []spec.Service{{Name: "s0", Memory: 700, Schedule: "rate(1 hour)"}},
			want:     spec.Share{CPU: 2048, MemoryReservation: 700, Memory: 700, CPUTarget: 75},
		},
		"a network interface for each task": {
			scale:    scale(nil),
			services: []spec.Service{{Name: "s0", NetworkMode: spec.AWSVPC}},
			problem:  "need 2 with the second copies that a rolling update starts (s0 2 × 1), and 1 × t3.micro have 1: each has 2",
		},
		"network interfaces that suffice": {
			scale:    scale(func(s *spec.ScaleProfile) { s.Instance = "t3.small" }),
			services: []spec.Service{{Name: "s0", NetworkMode: spec.AWSVPC}},
			want:     spec.Share{CPU: 204, MemoryReservation: 166, Memory: 1664, CPUTarget: 750},
		},
		"no tasks, no network interfaces": {
			scale:    spec.Preset(spec.Idle),
			services: []spec.Service{{Name: "s0", NetworkMode: spec.AWSVPC, Tasks: spec.Tasks{Min: new(1)}}},
			want:     spec.Share{CPU: 1024, MemoryReservation: 368, Memory: 736, CPUTarget: 150},
		},
		"unknown instance type": {
			scale:    scale(func(s *spec.ScaleProfile) { s.Instance = "t9.micro" }),
			services: services(1),
			problem:  "declare cpu and memory",
		},
	} {
		t.Run(name, func(t *testing.T) {
			shares, err := spec.Shares(test.scale, test.services)
			if test.problem != "" {
				require.ErrorContains(t, err, test.problem)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, shares["s0"])
		})
	}
}

func TestTasksOfAService(t *testing.T) {
	stage := func(low, high int) spec.ScaleProfile {
		return spec.ScaleProfile{Tasks: spec.Tasks{Min: &low, Max: &high}}
	}
	for name, test := range map[string]struct {
		service   spec.Service
		stage     spec.ScaleProfile
		low, high int
	}{
		"the stage's":           {spec.Service{}, stage(2, 7), 2, 7},
		"its own":               {spec.Service{Tasks: spec.Tasks{Min: new(1), Max: new(1)}}, stage(2, 7), 1, 1},
		"at most one":           {spec.Service{Tasks: spec.Tasks{Max: new(1)}}, stage(2, 7), 1, 1},
		"at least nine":         {spec.Service{Tasks: spec.Tasks{Min: new(9)}}, stage(2, 7), 9, 9},
		"none in an idle stage": {spec.Service{Tasks: spec.Tasks{Min: new(1), Max: new(3)}}, stage(0, 0), 0, 0},
		"on a schedule":         {spec.Service{Schedule: "rate(1 hour)"}, stage(2, 7), 0, 1},
		"a schedule that rests": {spec.Service{Schedule: "rate(1 hour)"}, stage(0, 0), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tasks := test.service.TasksIn(test.stage)
			assert.Equal(t, []int{test.low, test.high}, []int{*tasks.Min, *tasks.Max})
		})
	}
}
