package spec

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tinystack-go/tinystack/internal/instances"
)

// ProxyMiB is the memory set aside for the Service Connect proxy that runs
// beside each task where a stage has internal services (Amazon ECS developer
// guide, "Service Connect": at least 64 MiB).
const ProxyMiB = 64

// leastMiB is the smallest memory reservation that Docker accepts.
const leastMiB = 6

// leastBesideProxyMiB is what a container needs beside a proxy to be worth
// starting.
const leastBesideProxyMiB = 32

// leastCPU is the smallest CPU share that Linux accepts.
const leastCPU = 2

// Share is what one task of a service gets of its instance.
//
// ECS places a task only where its reservation is free, and a rolling update
// needs room for a second copy of every task. The number of instances follows
// CPU load, not reservations, so a reservation that is too large does not call
// for more instances: it blocks the deployment. Hence the rule: every
// service's tasks at their maximum, twice, fit on the smallest cluster.
//
// A reservation is a promise, not a limit. What a task may use is its even
// share of the instance: the limit of its memory, and the measure of its CPU
// load.
//
// Where tasks have Service Connect proxies beside them the memory cannot be
// promised twice: Service Connect wants a limit on the task as a whole, and ECS
// reserves such a limit. There the tasks at their least number fit, twice.
type Share struct {
	// CPU units reserved for a task; 1024 are one vCPU.
	CPU int
	// MemoryReservation in MiB that a task always finds.
	MemoryReservation int
	// Memory in MiB that the container may use at most.
	Memory int
	// TaskMemory in MiB is the limit of container and proxy together, which
	// ECS reserves; 0 where there is no proxy.
	TaskMemory int
	// CPUTarget is the load in percent of the reserved CPU at which tasks are
	// added: above 100 where a task may use more than its reservation.
	CPUTarget int
}

// Shares gives each of a stage's services its share of an instance. Services
// and scale are complete.
func Shares(scale ScaleProfile, services []Service) (map[string]Share, error) {
	instance, known := instances.Lookup(scale.Instance)
	if !known {
		return declaredOnly(scale, services)
	}
	smallest := max(1, *scale.Instances.Min)
	memory, cpu := instance.UsableMemoryMiB(), instance.CPUUnits()
	// What is declared is taken first: reserved as a whole, and room for its
	// second copy at the least number of tasks.
	var undeclaredMemory, undeclaredCPU int
	var taken []string
	for _, service := range services {
		perInstance, times := copies(*service.TasksIn(scale).Min, smallest), service.versions()
		if service.Memory > 0 {
			memory -= times * perInstance * (service.Memory + service.proxyIn(services))
			taken = append(taken, fmt.Sprintf("%s %d × %d × %d MiB", service.Name, times, perInstance, service.Memory))
		} else {
			undeclaredMemory++
		}
		if service.CPU > 0 {
			cpu -= times * perInstance * service.CPU
			taken = append(taken, fmt.Sprintf("%s %d × %d × %d CPU units", service.Name, times, perInstance, service.CPU))
		} else {
			undeclaredCPU++
		}
	}
	memoryShare, cpuShare := part(memory, undeclaredMemory), part(cpu, undeclaredCPU)
	if memory < 0 || cpu < 0 {
		return nil, noRoom(instance, smallest, services, taken)
	}
	if err := fitInterfaces(instance, scale, services); err != nil {
		return nil, err
	}

	shares := map[string]Share{}
	for _, service := range services {
		share := Share{CPU: service.CPU, CPUTarget: scale.CPU.ScaleOut, MemoryReservation: service.Memory, Memory: service.Memory}
		// At the greatest number of tasks, on the smallest cluster, twice.
		most := service.versions() * copies(*service.TasksIn(scale).Max, smallest)
		least := service.versions() * copies(*service.TasksIn(scale).Min, smallest)
		proxy := service.proxyIn(services)
		switch {
		case service.Memory > 0 && proxy > 0:
			share.TaskMemory = service.Memory + proxy
		case service.Memory > 0:
		case proxy > 0:
			share.TaskMemory = memoryShare / least
			share.Memory = share.TaskMemory - proxy
			share.MemoryReservation = share.Memory
			if share.Memory < leastBesideProxyMiB {
				return nil, noRoom(instance, smallest, services, taken)
			}
		case memoryShare < leastMiB*most:
			return nil, noRoom(instance, smallest, services, taken)
		default:
			share.MemoryReservation, share.Memory = memoryShare/most, memoryShare
		}
		if service.CPU == 0 && cpuShare < leastCPU*most {
			return nil, noRoom(instance, smallest, services, taken)
		}
		if service.CPU == 0 {
			share.CPU = cpuShare / most
			share.CPUTarget = scale.CPU.ScaleOut * most
		}
		shares[service.Name] = share
	}
	return shares, nil
}

// versions is how many copies of each task there are at once: a rolling update
// starts a second one. A scheduled task has none; its next run is the new one.
func (s Service) versions() int {
	if s.Schedule != "" {
		return 1
	}
	return 2
}

// fitInterfaces checks that the instances have the network interfaces that a
// rolling update needs where tasks have one each. Only the least number of
// tasks is asked for: interfaces cannot be divided as memory can, and what is
// added under load finds the instances that are added under load.
func fitInterfaces(instance instances.Type, scale ScaleProfile, services []Service) error {
	smallest, largest := max(1, *scale.Instances.Min), max(1, *scale.Instances.Max)
	least, most := 0, 0
	var terms []string
	for _, service := range services {
		if service.NetworkMode != AWSVPC {
			continue
		}
		tasks := service.TasksIn(scale)
		if *tasks.Max == 0 {
			continue
		}
		needed := service.versions() * max(1, *tasks.Min)
		least += needed
		most += *tasks.Max
		terms = append(terms, fmt.Sprintf("%s %d × %d", service.Name, service.versions(), max(1, *tasks.Min)))
	}
	const trunking = "more come only with ENI trunking, which is not counted on; bridge mode needs none"
	if slots := smallest * instance.TaskENIs(); least > slots {
		return fmt.Errorf("tasks with a network interface each (networkMode: awsvpc) need %d with the second copies that a rolling update starts (%s), and %d × %s have %d: each has %d, one of them its own; %s",
			least, strings.Join(terms, ", "), smallest, instance.Name, slots, instance.ENIs, trunking)
	}
	if slots := largest * instance.TaskENIs(); most > slots {
		return fmt.Errorf("tasks with a network interface each (networkMode: awsvpc) are up to %d, and the largest cluster, %d × %s, has interfaces for %d: the others would wait for ever; %s",
			most, largest, instance.Name, slots, trunking)
	}
	return nil
}

// HasProxies says whether the stage's tasks have a Service Connect proxy
// beside them: where there is an internal service to reach.
func HasProxies(services []Service) bool {
	for _, service := range services {
		if service.Internal {
			return true
		}
	}
	return false
}

// proxyIn is the memory in MiB of the proxy beside each task of the service:
// Service Connect serves services, not tasks that run on a schedule.
func (s Service) proxyIn(services []Service) int {
	if s.Schedule != "" || !HasProxies(services) {
		return 0
	}
	return ProxyMiB
}

// copies is the number of a service's tasks on one instance when they are
// spread evenly over the smallest cluster.
func copies(tasks, instances int) int { return max(1, (tasks+instances-1)/instances) }

func part(whole, parts int) int {
	if parts == 0 {
		return 0
	}
	return whole / parts
}

// declaredOnly is for instance types newer than the table.
func declaredOnly(scale ScaleProfile, services []Service) (map[string]Share, error) {
	shares := map[string]Share{}
	for _, service := range services {
		if service.CPU == 0 || service.Memory == 0 {
			return nil, fmt.Errorf("the size of %s is not known here, so it cannot be divided: declare cpu and memory of service %q", scale.Instance, service.Name)
		}
		share := Share{CPU: service.CPU, CPUTarget: scale.CPU.ScaleOut, MemoryReservation: service.Memory, Memory: service.Memory}
		if proxy := service.proxyIn(services); proxy > 0 {
			share.TaskMemory = service.Memory + proxy
		}
		shares[service.Name] = share
	}
	return shares, nil
}

func noRoom(instance instances.Type, smallest int, services []Service, taken []string) error {
	text := fmt.Sprintf("%d services, with the second copies that a rolling update starts, do not fit on %d × %s, which leaves %d MiB and %d CPU units each",
		len(services), smallest, instance.Name, instance.UsableMemoryMiB(), instance.CPUUnits())
	if HasProxies(services) {
		text += fmt.Sprintf("; the Service Connect proxy beside each task takes %d MiB", ProxyMiB)
	}
	if len(taken) > 0 {
		text += "; declared: " + strings.Join(taken, ", ")
	}
	return errors.New(text)
}

// validateRoom checks that the stage's services fit on its instances. It has
// nothing to say while the numbers themselves are wrong.
func (s Stage) validateRoom(r report, app App) {
	if r.failed("services") || r.failed(r.field("scale").path) {
		return
	}
	if _, err := Shares(s.Scale, app.Services); err != nil {
		r.field("scale").fail(r.to.origin.conceal(err.Error()), "", "use a larger instance, more instances, or declare less cpu and memory")
	}
}
