// Package optional says to the CDK that nothing is said.
package optional

// Text is nil where there is no text, so that the CDK takes its default.
func Text(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
