package spec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Validate says what is wrong with the declaration, complete or not: nil, or
// [Problems] that are all errors.
func (a App) Validate() error { return a.complete().validate().Errors() }

// Warnings says what is valid and yet unwise in the declaration.
func (a App) Warnings() Problems { return a.complete().validate().Warnings() }

// mostServices is the number of container definitions in a task that ECS
// allows, which also keeps a stage's stack far below its limits.
const mostServices = 10

// mostStages leaves room for the pipeline's own stages among the 50 that
// CodePipeline allows.
const mostStages = 40

// validate says what is wrong with a completed declaration.
func (a App) validate() Problems {
	r := newReport(a.origin)
	validateName(r.field("name"), a.Name, "the application")
	if a.Pipeline != nil {
		a.Pipeline.validate(r.field("pipeline"))
	}
	a.validateSource(r.field("source"))
	a.Build.validate(r.field("build"))
	a.validateServices(r.field("services"))
	a.validateStages(r.field("stages"))
	validateTags(r.field("tags"), a.Tags)
	a.validateAcknowledgements(r.field("acknowledge"))
	validateReplacements(r.field("replacements"), a.Replacements)
	return a.withoutInherited(r.to.problems).tidy()
}

func (a App) validateSource(r report) {
	switch {
	case a.Source != nil:
		a.Source.validate(r, a.Pipeline)
		if a.Pipeline != nil && a.Pipeline.Declaration != nil && a.Source.place() == a.Pipeline.Declaration.place() {
			report{"pipeline.declaration", r.to}.fail("is the application's own source", "another repository", "remove it: the declaration is read from there anyway")
		}
		if a.Pipeline == nil {
			r.warn("is not used without a pipeline: images are built from the folder of the declaration", "add a pipeline, or remove the source")
		}
	case a.Pipeline != nil:
		r.fail("is missing", "repository and connection, codeCommit, or bucket and key", "say where the pipeline finds the code")
	}
}

func (a App) validateServices(r report) {
	if len(a.Services) > mostServices {
		r.fail(fmt.Sprintf("%d services are declared", len(a.Services)), fmt.Sprintf("up to %d", mostServices), "make two applications of them")
	}
	firsts := map[string]int{}
	for i, service := range a.Services {
		at := r.item(i)
		service.validate(at)
		if first, again := firsts[service.Name]; again && service.Name != "" {
			at.field("name").fail(fmt.Sprintf("%s is also the name of services[%d]", at.quote(service.Name), first), "a name of its own for each service", "rename one of the two")
		} else {
			firsts[service.Name] = i
		}
		if a.Pipeline == nil && service.BuildSpec != "" {
			at.field("buildSpec").fail("needs a pipeline: without one the image is built from its Dockerfile", "", "add a pipeline, or remove it")
		}
		if a.Pipeline == nil && service.ReleaseSpec != "" {
			at.field("releaseSpec").fail("needs a pipeline that runs it", "", "add a pipeline, or remove it")
		}
		if service.Schedule != "" && HasProxies(a.Services) {
			at.field("schedule").warn("a scheduled task cannot reach the internal services: Service Connect knows them for services only", "reach them through a service that is always there, or a database")
		}
		if service.Source != nil {
			service.Source.validate(at.field("source"), a.Pipeline)
			if a.Pipeline == nil && service.Image == "" {
				at.field("source").fail("is a repository of its own, which only a pipeline can build from", "", "add a pipeline, or remove the source and build from a folder with context")
			}
		}
	}
	a.validateRoutes(r)
}

// Public says whether the stage's endpoint serves the service.
func (s Service) Public() bool { return !s.Internal && !s.Worker }

// Fallback says whether the service gets the requests which no other takes.
func (s Service) Fallback() bool { return s.Public() && s.Path == "" && s.Subdomain == "" }

// hasPublicService says whether a stage has an endpoint at all.
func (a App) hasPublicService() bool { return slices.ContainsFunc(a.Services, Service.Public) }

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

// stageIndex finds a stage by its name; -1 is none.
func (a App) stageIndex(name string) int {
	return slices.IndexFunc(a.Stages, func(s Stage) bool { return s.Name == name })
}

const (
	longestName = 20
	nameRule    = "1 to 20 lower-case letters, digits and single hyphens, beginning with a letter and not ending with a hyphen"
)

var (
	namePattern = compile(`^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$`)
	notInName   = compile(`[^a-z0-9]+`)
)

// validateName checks a name that becomes part of the names of resources.
func validateName(r report, name, of string) bool {
	switch {
	case name == "":
		r.fail("is missing", nameRule, "give it a name")
	case isToken(name):
		r.fail("is only known at deployment", nameRule, "write the name itself: logical ids are made of it")
	case len(name) > longestName:
		r.fail(fmt.Sprintf("%s has %d characters", r.quote(name), len(name)), nameRule, "shorten it: names of AWS resources are made of it")
	case !namePattern.MatchString(name):
		r.fail(r.quote(name)+" is not a name for "+of, nameRule, nameFix(r, name))
	default:
		return true
	}
	return false
}

// nameFix suggests a name that is allowed.
func nameFix(r report, name string) string {
	fixed := strings.Trim(notInName().ReplaceAllString(strings.ToLower(name), "-"), "-0123456789")
	if !namePattern.MatchString(fixed) || !r.plain(name) {
		return "use only lower-case letters, digits and single hyphens"
	}
	return "write " + fixed
}

const mostTags = 40 // AWS allows 50; CloudFormation and the library add some

var tagPattern = compile(`^[\p{L}\p{Z}\p{N}_.:/=+@-]*$`)

func validateTags(r report, tags map[string]string) {
	const characters = "letters, digits, spaces and _ . : / = + - @"
	if len(tags) > mostTags {
		r.fail(fmt.Sprintf("%d tags are declared", len(tags)), fmt.Sprintf("up to %d", mostTags), "remove some")
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		at, value := r.field(key), tags[key]
		switch {
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			at.fail("begins with \"aws:\", which AWS keeps for itself", "another key", "rename the tag")
		case key == AppTag || key == StageTag:
			at.fail("is a tag that tinystack sets itself", "another key", "rename the tag")
		case key == "" || len([]rune(key)) > 128 || !tagPattern.MatchString(key):
			at.fail("is not a key of a tag", "1 to 128 "+characters, "rename the tag")
		}
		if isToken(value) {
			continue
		}
		if len([]rune(value)) > 256 || !tagPattern.MatchString(value) {
			at.fail(r.quote(value)+" is not a value of a tag", "up to 256 "+characters, "shorten it, and remove other characters")
		}
	}
}
