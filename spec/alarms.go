package spec

import (
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
		AlarmInstanceCPU, AlarmInstanceStatus,
		AlarmDatabaseCPU, AlarmDatabaseStorage, AlarmDatabaseConnections, AlarmReplicaLag, AlarmRotationFailed,
	}
}

// Alarms say which alarms watch a stage, and who hears of them.
type Alarms struct {
	// Level is essential (what deployments and gates watch: the endpoint's
	// errors and latency, services without tasks, failed scheduled tasks) or
	// full, see docs/monitoring.md for the list and its price. Default: full
	// in production, essential elsewhere and in a canary.
	Level AlarmLevel `yaml:"level"`

	// Off lists alarms that are not wanted, as in endpoint-latency-p99.
	// Default: none.
	Off []AlarmID `yaml:"off"`

	// Notify lists the e-mail addresses that hear of alarms; each confirms
	// that once, by a link in a message from AWS. Default: those of the
	// pipeline.
	Notify []string `yaml:"notify"`

	// Webhooks are https URLs that SNS posts to, as those that PagerDuty or
	// Opsgenie give out for CloudWatch; one that holds a token is given as
	// "ssm:" and the name of a parameter in the stage's region.
	// Default: none.
	Webhooks []string `yaml:"webhooks"`

	// Slack is a channel that hears of alarms. Default: none.
	Slack *Slack `yaml:"slack"`

	// Topic is the ARN of an SNS topic in the stage's region that is told
	// instead of a topic of the stage's own. A canary does not take it over.
	// Default: none.
	Topic string `yaml:"topic"`

	// Runbooks is the address of the page that says what to do about each
	// alarm; "#" and the kind of alarm are added. Default: docs/runbooks.md of
	// this project.
	Runbooks string `yaml:"runbooks"`

	// Thresholds are when alarms are raised. Default: see each.
	Thresholds Thresholds `yaml:"thresholds"`
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

// Slack is a channel that Amazon Q Developer in chat applications (once AWS
// Chatbot) writes to. The workspace is authorized once, in its console.
type Slack struct {
	// Workspace is the id of the workspace, as in T0123456789. Required.
	Workspace string `yaml:"workspace"`
	// Channel is the id of the channel, as in C0123456789. Required.
	Channel string `yaml:"channel"`
}

// Thresholds are the numbers at which alarms are raised.
type Thresholds struct {
	// ErrorRate is the share of requests in percent of which more may not be
	// answered with a status of 500 or above, 1 to 99. Default: 5.
	ErrorRate int `yaml:"errorRate"`

	// MinRequests is how many requests in five minutes the rate of errors and
	// the latency are judged by: with fewer no alarm is raised. 1 to 1000000.
	// Default: 20.
	MinRequests int `yaml:"minRequests"`

	// LatencyP90 is what the slowest tenth of requests may take, 10ms to 5m.
	// Default: 2s.
	LatencyP90 Duration `yaml:"latencyP90"`

	// LatencyP99 is what the slowest hundredth of requests may take, at least
	// LatencyP90, to 5m. Default: 5s, or LatencyP90 where that is more.
	LatencyP99 Duration `yaml:"latencyP99"`

	// ServiceCPU is the load in percent of the CPU that is a service's share
	// of its instances, 1 to 100. Default: 90.
	ServiceCPU int `yaml:"serviceCPU"`

	// ServiceMemory is what a service's tasks use of the memory they may use,
	// 1 to 100 percent. Default: 90.
	ServiceMemory int `yaml:"serviceMemory"`

	// InstanceCPU is the load of all instances that scaling did not relieve, 1
	// to 100 percent. Default: 90.
	InstanceCPU int `yaml:"instanceCPU"`

	// ErrorLines is how many lines in five minutes that look like errors are
	// too many, 1 to 1000000. Default: 50.
	ErrorLines int `yaml:"errorLines"`

	// DatabaseCPU is the load of the database, 1 to 100 percent. Default: 80.
	DatabaseCPU int `yaml:"databaseCPU"`

	// DatabaseConnections is how many of the connections that an instance of
	// its class takes may be open, 1 to 100 percent. Default: 80.
	DatabaseConnections int `yaml:"databaseConnections"`

	// FreeStorage is how many GB of the database's storage have to stay free.
	// Default: a tenth of its declared storage, but at least 2.
	FreeStorage int `yaml:"freeStorage"`

	// ReplicaLag is how far a read replica may be behind, 1s to 1h. One whose
	// source is idle counts as up to five minutes behind. Default: 10m.
	ReplicaLag Duration `yaml:"replicaLag"`
}

// Logs say what becomes of the containers' output beside being kept.
type Logs struct {
	// Encrypted encrypts it with a customer key that is made for the stage.
	// Default: false: with a key of AWS's own.
	Encrypted bool `yaml:"encrypted"`

	// CountErrors counts the lines that match ErrorPattern, as a metric of
	// each service that is billed for the hours in which there are any.
	// Default: true in production, otherwise false.
	CountErrors *bool `yaml:"countErrors"`

	// ErrorPattern is the filter pattern of CloudWatch Logs by which a line
	// is an error, 1 to 1024 characters. Default: any of the words ERROR,
	// Error, FATAL, CRITICAL, panic, Traceback and Exception.
	ErrorPattern string `yaml:"errorPattern"`

	// Destination gets a copy of the output. A canary does not take it over.
	// Default: none.
	Destination *LogDestination `yaml:"destination"`
}

// BuildLogs say what becomes of the output of builds and releases beside being
// kept.
type BuildLogs struct {
	// Encrypted encrypts it with a customer key that is made for the pipeline.
	// Default: false: with a key of AWS's own.
	Encrypted bool `yaml:"encrypted"`

	// Destination gets a copy of it. Default: none.
	Destination *LogDestination `yaml:"destination"`
}

// LogDestination is where CloudWatch Logs sends a copy of what it is told.
type LogDestination struct {
	// ARN of a Kinesis stream, a Firehose stream, a Lambda function or a
	// destination of CloudWatch Logs, in the region of what it gets. Required.
	ARN string `yaml:"arn"`

	// Role is the ARN of a role by which CloudWatch Logs may write to a
	// Kinesis or Firehose stream. Required for these, not allowed otherwise.
	Role string `yaml:"role"`

	// Pattern is the filter pattern of the lines that are sent. Default: all
	// lines.
	Pattern string `yaml:"pattern"`
}
