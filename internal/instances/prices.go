package instances

import (
	_ "embed" // for the prices
	"strings"
)

//go:embed ec2-prices.csv
var ec2PricesCSV string

//go:embed rds-prices.csv
var rdsPricesCSV string

// Price is what an instance costs an hour, in dollars, as a decimal number.
// A field is empty where the price is not known.
type Price struct {
	// OnDemand is the price of running it without any commitment.
	OnDemand string
	// Spot is the mean price of a spot instance on the day of the data.
	Spot string
}

// PriceOf returns what an EC2 instance type costs an hour in a region, with
// Linux.
func PriceOf(name, region string) Price {
	onDemand, spot, _ := strings.Cut(cell(ec2PricesCSV, name, region), "/")
	return Price{OnDemand: onDemand, Spot: spot}
}

// DatabasePriceOf returns what PostgreSQL costs an hour on one RDS instance in
// one zone of a region. A standby in another zone costs the same again.
func DatabasePriceOf(name, region string) Price {
	return Price{OnDemand: cell(rdsPricesCSV, strings.TrimPrefix(name, databasePrefix), region)}
}

// PricesSource is where the prices come from, and of which day they are.
func PricesSource() (source, date string) {
	return comment(ec2PricesCSV, "# Source: "), comment(ec2PricesCSV, "# Data of: ")
}

// OfferingsDate is the day of the table of EC2 instance types, as in 2026-10-27:
// a region may offer more by now.
func OfferingsDate() string { return comment(ec2CSV, "# Data of: ") }

// DatabaseOfferingsDate is the day of the table of RDS instance classes.
func DatabaseOfferingsDate() string { return comment(rdsCSV, "# Data of: ") }

// comment is what follows a label at the head of a table.
func comment(table, label string) string {
	_, rest, _ := strings.Cut(table, label)
	text, _, _ := strings.Cut(rest, "\n")
	return text
}

// cell is a field of a table. It looks for its row instead of reading the
// table: a command asks for a few of a thousand rows, and is to start at once.
func cell(table, name, region string) string {
	if name == "" || strings.ContainsAny(name, ",\n#") {
		return ""
	}
	_, rest, _ := strings.Cut(table, "\nname,")
	end := strings.IndexByte(rest, '\n')
	columns, rows := rest[:end], rest[end:]
	_, values, found := strings.Cut(rows, "\n"+name+",")
	if !found {
		return ""
	}
	values, _, _ = strings.Cut(values, "\n")
	for columns != "" {
		var column, value string
		column, columns, _ = strings.Cut(columns, ",")
		value, values, _ = strings.Cut(values, ",")
		if column == region {
			return value
		}
	}
	return ""
}
