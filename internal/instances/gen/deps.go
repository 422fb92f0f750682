//go:build tools

package main

// The generator reads the module's data files, not its packages. The import
// only keeps go mod tidy from dropping the requirement.
import _ "github.com/LeanerCloud/ec2-instances-info"
