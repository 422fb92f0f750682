// This example is deployed from a laptop.
package main

import "github.com/tinystack-go/tinystack/app"

func main() { app.Main() }
