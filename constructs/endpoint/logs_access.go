package endpoint

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/naming"
)

// newAccessLogs makes the log group of an API. It goes when the API goes: its
// name is fixed, so a group that stayed would be in the way of the next one.
func newAccessLogs(scope constructs.Construct, name string, retentionDays int) awslogs.LogGroup {
	return observability.NewLogGroup(scope, jsii.String(idAccessLogs), &observability.LogGroupProps{
		Name:          naming.AccessLogs(name),
		RetentionDays: retentionDays,
	})
}

// accessLogFormat is one JSON object a request. Query strings and headers are
// left out: people put secrets there.
func accessLogFormat() *string {
	fields := [][2]string{
		{"requestId", "$context.requestId"},
		{"requestTime", "$context.requestTime"},
		{"ip", "$context.identity.sourceIp"},
		{"userAgent", "$context.identity.userAgent"},
		{"domainName", "$context.domainName"},
		{"method", "$context.httpMethod"},
		{"path", "$context.path"},
		{"protocol", "$context.protocol"},
		{"status", "$context.status"},
		{"responseLength", "$context.responseLength"},
		{"responseLatency", "$context.responseLatency"},
		{"integrationStatus", "$context.integrationStatus"},
		{"integrationLatency", "$context.integrationLatency"},
		{"integrationError", "$context.integrationErrorMessage"},
	}
	members := make([]string, len(fields))
	for i, field := range fields {
		members[i] = `"` + field[0] + `":"` + field[1] + `"`
	}
	return jsii.String("{" + strings.Join(members, ",") + "}")
}
