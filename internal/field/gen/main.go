// Command gen writes what the comments in package spec say of its fields to
// fields.json. It runs in the folder of package field.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/tinystack-go/tinystack/internal/field/source"
)

func main() {
	types, err := source.Read("../../spec")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	text, err := json.MarshalIndent(types, "", " ")
	if err == nil {
		err = os.WriteFile("fields.json", append(text, '\n'), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
