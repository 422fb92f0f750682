package cost

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/spec"
)

// functionLogDays is how long the output of the delegation's function is kept.
const functionLogDays = 14

// insightsMetrics is how many metrics Container Insights bills: 8 of a
// cluster, 11 of a service and 6 of a task definition.
func (s *stage) insightsMetrics() int {
	metrics := 8
	for _, service := range s.app.Services {
		metrics += 6
		if service.Schedule == "" {
			metrics += 11
		}
	}
	return metrics
}

// insightsLogs is of how many things Container Insights keeps a log: the
// cluster, its services, and the tasks that always run.
func (s *stage) insightsLogs() int {
	logs := 1
	for _, service := range s.app.Services {
		logs += 1 + *service.TasksIn(s.declared.Scale).Min
	}
	return logs
}

func (s *stage) addInsights() {
	if *s.declared.ContainerInsights {
		s.add(Line{Resource: "Container Insights", Detail: "metrics of the cluster and " + phrase.Count(len(s.app.Services), "service"), Kind: Fixed},
			num(s.insightsMetrics()), priceOf("metric"))
		s.add(Line{Resource: "logs of Container Insights", Kind: Usage}, insightsLogGB.Mul(num(s.insightsLogs())), priceOf("log-ingest"))
	}
}

// addLogs is what is written to CloudWatch, and what is kept of it: as much as
// was written in the days of its retention.
func (s *stage) addLogs() {
	groups, written, stored := 0, decimal.Zero, decimal.Zero
	log := func(gb decimal.Decimal, days int) {
		groups++
		written = written.Add(gb)
		stored = stored.Add(kept(gb, days))
	}
	for i := range s.app.Services {
		gb := decimal.Zero
		if i == 0 {
			gb = s.traffic().LogGB // of all services together
		}
		log(gb, s.declared.LogRetentionDays)
	}
	for range s.migrations() {
		log(decimal.Zero, s.declared.LogRetentionDays)
	}
	if s.refreshes() {
		log(decimal.Zero, s.declared.LogRetentionDays)
	}
	if s.ownNetwork() {
		log(flowLogGB, flowLogDays)
	}
	if kind := s.endpointKind(); kind == httpAPI || kind == restAPI {
		log(gb(s.traffic().Requests+s.checkRequests(), dec(accessLogKB)), s.declared.LogRetentionDays)
	}
	if s.delegates() {
		log(decimal.Zero, functionLogDays)
	}
	if s.newDatabase() {
		for range 1 + len(s.declared.Database.Replicas()) {
			for _, name := range s.declared.Database.LogExports {
				written := decimal.Zero
				if name == spec.LogPostgres {
					written = databaseLogGB
				}
				log(written, s.declared.LogRetentionDays)
			}
		}
		for range s.declared.ReplicaRegions() {
			log(decimal.Zero, flowLogDays) // nobody gets into that network
		}
	}
	if s.recordsExec() {
		log(decimal.Zero, execLogDays)
	}
	s.addLogLines(groups, written, stored)
}

func (s *stage) addLogLines(groups int, written, stored decimal.Decimal) {
	s.add(Line{Resource: "logs", Detail: "written to " + phrase.Count(groups, "log group"), Type: "AWS::Logs::LogGroup", Count: groups, Kind: Usage},
		written, priceOf("log-ingest"))
	s.add(Line{Resource: "kept logs", Detail: fmt.Sprintf("of %d days", s.declared.LogRetentionDays), Kind: Usage}, stored, priceOf("log-store"))
}

// addSchedules are scheduled tasks: what starts them, and where their failures
// are collected.
func (s *stage) addSchedules() {
	tasks := 0
	runs := 0
	for _, service := range s.app.Services {
		if service.Schedule == "" {
			continue
		}
		tasks++
		if *service.TasksIn(s.declared.Scale).Max > 0 {
			runs += scheduledRuns
		}
	}
	if tasks == 0 {
		return
	}
	million := num(runs).Div(num(1_000_000))
	s.add(Line{Resource: "schedules", Detail: "a run an hour", Type: "AWS::Scheduler::Schedule", Count: tasks, Kind: Usage}, million, priceOf("scheduler"))
	s.add(Line{Resource: "queues of failed runs", Type: "AWS::SQS::Queue", Count: tasks, Kind: Usage}, million, priceOf("sqs"))
	s.free("rules for failed runs", "AWS::Events::Rule", tasks)
}
