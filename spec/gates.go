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
