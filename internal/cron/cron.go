// Package cron checks the cron expressions of EventBridge Scheduler, which have six
// fields: minutes, hours, day of the month, month, day of the week and year. AWS
// refuses a value out of range when the schedule is made, in the middle of
// a deployment; and it takes an expression whose day never comes, which then never
// runs (Amazon EventBridge Scheduler user guide, "Schedule types").
package cron

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// field is one of the six: its name, its range, and the words that stand for numbers
// from the lowest on.
type field struct {
	name      string
	low, high int
	words     []string
}

var fields = []field{
	{"minutes", 0, 59, nil},
	{"hours", 0, 23, nil},
	{"day of the month", 1, 31, nil},
	{"month", 1, 12, []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
	{"day of the week", 1, 7, []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}},
	{"year", 1970, 2199, nil},
}

const (
	dayOfMonth = 2
	month      = 3
	dayOfWeek  = 4
)

// longest is how many days each month can have.
var longest = []int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// Check says what is wrong with what stands between the parentheses of cron(…), or
// nil. The error names the field and what it takes.
func Check(expression string) error {
	given := strings.Fields(expression)
	if len(given) != len(fields) {
		return fmt.Errorf("has %d fields, not six", len(given))
	}
	values := make([][]int, len(fields))
	for i, text := range given {
		found, err := fields[i].read(text, i)
		if err != nil {
			return err
		}
		values[i] = found
	}
	if (given[dayOfMonth] == "?") == (given[dayOfWeek] == "?") {
		return fmt.Errorf("must have ? for the day of the month or for the day of the week, and not for both")
	}
	if days := values[dayOfMonth]; len(days) > 0 && !slices.ContainsFunc(values[month], func(m int) bool { return slices.Min(days) <= longest[m-1] }) {
		return fmt.Errorf("never runs: no month that it names has a day %d", slices.Min(days))
	}
	return nil
}

// read returns the numbers that a field stands for; none where they depend on the
// month, as with the last day of it.
func (f field) read(text string, at int) ([]int, error) {
	if text == "?" && (at == dayOfMonth || at == dayOfWeek) {
		return nil, nil
	}
	var numbers []int
	for part := range strings.SplitSeq(text, ",") {
		found, special, err := f.part(part, at)
		if err != nil {
			return nil, err
		}
		if special {
			return nil, nil
		}
		numbers = append(numbers, found...)
	}
	return numbers, nil
}

// part reads what stands between commas. It is special where its days depend on the
// month.
func (f field) part(text string, at int) (numbers []int, special bool, err error) {
	switch {
	case at == dayOfMonth && (text == "L" || text == "LW"):
		return nil, true, nil
	case at == dayOfMonth && strings.HasSuffix(text, "W"):
		n, err := f.number(strings.TrimSuffix(text, "W"))
		return []int{n}, false, err
	case at == dayOfWeek && text == "L":
		return nil, true, nil
	case at == dayOfWeek && len(text) > 1 && strings.HasSuffix(text, "L"):
		_, err := f.number(strings.TrimSuffix(text, "L"))
		return nil, true, err
	case at == dayOfWeek && strings.Contains(text, "#"):
		day, week, _ := strings.Cut(text, "#")
		if n, err := strconv.Atoi(week); err != nil || n < 1 || n > 5 {
			return nil, false, fmt.Errorf("has the %s %q: after # comes which of them in the month, 1 to 5", f.name, text)
		}
		_, err := f.number(day)
		return nil, true, err
	}
	span, step, stepped := strings.Cut(text, "/")
	every := 1
	if stepped {
		if every, err = strconv.Atoi(step); err != nil || every < 1 || every > f.high {
			return nil, false, fmt.Errorf("has the %s %q: after / comes a number from 1 to %d", f.name, text, f.high)
		}
	}
	low, high := f.low, f.high
	if from, to, ranged := strings.Cut(span, "-"); span != "*" {
		if low, err = f.number(from); err != nil {
			return nil, false, err
		}
		switch {
		case ranged:
			if high, err = f.number(to); err != nil {
				return nil, false, err
			}
			if high < low {
				return nil, false, fmt.Errorf("has the %s %q, which ends before it begins", f.name, text)
			}
		case !stepped:
			high = low
		}
	}
	for n := low; n <= high; n += every {
		numbers = append(numbers, n)
	}
	return numbers, false, nil
}

func (f field) number(text string) (int, error) {
	if i := slices.Index(f.words, text); i >= 0 {
		return f.low + i, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.low || n > f.high {
		allowed := fmt.Sprintf("%d to %d", f.low, f.high)
		if f.words != nil {
			allowed += fmt.Sprintf(", or %s to %s", f.words[0], f.words[len(f.words)-1])
		}
		return 0, fmt.Errorf("has the %s %q, which takes %s", f.name, text, allowed)
	}
	return n, nil
}
