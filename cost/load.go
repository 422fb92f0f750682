package cost

import (
	"fmt"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/spec"
)

// Load is what a stage has to do in a month, and what a pipeline has to carry.
type Load struct {
	// Name of the profile that it began as.
	Name string `json:"name"`
	// Requests that the endpoint of the stage gets.
	Requests int64 `json:"requests"`
	// OutGB that leave the stage for the internet. nil: 10 KB for each
	// request.
	OutGB *decimal.Decimal `json:"outGB,omitempty"`
	// InGB that come in. nil: 1 KB for each request.
	InGB *decimal.Decimal `json:"inGB,omitempty"`
	// LogGB that the containers write.
	LogGB decimal.Decimal `json:"logGB"`
	// CPU is how busy instances and database are on average, in percent.
	CPU int `json:"cpu"`
	// Busy is where the number of instances is on average between desired (0)
	// and max (100), in percent.
	Busy int `json:"busy"`
	// InstanceHours of the stage, at most those of max. nil: those that Busy
	// stands for, day and night.
	InstanceHours *decimal.Decimal `json:"instanceHours,omitempty"`
	// Builds is how many commits the pipeline carries through all stages.
	Builds int `json:"builds"`
	// BuildMinutes is how long the build of one image takes.
	BuildMinutes int `json:"buildMinutes"`
}

// loads are the profiles. docs/cost.md shows them.
var loads = map[string]Load{
	"light":    {Name: "light", Requests: 100_000, LogGB: dec("0.5"), CPU: 5, Builds: 20, BuildMinutes: 5},
	"moderate": {Name: "moderate", Requests: 5_000_000, LogGB: dec("5"), CPU: 20, Busy: 25, Builds: 60, BuildMinutes: 5},
	"heavy":    {Name: "heavy", Requests: 100_000_000, LogGB: dec("100"), CPU: 60, Busy: 100, Builds: 200, BuildMinutes: 5},
}

// Profiles are the names of the load profiles, the lightest first.
func Profiles() []string {
	return slices.SortedFunc(maps.Keys(loads), func(a, b string) int { return int(loads[a].Requests - loads[b].Requests) })
}

// Profile is a load profile by its name.
func Profile(name string) (Load, error) {
	load, ok := loads[name]
	if !ok {
		return Load{}, fmt.Errorf("%q is not a load: choose one of light, moderate and heavy", name)
	}
	return load, nil
}

// Light is a stage that people develop with.
func Light() Load { return loads["light"] }

// Loads says which load is whose.
type Loads struct {
	// Default is that of every stage, and of the pipeline; except canaries,
	// which have no users of their own and stay at light.
	Default Load
	// Stages have loads of their own, by name, canaries included.
	Stages map[string]Load
}

func (l Loads) of(stage spec.Stage) Load {
	if load, ok := l.Stages[stage.Name]; ok {
		return load
	}
	if stage.CanaryOf != "" {
		light := Light()
		if stage.Sleeps {
			light.Builds = l.Default.Builds // each of them wakes it
		}
		return light
	}
	return l.Default
}

const (
	// bytes of a request and its answer.
	outKB, inKB = 10, 1
	// bytes of a request's access log.
	accessLogKB = "0.5"
)

// gb is a number of requests times a number of KB each.
func gb(requests int64, kb decimal.Decimal) decimal.Decimal {
	return num(requests).Mul(kb).Div(num(1_000_000))
}

func (l Load) outGB() decimal.Decimal {
	if l.OutGB != nil {
		return *l.OutGB
	}
	return gb(l.Requests, num(outKB))
}

func (l Load) inGB() decimal.Decimal {
	if l.InGB != nil {
		return *l.InGB
	}
	return gb(l.Requests, num(inKB))
}
