package naming_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/goldens"
	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/spec"
)

// What is deployed has these names: one that changes replaces the resource.
func TestNamesAreAContract(t *testing.T) {
	app := naming.App("shop")
	prod := app.Stage("prod")
	for name, want := range map[string]string{
		app.PipelineStack():                   "shop-pipeline",
		app.RegistryStack("eu-west-1"):        "shop-registry-eu-west-1",
		app.SupportStack("eu-west-1"):         "shop-pipeline-support-eu-west-1",
		app.Repository("web"):                 "shop/web",
		app.BuildLogs():                       "/tinystack/shop/builds",
		app.DeploymentLogs():                  "/tinystack/shop/deployments",
		app.DeploymentRule():                  "shop-deployments",
		app.Query("deployments"):              "shop/pipeline/deployments",
		app.MetricNamespace():                 "tinystack/shop",
		prod.String():                         "shop-prod",
		prod.Stack("data"):                    "shop-prod-data",
		prod.Alarm("endpoint-5xx", ""):        "shop-prod-endpoint-5xx",
		prod.Alarm("no-tasks", "web"):         "shop-prod-no-tasks-web",
		prod.Namespace():                      "shop-prod.internal",
		prod.RemoteReplica():                  "shop-prod-remote",
		prod.RemoteSlack("eu-west-1"):         "shop-prod-eu-west-1",
		prod.DatabaseSecret():                 "prod/shop/database",
		prod.Query("errors"):                  "shop/prod/errors",
		prod.ErrorMetric("web"):               "prod-web-error-lines",
		prod.TaskRole("web"):                  "shop-prod-web-TaskRole",
		prod.GateRole():                       "shop-prod-gate",
		prod.BakeRole():                       "shop-prod-bake",
		prod.SleepRole():                      "shop-prod-sleep",
		prod.WakerRole():                      "shop-prod-waker",
		naming.Replica("shop-prod", 1):        "shop-prod-replica-1",
		naming.DatabaseLogs("shop-prod", "x"): "/aws/rds/instance/shop-prod/x",
		naming.UserSecret("a/b", "app"):       "a/b/app",
		naming.Rotation("shop-prod"):          "shop-prod-rotation",
		naming.UserRotation("shop-prod"):      "shop-prod-user-rotation",
		naming.AccessLogs("shop-prod"):        "/aws/vendedlogs/apigateway/shop-prod",
	} {
		assert.Equal(t, want, name)
	}
}

func TestLongNamesFit(t *testing.T) {
	long := naming.App(strings.Repeat("a", 40)).Stage(strings.Repeat("s", 40))
	other := naming.App(strings.Repeat("a", 40)).Stage(strings.Repeat("s", 39) + "t")
	for _, role := range []func(naming.Stage) string{naming.Stage.GateRole, naming.Stage.BakeRole, naming.Stage.SleepRole, naming.Stage.WakerRole} {
		assert.Len(t, role(long), 64)
		assert.NotEqual(t, role(long), role(other), "what is cut off is in the sum")
	}
	// The longest names of application and stage that a declaration can have.
	instance := naming.App(strings.Repeat("a", 20)).Stage(strings.Repeat("s", 20)).String()
	one, two := naming.Rotation(instance), naming.UserRotation(instance)
	assert.NotEqual(t, one, two, "both are there while one takes the other's place")
	assert.LessOrEqual(t, max(len(one), len(two)), 64, "the limit of Lambda")
}

// notOurs are the properties that hold a name which is not made here, and whose
// it is.
var notOurs = map[string]string{
	"AWS::ApiGateway::Stage StageName":                             "part of the API's address",
	"AWS::ApiGatewayV2::Stage StageName":                           "part of the API's address",
	"AWS::ApiGatewayV2::DomainName DomainName":                     "declared",
	"AWS::ApiGatewayV2::VpcLink Name":                              "made by the CDK from a path",
	"AWS::ApplicationAutoScaling::ScalingPolicy PolicyName":        "made by the CDK from a path",
	"AWS::ApplicationAutoScaling::ScalableTarget ServiceNamespace": "AWS's",
	"AWS::CertificateManager::Certificate DomainName":              "declared",
	"AWS::EC2::VPCEndpoint ServiceName":                            "AWS's",
	"AWS::IAM::Policy PolicyName":                                  "made by the CDK from a path",
	"AWS::KMS::Alias AliasName":                                    "made by the CDK from a path",
	"AWS::RDS::DBInstance DBName":                                  "declared",
	"AWS::Route53::HostedZone Name":                                "declared",
	"AWS::Route53::RecordSet Name":                                 "declared",
	"AWS::S3::Bucket BucketName":                                   "made by the CDK from a path",
	"AWS::ServiceDiscovery::Service Name":                          "declared: the service's own, within the stage's namespace",
}

// names are what properties are called that hold a name.
var names = regexp.MustCompile(`(Name|Identifier|Namespace)$`)

// Whatever has a name in a template has it from here: a name that is put
// together elsewhere would not be found by the preflight, nor by the command.
func TestEveryNameInATemplateIsMadeHere(t *testing.T) {
	seen := map[string]bool{}
	for golden, of := range goldens.All(t) {
		app, err := of.App.Resolve()
		require.NoError(t, err, golden)
		known := allNames(app)
		for stack, template := range of.Templates {
			assert.True(t, known[stack], "%s: the name of stack %s is made elsewhere", golden, stack)
			for id, resource := range template.Resources {
				for property, value := range resource.Properties {
					name, isText := value.(string)
					place := resource.Type + " " + property
					if !isText || !names.MatchString(property) || strings.HasPrefix(awsNamespace(resource), "AWS/") {
						continue
					}
					seen[place] = true
					if notOurs[place] == "" {
						assert.True(t, known[name], "%s: %q, of %s, %s, is made elsewhere", golden, name, id, place)
					}
				}
			}
		}
	}
	for place := range notOurs {
		if strings.HasPrefix(place, "AWS::ApiGateway::") || strings.HasPrefix(place, "AWS::Route53::HostedZone") || strings.HasPrefix(place, "AWS::ServiceDiscovery::Service") {
			continue // in templates of package endpoint only
		}
		assert.True(t, seen[place], "%s is in no template any more", place)
	}
}

// awsNamespace is the namespace of the metric of an alarm: AWS names its own.
func awsNamespace(resource goldens.Resource) string {
	namespace, _ := resource.Properties["Namespace"].(string)
	return namespace
}

// allNames are the results of every method of an application and its stages for
// every word that a name can be made of.
func allNames(app spec.App) map[string]bool {
	words := []string{"errors", "volume", "slowest-requests", "failed-requests", "status-by-path", "errors-of-builds", "deployments", string(spec.AlarmStageUnwell)}
	words = append(words, spec.StageStacks()...)
	for _, id := range spec.AlarmIDs() {
		words = append(words, string(id))
	}
	for _, service := range app.Services {
		words = append(words, service.Name)
	}
	for _, stage := range app.Stages {
		words = append(words, stage.Region)
	}
	words = append(words, "")
	of := naming.App(app.Name)
	all := map[string]bool{app.Name: true}
	collect(all, reflect.ValueOf(of), words)
	for _, declared := range app.Stages {
		stage := of.Stage(declared.Name)
		collect(all, reflect.ValueOf(stage), words)
		all[naming.AccessLogs(stage.String())] = true
		if declared.NewDatabase() {
			for _, log := range declared.Database.LogExports {
				all[naming.DatabaseLogs(stage.String(), log)] = true
			}
		}
	}
	return all
}

// collect calls all methods that give a text, with every combination of words.
func collect(into map[string]bool, of reflect.Value, words []string) {
	for i := range of.NumMethod() {
		method := of.Method(i)
		if method.Type().NumOut() != 1 || method.Type().Out(0).Kind() != reflect.String {
			continue
		}
		combinations := [][]reflect.Value{{}}
		for range method.Type().NumIn() {
			var longer [][]reflect.Value
			for _, before := range combinations {
				for _, word := range words {
					longer = append(longer, append(slices.Clone(before), reflect.ValueOf(word)))
				}
			}
			combinations = longer
		}
		for _, arguments := range combinations {
			into[method.Call(arguments)[0].String()] = true
		}
	}
}
