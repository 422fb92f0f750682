package delivery

import (
	"errors"
	"fmt"

	"github.com/tinystack-go/tinystack/preflight"
)

// CodePipeline's quotas. The preflight counts what a declaration leads to at
// least; here is all that was built.
const (
	maxPipelineStages  = preflight.MostPipelineStages
	maxStageActions    = preflight.MostStageActions
	maxPipelineActions = preflight.MostPipelineActions
)

// limits says what of the rendered stages of a pipeline AWS would reject for
// their size.
func limits(stages []any) error {
	var problems []error
	total := 0
	for _, stage := range stages {
		stage := stage.(map[string]any)
		actions, _ := stage["actions"].([]any)
		total += len(actions)
		if len(actions) > maxStageActions {
			problems = append(problems, fmt.Errorf("stage %v of the pipeline has %d actions, and CodePipeline takes %d: deploy fewer stages side by side",
				stage["name"], len(actions), maxStageActions))
		}
	}
	if len(stages) > maxPipelineStages {
		problems = append(problems, fmt.Errorf("the pipeline has %d stages, and CodePipeline takes %d: join neighbouring stages with wave",
			len(stages), maxPipelineStages))
	}
	if total > maxPipelineActions {
		problems = append(problems, fmt.Errorf("the pipeline has %d actions, and CodePipeline takes %d: declare fewer stages or services, or split the application",
			total, maxPipelineActions))
	}
	return errors.Join(problems...)
}
