package cost

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/spec"
)

// Alternative is a stage that differs in one choice, and what it costs all in.
type Alternative struct {
	// Choice that differs.
	Choice string `json:"choice"`
	// Total of the stage with it.
	Total Total `json:"total"`
	// More is what that is beyond the stage as it is; less than zero where it
	// saves.
	More decimal.Decimal `json:"more"`
}

// String is the alternative in a few words.
func (a Alternative) String() string {
	return fmt.Sprintf("%s %s", a.Choice, signed(a.More.StringFixed(2)))
}

// alternatives are the other ways out, the other endpoint, and Fargate.
func alternatives(app spec.App, declared spec.Stage, load Load) []Alternative {
	now := ofStage(app, declared, load)
	s := &stage{sheet: sheet{region: declared.Region}, app: app, declared: declared, load: load}
	var all []Alternative
	add := func(choice string, part Part) {
		all = append(all, Alternative{choice, part.Total(), part.Total().USD.Sub(now.Total().USD)})
	}
	if s.ownNetwork() {
		for _, egress := range []spec.Egress{spec.NATInstance, spec.NATGateway, spec.NATGatewayPerZone, spec.VPCEndpoints, spec.PublicIP} {
			if other := declared; egress != declared.Network.Egress {
				other.Network.Egress = egress
				add("egress "+string(egress), ofStage(app, other, load))
			}
		}
	}
	for _, endpoint := range []spec.EndpointType{spec.APIGateway, spec.ALB} {
		if other := declared; s.endpointKind() != noEndpoint && endpoint != declared.Endpoint.Type {
			other.Endpoint.Type, other.Endpoint.Caching = endpoint, nil
			add("endpoint "+string(endpoint), ofStage(app, other, load))
		}
	}
	if part, detail, ok := s.onFargate(now); ok {
		add("Fargate ("+detail+")", part)
	}
	return all
}

// fargateSizes are the vCPUs of a Fargate task and the GB that each can have.
var fargateSizes = []struct {
	cpu         decimal.Decimal
	least, most int
}{{dec("0.25"), 1, 2}, {dec("0.5"), 1, 4}, {dec("1"), 2, 8}, {dec("2"), 4, 16}, {dec("4"), 8, 30}, {dec("8"), 16, 60}, {dec("16"), 32, 120}}

// onFargate is the stage with Fargate tasks in place of its instances: one for
// each, of about its size. Of a burstable instance's CPU that is its baseline,
// as that is what it can be sure of, or what the load takes where that is more.
func (s *stage) onFargate(now Part) (Part, string, bool) {
	instance, known := instances.Lookup(s.declared.Scale.Instance)
	if !known || s.instanceHours().IsZero() {
		return Part{}, "", false
	}
	cpu := num(instance.VCPU)
	if baseline, ok := baselines[sizeOf(instance.Name)]; ok && instance.Burstable {
		cpu = decimal.Max(baseline, cpu.Mul(num(s.load.CPU)).Div(num(100)))
	}
	memory := (instance.MemoryMiB + 1023) / 1024
	for _, size := range fargateSizes {
		if size.cpu.LessThan(cpu) || size.most < memory {
			continue
		}
		memory = max(memory, size.least)
		part := now
		part.Lines = slices.DeleteFunc(slices.Clone(now.Lines), func(l Line) bool { return slices.Contains(ofInstances, l.Resource) })
		tasks := sheet{region: s.region}
		hours := s.instanceHours()
		tasks.add(Line{Resource: "CPU of Fargate tasks", Kind: Fixed}, hours.Mul(size.cpu), priceOf("fargate-cpu"))
		tasks.add(Line{Resource: "memory of Fargate tasks", Kind: Fixed}, hours.Mul(num(memory)), priceOf("fargate-memory"))
		part.Lines = append(part.Lines, tasks.lines...)
		return part, fmt.Sprintf("%s × %s vCPU, %d GB", number(s.average()), size.cpu, memory), true
	}
	return Part{}, "", false
}
