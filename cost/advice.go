package cost

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/spec"
)

// Advice is a change of a stage that saves money, and what it takes away.
type Advice struct {
	// Do is what to declare.
	Do string `json:"do"`
	// But is what the saving costs otherwise.
	But string `json:"but"`
	// Saving a month, in dollars.
	Saving decimal.Decimal `json:"saving"`
}

// String is the advice as a sentence.
func (a Advice) String() string {
	return fmt.Sprintf("$%s: %s; %s", grouped(a.Saving.StringFixed(2)), a.Do, a.But)
}

// least is the saving below which advice is not worth reading.
var least = dec("0.50")

// change is what could be declared otherwise.
type change struct {
	do, but string
	to      func(*spec.Stage)
}

// Advise lists what would make a stage cheaper under a load, the largest saving
// first. Nothing of it takes away encryption, backups, or that instances are
// private.
func Advise(app spec.App, name string, load Load) ([]Advice, error) {
	app, err := app.Resolve()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(app.Stages, func(s spec.Stage) bool { return s.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("application %q has no stage %q", app.Name, name)
	}
	return advise(app, app.Stages[i], load), nil
}

func advise(app spec.App, declared spec.Stage, load Load) []Advice {
	all, _ := adviseTogether(app, declared, load)
	return all
}

// adviseTogether also says what all of the advice saves together, which is less
// than its sum where one change takes from what another saves on.
func adviseTogether(app spec.App, declared spec.Stage, load Load) ([]Advice, decimal.Decimal) {
	type candidate struct {
		Advice
		change
	}
	now := billOf(app, declared, load)
	var found []candidate
	for _, c := range changes(app, declared, load) {
		if _, saving, known := now.after(c); known && saving.GreaterThanOrEqual(least) {
			found = append(found, candidate{Advice{c.do, c.but, saving}, c})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int {
		return cmp.Or(b.Saving.Cmp(a.Saving), strings.Compare(a.Do, b.Do))
	})
	var all []Advice
	together := decimal.Zero
	for _, c := range found {
		all = append(all, c.Advice)
		if then, more, known := now.after(c.change); known && more.IsPositive() {
			now, together = then, together.Add(more)
		}
	}
	return all, together
}

// bill is what a stage costs as it is declared in an application.
type bill struct {
	app      spec.App
	declared spec.Stage
	load     Load
	total    Total
}

func billOf(app spec.App, declared spec.Stage, load Load) bill {
	return bill{app, declared, load, ofStage(app, declared, load).Total()}
}

// after is the bill of the changed stage, and what that saves a month, in the
// pipeline as well; known is false where it has a price that is not known.
func (b bill) after(c change) (then bill, saving decimal.Decimal, known bool) {
	other := clone(b.declared)
	c.to(&other)
	then = billOf(with(b.app, other), other, b.load)
	saving = b.total.USD.Sub(then.total.USD)
	if other.Sleeps != b.declared.Sleeps { // which the pipeline sees to
		saving = saving.Add(ofPipeline(b.app, b.load).Total().USD).Sub(ofPipeline(then.app, b.load).Total().USD)
	}
	return then, saving, then.total.Unknown <= b.total.Unknown
}

// with is the application with another stage of that name.
func with(app spec.App, changed spec.Stage) spec.App {
	app.Stages = slices.Clone(app.Stages)
	for i := range app.Stages {
		if app.Stages[i].Name == changed.Name {
			app.Stages[i] = changed
		}
	}
	return app
}

// clone copies what the changes change.
func clone(s spec.Stage) spec.Stage {
	if s.Database != nil {
		db := *s.Database
		s.Database = &db
	}
	return s
}

func changes(app spec.App, declared spec.Stage, load Load) []change {
	s := &stage{sheet: sheet{region: declared.Region}, app: app, declared: declared, load: load}
	return slices.Concat(s.computeChanges(), s.networkChanges(), s.databaseChanges(), s.endpointChanges())
}

func (s *stage) computeChanges() []change {
	var all []change
	scale, production := s.declared.Scale, *s.declared.Production
	if arm := graviton(scale.Instance); arm != "" {
		all = append(all, change{"scale: {instance: " + arm + "}", "all stages change to Graviton together, as there is one image",
			func(o *spec.Stage) { o.Scale.Instance = arm }})
	}
	if _, used := surplus(scale.Instance, s.load.CPU); used.IsPositive() {
		if larger := s.withoutSurplus(); larger != "" {
			all = append(all, change{"scale: {instance: " + larger + "}", "the sustained load no longer buys CPU credits",
				func(o *spec.Stage) { o.Scale.Instance = larger }})
		}
	}
	if !*scale.Spot && !production && *scale.Instances.Max > 0 {
		all = append(all, change{"scale: {spot: true}", "AWS may take an instance back with two minutes' notice",
			func(o *spec.Stage) { o.Scale.Spot = new(true) }})
	}
	if least := *scale.Instances.Min; s.rests() {
		all = append(all, change{fmt.Sprintf("scale: {instances: {desired: %d}}", least), "scaling goes there by itself while the load stays low",
			func(o *spec.Stage) { o.Scale.Instances.Desired = &least }})
	}
	if s.declared.CanaryOf != "" && *scale.Instances.Max > 0 {
		idle := spec.Preset(spec.Idle)
		all = append(all, change{"profile: idle", "the canary then rehearses deployments, and serves nothing",
			func(o *spec.Stage) {
				o.Scale.Instances, o.Scale.Tasks = idle.Instances, idle.Tasks
			}})
	}
	if s.declared.CanaryOf != "" && s.app.Pipeline != nil && s.declared.Bake > 0 && !s.declared.Sleeps && *scale.Instances.Desired > 0 && *scale.Tasks.Max > 0 {
		all = append(all, change{"sleeps: true", "each release waits some minutes until it is awake",
			func(o *spec.Stage) { o.Sleeps = true }})
	}
	if *s.declared.ContainerInsights {
		all = append(all, change{"containerInsights: false", "the metrics of single tasks are gone",
			func(o *spec.Stage) { o.ContainerInsights = new(false) }})
	}
	if scale.OneMinuteMetrics() {
		all = append(all, change{"scale: {cpu: {for: a multiple of 5m}}", "scaling looks at the load every five minutes",
			func(o *spec.Stage) { o.Scale.CPU.For = spec.Minutes(5) }})
	}
	return all
}

func (s *stage) networkChanges() []change {
	var all []change
	if !s.ownNetwork() {
		return nil
	}
	egress := s.declared.Network.Egress
	if egress == spec.NATGatewayPerZone {
		all = append(all, change{"network: {egress: nat-gateway}", "one zone's failure takes the way out from all",
			func(o *spec.Stage) { o.Network.Egress = spec.NATGateway }})
	}
	if egress == spec.NATGateway || egress == spec.VPCEndpoints || egress == spec.NATGatewayPerZone {
		but := "one small instance forwards for all zones; while it is away, none has a way out"
		if egress == spec.VPCEndpoints {
			but += ", and with it they reach the internet"
		}
		all = append(all, change{"network: {egress: nat-instance}", but,
			func(o *spec.Stage) { o.Network.Egress = spec.NATInstance }})
	}
	return all
}

func (s *stage) databaseChanges() []change {
	if !s.newDatabase() {
		return nil
	}
	var all []change
	db := s.declared.Database
	if arm := graviton(strings.TrimPrefix(db.Instance, "db.")); arm != "" {
		all = append(all, change{"database: {instance: " + arm + "}", "the instance restarts once",
			func(o *spec.Stage) { o.Database.Instance = arm }})
	}
	if *db.MultiAZ && (!*s.declared.Production || s.declared.CanaryOf != "") {
		all = append(all, change{"database: {multiAz: false}", "a failure of the zone stops the stage",
			func(o *spec.Stage) { o.Database.MultiAZ = new(false) }})
	}
	return all
}

func (s *stage) endpointChanges() []change {
	endpoint := s.declared.Endpoint
	switch s.endpointKind() {
	case httpAPI:
		return []change{{"endpoint: {type: alb}", "the address changes, and what only an HTTP API has is gone",
			func(o *spec.Stage) { o.Endpoint.Type = spec.ALB }}}
	case balancer:
		return []change{{"endpoint: {type: api-gateway}", "the address changes, and what only a load balancer has is gone",
			func(o *spec.Stage) { o.Endpoint.Type = spec.APIGateway }}}
	case restAPI:
		if endpoint.Caching.Size > 0.5 {
			return []change{{"endpoint: {caching: {size: 0.5}}", "less is kept", func(o *spec.Stage) {
				smaller := *o.Endpoint.Caching
				smaller.Size = 0.5
				o.Endpoint.Caching = &smaller
			}}}
		}
	}
	return nil
}

// gravitons are the families that do the same work on Graviton.
var gravitons = map[string]string{
	"t2": "t4g", "t3": "t4g", "t3a": "t4g",
	"m4": "m7g", "m5": "m7g", "m5a": "m7g", "m6i": "m7g", "m6a": "m7g", "m7i": "m7g", "m7a": "m7g",
	"c4": "c7g", "c5": "c7g", "c5a": "c7g", "c6i": "c7g", "c6a": "c7g", "c7i": "c7g", "c7a": "c7g",
	"r4": "r7g", "r5": "r7g", "r5a": "r7g", "r6i": "r7g", "r6a": "r7g", "r7i": "r7g", "r7a": "r7g",
}

// graviton is the Graviton instance of the same size, or nothing.
func graviton(instance string) string {
	family, size, _ := strings.Cut(instance, ".")
	if arm := gravitons[family]; arm != "" {
		return arm + "." + size
	}
	return ""
}

// withoutSurplus is the cheapest other size of a burstable family, or a
// general-purpose instance of as many vCPUs, under the load; nothing where the
// instance itself is.
func (s *stage) withoutSurplus() string {
	family, size, _ := strings.Cut(s.declared.Scale.Instance, ".")
	now, known := instances.Lookup(s.declared.Scale.Instance)
	if !known {
		return ""
	}
	best, lowest := "", ofStage(s.app, s.declared, s.load).exact()
	for _, other := range []string{family + ".small", family + ".medium", family + ".large", "m7g.large", "m6i.large", "m7i.large"} {
		found, ok := instances.Lookup(other)
		if !ok || other == family+"."+size || found.Arch != now.Arch || found.VCPU < now.VCPU || found.MemoryMiB < now.MemoryMiB ||
			instances.PriceOf(other, s.region).OnDemand == "" {
			continue
		}
		changed := s.declared
		changed.Scale.Instance = other
		if cost := ofStage(s.app, changed, s.load).exact(); cost.LessThan(lowest) {
			best, lowest = other, cost
		}
	}
	return best
}
