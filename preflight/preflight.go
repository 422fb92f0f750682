package preflight

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/spec"
)

// Severity says what becomes of a finding.
type Severity = finding.Severity

// The severities, the worst first.
const (
	// Error is what AWS rejects.
	Error = finding.Error
	// Warning is what starves, surprises or costs more than it need.
	Warning = finding.Warning
	// Notice is worth knowing once.
	Notice = finding.Notice
)

// Finding is one thing that was found.
type Finding struct {
	// ID of what was found, a section of docs/preflight.md.
	ID string `json:"id"`
	// Severity of the finding.
	Severity Severity `json:"severity"`
	// Stages that it concerns; none is the application as a whole.
	Stages []string `json:"stages,omitempty"`
	// Path in the declaration, as in stages[2].database.
	Path string `json:"path"`
	// File, Line and Column say where that is; File is empty for a declaration
	// built in Go, Line and Column are 0 where unknown.
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// What was found, Why that matters, and the Fix.
	What string `json:"what"`
	Why  string `json:"why"`
	Fix  string `json:"fix"`
	// Acknowledged is the reason for which it was accepted; empty where it was
	// not.
	Acknowledged string `json:"acknowledged,omitempty"`
}

// String is the finding as a person reads it.
func (f Finding) String() string {
	var text strings.Builder
	if f.File != "" {
		text.WriteString(f.File + ":")
		if f.Line > 0 {
			fmt.Fprintf(&text, "%d:%d:", f.Line, max(f.Column, 1))
		}
		text.WriteString(" ")
	}
	fmt.Fprintf(&text, "%s: %s: %s [%s]\n    why: %s\n    fix: %s", f.Severity, f.Path, f.What, f.ID, f.Why, f.Fix)
	if f.Acknowledged != "" {
		text.WriteString("\n    acknowledged: " + f.Acknowledged)
	}
	return text.String()
}

// Findings is all that was found, the worst first, then in the order of the
// file.
type Findings []Finding

// Open are the findings that nobody accepted.
func (f Findings) Open() Findings {
	return slices.DeleteFunc(slices.Clone(f), func(f Finding) bool { return f.Acknowledged != "" })
}

// Of are the findings of some severities.
func (f Findings) Of(severities ...Severity) Findings {
	return slices.DeleteFunc(slices.Clone(f), func(f Finding) bool { return !slices.Contains(severities, f.Severity) })
}

// String is all of them, one after the other.
func (f Findings) String() string {
	lines := make([]string, len(f))
	for i, finding := range f {
		lines[i] = finding.String()
	}
	return strings.Join(lines, "\n")
}

// Refusal is why nothing can be made of a declaration: AWS would reject it.
type Refusal struct {
	// Findings are the errors that nobody accepted, and the warnings after them.
	Findings Findings
}

// Refusal is nil where there is no error that nobody accepted.
func (f Findings) Refusal() error {
	if len(f.Open().Of(Error)) == 0 {
		return nil
	}
	return &Refusal{f.Open().Of(Error, Warning)}
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s\n\nAWS would reject this: %s", r.Findings, phrase.Count(len(r.Findings.Of(Error)), "error"))
}

// Check looks at a declaration, complete or not. Its error is what is wrong
// with the declaration itself.
func Check(app spec.App) (Findings, error) { return CheckIn(app, nil) }

// CheckIn is [Check] with what is known of the account it meets; nil is
// nothing.
func CheckIn(app spec.App, account *Account) (Findings, error) {
	app, err := app.Resolve()
	if err != nil {
		return nil, err
	}
	c := &check{app: app, account: account}
	for i, stage := range app.Stages {
		s := staged{c, stage, i, fmt.Sprintf("stages[%d]", i)}
		s.offers()
		s.capacity()
		s.production()
		s.canary()
		s.database()
		s.migrations()
		s.network()
		s.endpoint()
		s.capabilities()
		s.template()
		s.api()
	}
	c.services()
	c.addresses()
	c.pipeline()
	c.names()
	c.quotas()
	if account != nil {
		c.found = append(c.found, account.Found...)
	}
	c.dropInherited()
	for i := range c.found {
		c.finish(&c.found[i])
	}
	c.acknowledge()
	for i := range c.found {
		c.found[i].Stages = c.concealed(c.found[i].Stages)
	}
	slices.SortStableFunc(c.found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank(a.Severity), rank(b.Severity)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return c.found, nil
}

func rank(s Severity) int { return slices.Index([]Severity{Error, Warning, Notice}, s) }

type check struct {
	app     spec.App
	account *Account
	found   Findings
}

// staged is the look at one stage.
type staged struct {
	*check
	spec.Stage
	index int
	at    string
}

// as is a kind with another severity.
func as(kind finding.Kind, severity Severity) finding.Kind {
	kind.Severity = severity
	return kind
}

func (c *check) add(kind finding.Kind, stages []string, path, what, why, fix string) {
	c.found = append(c.found, Finding{ID: kind.ID, Severity: kind.Severity, Stages: stages, Path: path, What: what, Why: why, Fix: fix})
}

// add reports what concerns the stage alone.
func (s staged) add(kind finding.Kind, path, what, why, fix string) {
	s.check.add(kind, []string{s.Name}, s.at+path, what, why, fix)
}

// real says whether the stage is a production stage and no rehearsal of one.
func (s staged) real() bool { return *s.Stage.Production && s.CanaryOf == "" }

// running says whether the stage runs anything.
func (s staged) running() bool { return *s.Scale.Tasks.Max > 0 && *s.Scale.Instances.Max > 0 }

// dropInherited drops what a canary only has from its production stage, where
// it is reported already.
func (c *check) dropInherited() {
	type thing struct{ id, path, what string }
	found := map[thing]bool{}
	for _, f := range c.found {
		found[thing{f.ID, f.Path, f.What}] = true
	}
	c.found = slices.DeleteFunc(c.found, func(f Finding) bool {
		if len(f.Stages) != 1 || c.app.Declares(f.Path) {
			return false
		}
		i := slices.IndexFunc(c.app.Stages, func(s spec.Stage) bool { return s.Name == f.Stages[0] })
		if i < 0 || c.app.Stages[i].CanaryOf == "" {
			return false
		}
		production := slices.IndexFunc(c.app.Stages, func(s spec.Stage) bool { return s.Name == c.app.Stages[i].CanaryOf })
		rest, ok := strings.CutPrefix(f.Path, fmt.Sprintf("stages[%d].", i))
		return ok && found[thing{f.ID, fmt.Sprintf("stages[%d].%s", production, rest), f.What}]
	})
}

// finish says where a finding is, and hides what came from the environment.
func (c *check) finish(f *Finding) {
	f.File, f.Line, f.Column = c.app.Locate(f.Path)
	f.What, f.Why, f.Fix = c.app.Conceal(f.What), c.app.Conceal(f.Why), c.app.Conceal(f.Fix)
}

func (c *check) concealed(names []string) []string {
	var hidden []string
	for _, name := range names {
		hidden = append(hidden, c.app.Conceal(name))
	}
	return hidden
}

// acknowledge marks what was accepted, and reports what was accepted and is
// not there.
func (c *check) acknowledge() {
	var unused Findings
	for i, accepted := range c.app.Acknowledge {
		used := false
		for j := range c.found {
			f := &c.found[j]
			// What concerns several stages is not accepted for one of them.
			if f.ID == accepted.Finding && (accepted.Stage == "" || slices.Equal(f.Stages, []string{accepted.Stage})) {
				f.Acknowledged = c.app.Conceal(accepted.Reason)
				used = true
			}
		}
		kind, _ := finding.Find(accepted.Finding)
		if used || (kind.Live || isQuota(kind)) && c.account == nil {
			continue // only the account shows whether it is there
		}
		where := ""
		var stages []string
		if accepted.Stage != "" {
			where, stages = " in stage "+quote(accepted.Stage), []string{accepted.Stage}
		}
		f := Finding{ID: finding.UnusedAcknowledgement.ID, Severity: finding.UnusedAcknowledgement.Severity, Stages: stages,
			Path: fmt.Sprintf("acknowledge[%d]", i),
			What: "nothing of the kind " + accepted.Finding + " is found" + where,
			Why:  "what is accepted beforehand is not seen when it comes",
			Fix:  "remove the acknowledgement"}
		c.finish(&f)
		unused = append(unused, f)
	}
	c.found = append(c.found, unused...)
}

func quote(text string) string { return fmt.Sprintf("%q", text) }
