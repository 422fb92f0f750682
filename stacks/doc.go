// Package stacks puts the constructs together: [TinyStack] is a whole
// application with its pipeline, [Stage] one place it runs in, [CanaryRegion] a
// stage derived from production.
//
// A stage consists of up to three CloudFormation stacks, and references
// between them flow one way:
//
//	network   the VPC; absent where the declaration names one
//	data      the database, stateful and protected; absent without one
//	service   cluster, services, endpoint: what every commit changes
//
// A stage's templates depend on nothing outside its own part of the
// declaration, so stages can be inserted and removed without touching others.
package stacks
