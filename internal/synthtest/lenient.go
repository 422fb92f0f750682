//go:build !strict

package synthtest

const strict = false
