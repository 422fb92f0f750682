package spec

import (
	"fmt"
	"slices"
	"strings"
)

// AlarmLevel says how much of a stage is watched.
type AlarmLevel string

const (
	// Essential alarms are those that deployments and gates watch: what users
	// feel, and failed scheduled tasks.
	Essential AlarmLevel = "essential"
	// Full adds what operators need before users feel it.
	Full AlarmLevel = "full"
)

// AlarmID names a kind of alarm: in physical names, in [Alarms.Off], and as
// the title of its section in docs/runbooks.md.
type AlarmID string

// The kinds of alarms of a stage.
const (
	AlarmEndpoint5xx         AlarmID = "endpoint-5xx"
	AlarmLatencyP90          AlarmID = "endpoint-latency-p90"
	AlarmLatencyP99          AlarmID = "endpoint-latency-p99"
	AlarmNoTasks             AlarmID = "no-tasks"
	AlarmTasksMissing        AlarmID = "tasks-missing"
	AlarmServiceCPU          AlarmID = "service-cpu"
	AlarmServiceMemory       AlarmID = "service-memory"
	AlarmErrorLines          AlarmID = "error-lines"
	AlarmTaskFailed          AlarmID = "scheduled-task-failed"
	AlarmInstanceCPU         AlarmID = "instance-cpu"
	AlarmInstanceStatus      AlarmID = "instance-status"
	AlarmNATConnections      AlarmID = "nat-connections"
	AlarmDatabaseCPU         AlarmID = "database-cpu"
	AlarmDatabaseStorage     AlarmID = "database-storage"
	AlarmDatabaseConnections AlarmID = "database-connections"
	AlarmReplicaLag          AlarmID = "replica-lag"
	AlarmRotationFailed      AlarmID = "secret-rotation-failed"
	// AlarmStageUnwell joins the alarms of what users feel. It is composite.
	AlarmStageUnwell AlarmID = "stage-unwell"
)

// AlarmIDs are all kinds of alarms of a stage, in the order of
// docs/runbooks.md.
func AlarmIDs() []AlarmID {
	return []AlarmID{
		AlarmStageUnwell, AlarmEndpoint5xx, AlarmLatencyP90, AlarmLatencyP99,
		AlarmNoTasks, AlarmTasksMissing, AlarmServiceCPU, AlarmServiceMemory, AlarmErrorLines, AlarmTaskFailed,
		AlarmInstanceCPU, AlarmInstanceStatus, AlarmNATConnections,
		AlarmDatabaseCPU, AlarmDatabaseStorage, AlarmDatabaseConnections, AlarmReplicaLag, AlarmRotationFailed,
	}
}

// Alarms say which alarms watch a stage, and who hears of them.
type Alarms struct {
	// Level is essential (what deployments and gates watch: the endpoint's
	// errors and latency, services without tasks, failed scheduled tasks) or
	// full.
	//   - Default: full in production, otherwise essential; in every canary essential
	//   - Allowed: essential or full
	//   - Change: in place
	//   - Example: full
	//   - See: docs/monitoring.md
	Level AlarmLevel `yaml:"level"`

	// Off lists alarms that are not wanted.
	//   - Default: none
	//   - Allowed: the alarms of docs/monitoring.md, each once
	//   - Change: in place
	//   - Example: [endpoint-latency-p90]
	//   - See: docs/monitoring.md
	Off []AlarmID `yaml:"off"`

	// Notify lists the e-mail addresses that hear of alarms; each confirms
	// that once, by a link in a message from AWS.
	//   - Default: those of the pipeline
	//   - Allowed: e-mail addresses, each once
	//   - Change: in place; who is new has to confirm first. With the last who hears of alarms the topic goes
	//   - Example: [oncall@example.com]
	Notify []string `yaml:"notify"`

	// Webhooks are https URLs that SNS posts to, as those that PagerDuty or
	// Opsgenie give out for CloudWatch; one that holds a token is given as
	// "ssm:" and the name of a parameter in the stage's region.
	//   - Default: none
	//   - Allowed: https URLs, or ssm:/name, each once
	//   - Change: in place; a new one has to confirm first. With the last who hears of alarms the topic goes
	//   - Example: ["ssm:/shop/webhook"]
	Webhooks []string `yaml:"webhooks"`

	// Slack is a channel that hears of alarms.
	//   - Default: none
	//   - Change: in place; with the last who hears of alarms the topic goes
	//   - Example: {workspace: T0123456789, channel: C0123456789}
	Slack *Slack `yaml:"slack"`

	// Topic is the ARN of an SNS topic in the stage's region that is told
	// instead of a topic of the stage's own. A canary does not take it over.
	//   - Default: none
	//   - Allowed: the ARN of an SNS topic that is not FIFO
	//   - Change: in place; the stage's own topic goes with its subscriptions. Back again everybody confirms anew
	//   - Example: arn:aws:sns:us-east-1:111111111111:alarms
	Topic string `yaml:"topic"`

	// Runbooks is the address of the page that says what to do about each
	// alarm; "#" and the kind of alarm are added.
	//   - Default: docs/runbooks.md of this project
	//   - Allowed: an https URL without #
	//   - Change: in place
	//   - Example: https://wiki.example.com/shop/runbooks
	//   - See: docs/runbooks.md
	Runbooks string `yaml:"runbooks"`

	// Thresholds are when alarms are raised.
	//   - Default: see each
	//   - Change: by field
	//   - Example: {errorRate: 2}
	//   - See: docs/monitoring.md
	Thresholds Thresholds `yaml:"thresholds"`
}

// Slack is a channel that Amazon Q Developer in chat applications (once AWS
// Chatbot) writes to. The workspace is authorized once, in its console.
type Slack struct {
	// Workspace is the id of the workspace.
	//   - Default: required
	//   - Allowed: capital letters and digits
	//   - Change: replaces AWS::Chatbot::SlackChannelConfiguration
	//   - Example: T0000000001
	Workspace string `yaml:"workspace"`

	// Channel is the id of the channel.
	//   - Default: required
	//   - Allowed: letters and digits
	//   - Change: in place
	//   - Example: C0000000001
	Channel string `yaml:"channel"`
}

// Thresholds are the numbers at which alarms are raised.
type Thresholds struct {
	// ErrorRate is the share of requests in percent of which more may not be
	// answered with a status of 500 or above.
	//   - Default: 5
	//   - Allowed: 1 to 99
	//   - Change: in place
	//   - Example: 2
	ErrorRate int `yaml:"errorRate"`

	// MinRequests is how many requests in five minutes the rate of errors and
	// the latency are judged by: with fewer no alarm is raised.
	//   - Default: 20
	//   - Allowed: 1 to 1000000
	//   - Change: in place
	//   - Example: 100
	MinRequests int `yaml:"minRequests"`

	// LatencyP90 is what the slowest tenth of requests may take.
	//   - Default: 2s
	//   - Allowed: 10ms to 5m
	//   - Change: in place
	//   - Example: 500ms
	LatencyP90 Duration `yaml:"latencyP90"`

	// LatencyP99 is what the slowest hundredth of requests may take, at least
	// [Thresholds.LatencyP90].
	//   - Default: 5s, or latencyP90 where that is more
	//   - Allowed: 10ms to 5m
	//   - Change: in place
	//   - Example: 3s
	LatencyP99 Duration `yaml:"latencyP99"`

	// ServiceCPU is the load in percent of the CPU that is a service's share
	// of its instances.
	//   - Default: 90
	//   - Allowed: 1 to 100
	//   - Change: in place
	//   - Example: 80
	ServiceCPU int `yaml:"serviceCPU"`

	// ServiceMemory is what a service's tasks use, in percent of the memory they
	// may use.
	//   - Default: 90
	//   - Allowed: 1 to 100
	//   - Change: in place
	//   - Example: 80
	ServiceMemory int `yaml:"serviceMemory"`

	// InstanceCPU is the load in percent of all instances that scaling did not
	// relieve.
	//   - Default: 90
	//   - Allowed: 1 to 100
	//   - Change: in place
	//   - Example: 80
	InstanceCPU int `yaml:"instanceCPU"`

	// ErrorLines is how many lines in five minutes that look like errors are
	// too many.
	//   - Default: 50
	//   - Allowed: 1 to 1000000
	//   - Change: in place
	//   - Example: 10
	ErrorLines int `yaml:"errorLines"`

	// DatabaseCPU is the load of the database in percent.
	//   - Default: 80
	//   - Allowed: 1 to 100
	//   - Change: in place
	//   - Example: 70
	DatabaseCPU int `yaml:"databaseCPU"`

	// DatabaseConnections is how many may be open, in percent of the connections
	// that an instance of the database's class takes.
	//   - Default: 80
	//   - Allowed: 1 to 100
	//   - Change: in place
	//   - Example: 60
	DatabaseConnections int `yaml:"databaseConnections"`

	// FreeStorage is how many GB of the database's storage have to stay free.
	//   - Default: a tenth of its declared storage, but at least 2
	//   - Allowed: 1 to 1 less than the declared storage
	//   - Change: in place
	//   - Example: 5
	FreeStorage int `yaml:"freeStorage"`

	// ReplicaLag is how far a read replica may be behind. One whose source is
	// idle counts as up to five minutes behind.
	//   - Default: 10m
	//   - Allowed: 1s to 1h
	//   - Change: in place
	//   - Example: 20m
	ReplicaLag Duration `yaml:"replicaLag"`
}

// OwnTopic says whether a topic is made for the stage: somebody is to hear of
// its alarms, and not through a topic that is there already.
func (a Alarms) OwnTopic() bool {
	return a.Topic == "" && (len(a.Notify) > 0 || len(a.Webhooks) > 0 || a.Slack != nil)
}

// Elsewhere is who of them can hear of something in another region: the topic
// and the parameters of the stage's own region are not there.
func (a Alarms) Elsewhere() Alarms {
	a.Webhooks = slices.DeleteFunc(slices.Clone(a.Webhooks), func(hook string) bool { return strings.HasPrefix(hook, "ssm:") })
	return a
}

const (
	// DefaultRunbooks is where this project says what to do about an alarm.
	DefaultRunbooks = "https://github.com/tinystack-go/tinystack/blob/main/docs/runbooks.md"

	// The thresholds; docs/monitoring.md gives the reason for each. Loads and
	// the error rate are in percent.
	defaultErrorRate     = 5
	defaultMinRequests   = 20
	defaultLatencyP90    = 2 * second
	defaultLatencyP99    = 5 * second
	defaultServiceLoad   = 90
	defaultDatabaseLoad  = 80
	defaultErrorLines    = 50
	defaultReplicaLag    = 10 * minute
	leastFreeStorageGB   = 2
	shareOfFreeStorageGB = 10
)

// setMonitoringDefaults comes after those of production and the database.
func (s *Stage) setMonitoringDefaults(app App) {
	if *s.Production && s.CanaryOf == "" {
		fill(&s.Alarms.Level, Full)
	}
	fill(&s.Alarms.Level, Essential)
	fill(&s.Alarms.Runbooks, DefaultRunbooks)
	if app.Pipeline != nil && s.Alarms.Topic == "" && len(s.Alarms.Notify) == 0 {
		s.Alarms.Notify = clone(app.Pipeline.Notify)
	}
	s.Alarms.Thresholds.setDefaults(s.Database)
	fillPtr(&s.Dashboard, true)
	s.Logs.setDefaults(*s.Production)
}

func (t *Thresholds) setDefaults(database *Database) {
	fill(&t.ErrorRate, defaultErrorRate)
	fill(&t.MinRequests, defaultMinRequests)
	fill(&t.LatencyP90, defaultLatencyP90)
	fill(&t.LatencyP99, max(defaultLatencyP99, t.LatencyP90))
	fill(&t.ServiceCPU, defaultServiceLoad)
	fill(&t.ServiceMemory, defaultServiceLoad)
	fill(&t.InstanceCPU, defaultServiceLoad)
	fill(&t.ErrorLines, defaultErrorLines)
	fill(&t.DatabaseCPU, defaultDatabaseLoad)
	fill(&t.DatabaseConnections, defaultDatabaseLoad)
	fill(&t.ReplicaLag, defaultReplicaLag)
	if database != nil && database.Existing == nil {
		fill(&t.FreeStorage, max(leastFreeStorageGB, database.Storage/shareOfFreeStorageGB))
	}
}

var (
	webhookPattern   = compile(`^(?:https://[^\s"'<>]+|ssm:[A-Za-z0-9_./-]+)$`)
	runbooksPattern  = compile(`^https://[^\s"'<>#]+$`)
	workspacePattern = compile(`^[0-9A-Z]{1,255}$`)
	channelPattern   = compile(`^[A-Za-z0-9]{1,64}$`)
	topicPattern     = compile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)
)

func (s Stage) validateMonitoring(r report, app App) {
	alarms, declared := r.field("alarms"), s.Alarms
	if app.Pipeline != nil && slices.Equal(declared.Notify, app.Pipeline.Notify) {
		declared.Notify = nil // reported there
	}
	declared.validate(alarms)
	s.Alarms.Thresholds.validate(alarms.field("thresholds"))
	inRegion(alarms.field("topic"), s.Alarms.Topic, "stage", s.Region)
	s.Logs.validate(r.field("logs"))
	if d := s.Logs.Destination; d != nil {
		at := r.field("logs").field("destination").field("arn")
		inRegion(at, d.ARN, "stage", s.Region)
		inAccount(at, *d, "stage", s.Account)
	}
	if s.NewDatabase() {
		free := alarms.field("thresholds").field("freeStorage")
		free.between(s.Alarms.Thresholds.FreeStorage, 1, max(1, s.Database.Storage-1), "a part of the database's storage", "GB", "give less than the declared storage")
	}
	s.validateGateAlarms(alarms.field("off"))
	if slices.Contains(s.Alarms.Off, AlarmErrorLines) || s.Alarms.Level != Full || value(s.Logs.CountErrors) {
		return
	}
	if value(s.Production) && s.CanaryOf == "" {
		r.field("logs").field("countErrors").warn("nothing counts error lines, so no alarm tells of them", "turn it on, or list error-lines under alarms.off")
	}
}

// validateGateAlarms says when nothing is left that a gate could stop at.
func (s Stage) validateGateAlarms(r report) {
	off := func(ids ...AlarmID) bool {
		return !slices.ContainsFunc(ids, func(id AlarmID) bool { return !slices.Contains(s.Alarms.Off, id) })
	}
	if s.Bake > 0 && off(AlarmEndpoint5xx, AlarmLatencyP90, AlarmNoTasks) {
		r.warn("leaves no alarm that the bake could stop at: it only waits", "keep one of endpoint-5xx, endpoint-latency-p90 and no-tasks")
	}
	if s.Endpoint.Deployment == BlueGreen && off(AlarmEndpoint5xx, AlarmLatencyP90) {
		r.warn("leaves no alarm that a blue/green deployment could go back at", "keep endpoint-5xx or endpoint-latency-p90")
	}
}

func (a Alarms) validate(r report) {
	oneOf(r.field("level"), a.Level, "a level of alarms", Essential, Full)
	for i, id := range a.Off {
		at := r.field("off").item(i)
		if oneOf(at, id, "an alarm", AlarmIDs()...) && slices.Contains(a.Off[:i], id) {
			at.fail(at.quote(string(id))+" is listed twice", "each alarm once", "remove it")
		}
	}
	for i, address := range a.Notify {
		at := r.field("notify").item(i)
		at.matches(address, emailPattern, "an e-mail address", "an address, as in team@example.com", "correct the address")
		if slices.Contains(a.Notify[:i], address) {
			at.fail(at.quote(address)+" is listed twice", "each address once", "remove it")
		}
	}
	for i, webhook := range a.Webhooks {
		at := r.field("webhooks").item(i)
		at.matches(webhook, webhookPattern, "an address to post to", "an https URL, or \"ssm:\" and the name of a parameter", "give the URL that the service names for SNS or CloudWatch")
		if slices.Contains(a.Webhooks[:i], webhook) {
			at.fail(at.quote(webhook)+" is listed twice", "each address once", "remove it")
		}
	}
	if a.Slack != nil {
		a.Slack.validate(r.field("slack"))
	}
	if topic := r.field("topic"); a.Topic != "" {
		topic.matches(a.Topic, topicPattern, "the ARN of an SNS topic", "an ARN, as in arn:aws:sns:us-east-1:111111111111:alarms; not a FIFO topic", "write the whole ARN")
		if len(a.Notify) > 0 || len(a.Webhooks) > 0 || a.Slack != nil {
			topic.fail("is given together with notify, webhooks or slack, which make a topic of the stage's own", "one of the two", "remove the others, and subscribe them to that topic")
		}
	}
	r.field("runbooks").matches(a.Runbooks, runbooksPattern, "the address of a page", "an https URL without \"#\"", "give the address of the page")
}

func (s Slack) validate(r report) {
	const fix = "copy it from the address of the channel: …/client/<workspace>/<channel>"
	workspace, channel := r.field("workspace"), r.field("channel")
	if workspace.required(s.Workspace, "an id, as in T0123456789", fix) {
		workspace.matches(s.Workspace, workspacePattern, "the id of a Slack workspace", "capital letters and digits, as in T0123456789", fix)
	}
	if channel.required(s.Channel, "an id, as in C0123456789", fix) {
		channel.matches(s.Channel, channelPattern, "the id of a Slack channel", "letters and digits, as in C0123456789", fix)
	}
}

func (t Thresholds) validate(r report) {
	const fix = "say from when on somebody should look"
	percent := func(name string, number int) {
		r.field(name).between(number, 1, 100, "a part of the whole", "percent", fix)
	}
	r.field("errorRate").between(t.ErrorRate, 1, 99, "a part of the requests", "percent", fix)
	percent("serviceCPU", t.ServiceCPU)
	percent("serviceMemory", t.ServiceMemory)
	percent("instanceCPU", t.InstanceCPU)
	percent("databaseCPU", t.DatabaseCPU)
	percent("databaseConnections", t.DatabaseConnections)
	r.field("minRequests").between(t.MinRequests, 1, 1000000, "a number of requests", "", "say how many requests say something")
	r.field("errorLines").between(t.ErrorLines, 1, 1000000, "a number of lines", "", fix)
	const millisecond = second / 1000
	r.field("latencyP90").lasting(t.LatencyP90, 10*millisecond, 5*minute, millisecond)
	p99 := r.field("latencyP99")
	if p99.lasting(t.LatencyP99, 10*millisecond, 5*minute, millisecond) && t.LatencyP99 < t.LatencyP90 {
		p99.fail(fmt.Sprintf("%s is less than the %s that the slowest tenth may take", p99.show(t.LatencyP99), t.LatencyP90), "at least latencyP90", "raise it, or lower latencyP90")
	}
	r.field("replicaLag").lasting(t.ReplicaLag, second, hour, second)
}
