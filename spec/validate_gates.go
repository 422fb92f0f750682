package spec

import (
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // the names are the same on every computer
)

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

// runs says whether the stage has tasks at all.
func (s Stage) runs() bool { return value(s.Scale.Tasks.Max) > 0 }

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

// sameWindow says whether two stages open at the same times.
func sameWindow(a, b *Window) bool {
	if a == nil || b == nil {
		return a == b
	}
	return value(a.From) == value(b.From) && a.Until == b.Until && a.TimeZone == b.TimeZone &&
		slices.Equal(slices.Sorted(slices.Values(a.Days)), slices.Sorted(slices.Values(b.Days)))
}
