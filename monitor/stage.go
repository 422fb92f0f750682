package monitor

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/spec"
)

// essential are the alarms that every stage has; see [spec.Essential].
var essential = []spec.AlarmID{spec.AlarmEndpoint5xx, spec.AlarmLatencyP90, spec.AlarmNoTasks, spec.AlarmTaskFailed}

// Alarms are those of a stage of a resolved application, in the order in which
// people should look at them. Only what a stage has is watched: without tasks it
// has no alarm on its endpoint or services, and without a database none on that.
func Alarms(app spec.App, stage spec.Stage) []Alarm {
	t := stage.Alarms.Thresholds
	var all []Alarm
	if servesRequests(app, stage) {
		all = append(all, endpointOf(stage).alarms(t)...)
	}
	shares, _ := spec.Shares(stage.Scale, app.Services) // resolved: they fit
	for _, service := range app.Services {
		switch {
		case service.Schedule != "":
			all = append(all, TaskFailed(service.Name))
		case *service.TasksIn(stage.Scale).Max > 0:
			all = append(all, serviceAlarms(app, stage, service, shares[service.Name])...)
		}
	}
	if *stage.Scale.Instances.Max > 0 {
		all = append(all, instanceAlarms(stage)...)
	}
	if hasNAT(stage) {
		all = append(all, natConnections(app, stage))
	}
	if stage.NewDatabase() {
		all = append(all, databaseAlarms(*stage.Database, t)...)
		for i := range stage.Database.Replicas() {
			all = append(all, ReplicaLag(replicaName(i), t.ReplicaLag))
		}
		if stage.Rotates(app) {
			all = append(all, RotationFailed(Credentials))
		}
	}
	return Wanted(stage, all)
}

// Wanted are those of the alarms that the declared level of the stage includes
// and that are not turned off there.
func Wanted(stage spec.Stage, alarms []Alarm) []Alarm {
	return slices.DeleteFunc(alarms, func(a Alarm) bool {
		return slices.Contains(stage.Alarms.Off, a.ID) ||
			stage.Alarms.Level != spec.Full && !slices.Contains(essential, a.ID)
	})
}

// Unwell is the alarm that joins those on what users feel, so that one outage is
// one message. There is none, and ok is false, in a stage with the essential
// alarms only, where it is turned off, and where fewer than two could be joined.
func Unwell(stage spec.Stage, alarms []Alarm) (joined Composite, ok bool) {
	gates := Gates(alarms)
	return Composite{
		ID: spec.AlarmStageUnwell, Severity: Critical, Members: gates,
		Meaning: "Users cannot use the stage as they should: requests fail or take too long, or a service has no task.",
	}, len(gates) > 1 && stage.Alarms.Level == spec.Full && !slices.Contains(stage.Alarms.Off, spec.AlarmStageUnwell)
}

// Gates are the alarms that promotions stop at.
func Gates(alarms []Alarm) []Alarm {
	return slices.DeleteFunc(slices.Clone(alarms), func(a Alarm) bool { return !a.Gate })
}

// DeploymentAlarms are the gates that ECS watches during a deployment, which it
// takes back when one is raised: those on the endpoint. ECS sees by itself whether
// tasks start, and an alarm on a service cannot be among them: it refers to the
// service, which would have to be made first, and names it.
func DeploymentAlarms(alarms []Alarm) []Alarm {
	return slices.DeleteFunc(Gates(alarms), func(a Alarm) bool { return a.Subject != "" })
}

// servesRequests says whether there is an endpoint, and a task behind it.
func servesRequests(app spec.App, stage spec.Stage) bool {
	return slices.ContainsFunc(app.Services, func(s spec.Service) bool {
		return s.Public() && *s.TasksIn(stage.Scale).Max > 0
	})
}

// balanced says whether a load balancer knows the service's healthy tasks.
func balanced(stage spec.Stage, service spec.Service) bool {
	return service.Public() && (stage.Endpoint.Type == spec.ALB || stage.Endpoint.Caching != nil)
}

// alternates says whether the service changes between two target groups: of
// those behind a load balancer only the one without a rule of its own does.
func alternates(stage spec.Stage, service spec.Service) bool {
	return balanced(stage, service) && service.Fallback() && stage.Endpoint.Deployment == spec.BlueGreen
}

func ofService(name string) []Dimension {
	return []Dimension{{"ClusterName", RefCluster}, {"ServiceName", RefService(name)}}
}

func serviceAlarms(app spec.App, stage spec.Stage, service spec.Service, share spec.Share) []Alarm {
	t, name := stage.Alarms.Thresholds, service.Name
	const minute = 60
	var alarms []Alarm
	if *service.TasksIn(stage.Scale).Min > 0 {
		if alarm, ok := noTasks(stage, service); ok {
			alarms = append(alarms, alarm)
		}
	}
	if *stage.ContainerInsights {
		alarms = append(alarms, Alarm{
			ID: spec.AlarmTasksMissing, Subject: name, Severity: Warning,
			Meaning:    fmt.Sprintf("Service %s has had fewer tasks than it should for a quarter of an hour.", name),
			Metrics:    taskCounts(name),
			Expression: "desired - FILL(running, 0)",
			Threshold:  1, Comparison: AtLeast,
			Period: minute, Periods: 15, Datapoints: 15, Missing: Good,
		})
	}
	// AWS measures tasks by what they reserve, which is less than they may
	// use: see spec.Share.
	cpu := float64(t.ServiceCPU) * float64(share.CPUTarget) / float64(stage.Scale.CPU.ScaleOut)
	alarms = append(alarms, Alarm{
		ID: spec.AlarmServiceCPU, Subject: name, Severity: Warning,
		Meaning:   fmt.Sprintf("Service %s has used %d %% of its CPU for half an hour, and more tasks did not help.", name, t.ServiceCPU),
		Metrics:   []Metric{metric("cpu", "AWS/ECS", "CPUUtilization", "Average", ofService(name)...)},
		Threshold: math.Round(cpu), Comparison: AtLeast,
		Period: fiveMinutes, Periods: 6, Datapoints: 6, Missing: Good,
	}, Alarm{
		ID: spec.AlarmServiceMemory, Subject: name, Severity: Warning,
		Meaning:   fmt.Sprintf("Service %s uses %d %% of the memory it may use; a container that wants more than all of it is killed.", name, t.ServiceMemory),
		Metrics:   []Metric{metric("memory", "AWS/ECS", "MemoryUtilization", "Average", ofService(name)...)},
		Threshold: math.Round(float64(t.ServiceMemory) * memoryFactor(share)), Comparison: AtLeast,
		Period: fiveMinutes, Periods: 3, Datapoints: 3, Missing: Good,
	})
	if *stage.Logs.CountErrors {
		errors := ErrorMetric(app.Name, stage.Name, name)
		errors.ID = "lines"
		alarms = append(alarms, Alarm{
			ID: spec.AlarmErrorLines, Subject: name, Severity: Warning,
			Meaning:   fmt.Sprintf("Service %s wrote %d lines or more that look like errors in five minutes, and again in the next five.", name, t.ErrorLines),
			Metrics:   []Metric{errors},
			Threshold: float64(t.ErrorLines), Comparison: AtLeast,
			Period: fiveMinutes, Periods: 2, Datapoints: 2, Missing: Good,
		})
	}
	return alarms
}

// noTasks is the alarm that is raised when a service has no task that could work.
// Behind a load balancer it counts healthy tasks. Elsewhere it counts reports of
// CPU: ECS makes them for running tasks only, so they end with the last task.
//
// A canary that sleeps has no task most of the time, and that is no failure. The
// alarm is made for it only where the two can be told apart: a load balancer
// reports nothing while no task is registered, and Container Insights counts the
// tasks that are wanted. Elsewhere ok is false.
func noTasks(stage spec.Stage, service spec.Service) (alarm Alarm, ok bool) {
	name := service.Name
	alarm = Alarm{
		ID: spec.AlarmNoTasks, Subject: name, Severity: Critical, Gate: true,
		Meaning:   fmt.Sprintf("Service %s has had no running task for five minutes.", name),
		Metrics:   []Metric{metric("tasks", "AWS/ECS", "CPUUtilization", "SampleCount", ofService(name)...)},
		Threshold: 1, Comparison: Below,
		Period: 60, Periods: 5, Datapoints: 5, Missing: Bad,
	}
	balanced, alternates := balanced(stage, service), alternates(stage, service)
	switch {
	case stage.Sleeps && balanced && !alternates:
		// While it sleeps no task is registered, and nothing is reported.
		alarm.Missing = Good
	case stage.Sleeps && *stage.ContainerInsights:
		alarm.Metrics = taskCounts(name)
		alarm.Expression = "IF(FILL(desired, 0) > 0, FILL(running, 0), 1)"
		alarm.Missing = Good
		return alarm, true
	case stage.Sleeps:
		return Alarm{}, false
	}
	if !balanced {
		return alarm, true
	}
	healthy := func(id string, group Ref) Metric {
		return metric(id, "AWS/ApplicationELB", "HealthyHostCount", "Maximum", Dimension{"TargetGroup", group}, Dimension{"LoadBalancer", RefLoadBalancer})
	}
	alarm.Meaning = fmt.Sprintf("Service %s has had no healthy task for five minutes.", name)
	alarm.Metrics = []Metric{healthy("tasks", RefTargetGroup(name))}
	if alternates {
		alarm.Metrics = append(alarm.Metrics, healthy("others", RefAlternate(name)))
		alarm.Expression = "FILL(tasks, 0) + FILL(others, 0)"
	}
	return alarm, true
}

// taskCounts are what Container Insights counts of a service.
func taskCounts(service string) []Metric {
	const namespace = "ECS/ContainerInsights"
	return []Metric{
		metric("desired", namespace, "DesiredTaskCount", "Average", ofService(service)...),
		metric("running", namespace, "RunningTaskCount", "Average", ofService(service)...),
	}
}

// memoryFactor is how much more a task may use than AWS measures it by.
func memoryFactor(share spec.Share) float64 {
	if share.TaskMemory > 0 || share.MemoryReservation == 0 {
		return 1
	}
	return float64(share.Memory) / float64(share.MemoryReservation)
}

// ErrorMetric counts the lines of a service's output that look like errors.
func ErrorMetric(app, stage, service string) Metric {
	return metric("errors", naming.App(app).MetricNamespace(), naming.App(app).Stage(stage).ErrorMetric(service), "Sum")
}

// TaskFailed is raised while runs of a scheduled task that failed are in its
// queue.
func TaskFailed(task string) Alarm {
	return Alarm{
		ID: spec.AlarmTaskFailed, Subject: task, Severity: Warning,
		Meaning:   fmt.Sprintf("Runs of %s failed. What is known of them is in its queue of failures; an empty queue ends the alarm.", task),
		Metrics:   []Metric{metric("failures", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", Dimension{"QueueName", RefQueue(task)})},
		Threshold: 1, Comparison: AtLeast,
		Period: fiveMinutes, Periods: 1, Datapoints: 1, Missing: Good,
	}
}

func instanceAlarms(stage spec.Stage) []Alarm {
	group := Dimension{"AutoScalingGroupName", RefInstances}
	t := stage.Alarms.Thresholds
	// As long as the scaling rule waits, and a quarter of an hour for a new
	// instance to start and take over some of the load; half an hour at least.
	patience := max(6, stage.Scale.CPU.For.Minutes()/5+3)
	return []Alarm{{
		ID: spec.AlarmInstanceCPU, Severity: Warning,
		Meaning:   fmt.Sprintf("The instances have used %d %% of their CPU for %d minutes; scaling did not relieve them.", t.InstanceCPU, 5*patience),
		Metrics:   []Metric{metric("cpu", "AWS/EC2", "CPUUtilization", "Average", group)},
		Threshold: float64(t.InstanceCPU), Comparison: AtLeast,
		Period: fiveMinutes, Periods: patience, Datapoints: patience, Missing: Good,
	}, {
		ID: spec.AlarmInstanceStatus, Severity: Warning,
		Meaning:   "An instance has failed the status checks of EC2 for a quarter of an hour, and was not replaced.",
		Metrics:   []Metric{metric("failed", "AWS/EC2", "StatusCheckFailed", "Maximum", group)},
		Threshold: 1, Comparison: AtLeast,
		Period: fiveMinutes, Periods: 3, Datapoints: 3, Missing: Good,
	}}
}

func hasNAT(stage spec.Stage) bool {
	return stage.Network.Egress == spec.NATInstance && stage.Network.VPC == nil
}

// fullTable is how many percent of the NAT instance's table may be used: what is
// beyond the table is dropped, and ten minutes of growth are left to act.
const fullTable = 80

// natConnections watches the instance by which everything leaves the stage. It
// reports itself, so silence is as bad as a full table.
func natConnections(app spec.App, stage spec.Stage) Alarm {
	return Alarm{
		ID: spec.AlarmNATConnections, Severity: Critical,
		Meaning:   fmt.Sprintf("The NAT instance has used %d %% of its table of connections for a quarter of an hour, or does not report any more: new connections out of the stage fail, or soon will.", fullTable),
		Metrics:   []Metric{NATMetric(app.Name, stage.Name)},
		Threshold: fullTable, Comparison: AtLeast,
		Period: fiveMinutes, Periods: 3, Datapoints: 3, Missing: Bad,
	}
}

// NATMetric is what the NAT instance reports: how full its table of connections
// is, in percent.
func NATMetric(app, stage string) Metric {
	return metric("used", naming.App(app).MetricNamespace(), naming.App(app).Stage(stage).NATMetric(), "Maximum")
}

// ReportsNAT says whether a NAT instance reports: where an alarm listens, because
// a metric costs three times the alarm.
func ReportsNAT(stage spec.Stage) bool {
	return hasNAT(stage) && len(Wanted(stage, []Alarm{{ID: spec.AlarmNATConnections}})) > 0
}

const gibibyte = 1 << 30

func ofDatabase(id, name, statistic string, database Ref) Metric {
	return metric(id, "AWS/RDS", name, statistic, Dimension{"DBInstanceIdentifier", database})
}

func databaseAlarms(database spec.Database, t spec.Thresholds) []Alarm {
	alarms := []Alarm{{
		ID: spec.AlarmDatabaseCPU, Severity: Warning,
		Meaning:   fmt.Sprintf("The database has used %d %% of its CPU for half an hour.", t.DatabaseCPU),
		Metrics:   []Metric{ofDatabase("cpu", "CPUUtilization", "Average", RefDatabase)},
		Threshold: float64(t.DatabaseCPU), Comparison: AtLeast,
		Period: fiveMinutes, Periods: 6, Datapoints: 6, Missing: Good,
	}, {
		// RDS enlarges the storage when less than a tenth of it is free. If
		// half an hour later it is still short, it cannot grow any more.
		ID: spec.AlarmDatabaseStorage, Severity: Critical,
		Meaning:   fmt.Sprintf("Less than %d GB of the database's storage have been free for half an hour, and it did not grow. A full database stops.", t.FreeStorage),
		Metrics:   []Metric{ofDatabase("free", "FreeStorageSpace", "Minimum", RefDatabase)},
		Threshold: float64(t.FreeStorage) * gibibyte, Comparison: Below,
		Period: fiveMinutes, Periods: 6, Datapoints: 6, Missing: Unchanged,
	}}
	if most, known := MaxConnections(database.Instance); known {
		alarms = append(alarms, Alarm{
			ID: spec.AlarmDatabaseConnections, Severity: Warning,
			Meaning:   fmt.Sprintf("The database has %d %% of the connections open that its instance takes, about %d.", t.DatabaseConnections, most),
			Metrics:   []Metric{ofDatabase("connections", "DatabaseConnections", "Maximum", RefDatabase)},
			Threshold: float64(most * t.DatabaseConnections / 100), Comparison: AtLeast,
			Period: fiveMinutes, Periods: 3, Datapoints: 3, Missing: Good,
		})
	}
	return alarms
}

// MaxConnections is about how many connections Postgres takes on an instance
// class, where the parameter group leaves that to RDS. The formula of RDS is the
// memory in bytes divided by 9531392, at most 5000. The memory in it is what the
// operating system and RDS leave of the class's, which AWS does not document: 320
// MiB and a thirty-second part are taken off here, a little more than instances
// show. The class is not known where it is not in this version's table.
func MaxConnections(class string) (most int, known bool) {
	found, known := instances.LookupDatabase(class)
	if !known {
		return 0, false
	}
	const perConnection, largest = 9531392, 5000
	left := found.MemoryMiB - 320 - found.MemoryMiB/32
	return min(left*(1<<20)/perConnection, largest), true
}

// Credentials is the subject of the alarm on the rotation of the credentials of
// a stage's database.
const Credentials = "database"

// replicaName is the subject of what is about a replica in the stage's region:
// they are counted from 1.
func replicaName(i int) string { return strconv.Itoa(i + 1) }

// RemoteAlarms are those of what a stage has in another region: replicas of its
// database. They report their metrics there, so the alarms and their topic have
// to be there, too.
func RemoteAlarms(stage spec.Stage, region string) []Alarm {
	var all []Alarm
	if stage.Database != nil && slices.ContainsFunc(stage.Database.ReadReplicas, func(r spec.ReadReplica) bool { return r.Region == region && region != "" }) {
		all = append(all, ReplicaLag(region, stage.Alarms.Thresholds.ReplicaLag))
	}
	return Wanted(stage, all)
}

// ReplicaLag is raised when a read replica is further behind than allowed for
// a quarter of an hour. RDS reports -1 second for one that no longer replicates,
// which counts as too far.
func ReplicaLag(replica string, most spec.Duration) Alarm {
	return Alarm{
		ID: spec.AlarmReplicaLag, Subject: replica, Severity: Warning,
		Meaning:    fmt.Sprintf("Read replica %s has been more than %s behind for a quarter of an hour, or does not replicate.", replica, most),
		Metrics:    []Metric{ofDatabase("lag", "ReplicaLag", "Maximum", RefReplica(replica))},
		Expression: fmt.Sprintf("IF(lag < 0, %d, lag)", 2*most.Seconds()),
		Threshold:  float64(most.Seconds()), Comparison: Above,
		Period: fiveMinutes, Periods: 3, Datapoints: 3, Missing: Good,
	}
}

// RotationFailed is raised when the function that rotates a secret fails.
func RotationFailed(secret string) Alarm {
	return Alarm{
		ID: spec.AlarmRotationFailed, Subject: secret, Severity: Critical,
		Meaning:   fmt.Sprintf("The secret %s could not be rotated.", secret),
		Metrics:   []Metric{metric("errors", "AWS/Lambda", "Errors", "Sum", Dimension{"FunctionName", RefRotation(secret)})},
		Threshold: 1, Comparison: AtLeast,
		Period: fiveMinutes, Periods: 1, Datapoints: 1, Missing: Good,
	}
}
