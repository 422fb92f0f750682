package report

import (
	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/spec"
)

// Capacity is the room that a stage's tasks have.
type Capacity struct {
	// Instance is the type, of which Min to Max run, at first Desired.
	Instance string `json:"instance"`
	Min      int    `json:"min"`
	Desired  int    `json:"desired"`
	Max      int    `json:"max"`
	// MemoryMiB and CPU units that one instance has for tasks; 0 is not known.
	MemoryMiB int `json:"memoryMiB"`
	CPU       int `json:"cpu"`
	// Rooms are what one instance holds, in situations to plan for.
	Rooms []Room `json:"rooms"`
}

// Room is what one instance holds in a situation.
type Room struct {
	Situation string `json:"situation"`
	// Instances that share the tasks.
	Instances int    `json:"instances"`
	Tasks     []Held `json:"tasks"`
	// UsedMiB is what is reserved of the memory, FreeMiB what is left; less
	// than 0 is missing.
	UsedMiB int `json:"usedMiB"`
	FreeMiB int `json:"freeMiB"`
}

// Held are the tasks of a service on one instance.
type Held struct {
	Service string `json:"service"`
	// Tasks, and New tasks of the next version beside them.
	Tasks int `json:"tasks"`
	New   int `json:"new"`
	// MiB that each of them reserves.
	MiB int `json:"mib"`
}

func capacityOf(app spec.App, stage spec.Stage) Capacity {
	n := stage.Scale.Instances
	c := Capacity{Instance: stage.Scale.Instance, Min: *n.Min, Desired: *n.Desired, Max: *n.Max, Rooms: []Room{}}
	instance, known := instances.Lookup(stage.Scale.Instance)
	shares, err := spec.Shares(stage.Scale, app.Services)
	if !known || err != nil || *n.Max == 0 || *stage.Scale.Tasks.Max == 0 {
		return c
	}
	c.MemoryMiB, c.CPU = instance.UsableMemoryMiB(), instance.CPUUnits()
	room := func(situation string, count int, most, update bool) {
		r := Room{Situation: situation, Instances: count}
		for _, service := range app.Services {
			share, tasks := shares[service.Name], service.TasksIn(stage.Scale)
			all := *tasks.Min
			if most {
				all = *tasks.Max
			}
			held := Held{Service: service.Name, MiB: max(share.MemoryReservation, share.TaskMemory)}
			if service.Schedule != "" {
				all = 1
			}
			held.Tasks = (all + count - 1) / count
			if update && service.Schedule == "" {
				held.New = held.Tasks
			}
			r.UsedMiB += (held.Tasks + held.New) * held.MiB
			r.Tasks = append(r.Tasks, held)
		}
		r.FreeMiB = c.MemoryMiB - r.UsedMiB
		c.Rooms = append(c.Rooms, r)
	}
	if *n.Desired > 0 {
		room("at rest", *n.Desired, false, false)
	}
	room("rolling update on the fewest instances", max(1, *n.Min), false, true)
	room("all tasks on the most instances", *n.Max, true, false)
	return c
}
