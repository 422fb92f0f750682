// Package inline prepares what stands in a template as a text: the code of small
// functions, of which AWS allows 4096 characters, and JSON.
package inline

import (
	"encoding/json"
	"fmt"
	"strings"
)

// most is what the ZipFile property of a function may hold.
const most = 4096

// JavaScript takes out indentation, empty lines and lines that are comments.
// It panics where the rest is too long.
func JavaScript(source string) string {
	var code strings.Builder
	for line := range strings.Lines(source) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			code.WriteString(line + "\n")
		}
	}
	if code.Len() > most {
		panic(fmt.Sprintf("inline: %d characters of code, %d are allowed", code.Len(), most))
	}
	return code.String()
}

// JSON writes a value with its characters as they are: those of a shell script, and
// those with which the CDK writes what it fills in later, which JSON for web pages
// escapes. It is in one line where indent is empty. It panics at what JSON cannot
// hold.
func JSON(value any, indent string) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Errorf("inline: %w", err))
	}
	return strings.TrimSpace(text.String())
}
