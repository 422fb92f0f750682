package suggest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tinystack-go/tinystack/internal/suggest"
)

func TestDistanceIsThatOfSlipsOfTheKeyboard(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"port", "port", 0}, {"prot", "port", 1}, {"pot", "port", 1}, {"ports", "port", 1},
		{"part", "port", 1}, {"", "port", 4}, {"kitten", "sitting", 3}, {strings.Repeat("a", 65), "a", 64},
	} {
		assert.Equal(t, test.want, suggest.Distance(test.a, test.b), "%s %s", test.a, test.b)
		assert.Equal(t, test.want, suggest.Distance(test.b, test.a), "%s %s", test.b, test.a)
	}
}

func TestNearestIsEmptyWhereNothingIsNear(t *testing.T) {
	regions := []string{"us-east-1", "us-east-2", "eu-west-1", "eu-central-1"}
	for text, want := range map[string]string{
		"us-esat-1":  "us-east-1",
		"eu-west1":   "eu-west-1",
		"EU-WEST-1":  "eu-west-1",
		"Frankfurt":  "",
		"us-east-11": "us-east-1",
		"":           "",
		"x":          "",
	} {
		assert.Equal(t, want, suggest.Nearest(text, regions), text)
	}
}
