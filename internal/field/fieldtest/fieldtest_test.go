package fieldtest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tinystack-go/tinystack/internal/field/fieldtest"
)

func TestBasesAreValid(t *testing.T) {
	for _, base := range fieldtest.Bases() {
		_, err := base.Declaration().Parse()
		assert.NoError(t, err, base.Name)
	}
}
