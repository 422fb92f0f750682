// Package preflight finds, before anything is deployed, what AWS would reject,
// starve, surprise with or overcharge for.
//
// The border to the validation in package spec: spec says what is wrong with
// the declaration as such, and there is no way around it. A finding here is
// about a valid declaration and the AWS that it meets; it has an id, a reason,
// a section in docs/preflight.md, and can be accepted in the declaration:
//
//	acknowledge:
//	  - finding: single-nat
//	    stage: prod
//	    reason: An hour without outgoing connections is cheaper than a second NAT.
//
// [Check] is pure Go and looks at the declaration alone. [CheckIn] also takes
// what package preflight/live found in an account.
package preflight
