package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// price is in dollars an hour, as the source writes it: as text or as a number.
// It is empty where there is none.
type price string

// decimal is what a price looks like; some are "N/A".
var decimal = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

func (p *price) UnmarshalJSON(text []byte) error {
	*p = ""
	value := string(bytes.Trim(text, `"`))
	if !decimal.MatchString(value) {
		return nil
	}
	if strings.Contains(value, ".") {
		value = strings.TrimRight(strings.TrimRight(value, "0"), ".")
	}
	if value != "0" {
		*p = price(value)
	}
	return nil
}

// cells are the prices of one entry, by region.
type cells map[string]string

// ec2Prices has for each region the on-demand price and, after a slash, the
// spot price to four digits: it is another one tomorrow.
func ec2Prices(instances []ec2Instance, types []ec2Type) map[string]cells {
	wanted := make(map[string]bool)
	for _, t := range types {
		wanted[t.name] = true
	}
	table := make(map[string]cells)
	for _, in := range instances {
		if !wanted[in.Name] {
			continue
		}
		row := cells{}
		for region, prices := range in.Pricing {
			linux := prices.Linux
			if !regionName.MatchString(region) || linux.OnDemand == "" {
				continue
			}
			row[region] = string(linux.OnDemand)
			if believable(linux.Spot, linux.OnDemand) {
				row[region] += "/" + round(string(linux.Spot))
			}
		}
		if len(row) > 0 {
			table[in.Name] = row
		}
	}
	return table
}

// believable leaves out spot prices that save more than the 90 % that AWS itself
// speaks of: they are of zones in which there is nothing to be had.
func believable(spot, onDemand price) bool {
	s, errSpot := strconv.ParseFloat(string(spot), 64)
	o, errOnDemand := strconv.ParseFloat(string(onDemand), 64)
	return errSpot == nil && errOnDemand == nil && s >= o/10
}

// rdsPrices has the price of PostgreSQL on one instance.
func rdsPrices(instances []rdsInstance) map[string]cells {
	table := make(map[string]cells)
	for _, in := range instances {
		row := cells{}
		for region, engines := range in.Pricing {
			if p := engines[postgres].OnDemand; regionName.MatchString(region) && p != "" {
				row[region] = string(p)
			}
		}
		if len(row) > 0 {
			table[strings.TrimPrefix(in.Name, "db.")] = row
		}
	}
	return table
}

// round cuts a price to four digits after the point, the last rounded up.
func round(text string) string {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) <= 4 {
		return text
	}
	number, err := strconv.Atoi(whole + fraction[:4])
	if err != nil {
		return text
	}
	if strings.Trim(fraction[4:], "0") != "" {
		number++
	}
	return strings.TrimRight(fmt.Sprintf("%d.%04d", number/10000, number%10000), "0")
}

// writePrices writes a row for each name and a column for each region.
func writePrices(path string, src source, title string, table map[string]cells) error {
	var names, regions []string
	for name, row := range table {
		names = append(names, name)
		for region := range row {
			if !slices.Contains(regions, region) {
				regions = append(regions, region)
			}
		}
	}
	slices.Sort(names)
	slices.Sort(regions)
	var rows [][]string
	for _, name := range names {
		row := []string{name}
		for _, region := range regions {
			row = append(row, table[name][region])
		}
		rows = append(rows, row)
	}
	return writeTable(path, src, title, append([]string{"name"}, regions...), rows)
}
