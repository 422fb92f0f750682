package cost

import "github.com/shopspring/decimal"

// Traffic is what a load balancer has to do, on average.
type Traffic struct {
	// NewConnections a second.
	NewConnections decimal.Decimal
	// ActiveConnections in a minute.
	ActiveConnections decimal.Decimal
	// GB processed in an hour, in both directions.
	GB decimal.Decimal
	// RuleEvaluations a second: requests times the rules beyond the first ten,
	// which are free.
	RuleEvaluations decimal.Decimal
}

// LCU is the number of Load Balancer Capacity Units that a load balancer is
// billed for: the largest of its four dimensions, of which one unit holds 25
// new connections a second, 3,000 active connections, 1 GB an hour and 1,000
// rule evaluations a second.
func (t Traffic) LCU() decimal.Decimal {
	return decimal.Max(
		t.NewConnections.Div(num(25)),
		t.ActiveConnections.Div(num(3000)),
		t.GB,
		t.RuleEvaluations.Div(num(1000)),
	)
}

// connectionSeconds is how long a connection stays open on average.
const connectionSeconds = 5

// freeRules of a listener are not billed.
const freeRules = 10

var secondsPerMonth = hoursPerMonth.Mul(num(3600))

// traffic is a month's load as a load balancer sees it: each request on a
// connection of its own, which is the most that it can cost.
func (l Load) traffic(rules int) Traffic {
	perSecond := num(l.Requests).Div(secondsPerMonth)
	return Traffic{
		NewConnections:    perSecond,
		ActiveConnections: perSecond.Mul(num(connectionSeconds)),
		GB:                l.outGB().Add(l.inGB()).Div(hoursPerMonth),
		RuleEvaluations:   perSecond.Mul(num(max(0, rules-freeRules))),
	}
}
