package delivery

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/monitor"
)

// logKey encrypts the output of builds; nil where that is not asked for.
func (d *delivery) logKey() awskms.IKey {
	if !d.app.Pipeline.Logs.Encrypted {
		return nil
	}
	return observability.NewLogKey(d, jsii.String("LogKey"), &observability.LogKeyProps{
		Description: "Output of builds of pipeline " + d.app.Name,
	})
}

// queries saves the questions that people ask of the pipeline's logs.
func (d *delivery) queries() {
	scope := constructs.NewConstruct(d, jsii.String("Queries"))
	save := func(id, text string, group awslogs.ILogGroup) {
		observability.NewSavedQuery(scope, &id, &observability.SavedQueryProps{
			Query:         monitor.Query{Name: naming.App(d.app.Name).Query(id), Text: text},
			LogGroupNames: []string{*group.LogGroupName()},
		})
	}
	save("errors-of-builds", monitor.ErrorsQuery(""), d.logs)
	save("deployments", monitor.DeploymentsQuery, d.events)
}
