package stacks

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// watch is what watches a stage.
type watch struct {
	// topic hears of its alarms; nil where nobody is to.
	topic awssns.ITopic
	// gates are the names of the alarms that tell that a new version does not
	// work.
	gates []string
}

// addMonitoring watches what the stage has, tells people, and shows it.
func (m *maker) addMonitoring(stack awscdk.Stack, cluster runningCluster, access databaseAccess, services runningServices, entrance entrance) watch {
	names := m.metricNames(cluster, access, services, entrance)
	made := watch{topic: m.newTopic(stack)}
	var alarmARNs []string
	made.gates, alarmARNs = m.addAlarms(stack, services, names, made.topic)
	m.addLogProcessing(stack, services, entrance)
	if *m.declared.Dashboard {
		known := monitor.StageDashboard{Names: names, AlarmARNs: alarmARNs}
		for _, each := range services {
			known.LogGroups = append(known.LogGroups, each.logs)
		}
		observability.NewDashboard(stack, jsii.String("Dashboard"), &observability.DashboardProps{
			Name: monitor.DashboardName(m.app.Name, m.declared.Name),
			Body: monitor.Dashboard(m.app, m.declared, known),
		})
	}
	return made
}

// addAlarms makes the stage's alarms. It gives the names of those that gates
// watch, and the ARNs of all, in the order in which people should look at them;
// these only where a dashboard shows them.
func (m *maker) addAlarms(stack awscdk.Stack, services runningServices, names monitor.Names, topic awssns.ITopic) (gates, arns []string) {
	var told []string
	if topic != nil {
		told = []string{*topic.TopicArn()}
	}
	alarms := monitor.Alarms(m.app, m.declared)
	composite, joined := monitor.Unwell(m.declared, alarms)
	scope := constructs.NewConstruct(stack, jsii.String("Alarms"))
	var all, gating []observability.Alarm
	for _, declared := range alarms {
		hears := told
		if joined && declared.Gate {
			hears = nil // the composite alarm tells
		}
		alarm := m.addAlarm(stack, scope, services, declared, names, hears)
		all = append(all, alarm)
		if declared.Gate {
			gates = append(gates, declared.Name(m.app.Name, m.declared.Name))
			gating = append(gating, alarm)
		}
		switch {
		case declared.ID == spec.AlarmNoTasks:
			// It is made when all services are up and their metrics have begun:
			// until then it would take the silence for an outage.
			afterServices(alarm, services)
		case declared.Gate:
			// It is made before the services whose deployments watch it: they
			// name it and do not refer to it, and ECS is to find it.
			for _, each := range services {
				if each.declared.Public() {
					each.runAfter(alarm)
				}
			}
		}
	}
	if joined {
		made := observability.NewCompositeAlarm(scope, jsii.String(string(composite.ID)), &observability.CompositeProps{
			Composite: composite, App: m.app.Name, Stage: m.declared.Name, Members: gating, Runbooks: m.declared.Alarms.Runbooks, ActionARNs: told,
		})
		if *m.declared.Dashboard {
			arns = append(arns, *made.AttrArn())
		}
	}
	if *m.declared.Dashboard {
		for _, alarm := range all {
			arns = append(arns, *alarm.Resource().AttrArn())
		}
	}
	return gates, arns
}

// addAlarm makes an alarm, or finds that of a scheduled task, which is made
// with it.
func (m *maker) addAlarm(stack awscdk.Stack, scope constructs.Construct, services runningServices, declared monitor.Alarm, names monitor.Names, told []string) observability.Alarm {
	if declared.ID == spec.AlarmTaskFailed {
		alarm := services.of(declared.Subject).task.FailureAlarm()
		alarm.Tell(told...)
		return alarm
	}
	id := string(declared.ID)
	if declared.Subject != "" {
		id += "-" + declared.Subject
	}
	if declared.ID == spec.AlarmEndpoint5xx {
		scope, id = stack, "EndpointErrors" // part of a logical id
	}
	return observability.NewAlarm(scope, &id, &observability.AlarmProps{
		Alarm:      declared,
		Names:      names,
		Name:       declared.Name(m.app.Name, m.declared.Name),
		Runbooks:   m.declared.Alarms.Runbooks,
		ActionARNs: told,
	})
}

// afterServices has the alarm made after all services.
func afterServices(alarm observability.Alarm, services runningServices) {
	var made []constructs.IDependable
	for _, each := range services {
		if each.service != nil {
			made = append(made, each.service.Service())
		}
	}
	if len(made) > 0 {
		alarm.Node().AddDependency(made...)
	}
}

// deploymentAlarms are the names of the alarms that take a deployment back.
func (m *maker) deploymentAlarms() []string {
	var names []string
	for _, alarm := range monitor.DeploymentAlarms(monitor.Alarms(m.app, m.declared)) {
		names = append(names, alarm.Name(m.app.Name, m.declared.Name))
	}
	return names
}

// newTopic is who hears of the stage's alarms; nil where nobody does.
func (m *maker) newTopic(stack awscdk.Stack) awssns.ITopic {
	declared := m.declared.Alarms
	switch {
	case declared.Topic != "":
		return awssns.Topic_FromTopicArn(stack, jsii.String("AlarmTopic"), &declared.Topic)
	case !declared.OwnTopic():
		return nil
	}
	return observability.NewTopic(stack, jsii.String("AlarmTopic"), &observability.TopicProps{
		DisplayName: m.called().String(),
		Description: "Messages about alarms of " + m.called().String(),
		Emails:      declared.Notify,
		Webhooks:    declared.Webhooks,
		Slack:       declared.Slack,
		SlackName:   m.called().String(),
	}).Topic()
}

// metricNames are the names by which CloudWatch knows the stage's resources.
func (m *maker) metricNames(cluster runningCluster, access databaseAccess, services runningServices, entrance entrance) monitor.Names {
	names := monitor.Names{
		monitor.RefCluster:   cluster.name,
		monitor.RefInstances: cluster.group,
	}
	if entrance.endpoint != nil {
		maps.Copy(names, entrance.endpoint.MetricNames())
	}
	for _, each := range services {
		if each.service != nil {
			names[monitor.RefService(each.declared.Name)] = each.name
		}
	}
	if access.database != nil && access.database.Instance() != nil {
		identifier := m.databaseIdentifier()
		names[monitor.RefDatabase] = identifier
		for i := range access.database.Replicas() {
			names[monitor.RefReplica(fmt.Sprint(i+1))] = naming.Replica(identifier, i+1)
		}
		rotation := naming.Rotation(identifier)
		if m.declared.Database.Alternates() {
			rotation = naming.UserRotation(identifier)
		}
		names[monitor.RefRotation(monitor.Credentials)] = rotation
	}
	return names
}

// addLogKey makes the key that encrypts the containers' output; nil where that
// is not asked for. It stays as long as what it encrypts.
func (m *maker) addLogKey(stack awscdk.Stack) awskms.IKey {
	if !m.declared.Logs.Encrypted {
		return nil
	}
	return observability.NewLogKey(stack, jsii.String("LogKey"), &observability.LogKeyProps{
		Description: "Output of the containers of " + m.called().String(),
		Retain:      *m.declared.Production,
	})
}

// addLogProcessing counts errors in the containers' output, sends it where it
// is wanted, and saves queries of it.
func (m *maker) addLogProcessing(stack awscdk.Stack, services runningServices, entrance entrance) {
	var groups []string
	for _, each := range services {
		groups = append(groups, each.logs)
		if *m.declared.Logs.CountErrors && each.service != nil {
			observability.NewErrorFilter(each.scope, jsii.String("ErrorLines"), &observability.ErrorFilterProps{
				LogGroup: each.logGroup(),
				Pattern:  m.declared.Logs.ErrorPattern,
				Metric:   monitor.ErrorMetric(m.app.Name, m.declared.Name, each.declared.Name),
			})
		}
		if to := m.declared.Logs.Destination; to != nil {
			observability.NewLogSubscription(each.scope, jsii.String("LogDestination"), &observability.LogSubscriptionProps{LogGroup: each.logGroup(), Destination: *to})
		}
	}
	queries := constructs.NewConstruct(stack, jsii.String("Queries"))
	save := func(id, text string, groups ...string) {
		observability.NewSavedQuery(queries, &id, &observability.SavedQueryProps{
			Query:         monitor.Query{Name: m.called().Query(id), Text: text},
			LogGroupNames: groups,
		})
	}
	save("errors", monitor.ErrorsQuery(m.declared.Logs.ErrorPattern), groups...)
	save("volume", monitor.VolumeQuery, groups...)
	if api, ok := entrance.endpoint.(interface{ LogGroup() awslogs.ILogGroup }); ok {
		requests := *api.LogGroup().LogGroupName()
		save("slowest-requests", monitor.SlowestQuery, requests)
		save("failed-requests", monitor.FailedQuery, requests)
		save("status-by-path", monitor.StatusQuery, requests)
	}
}

// unwatched says whether scheduled tasks have no alarm.
func (m *maker) unwatched() bool {
	return slices.Contains(m.declared.Alarms.Off, spec.AlarmTaskFailed)
}
