// Package randomedit changes declarations by chance, as people do: it inserts,
// removes, moves and changes stages. It is for tests of what holds after any
// sequence of such edits.
package randomedit

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/tinystack-go/tinystack/spec"
)

// Base is a declaration to begin with.
func Base() spec.App {
	return spec.App{
		Name:     "shop",
		Pipeline: &spec.Pipeline{Account: "111111111111"},
		Source:   &spec.Source{CodeCommit: "shop"},
		Services: []spec.Service{{Name: "web"}, {Name: "cache", Image: "redis:7", Internal: true, Port: 6379}},
		Stages: []spec.Stage{
			{Name: "dev", Database: &spec.Database{}},
			{Name: "prod", Account: "222222222222", Approval: spec.Manual, Endpoint: spec.Endpoint{Type: spec.ALB}},
		},
	}
}

// regions have everything that a stage can ask for.
var regions = []string{"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1", "ap-southeast-2", "sa-east-1"}

// Editor makes one edit after the other.
type Editor struct {
	Random *rand.Rand
	App    spec.App
	made   int
	// Count is how often each kind of edit was made.
	Count map[string]int
}

// New begins with [Base].
func New(seed uint64) *Editor {
	return &Editor{Random: rand.New(rand.NewPCG(seed, 7)), App: Base(), Count: map[string]int{}}
}

// Edit makes one edit, and returns the names of the stages that it touches: all
// others are to stay as they are. Canaries are touched with their production.
func (e *Editor) Edit() (touched []string) {
	e.App.Stages = slices.Clone(e.App.Stages)
	for {
		kind := []string{"insert", "remove", "move", "change", "gate"}[e.Random.IntN(5)]
		var name string
		switch kind {
		case "insert":
			name = e.insert()
		case "remove":
			name = e.remove()
		case "move":
			name = e.move()
		case "change":
			name = e.change()
		case "gate":
			name = e.gate()
		}
		if name == "" {
			continue // nothing to do it to
		}
		e.Count[kind]++
		touched = []string{name}
		for _, stage := range e.App.Stages {
			if stage.CanaryOf == name {
				touched = append(touched, stage.Name)
			}
		}
		if kind == "move" {
			return nil // its place is no part of a stage
		}
		return touched
	}
}

func (e *Editor) index(name string) int {
	return slices.IndexFunc(e.App.Stages, func(s spec.Stage) bool { return s.Name == name })
}

// hasCanary says whether a canary rehearses the stage.
func (e *Editor) hasCanary(name string) bool {
	return slices.ContainsFunc(e.App.Stages, func(s spec.Stage) bool { return s.CanaryOf == name })
}

func (e *Editor) insert() string {
	if len(e.App.Stages) > 5 {
		return ""
	}
	e.made++
	stage := spec.Stage{Name: fmt.Sprintf("s%d", e.made), Region: regions[e.Random.IntN(len(regions))]}
	at := e.Random.IntN(len(e.App.Stages) + 1)
	switch e.Random.IntN(4) {
	case 0: // a canary stands before its production
		of := e.index("prod")
		if of < 0 {
			return ""
		}
		stage.CanaryOf, stage.Bake, at = "prod", spec.Minutes(10+e.Random.IntN(90)), e.Random.IntN(of+1)
		if stage.Region == "us-east-1" {
			stage.Region = "eu-west-1"
		}
		stage.Sleeps = e.Random.IntN(3) == 0
	case 1:
		stage.Profile = spec.Idle
	case 2:
		stage.Account, stage.Database = "333333333333", &spec.Database{}
	}
	e.App.Stages = slices.Insert(e.App.Stages, at, stage)
	return stage.Name
}

func (e *Editor) remove() string {
	i := e.Random.IntN(len(e.App.Stages))
	name := e.App.Stages[i].Name
	if len(e.App.Stages) < 3 || e.hasCanary(name) {
		return ""
	}
	e.App.Stages = slices.Delete(e.App.Stages, i, i+1)
	return name
}

func (e *Editor) move() string {
	i := e.Random.IntN(len(e.App.Stages))
	stage := e.App.Stages[i]
	if e.hasCanary(stage.Name) {
		return ""
	}
	rest := slices.Delete(slices.Clone(e.App.Stages), i, i+1)
	to := len(rest)
	if stage.CanaryOf != "" {
		to = slices.IndexFunc(rest, func(s spec.Stage) bool { return s.Name == stage.CanaryOf })
	}
	e.App.Stages = slices.Insert(rest, e.Random.IntN(to+1), stage)
	return stage.Name
}

func (e *Editor) change() string {
	stage := &e.App.Stages[e.Random.IntN(len(e.App.Stages))]
	e.made++
	stage.Variables = map[string]string{"EDIT": fmt.Sprint(e.made)}
	return stage.Name
}

// gate changes what a commit has to pass, and with that nothing in the stage
// but the role that reads its alarms.
func (e *Editor) gate() string {
	stage := &e.App.Stages[e.Random.IntN(len(e.App.Stages))]
	switch e.Random.IntN(3) {
	case 0:
		if stage.Approval == spec.Manual && !e.hasCanary(stage.Name) {
			stage.Approval, stage.Review = spec.Automatic, false
		} else {
			stage.Approval, stage.Review = spec.Manual, e.Random.IntN(2) == 0
		}
	case 1:
		stage.Window = &spec.Window{From: new(e.Random.IntN(12))}
	case 2:
		stage.Bake = spec.Minutes(10 + e.Random.IntN(90))
	}
	return stage.Name
}
