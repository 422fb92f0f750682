//go:build strict

package synthtest

// strict has AWS's validator look at the templates.
const strict = true
