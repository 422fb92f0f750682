package stacks

import (
	"fmt"
	"slices"

	"github.com/aws/constructs-go/constructs/v10"

	"github.com/tinystack-go/tinystack/spec"
)

// CanaryRegionProps says which stage is rehearsed, and where.
type CanaryRegionProps struct {
	// App is the declaration that has the production stage. Required.
	App spec.App

	// Of is the name of the production stage. Required.
	Of string

	// Overrides is what differs from production. Its name and region are
	// required; of everything else, what is set here wins, field by field.
	Overrides spec.Stage

	// Tags are the image tags to run, by service; see [StageProps.Tags].
	Tags map[string]string
}

// CanaryRegion is a stage that is production's rehearsal in another region:
// the same configuration, variables, secrets by name, database and capacity,
// but its own endpoint and data.
type CanaryRegion interface {
	Stage
	// Of is the name of the production stage.
	Of() string
}

// NewCanaryRegion makes a stage derived from production. It panics with all
// problems of the declaration if there are any.
func NewCanaryRegion(scope constructs.Construct, id *string, props *CanaryRegionProps) CanaryRegion {
	app := WithCanary(props.App, props.Of, props.Overrides)
	return newStage(scope, id, &StageProps{App: app, Name: props.Overrides.Name, Tags: props.Tags}, appliedAbove(scope))
}

// WithCanary is the application with a canary placed before its production
// stage, or before the wave that production deploys in, for [NewTinyStack].
func WithCanary(app spec.App, of string, overrides spec.Stage) spec.App {
	i := slices.IndexFunc(app.Stages, func(s spec.Stage) bool { return s.Name == of })
	if i < 0 {
		panic(fmt.Errorf("application %q has no stage %q to rehearse", app.Name, of))
	}
	for wave := app.Stages[i].Wave; wave != "" && i > 0 && app.Stages[i-1].Wave == wave; {
		i--
	}
	overrides.CanaryOf = of
	app.Stages = slices.Insert(slices.Clone(app.Stages), i, overrides)
	return app
}
