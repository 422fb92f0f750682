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
