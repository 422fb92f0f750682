package spec

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
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
	cron := cronPattern.FindStringSubmatch(text)
	if cron == nil {
		r.fail(r.quote(text)+" is not a schedule", allowed, "write rate(…), with \"minute\" after 1 and \"minutes\" after more, or cron(…) with six fields")
		return
	}
	if fields := strings.Fields(cron[1]); (fields[2] == "?") == (fields[4] == "?") {
		r.fail(r.quote(text)+" must have ? for the day of the month or for the day of the week, and not for both", allowed, "write cron(0 3 * * ? *) for every night at three (UTC)")
	}
}

var (
	userPattern   = compile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?$`)
	volumePattern = compile(`^[A-Za-z0-9_-]{1,255}$`)
	folderPattern = compile(`^/[^:\x00-\x1f]*$`)
)

// validateContainer checks how the container runs.
func (s Service) validateContainer(r report) {
	oneOf(r.field("networkMode"), s.NetworkMode, "a network mode", Bridge, AWSVPC)
	r.field("stopTimeout").lasting(s.StopTimeout, second, hour, second)
	if s.WorkingDirectory != "" {
		validateFolder(r.field("workingDirectory"), s.WorkingDirectory)
	}
	if s.User != "" {
		r.field("user").matches(s.User, userPattern, "a user", "a name or a number, as in app, 1000 or 1000:1000", "write it as docker run --user takes it")
	}
	limits := map[string]bool{}
	for i, limit := range s.Ulimits {
		at := r.field("ulimits").item(i)
		limit.validate(at)
		if limits[limit.Name] {
			at.field("name").fail(at.quote(limit.Name)+" is limited twice", "each limit once", "remove one of the two")
		}
		limits[limit.Name] = true
	}
	names, paths := map[string]bool{}, map[string]bool{}
	for i, volume := range s.Volumes {
		at := r.field("volumes").item(i)
		volume.validate(at)
		if names[volume.Name] && volume.Name != "" {
			at.field("name").fail(at.quote(volume.Name)+" is the name of two volumes", "a name of its own for each volume", "rename one of the two")
		}
		if clean := path.Clean(volume.Path); paths[clean] && volume.Path != "" {
			at.field("path").fail(at.quote(volume.Path)+" is the path of two volumes", "a path of its own for each volume", "move one of the two")
		}
		names[volume.Name], paths[path.Clean(volume.Path)] = true, true
	}
}

// ulimitNames are the limits that ECS can change.
var ulimitNames = []string{"core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"}

const largestUlimit = 1<<31 - 1

func (u Ulimit) validate(r report) {
	if r.field("name").required(u.Name, phrase.List(ulimitNames, "or"), "name the limit") && !isToken(u.Name) {
		oneOf(r.field("name"), u.Name, "a limit", ulimitNames...)
	}
	if r.field("soft").between(u.Soft, 1, largestUlimit, "a limit", "", "give another number") &&
		r.field("hard").between(u.Hard, 1, largestUlimit, "a limit", "", "give another number") {
		ordered(r, "soft", u.Soft, "hard", u.Hard)
	}
}

func (v Volume) validate(r report) {
	if r.field("name").required(v.Name, "letters, digits, - and _", "name the volume") {
		r.field("name").matches(v.Name, volumePattern, "a name for a volume", "up to 255 letters, digits, - and _", "rename it")
	}
	if r.field("path").required(v.Path, "an absolute path", "say where the container finds the volume") {
		validateFolder(r.field("path"), v.Path)
	}
	host := r.field("hostPath")
	if v.HostPath == "" || !validateFolder(host, v.HostPath) {
		return
	}
	for _, powerful := range []string{"/var/run/docker.sock", "/run/docker.sock", "/var/lib/docker", "/etc", "/proc", "/sys", "/root"} {
		if clean := path.Clean(v.HostPath); clean == "/" || clean == powerful || strings.HasPrefix(powerful, clean+"/") {
			host.warn(host.quote(v.HostPath)+" lets the container rule its instance, with the instance's role and all other tasks on it", "share a folder made for that, as in /data")
			return
		}
	}
}

func validateFolder(r report, folder string) bool {
	return r.matches(folder, folderPattern, "an absolute path", "a path that begins with a slash, without a colon", "begin with a slash")
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
