package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReleasesAreInOrder(t *testing.T) {
	for i, r := range releases {
		assert.LessOrEqual(t, r.Oldest, r.Newest, "%d", r.Major)
		end, err := time.Parse(time.DateOnly, r.StandardSupportEnds)
		require.NoError(t, err, "%d", r.Major)
		assert.Equal(t, 1, end.AddDate(0, 0, 1).Day(), "%d: support ends with a month", r.Major)
		assert.Greater(t, r.StandardSupportEnds, Read, "%d is out of support already", r.Major)
		if i > 0 {
			assert.Equal(t, releases[i-1].Major+1, r.Major)
			assert.Greater(t, r.StandardSupportEnds, releases[i-1].StandardSupportEnds)
		}
	}
}

func TestFind(t *testing.T) {
	found, ok := Find(17)
	assert.True(t, ok)
	assert.Equal(t, 10, found.Newest)
	for _, major := range []int{OldestMajor() - 1, LatestMajor() + 1, 0} {
		_, ok := Find(major)
		assert.False(t, ok, "%d", major)
	}
}

func TestSupport(t *testing.T) {
	for ends, want := range map[string]struct{ ended, soon bool }{
		"2026-10-31": {true, true},
		"2026-11-30": {false, true},
		"2027-11-30": {false, true},
		"2027-12-31": {false, false},
	} {
		r := Release{StandardSupportEnds: ends}
		assert.Equal(t, want.ended, r.SupportEnded(), ends)
		assert.Equal(t, want.soon, r.SupportEndsSoon(), ends)
	}
	found, ok := OfVersion("16.14")
	assert.True(t, ok)
	assert.Equal(t, 16, found.Major)
	for _, version := range []string{"", "x", "13.4", "${Token[a.1]}"} {
		_, ok := OfVersion(version)
		assert.False(t, ok, version)
	}
}
