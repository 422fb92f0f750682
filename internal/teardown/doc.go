// Package teardown deletes the stacks of an application in AWS.
//
// It asks AWS what there is instead of trusting a declaration: a stack belongs
// to a stage by what its description says, so that nothing is deleted whose
// name only looks alike, and nothing is forgotten that another version of the
// declaration made. What uses another stack goes before it, by the references
// in the templates. Nothing is kept between two runs: whatever an interrupted one
// left is found, and deleted, by the next.
package teardown
