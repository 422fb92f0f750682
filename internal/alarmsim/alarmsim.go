// Package alarmsim evaluates CloudWatch alarms as they stand in a template, on
// series of numbers: their metric math, threshold, periods and rule for missing
// data. Tests hold alarms to what they promise with it.
package alarmsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// State of an alarm.
type State string

// The states that CloudWatch has.
const (
	OK           State = "OK"
	Raised       State = "ALARM"
	Insufficient State = "INSUFFICIENT_DATA"
)

// Gap is a period without data.
var Gap = math.NaN()

// Alarm is what of an alarm's properties decides about its state.
type Alarm struct {
	// Metrics are the variables that series are given for: the ids of the
	// metrics, or "m" for an alarm on a single one.
	Metrics []string
	// Period in seconds.
	Period int

	value      expression
	threshold  float64
	comparison string
	periods    int
	datapoints int
	missing    string
}

// metricStat is a metric in a template, as far as it matters here.
type metricStat struct {
	Period int
	Stat   string
	Metric struct{ Namespace, MetricName string }
}

// Parse reads the properties of an AWS::CloudWatch::Alarm.
func Parse(properties map[string]any) (*Alarm, error) {
	text, err := json.Marshal(properties)
	if err != nil {
		return nil, err
	}
	var p struct {
		MetricName, Statistic, ExtendedStatistic string
		Period                                   int
		Metrics                                  []struct {
			ID         string `json:"Id"`
			Expression string
			MetricStat *metricStat
			ReturnData *bool
		}
		Threshold                            *float64
		ComparisonOperator, TreatMissingData string
		EvaluationPeriods, DatapointsToAlarm int
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, err
	}
	if p.Threshold == nil || p.EvaluationPeriods == 0 {
		return nil, errors.New("no threshold, or no periods")
	}
	a := &Alarm{
		Period: p.Period, threshold: *p.Threshold, comparison: p.ComparisonOperator,
		periods: p.EvaluationPeriods, datapoints: p.DatapointsToAlarm, missing: p.TreatMissingData,
	}
	if a.datapoints == 0 {
		a.datapoints = a.periods
	}
	if _, known := comparisons[a.comparison]; !known {
		return nil, fmt.Errorf("comparison %q", a.comparison)
	}
	if p.MetricName != "" {
		a.Metrics, a.value = []string{"m"}, variable("m")
		return a, nil
	}
	returned := 0
	var expressions []string
	for _, query := range p.Metrics {
		isReturned := query.ReturnData == nil || *query.ReturnData
		if isReturned {
			returned++
		}
		if query.MetricStat != nil {
			a.Metrics = append(a.Metrics, query.ID)
			if a.Period != 0 && a.Period != query.MetricStat.Period {
				return nil, errors.New("metrics of different periods")
			}
			a.Period = query.MetricStat.Period
			if isReturned {
				a.value = variable(query.ID)
			}
			continue
		}
		if !isReturned {
			return nil, fmt.Errorf("expression %q is not returned", query.Expression)
		}
		expressions = append(expressions, query.Expression)
	}
	if returned != 1 {
		return nil, fmt.Errorf("%d queries return data, and an alarm needs one", returned)
	}
	for _, text := range expressions {
		if a.value, err = parse(text, a.Metrics); err != nil {
			return nil, fmt.Errorf("expression %q: %w", text, err)
		}
	}
	return a, nil
}

// WithoutFill is the alarm as it would be if FILL did nothing, which AWS leaves
// open for a metric that never had any data.
func (a Alarm) WithoutFill() *Alarm {
	a.value = withoutFill(a.value)
	return &a
}

var comparisons = map[string]func(value, threshold float64) bool{
	"GreaterThanThreshold":          func(v, t float64) bool { return v > t },
	"GreaterThanOrEqualToThreshold": func(v, t float64) bool { return v >= t },
	"LessThanThreshold":             func(v, t float64) bool { return v < t },
	"LessThanOrEqualToThreshold":    func(v, t float64) bool { return v <= t },
}

// lookBehind is how many periods more than it needs CloudWatch fetches, to make
// up for data that is missing. AWS gives no number; its examples have two.
const lookBehind = 2

// Run feeds the alarm one period after another, and tells its state after each.
// A series that is not given, or ends, has no data.
func (a *Alarm) Run(series map[string][]float64) []State {
	length := 0
	for _, values := range series {
		length = max(length, len(values))
	}
	var values []float64
	var states []State
	state := Insufficient
	for t := range length {
		at := map[string]float64{}
		for _, id := range a.Metrics {
			at[id] = Gap
			if t < len(series[id]) {
				at[id] = series[id][t]
			}
		}
		values = append(values, a.value.eval(at))
		state = a.next(state, values)
		states = append(states, state)
	}
	return states
}

// next is the state that follows from the values up to now. See "How alarm
// state is evaluated when data is missing" in the CloudWatch user guide.
func (a *Alarm) next(state State, values []float64) State {
	first := max(0, len(values)-a.periods-lookBehind)
	real, breaching := 0, 0
	for i := len(values) - 1; i >= first && real < a.periods; i-- {
		if !math.IsNaN(values[i]) {
			real++
			if comparisons[a.comparison](values[i], a.threshold) {
				breaching++
			}
		}
	}
	lacking := a.periods - real
	switch {
	case breaching >= a.datapoints:
		return Raised
	case lacking == 0:
		return OK
	}
	switch a.missing {
	case "notBreaching":
		return OK
	case "breaching":
		if breaching+lacking >= a.datapoints {
			return Raised
		}
		return OK
	case "ignore":
		return state
	default:
		switch real {
		case 0:
			return Insufficient
		case breaching:
			return Raised
		}
		return OK
	}
}
