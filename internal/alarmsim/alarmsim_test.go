package alarmsim

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func alarm(missing string) map[string]any {
	return map[string]any{
		"MetricName": "X", "Period": 60, "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold",
		"EvaluationPeriods": 3, "DatapointsToAlarm": 3, "TreatMissingData": missing,
	}
}

// The table of the CloudWatch user guide for an alarm with three datapoints out
// of three, whose evaluation range is five; x is beyond the threshold, 0 is
// not, - is missing.
func TestMissingData(t *testing.T) {
	for _, test := range []struct {
		data                                      string
		missing, ignored, breaching, notBreaching State
	}{
		{"0-x-x", OK, OK, OK, OK},
		{"0----", OK, OK, OK, OK},
		{"-----", Insufficient, OK, Raised, OK},
		{"0xx-x", Raised, Raised, Raised, Raised},
		{"--x--", Raised, OK, Raised, OK},
	} {
		for treatment, want := range map[string]State{"missing": test.missing, "ignore": test.ignored, "breaching": test.breaching, "notBreaching": test.notBreaching} {
			a, err := Parse(alarm(treatment))
			require.NoError(t, err)
			var values []float64
			for _, c := range test.data {
				values = append(values, map[rune]float64{'x': 1, '0': 0, '-': Gap}[c])
			}
			assert.Equal(t, want, a.next(OK, values), "%s %s", test.data, treatment)
		}
	}
}

func TestRun(t *testing.T) {
	properties := alarm("notBreaching")
	delete(properties, "MetricName")
	delete(properties, "Period")
	stat := map[string]any{"Period": 300, "Stat": "Sum"}
	properties["Threshold"] = 5
	properties["Metrics"] = []any{
		map[string]any{"Id": "rate", "Expression": "IF(FILL(all, 0) >= 20, 100 * FILL(bad, 0) / all, 0)"},
		map[string]any{"Id": "all", "MetricStat": stat, "ReturnData": false},
		map[string]any{"Id": "bad", "MetricStat": stat, "ReturnData": false},
	}
	properties["EvaluationPeriods"], properties["DatapointsToAlarm"] = 2, 2
	a, err := Parse(properties)
	require.NoError(t, err)
	assert.Equal(t, []string{"all", "bad"}, a.Metrics)
	assert.Equal(t, 300, a.Period)
	assert.Equal(t, []State{OK, OK, Raised, OK, OK, OK}, a.Run(map[string][]float64{
		"all": {100, 100, 100, 100, 10, Gap},
		"bad": {Gap, 6, 6, 5, 10},
	}))
}

func TestWithoutFill(t *testing.T) {
	parsed, err := parse("IF(FILL(a, 0) >= 1, FILL(b, 7) + 1, 0)", []string{"a", "b"})
	require.NoError(t, err)
	stripped := withoutFill(parsed)
	assert.Equal(t, 8.0, parsed.eval(map[string]float64{"a": 1, "b": Gap}))
	assert.Equal(t, 3.0, stripped.eval(map[string]float64{"a": 1, "b": 2}))
	assert.NotEqual(t, 8.0, stripped.eval(map[string]float64{"a": 1, "b": Gap}))
}

func TestExpressions(t *testing.T) {
	at := map[string]float64{"a": 6, "b": 2, "gone": Gap}
	for text, want := range map[string]float64{
		"a + b * 3 - 2": 10, "(a + b) * 3": 24, "a / b": 3, "a / b / 3": 1,
		"IF(a > b, 1, 2)": 1, "IF(a < b, 1, 2)": 2, "IF(b <= 2, a, 0)": 6, "FILL(gone, 7) + a": 13, "FILL(a, 7)": 6,
	} {
		parsed, err := parse(text, []string{"a", "b", "gone"})
		require.NoError(t, err, text)
		assert.Equal(t, want, parsed.eval(at), text)
	}
	for _, text := range []string{"a / (b - 2)", "gone + 1", "IF(gone > 1, 1, 2)"} {
		parsed, err := parse(text, []string{"a", "b", "gone"})
		require.NoError(t, err, text)
		assert.NotEqual(t, parsed.eval(at), parsed.eval(at), "%s is no data", text)
	}
	for _, text := range []string{"", "a +", "c", "FILL(a)", "IF(a, b)", "(a", "a b", "a $ b", "FILL a", "FILL(a, 1, 2)", "FILL(, 1)"} {
		_, err := parse(text, []string{"a", "b"})
		assert.Error(t, err, text)
	}
}

func TestWhatIsNoAlarm(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"no threshold":   func(p map[string]any) { delete(p, "Threshold") },
		"a comparison":   func(p map[string]any) { p["ComparisonOperator"] = "IsOdd" },
		"nothing to see": func(p map[string]any) { delete(p, "MetricName") },
		"a wrong type":   func(p map[string]any) { p["Period"] = "long" },
		"an unknown name": func(p map[string]any) {
			delete(p, "MetricName")
			p["Metrics"] = []any{map[string]any{"Id": "e", "Expression": "x"}}
		},
		"two results": func(p map[string]any) {
			delete(p, "MetricName")
			stat := map[string]any{"Period": 60}
			p["Metrics"] = []any{map[string]any{"Id": "a", "MetricStat": stat}, map[string]any{"Id": "b", "MetricStat": stat}}
		},
		"two periods": func(p map[string]any) {
			delete(p, "MetricName")
			p["Metrics"] = []any{map[string]any{"Id": "a", "MetricStat": map[string]any{"Period": 60}}, map[string]any{"Id": "b", "MetricStat": map[string]any{"Period": 300}, "ReturnData": false}}
		},
	} {
		properties := alarm("missing")
		change(properties)
		_, err := Parse(properties)
		assert.Error(t, err, name)
	}
}
