package spec

import (
	"reflect"
	"slices"
	"strings"
)

// Resolve returns the complete declaration: canaries derived from their
// production stage, and every default filled in. The receiver is not changed.
// Its error is a [Problems] with everything that is wrong; the warnings that
// remain in a valid declaration are in [App.Warnings].
func (a App) Resolve() (App, error) {
	resolved := a.complete()
	if err := resolved.validate().Errors(); err != nil {
		return App{}, err
	}
	return resolved, nil
}

// complete fills in everything that was left out. It is lenient: what is wrong
// stays wrong, for validate to report.
func (a App) complete() App {
	app := clone(a)
	if app.Pipeline != nil {
		app.Pipeline.setDefaults()
	}
	if app.Source != nil {
		app.Source.setDefaults()
	}
	app.Build.setDefaults()
	if len(app.Services) == 0 {
		app.Services = []Service{{Name: defaultService}}
	}
	for i := range app.Services {
		app.Services[i].setDefaults()
	}
	if len(app.Stages) == 0 {
		app.Stages = []Stage{{Name: defaultStage}}
	}
	app.deriveCanaries()
	for i := range app.Stages {
		app.Stages[i].setDefaults(app)
	}
	return app
}

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

// clone is a deep copy: nothing that this package fills in ever shows in the
// caller's value.
func clone[T any](value T) T {
	var copied T
	deepCopy(reflect.ValueOf(&copied).Elem(), reflect.ValueOf(value))
	return copied
}

func deepCopy(to, from reflect.Value) {
	switch from.Kind() {
	case reflect.Struct:
		to.Set(from) // the unexported fields, too
		for i := range from.NumField() {
			if to.Field(i).CanSet() {
				deepCopy(to.Field(i), from.Field(i))
			}
		}
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			deepCopy(to.Elem(), from.Elem())
		}
	case reflect.Slice:
		if !from.IsNil() {
			to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
			for i := range from.Len() {
				deepCopy(to.Index(i), from.Index(i))
			}
		}
	case reflect.Map:
		if !from.IsNil() {
			to.Set(reflect.MakeMapWithSize(from.Type(), from.Len()))
			for _, key := range from.MapKeys() {
				to.SetMapIndex(key, from.MapIndex(key))
			}
		}
	default:
		to.Set(from)
	}
}

// productionByName says whether a stage is a production stage when it does not
// say so itself.
func productionByName(name string) bool {
	return name == "prod" || name == "production" || strings.HasPrefix(name, "prod-")
}
