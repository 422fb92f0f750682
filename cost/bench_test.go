package cost

import "testing"

// BenchmarkReport is all that the command does once it has the declaration.
func BenchmarkReport(b *testing.B) {
	app := declared(b, "../tinystack.yaml")
	for b.Loop() {
		if _, err := NewReport(app, Loads{Default: Light()}); err != nil {
			b.Fatal(err)
		}
	}
}
