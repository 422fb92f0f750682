package cost

import (
	"fmt"

	"github.com/tinystack-go/tinystack/spec"
)

// alarms are some CloudWatch alarms of a stage. AWS bills each by the metrics
// that it watches.
type alarms struct {
	alarms, metrics int
}

// addAlarms are the alarms of the templates, by what they are for, and
// those that scaling makes itself.
func (s *stage) addAlarms() {
	var all alarms
	for _, some := range []alarms{s.scalingAlarms(), s.endpointAlarms(), s.scheduleAlarms()} {
		all.alarms += some.alarms
		all.metrics += some.metrics
	}
	s.add(Line{Resource: "alarms", Detail: fmt.Sprintf("%d, over %s", all.alarms, counted(all.metrics, "metric")), Type: "AWS::CloudWatch::Alarm", Count: all.alarms, Kind: Fixed},
		num(all.metrics), priceOf("alarm"))
	s.addTaskAlarms()
	if s.declared.Scale.Mode == spec.Managed {
		s.add(Line{Resource: "alarms of managed scaling", Kind: Fixed}, num(2), priceOf("alarm"))
	}
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
func (s *stage) scalingAlarms() alarms {
	scale := s.declared.Scale
	if scale.Mode != spec.CPUAlarms || *scale.Instances.Min == *scale.Instances.Max {
		return alarms{}
	}
	return alarms{2, 3}
}

// endpointAlarms watch for server errors: those of a load balancer and those
// of its tasks are two metrics.
func (s *stage) endpointAlarms() alarms {
	switch s.endpointKind() {
	case noEndpoint:
		return alarms{}
	case balancer:
		return alarms{1, 2}
	}
	return alarms{1, 1}
}

// scheduleAlarms watch the queues of failed runs.
func (s *stage) scheduleAlarms() alarms {
	n := 0
	for _, service := range s.app.Services {
		if service.Schedule != "" {
			n++
		}
	}
	return alarms{n, n}
}
