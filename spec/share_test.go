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
			for _, internal := range []bool{false, true} {
				scale := spec.Preset(spec.Standard)
				scale.Instance = name
				list := services(n)
				list[0].Internal = internal
				shares, err := spec.Shares(scale, list)
				if err != nil {
					assert.Contains(t, err.Error(), name)
					continue
				}
				checked++
				smallest, most := max(1, *scale.Instances.Min), *scale.Tasks.Max
				memory, cpu := 0, 0
				for _, s := range list {
					memory += 2 * most * shares[s.Name].MemoryReservation
					cpu += 2 * most * shares[s.Name].CPU
					assert.LessOrEqual(t, shares[s.Name].MemoryReservation, shares[s.Name].Memory)
					assert.LessOrEqual(t, n*shares[s.Name].Memory, instance.UsableMemoryMiB(), "%s × %d", name, n)
				}
				if internal {
					memory += spec.ProxyMiB * n
				}
				assert.LessOrEqual(t, memory, smallest*instance.UsableMemoryMiB(), "%s × %d", name, n)
				assert.LessOrEqual(t, cpu, smallest*instance.CPUUnits(), "%s × %d", name, n)
			}
		}
	}
	assert.Greater(t, checked, 5000)
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
		// 896 MiB and 2048 units, for one service with up to five tasks, twice.
		"alone on a t3.micro": {
			scale: scale(nil), services: services(1),
			want: spec.Share{CPU: 204, MemoryReservation: 89, Memory: 896, CPUTarget: 750},
		},
		"two share it": {
			scale: scale(nil), services: services(2),
			want: spec.Share{CPU: 102, MemoryReservation: 44, Memory: 448, CPUTarget: 750},
		},
		"a fixed number of tasks": {
			scale:    scale(func(s *spec.ScaleProfile) { s.Tasks.Max = new(1) }),
			services: services(1),
			want:     spec.Share{CPU: 1024, MemoryReservation: 448, Memory: 896, CPUTarget: 150},
		},
		"more instances share the tasks": {
			scale:    scale(func(s *spec.ScaleProfile) { s.Instances.Min = new(5) }),
			services: services(1),
			want:     spec.Share{CPU: 1024, MemoryReservation: 448, Memory: 896, CPUTarget: 150},
		},
		"declared": {
			scale:    scale(nil),
			services: []spec.Service{{Name: "s0", CPU: 256, Memory: 400}},
			want:     spec.Share{CPU: 256, MemoryReservation: 400, Memory: 400, CPUTarget: 75},
		},
		"declared more than fits twice": {
			scale:    scale(nil),
			services: []spec.Service{{Name: "s0", Memory: 450}},
			problem:  "which leaves 896 MiB",
		},
		"declared by one leaves nothing for the other": {
			scale:    scale(nil),
			services: []spec.Service{{Name: "s0", Memory: 440}, {Name: "s1"}},
			problem:  "s0 2 × 1 × 440 MiB",
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
