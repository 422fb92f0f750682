package edit_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tinystack-go/tinystack/internal/edit"
)

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"port", "port", 0}, {"prot", "port", 1}, {"pot", "port", 1}, {"ports", "port", 1},
		{"part", "port", 1}, {"", "port", 4}, {"kitten", "sitting", 3}, {strings.Repeat("a", 65), "a", 64},
	} {
		assert.Equal(t, test.want, edit.Distance(test.a, test.b), "%s %s", test.a, test.b)
		assert.Equal(t, test.want, edit.Distance(test.b, test.a), "%s %s", test.b, test.a)
	}
}
