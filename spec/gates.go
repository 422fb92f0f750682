package spec

import (
	"fmt"
	"slices"
	"strings"
)

// Window is the time of the week in which a commit may enter a stage.
type Window struct {
	// Days of the week: mon, tue, wed, thu, fri, sat or sun. Default: the five
	// from mon to fri.
	Days []string `yaml:"days"`

	// From is the hour at which the window opens, 0 to 23. Default: 9.
	From *int `yaml:"from"`

	// Until is the hour at which it closes, later than From, up to 24: at
	// midnight. Default: 16, or 24 where From is not before that.
	Until int `yaml:"until"`

	// TimeZone of the hours, as in Europe/Berlin. Default: UTC.
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
