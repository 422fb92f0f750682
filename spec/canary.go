package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/internal/suggest"
)

// deriveCanaries lays what each canary declares over its production stage.
// It works on what was declared, before defaults, so that a default never
// hides a declared value of production.
func (a *App) deriveCanaries() {
	declared := clone(*a).Stages
	for i, stage := range declared {
		if stage.CanaryOf == "" {
			continue
		}
		from := slices.IndexFunc(declared, func(s Stage) bool { return s.Name == stage.CanaryOf })
		if from < 0 || declared[from].CanaryOf != "" {
			continue // validate says so
		}
		a.Stages[i] = canary(declared[from], stage)
	}
}

// canary is production's configuration with the overrides of one stage. What
// belongs to production's place rather than to its configuration is left out.
func canary(production, overrides Stage) Stage {
	derived := clone(production)
	derived.Name, derived.Region = "", ""
	derived.Approval, derived.Wave, derived.Bake, derived.Window, derived.Review, derived.Sleeps = "", "", 0, nil, false, false
	derived.Endpoint.Domain, derived.Endpoint.HostedZone, derived.Endpoint.Certificate = "", nil, ""
	derived.Endpoint.Routing = nil
	derived.Endpoint.RedirectFrom, derived.Endpoint.ClientCertificates, derived.Endpoint.Firewall = nil, nil, ""
	derived.Network.Zones, derived.Network.VPC = nil, nil
	derived.Scale.Image = "" // machine images belong to a region
	derived.Alarms.Topic, derived.Logs.Destination = "", nil
	if production.Network.VPC != nil {
		// Egress was said of that VPC.
		derived.Network.Egress = ""
	}
	if derived.Database != nil {
		// It stands in that VPC. The canary gets a database of its own.
		derived.Database.Existing = nil
		// Replicas elsewhere are production's provision for a lost region.
		derived.Database.ReadReplicas = slices.DeleteFunc(derived.Database.ReadReplicas, ReadReplica.elsewhere)
	}
	if overrides.Profile != "" {
		// A canary that asks for idle means it, whatever numbers production
		// declares.
		derived.Scale.Instances, derived.Scale.Tasks = Instances{}, Tasks{}
	}
	if production.Production == nil {
		isProduction := productionByName(production.Name)
		derived.Production = &isProduction
	}
	// A canary is disposable, whatever its production is.
	derived.Removal = ""
	overlay(reflect.ValueOf(&derived).Elem(), reflect.ValueOf(overrides))
	return derived
}

// overlay copies every value that is set in from over to: structs field by
// field, maps key by key, everything else as a whole.
func overlay(to, from reflect.Value) {
	switch {
	case from.IsZero():
	case from.Kind() == reflect.Struct:
		for i := range from.NumField() {
			overlay(to.Field(i), from.Field(i))
		}
	case from.Kind() == reflect.Pointer && from.Elem().Kind() == reflect.Struct && !to.IsNil():
		merged := reflect.New(from.Type().Elem())
		merged.Elem().Set(to.Elem())
		overlay(merged.Elem(), from.Elem())
		to.Set(merged)
	case from.Kind() == reflect.Map && !to.IsNil():
		merged := reflect.MakeMap(to.Type())
		for _, m := range []reflect.Value{to, from} {
			for _, key := range m.MapKeys() {
				merged.SetMapIndex(key, m.MapIndex(key))
			}
		}
		to.Set(merged)
	default:
		to.Set(from)
	}
}

// validateCanary checks a stage that rehearses another.
func (a App) validateCanary(r report, index int) {
	stage := a.Stages[index]
	if stage.CanaryOf == "" {
		return
	}
	canaryOf := r.field("canaryOf")
	production := a.stageIndex(stage.CanaryOf)
	switch {
	case stage.CanaryOf == stage.Name:
		canaryOf.fail(canaryOf.quote(stage.CanaryOf)+" is the stage itself", "the name of another stage", "name the production stage")
		return
	case production < 0:
		var names []string
		for _, other := range a.Stages {
			if other.CanaryOf == "" && other.Name != "" && r.plain(other.Name) {
				names = append(names, other.Name)
			}
		}
		fix := suggest.DidYouMean(stage.CanaryOf, names)
		if fix == "" {
			fix = "name a stage that is declared"
		}
		canaryOf.fail(canaryOf.quote(stage.CanaryOf)+" is not a stage", phrase.List(names, "or"), fix)
		return
	case a.Stages[production].CanaryOf != "":
		canaryOf.fail(canaryOf.quote(stage.CanaryOf)+" is a canary itself", "a stage that is no canary", "name the production stage")
		return
	}
	target := a.Stages[production]
	if production < index {
		canaryOf.fail(canaryOf.quote(stage.CanaryOf)+" stands before its canary", "a canary before its production stage", "move the canary up")
	}
	if region := r.field("region"); stage.Region != "" && stage.Region == target.Region {
		region.fail(region.quote(stage.Region)+" is also the region of "+r.quote(target.Name), "another region", "choose another region for the canary")
	}
	if stage.Wave != "" && stage.Wave == target.Wave {
		wave := r.field("wave")
		wave.fail(wave.quote(stage.Wave)+" is also the wave of "+r.quote(target.Name)+", which the canary must precede", "another wave, or none", "take the canary out of the wave")
	}
	if a.Pipeline != nil && target.Approval != Manual && (stage.Bake == 0 || !stage.runs()) {
		approval := report{"stages", r.to}.item(production).field("approval")
		fix := "set \"approval: manual\" here, or \"bake: 30m\" for the canary"
		if stage.Bake > 0 {
			fix = "set \"approval: manual\" here, or give the canary tasks: it bakes, and nothing runs in it"
		}
		approval.fail(fmt.Sprintf("nothing is awaited between the canary %s and this stage", r.quote(stage.Name)),
			"manual, or a bake time for the canary", fix)
	}
}

// withoutInherited drops what a canary only has from its production stage,
// where it is reported already. What is wrong in the canary alone stays.
func (a App) withoutInherited(problems Problems) Problems {
	type finding struct {
		severity    Severity
		path, wrong string
	}
	found := map[finding]bool{}
	for _, p := range problems {
		found[finding{p.Severity, p.Path, p.Wrong}] = true
	}
	return slices.DeleteFunc(problems, func(p Problem) bool {
		parts := stagePath.FindStringSubmatch(p.Path)
		if parts == nil || a.origin.declares(p.Path) {
			return false
		}
		i, _ := strconv.Atoi(parts[1])
		if a.Stages[i].CanaryOf == "" {
			return false
		}
		production := a.stageIndex(a.Stages[i].CanaryOf)
		return found[finding{p.Severity, fmt.Sprintf("stages[%d].%s", production, parts[2]), p.Wrong}]
	})
}

var stagePath = compile(`^stages\[([0-9]+)\]\.(.*)$`)
