package spec

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a length of time, written as in 30s, 15m or 1h30m.
type Duration time.Duration

const (
	second = Duration(time.Second)
	minute = Duration(time.Minute)
	hour   = Duration(time.Hour)
)

// ParseDuration reads a duration as a declaration writes it.
func ParseDuration(text string) (Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("not a duration: %q", text)
	}
	return Duration(d), nil
}

// Minutes is the duration in whole minutes.
func (d Duration) Minutes() int { return int(time.Duration(d) / time.Minute) }

// Seconds is the duration in whole seconds.
func (d Duration) Seconds() int { return int(time.Duration(d) / time.Second) }

// String writes the duration as a declaration does: 15m, not 15m0s.
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Minutes is a duration of whole minutes.
func Minutes(n int) Duration { return Duration(time.Duration(n) * time.Minute) }
