package observability

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/monitor"
)

// DashboardProps says what a dashboard shows.
type DashboardProps struct {
	// Name of the dashboard, which its account has once. Required.
	Name string
	// Body is what it shows. Required.
	Body monitor.Body
}

// NewDashboard makes a page in CloudWatch.
func NewDashboard(scope constructs.Construct, id *string, props *DashboardProps) awscloudwatch.CfnDashboard {
	return awscloudwatch.NewCfnDashboard(scope, id, &awscloudwatch.CfnDashboardProps{
		DashboardName: &props.Name,
		DashboardBody: jsii.String(props.Body.JSON()),
	})
}
