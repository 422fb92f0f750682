package stacks

import (
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/delivery"
	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/declared"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// TinyStackProps says what application is wanted.
type TinyStackProps struct {
	// App is the declaration. Required.
	App spec.App

	// Tags are the image tags to run, by service: the commits that the
	// pipeline's execution built. Default: each stage runs the image that is
	// tagged with the stage's name. See [TagsFromEnvironment].
	Tags map[string]string

	// OnStage is called with each stage when it is complete, and is the place
	// to add aspects, tags and resources of one's own to it. After
	// [NewTinyStack] it is too late where there is a pipeline, which
	// synthesizes the stages as soon as it is made. Default: nothing.
	OnStage func(Stage)
}

// ReplacementsMetadata is the type of the metadata, on the root of the app,
// that holds [spec.App.Replacements].
const ReplacementsMetadata = "tinystack:replacements"

// SaidMetadata is the type of the metadata, on the root of the app, that holds
// what people are to hear of a declaration: warnings, as texts. Package app
// prints them.
const SaidMetadata = "tinystack:said"

// TinyStack is a whole application: its stages, and the pipeline and image
// repositories that deliver it.
type TinyStack interface {
	constructs.Construct
	// Declaration is the application, complete.
	Declaration() spec.App
	// Stages in the declared order.
	Stages() []Stage
	// Delivery is the pipeline; nil without one.
	Delivery() delivery.Delivery
}

type tinyStack struct {
	constructs.Construct
	app      spec.App
	stages   []*stage
	delivery delivery.Delivery
}

// NewTinyStack makes the whole application. Its scope is the CDK app, or
// anything else above stacks. It panics with all problems of the declaration
// if there are any, and with a [*preflight.Refusal] where AWS would reject it.
func NewTinyStack(scope constructs.Construct, id *string, props *TinyStackProps) TinyStack {
	declaration, err := declared.Check(props.App)
	if err != nil {
		panic(err)
	}
	app := declaration.App
	t := &tinyStack{app: app}
	constructs.NewConstruct_Override(t, scope, id)
	// Package app reads these from the root when all is made.
	t.note(ReplacementsMetadata, app.Replacements)
	t.note(SaidMetadata, declaration.Said)
	above := appliedAbove(t)
	for _, declared := range app.Stages {
		made := newStage(t, jsii.String(declared.Name), &StageProps{App: app, Name: declared.Name, Tags: props.Tags}, above)
		if props.OnStage != nil {
			props.OnStage(made)
		}
		t.stages = append(t.stages, made)
	}
	if app.Pipeline != nil {
		t.addDelivery()
	}
	return t
}

// note leaves texts on the root of the app.
func (t *tinyStack) note(kind string, texts []string) {
	if len(texts) > 0 {
		t.Node().Root().Node().AddMetadata(&kind, texts, nil)
	}
}

func (t *tinyStack) Declaration() spec.App       { return t.app }
func (t *tinyStack) Delivery() delivery.Delivery { return t.delivery }

func (t *tinyStack) Stages() []Stage {
	var all []Stage
	for _, made := range t.stages {
		all = append(all, made)
	}
	return all
}

// addDelivery makes the pipeline, and in its own region and every other one
// where a stage is, the image repositories. They are stacks of their own, so
// that images outlive a pipeline that is deleted.
func (t *tinyStack) addDelivery() {
	stack := t.newStack("Pipeline", t.app.PipelineStackName(), t.app.Pipeline.Region, "delivery pipeline")
	built := delivery.BuiltServices(t.app)
	for _, place := range delivery.RegistryRegions(t.app) {
		registry := t.newStack("Registry-"+place.Region, t.app.RegistryStackName(place.Region), place.Region, "image repositories")
		delivery.NewRegistry(registry, jsii.String("Registry"), &delivery.RegistryProps{
			App:          t.app.Name,
			Services:     built,
			Stages:       place.Stages,
			PullAccounts: place.PullAccounts,
			KeepImages:   t.app.Pipeline.KeepImages,
		})
		stack.AddStackDependency(registry, jsii.String("the pipeline pushes images to it"))
	}
	t.delivery = delivery.NewDelivery(stack, jsii.String("Delivery"), &delivery.DeliveryProps{
		App:          t.app,
		Stages:       t.deployments(),
		BuildSpecs:   t.app.BuildFiles("build.yml"),
		ReleaseSpecs: t.app.BuildFiles("release.yml"),
	})
	if *t.app.Pipeline.Dashboard {
		observability.NewDashboard(stack, jsii.String("Dashboard"), &observability.DashboardProps{
			Name: t.app.Name,
			Body: monitor.Stages(t.app, *stack.Partition(), monitor.PipelineLogs{
				Builds: *t.delivery.LogGroup().LogGroupName(), Deployments: *t.delivery.History().LogGroupName(),
			}),
		})
	}
}

func (t *tinyStack) newStack(id, name, region, description string) awscdk.Stack {
	stack := awscdk.NewStack(t, &id, &awscdk.StackProps{
		StackName:   &name,
		Description: jsii.String(t.app.StackOwner() + description),
		Env:         &awscdk.Environment{Account: &t.app.Pipeline.Account, Region: &region},
	})
	tag(stack, t.app, "")
	return stack
}

// deployments are the stages as the pipeline sees them.
func (t *tinyStack) deployments() []delivery.StageDeployment {
	var deployments []delivery.StageDeployment
	for _, made := range t.stages {
		serviceNames := map[string]awscdk.CfnOutput{}
		for _, each := range made.services {
			if each.service != nil {
				serviceNames[each.declared.Name] = each.nameOutput
			}
		}
		deployments = append(deployments, delivery.StageDeployment{
			Stage:        made,
			Spec:         made.declared,
			GateRoleARN:  made.gateRoleARN(),
			AlarmNames:   made.watch.gates,
			ClusterARN:   made.clusterARN,
			ServiceNames: serviceNames,
			URL:          made.entrance.url,
			ServiceStack: made.called().Stack(spec.ServiceStack),
		})
	}
	return deployments
}

// TagsFromEnvironment are the commits that the pipeline's execution built, by
// service, as its synth step finds them in the environment. It is empty
// elsewhere.
func TagsFromEnvironment(app spec.App) map[string]string {
	tags := map[string]string{}
	for _, declared := range app.Services {
		if !declared.Builds() {
			continue
		}
		variable := delivery.CommitVariable("")
		if declared.Source != nil {
			variable = delivery.CommitVariable(declared.Name)
		}
		if commit := os.Getenv(variable); commit != "" {
			tags[declared.Name] = commit
		}
	}
	return tags
}
