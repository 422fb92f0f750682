package teardown

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What can outlive a stack is in docs/deleting.md, in the words of the command.
func TestWhatSurvivesIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/deleting.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(page), "## What survives")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n## ")
	for resource, kind := range kinds {
		if resource == "AWS::ElasticLoadBalancingV2::LoadBalancer" {
			continue // may be locked, and is never kept
		}
		assert.Contains(t, table, kind)
	}
}
