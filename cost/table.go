package cost

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/spec"
)

// Report is an estimate with what follows from it, as `tinystack cost` shows
// it.
type Report struct {
	Estimate
	// Total of all parts.
	Total Total `json:"total"`
	// Stages have their totals, break-even and advice, by name; the pipeline
	// has a total.
	Summary []Summary `json:"summary"`
}

// Summary of a part.
type Summary struct {
	Part         string        `json:"part"`
	Fixed        Total         `json:"fixed"`
	Usage        Total         `json:"usage"`
	Total        Total         `json:"total"`
	BreakEven    *BreakEven    `json:"breakEven,omitempty"`
	Alternatives []Alternative `json:"alternatives,omitempty"`
	Advice       []Advice      `json:"advice,omitempty"`
	// Together is what all of the advice saves, where there is more than one.
	Together *decimal.Decimal `json:"together,omitempty"`
}

// NewReport estimates a declaration and says what to make of it. Its error is
// that of [spec.App.Resolve].
func NewReport(app spec.App, loads Loads) (Report, error) {
	app, err := app.Resolve()
	if err != nil {
		return Report{}, err
	}
	estimate := ofApp(app, loads)
	r := Report{Estimate: estimate, Total: estimate.Total()}
	for i, part := range estimate.Parts {
		summary := Summary{Part: part.Name, Fixed: part.total(Fixed), Usage: part.total(Usage), Total: part.Total()}
		if !part.Pipeline {
			if found, ok := breakEven(app, app.Stages[i], part.Load); ok {
				summary.BreakEven = &found
			}
			summary.Alternatives = alternatives(app, app.Stages[i], part.Load)
			advice, together := adviseTogether(app, app.Stages[i], part.Load)
			summary.Advice = advice
			if len(advice) > 1 {
				summary.Together = &together
			}
		}
		r.Summary = append(r.Summary, summary)
	}
	return r, nil
}

// Only is the report of one part.
func (r Report) Only(name string) (Report, bool) {
	for i, part := range r.Parts {
		if part.Name == name {
			one := Report{Estimate: Estimate{r.App, []Part{part}}, Summary: []Summary{r.Summary[i]}}
			one.Total = one.Estimate.Total()
			return one, true
		}
	}
	return Report{}, false
}

// Text is the report as a person reads it.
func (r Report) Text() string {
	var b strings.Builder
	from := &sources{}
	for i, part := range r.Parts {
		summary := r.Summary[i]
		title := "stage " + part.Name
		load := fmt.Sprintf("%s load, %s requests a month", part.Load.Name, whole(part.Load.Requests))
		if part.Pipeline {
			title, load = pipelineName, fmt.Sprintf("%s load, %d builds a month", part.Load.Name, part.Load.Builds)
		}
		fmt.Fprintf(&b, "%s (%s), %s\n\n", title, part.Region, load)
		b.WriteString(part.table(from))
		if found := summary.BreakEven; found != nil && found.Requests == 0 {
			fmt.Fprintf(&b, "An ALB costs less than the %s, however few the requests.\n", found.API)
		} else if found != nil {
			fmt.Fprintf(&b, "An ALB costs less than the %s from %s requests a month on.\n", found.API, whole(found.Requests))
		}
		if len(summary.Alternatives) > 0 {
			b.WriteString("The same stage otherwise, a month:\n")
			for _, alternative := range summary.Alternatives {
				fmt.Fprintf(&b, "  %s\n", alternative)
			}
		}
		if len(summary.Advice) > 0 {
			b.WriteString("What would save a month:\n")
			for _, advice := range summary.Advice {
				fmt.Fprintf(&b, "  %s\n", advice)
			}
			if summary.Together != nil {
				fmt.Fprintf(&b, "  $%s: all of them together\n", grouped(summary.Together.StringFixed(2)))
			}
		}
		b.WriteString("\n")
	}
	b.WriteString(from.String())
	b.WriteString("\n" + r.Line() + "\n")
	return b.String()
}

// Line is the totals in one line.
func (r Report) Line() string { return r.Estimate.Line() }

// Line is the totals in one line.
func (e Estimate) Line() string {
	var parts []string
	for _, part := range e.Parts {
		parts = append(parts, fmt.Sprintf("%s %s", part.Name, part.Total()))
	}
	return fmt.Sprintf("%s costs about %s a month: %s", e.App, e.Total(), strings.Join(parts, ", "))
}

// sources numbers the places that prices come from.
type sources struct{ list []string }

// of is the number of a line's source, which is entered when it is new.
func (s *sources) of(line Line) string {
	text := line.Source + ", as of " + line.Date
	i := slices.Index(s.list, text)
	if i < 0 {
		i = len(s.list)
		s.list = append(s.list, text)
	}
	return fmt.Sprintf("[%d]", i+1)
}

// String is the list of the sources.
func (s *sources) String() string {
	text := "Prices:\n"
	for i, source := range s.list {
		text += fmt.Sprintf("  [%d] %s\n", i+1, source)
	}
	return text
}

// Table is the lines of a part, then its totals, what is free, and where the
// prices come from.
func (p Part) Table() string {
	from := &sources{}
	return p.table(from) + from.String()
}

func (p Part) table(from *sources) string {
	rows := [][]string{{"", "quantity", "each", "", "a month"}}
	var free []string
	mixed := map[string]bool{}
	for _, line := range p.Lines {
		if line.Kind == Free {
			free = append(free, line.Resource)
			continue
		}
		name := line.Resource
		if line.Detail != "" {
			name += ": " + line.Detail
		}
		amount := line.Monthly.String()
		if line.Kind == Usage {
			amount += " ~"
		} else {
			amount += "  "
		}
		each := "unknown"
		if line.Price.Known() {
			each = "$" + cents(line.Price.usd)
		}
		if strings.Contains(line.Note, atLeast) {
			each += "*"
			mixed[line.Note] = true
		}
		rows = append(rows, []string{name, number(line.Quantity) + " " + plural(line.Unit, line.Quantity), each, from.of(line), amount})
	}
	text := align(rows)
	total := p.Total()
	text += fmt.Sprintf("Fixed %s, by use (~) %s, together %s a month.\n", p.total(Fixed), p.total(Usage), total)
	if len(mixed) > 0 {
		text += "* " + atLeast + "\n"
	}
	if len(free) > 0 {
		text += "Free: " + strings.Join(free, "; ") + ".\n"
	}
	return text
}

// plural is a unit as it is said of a quantity.
func plural(unit string, quantity decimal.Decimal) string {
	if quantity.Equal(num(1)) || strings.HasSuffix(unit, "s") || unit == "GB" {
		return unit
	}
	return unit + "s"
}

// cents is a price with two digits after the point, or as many as it has.
func cents(usd decimal.Decimal) string {
	if usd.Equal(usd.Round(2)) {
		return usd.StringFixed(2)
	}
	return usd.String()
}

// align writes rows as columns, all but the first to the right.
func align(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch {
			case i == 0:
				line.WriteString(cell + pad)
			case strings.HasPrefix(cell, "["):
				line.WriteString(" " + cell + pad)
			default:
				line.WriteString("   " + pad + cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// CompareText is what a change costs, as a person reads it.
func CompareText(before, after Estimate) string {
	changes := Compare(before, after)
	if len(changes) == 0 {
		return "The two cost the same.\n"
	}
	rows := [][]string{{"", "before", "after", "change"}}
	for _, change := range changes {
		rows = append(rows, []string{change.Part, change.Before.String(), change.After.String(), signed(change.Difference().StringFixed(2))})
		for _, line := range change.Lines {
			difference, known := line.Difference()
			text := "unknown"
			if known {
				text = signed(difference.StringFixed(2))
			}
			rows = append(rows, []string{"  " + line.Resource, line.Before.String(), line.After.String(), text})
		}
	}
	a, b := before.Total(), after.Total()
	rows = append(rows, []string{"together", a.String(), b.String(), signed(b.USD.Sub(a.USD).StringFixed(2))})
	return align(rows)
}

func signed(number string) string {
	if strings.HasPrefix(number, "-") {
		return grouped(number)
	}
	return "+" + grouped(number)
}
