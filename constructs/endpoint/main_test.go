//go:build !strict

package endpoint

import (
	"testing"

	"github.com/tinystack-go/tinystack/internal/synthtest"
)

func TestMain(m *testing.M) { synthtest.Main(m) }
