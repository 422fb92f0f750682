// This example is a declaration and the app that reads it: all the code there
// is.
package main

import "github.com/tinystack-go/tinystack/app"

func main() { app.Main() }
