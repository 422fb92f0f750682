// Package postgres knows the versions of PostgreSQL that RDS offers: what can be
// created, and for how long a major version gets fixes at the usual price.
package postgres

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Read is when the table was read, as year and month. There is no clock here: the
// same declaration gives the same findings every day.
const Read = "2026-11"

// Release is a major version.
type Release struct {
	Major int
	// Oldest and Newest are the minor versions that RDS creates instances of:
	// those before Oldest are retired (an instance that runs one is upgraded in
	// its maintenance window), those after Newest came after the table was read.
	Oldest, Newest int
	// StandardSupportEnds is the last day of RDS's standard support, as in
	// 2027-02-28. From the next day on each vCPU-hour costs a surcharge, where the
	// instance is enrolled in extended support.
	StandardSupportEnds string
}

// releases by major version, ascending (Amazon RDS for PostgreSQL release notes,
// "Release calendars" and the deprecation of minor versions of 2026-05).
var releases = []Release{
	{Major: 14, Oldest: 18, Newest: 23, StandardSupportEnds: "2027-02-28"},
	{Major: 15, Oldest: 13, Newest: 18, StandardSupportEnds: "2028-02-29"},
	{Major: 16, Oldest: 9, Newest: 14, StandardSupportEnds: "2029-02-28"},
	{Major: 17, Oldest: 5, Newest: 10, StandardSupportEnds: "2030-02-28"},
	{Major: 18, Oldest: 1, Newest: 4, StandardSupportEnds: "2031-02-28"},
}

// Find is the release of a major version, and whether the table has it.
func Find(major int) (Release, bool) {
	i := slices.IndexFunc(releases, func(r Release) bool { return r.Major == major })
	if i < 0 {
		return Release{}, false
	}
	return releases[i], true
}

// OfVersion is the release of a declared version, as in 17 or 17.9, and whether the
// table has it.
func OfVersion(version string) (Release, bool) {
	major, _, _ := strings.Cut(version, ".")
	number, err := strconv.Atoi(major)
	if err != nil {
		return Release{}, false
	}
	return Find(number)
}

// SupportEnded says whether the standard support was over when the table was read.
func (r Release) SupportEnded() bool { return r.StandardSupportEnds < Read }

// SupportEndsSoon says whether it was, or would be within a year of that.
func (r Release) SupportEndsSoon() bool {
	year, _ := strconv.Atoi(Read[:4])
	return r.StandardSupportEnds < fmt.Sprintf("%d%s-32", year+1, Read[4:])
}

// OldestMajor is the oldest major version of the table: what is before it is out of
// standard support.
func OldestMajor() int { return releases[0].Major }

// LatestMajor is the newest major version of the table.
func LatestMajor() int { return releases[len(releases)-1].Major }
