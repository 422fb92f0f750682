package cost

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/spec"
)

// hoursPerMonth is how long a month is, as AWS's own calculator has it.
var hoursPerMonth = num(730)

// Kind is what an amount follows.
type Kind string

const (
	// Fixed is billed as long as the resource is there.
	Fixed Kind = "fixed"
	// Usage is billed by what is used of it.
	Usage Kind = "usage"
	// Free is not billed.
	Free Kind = "free"
)

// Line is what one kind of thing in a part costs a month.
type Line struct {
	// Resource is what is billed, unique in its part.
	Resource string `json:"resource"`
	// Detail says which, and how the quantity came about.
	Detail string `json:"detail,omitempty"`
	// Type of the CloudFormation resources that the line stands for, and how
	// many of them the templates have. Both are empty for what is no resource
	// of its own, such as a transfer or the volume of an instance.
	Type  string `json:"type,omitempty"`
	Count int    `json:"count,omitempty"`
	// Kind is what the amount follows.
	Kind Kind `json:"kind"`
	// Quantity of Unit, each of which costs Price.
	Quantity decimal.Decimal `json:"quantity"`
	Unit     string          `json:"unit"`
	Price    Amount          `json:"price"`
	// Monthly is Quantity times Price, exact.
	Monthly Amount `json:"monthly"`
	// Source of the price, and the day or month it is of.
	Source string `json:"source,omitempty"`
	Date   string `json:"date,omitempty"`
	// Note says what to know of the price; that it is of another region, say.
	Note string `json:"note,omitempty"`
}

// Part is a stage, or the pipeline with its image repositories.
type Part struct {
	// Name of the stage, or "pipeline".
	Name string `json:"name"`
	// Pipeline says that it is the pipeline, not a stage.
	Pipeline bool `json:"pipeline,omitempty"`
	// Region of the stage or the pipeline.
	Region string `json:"region"`
	// Load that is estimated.
	Load Load `json:"load"`
	// Lines in an order to read them in.
	Lines []Line `json:"lines"`
}

// Estimate is what a declaration costs a month.
type Estimate struct {
	// App is the name of the application.
	App string `json:"app"`
	// Parts are the stages in order, then the pipeline if there is one.
	Parts []Part `json:"parts"`
}

// pipelineName is the name of the part that is no stage.
const pipelineName = "pipeline"

// Of estimates a declaration. Its error is that of [spec.App.Resolve].
func Of(app spec.App, loads Loads) (Estimate, error) {
	app, err := app.Resolve()
	if err != nil {
		return Estimate{}, err
	}
	return ofApp(app, loads), nil
}

// ofApp estimates a resolved declaration.
func ofApp(app spec.App, loads Loads) Estimate {
	e := Estimate{App: app.Name}
	for _, stage := range app.Stages {
		e.Parts = append(e.Parts, ofStage(app, stage, loads.of(stage)))
	}
	if app.Pipeline != nil {
		e.Parts = append(e.Parts, ofPipeline(app, loads.Default))
	}
	return e
}

// Stage estimates one stage of a declaration: what is saved when it is removed.
func Stage(app spec.App, name string, load Load) (Part, error) {
	app, err := app.Resolve()
	if err != nil {
		return Part{}, err
	}
	i := slices.IndexFunc(app.Stages, func(s spec.Stage) bool { return s.Name == name })
	if i < 0 {
		return Part{}, fmt.Errorf("application %q has no stage %q", app.Name, name)
	}
	return ofStage(app, app.Stages[i], load), nil
}

// Total of all parts.
func (e Estimate) Total() Total {
	var t Total
	for _, part := range e.Parts {
		t.addTotal(part.Total())
	}
	return t
}

// Total of the part.
func (p Part) Total() Total { return p.total(Fixed, Usage) }

// total is the sum of the lines of some kinds.
func (p Part) total(kinds ...Kind) Total {
	var t Total
	for _, line := range p.Lines {
		if slices.Contains(kinds, line.Kind) {
			t.add(line.Monthly)
		}
	}
	return t
}

// exact is the sum of the known amounts before they are rounded.
func (p Part) exact() decimal.Decimal {
	sum := decimal.Zero
	for _, line := range p.Lines {
		if line.Kind != Free && line.Monthly.Known() {
			sum = sum.Add(line.Monthly.usd)
		}
	}
	return sum
}

// sheet collects the lines of a part.
type sheet struct {
	region string
	lines  []Line
}

// add puts a line down: so much of something at a price. What is not there at
// all, neither as a resource nor as a quantity, is no line.
func (s *sheet) add(line Line, quantity decimal.Decimal, p price) {
	if quantity.IsZero() && line.Count == 0 {
		return
	}
	s.addLine(line, quantity, p)
}

// addLine is add for a line that is worth telling although there is nothing of it yet.
func (s *sheet) addLine(line Line, quantity decimal.Decimal, p price) {
	p = p.in(s.region)
	line.Quantity, line.Unit = quantity, p.unit
	line.Price, line.Monthly = p.each(quantity), p.amount(quantity)
	if quantity.IsZero() {
		line.Monthly = Dollars(decimal.Zero) // nothing of it, whatever it costs
	}
	line.Source, line.Date, line.Note = p.source, p.date, p.note
	s.lines = append(s.lines, line)
}

// free puts down what costs nothing.
func (s *sheet) free(resource, kind string, count int) {
	if count == 0 {
		return
	}
	s.lines = append(s.lines, Line{
		Resource: resource, Type: kind, Count: count, Kind: Free,
		Quantity: num(count), Price: Dollars(decimal.Zero), Monthly: Dollars(decimal.Zero),
	})
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
