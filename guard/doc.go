// Package guard compares what is about to be deployed with what is deployed, or
// was synthesized last, and finds the changes by which data would be lost:
// a database, its subnet group, its credentials, a key, a bucket or a network
// that CloudFormation would replace or delete.
//
// What replaces a resource follows from the resource schemas: the properties
// that they call create-only. The table of those is made by guard/gen, and
// embedded. The package needs neither Node nor AWS.
package guard
