package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/internal/suggest"
)

// Acknowledgement accepts a finding of the preflight, and says why.
type Acknowledgement struct {
	// Finding is the id of what is accepted: the word in brackets after a
	// finding.
	//   - Default: required
	//   - Allowed: an id of docs/preflight.md
	//   - Change: none
	//   - Example: docker-hub
	//   - See: docs/preflight.md
	Finding string `yaml:"finding"`

	// Stage that it is accepted for.
	//   - Default: none: it is accepted wherever it is found
	//   - Allowed: the name of a stage
	//   - Change: none
	//   - Example: prod
	Stage string `yaml:"stage"`

	// Reason why it is right here, for whoever reads the declaration next.
	//   - Default: required
	//   - Allowed: any text of 10 characters or more: a sentence
	//   - Change: none
	//   - Example: The images are small, and seldom pulled.
	Reason string `yaml:"reason"`
}

// leastReason is shorter than any reason there is.
const leastReason = 10

func (a App) validateAcknowledgements(r report) {
	for i, acknowledged := range a.Acknowledge {
		at := r.item(i)
		acknowledged.validate(at, a)
		for j, before := range a.Acknowledge[:i] {
			if acknowledged.Finding != "" && acknowledged.Finding == before.Finding && acknowledged.Stage == before.Stage {
				at.fail(fmt.Sprintf("accepts the same as acknowledge[%d]", j), "each finding once for a stage", "remove one of the two")
				break
			}
		}
	}
}

func (a Acknowledgement) validate(r report, app App) {
	id, stage, reason := r.field("finding"), r.field("stage"), r.field("reason")
	if id.required(a.Finding, "the id of a finding", "give the word in brackets after the finding, as in single-nat") {
		a.validateFinding(id)
	}
	if a.Stage != "" && app.stageIndex(a.Stage) < 0 {
		var names []string
		for _, declared := range app.Stages {
			if declared.Name != "" && r.plain(declared.Name) {
				names = append(names, declared.Name)
			}
		}
		fix := suggest.DidYouMean(a.Stage, names)
		if fix == "" {
			fix = "name a stage that is declared, or remove it"
		}
		stage.fail(stage.quote(a.Stage)+" is not a stage", phrase.List(names, "or"), fix)
	}
	if reason.required(a.Reason, "a sentence", "say why this is right here") && len([]rune(strings.TrimSpace(a.Reason))) < leastReason {
		reason.fail(reason.quote(a.Reason)+" is too short for a reason", "a sentence", "say why this is right here, for whoever reads it next")
	}
}

func (a Acknowledgement) validateFinding(r report) {
	var ids []string
	for _, kind := range finding.Kinds() {
		if kind != finding.UnusedAcknowledgement {
			ids = append(ids, kind.ID)
		}
	}
	if slices.Contains(ids, a.Finding) {
		return
	}
	fix := suggest.DidYouMean(a.Finding, ids)
	if a.Finding == finding.UnusedAcknowledgement.ID {
		fix = "remove the acknowledgement that matches nothing"
	}
	if fix == "" {
		fix = "take the id from the finding, where it stands in brackets"
	}
	r.fail(r.quote(a.Finding)+" is not a finding of the preflight", "an id of docs/preflight.md, as in single-nat", fix)
}
