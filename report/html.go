package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/cost"
	"github.com/tinystack-go/tinystack/internal/layout"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/preflight"
)

var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageCSS string
	//go:embed page/page.js
	pageJS string
)

// page is the template of the page. Nobody pays for it who writes none.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"anchor": anchor, "money": money, "thousands": thousands, "price": price, "amount": amount,
		"free": free, "sources": sources, "bar": bar, "costs": costsOf, "pressing": pressing, "restOf": restOf,
		"join": func(names []string) string { return phrase.List(names, "and") },
	}).Parse(pageHTML))
})

// view is a report as the page shows it.
type view struct {
	*Report
	Drawings struct{ Pipeline template.HTML }
	stages   []stageView
	Policy   string
	Style    template.CSS
	Script   template.JS
}

type stageView struct {
	Stage
	Drawing template.HTML
}

// HTML writes the report as one page that needs nothing else: it opens from disk
// and asks no network for anything. The same report gives the same bytes.
func (r *Report) HTML(out io.Writer) error {
	v := view{Report: r, Style: template.CSS(pageCSS), Script: template.JS(pageJS)} //nolint:gosec // both are files of this package
	// What the page itself brings may run, and nothing else, whatever the
	// declaration holds.
	v.Policy = fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'", hash(pageJS), hash(pageCSS))
	for _, stage := range r.Stages {
		v.stages = append(v.stages, stageView{Stage: stage})
	}
	if err := v.draw(); err != nil {
		return err
	}
	var text bytes.Buffer // so that nothing is written of a page that fails
	if err := page().Execute(&text, v); err != nil {
		return err
	}
	_, err := out.Write(text.Bytes())
	return err
}

// draw makes the pictures, each once for wide and once for narrow screens.
func (v *view) draw() error {
	engine, err := layout.New()
	if err != nil {
		return err
	}
	both := func(p Picture) (template.HTML, error) {
		wide, err := p.draw(engine, layout.Right)
		if err != nil {
			return "", err
		}
		tall, err := p.draw(engine, layout.Down)
		return wide + tall, err
	}
	if v.Pipeline != nil {
		if v.Drawings.Pipeline, err = both(v.Pipeline.picture); err != nil {
			return err
		}
	}
	for i := range v.stages {
		if picture := v.stages[i].Topology; picture != nil {
			if v.stages[i].Drawing, err = both(*picture); err != nil {
				return err
			}
		}
	}
	return nil
}

// Stage is one of the stages, with its picture.
func (v view) Stage(i int) stageView { return v.stages[i] }

// hash is how a content security policy names a script or a style sheet.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// FirstLoad is the load that is shown at first.
func (r *Report) FirstLoad() string { return r.Loads[0] }

// LastLoad is where the slider ends.
func (r *Report) LastLoad() int { return len(r.Loads) - 1 }

// Lead says in a sentence what is deployed.
func (r *Report) Lead() string {
	var names []string
	for _, service := range r.Stages[0].Services {
		names = append(names, service.Name)
	}
	var stages []string
	for _, stage := range r.Stages {
		stages = append(stages, stage.Name)
	}
	text := phrase.Count(len(names), "service") + " (" + phrase.List(names, "and") + ") in " + phrase.Count(len(stages), "stage") + ": " + strings.Join(stages, ", then ")
	if r.Pipeline == nil {
		return text + ", deployed by hand"
	}
	return text
}

// Places says in how many regions and accounts the stages are.
func (r *Report) Places() string {
	var regions, accounts []string
	for _, stage := range r.Stages {
		if !slices.Contains(regions, stage.Region) {
			regions = append(regions, stage.Region)
		}
		if !slices.Contains(accounts, stage.Account) {
			accounts = append(accounts, stage.Account)
		}
	}
	return phrase.Count(len(regions), "region") + ", " + phrase.Count(len(accounts), "account")
}

// FindingCounts says how many findings there are of which kind.
func (r *Report) FindingCounts() string {
	open := r.Findings.Open()
	return phrase.Count(len(open.Of(preflight.Error)), "error") + ", " + phrase.Count(len(open.Of(preflight.Warning)), "warning") + ", " + phrase.Count(len(open.Of(preflight.Notice)), "notice")
}

// costView are the costs of a part, and whose they are.
type costView struct {
	Of    string
	Costs []Cost
}

func costsOf(part any) (costView, error) {
	switch part := part.(type) {
	case stageView:
		return costView{part.Name, part.Costs}, nil
	case *Pipeline:
		return costView{"the pipeline", part.Costs}, nil
	}
	return costView{}, fmt.Errorf("%T has no costs", part)
}

// pressing are the findings that somebody has to look at, restOf all others.
func pressing(f preflight.Findings) preflight.Findings {
	return f.Open().Of(preflight.Error, preflight.Warning)
}

func restOf(f preflight.Findings) preflight.Findings {
	return slices.DeleteFunc(slices.Clone(f), func(f preflight.Finding) bool {
		return f.Acknowledged == "" && f.Severity != preflight.Notice
	})
}

// Range is how many instances there are.
func (c Capacity) Range() string { return between(strconv.Itoa(c.Min), strconv.Itoa(c.Max)) }

// Missing is what is reserved beyond what there is.
func (r Room) Missing() int { return max(0, -r.FreeMiB) }

// Tasks is how many copies run.
func (s Service) Tasks() string { return between(strconv.Itoa(s.MinTasks), strconv.Itoa(s.MaxTasks)) }

// Asked says by whom and when.
func (s Service) Asked() string {
	switch s.Role {
	case "scheduled":
		return s.Schedule
	case "worker":
		return "by nobody"
	case "internal":
		return fmt.Sprintf("by other services, port %d", s.Port)
	}
	text := fmt.Sprintf("by the endpoint, port %d", s.Port)
	if s.Subdomain != "" {
		text += ", subdomain " + s.Subdomain
	}
	if s.Path != "" {
		text += ", below " + s.Path
	}
	return text
}

func money(usd decimal.Decimal) string {
	text := usd.StringFixed(2)
	whole, cents, _ := strings.Cut(text, ".")
	return group(whole) + "." + cents
}

func thousands(n int64) string { return group(strconv.FormatInt(n, 10)) }

// group puts commas between thousands.
func group(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func price(line cost.Line) string {
	if !line.Price.Known() {
		return "unknown"
	}
	return "$" + line.Price.USD().String()
}

func amount(line cost.Line) string {
	if !line.Monthly.Known() {
		return "unknown"
	}
	return "$" + money(line.Monthly.Cents().USD())
}

// free names what is not billed.
func free(lines []cost.Line) string {
	var names []string
	for _, line := range lines {
		if line.Kind == cost.Free && !slices.Contains(names, line.Resource) {
			names = append(names, line.Resource)
		}
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// sources names where the prices come from.
func sources(lines []cost.Line) string {
	var names []string
	for _, line := range lines {
		name := strings.TrimSuffix(line.Source+", "+line.Date, ", ")
		if line.Source != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, "; ")
}

// bar draws what one instance holds of its memory.
func bar(room Room, memory int) template.HTML {
	scale := 100 / float64(max(memory, room.UsedMiB, 1))
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label="%d of %d MiB reserved">`, room.UsedMiB, memory)
	x := 0.0
	piece := func(class string, service string, tasks, mib int) {
		width := float64(tasks*mib) * scale
		if width > 0 {
			fmt.Fprintf(&out, `<rect class="%s" x="%.2f" y="0" width="%.2f" height="4"><title>%s</title></rect>`, class, x, width, html.EscapeString(service))
			x += width
			fmt.Fprintf(&out, `<line x1="%.2f" x2="%.2f" y1="0" y2="4"/>`, x, x)
		}
	}
	for i, held := range room.Tasks {
		piece([]string{"kept", "kept other"}[i%2], held.Service, held.Tasks, held.MiB)
		piece("new", held.Service+", new version", held.New, held.MiB)
	}
	out.WriteString("</svg>")
	return template.HTML(out.String()) //nolint:gosec // numbers, and names that went through html.EscapeString
}
