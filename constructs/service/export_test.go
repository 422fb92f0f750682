package service

// Literal is literal, for tests.
var Literal = literal
