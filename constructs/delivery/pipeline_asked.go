package delivery

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodebuild"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
)

// asked holds what many steps of a pipeline refer to: tokens and objects of the
// CDK, which each take a message to ask for.
type asked struct {
	bucketName, bucketARN string
	// key encrypts the artifacts; nil where S3's own does.
	key    awskms.Key
	keyARN string
	// logsARN is the ARN of the log group of builds.
	logsARN string
	// image is what CodeBuild runs a project in, unless it builds ARM images.
	image awscodebuild.IBuildImage
	// builder is CodeBuild, as the principal of roles.
	builder awsiam.IPrincipal
	// node is the part of a buildspec that installs Node.
	node awscodebuild.BuildSpec
	// private is a bucket that nobody can open to the world.
	private awss3.BlockPublicAccess
	// minutes and days are durations, by their number.
	minutes, days map[int]awscdk.Duration
}

// newAsked holds what needs nothing of the pipeline.
func newAsked() asked {
	return asked{
		private: awss3.BlockPublicAccess_BLOCK_ALL(),
		image:   awscodebuild.LinuxBuildImage_AMAZON_LINUX_2023_5(),
		builder: awsiam.NewServicePrincipal(jsii.String("codebuild.amazonaws.com"), nil),
		node:    nodeRuntime(),
		minutes: map[int]awscdk.Duration{},
		days:    map[int]awscdk.Duration{},
	}
}

// ask fills in what is there once bucket and log group are.
func (d *delivery) ask() {
	d.asked.bucketName, d.asked.bucketARN = *d.artifacts.BucketName(), *d.artifacts.BucketArn()
	if d.asked.key != nil {
		d.asked.keyARN = *d.asked.key.KeyArn()
	}
	d.asked.logsARN = *d.logs.LogGroupArn()
}

func (d *delivery) minutes(n int) awscdk.Duration {
	duration, made := d.asked.minutes[n]
	if !made {
		duration = awscdk.Duration_Minutes(jsii.Number(n))
		d.asked.minutes[n] = duration
	}
	return duration
}

func (d *delivery) days(n int) awscdk.Duration {
	duration, made := d.asked.days[n]
	if !made {
		duration = awscdk.Duration_Days(jsii.Number(n))
		d.asked.days[n] = duration
	}
	return duration
}

// encryptionKey encrypts the artifacts; nil where S3's own does.
func (d *delivery) encryptionKey() awskms.IKey {
	if d.asked.key == nil {
		return nil // and not an interface that holds nil
	}
	return d.asked.key
}

// renderedStages are the stages of the pipeline, with their actions, as they
// stand in the template so far.
func (d *delivery) renderedStages() []any {
	return d.stack.Resolve(d.resource.Stages()).([]any)
}

// stageNames are the names of rendered stages.
func stageNames(rendered []any) []string {
	var names []string
	for _, stage := range rendered {
		names = append(names, stage.(map[string]any)["name"].(string))
	}
	return names
}
