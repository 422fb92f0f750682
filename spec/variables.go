package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

// containerVariable is what a container's variables may be called: Docker and ECS
// take any name without an equals sign, and configuration keys as in
// discovery.type are common.
var containerVariable = compile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// injected are the variables that the ECS agent sets in each container, and by
// which SDKs find the credentials of the task's role.
var injected = []string{
	"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_EXECUTION_ENV",
	"ECS_AGENT_URI", "ECS_CONTAINER_METADATA_URI", "ECS_CONTAINER_METADATA_URI_V4",
}

// credentials are the variables that SDKs take before the task's role.
var credentials = []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}

func validateVariableName(r report, name string) {
	const allowed = "letters, digits, underscores, dots and hyphens, not beginning with a digit, a dot or a hyphen"
	switch {
	case !containerVariable.MatchString(name) || len(name) > 255:
		r.fail("is not the name of an environment variable", allowed, "rename it")
	case slices.Contains(injected, name):
		r.fail("is a variable that the ECS agent sets in every container", "another name", "remove it and use what is set, or rename it")
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
	case dynamicReference.MatchString(value):
		r.fail("is a dynamic reference (its text is not shown): CloudFormation would write the secret's value into the task definition, where everyone who may look at it reads it", "what everyone may read", "give the name or ARN of the secret under secrets: ECS reads it when a task starts")
	case urlPassword.MatchString(value):
		r.warn("has a password in a URL (its value is not shown), which will be readable in the template", fix)
	}
}

// dynamicReference is CloudFormation's way to read a secret while it deploys.
var dynamicReference = compile(`\{\{\s*resolve:`)

func validateVariables(r report, variables map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		at := r.field(name)
		validateVariableName(at, name)
		if slices.Contains(credentials, name) {
			at.warn("stands in every template as it is, and is used instead of the task's role", "remove it and declare permissions, or give it under secrets")
		}
		validateVariableValue(at, variables[name])
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
	filled := map[string]declaration{}
	if in.UsesDatabase(s) {
		collect(filled, s.DatabaseVariables, own.field("databaseVariables"), "")
		collect(filled, in.Database.Variables, shared.field("database").field("variables"), "")
		in.validateDatabaseTexts(own.field("databaseVariables"), s.DatabaseVariables)
	}
	for _, name := range slices.Sorted(maps.Keys(filled)) {
		for _, declared := range []map[string]declaration{variables, secrets} {
			if at, both := declared[name]; both {
				at.fail("is also filled with what the database has, at "+filled[name].path, "one of the two", "remove one of them, or rename it")
			}
		}
	}
	set := len(filled) + len(in.DatabaseNames(s)) + len(regionNames)
	for i, other := range a.Services {
		if other.Internal && i != service {
			set += len(other.addressNames())
		}
	}
	in.validateEnvironmentSize(own, s, set)
	reserve := func(names []string, why string) {
		for _, name := range names {
			for _, declared := range []map[string]declaration{variables, secrets, filled} {
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

const (
	// mostVariables in one container: with more, CloudFormation is reported to
	// make a task definition without any (aws-cdk issue 38225).
	mostVariables = 100
	// mostText is what the texts of one service may come to, in bytes of JSON. ECS
	// takes task definitions of 64 KiB ("Amazon ECS service quotas"); the rest is
	// left to what is set besides.
	mostText = 56 << 10
)

// regionNames are the variables by which SDKs find the region. Every container has
// them, unless it declares its own.
var regionNames = []string{"AWS_REGION", "AWS_DEFAULT_REGION"}

// validateEnvironmentSize checks that the task definition of a service fits; set is
// how many variables the library sets beside those that are declared.
func (s Stage) validateEnvironmentSize(own report, service Service, set int) {
	variables, secrets := maps.Clone(service.Variables), maps.Clone(service.Secrets)
	if variables == nil {
		variables = map[string]string{}
	}
	if secrets == nil {
		secrets = map[string]string{}
	}
	if value(service.StageConfig) {
		maps.Copy(variables, s.Variables)
		maps.Copy(secrets, s.Secrets)
	}
	in := ""
	if s.Name != "" {
		in = " in stage " + own.quote(s.Name)
	}
	if len(variables)+set > mostVariables {
		own.field("variables").fail(fmt.Sprintf("come to %d%s, beside %d that are set, and ECS takes %d in a container", len(variables), in, set, mostVariables), phrase.Count(mostVariables-set, "variable")+" or fewer",
			"keep some in a file of the image, or all of them as the keys of one JSON secret")
		return
	}
	texts, err := json.Marshal([]any{pairs(variables), pairs(secrets), service.Command, service.EntryPoint, service.HealthCheck.Command})
	if err == nil && len(texts) > mostText {
		own.field("variables").fail(fmt.Sprintf("make a task definition%s of more than 64 KiB, the most that ECS takes: the variables, secrets and commands alone come to %d bytes", in, len(texts)), fmt.Sprintf("%d bytes", mostText),
			"keep large values in a file of the image, in a bucket or in a secret")
	}
}

// pairs writes variables as a task definition does.
func pairs(variables map[string]string) (list []map[string]string) {
	for name, value := range variables {
		list = append(list, map[string]string{"name": name, "value": value})
	}
	return list
}
