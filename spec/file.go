package spec

import "os"

// FileVariable is the environment variable that names the declaration's file.
const FileVariable = "TINYSTACK_CONFIG"

// File is the declaration that is read when none is named: what
// TINYSTACK_CONFIG says, or tinystack.yaml in the working directory.
func File() string {
	if path := os.Getenv(FileVariable); path != "" {
		return path
	}
	return "tinystack.yaml"
}
