package delivery

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscodebuild"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodepipeline"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/pipelines"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/internal/policy"
)

// customStep is a step whose commands are a buildspec file of its source.
type customStep struct {
	step pipelines.CodeBuildStep
	file string
}

// finish completes what exists only once the pipeline is built.
func (d *delivery) finish() error {
	for _, custom := range d.custom {
		project := custom.step.Project().Node().DefaultChild().(awscodebuild.CfnProject)
		project.AddPropertyOverride(jsii.String("Source.BuildSpec"), custom.file)
	}
	stages := d.renderedStages()
	d.addTriggers()
	d.limitApprovals(stages)
	if err := errors.Join(d.addConditions(stages), limits(stages)); err != nil {
		return err
	}
	support := *d.codePipeline.CrossRegionSupport()
	for _, region := range slices.Sorted(maps.Keys(support)) {
		if region != d.app.Pipeline.Region {
			d.supportBucket(support[region])
		}
	}
	d.acknowledgeGrants()
	return nil
}

// limitApprovals says how long an approval waits, which the CDK's own step
// leaves at what AWS makes of it.
func (d *delivery) limitApprovals(stages []any) {
	for i, stage := range stages {
		actions, _ := stage.(map[string]any)["actions"].([]any)
		for j, action := range actions {
			action := action.(map[string]any)
			name, _ := action["name"].(string)
			if name == approvalID || strings.HasSuffix(name, "."+approvalID) {
				d.resource.AddPropertyOverride(jsii.String(fmt.Sprintf("Stages.%d.Actions.%d.TimeoutInMinutes", i, j)), d.app.Pipeline.ApprovalTimeout.Minutes())
			}
		}
	}
}

// supportBucket brings the bucket that the CDK makes for artifacts in another
// region to what the one in the pipeline's region has.
func (d *delivery) supportBucket(support *awscodepipeline.CrossRegionSupport) {
	logs := awss3.NewBucket(support.Stack, jsii.String("AccessLogs"), d.accessLogProps())
	logs.AddToResourcePolicy(awsiam.PolicyStatement_FromJson(map[string]any{
		"Effect":    "Allow",
		"Principal": map[string]any{"Service": "logging.s3.amazonaws.com"},
		"Action":    "s3:PutObject",
		"Resource":  *logs.ArnForObjects(jsii.String(artifactLogs + "*")),
		"Condition": map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": d.app.Pipeline.Account}},
	}))
	bucket := support.ReplicationBucket.Node().DefaultChild().(awss3.CfnBucket)
	bucket.SetLoggingConfiguration(&awss3.CfnBucket_LoggingConfigurationProperty{
		DestinationBucketName: logs.BucketName(),
		LogFilePrefix:         jsii.String(artifactLogs),
	})
	bucket.SetVersioningConfiguration(&awss3.CfnBucket_VersioningConfigurationProperty{Status: jsii.String("Enabled")})
	bucket.SetLifecycleConfiguration(&awss3.CfnBucket_LifecycleConfigurationProperty{
		Rules: []awss3.CfnBucket_RuleProperty{{
			Id:                             jsii.String("expire"),
			Status:                         jsii.String("Enabled"),
			ExpirationInDays:               jsii.Number(artifactDays),
			NoncurrentVersionExpiration:    &awss3.CfnBucket_NoncurrentVersionExpirationProperty{NoncurrentDays: jsii.Number(noncurrentDays)},
			AbortIncompleteMultipartUpload: &awss3.CfnBucket_AbortIncompleteMultipartUploadProperty{DaysAfterInitiation: jsii.Number(1)},
		}},
	})
}

// acknowledgeGrants says why the roles that the CDK makes itself have
// wildcards.
func (d *delivery) acknowledgeGrants() {
	const (
		objects  = "CodePipeline names the artifacts; the bucket holds nothing but this pipeline's."
		variants = "What a grant of the CDK on a bucket or key consists of: the variants of reading and writing, on this pipeline's artifacts and notifications."
		alarms   = "CloudWatch checks the permission to describe alarms against all alarms of the region, whichever are asked for."
		logs     = "The CDK's default for a project: log groups and report groups named after it. Its output goes to the log group beside it."
	)
	common := policy.Because{
		`Action::(s3|kms):[A-Za-z]+\*`:                               variants,
		`Resource::(<[^>]+\.Arn>|arn:[^*]+:s3:::[^*]+)/\*`:           objects,
		`Resource::arn:[^*]+:alarm:\*`:                               alarms,
		`Resource::arn:[^*]+:log-group:/aws/codebuild/(<[^>]+>:)?\*`: logs,
		`Resource::arn:[^*]+:report-group/(<[^>]+>-)?\*`:             logs,
		`Resource::arn:\*:iam::[0-9]+:role/\*`:                       "To deploy the pipeline's stacks: a condition leaves only the roles that bootstrapping made for this.",
	}
	with := func(all string) policy.Because {
		reasons := maps.Clone(common)
		reasons[`Resource::\*`] = all
		return reasons
	}
	policy.AcknowledgeGrants(d.stack, d.codePipeline.Role(),
		with("Keys of artifacts in other regions, which the CDK cannot name from here; their own policies name who may use them."))
	policy.AcknowledgeGrants(d.stack, d.pipeline.SelfMutationProject().(awscodebuild.Project).Role(),
		with("What `cdk deploy` looks up before it assumes the roles of the bootstrapping: stacks, and whether the bucket for templates is there."))
	if d.asked.key == nil {
		for _, construct := range *d.Node().FindAll(constructs.ConstructOrder_PREORDER) {
			if project, ok := construct.(awscodebuild.CfnProject); ok {
				acknowledge.All(project, acknowledge.Finding{Rule: "AwsSolutions-CB4",
					Reason: "Within one account artifacts are encrypted with the key that AWS manages for S3, which costs nothing."})
			}
		}
	}
	if assets := d.pipeline.Node().TryFindChild(jsii.String("Assets")); assets != nil {
		for _, id := range []string{"FileRole", "DockerRole"} {
			if role := assets.Node().TryFindChild(jsii.String(id)); role != nil {
				policy.AcknowledgeGrants(d.stack, role, with("The CDK's default for publishing assets: the state of builds, which has no resource to name."))
			}
		}
	}
}
