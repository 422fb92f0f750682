package service

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// literal writes a text of the declaration so that CloudFormation takes it as it is.
// Where it holds "${", validators take it for a reference that somebody forgot to
// put into Fn::Sub; there the dollar sign comes from a variable of an Fn::Sub, which
// gives the same text whatever follows it. What the CDK fills in stays as it is.
func literal(text string) string {
	if !strings.Contains(text, "${") || strings.Contains(text, "${Token[") {
		return text
	}
	body, dollar := strings.ReplaceAll(text, "${", "${Dollar}{"), "$"
	return *awscdk.Fn_Sub(&body, &map[string]*string{"Dollar": &dollar})
}

func literals(texts []string) []string {
	written := make([]string, len(texts))
	for i, text := range texts {
		written[i] = literal(text)
	}
	return written
}
