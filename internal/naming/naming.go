// Package naming says what everything is called that has a name of its own in
// AWS. Constructs, stacks, alarms, the preflight and the command all ask here,
// so that what one of them makes the others find.
//
// A name is part of what is deployed: one that changes replaces the resource,
// and with a database or a secret the data. What CloudFormation may name itself
// has no name here, and should get none.
package naming

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// App is an application, by its name. The name is also that of its pipeline, of
// the pipeline's dashboard and of the sender of its messages.
type App string

// Stage is a stage of the application.
func (a App) Stage(name string) Stage { return Stage{a, name} }

// PipelineStack is the stack of the application's pipeline.
func (a App) PipelineStack() string { return string(a) + "-pipeline" }

// RegistryStack is the stack of a region's image repositories.
func (a App) RegistryStack(region string) string { return string(a) + "-registry-" + region }

// SupportStack is what the CDK calls the stack of the bucket through which
// a pipeline deploys to another region.
func (a App) SupportStack(region string) string { return a.PipelineStack() + "-support-" + region }

// Repository is the image repository of a service.
func (a App) Repository(service string) string { return string(a) + "/" + service }

// BuildLogs is the log group of the output of builds.
func (a App) BuildLogs() string { return "/tinystack/" + string(a) + "/builds" }

// DeploymentLogs is the log group of what becomes of the pipeline's actions.
func (a App) DeploymentLogs() string { return "/tinystack/" + string(a) + "/deployments" }

// DeploymentRule is the rule of EventBridge that writes to it.
func (a App) DeploymentRule() string { return string(a) + "-deployments" }

// Query is a saved query of the pipeline's logs.
func (a App) Query(name string) string { return string(a) + "/pipeline/" + name }

// MetricNamespace is where CloudWatch keeps the metrics that are counted in the
// output of the application's services.
func (a App) MetricNamespace() string { return "tinystack/" + string(a) }

// Stage is a stage of an application.
type Stage struct {
	App  App
	Name string
}

// String is what a stage's own resource is called where there is one of a kind:
// its API, its dashboard, its database instance, the configuration of its Slack
// channel, the sender of its messages.
func (s Stage) String() string { return string(s.App) + "-" + s.Name }

// Stack is one of the stage's stacks.
func (s Stage) Stack(kind string) string { return s.String() + "-" + kind }

// Alarm is an alarm of a kind. Subject is what of several it watches, such as
// a service; it is empty where a stage has one.
func (s Stage) Alarm(kind, subject string) string {
	name := s.String() + "-" + kind
	if subject != "" {
		name += "-" + subject
	}
	return name
}

// Namespace is the private domain in which the stage's tasks are found.
func (s Stage) Namespace() string { return s.String() + ".internal" }

// RemoteReplica is a copy of the stage's database in another region.
func (s Stage) RemoteReplica() string { return s.String() + "-remote" }

// RemoteSlack is the configuration of the Slack channel that hears of what the
// stage has in another region: an account has a name once, for all regions.
func (s Stage) RemoteSlack(region string) string { return s.String() + "-" + region }

// DatabaseSecret is the secret with the credentials of the stage's database. It
// begins with the stage's name, so that permissions can be given by stage.
func (s Stage) DatabaseSecret() string { return s.Name + "/" + string(s.App) + "/database" }

// Query is a saved query of the stage's logs.
func (s Stage) Query(name string) string { return string(s.App) + "/" + s.Name + "/" + name }

// ErrorMetric counts the lines of a service's output that look like errors, in
// [App.MetricNamespace].
func (s Stage) ErrorMetric(service string) string { return s.Name + "-" + service + "-error-lines" }

// NATMetric is how full the NAT instance's table of connections is, in
// [App.MetricNamespace].
func (s Stage) NATMetric() string { return s.Name + "-nat-connections" }

// TaskRole is what the container of a service may do in AWS. It is not
// shortened as other roles are: people look for it, and a declaration whose
// names are too long for it is refused.
func (s Stage) TaskRole(service string) string { return s.String() + "-" + service + "-TaskRole" }

// GateRole lets the pipeline read the stage's alarms.
func (s Stage) GateRole() string { return s.role("gate") }

// BakeRole is by what the pipeline reads them.
func (s Stage) BakeRole() string { return s.role("bake") }

// SleepRole lets the pipeline wake the stage and put it to sleep.
func (s Stage) SleepRole() string { return s.role("sleep") }

// WakerRole is by what the pipeline does that.
func (s Stage) WakerRole() string { return s.role("waker") }

// maxRole is how long IAM lets the name of a role be.
const maxRole = 64

// role is a role that is named by what it is for, so that another account can
// name it in a policy before it exists. One that is too long ends in a sum of
// the whole.
func (s Stage) role(purpose string) string {
	name := s.String() + "-" + purpose
	if len(name) <= maxRole {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	tail := "-" + hex.EncodeToString(sum[:4]) + "-" + purpose
	return name[:maxRole-len(tail)] + tail
}

// The following belong to constructs that can be used without an application,
// and are made of a name that their user chose.

// Replica is a copy of a database instance, counted from 1.
func Replica(instance string, number int) string {
	return fmt.Sprintf("%s-replica-%d", instance, number)
}

// DatabaseLogs is the log group that RDS writes a log of an instance to.
func DatabaseLogs(instance, log string) string { return "/aws/rds/instance/" + instance + "/" + log }

// UserSecret is the secret of a user of a database beside the master user,
// whose secret has a name.
func UserSecret(secret, user string) string { return secret + "/" + user }

// Rotation is the function that rotates the master user's password of
// a database instance.
func Rotation(instance string) string { return instance + "-rotation" }

// UserRotation is the function that rotates two users that take turns. It is
// named apart from [Rotation]: at a change from one kind to the other both may
// be there for a while.
func UserRotation(instance string) string { return instance + "-user-rotation" }

// AccessLogs is the log group of the requests to an API. The prefix marks log
// groups that AWS services deliver to. A service enters each group of another
// name in one resource policy of the region, which may hold 5120 characters:
// after some stages that is full and the next API cannot be made.
func AccessLogs(api string) string { return "/aws/vendedlogs/apigateway/" + api }
