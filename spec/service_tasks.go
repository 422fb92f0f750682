package spec

import (
	"fmt"
	"slices"

	"github.com/tinystack-go/tinystack/internal/cron"
)

// validateTasks checks how many tasks there are and when.
func (s Service) validateTasks(r report) {
	tasks := r.field("tasks")
	if s.Tasks.Min != nil || s.Tasks.Max != nil {
		if s.Schedule != "" {
			tasks.fail("is given for a scheduled task, of which one runs at each of its times", "", "remove tasks or schedule")
			return
		}
		// What is not declared is the stage's, and gives way.
		t := s.Tasks
		if t.Min == nil {
			t.Min = t.Max
		}
		if t.Max == nil {
			t.Max = t.Min
		}
		t.validate(tasks)
	}
	if s.Schedule == "" {
		return
	}
	validateSchedule(r.field("schedule"), s.Schedule)
	if s.HealthCheck.Path != "" || len(s.HealthCheck.Command) > 0 {
		r.field("healthCheck").fail("is given for a scheduled task, which ends by itself: its exit status says whether it is well", "", "remove healthCheck or schedule")
	}
}

var (
	ratePattern = compile(`^rate\((?:1 (?:minute|hour|day)|(?:[2-9]|[1-9][0-9]{1,4}) (?:minutes|hours|days))\)$`)
	cronPattern = compile(`^cron\(([0-9A-Z*?,/#-]+(?: [0-9A-Z*?,/#-]+){5})\)$`)
)

// validateSchedule checks an expression of EventBridge Scheduler.
func validateSchedule(r report, text string) {
	const allowed = "rate(1 hour), rate(15 minutes), or cron(minutes hours day-of-month month day-of-week year)"
	if isToken(text) || ratePattern.MatchString(text) {
		return
	}
	written := cronPattern.FindStringSubmatch(text)
	if written == nil {
		r.fail(r.quote(text)+" is not a schedule", allowed, "write rate(…), with \"minute\" after 1 and \"minutes\" after more, or cron(…) with six fields")
		return
	}
	if err := cron.Check(written[1]); err != nil {
		r.fail(r.quote(text)+" "+err.Error(), allowed, "write cron(0 3 * * ? *) for every night at three (UTC)")
	}
}

// TasksIn is how many tasks of the service run under a scale profile: both are
// complete. A scheduled task runs once at a time, or not at all.
func (s Service) TasksIn(scale ScaleProfile) Tasks {
	stage := clone(scale.Tasks)
	switch {
	case value(stage.Max) == 0:
		return stage
	case s.Schedule != "":
		return Tasks{Min: new(0), Max: new(1)}
	}
	tasks := clone(s.Tasks)
	tasks.setDefaults(stage)
	return tasks
}

// validateTaskCounts checks tasks that a service declares itself against the
// instances of the stage.
func (s Stage) validateTaskCounts(r report, app App) {
	if s.Scale.Mode == Managed || value(s.Scale.Tasks.Max) == 0 || value(s.Scale.Tasks.Min) > 0 || value(s.Scale.Instances.Min) > 0 {
		return // nothing waits for ever, or validateZero says so
	}
	for _, service := range app.Services {
		if tasks := service.TasksIn(s.Scale); value(tasks.Min) > 0 {
			r.field("scale").field("instances").field("min").fail(
				fmt.Sprintf("0 instances may be left to run service %s, of which %d or more tasks always run", r.quote(service.Name), *tasks.Min),
				"1 or more", "raise the instances, or set the stage's tasks to {min: 0, max: 0}")
		}
	}
}

// validateTaskNetworks checks what tasks with network interfaces need.
func (s Stage) validateTaskNetworks(r report, app App) {
	own := slices.ContainsFunc(app.Services, func(s Service) bool { return s.NetworkMode == AWSVPC })
	if own && s.Network.Egress == PublicIP {
		r.field("network").field("egress").fail("gives public addresses to instances; tasks with network interfaces of their own (networkMode: awsvpc) get none, and would reach nothing",
			"nat-instance, nat-gateway, nat-gateway-per-zone or endpoints, or networkMode: bridge", "choose another egress, or remove networkMode")
	}
}
