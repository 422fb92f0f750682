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
	// Name of the service, unique in the application.
	//   - Default: required
	//   - Allowed: 1 to 20 lower-case letters, digits and single hyphens, beginning with a letter and not ending with a hyphen
	//   - Change: made anew; another name is another service, and the old one goes
	//   - Example: api
	Name string `yaml:"name"`

	// Image is an existing image: a name on Docker Hub, the address of an image
	// in a public registry, or that of one in ECR.
	//   - Default: none: the image is built from a repository
	//   - Allowed: a name with or without registry, tag and digest
	//   - Change: restarts tasks
	//   - Example: python:3.9
	Image string `yaml:"image"`

	// ImageOf names another service whose image this one runs, with a command of
	// its own: the web server, the workers and the scheduled tasks of one code base.
	// There is one build and one repository, and all of them run the same commit.
	//   - Default: none: the service has an image of its own
	//   - Allowed: the name of a service that has an image of its own
	//   - Change: restarts tasks, in the pipeline; an image of the service's own is built no longer
	//   - Example: web
	ImageOf string `yaml:"imageOf"`

	// Source is the repository the image is built from, where it is not the
	// application's own.
	//   - Default: the application's source
	//   - Change: in the pipeline; its execution ends, and the newest commits start again
	//   - Example: {codeCommit: shop-web}
	Source *Source `yaml:"source"`

	// Context is the build context, relative to the root of the source (in
	// direct mode, to the declaration's folder).
	//   - Default: .
	//   - Allowed: a relative path within the source, of letters, digits and _ @ + = . , / -
	//   - Change: in the pipeline; the next commit's image has it
	//   - Example: services/web
	Context string `yaml:"context"`

	// Dockerfile relative to the build context.
	//   - Default: Dockerfile
	//   - Allowed: a relative path within the source, of letters, digits and _ @ + = . , / -
	//   - Change: in the pipeline; the next commit's image has it
	//   - Example: docker/Dockerfile
	Dockerfile string `yaml:"dockerfile"`

	// BuildSpec is a CodeBuild buildspec file, relative to the root of the
	// source, by which a pipeline builds and pushes the image.
	//   - Default: build.yml in the build context, where the declaration's own repository has one; otherwise the image is built from the Dockerfile
	//   - Allowed: a relative path within the source, of letters, digits and _ @ + = . , / -
	//   - Change: in the pipeline
	//   - Example: ci/build.yml
	//   - See: docs/delivery.md
	BuildSpec string `yaml:"buildSpec"`

	// ReleaseSpec is a buildspec file, relative to the root of the source,
	// that a pipeline runs after each stage's deployment.
	//   - Default: release.yml in the build context, where the declaration's own repository has one; otherwise nothing
	//   - Allowed: a relative path within the source, of letters, digits and _ @ + = . , / -
	//   - Change: in the pipeline
	//   - Example: ci/release.yml
	//   - See: docs/delivery.md
	ReleaseSpec string `yaml:"releaseSpec"`

	// Port the container listens on. Not with [Service.Worker].
	//   - Default: 80
	//   - Allowed: 1 to 65535
	//   - Change: restarts tasks
	//   - Example: 8080
	Port int `yaml:"port"`

	// Worker marks a service that listens on no port.
	//   - Default: false
	//   - Change: restarts tasks; the endpoint serves it no more
	//   - Example: true
	Worker bool `yaml:"worker"`

	// Schedule runs a task at set times and lets it end, instead of keeping
	// tasks running. It listens on no port, as a worker. In a stage without
	// tasks the schedule rests.
	//   - Default: none
	//   - Allowed: rate(…), as in rate(1 hour), or cron(…) with six fields, in UTC
	//   - Change: in place; from its next run on. Given to a service that had none, it takes that service's place
	//   - Example: cron(0 3 * * ? *)
	Schedule string `yaml:"schedule"`

	// Internal services are reached by the stage's other services only, under
	// their name and port, which stand in the others' environment as
	// <NAME>_HOST and <NAME>_PORT. All others are served by the stage's
	// endpoint.
	//   - Default: false
	//   - Change: restarts tasks; those of the other services, too
	//   - Example: true
	//   - See: docs/internal-services.md
	Internal bool `yaml:"internal"`

	// Path below which the stage's endpoint sends requests to this service:
	// that path itself and everything under it, unchanged. The longest path that
	// fits a request wins. Of the services that are neither internal nor
	// workers exactly one has no path and no [Service.Subdomain]: it gets every
	// other request.
	//   - Default: none
	//   - Allowed: one to four segments of letters, digits and . _ -, each after a slash
	//   - Change: in place; requests for the old path go to the service without a path
	//   - Example: /admin
	//   - See: docs/routing.md
	Path string `yaml:"path"`

	// Subdomain under which the stage's endpoint serves this service:
	// admin.example.com in a stage whose domain is example.com. A
	// [Service.Path] holds below it, and of the services of a subdomain exactly
	// one has none. In a stage without a domain an HTTP API gives the service an
	// address of its own; an ALB serves it to requests for any host name that
	// begins with the subdomain. Not with [Endpoint.Caching].
	//   - Default: none: the service is served under the domain itself
	//   - Allowed: one label of up to 63 lower-case letters, digits and hyphens
	//   - Change: in place; at an HTTP API requests for it get errors until DNS leads there, a minute or two
	//   - Change with a domain: replaces AWS::CertificateManager::Certificate; the new one is in place before the old one goes
	//   - Example: admin
	//   - See: docs/routing.md
	Subdomain string `yaml:"subdomain"`

	// HealthCheck says how to tell whether a task is healthy.
	//   - Default: an ALB asks for /; elsewhere a running container counts as healthy
	//   - Change: by field
	//   - Example: {path: /up}
	HealthCheck HealthCheck `yaml:"healthCheck"`

	// CPU is the number of CPU units reserved for a task; 1024 are one vCPU.
	//   - Default: an even share of the instance
	//   - Allowed: 2 to 196608
	//   - Change: restarts tasks; the shares of the other services change with it
	//   - Example: 128
	//   - See: docs/sizing.md
	CPU int `yaml:"cpu"`

	// Memory in MiB that a task may use at most.
	//   - Default: an even share of the instance
	//   - Allowed: 6 to 25165824
	//   - Change: restarts tasks; the shares of the other services change with it
	//   - Example: 256
	//   - See: docs/sizing.md
	Memory int `yaml:"memory"`

	// Tasks is how many copies of this service run, where that differs from
	// its stage: a cache stays at {min: 1, max: 1}. A stage whose tasks.max is
	// 0 runs none all the same. Not with [Service.Schedule].
	//   - Default: the stage's, min and max one by one
	//   - Change: by field
	//   - Example: {min: 1, max: 1}
	Tasks Tasks `yaml:"tasks"`

	// NetworkMode is bridge (tasks share the address of their instance, on
	// ports that are chosen for them) or awsvpc (each task has a network
	// interface and a security group of its own, of which small instances
	// have few).
	//   - Default: bridge
	//   - Allowed: bridge or awsvpc
	//   - Change: restarts tasks
	//   - Change with a load balancer: restarts tasks, replaces AWS::ElasticLoadBalancingV2::TargetGroup; the listener moves to the new one before tasks are in it, and requests fail for a minute or two
	//   - Example: awsvpc
	//   - See: docs/sizing.md
	NetworkMode NetworkMode `yaml:"networkMode"`

	// StopTimeout is how long a container may take to end after SIGTERM
	// before it is killed.
	//   - Default: 30s
	//   - Allowed: 1s to 1h
	//   - Change: restarts tasks
	//   - Example: 45s
	StopTimeout Duration `yaml:"stopTimeout"`

	// WorkingDirectory of the container's command.
	//   - Default: the image's
	//   - Allowed: an absolute path, without a colon
	//   - Change: restarts tasks
	//   - Example: /srv/app
	WorkingDirectory string `yaml:"workingDirectory"`

	// User that the container runs as: a name or a number, with ":group"
	// where that matters.
	//   - Default: the image's
	//   - Allowed: letters, digits and _ . -, as docker run --user takes them
	//   - Change: restarts tasks
	//   - Example: 1000:1000
	User string `yaml:"user"`

	// ReadOnlyRoot makes the container's file system read-only, except its
	// volumes.
	//   - Default: false
	//   - Change: restarts tasks
	//   - Example: true
	ReadOnlyRoot bool `yaml:"readOnlyRoot"`

	// Ulimits change the resource limits of the container.
	//   - Default: none
	//   - Allowed: each limit once
	//   - Change: restarts tasks
	//   - Example: [{name: nofile, soft: 4096}]
	Ulimits []Ulimit `yaml:"ulimits"`

	// Volumes are folders that are not part of the image.
	//   - Default: none
	//   - Allowed: each name and each path once
	//   - Change: restarts tasks
	//   - Example: [{name: scratch, path: /tmp}]
	Volumes []Volume `yaml:"volumes"`

	// EntryPoint replaces the image's entry point.
	//   - Default: the image's
	//   - Allowed: any text
	//   - Change: restarts tasks
	//   - Example: [/bin/sh, -c]
	EntryPoint []string `yaml:"entryPoint"`

	// Command replaces the image's command.
	//   - Default: the image's
	//   - Allowed: any text
	//   - Change: restarts tasks
	//   - Example: [serve, --port, "80"]
	Command []string `yaml:"command"`

	// Migration is a command that runs in the new version's image before tasks
	// of that version start: in each stage, at each deployment that changes the
	// service's task. Not with [Service.Schedule].
	//   - Default: none
	//   - Change: in place; it first runs with the next version of the service
	//   - Example: {command: [./migrate, up]}
	//   - See: docs/database.md
	Migration *Migration `yaml:"migration"`

	// Variables of this service's environment, the same in all stages; a
	// stage's variable of the same name wins. They are not for secrets.
	//   - Default: none
	//   - Allowed: up to 100 names of letters, digits, underscores, dots and hyphens, beginning with a letter or an underscore, without those that the ECS agent sets; values that everyone may read
	//   - Change: restarts tasks
	//   - Example: {LOG_LEVEL: debug}
	Variables map[string]string `yaml:"variables" also:"env,environment"`

	// Secrets of this service's environment, in the form of [Stage.Secrets];
	// a stage's secret of the same name wins.
	//   - Default: none
	//   - Allowed: the name or ARN of a Secrets Manager secret, with or without #key; ssm:/name, or the ARN of an SSM parameter
	//   - Change: restarts tasks; a new value under the same name is only read by tasks that start
	//   - Example: {API_KEY: "shop/api#key"}
	Secrets map[string]string `yaml:"secrets"`

	// DatabaseVariables are the stage's database under names of this service's
	// own, in the form of [Database.Variables]; a stage's of the same name wins.
	//   - Default: none
	//   - Allowed: up to 100 names of variables; texts of up to 512 characters with {host}, {port}, {name}, {user}, {password} or {readerHost} in them
	//   - Change: restarts tasks
	//   - Example: {DATABASE_URL: "postgres://{user}:{password}@{host}:{port}/{name}?sslmode=require"}
	//   - See: docs/database.md
	DatabaseVariables map[string]string `yaml:"databaseVariables"`

	// StageConfig says whether the stage's variables, secrets, permissions
	// and database reach this service.
	//   - Default: true, except for an internal service that runs an existing image of its own (a cache, a proxy): that gets only what it declares itself
	//   - Change: restarts tasks
	//   - Example: false
	StageConfig *bool `yaml:"stageConfig"`
}

const defaultPort = 80

func (s *Service) setDefaults() {
	if s.Builds() {
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
		fillPtr(&s.Ulimits[i].Hard, value(s.Ulimits[i].Soft))
	}
	if s.Source != nil {
		s.Source.setDefaults()
	}
	s.HealthCheck.setDefaults()
	if s.Migration != nil {
		s.Migration.setDefaults()
	}
	fillPtr(&s.StageConfig, !s.Internal || !s.NamesImage())
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
	s.validatePlace(r)
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
	validateDatabaseVariables(r.field("databaseVariables"), s.DatabaseVariables)
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
