package spec

import (
	"maps"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

var variableName = compile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func validateVariableName(r report, name string) {
	const allowed = "letters, digits and underscores, not beginning with a digit, AWS_ or ECS_"
	switch {
	case !variableName.MatchString(name) || len(name) > 255:
		r.fail("is not the name of an environment variable", allowed, "rename it")
	case strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "ECS_"):
		r.fail("begins with "+name[:4]+", which AWS keeps for itself", allowed, "rename it")
	}
}

// validateVariableValue looks for secrets where they would be readable in the
// template. It never shows the value.
func validateVariableValue(r report, value string) {
	const fix = "put it into Secrets Manager and refer to it under secrets"
	switch {
	case isToken(value):
	case looksSecret(value):
		r.fail("looks like a secret (its value is not shown), and would be readable in the template", "what everyone may read", fix)
	case urlPassword.MatchString(value):
		r.warn("has a password in a URL (its value is not shown), which will be readable in the template", fix)
	}
}

func validateVariables(r report, variables map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		validateVariableName(r.field(name), name)
		validateVariableValue(r.field(name), variables[name])
	}
}

// addressNames are the variables by which other services find an internal one.
func (s Service) addressNames() []string {
	prefix := strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
	return []string{prefix + "_HOST", prefix + "_PORT"}
}

// declares says whether the environment that is declared for the service in the
// stage has a variable or secret of that name.
func (s Stage) declares(service Service, name string) bool {
	sets := []map[string]string{service.Variables, service.Secrets}
	if value(service.StageConfig) {
		sets = append(sets, s.Variables, s.Secrets)
	}
	return slices.ContainsFunc(sets, func(set map[string]string) bool {
		_, declared := set[name]
		return declared
	})
}

// validateEnvironment checks what the environment of a service in a stage
// consists of: its own variables and secrets, those of the stage, and those
// that the library sets.
func (a App) validateEnvironment(services, stages report, service, stage int) {
	s, in := a.Services[service], a.Stages[stage]
	own, shared := services.item(service), stages.item(stage)

	// Where each name is declared; the stage's wins over the service's.
	type declaration struct {
		report
		of string
	}
	variables, secrets := map[string]declaration{}, map[string]declaration{}
	collect := func(to map[string]declaration, from map[string]string, at report, of string) {
		for name := range from {
			to[name] = declaration{at.field(name), of}
		}
	}
	collect(variables, s.Variables, own.field("variables"), own.path)
	collect(secrets, s.Secrets, own.field("secrets"), own.path)
	if value(s.StageConfig) {
		collect(variables, in.Variables, shared.field("variables"), "the stage")
		collect(secrets, in.Secrets, shared.field("secrets"), "the stage")
	}

	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		if variable, both := variables[name]; both {
			secrets[name].fail("is also a variable of "+variable.of, "a variable or a secret", "remove one of the two, or rename it")
		}
	}
	reserve := func(names []string, why string) {
		for _, name := range names {
			for _, declared := range []map[string]declaration{variables, secrets} {
				if at, ok := declared[name]; ok {
					at.fail(why, "another name", "rename it, or remove it and use what is set")
				}
			}
		}
	}
	reserve(in.DatabaseNames(s), "is a variable that the stage's database sets, and is not among database.overrides")
	if s.Migration != nil && in.UsesDatabase(s) && in.Database.Alternates() {
		reserve(appNames, "is a variable that the stage's database sets for the migration")
	}
	for i, other := range a.Services {
		if other.Internal && i != service && other.Name != "" {
			reserve(other.addressNames(), "is a variable that the internal service "+own.quote(other.Name)+" sets")
		}
	}
}

// validateAddresses reports an internal service whose variables are those of a
// database.
func (a App) validateAddresses(services report) {
	hasDatabase := slices.ContainsFunc(a.Stages, func(s Stage) bool { return s.Database != nil })
	for i, service := range a.Services {
		if service.Internal && hasDatabase && slices.Contains(databaseNames, service.addressNames()[0]) {
			at := services.item(i).field("name")
			at.fail(at.quote(service.Name)+" would set "+phrase.List(service.addressNames(), "and")+", which a stage's database sets", "another name", "rename the service")
		}
	}
}
