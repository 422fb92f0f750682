package spec

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWindow(t *testing.T) {
	for cron, w := range map[string]Window{
		"* * 9-15 ? * MON,TUE,WED,THU,FRI *": {},
		"* * 0-15 ? * SUN *":                 {Days: []string{"sun"}, From: new(0)},
		"* * 22-23 ? * MON,SAT *":            {Days: []string{"sat", "mon"}, From: new(22)},
		"* * 8 ? * MON,TUE,WED,THU,FRI *":    {From: new(8), Until: 9},
	} {
		w.setDefaults()
		r := newReport(nil)
		w.validate(r)
		assert.NoError(t, r.errors())
		assert.Equal(t, cron, w.Cron())
		assert.Equal(t, "UTC", w.TimeZone)
	}
}
