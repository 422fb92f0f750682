package spec

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Approval is what lets a commit into a stage.
type Approval string

const (
	// Automatic lets a commit in when the stages before it succeeded.
	Automatic Approval = "automatic"
	// Manual waits for a person.
	Manual Approval = "manual"
)

// Window is the time of the week in which a commit may enter a stage.
type Window struct {
	// Days of the week.
	//   - Default: [mon, tue, wed, thu, fri]
	//   - Allowed: mon, tue, wed, thu, fri, sat or sun
	//   - Change: in the pipeline
	//   - Example: [mon, tue, thu]
	Days []string `yaml:"days"`

	// From is the hour at which the window opens.
	//   - Default: 9
	//   - Allowed: 0 to 23
	//   - Change: in the pipeline
	//   - Example: 8
	From *int `yaml:"from"`

	// Until is the hour at which it closes, later than [Window.From]; 24 is
	// midnight.
	//   - Default: 16, or 24 where it opens at that hour or later
	//   - Allowed: 1 to 24
	//   - Change: in the pipeline
	//   - Example: 18
	Until int `yaml:"until"`

	// TimeZone of the hours.
	//   - Default: UTC
	//   - Allowed: UTC, or a name of the time zone database
	//   - Change: in the pipeline
	//   - Example: Europe/Berlin
	TimeZone string `yaml:"timeZone"`
}

var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

const (
	opens  = 9
	closes = 16
)

func (w *Window) setDefaults() {
	if len(w.Days) == 0 {
		w.Days = slices.Clone(weekdays[:5])
	}
	fillPtr(&w.From, opens)
	if *w.From < closes {
		fill(&w.Until, closes)
	}
	fill(&w.Until, 24)
	fill(&w.TimeZone, "UTC")
}

func (w Window) validate(r report) {
	for i, day := range w.Days {
		at := r.field("days").item(i)
		if oneOf(at, day, "a day of the week", weekdays...) && slices.Contains(w.Days[:i], day) {
			at.fail(at.quote(day)+" is given twice", "each day once", "remove one")
		}
	}
	from := r.field("from")
	if from.between(value(w.From), 0, 23, "an hour at which a window opens", "", "give a full hour") {
		until := r.field("until")
		if until.between(w.Until, 1, 24, "an hour at which a window closes", "", "give a full hour") && w.Until <= *w.From {
			until.fail(fmt.Sprintf("%s is not after %s, when the window opens", until.show(w.Until), from.show(*w.From)),
				"a later hour of the same day, up to 24", "close later, or open earlier")
		}
	}
	zone := r.field("timeZone")
	if _, err := time.LoadLocation(w.TimeZone); err != nil || w.TimeZone == "Local" {
		zone.fail(zone.quote(w.TimeZone)+" is not a time zone", "UTC, or a name of the time zone database, as in Europe/Berlin", "write the name of the nearest large city in the zone")
	}
}

// Cron is the window as CodePipeline's rule DeploymentWindow takes it: every
// second of it, because the rule asks whether now is such a time.
func (w Window) Cron() string {
	var days []string
	for _, day := range weekdays {
		if slices.Contains(w.Days, day) {
			days = append(days, strings.ToUpper(day))
		}
	}
	hours := fmt.Sprint(*w.From)
	if last := w.Until - 1; last > *w.From {
		hours += fmt.Sprintf("-%d", last)
	}
	return fmt.Sprintf("* * %s ? * %s *", hours, strings.Join(days, ","))
}

// sameWindow says whether two stages open at the same times.
func sameWindow(a, b *Window) bool {
	if a == nil || b == nil {
		return a == b
	}
	return value(a.From) == value(b.From) && a.Until == b.Until && a.TimeZone == b.TimeZone &&
		slices.Equal(slices.Sorted(slices.Values(a.Days)), slices.Sorted(slices.Values(b.Days)))
}

// Smoke is a test of a stage that was just deployed.
type Smoke struct {
	// Path that is asked for at the stage's own address, again and again until
	// it answers with [Smoke.Status]. Without a public service nothing is asked
	// for.
	//   - Default: the path of the public service's health check, or /
	//   - Allowed: a path that begins with a slash, with or without a query
	//   - Change: in the pipeline
	//   - Example: /up?deep=1
	Path string `yaml:"path"`

	// Status that the path has to answer with.
	//   - Default: 200
	//   - Allowed: 100 to 599
	//   - Change: in the pipeline
	//   - Example: 204
	Status int `yaml:"status"`

	// Timeout is how long the path has for that.
	//   - Default: 5m
	//   - Allowed: 10s to 30m
	//   - Change: in the pipeline
	//   - Example: 10m
	Timeout Duration `yaml:"timeout"`

	// Commands are shell commands that run once the path has answered, in a
	// checkout of the application's source; each has to succeed. STAGE_URL,
	// STAGE_NAME and STAGE_REGION are in their environment.
	//   - Default: none
	//   - Allowed: shell commands
	//   - Change: in the pipeline
	//   - Example: ["./smoke.sh"]
	Commands []string `yaml:"commands"`
}

// setDefaults leaves Path empty where no service is public: there is nothing
// to ask.
func (s *Smoke) setDefaults(app App) {
	fill(&s.Status, 200)
	fill(&s.Timeout, 5*minute)
	if app.hasPublicService() {
		fill(&s.Path, app.fallback().HealthCheck.Path)
		fill(&s.Path, "/")
	}
}

// smokePath may have a query, but nothing that a shell, a header or a log could
// take for its own.
var smokePath = compile(`^/[A-Za-z0-9._~/%:@+,;=&?!*()-]*$`)

func (s Smoke) validate(r report, app App) {
	path := r.field("path")
	switch {
	case app.hasPublicService():
		path.matches(s.Path, smokePath, "a path", "a path that begins with a slash, with or without a query", "begin with a slash, and encode special characters")
	case s.Path != "":
		path.fail("has no service to ask", "", "remove it, or have a service that is neither internal nor a worker")
	case len(s.Commands) == 0:
		r.fail("tests nothing: no service is public, and there are no commands", "commands", "add commands, or remove it")
	}
	r.field("status").between(s.Status, 100, 599, "a status", "", "give the HTTP status that the path answers with")
	r.field("timeout").lasting(s.Timeout, 10*second, 30*minute, second)
	for i, command := range s.Commands {
		if strings.TrimSpace(command) == "" {
			r.field("commands").item(i).fail("is empty", "a shell command", "remove it")
		}
	}
}

// longestBake is the longest a stage can bake: a build watches it, which a
// template gives 8 hours at most, looks at the alarms included.
const longestBake = 7 * hour

// validateFlow checks what only a pipeline does.
func (s Stage) validateFlow(r report, app App) {
	if app.Pipeline == nil {
		const fix = "add a pipeline, or remove it"
		if s.Approval == Manual {
			r.field("approval").fail("needs a pipeline: without one whoever deploys decides", "", fix)
		}
		if s.Bake != 0 {
			r.field("bake").fail("needs a pipeline that waits", "", fix)
		}
		if s.Smoke != nil {
			r.field("smoke").fail("needs a pipeline that runs it", "", fix)
		}
		if s.Wave != "" {
			r.field("wave").fail("needs a pipeline that deploys stages side by side", "", fix)
		}
	} else if s.Account == "" && app.Pipeline.Account != "" {
		r.field("account").fail("is missing", "12 digits", "give the account of the stage")
	}
	if s.Smoke != nil {
		s.Smoke.validate(r.field("smoke"), app)
	}
	if s.Bake != 0 {
		r.field("bake").lasting(s.Bake, minute, longestBake, minute)
	}
}

// validateGates checks what stands between a commit and the stage.
func (s Stage) validateGates(r report, app App) {
	if s.Review && s.Approval != Manual {
		r.field("review").fail("is for whoever approves, and nobody does", "review beside \"approval: manual\"", "set the approval to manual, or remove it")
	}
	if s.Bake > 0 && !s.runs() {
		r.field("bake").warn("watches a stage in which no task runs, so nothing can go wrong", "give the stage tasks, with \"sleeps: true\" if it is a canary that is to cost nothing between releases")
	}
	if s.Sleeps {
		s.validateSleep(r.field("sleeps"), app)
	}
	if s.Window == nil {
		return
	}
	if app.Pipeline == nil {
		r.field("window").fail("needs a pipeline that waits for it", "", "add a pipeline, or remove it")
	}
	s.Window.validate(r.field("window"))
}

// validateSleep checks that the stage is woken, and what for.
func (s Stage) validateSleep(r report, app App) {
	switch {
	case app.Pipeline == nil:
		r.fail("needs a pipeline that wakes the stage", "", "add a pipeline, or remove it")
	case s.CanaryOf == "":
		r.fail("is given for a stage that is no canary: whoever uses it would find nobody", "sleeps beside canaryOf", "remove it, or scale the stage to zero with \"profile: idle\"")
	case s.Bake == 0:
		r.fail("leaves nothing to be awake for: the stage does not bake", "sleeps beside bake", "say with bake how long the canary runs a new commit")
	case value(s.Scale.Instances.Desired) == 0 || !s.runs():
		r.fail("leaves nothing to wake: the stage has no instances or no tasks", "1 or more of both", "declare how large the canary is when it is awake, or remove it")
	}
}

// validateWave checks a stage against those before it in the same wave.
func (a App) validateWave(r report, index int) {
	stage := a.Stages[index]
	if stage.Wave == "" || index == 0 {
		return
	}
	before := a.Stages[:index]
	first := slices.IndexFunc(before, func(s Stage) bool { return s.Wave == stage.Wave })
	if first < 0 {
		return
	}
	wave, approval := r.field("wave"), r.field("approval")
	if before[index-1].Wave != stage.Wave {
		wave.fail(wave.quote(stage.Wave)+" is interrupted by the stage before this one", "stages of a wave next to each other", "move the stage up, or name another wave")
	}
	if stage.Approval != before[first].Approval {
		approval.fail(fmt.Sprintf("%s differs from that of stages[%d], which deploys in the same wave", approval.quote(string(stage.Approval)), first),
			"one approval for the whole wave", "give all stages of the wave the same approval")
	}
	if !sameWindow(stage.Window, before[first].Window) {
		r.field("window").fail(fmt.Sprintf("differs from that of stages[%d], which deploys in the same wave", first),
			"one window for the whole wave", "give all stages of the wave the same window")
	}
}

const (
	// mostRules is how many rules one condition of CodePipeline takes.
	mostRules = 5
	// longestRule is the longest wait for an alarm that AWS documents for a
	// rule, whose time limit CloudFormation cannot set.
	longestRule = 60 * minute
)

// BakesByRules says whether rules of CodePipeline watch the alarms of a baking
// stage, so many: they wait for nothing, while a build that watches is paid by
// the minute. A rule sees one alarm, by its name, in any region of the pipeline's
// own account. Elsewhere, for more alarms, for longer, or where alarms may first
// have to settle because the stage was asleep, a build watches.
func BakesByRules(pipeline Pipeline, stage Stage, alarms int) bool {
	return stage.Bake > 0 && stage.Bake <= longestRule && stage.Wave == "" && !stage.Sleeps &&
		stage.Account == pipeline.Account && 0 < alarms && alarms <= mostRules
}

// WatchedByBuild says whether a build of the pipeline watches the stage, which
// has so many alarms, while it bakes; it needs a role in the stage's account.
func (a App) WatchedByBuild(stage Stage, alarms int) bool {
	return a.Pipeline != nil && stage.Bake > 0 && !BakesByRules(*a.Pipeline, stage, alarms)
}
