package cron

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCheck(t *testing.T) {
	for _, valid := range []string{
		"0 3 * * ? *", "0/15 * * * ? *", "59 23 31 12 ? 2199", "0 0 1 JAN ? 1970", "0 8-18/2 ? * MON-FRI *", "0 8,12,18 ? JAN,JUL 2-6 *",
		"0 0 L * ? *", "0 0 LW * ? *", "0 0 15W * ? *", "0 0 ? * 6L *", "0 0 ? * L *", "0 0 ? * FRI#2 *", "*/5 0 29 2 ? *", "0 0 31 1-3 ? *", "0 0 30,31 2,4 ? *",
	} {
		assert.NoError(t, Check(valid), valid)
	}
	for invalid, says := range map[string]string{
		"0 3 * * *":         "has 5 fields, not six",
		"60 3 * * ? *":      `has the minutes "60", which takes 0 to 59`,
		"0 24 * * ? *":      `has the hours "24", which takes 0 to 23`,
		"0 3 0 * ? *":       `has the day of the month "0", which takes 1 to 31`,
		"0 3 32 * ? *":      `has the day of the month "32", which takes 1 to 31`,
		"0 3 ? 13 1 *":      `has the month "13", which takes 1 to 12, or JAN to DEC`,
		"0 3 ? * 0 *":       `has the day of the week "0", which takes 1 to 7, or SUN to SAT`,
		"0 3 ? * 8 *":       `has the day of the week "8", which takes 1 to 7, or SUN to SAT`,
		"0 3 ? * MO *":      `has the day of the week "MO", which takes 1 to 7, or SUN to SAT`,
		"0 3 ? * FRI#6 *":   `has the day of the week "FRI#6": after # comes which of them in the month, 1 to 5`,
		"0 3 * * ? 1969":    `has the year "1969", which takes 1970 to 2199`,
		"0/0 3 * * ? *":     `has the minutes "0/0": after / comes a number from 1 to 59`,
		"0/60 3 * * ? *":    `has the minutes "0/60": after / comes a number from 1 to 59`,
		"50-10 3 * * ? *":   `has the minutes "50-10", which ends before it begins`,
		", 3 * * ? *":       `has the minutes "", which takes 0 to 59`,
		"? 3 * * ? *":       `has the minutes "?", which takes 0 to 59`,
		"0 3 * * * *":       "must have ? for the day of the month or for the day of the week, and not for both",
		"0 3 ? * ? *":       "must have ? for the day of the month or for the day of the week, and not for both",
		"0 3 31 2 ? *":      "never runs: no month that it names has a day 31",
		"0 3 31 2,4,6 ? *":  "never runs: no month that it names has a day 31",
		"0 3 30-31 FEB ? *": "never runs: no month that it names has a day 30",
	} {
		assert.EqualError(t, Check(invalid), says, invalid)
	}
}
