// Command tinystack is the ready-made CDK app: tinystack.yaml in, a cloud
// assembly out. It is what cdk.json runs.
package main

import "github.com/tinystack-go/tinystack/app"

func main() { app.Main() }
