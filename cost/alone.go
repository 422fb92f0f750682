package cost

import (
	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/spec"
)

// The functions here are for constructs that are used alone, in a stack of
// one's own. They complete what is declared as the constructs do.

// Database is what a PgDatabase costs.
func Database(region string, declared spec.Database, load Load) (Part, error) {
	declared, err := declared.Complete(false)
	if err != nil {
		return Part{}, err
	}
	s := &stage{sheet: sheet{region: region}, declared: spec.Stage{Region: region, Database: &declared}, load: load}
	s.addDatabase()
	s.addSecrets()
	return Part{Name: "database", Region: region, Load: load, Lines: s.lines}, nil
}

// Service is what an EcsEc2Service costs beside the instances that it runs on.
func Service(region string, declared spec.Service, scale spec.ScaleProfile, load Load) (Part, error) {
	declared, err := declared.Complete()
	if err != nil {
		return Part{}, err
	}
	if scale, err = scale.Complete(); err != nil {
		return Part{}, err
	}
	const days = 14
	s := &stage{
		sheet:    sheet{region: region},
		app:      spec.App{Services: []spec.Service{declared}},
		declared: spec.Stage{Region: region, Scale: scale, LogRetentionDays: days},
		load:     load,
	}
	s.addTaskAlarms()
	s.addLogLines(1, load.LogGB, kept(load.LogGB, days))
	return Part{Name: declared.Name, Region: region, Load: load, Lines: s.lines}, nil
}

// kept is the GB-months of what is written in a month and kept for some days.
func kept(gb decimal.Decimal, days int) decimal.Decimal { return gb.Mul(num(days)).Div(dec("30.4")) }
