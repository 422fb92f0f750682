// Package spec is the declaration of an application: what tinystack.yaml says,
// as plain Go values.
//
// It is pure Go. Nothing here imports the CDK, so a declaration is loaded,
// completed and checked in milliseconds, by any program.
//
// The way of a declaration through this package:
//
//	Load      YAML → App, every problem with its file and line
//	Resolve   App → App with every default filled in and every canary derived
//	Validate  App → all problems at once
//
// Load does all three. A Go program that builds an [App] by hand calls
// [App.Resolve], which also validates.
//
// A zero value always means "the default"; a pointer is used only where zero
// (or false) is something a user may want to say.
package spec
