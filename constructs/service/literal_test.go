package service_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/stretchr/testify/assert"

	"github.com/tinystack-go/tinystack/constructs/service"
	"github.com/tinystack-go/tinystack/internal/synthtest"
)

// CloudFormation puts together the text that was given, whatever stands in it.
func TestALiteralIsWhatWasGiven(t *testing.T) {
	stack := synthtest.Stack(synthtest.NewApp(t), "stack")
	sub := func(body string) any {
		return map[string]any{"Fn::Sub": []any{body, map[string]any{"Dollar": "$"}}}
	}
	for given, want := range map[string]any{
		"plain $HOME $$":     "plain $HOME $$",
		"echo ${HOME}":       sub("echo ${Dollar}{HOME}"),
		"${!A} $${B} ${":     sub("${Dollar}{!A} $${Dollar}{B} ${Dollar}{"),
		*awscdk.Aws_REGION(): map[string]any{"Ref": "AWS::Region"},
	} {
		assert.Equal(t, want, stack.Resolve(service.Literal(given)), given)
	}
}
