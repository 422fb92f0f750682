package cost

import (
	"fmt"
	"slices"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// freeDashboards is how many dashboards of an account cost nothing, each of up to
// freeDashboardMetrics metrics.
const (
	freeDashboards       = 3
	freeDashboardMetrics = 50
)

// messages is how many messages about alarms somebody gets in a month.
const messages = 100

// addAlarms are the alarms of the templates, which AWS bills by the metrics
// that they watch, the one that joins them, and those that scaling makes itself.
func (s *stage) addAlarms() {
	alarms, metrics := s.watched()
	s.add(Line{Resource: "alarms", Detail: fmt.Sprintf("%d, over %s", alarms, phrase.Count(metrics, "metric")), Type: "AWS::CloudWatch::Alarm", Count: alarms, Kind: Fixed},
		num(metrics), priceOf("alarm"))
	if _, joined := monitor.Unwell(s.declared, monitor.Alarms(s.app, s.declared)); joined {
		s.addEach("AWS::CloudWatch::CompositeAlarm", 1, "alarm of the whole stage", "joins those of what users feel")
	}
	s.addTaskAlarms()
	if s.declared.Scale.Mode == spec.Managed {
		s.add(Line{Resource: "alarms of managed scaling", Kind: Fixed}, num(2), priceOf("alarm"))
	}
}

// watched are the alarms and the metrics that they watch.
func (s *stage) watched() (alarms, metrics int) {
	alarms, metrics = s.scalingAlarms()
	if s.ownNetwork() && s.declared.Network.Egress == spec.NATInstance {
		alarms, metrics = alarms+1, metrics+1 // restarts it
	}
	for _, alarm := range monitor.Alarms(s.app, s.declared) {
		alarms++
		metrics += len(alarm.Metrics)
	}
	for _, region := range s.declared.ReplicaRegions() {
		for _, alarm := range monitor.RemoteAlarms(s.declared, region) {
			alarms++
			metrics += len(alarm.Metrics)
		}
	}
	return alarms, metrics
}

// addMonitoring is what shows and counts, and who is told.
func (s *stage) addMonitoring() {
	if *s.declared.Dashboard {
		s.addDashboard(s.earlierDashboards(), dashboardMetrics(s.app, s.declared))
	}
	if *s.declared.Logs.CountErrors {
		counted := slices.DeleteFunc(slices.Clone(s.app.Services), func(service spec.Service) bool { return service.Schedule != "" })
		s.add(Line{Resource: "counted error lines", Detail: "a metric of each service, as if there were errors in every hour", Kind: Usage},
			num(len(counted)), priceOf("metric"))
	}
	if alarms := s.declared.Alarms; alarms.OwnTopic() {
		s.addTopic(messages, len(alarms.Notify))
		if alarms.Slack != nil {
			s.free("Slack channel", "AWS::Chatbot::SlackChannelConfiguration", 1)
		}
	}
	for range s.toldRegions() {
		s.addTopic(messages, len(s.declared.Alarms.Notify))
	}
}

// toldRegions are those beside the stage's own from which somebody hears of
// alarms.
func (s *stage) toldRegions() []string {
	return slices.DeleteFunc(slices.Clone(s.declared.ReplicaRegions()), func(region string) bool {
		return !s.declared.Alarms.Elsewhere().OwnTopic() || len(monitor.RemoteAlarms(s.declared, region)) == 0
	})
}

// dashboardMetrics is how many metrics the dashboard of a stage shows.
func dashboardMetrics(app spec.App, stage spec.Stage) int {
	return monitor.Dashboard(app, stage, monitor.StageDashboard{}).Metrics()
}

// pipelineDashboardMetrics is the same of the pipeline's.
func pipelineDashboardMetrics(app spec.App) int {
	return monitor.Stages(app, "aws", monitor.PipelineLogs{}).Metrics()
}

// earlierDashboards are those that the application has in the stage's account
// before this one, and that are small enough to be free: of the stages before, and
// of the pipeline. More than freeDashboards are not counted.
func (s *stage) earlierDashboards() int {
	n := 0
	for _, other := range s.app.Stages {
		if n == freeDashboards || other.Name == s.declared.Name {
			break
		}
		if other.Account == s.declared.Account && *other.Dashboard && dashboardMetrics(s.app, other) <= freeDashboardMetrics {
			n++
		}
	}
	if p := s.app.Pipeline; n < freeDashboards && p != nil && p.Account == s.declared.Account && *p.Dashboard && pipelineDashboardMetrics(s.app) <= freeDashboardMetrics {
		n++
	}
	return n
}

// addDashboard is one of an account that has so many of the application's for free
// already, with so many metrics.
func (s *sheet) addDashboard(earlier, metrics int) {
	const kind = "AWS::CloudWatch::Dashboard"
	switch {
	case metrics > freeDashboardMetrics:
		s.addEach(kind, 1, "dashboard", fmt.Sprintf("%d metrics; up to %d are free", metrics, freeDashboardMetrics))
	case earlier < freeDashboards:
		s.free("dashboard (one of the three that an account has for free)", kind, 1)
	default:
		s.addEach(kind, 1, "dashboard", "after the first three of the account")
	}
}

// addTopic is where so many messages go to so many e-mail addresses.
func (s *sheet) addTopic(messages, addresses int) {
	s.add(Line{Resource: "notifications", Detail: fmt.Sprintf("%s, to each of %s", phrase.Count(messages, "message"), phrase.Count(addresses, "address")), Type: "AWS::SNS::Topic", Count: 1, Kind: Usage},
		num(messages*addresses).Div(num(1_000_000)), priceOf("sns-email"))
	s.free("e-mail subscriptions", "AWS::SNS::Subscription", addresses)
}

// addTaskAlarms are those that the scaling of tasks makes itself.
func (s *stage) addTaskAlarms() {
	policies := 0
	for _, service := range s.app.Services {
		if tasks := service.TasksIn(s.declared.Scale); service.Schedule == "" && *tasks.Min < *tasks.Max {
			policies++
		}
	}
	s.add(Line{Resource: "alarms of task scaling", Detail: "two for each service that scales", Type: "AWS::ApplicationAutoScaling::ScalingPolicy", Count: policies, Kind: Fixed},
		num(2*policies), priceOf("alarm"))
}

// scalingAlarms add and remove instances: one watches their CPU, the other
// their CPU and their number.
func (s *stage) scalingAlarms() (alarms, metrics int) {
	scale := s.declared.Scale
	if scale.Mode != spec.CPUAlarms || *scale.Instances.Min == *scale.Instances.Max {
		return 0, 0
	}
	return 2, 3
}
