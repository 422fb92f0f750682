package cost

import "github.com/shopspring/decimal"

// Change is what becomes of a part from one declaration to another.
type Change struct {
	// Part is the name of the stage, or "pipeline".
	Part string `json:"part"`
	// Before and After are the totals; a part that is not there costs nothing.
	Before Total `json:"before"`
	After  Total `json:"after"`
	// Lines that differ.
	Lines []LineChange `json:"lines"`
}

// LineChange is what becomes of a line.
type LineChange struct {
	// Resource of the line.
	Resource string `json:"resource"`
	// Before and After are the amounts; zero where there is no such line.
	Before Amount `json:"before"`
	After  Amount `json:"after"`
}

// Difference is what the change costs a month; false where an amount is
// unknown.
func (l LineChange) Difference() (decimal.Decimal, bool) {
	return l.After.Cents().usd.Sub(l.Before.Cents().usd), l.Before.known && l.After.known
}

// Difference is what the change of the known amounts costs a month.
func (c Change) Difference() decimal.Decimal { return c.After.USD.Sub(c.Before.USD) }

// Compare says what a change of a declaration costs: part by part, those of
// the new one first, and of each part the lines that differ. Parts without a
// difference are left out.
func Compare(before, after Estimate) []Change {
	var changes []Change
	for _, part := range after.Parts {
		changes = appendChange(changes, before.same(part), part)
	}
	for _, part := range before.Parts {
		if after.same(part).Name == "" {
			changes = appendChange(changes, part, Part{})
		}
	}
	return changes
}

// same is the stage of that name, or the pipeline; empty where there is none.
func (e Estimate) same(as Part) Part {
	for _, part := range e.Parts {
		if part.Name == as.Name && part.Pipeline == as.Pipeline {
			return part
		}
	}
	return Part{}
}

func appendChange(changes []Change, before, after Part) []Change {
	change := Change{Part: after.Name, Before: before.Total(), After: after.Total()}
	if after.Name == "" {
		change.Part = before.Name
	}
	compare := func(resource string, a, b Amount) {
		if line := (LineChange{resource, a, b}); a.known != b.known || !a.Cents().usd.Equal(b.Cents().usd) {
			change.Lines = append(change.Lines, line)
		}
	}
	for _, line := range after.Lines {
		compare(line.Resource, before.monthly(line.Resource), line.Monthly)
	}
	for _, line := range before.Lines {
		if !after.has(line.Resource) {
			compare(line.Resource, line.Monthly, Dollars(decimal.Zero))
		}
	}
	if len(change.Lines) == 0 {
		return changes
	}
	return append(changes, change)
}

func (p Part) has(resource string) bool {
	for _, line := range p.Lines {
		if line.Resource == resource {
			return true
		}
	}
	return false
}

func (p Part) monthly(resource string) Amount {
	for _, line := range p.Lines {
		if line.Resource == resource {
			return line.Monthly
		}
	}
	return Dollars(decimal.Zero)
}
