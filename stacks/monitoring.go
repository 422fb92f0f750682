package stacks

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/database"
	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// addMonitoring watches what the stage has, tells people, and shows it.
func (s *stage) addMonitoring(stack awscdk.Stack) {
	made := s.addAlarms(stack)
	s.addLogProcessing(stack)
	if *s.declared.Dashboard {
		known := monitor.StageDashboard{Names: s.metricNames()}
		for _, alarm := range made {
			known.AlarmARNs = append(known.AlarmARNs, *alarm.AlarmArn())
		}
		for _, declared := range s.app.Services {
			known.LogGroups = append(known.LogGroups, *s.logGroup(declared).LogGroupName())
		}
		observability.NewDashboard(stack, jsii.String("Dashboard"), &observability.DashboardProps{
			Name: monitor.DashboardName(s.app.Name, s.declared.Name),
			Body: monitor.Dashboard(s.app, s.declared, known),
		})
	}
}

// addAlarms makes the stage's alarms. They are in the order in which people
// should look at them.
func (s *stage) addAlarms(stack awscdk.Stack) []awscloudwatch.AlarmBase {
	s.topic = s.newTopic(stack)
	alarms, names := monitor.Alarms(s.app, s.declared), s.metricNames()
	composite, joined := monitor.Unwell(s.declared, alarms)
	scope := constructs.NewConstruct(stack, jsii.String("Alarms"))
	var all []awscloudwatch.AlarmBase
	var members []awscloudwatch.Alarm
	for _, declared := range alarms {
		name := declared.Name(s.app.Name, s.declared.Name)
		hears := s.topic
		if joined && declared.Gate {
			hears = nil // the composite alarm tells
		}
		var alarm awscloudwatch.Alarm
		switch declared.ID {
		case spec.AlarmTaskFailed:
			alarm = s.scheduled[declared.Subject].FailureAlarm()
			observability.Notify(alarm, hears)
		default:
			in, id := scope, string(declared.ID)
			if declared.Subject != "" {
				id += "-" + declared.Subject
			}
			if declared.ID == spec.AlarmEndpoint5xx {
				in, id = stack, "EndpointErrors" // part of a logical id
			}
			alarm = observability.NewAlarm(in, &id, &observability.AlarmProps{
				Alarm: declared, Names: names, Name: name, Runbooks: s.declared.Alarms.Runbooks, Topic: hears,
			})
		}
		if declared.Gate {
			s.alarmNames = append(s.alarmNames, name)
			members = append(members, alarm)
		}
		switch {
		case declared.ID == spec.AlarmNoTasks:
			s.afterDeployments(alarm)
		case declared.Gate:
			s.beforeDeployments(alarm)
		}
		all = append(all, alarm)
	}
	if joined {
		all = append([]awscloudwatch.AlarmBase{observability.NewCompositeAlarm(scope, jsii.String(string(composite.ID)), &observability.CompositeProps{
			Composite: composite, App: s.app.Name, Stage: s.declared.Name, Members: members, Runbooks: s.declared.Alarms.Runbooks, Topic: s.topic,
		})}, all...)
	}
	return all
}

// beforeDeployments has the alarm made before the services whose deployments
// watch it: it is named there, not referred to; ECS is to find it all the same.
func (s *stage) beforeDeployments(alarm awscloudwatch.Alarm) {
	for _, declared := range s.app.Services {
		if declared.Public() {
			s.services[declared.Name].Service().Node().AddDependency(alarm)
		}
	}
}

// afterDeployments has the alarm made when all services are up, and their
// metrics have begun: until then it would take the silence for an outage.
func (s *stage) afterDeployments(alarm awscloudwatch.Alarm) {
	for _, declared := range s.app.Services {
		if service, ok := s.services[declared.Name]; ok {
			alarm.Node().AddDependency(service.Service())
		}
	}
}

// deploymentAlarms are the names of the alarms that take a deployment back.
func (s *stage) deploymentAlarms() []string {
	var names []string
	for _, alarm := range monitor.DeploymentAlarms(monitor.Alarms(s.app, s.declared)) {
		names = append(names, alarm.Name(s.app.Name, s.declared.Name))
	}
	return names
}

// newTopic is who hears of the stage's alarms; nil where nobody does.
func (s *stage) newTopic(stack awscdk.Stack) awssns.ITopic {
	declared := s.declared.Alarms
	switch {
	case declared.Topic != "":
		return awssns.Topic_FromTopicArn(stack, jsii.String("AlarmTopic"), &declared.Topic)
	case !declared.OwnTopic():
		return nil
	}
	return observability.NewTopic(stack, jsii.String("AlarmTopic"), &observability.TopicProps{
		DisplayName: s.name(),
		Description: "Messages about alarms of " + s.name(),
		Emails:      declared.Notify,
		Webhooks:    declared.Webhooks,
		Slack:       declared.Slack,
		SlackName:   s.name(),
	}).Topic()
}

// metricNames are the names by which CloudWatch knows the stage's resources.
func (s *stage) metricNames() monitor.Names {
	names := monitor.Names{
		monitor.RefCluster:   *s.cluster.Cluster().ClusterName(),
		monitor.RefInstances: *s.cluster.AutoScalingGroup().AutoScalingGroupName(),
	}
	if s.endpoint != nil {
		maps.Copy(names, s.endpoint.MetricNames())
	}
	for name, service := range s.services {
		names[monitor.RefService(name)] = *service.Service().ServiceName()
	}
	if s.database != nil && s.database.Instance() != nil {
		names[monitor.RefDatabase] = s.databaseIdentifier()
		for i := range s.database.Replicas() {
			names[monitor.RefReplica(fmt.Sprint(i+1))] = database.ReplicaIdentifier(s.databaseIdentifier(), i+1)
		}
		names[monitor.RefRotation(monitor.Credentials)] = database.RotationFunction(s.databaseIdentifier(), s.declared.Database.Alternates())
	}
	return names
}

// logKey encrypts the containers' output; nil where that is not asked for. It
// stays as long as what it encrypts.
func (s *stage) logKey(stack awscdk.Stack) awskms.IKey {
	if !s.declared.Logs.Encrypted {
		return nil
	}
	if s.key == nil {
		s.key = observability.NewLogKey(stack, jsii.String("LogKey"), &observability.LogKeyProps{
			Description: "Output of the containers of " + s.name(),
			Retain:      *s.declared.Production,
		})
	}
	return s.key
}

// logGroup holds the output of a service or scheduled task.
func (s *stage) logGroup(declared spec.Service) awslogs.ILogGroup {
	if task, ok := s.scheduled[declared.Name]; ok {
		return task.LogGroup()
	}
	return s.services[declared.Name].LogGroup()
}

// addLogProcessing counts errors in the containers' output, sends it where it
// is wanted, and saves queries of it.
func (s *stage) addLogProcessing(stack awscdk.Stack) {
	var groups []string
	for _, declared := range s.app.Services {
		group := s.logGroup(declared)
		groups = append(groups, *group.LogGroupName())
		scope := stack.Node().FindChild(jsii.String("Service-" + declared.Name)).(constructs.Construct)
		if *s.declared.Logs.CountErrors && declared.Schedule == "" {
			observability.NewErrorFilter(scope, jsii.String("ErrorLines"), &observability.ErrorFilterProps{
				LogGroup: group,
				Pattern:  s.declared.Logs.ErrorPattern,
				Metric:   monitor.ErrorMetric(s.app.Name, s.declared.Name, declared.Name),
			})
		}
		if to := s.declared.Logs.Destination; to != nil {
			observability.NewLogSubscription(scope, jsii.String("LogDestination"), &observability.LogSubscriptionProps{LogGroup: group, Destination: *to})
		}
	}
	queries := constructs.NewConstruct(stack, jsii.String("Queries"))
	save := func(id, text string, groups ...string) {
		observability.NewSavedQuery(queries, &id, &observability.SavedQueryProps{
			Query:         monitor.Query{Name: fmt.Sprintf("%s/%s/%s", s.app.Name, s.declared.Name, id), Text: text},
			LogGroupNames: groups,
		})
	}
	save("errors", monitor.ErrorsQuery(s.declared.Logs.ErrorPattern), groups...)
	save("volume", monitor.VolumeQuery, groups...)
	if api, ok := s.endpoint.(interface{ LogGroup() awslogs.ILogGroup }); ok {
		requests := *api.LogGroup().LogGroupName()
		save("slowest-requests", monitor.SlowestQuery, requests)
		save("failed-requests", monitor.FailedQuery, requests)
		save("status-by-path", monitor.StatusQuery, requests)
	}
}

// unwatched says whether scheduled tasks have no alarm.
func (s *stage) unwatched() bool {
	return slices.Contains(s.declared.Alarms.Off, spec.AlarmTaskFailed)
}
