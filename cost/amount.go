package cost

import (
	"strings"

	"github.com/shopspring/decimal"
)

// Amount is a number of dollars, or unknown. Its zero value is unknown, so that
// what nobody has set is never taken for free.
type Amount struct {
	usd   decimal.Decimal
	known bool
}

// Dollars is a known amount.
func Dollars(usd decimal.Decimal) Amount { return Amount{usd, true} }

// Known says whether there is a number.
func (a Amount) Known() bool { return a.known }

// USD is the exact number of dollars; zero where it is unknown, so ask Known
// first.
func (a Amount) USD() decimal.Decimal { return a.usd }

// Cents is the amount rounded to the cent, half a cent up.
func (a Amount) Cents() Amount { return Amount{a.usd.Round(2), a.known} }

// String is the amount to the cent, or "unknown".
func (a Amount) String() string {
	if !a.known {
		return "unknown"
	}
	return grouped(a.usd.StringFixed(2))
}

// MarshalJSON writes the exact number as a text, or null where it is unknown.
func (a Amount) MarshalJSON() ([]byte, error) {
	if !a.known {
		return []byte("null"), nil
	}
	return []byte(`"` + a.usd.String() + `"`), nil
}

// Total is the sum of rounded amounts, and how many more were unknown.
type Total struct {
	USD     decimal.Decimal
	Unknown int
}

func (t *Total) add(a Amount) {
	if !a.known {
		t.Unknown++
		return
	}
	t.USD = t.USD.Add(a.Cents().usd)
}

func (t *Total) addTotal(other Total) {
	t.USD = t.USD.Add(other.USD)
	t.Unknown += other.Unknown
}

// String is the sum to the cent; what is unknown is said.
func (t Total) String() string {
	text := "$" + grouped(t.USD.StringFixed(2))
	switch {
	case t.Unknown == 1:
		return text + " and 1 unknown amount"
	case t.Unknown > 1:
		return text + " and " + whole(int64(t.Unknown)) + " unknown amounts"
	}
	return text
}

// MarshalJSON writes the sum to the cent as a text, and how many amounts are
// unknown.
func (t Total) MarshalJSON() ([]byte, error) {
	return []byte(`{"usd": "` + t.USD.StringFixed(2) + `", "unknown": ` + decimal.NewFromInt(int64(t.Unknown)).String() + `}`), nil
}

func whole(n int64) string { return grouped(decimal.NewFromInt(n).String()) }

// grouped writes 1234567.5 as 1,234,567.5.
func grouped(number string) string {
	sign := ""
	if strings.HasPrefix(number, "-") {
		sign, number = "-", number[1:]
	}
	integer, fraction, found := strings.Cut(number, ".")
	var groups []string
	for len(integer) > 3 {
		groups = append([]string{integer[len(integer)-3:]}, groups...)
		integer = integer[:len(integer)-3]
	}
	integer = strings.Join(append([]string{integer}, groups...), ",")
	if found {
		integer += "." + fraction
	}
	return sign + integer
}

func dec(number string) decimal.Decimal { return decimal.RequireFromString(number) }

func num[T ~int | ~int64](n T) decimal.Decimal { return decimal.NewFromInt(int64(n)) }
