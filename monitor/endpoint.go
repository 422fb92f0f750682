package monitor

import (
	"fmt"
	"slices"

	"github.com/tinystack-go/tinystack/spec"
)

// endpoint is what CloudWatch knows of one kind of endpoint.
type endpoint struct {
	requests Metric
	// errors are responses with a status of 500 or more, to be added up. The
	// second, where there is one, counts requests that are not in requests.
	errors []Metric
	// rejected are responses with a status of 400 to 499.
	rejected Metric
	// latency of responses, to be given a statistic.
	latency Metric
	// unit is how many units of the latency metric make a second: 1 where it is
	// in seconds, 1000 where it is in milliseconds.
	unit float64
}

func metric(id, namespace, name, statistic string, dimensions ...Dimension) Metric {
	return Metric{ID: id, Namespace: namespace, Name: name, Statistic: statistic, Dimensions: dimensions}
}

// endpointOf is what is known of a stage's endpoint. A REST API reports by its
// name, an HTTP API by its id; both report latency in milliseconds, and no data
// for periods without requests. A load balancer reports seconds. Errors that it
// answers itself because no task could are counted apart and not among its
// requests.
func endpointOf(stage spec.Stage) endpoint {
	switch declared := stage.Endpoint; {
	case declared.Type == spec.ALB:
		const namespace = "AWS/ApplicationELB"
		balancer := Dimension{"LoadBalancer", RefLoadBalancer}
		return endpoint{
			requests: metric("requests", namespace, "RequestCount", "Sum", balancer),
			errors: []Metric{
				metric("errors", namespace, "HTTPCode_Target_5XX_Count", "Sum", balancer),
				metric("unserved", namespace, "HTTPCode_ELB_5XX_Count", "Sum", balancer),
			},
			rejected: metric("rejected", namespace, "HTTPCode_Target_4XX_Count", "Sum", balancer),
			latency:  metric("latency", namespace, "TargetResponseTime", "", balancer),
			unit:     1,
		}
	case declared.Caching != nil:
		return apiEndpoint("4XXError", "5XXError", Dimension{"ApiName", RefAPIName}, Dimension{"Stage", RefAPIStage})
	default:
		return apiEndpoint("4xx", "5xx", Dimension{"ApiId", RefAPI}, Dimension{"Stage", RefAPIStage})
	}
}

func apiEndpoint(rejected, errors string, api ...Dimension) endpoint {
	const namespace = "AWS/ApiGateway"
	return endpoint{
		requests: metric("requests", namespace, "Count", "SampleCount", api...),
		errors:   []Metric{metric("errors", namespace, errors, "Sum", api...)},
		rejected: metric("rejected", namespace, rejected, "Sum", api...),
		latency:  metric("latency", namespace, "Latency", "", api...),
		unit:     1000,
	}
}

// at is the latency at a percentile.
func (e endpoint) at(percentile string) Metric {
	latency := e.latency
	latency.Statistic = percentile
	return latency
}

const fiveMinutes = 300

// alarms of an endpoint. With fewer requests in a period than the declared least
// number, an alarm is not raised: one failure of three requests says little.
func (e endpoint) alarms(t spec.Thresholds) []Alarm {
	failed, all := "FILL(errors, 0)", "FILL(requests, 0)"
	if len(e.errors) > 1 {
		failed = "(FILL(errors, 0) + FILL(unserved, 0))"
		all = "(FILL(requests, 0) + FILL(unserved, 0))"
	}
	errors := Alarm{
		ID: spec.AlarmEndpoint5xx, Severity: Critical, Gate: true,
		Meaning:    fmt.Sprintf("More than %d %% of the requests were answered with a server error, for ten minutes.", t.ErrorRate),
		Metrics:    slices.Concat([]Metric{e.requests}, e.errors),
		Expression: fmt.Sprintf("IF(%s >= %d, 100 * %s / %s, 0)", all, t.MinRequests, failed, all),
		Threshold:  float64(t.ErrorRate), Comparison: Above,
		Period: fiveMinutes, Periods: 2, Datapoints: 2, Missing: Good,
	}
	latency := func(id spec.AlarmID, severity Severity, percentile, which string, most spec.Duration) Alarm {
		return Alarm{
			ID: id, Severity: severity, Gate: severity == Critical,
			Meaning:    fmt.Sprintf("The slowest %s of the requests took more than %s, for %s.", which, most, map[bool]string{true: "ten minutes", false: "a quarter of an hour"}[severity == Critical]),
			Metrics:    []Metric{e.requests, e.at(percentile)},
			Expression: fmt.Sprintf("IF(FILL(requests, 0) >= %d, latency, 0)", t.MinRequests),
			Threshold:  e.unit * float64(most) / 1e9, Comparison: Above,
			Period: fiveMinutes, Periods: 2, Datapoints: 2, Missing: Good,
		}
	}
	p90 := latency(spec.AlarmLatencyP90, Critical, "p90", "tenth", t.LatencyP90)
	p99 := latency(spec.AlarmLatencyP99, Warning, "p99", "hundredth", t.LatencyP99)
	p99.Periods, p99.Datapoints = 3, 3
	return []Alarm{errors, p90, p99}
}
