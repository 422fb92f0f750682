package cost

import (
	"cmp"
	_ "embed" // for the prices
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/internal/instances"
)

//go:embed prices.csv
var pricesCSV string

//go:embed regional.csv
var regionalCSV string

// homeRegion is the region whose prices the list has.
const homeRegion = "us-east-1"

// likeHome are the regions that have the prices of homeRegion.
var likeHome = []string{homeRegion, "us-east-2", "us-west-2"}

// atLeast says of a price that it is homeRegion's, where it is not known what the
// region asks: few are cheaper.
const atLeast = "at least: " + homeRegion + " price"

// price is what something costs: by tiers, of which most have one. It has none
// where the price is not known.
type price struct {
	tiers []tier
	unit  string
	// everywhere is of prices that do not depend on the region, or that are
	// those of the region asked for.
	everywhere         bool
	source, date, note string
	// regional are the prices of regions that have their own.
	regional map[string]price
}

// in is the price in a region, with a note where it is not known there.
func (p price) in(region string) price {
	if p.everywhere || slices.Contains(likeHome, region) {
		return p
	}
	if found, ok := p.regional[region]; ok {
		return found
	}
	p.note = join(p.note, atLeast)
	return p
}

// tier is the price of a unit beyond a quantity.
type tier struct{ from, usd decimal.Decimal }

// amount is what a quantity costs.
func (p price) amount(quantity decimal.Decimal) Amount {
	if len(p.tiers) == 0 {
		return Amount{}
	}
	sum := decimal.Zero
	for i, t := range p.tiers {
		in := quantity
		if i+1 < len(p.tiers) {
			in = decimal.Min(in, p.tiers[i+1].from)
		}
		if in.GreaterThan(t.from) {
			sum = sum.Add(in.Sub(t.from).Mul(t.usd))
		}
	}
	return Dollars(sum)
}

// each is the price of one unit: where a quantity is in several tiers, what
// one costs on average.
func (p price) each(quantity decimal.Decimal) Amount {
	switch {
	case len(p.tiers) == 0:
		return Amount{}
	case len(p.tiers) == 1 || quantity.LessThanOrEqual(p.tiers[1].from):
		return Dollars(p.tiers[0].usd)
	}
	return Dollars(p.amount(quantity).usd.Div(quantity).Round(6))
}

// prices reads the lists when one of them is first needed. Nothing but a defect of
// a list itself makes it panic, and the tests read them.
var prices = sync.OnceValue(func() map[string]price {
	list := map[string]price{}
	for _, row := range rows("prices.csv", pricesCSV) {
		p := list[row[0]]
		if p.tiers == nil {
			p = price{unit: row[3], everywhere: row[4] == "everywhere", source: row[5], date: row[6], note: row[7]}
		}
		p.tiers = append(p.tiers, tier{dec(row[1]), dec(row[2])})
		list[row[0]] = p
	}
	addRegional(list)
	return list
})

// rows are those of a list, without its header.
func rows(name, text string) [][]string {
	r := csv.NewReader(strings.NewReader(text))
	r.Comment = '#'
	all, err := r.ReadAll()
	if err != nil {
		panic(fmt.Errorf("cost: %s: %w", name, err))
	}
	return all[1:]
}

func addRegional(list map[string]price) {
	for _, row := range rows("regional.csv", regionalCSV) {
		home := list[row[0]]
		if home.regional == nil {
			home.regional = map[string]price{}
		}
		p := price{unit: home.unit, everywhere: true, source: home.source, date: row[3], note: home.note}
		for _, text := range strings.Fields(row[2]) {
			from, usd, tiered := strings.Cut(text, ":")
			if !tiered {
				from, usd = "0", text
			}
			p.tiers = append(p.tiers, tier{dec(from), dec(usd)})
		}
		for _, region := range strings.Fields(row[1]) {
			home.regional[region] = p
		}
		list[row[0]] = home
	}
}

// Listed is a price that is kept by hand.
type Listed struct {
	Key    string `json:"key"`
	Region string `json:"region"`
	USD    string `json:"usd"`
	Unit   string `json:"unit"`
	Source string `json:"source"`
	Date   string `json:"date"`
}

// OlderThan lists the prices kept by hand that were last looked at before a month,
// written as 2026-05, the oldest first.
func OlderThan(month string) []Listed {
	var all []Listed
	list := func(key, region string, p price) {
		if p.date < month {
			all = append(all, Listed{key, region, p.tiers[0].usd.String(), p.unit, p.source, p.date})
		}
	}
	for key, p := range prices() {
		region := homeRegion
		if p.everywhere {
			region = "all"
		}
		list(key, region, p)
		for region, other := range p.regional {
			list(key, region, other)
		}
	}
	slices.SortFunc(all, func(a, b Listed) int {
		return cmp.Or(strings.Compare(a.Date, b.Date), strings.Compare(a.Source, b.Source), strings.Compare(a.Key, b.Key), strings.Compare(a.Region, b.Region))
	})
	return all
}

// priceOf is a price of the list.
func priceOf(key string) price {
	p, ok := prices()[key]
	if !ok {
		panic(fmt.Errorf("cost: prices.csv has no %q", key))
	}
	return p
}

// instancePrice is that of an hour of an EC2 instance in a region.
func instancePrice(name, region string, spot bool) price {
	found := instances.PriceOf(name, region)
	if spot {
		p := hourly(found.Spot)
		p.note = "the mean spot price of that day; it follows demand"
		return p
	}
	return hourly(found.OnDemand)
}

// databasePrice is that of an hour of Postgres on one RDS instance in a region.
func databasePrice(name, region string) price {
	return hourly(instances.DatabasePriceOf(name, region).OnDemand)
}

func hourly(usd string) price {
	source, date := instances.PricesSource()
	p := price{unit: "hour", everywhere: true, source: source, date: date}
	if usd != "" {
		p.tiers = []tier{{usd: dec(usd)}}
	}
	return p
}
