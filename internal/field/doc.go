// Package field is what the documentation, the schema and the command know of
// the fields of a declaration: what each means, its default, what it may be, what
// a change of it does to what is deployed, and an example.
//
// All of that is written once, in the comment of the Go field in package spec:
//
//	// Storage in GB.
//	//   - Default: 20
//	//   - Allowed: 20 to 65536
//	//   - Change: in place; without interruption. It never shrinks
//	//   - Example: 100
//	Storage int `yaml:"storage"`
//
// Package source reads the comments; `go generate` writes them to fields.json,
// which is embedded, and decoded only by a command that asks. Tests hold the
// comments against what the code does: defaults against what Resolve fills in,
// bounds against what validation accepts and refuses, and changes against the
// templates.
//
// The items:
//
//   - Default is what a field has that is left out: a value as YAML writes it, "X
//     in production, otherwise Y", "X; with the profile hyperscale Y", none,
//     required, or a sentence.
//   - Allowed is a range ("20 to 65536", "1m to 24h"), a choice ("automatic or
//     manual"), the number of elements of a list ("up to 10"), "any text", or
//     a sentence. What follows a semicolon is for people only. A field that is true
//     or false, or has fields of its own, needs none.
//   - Change is one or more of the effects in this package, and after a semicolon
//     what people should know beside. "Change with a load balancer" is what it does there
//     instead.
//   - Example is a value as YAML writes it; a change to it shows in the templates.
//   - See is a page that says more. It may be left out.
//
// A reference to another field is a doc link, as in [Database.Version] in Go; the
// documentation shows the name that YAML has.
package field

//go:generate go run ./gen
