package cost

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/internal/phrase"
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

// alternatives are the other ways out, the other endpoint, the stage once scaling
// has taken it down to its least number of instances, and Fargate.
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
	if s.rests() {
		add("at rest, on "+phrase.Count(*declared.Scale.Instances.Min, "instance"), s.atRest())
	}
	if part, detail, ok := s.onFargate(now); ok {
		add("Fargate ("+detail+")", part)
	}
	return all
}
