package delivery

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/monitor"
)

// dashboard shows all stages on one page, and saves the questions that people
// ask of the pipeline's logs.
func (d *delivery) dashboard(history awslogs.ILogGroup) {
	if *d.app.Pipeline.Dashboard {
		observability.NewDashboard(d, jsii.String("Dashboard"), &observability.DashboardProps{
			Name: d.app.Name,
			Body: monitor.Stages(d.app, partitionOf(d.app.Pipeline.Region), monitor.PipelineLogs{
				Builds: *d.logs.LogGroupName(), Deployments: *history.LogGroupName(),
			}),
		})
	}
	queries := constructs.NewConstruct(d, jsii.String("Queries"))
	save := func(id, text string, group awslogs.ILogGroup) {
		observability.NewSavedQuery(queries, &id, &observability.SavedQueryProps{
			Query:     monitor.Query{Name: d.app.Name + "/pipeline/" + id, Text: text},
			LogGroups: []awslogs.ILogGroup{group},
		})
	}
	save("errors-of-builds", monitor.ErrorsQuery(""), d.logs)
	save("deployments", monitor.DeploymentsQuery, history)
}
