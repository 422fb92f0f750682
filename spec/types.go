package spec

// App is the whole declaration: one application, how it is delivered, and the
// stages it is carried through.
type App struct {
	// Name of the application; it prefixes everything that is created.
	// Required: 1 to 20 characters, lower-case letters, digits and single
	// hyphens, beginning with a letter and not ending with a hyphen.
	Name string `yaml:"name"`

	// Pipeline makes a CodePipeline that carries every commit through the
	// stages. Default: none ("direct mode"): the stages are deployed with
	// `cdk deploy` from wherever the command runs.
	Pipeline *Pipeline `yaml:"pipeline"`

	// Source is where the application's code comes from. Required with a
	// pipeline. Default without one: the folder of the declaration.
	Source *Source `yaml:"source"`

	// Build configures how images are built. Default: no build variables.
	Build Build `yaml:"build"`

	// Services are the containers that run side by side in every stage.
	// Default: one service named "web", built from the source, on port 80.
	Services []Service `yaml:"services"`

	// Stages in the order in which a commit passes them.
	// Default: one stage named "dev".
	Stages []Stage `yaml:"stages"`

	// Tags put on every resource that can carry one, beside tinystack:app and
	// tinystack:stage. Default: none.
	Tags map[string]string `yaml:"tags"`

	// Acknowledge lists findings of the preflight that are accepted, each with
	// its reason. Default: none.
	Acknowledge []Acknowledgement `yaml:"acknowledge"`

	// Replacements lists changes that a synthesis is to let pass although they
	// would replace or delete what holds data, each in the words in which it
	// was refused (see docs/database.md). Default: none.
	Replacements []string `yaml:"replacements"`

	// dir is the folder the declaration was read from; paths in it are
	// relative to that.
	dir string

	// origin says where in the file everything stands.
	origin *origin
}

// Pipeline says where the delivery pipeline lives and whom it tells.
type Pipeline struct {
	// Account is the 12-digit id of the AWS account that holds the pipeline
	// and the image repositories. Required.
	Account string `yaml:"account"`

	// Region of the pipeline. Default: us-east-1.
	Region string `yaml:"region"`

	// Notify lists the e-mail addresses that hear of failed executions and of
	// approvals that wait. Default: nobody.
	Notify []string `yaml:"notify"`

	// Synth holds the shell commands that turn a checkout of the source into
	// a cloud assembly in cdk.out. Default: `npm ci` (or an installation of
	// the CDK CLI where there is no lock file), then `npx cdk synth`.
	Synth []string `yaml:"synth"`

	// LogRetentionDays is how long output of builds is kept, in days; one of
	// the values CloudWatch Logs accepts. Default: 90.
	LogRetentionDays int `yaml:"logRetentionDays"`

	// Logs say what else becomes of the output of builds and releases.
	// Default: it is kept, and no more.
	Logs BuildLogs `yaml:"logs"`

	// Dashboard shows all stages on one page in CloudWatch, in the pipeline's
	// account. Default: true.
	Dashboard *bool `yaml:"dashboard"`

	// Declaration is the repository that this declaration and its app are in,
	// where that is not the application's own: templates are made from there,
	// images from the application's source, whose commit tags them. A change
	// of either starts the pipeline. Default: the application's source.
	Declaration *Source `yaml:"declaration"`

	// ExecutionMode says what becomes of a commit that comes while another is
	// on its way: superseded lets the newest one overtake those that wait
	// before a stage, queued carries every one through, in order.
	// Default: superseded.
	ExecutionMode ExecutionMode `yaml:"executionMode"`

	// ApprovalTimeout is how long an approval waits for a person before the
	// execution ends, 5m to 1440h (60 days). Default: 168h (7 days).
	ApprovalTimeout Duration `yaml:"approvalTimeout"`

	// ProtectGates holds a commit that would drop, move or weaken a gate of this
	// pipeline (an approval, a window, a bake, a smoke test) until somebody
	// approves that, before the pipeline updates itself. Default: false.
	ProtectGates bool `yaml:"protectGates"`

	// KeepImages is how many of the newest images of each service are kept,
	// and with that how far back a rollback can go, 1 to 1000. What a stage
	// runs is kept beside them. Default: 25.
	KeepImages int `yaml:"keepImages"`
}

// ExecutionMode is what a pipeline does with several commits at once.
type ExecutionMode string

const (
	// Superseded lets a newer commit overtake one that waits.
	Superseded ExecutionMode = "superseded"
	// Queued carries every commit through, one after the other.
	Queued ExecutionMode = "queued"
)

// Source is a place that code comes from. Exactly one kind is given: a
// repository with a connection (GitHub, GitLab, Bitbucket), a CodeCommit
// repository, or a zip object in S3.
type Source struct {
	// Repository is "owner/name" at the provider of the connection.
	// Default: none; required with Connection.
	Repository string `yaml:"repository"`

	// Connection is the ARN of the CodeConnections connection that reaches
	// the repository. Default: none; required with Repository.
	Connection string `yaml:"connection"`

	// CodeCommit is the name of a CodeCommit repository in the pipeline's
	// account and region. Default: none.
	CodeCommit string `yaml:"codeCommit"`

	// Bucket is the name of a versioned S3 bucket that holds the source as a
	// zip. Default: none; required with Key.
	Bucket string `yaml:"bucket"`

	// Key is the zip object in Bucket whose change starts the pipeline.
	// Default: none; required with Bucket.
	Key string `yaml:"key"`

	// Branch that is followed. Default: main. Not used with an S3 source.
	Branch string `yaml:"branch"`

	// Branches are patterns of the branches whose pushes start the pipeline,
	// as in release/*; one that begins with "!" excludes. Branch is then what
	// a start by hand takes. Up to 8 patterns that include and 8 that exclude;
	// only with a connection, and not with Tags. Default: Branch alone.
	Branches []string `yaml:"branches"`

	// Tags are patterns of the git tags whose push starts the pipeline, in
	// place of pushes to a branch, as in v*; one that begins with "!"
	// excludes. Up to 8 and 8; only with a connection. Default: none.
	Tags []string `yaml:"tags"`

	// Paths are patterns of the files of which one has to change for a push
	// to start the pipeline, as in services/**; one that begins with "!"
	// excludes. Up to 8 and 8; only with a connection, and not with Tags.
	// Default: all files.
	Paths []string `yaml:"paths"`
}

// Build configures the image builds of the application.
type Build struct {
	// Variables are environment variables of every image build, and build
	// arguments where the Dockerfile declares an ARG of that name. They are
	// not for secrets. Default: none.
	Variables map[string]string `yaml:"variables"`

	// Timeout of each image build, and of each release by a releaseSpec, 5m
	// to 8h. Default: 1h.
	Timeout Duration `yaml:"timeout"`
}

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

// NetworkMode is how tasks are reached.
type NetworkMode string

const (
	// Bridge gives tasks ports of their instance.
	Bridge NetworkMode = "bridge"
	// AWSVPC gives each task a network interface.
	AWSVPC NetworkMode = "awsvpc"
)

// Ulimit is a resource limit of a container.
type Ulimit struct {
	// Name of the limit as Linux knows it, as in nofile. Required.
	Name string `yaml:"name"`
	// Soft limit, 1 to 2147483647. Required.
	Soft int `yaml:"soft"`
	// Hard limit, at least Soft. Default: Soft.
	Hard int `yaml:"hard"`
}

// Volume is a folder on the disk of the instance.
type Volume struct {
	// Name of the volume, unique in the service. Required.
	Name string `yaml:"name"`
	// Path of the folder in the container. Required.
	Path string `yaml:"path"`
	// HostPath is a folder of the instance that all tasks on it share, and
	// that goes with the instance. Default: none: a folder of the task's own,
	// empty at first, that goes with the task.
	HostPath string `yaml:"hostPath"`
	// ReadOnly keeps the container from writing to it. Default: false.
	ReadOnly bool `yaml:"readOnly"`
}

// HealthCheck tells healthy tasks from others.
type HealthCheck struct {
	// Path that answers 200 to 399 over HTTP when the service is healthy. An
	// ALB asks for it; where there is no load balancer it becomes a health
	// check inside the container, made with curl or wget, whichever the image
	// has. Default: "/" for an ALB, otherwise no check.
	Path string `yaml:"path"`

	// Command is the health check inside the container: exit status 0 is
	// healthy. One element is run by the container's shell, several are run
	// as they are. Default: derived from Path.
	Command []string `yaml:"command"`

	// Codes are the HTTP statuses by which a load balancer knows a healthy
	// task: numbers from 200 to 499, ranges of them, and lists of both, as in
	// "200,204" or "200-299". Default: 200-399.
	Codes string `yaml:"codes"`

	// Interval between two checks, 5s to 300s. Default: 30s.
	Interval Duration `yaml:"interval"`

	// Timeout of one check, shorter than Interval, 2s to 60s. Default: 5s, or
	// 1s less than Interval where that is less.
	Timeout Duration `yaml:"timeout"`

	// Retries is the number of failures in a row that make a task unhealthy,
	// 2 to 10. Default: 3.
	Retries int `yaml:"retries"`

	// GracePeriod after a task's start in which failures do not count, 0s to
	// 300s. Default: 60s.
	GracePeriod *Duration `yaml:"gracePeriod"`
}

// Approval is what lets a commit into a stage.
type Approval string

const (
	// Automatic lets a commit in when the stages before it succeeded.
	Automatic Approval = "automatic"
	// Manual waits for a person.
	Manual Approval = "manual"
)

// Removal says what becomes of a stage's data when the stage is deleted.
type Removal string

const (
	// RemovalDestroy deletes the data.
	RemovalDestroy Removal = "destroy"
	// RemovalSnapshot deletes the database and keeps a last snapshot of it.
	RemovalSnapshot Removal = "snapshot"
	// RemovalRetain keeps everything and protects it from deletion.
	RemovalRetain Removal = "retain"
)

// Profile is a preset of endpoint, instance type and capacity.
type Profile string

const (
	// Standard is the cheapest that stays up: t3.micro, API Gateway.
	Standard Profile = "standard"
	// Hyperscale is for sustained traffic: m7i.large, ALB.
	Hyperscale Profile = "hyperscale"
	// Idle is Standard scaled to zero: no tasks, no instances.
	Idle Profile = "idle"
)

// Stage is one place the application runs in.
type Stage struct {
	// Name of the stage, unique in the application. Required, and built like
	// the name of an [App]. The names of application, stage and service
	// together have up to 53 characters.
	Name string `yaml:"name"`

	// Account is the 12-digit id of the stage's AWS account. Default: the
	// pipeline's; without a pipeline, the account of the credentials that
	// deploy.
	Account string `yaml:"account"`

	// Region of the stage. Default: the pipeline's; without a pipeline,
	// us-east-1. Required with CanaryOf.
	Region string `yaml:"region"`

	// CanaryOf names the production stage this stage rehearses: it takes that
	// stage's whole configuration except region, domain (with its zone,
	// certificate, routing, redirects and client certificates), approval, review,
	// bake, window, wave, and what is there already (a VPC, a database, a
	// firewall), and stands before it.
	// Fields that it declares itself win, one by one; a Profile that it declares
	// replaces the numbers of instances and tasks. Default: none.
	CanaryOf string `yaml:"canaryOf"`

	// Bake is how long the stage runs a new commit, with its alarms watched,
	// before the next stage may follow, 1m to 24h. An alarm takes the stage
	// back and stops the pipeline. A canary does not take it over.
	// Default: 0s: no wait.
	Bake Duration `yaml:"bake"`

	// Smoke tests the stage after each deployment, before the commit counts as
	// released; a failure stops the pipeline. Where no task runs, nothing is
	// tested. Default: none.
	Smoke *Smoke `yaml:"smoke"`

	// Wave joins neighbouring stages that name the same wave: they deploy
	// side by side. Default: none: the stage deploys by itself.
	Wave string `yaml:"wave"`

	// Approval that a commit needs to enter the stage: automatic or manual.
	// Default: automatic.
	Approval Approval `yaml:"approval"`

	// Review shows whoever approves what a commit would change: the resources of
	// the stage's stacks, compared with those that are deployed. Only with a
	// manual approval, which it comes before. A canary does not take it over.
	// Default: false.
	Review bool `yaml:"review"`

	// Sleeps keeps a canary without tasks and instances between releases: the
	// pipeline wakes it before a deployment, and when the bake is over, or
	// anything failed, lets it sleep again. Its endpoint, network and database
	// stay. Only with CanaryOf and Bake. Default: false: it runs all the time.
	Sleeps bool `yaml:"sleeps"`

	// Window is the time of the week in which a commit may enter the stage; one
	// that comes at another time waits. It has to be the same in a whole wave. A
	// canary does not take it over. Default: none: at any time.
	Window *Window `yaml:"window"`

	// Profile is the preset that the stage starts from: standard, hyperscale
	// or idle. Default: standard.
	Profile Profile `yaml:"profile"`

	// Production turns on what a production stage should have: Container
	// Insights, deletion protection, longer retention of logs and backups.
	// Default: true where the name is prod or production or begins with
	// prod-, otherwise false.
	Production *bool `yaml:"production"`

	// Endpoint through which the stage is reached. Default: by Profile.
	Endpoint Endpoint `yaml:"endpoint"`

	// Variables are environment variables of the stage's containers.
	// Default: none.
	Variables map[string]string `yaml:"variables"`

	// Secrets are environment variables whose values stay in AWS until a task
	// starts: the name or ARN of a Secrets Manager secret, with "#key" for
	// one key of a JSON secret, or "ssm:" and the name of an SSM parameter.
	// Names are looked up in the stage's own account and region.
	// Default: none.
	Secrets map[string]string `yaml:"secrets"`

	// Permissions that the containers have in AWS beside those they need to
	// run. Default: none.
	Permissions []Permission `yaml:"permissions"`

	// Scale is the capacity of the stage and how it follows the load.
	// Default: by Profile.
	Scale ScaleProfile `yaml:"scale"`

	// Database of the stage, new or existing. Default: none.
	Database *Database `yaml:"database"`

	// Network of the stage. Default: a new VPC with one NAT instance.
	Network Network `yaml:"network"`

	// LogRetentionDays is how long the containers' output is kept, in days;
	// one of the values CloudWatch Logs accepts. Default: 90 in production,
	// otherwise 14.
	LogRetentionDays int `yaml:"logRetentionDays"`

	// Logs say what else becomes of that output. Default: it is kept, and in
	// production errors in it are counted.
	Logs Logs `yaml:"logs"`

	// Alarms say which alarms watch the stage, and who hears of them.
	// Default: see docs/monitoring.md.
	Alarms Alarms `yaml:"alarms"`

	// Dashboard shows the stage on a page in CloudWatch. Default: true.
	Dashboard *bool `yaml:"dashboard"`

	// ContainerInsights collects CloudWatch metrics of every task, billed by
	// the metric. Default: true in production, otherwise false.
	ContainerInsights *bool `yaml:"containerInsights"`

	// Exec allows `aws ecs execute-command` into the containers. In
	// production each session is encrypted with a key of the stage's own, and
	// recorded in an encrypted log group. Default: true, except in production.
	Exec *bool `yaml:"exec"`

	// Removal is what becomes of the stage's data when it is deleted:
	// destroy, snapshot or retain, which also protects database and ALB.
	// Default: retain in production, snapshot elsewhere and in every canary.
	Removal Removal `yaml:"removal"`
}

// Smoke is a test of a stage that was just deployed.
type Smoke struct {
	// Path that is asked for at the stage's own address, again and again until
	// it answers with Status. Default: the path of the public service's health
	// check, or "/"; without a public service nothing is asked for.
	Path string `yaml:"path"`

	// Status that Path has to answer with, 100 to 599. Default: 200.
	Status int `yaml:"status"`

	// Timeout is how long Path has for that, 10s to 30m. Default: 5m.
	Timeout Duration `yaml:"timeout"`

	// Commands are shell commands that run once Path has answered, in a
	// checkout of the application's source; each has to succeed. STAGE_URL,
	// STAGE_NAME and STAGE_REGION are in their environment. Default: none.
	Commands []string `yaml:"commands"`
}

// EndpointType is the service that takes the requests.
type EndpointType string

const (
	// APIGateway is billed by the request. It is an HTTP API, or with Caching
	// a REST API.
	APIGateway EndpointType = "api-gateway"
	// ALB is an Application Load Balancer, billed by the hour and by load.
	ALB EndpointType = "alb"
)

// Deployment is how a new version takes over from the old one.
type Deployment string

const (
	// Rolling puts new tasks beside the old ones, which go one after another.
	Rolling Deployment = "rolling"
	// BlueGreen starts all new tasks, moves all requests to them at once, and
	// keeps the old tasks a while to move back to.
	BlueGreen Deployment = "blue-green"
)

// Endpoint is how the world reaches a stage.
type Endpoint struct {
	// Type is api-gateway or alb. Default: api-gateway, with the profile
	// hyperscale alb.
	Type EndpointType `yaml:"type"`

	// Deployment of the service behind the endpoint: rolling, or with an alb
	// blue-green, where all requests move to the new version at once, and back
	// if the endpoint's alarm is raised in the next 15 minutes. Default:
	// rolling.
	Deployment Deployment `yaml:"deployment"`

	// Domain is the stage's own host name, with HTTPS. Needs HostedZone, or
	// Certificate and a DNS record made elsewhere. Default: none: the address
	// AWS gives it.
	Domain string `yaml:"domain"`

	// HostedZone is the Route 53 zone of Domain, in the stage's account; one
	// below a zone of another account can be made by a delegation.
	// Default: none: no DNS record is made; the stack's output DNSTarget says
	// what one has to point to.
	HostedZone *HostedZone `yaml:"hostedZone"`

	// Certificate is the ARN of an ACM certificate for Domain, RedirectFrom, the
	// subdomains of services and the regional domain of a Routing, in the
	// stage's region. Required where HostedZone has no ID. Default: one
	// is made and validated through HostedZone.
	Certificate string `yaml:"certificate"`

	// RedirectFrom lists other host names that answer with a redirect to the
	// same path of Domain, as in example.com for the domain www.example.com.
	// Only with alb: an API Gateway cannot answer by host name. Default: none.
	RedirectFrom []string `yaml:"redirectFrom"`

	// Routing lets stages in several regions share Domain: DNS chooses between
	// them. Needs Domain and HostedZone. Default: none: the domain is this
	// stage's alone.
	Routing *Routing `yaml:"routing"`

	// Caching keeps responses at the endpoint. Only with api-gateway, which
	// it makes a REST API in front of an internal load balancer. Default:
	// none.
	Caching *Caching `yaml:"caching"`

	// Throttling bounds the requests that are let through; others are answered
	// with 429. Only with api-gateway. Default: the account's quotas in the
	// region, which all its APIs share.
	Throttling Throttling `yaml:"throttling"`

	// CORS lets scripts of other sites ask the stage: the endpoint answers
	// preflight requests and adds the headers. Only with api-gateway without
	// Caching. Default: none: the application answers.
	CORS *CORS `yaml:"cors"`

	// JWT lets only requests through that carry a valid JSON Web Token. Only
	// with api-gateway without Caching. Default: none: every request.
	JWT *JWT `yaml:"jwt"`

	// APIKeys lets only requests through whose header X-API-Key has one of
	// these keys, each with its own limits. They tell callers apart; they are
	// no protection, as people share them. Only with Caching. Default: none:
	// every request.
	APIKeys []APIKey `yaml:"apiKeys"`

	// ClientCertificates lets only clients through that present a certificate
	// of these authorities (mutual TLS), and closes the address that AWS gives
	// the API. Only with api-gateway and Domain. Default: none: every client.
	ClientCertificates *ClientCertificates `yaml:"clientCertificates"`

	// Firewall is the ARN of a regional AWS WAF web ACL in the stage's region
	// and account. Only with alb or Caching: AWS WAF does not stand before
	// HTTP APIs. Default: none.
	Firewall string `yaml:"firewall"`

	// StickySessions is how long a client keeps being sent to the same task,
	// by a cookie, 1s to 168h. Only with alb. Default: none: any task.
	StickySessions Duration `yaml:"stickySessions"`

	// IdleTimeout is how long a connection may be silent before it is closed,
	// 1s to 4000s. The application must keep its connections open for longer.
	// Only with alb. Default: AWS's own, a minute.
	IdleTimeout Duration `yaml:"idleTimeout"`
}

// Throttling bounds requests. What is left out is not bounded.
type Throttling struct {
	// RequestsPerSecond on average, 1 to 100000; more than the account's quota
	// changes nothing. Default: not bounded.
	RequestsPerSecond int `yaml:"requestsPerSecond"`
	// Burst is how many requests may come at once, 1 to 100000.
	// Default: not bounded.
	Burst int `yaml:"burst"`
}

// CORS is what scripts of other sites may do.
type CORS struct {
	// Origins that may ask, as in https://www.example.com, or "*" alone for
	// every one. Required.
	Origins []string `yaml:"origins"`
	// Methods they may use, or "*" alone. Default: GET, HEAD and POST.
	Methods []string `yaml:"methods"`
	// Headers they may send, or "*" alone. Default: only those that every
	// script may send.
	Headers []string `yaml:"headers"`
	// ExposedHeaders of responses that they may read. Default: only those that
	// every script may read.
	ExposedHeaders []string `yaml:"exposedHeaders"`
	// Credentials lets them send cookies; no list may then be "*".
	// Default: false.
	Credentials bool `yaml:"credentials"`
	// MaxAge is how long a browser may remember the answer, 1s to 24h.
	// Default: what the browser takes.
	MaxAge Duration `yaml:"maxAge"`
}

// JWT is who signs the tokens that requests carry in their Authorization
// header.
type JWT struct {
	// Issuer is the https URL that the tokens name as their issuer, where
	// /.well-known/openid-configuration is found. Required.
	Issuer string `yaml:"issuer"`
	// Audience lists what the tokens may be issued for, 1 to 50. Required.
	Audience []string `yaml:"audience"`
	// Scopes of which a token must have one. Default: none is asked for.
	Scopes []string `yaml:"scopes"`
}

// APIKey is a key that a caller of a REST API sends with each request.
type APIKey struct {
	// Name of the caller, unique in the stage. Required, and built like the
	// name of an [App].
	Name string `yaml:"name"`
	// Throttling of this caller. Default: only that of the endpoint.
	Throttling Throttling `yaml:"throttling"`
	// RequestsPerMonth of this caller. Default: not bounded.
	RequestsPerMonth int `yaml:"requestsPerMonth"`
}

// ClientCertificates are the authorities that clients' certificates come from:
// a PEM file in S3, in the stage's account and region.
type ClientCertificates struct {
	// Bucket that holds the file. Required.
	Bucket string `yaml:"bucket"`
	// Key of the file. Required.
	Key string `yaml:"key"`
	// Version of the object. API Gateway reads the file again only when this
	// changes. Default: the newest when the domain is made.
	Version string `yaml:"version"`
}

// HostedZone is a Route 53 public hosted zone.
type HostedZone struct {
	// ID of the zone, as in Z0123456789ABCDEFGHIJ. Required, unless there is a
	// Certificate (records can be made by the name alone, which must then be
	// that of one zone only, but a new certificate is validated by the ID) or
	// a Delegation.
	ID string `yaml:"id"`
	// Name of the zone, as in example.com. Required.
	Name string `yaml:"name"`
	// Delegation makes the zone, in the stage's account, below one that is in
	// another account. Default: none: the zone is there already.
	Delegation *ZoneDelegation `yaml:"delegation"`
}

// Caching is a cache cluster of a REST API.
type Caching struct {
	// Size of the cache in GB: 0.5, 1.6, 6.1, 13.5, 28.4, 58.2, 118 or 237.
	// Default: 0.5.
	Size float64 `yaml:"size"`

	// TTL is how long a response is kept, 1s to 1h. Default: 5m.
	TTL Duration `yaml:"ttl"`

	// KeepLogRole leaves the role for logs alone that the API Gateway settings
	// of the account and region name; without one a REST API can have no access
	// logs. Default: false: a role is made and entered there, in place of one
	// that may be there, and stays when the stage is deleted.
	KeepLogRole bool `yaml:"keepLogRole"`

	// Paths whose GET responses are kept; all others are passed through.
	// Required: at least one.
	Paths []CachedPath `yaml:"paths"`
}

// CachedPath is a path whose GET responses are kept. Two requests share a
// response only where path, Authorization header and all of Query and Headers
// agree.
type CachedPath struct {
	// Path begins with a slash; a segment {name} matches anything. Required.
	Path string `yaml:"path"`

	// Query names every query parameter that the response depends on; an
	// empty list says that it depends on none. Required, so that nobody is
	// served another's response by omission.
	Query *[]string `yaml:"query"`

	// Headers names the request headers, beside Authorization, that the
	// response depends on. Default: none.
	Headers []string `yaml:"headers"`
}

// Permission is a statement of the containers' IAM policy.
type Permission struct {
	// Actions, as in s3:GetObject. Required.
	Actions []string `yaml:"actions"`
	// Resources are the ARNs the actions apply to. Required.
	Resources []string `yaml:"resources"`
}

// ScaleMode is what decides on the number of instances.
type ScaleMode string

const (
	// CPUAlarms adds and removes one instance at a time by CloudWatch alarms
	// on the instances' CPU.
	CPUAlarms ScaleMode = "cpu-alarms"
	// Managed leaves it to ECS: as many instances as the tasks need.
	Managed ScaleMode = "managed"
)

// ScaleProfile is the capacity of a stage and how it follows the load.
type ScaleProfile struct {
	// Instance is the EC2 instance type. Default: t3.micro; with the profile
	// hyperscale m7i.large.
	Instance string `yaml:"instance"`

	// Instances is how many instances there are. Default: min 1, desired 2,
	// max 6; with the profile hyperscale min 2, desired 2, max 10.
	Instances Instances `yaml:"instances"`

	// Tasks is how many copies of each service run. Default: min 1, max 5;
	// with the profile hyperscale min 2, max 10.
	Tasks Tasks `yaml:"tasks"`

	// CPU is the load that changes capacity. Default: out at 75 %, in at
	// 35 %, for 15 minutes.
	CPU CPUThresholds `yaml:"cpu"`

	// Mode is cpu-alarms or managed. Default: cpu-alarms.
	Mode ScaleMode `yaml:"mode"`

	// Spot runs spot instances: for a price that follows demand, by AWS's
	// account up to 90 % lower, and with two minutes' notice when AWS takes one
	// back, in which its tasks are drained. Default: false.
	Spot bool `yaml:"spot"`

	// Image is the id of a machine image (AMI) with the ECS agent, in the
	// stage's region, that instances keep until another is declared. A canary
	// does not take it over. Default: the newest ECS-optimized Amazon Linux
	// 2023 at each deployment.
	Image string `yaml:"image"`
}

// Instances is a number of EC2 instances, 0 ≤ Min ≤ Desired ≤ Max.
type Instances struct {
	// Min is the number that always runs. Default: 1.
	Min *int `yaml:"min"`
	// Desired is the number that runs under everyday load: what the stage
	// starts with. Default: 2, but within Min and Max.
	Desired *int `yaml:"desired"`
	// Max is the number that bounds the bill. Default: 6.
	Max *int `yaml:"max"`
}

// Tasks is a number of copies of a service, 0 ≤ Min ≤ Max.
type Tasks struct {
	// Min is the number that always runs. Default: 1; of a service, its
	// stage's.
	Min *int `yaml:"min"`
	// Max is the number that is never exceeded. Default: 5; of a service, its
	// stage's.
	Max *int `yaml:"max"`
}

// CPUThresholds are loads in percent. A stage grows at ScaleOut and shrinks at
// ScaleIn. ScaleIn must be below ScaleOut·min/(min+1), with min the lowest
// number of instances: otherwise the load of one instance less would at once
// call it back.
type CPUThresholds struct {
	// ScaleOut is the load in percent above which capacity is added, 1 to
	// 100. Default: 75.
	ScaleOut int `yaml:"scaleOut"`
	// ScaleIn is the load in percent below which it is removed, 1 to 99.
	// Default: 35, or the highest that ScaleOut allows where that is less.
	ScaleIn int `yaml:"scaleIn"`
	// For is how long the load must last, a multiple of a minute from 1m to
	// 1h. Default: 15m.
	For Duration `yaml:"for"`
	// AllowFlapping accepts thresholds that call capacity back and forth.
	// Default: false.
	AllowFlapping bool `yaml:"allowFlapping"`
}

// Database is a Postgres database: a new instance, or with Existing one that
// is there already.
type Database struct {
	// Instance is the RDS instance class without "db.". Default: t4g.micro.
	Instance string `yaml:"instance"`

	// Storage in GB, 20 to 65536; it can grow later, never shrink.
	// Default: 20.
	Storage int `yaml:"storage"`

	// MaxStorage in GB up to which storage grows by itself, at least
	// 1.1 × Storage. Default: twice Storage, up to 65536.
	MaxStorage int `yaml:"maxStorage"`

	// Version of Postgres: a major version ("17") follows AWS's minor versions
	// in the maintenance window, "17.9" stays that one. Default: 17.
	Version string `yaml:"version"`

	// Name of the database on the server. It cannot be changed later.
	// Default: the application's name, hyphens replaced by underscores.
	Name string `yaml:"name"`

	// User is the master user. It cannot be changed later. Default: postgres.
	User string `yaml:"user"`

	// MultiAZ keeps a standby in another availability zone. Default: false.
	MultiAZ *bool `yaml:"multiAz"`

	// BackupDays is how long automatic backups are kept, 1 to 35 days.
	// Default: 7 in production, otherwise 1.
	BackupDays int `yaml:"backupDays"`

	// AllowMajorUpgrade lets a change of Version cross a major version. RDS
	// refuses that otherwise; there is no way back. Default: false.
	AllowMajorUpgrade bool `yaml:"allowMajorUpgrade"`

	// BackupWindow is when the daily backup is made, in UTC, 30 minutes or
	// more, as in "02:00-02:30". Default: AWS chooses.
	BackupWindow string `yaml:"backupWindow"`

	// MaintenanceWindow is when AWS may do maintenance, such as minor upgrades,
	// in UTC, 30 minutes or more, as in "sun:03:00-sun:04:00"; it must not meet
	// BackupWindow. Default: AWS chooses.
	MaintenanceWindow string `yaml:"maintenanceWindow"`

	// PerformanceInsights records for seven days, free of charge, what the
	// database's load consists of. Default: true in production, otherwise
	// false.
	PerformanceInsights *bool `yaml:"performanceInsights"`

	// Parameters of Postgres, by their names in RDS; rds.force_ssl is always 1:
	// TLS is required. Default: RDS's own.
	Parameters map[string]string `yaml:"parameters"`

	// LogExports are the logs that are sent to CloudWatch: postgresql, upgrade
	// and iam-db-auth-error. Default: the first alone.
	LogExports []string `yaml:"logExports"`

	// IAMUser is a user of the database, other than User, that the containers
	// may log in as with a token of their task role in place of a password. It
	// has to be made in the database: CREATE USER … ; GRANT rds_iam TO … .
	// Default: none: IAM authentication is off.
	IAMUser string `yaml:"iamUser"`

	// ReadReplicas are copies that can be read from, up to 15. Of those in the
	// stage's region the containers get the addresses. Default: none.
	ReadReplicas []ReadReplica `yaml:"readReplicas"`

	// Tunnel lets people reach the database from their computers through
	// a container instance, with Session Manager: the stack's output
	// DatabaseTunnel is the command. Whoever may start a session can also open
	// a shell on the instances. Default: false.
	Tunnel bool `yaml:"tunnel"`

	// Rotation changes the password again and again. Default: none.
	Rotation *Rotation `yaml:"rotation"`

	// Services are the names of those that get the database: its address and
	// password in their environment. Default: all whose StageConfig is true.
	Services []string `yaml:"services"`

	// Overrides names those of the database's variables, as in PG_USER, that
	// a variable or secret of the same name in the declaration replaces; any
	// other of the same name is an error. Default: none.
	Overrides []string `yaml:"overrides"`

	// Existing attaches a database that is there already; of the other
	// fields only Name, User, Services, Overrides and Tunnel are then allowed.
	// Default: none: a new instance.
	Existing *ExistingDatabase `yaml:"existing"`
}

// ExistingDatabase is an RDS Postgres instance that this declaration uses but
// does not own. It must be in the VPC that [Network.VPC] names.
type ExistingDatabase struct {
	// Host is the instance's endpoint address. Required.
	Host string `yaml:"host"`
	// Port of the instance. Default: 5432.
	Port int `yaml:"port"`
	// Secret is the name or ARN of the Secrets Manager secret whose key
	// "password" is the password. Required.
	Secret string `yaml:"secret"`
	// SecurityGroup is the id of the instance's security group; a rule that
	// lets the stage in is added to it. Required.
	SecurityGroup string `yaml:"securityGroup"`
}

// Egress is how instances without a public address reach the internet.
type Egress string

const (
	// NATInstance is one t4g.nano that forwards for all zones.
	NATInstance Egress = "nat-instance"
	// NATGateway is one managed NAT gateway for all zones.
	NATGateway Egress = "nat-gateway"
	// NATGatewayPerZone is a managed NAT gateway in each zone.
	NATGatewayPerZone Egress = "nat-gateway-per-zone"
	// PublicIP gives each instance a public address and no way in.
	PublicIP Egress = "public-ip"
	// VPCEndpoints reach the AWS services a stage needs, and nothing else.
	VPCEndpoints Egress = "endpoints"
)

// Network is the VPC of a stage.
type Network struct {
	// Egress is how instances reach AWS and the internet: nat-instance,
	// nat-gateway, nat-gateway-per-zone, public-ip or endpoints.
	// Default: nat-instance; with VPC none: its private subnets have a way out.
	Egress Egress `yaml:"egress"`

	// CIDR of the VPC, /16 to /24. Default: 10.0.0.0/16.
	CIDR string `yaml:"cidr"`

	// Zones are the ids of 2 to 4 availability zones (as in use1-az1), which
	// mean the same zone in every account. Default: two zones of the region
	// in which every endpoint type is offered.
	Zones []string `yaml:"zones"`

	// VPC uses a network that is there already; no other field of Network is
	// then allowed except Egress public-ip. Default: none: a new VPC.
	VPC *ExistingVPC `yaml:"vpc"`
}

// ExistingVPC is a network that this declaration uses but does not own.
type ExistingVPC struct {
	// ID of the VPC, as in vpc-0123456789abcdef0. Required.
	ID string `yaml:"id"`
	// CIDR of the VPC. Required.
	CIDR string `yaml:"cidr"`
	// Zones are the names or ids of the availability zones, in the order of
	// the subnets below. Required: 2 or more.
	Zones []string `yaml:"zones"`
	// PublicSubnets are the ids of one subnet a zone with a route to an
	// internet gateway. Required for an ALB and for Egress public-ip.
	PublicSubnets []string `yaml:"publicSubnets"`
	// PrivateSubnets are the ids of one subnet a zone with a way out that
	// they share with nobody on the internet. Required.
	PrivateSubnets []string `yaml:"privateSubnets"`
}
