package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

// App is the whole declaration: one application, how it is delivered, and the
// stages it is carried through.
type App struct {
	// Name of the application. The names of everything that is made begin with
	// it.
	//   - Default: required
	//   - Allowed: 1 to 20 lower-case letters, digits and single hyphens, beginning with a letter and not ending with a hyphen
	//   - Change: moves; another name is another application, which is made beside the old one
	//   - Example: bookshop
	Name string `yaml:"name"`

	// Pipeline makes a CodePipeline that carries every commit through the
	// stages. Without one the stages are deployed with `cdk deploy` from
	// wherever that runs ("direct mode").
	//   - Default: none
	//   - Change: by field; without it the stages stay deployed as they are
	//   - Example: {account: "111111111111"}
	//   - See: docs/delivery.md
	Pipeline *Pipeline `yaml:"pipeline"`

	// Source is where the application's code comes from. Without a pipeline it
	// is the folder of the declaration.
	//   - Default: none; required with [App.Pipeline]
	//   - Change: by field
	//   - Example: {codeCommit: shop}
	//   - See: docs/delivery.md
	Source *Source `yaml:"source"`

	// Build configures how images are built.
	//   - Default: no build variables
	//   - Change: by field
	//   - Example: {timeout: 90m}
	Build Build `yaml:"build"`

	// Services are the containers that run side by side in every stage.
	//   - Default: one service named web, built from the source, on port 80
	//   - Allowed: up to 10
	//   - Change: by field; one that comes or goes leaves the others alone, but for the even shares of CPU and memory
	//   - Example: [{name: web}, {name: jobs, worker: true}]
	Services []Service `yaml:"services"`

	// Stages are in the order in which a commit passes them.
	//   - Default: one stage named dev
	//   - Allowed: up to 40
	//   - Change: by field; one that comes, goes or moves leaves the others alone
	//   - Example: [{name: dev}, {name: prod}]
	Stages []Stage `yaml:"stages"`

	// Tags are put on every resource that can carry one, beside tinystack:app
	// and tinystack:stage.
	//   - Default: none
	//   - Allowed: up to 40, with keys of up to 128 and values of up to 256 letters, digits, spaces and _ . : / = + - @
	//   - Change: restarts tasks, restarts instances
	//   - Example: {team: shop}
	Tags map[string]string `yaml:"tags"`

	// Acknowledge lists findings of the preflight that are accepted, each with
	// its reason.
	//   - Default: none
	//   - Change: none
	//   - Example: [{finding: single-nat, reason: An hour without it does no harm.}]
	//   - See: docs/preflight.md
	Acknowledge []Acknowledgement `yaml:"acknowledge"`

	// Replacements lists changes that are let pass although they would replace
	// or delete what holds data, each in the words in which it was refused.
	//   - Default: none
	//   - Allowed: stack/logical id: what changes
	//   - Change: none
	//   - Example: ["shop-dev-data/DatabaseInstanceAA8A5FDE: DBName"]
	//   - See: docs/database.md
	Replacements []string `yaml:"replacements"`

	// dir is the folder the declaration was read from; paths in it are
	// relative to that.
	dir string

	// origin says where in the file everything stands.
	origin *origin
}

const (
	// defaultService and defaultStage are the names of what a declaration gets
	// that names none.
	defaultService = "web"
	defaultStage   = "dev"
)

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
	app.shareImages()
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

// mostServices is the number of container definitions in a task that ECS
// allows, which also keeps a stage's stack far below its limits.
const mostServices = 10

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
		a.validateImageOf(at, service)
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
			if a.Pipeline == nil && service.Builds() {
				at.field("source").fail("is a repository of its own, which only a pipeline can build from", "", "add a pipeline, or remove the source and build from a folder with context")
			}
		}
	}
	a.validateRoutes(r)
}

func (a App) validateStages(r report) {
	if len(a.Stages) > mostStages {
		r.fail(phrase.Count(len(a.Stages), "stage")+" are declared", fmt.Sprintf("up to %d", mostStages), "make two applications of them")
		return
	}
	firsts := map[string]int{}
	for i, stage := range a.Stages {
		at := r.item(i)
		stage.validate(at, a)
		if first, again := firsts[stage.Name]; again && stage.Name != "" {
			at.field("name").fail(fmt.Sprintf("%s is also the name of stages[%d]", at.quote(stage.Name), first), "a name of its own for each stage", "rename one of the two")
		} else {
			firsts[stage.Name] = i
		}
		for service := range min(len(a.Services), mostServices) {
			a.validateEnvironment(report{"services", r.to}, r, service, i)
		}
		a.validateCanary(at, i)
		a.validateWave(at, i)
	}
	a.validateDomains(r)
	a.validateShared(r)
	a.validateArchitectures(r)
	a.validateAddresses(report{"services", r.to})
	a.validateDatabaseServices(report{"services", r.to})
}

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

// replacementText is how package guard writes a change.
var replacementText = compile(`^[A-Za-z][A-Za-z0-9-]{0,127}/[A-Za-z0-9/]+: \S[^\n]*$`)

// validateReplacements checks how they are written; what they allow is not
// known here.
func validateReplacements(r report, replacements []string) {
	for i, text := range replacements {
		at := r.item(i)
		if at.matches(text, replacementText, "a change as the refusal names it", "stack/logical id: what changes, as in shop-dev-data/DatabaseInstanceAA8A5FDE: DBName", "copy the line that the refusal prints") &&
			slices.Contains(replacements[:i], text) {
			at.fail(at.quote(text)+" is given twice", "each change once", "remove one of the two")
		}
	}
}
