package spec

import "slices"

// NetworkMode is how tasks are reached.
type NetworkMode string

const (
	// Bridge gives tasks ports of their instance.
	Bridge NetworkMode = "bridge"
	// AWSVPC gives each task a network interface.
	AWSVPC NetworkMode = "awsvpc"
)

// Service is one container image and how it runs. Each stage runs every
// service.
type Service struct {
	// Name of the service, unique in the application. Required, and built
	// like the name of an [App].
	Name string `yaml:"name"`

	// Image is an existing image: a name on Docker Hub ("python:3.9"), a
	// public registry's URL, or an ECR URL. Default: none: the image is built
	// from a repository.
	Image string `yaml:"image"`

	// Source is the repository the image is built from, where it is not the
	// application's own. Default: the application's source.
	Source *Source `yaml:"source"`

	// Context is the build context, relative to the root of the source (in
	// direct mode, to the declaration's folder). Default: ".".
	Context string `yaml:"context"`

	// Dockerfile relative to Context. Default: Dockerfile.
	Dockerfile string `yaml:"dockerfile"`

	// BuildSpec is a CodeBuild buildspec file, relative to the root of the
	// source, by which a pipeline builds and pushes the image. Default:
	// build.yml in Context, where the declaration's own repository has one;
	// otherwise the image is built from Dockerfile.
	BuildSpec string `yaml:"buildSpec"`

	// ReleaseSpec is a buildspec file, relative to the root of the source,
	// that a pipeline runs after each stage's deployment. Default:
	// release.yml in Context, where the declaration's own repository has one;
	// otherwise nothing.
	ReleaseSpec string `yaml:"releaseSpec"`

	// Port the container listens on, 1 to 65535. Default: 80. Not allowed
	// with Worker.
	Port int `yaml:"port"`

	// Worker marks a service that listens on no port. Default: false.
	Worker bool `yaml:"worker"`

	// Schedule runs a task at set times and lets it end, instead of keeping
	// tasks running: "rate(1 hour)", or "cron(0 3 * * ? *)" in UTC. It listens
	// on no port, as a worker. In a stage without tasks the schedule rests.
	// Default: none.
	Schedule string `yaml:"schedule"`

	// Internal services are reached by the stage's other services only, under
	// their name and port, which stand in the others' environment as
	// <NAME>_HOST and <NAME>_PORT. Default: false: the service is served by
	// the stage's endpoint.
	Internal bool `yaml:"internal"`

	// Path below which the stage's endpoint sends requests to this service, as
	// in /admin: that path itself and everything under it, unchanged. The
	// longest path that fits a request wins. One to four segments of letters,
	// digits and . _ -. Of the services that are neither internal nor
	// workers exactly one has no path and no Subdomain: it gets every other
	// request.
	// Default: none.
	Path string `yaml:"path"`

	// Subdomain under which the stage's endpoint serves this service, as in
	// admin: admin.example.com in a stage whose domain is example.com. A Path
	// holds below it, and of the services of a subdomain exactly one has none.
	// In a stage without a domain an HTTP API gives the service an address of
	// its own; an ALB serves it to requests for any host name that begins with
	// the subdomain. Not with Caching. One label of letters, digits and
	// hyphens, up to 63. Default: none: the service is served under the domain
	// itself.
	Subdomain string `yaml:"subdomain"`

	// HealthCheck says how to tell whether a task is healthy. Default: an ALB
	// asks for "/"; elsewhere a running container counts as healthy.
	HealthCheck HealthCheck `yaml:"healthCheck"`

	// CPU units reserved for a task; 1024 are one vCPU. Default: an even
	// share of the instance, see docs/sizing.md.
	CPU int `yaml:"cpu"`

	// Memory in MiB that a task may use at most. Default: an even share of
	// the instance, see docs/sizing.md.
	Memory int `yaml:"memory"`

	// Tasks is how many copies of this service run, where that differs from
	// its stage: a cache stays at {min: 1, max: 1}. A stage whose tasks.max is
	// 0 runs none all the same. Not allowed with Schedule. Default: the
	// stage's, Min and Max one by one.
	Tasks Tasks `yaml:"tasks"`

	// NetworkMode is bridge (tasks share the address of their instance, on
	// ports that are chosen for them) or awsvpc (each task has a network
	// interface and a security group of its own, of which small instances
	// have few: see docs/sizing.md). Default: bridge.
	NetworkMode NetworkMode `yaml:"networkMode"`

	// StopTimeout is how long a container may take to end after SIGTERM
	// before it is killed, 1s to 1h. Default: 30s.
	StopTimeout Duration `yaml:"stopTimeout"`

	// WorkingDirectory of the container's command. Default: the image's.
	WorkingDirectory string `yaml:"workingDirectory"`

	// User that the container runs as: a name or a number, with ":group"
	// where that matters. Default: the image's.
	User string `yaml:"user"`

	// ReadOnlyRoot makes the container's file system read-only, except its
	// Volumes. Default: false.
	ReadOnlyRoot bool `yaml:"readOnlyRoot"`

	// Ulimits change the resource limits of the container. Default: none.
	Ulimits []Ulimit `yaml:"ulimits"`

	// Volumes are folders that are not part of the image. Default: none.
	Volumes []Volume `yaml:"volumes"`

	// EntryPoint replaces the image's entry point. Default: the image's.
	EntryPoint []string `yaml:"entryPoint"`

	// Command replaces the image's command. Default: the image's.
	Command []string `yaml:"command"`

	// Migration is a command that runs in the new version's image before tasks
	// of that version start: in each stage, at each deployment that changes the
	// service's task. Not allowed with Schedule. Default: none.
	Migration *Migration `yaml:"migration"`

	// Variables of this service's environment, the same in all stages; a
	// stage's variable of the same name wins. Default: none.
	Variables map[string]string `yaml:"variables"`

	// Secrets of this service's environment, in the form of [Stage.Secrets];
	// a stage's secret of the same name wins. Default: none.
	Secrets map[string]string `yaml:"secrets"`

	// StageConfig says whether the stage's variables, secrets, permissions
	// and database reach this service. Default: true, except for an internal
	// service that runs an existing image (a cache, a proxy): that gets only
	// what it declares itself.
	StageConfig *bool `yaml:"stageConfig"`
}

const defaultPort = 80

func (s *Service) setDefaults() {
	if s.Image == "" {
		fill(&s.Context, ".")
		fill(&s.Dockerfile, "Dockerfile")
	}
	if s.Schedule != "" {
		s.Worker = true
	}
	if !s.Worker {
		fill(&s.Port, defaultPort)
	}
	fill(&s.NetworkMode, Bridge)
	fill(&s.StopTimeout, 30*second)
	for i := range s.Ulimits {
		fill(&s.Ulimits[i].Hard, s.Ulimits[i].Soft)
	}
	if s.Source != nil {
		s.Source.setDefaults()
	}
	s.HealthCheck.setDefaults()
	if s.Migration != nil {
		s.Migration.setDefaults()
	}
	fillPtr(&s.StageConfig, !s.Internal || s.Image == "")
}

// Complete fills in the defaults of a service.
func (s Service) Complete() (Service, error) {
	s = clone(s)
	s.setDefaults()
	r := newReport(nil)
	s.validate(r)
	return s, r.errors()
}

func (s Service) validate(r report) {
	validateName(r.field("name"), s.Name, "a service")
	s.validateImage(r)
	s.validatePort(r)
	s.validatePath(r.field("path"))
	s.validateSubdomain(r.field("subdomain"))
	s.HealthCheck.validate(r.field("healthCheck"))
	if s.Worker && s.HealthCheck.Path != "" {
		r.field("healthCheck").field("path").fail("a worker listens on no port, so nothing answers", "", "use command instead of path, or remove it")
	}
	if migration := r.field("migration"); s.Migration != nil {
		s.Migration.validate(migration)
		if s.Schedule != "" {
			migration.fail("has no new version to come before: a scheduled task runs whatever is newest", "", "remove it, or run it as the schedule's command")
		}
	}
	const enough = "give another number, or leave it out for an even share of the instance"
	if s.CPU != 0 {
		r.field("cpu").between(s.CPU, 2, 192*1024, "a number of CPU units", "units, of which 1024 are one vCPU", enough)
	}
	if s.Memory != 0 {
		r.field("memory").between(s.Memory, 6, 24*1024*1024, "an amount of memory", "MiB", enough)
	}
	s.validateTasks(r)
	s.validateContainer(r)
	validateVariables(r.field("variables"), s.Variables)
	validateSecrets(r.field("secrets"), s.Secrets)
}

func (s Service) validatePort(r report) {
	switch {
	case s.Schedule != "" && s.Internal:
		r.field("internal").fail("a scheduled task listens on no port, so no service can reach it", "", "remove internal or schedule")
	case s.Schedule != "" && s.Port != 0:
		r.field("port").fail("a scheduled task listens on no port", "", "remove port or schedule")
	case s.Worker && s.Internal:
		r.field("internal").fail("a worker listens on no port, so no service can reach it", "", "remove internal or worker")
	case s.Worker && s.Port != 0:
		r.field("port").fail("a worker listens on no port", "", "remove port or worker")
	case !s.Worker:
		r.field("port").between(s.Port, 1, 65535, "a port", "", "give the port that the container listens on")
	}
}

// Public says whether the stage's endpoint serves the service.
func (s Service) Public() bool { return !s.Internal && !s.Worker }

// Fallback says whether the service gets the requests which no other takes.
func (s Service) Fallback() bool { return s.Public() && s.Path == "" && s.Subdomain == "" }

// hasPublicService says whether a stage has an endpoint at all.
func (a App) hasPublicService() bool { return slices.ContainsFunc(a.Services, Service.Public) }

// fallback is the service that gets the requests which no other takes; the
// zero value where there is none.
func (a App) fallback() Service {
	for _, service := range a.Services {
		if service.Fallback() {
			return service
		}
	}
	return Service{}
}
