// Package monitor says which alarms, dashboards and saved queries a stage has.
// It is pure Go: package observability makes them, the cost estimate counts
// them, and the documentation lists them.
package monitor

import (
	"fmt"
	"strings"

	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/spec"
)

// Severity says how soon somebody has to look.
type Severity string

const (
	// Critical is felt by users, or will be within the hour.
	Critical Severity = "critical"
	// Warning can wait for office hours.
	Warning Severity = "warning"
)

// Missing says what a period without data means to an alarm, in the words of
// CloudFormation.
type Missing string

const (
	// Good: where nothing happens nothing is wrong.
	Good Missing = "notBreaching"
	// Bad: the data comes from what is watched, and stops with it.
	Bad Missing = "breaching"
	// Unchanged: a gap says nothing.
	Unchanged Missing = "ignore"
)

// Comparison of a value with the threshold that raises the alarm, in the words
// of CloudFormation.
type Comparison string

// The comparisons that are used.
const (
	Above   Comparison = "GreaterThanThreshold"
	AtLeast Comparison = "GreaterThanOrEqualToThreshold"
	Below   Comparison = "LessThanThreshold"
)

// Metric is one metric of CloudWatch. Of its dimensions the names are known,
// and what their values name.
type Metric struct {
	// ID is the metric's variable in an expression.
	ID string
	// Namespace and Name, as AWS writes them.
	Namespace, Name string
	// Dimensions in the order of AWS's documentation.
	Dimensions []Dimension
	// Statistic, as in Sum or p90.
	Statistic string
}

// Dimension of a metric.
type Dimension struct {
	// Name, as AWS writes it.
	Name string
	// Of is the resource whose name is the value.
	Of Ref
}

// Ref names a resource of a stage whose own name AWS gives.
type Ref string

// The resources that there is one of in a stage.
const (
	RefAPI          Ref = "api"
	RefAPIName      Ref = "api name"
	RefAPIStage     Ref = "api stage"
	RefLoadBalancer Ref = "load balancer"
	RefCluster      Ref = "cluster"
	RefInstances    Ref = "instances"
	RefDatabase     Ref = "database"
)

// RefService is the ECS service of that name.
func RefService(name string) Ref { return Ref("service " + name) }

// RefTargetGroup is the target group that a service is registered in.
func RefTargetGroup(service string) Ref { return Ref("target group " + service) }

// RefAlternate is the group that takes turns with it in blue/green deployments.
func RefAlternate(service string) Ref { return Ref("alternate target group " + service) }

// RefQueue is the queue that holds failed runs of a scheduled task.
func RefQueue(task string) Ref { return Ref("failures of " + task) }

// RefReplica is the read replica of that name.
func RefReplica(name string) Ref { return Ref("replica " + name) }

// RefRotation is the function that rotates the secret of that name.
func RefRotation(secret string) Ref { return Ref("rotation of " + secret) }

// Names are what the resources of a stage are called: the names themselves or,
// while the CDK makes a template, tokens that stand for them.
type Names map[Ref]string

// Alarm is an alarm on metrics of a stage.
type Alarm struct {
	// ID is the kind of the alarm.
	ID spec.AlarmID
	// Subject is the name of what it watches where a stage has several, such as
	// a service; empty otherwise.
	Subject string
	// Severity of what it tells.
	Severity Severity
	// Meaning is a sentence for whoever gets the message.
	Meaning string
	// Gate says that the alarm tells of a version that does not work:
	// promotions stop while it is raised, and deployments are taken back.
	Gate bool
	// Metrics that are looked at; CloudWatch bills each of them.
	Metrics []Metric
	// Expression of metric math over the metrics' IDs. Empty: the one metric
	// itself.
	Expression string
	// Threshold and how the value compares to it when the alarm is raised.
	Threshold  float64
	Comparison Comparison
	// Period of the metrics in seconds.
	Period int
	// Periods that are looked at, of which Datapoints have to be beyond the
	// threshold.
	Periods, Datapoints int
	// Missing says what a period without data means.
	Missing Missing
}

// Name is the physical name of the alarm in a stage.
func (a Alarm) Name(app, stage string) string {
	return naming.App(app).Stage(stage).Alarm(string(a.ID), a.Subject)
}

// Description is what the message about the alarm says: how bad it is, what it
// means, and where it is written what to do.
func (a Alarm) Description(runbooks string) string {
	return describe(a.Severity, a.Meaning, runbooks, a.ID)
}

func describe(severity Severity, meaning, runbooks string, id spec.AlarmID) string {
	return fmt.Sprintf("[%s] %s What to do: %s", severity, meaning, Runbook(runbooks, string(id)))
}

// Runbook is the address of the section about an alarm or another message.
func Runbook(runbooks, section string) string {
	if runbooks == "" {
		runbooks = spec.DefaultRunbooks
	}
	return runbooks + "#" + section
}

// Sections of docs/runbooks.md about messages of the pipeline, which are no
// alarms.
const (
	PipelineFailed = "pipeline-failed"
	BuildFailed    = "build-failed"
)

// Composite is an alarm on the states of other alarms.
type Composite struct {
	// ID is the kind of the alarm.
	ID spec.AlarmID
	// Severity of what it tells.
	Severity Severity
	// Meaning is a sentence for whoever gets the message.
	Meaning string
	// Members are the alarms of which one is enough to raise it. They tell
	// nobody themselves.
	Members []Alarm
}

// Name is the physical name of the alarm in a stage.
func (c Composite) Name(app, stage string) string {
	return naming.App(app).Stage(stage).Alarm(string(c.ID), "")
}

// Rule is the alarm's rule, in CloudWatch's language.
func (c Composite) Rule(app, stage string) string {
	var terms []string
	for _, member := range c.Members {
		terms = append(terms, fmt.Sprintf("ALARM(%q)", member.Name(app, stage)))
	}
	return strings.Join(terms, " OR ")
}

// Description is what the message about the alarm says.
func (c Composite) Description(runbooks string) string {
	return describe(c.Severity, c.Meaning, runbooks, c.ID)
}
