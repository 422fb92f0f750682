package instances

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPriceOf(t *testing.T) {
	for _, tt := range []struct{ name, region, want string }{
		{"t3.micro", "us-east-1", "0.0104"},
		{"t3.micro", "eu-west-1", "0.0114"},
		{"t4g.nano", "us-east-1", "0.0042"},
		{"m6i.large", "us-east-1", "0.096"},
		{"m7g.large", "us-east-1", "0.0816"},
		{"m3.medium", "us-east-1", "0.067"},
		{"g2.2xlarge", "eu-west-3", ""},
		{"t3.micro", "ap-southeast-6", ""},
		{"t3.micro", "us-east", ""},
		{"t3.micro", "", ""},
		{"t3.mico", "us-east-1", ""},
		{"name", "us-east-1", ""},
		{"", "us-east-1", ""},
		{"t3.micro,", "us-east-1", ""},
	} {
		assert.Equal(t, tt.want, PriceOf(tt.name, tt.region).OnDemand, "%s in %s", tt.name, tt.region)
	}
	for _, name := range []string{"t4g.micro", "db.t4g.micro"} {
		assert.Equal(t, Price{OnDemand: "0.016"}, DatabasePriceOf(name, "us-east-1"))
	}
	assert.Equal(t, "0.168", DatabasePriceOf("m7g.large", "us-east-1").OnDemand)
	assert.Empty(t, DatabasePriceOf("t4g.nano", "us-east-1"))

	spot := PriceOf("t3.micro", "us-east-1").Spot
	assert.Regexp(t, `^0\.00\d+$`, spot)
	source, date := PricesSource()
	assert.Contains(t, source, "github.com/cristim/ec2-instances-info v0.0.0-")
	assert.Equal(t, "2025-05-28", date)
}

// Every price is a positive number, a spot price is at least a tenth of the
// on-demand price, and what has a price is in the table.
func TestPrices(t *testing.T) {
	number := regexp.MustCompile(`^\d+(\.\d*[1-9])?$`)
	for file, table := range map[string]struct {
		text  string
		known func(string) bool
	}{
		"ec2-prices.csv": {ec2PricesCSV, func(name string) bool { _, ok := Lookup(name); return ok }},
		"rds-prices.csv": {rdsPricesCSV, func(name string) bool { _, ok := LookupDatabase(name); return ok }},
	} {
		rows, prices := 0, 0
		columns := 0
		for line := range strings.Lines(table.text) {
			fields := strings.Split(strings.TrimSpace(line), ",")
			switch {
			case strings.HasPrefix(line, "#"):
			case columns == 0:
				columns = len(fields)
			default:
				rows++
				assert.Len(t, fields, columns, fields[0])
				assert.True(t, table.known(fields[0]), "%s: %s", file, fields[0])
				for _, field := range fields[1:] {
					if field == "" {
						continue
					}
					prices++
					onDemand, spot, both := strings.Cut(field, "/")
					if !number.MatchString(onDemand) || both && !number.MatchString(spot) {
						t.Errorf("%s: %s: %s", file, fields[0], field)
					}
					if a, _ := strconv.ParseFloat(onDemand, 64); both {
						b, _ := strconv.ParseFloat(spot, 64)
						assert.GreaterOrEqual(t, b, a/10, fields[0])
					}
				}
			}
		}
		assert.Greater(t, rows, 250, file)
		assert.Greater(t, prices, 4000, file)
	}
}
