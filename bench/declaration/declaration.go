// Package declaration is the application that the benchmarks synthesize.
package declaration

import (
	"fmt"
	"strings"
)

// Of is an application with so many stages. Its pipeline builds one image from
// a repository; every stage has a network, a database, a cluster, a web service
// behind a load balancer and a second service beside it. The peer in bench/peer
// is the same architecture.
func Of(stages int) string {
	var text strings.Builder
	text.WriteString(`name: bench
pipeline: {account: "111111111111", region: us-east-1}
source:
  repository: acme/bench
  branch: main
  connection: arn:aws:codeconnections:us-east-1:111111111111:connection/01234567-89ab-cdef-0123-456789abcdef
services:
  - {name: web}
  - {name: cache, image: "example.com/cache:1", internal: true, port: 6379}
stages:
`)
	for i := range stages {
		fmt.Fprintf(&text, "  - {name: s%d, endpoint: {type: alb}, database: {}}\n", i)
	}
	return text.String()
}
