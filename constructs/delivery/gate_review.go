package delivery

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/pipelines"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/policy"
)

//go:embed scripts/review.sh
var reviewScript string

const (
	reviewID = "Review"
	// reviews is where reports begin in the bucket of artifacts.
	reviews = "reviews/"
	// reviewMinutes is what comparing a stage takes at most.
	reviewMinutes = 30
)

// approvals are the steps by which a person lets commits into stages: mostly
// the approval alone, and before it the report of what would change where a
// stage asks for one.
func (d *delivery) approvals(title string, stages []StageDeployment) []pipelines.Step {
	var reviewed []StageDeployment
	for _, stage := range stages {
		if stage.Spec.Review {
			reviewed = append(reviewed, stage)
		}
	}
	if len(reviewed) == 0 {
		return []pipelines.Step{d.approval(title, nil)}
	}
	review := d.review(title, reviewed)
	approval := d.approval(title, review)
	approval.AddStepDependency(review)
	return []pipelines.Step{review, approval}
}

// review compares what would be deployed with what is. It runs no code of the
// commit: it reads templates.
func (d *delivery) review(title string, stages []StageDeployment) pipelines.CodeBuildStep {
	var patterns, roles []string
	for _, stage := range stages {
		patterns = append(patterns, *stage.Stage.Node().Path()+"/**")
		roles = append(roles, lookupRoles(stage.Stage)...)
	}
	if !d.reviewing {
		// A report is of use until somebody decided.
		d.artifacts.AddLifecycleRule(&awss3.LifecycleRule{
			Id:         jsii.String("reviews"),
			Prefix:     jsii.String(reviews),
			Expiration: d.days((d.app.Pipeline.ApprovalTimeout.Minutes()+24*60-1)/(24*60) + 1),
		})
		d.reviewing = true
	}
	name := stages[0].Spec.Name
	folder := reviews + name
	statements := []policy.Statement{
		policy.Allow([]string{"s3:PutObject"}, d.asked.bucketARN+"/"+folder+"/*"),
		policy.Allow([]string{"sts:AssumeRole"}, roles...),
	}
	if d.asked.key != nil {
		statements = append(statements, policy.Allow([]string{"kms:GenerateDataKey"}, d.asked.keyARN))
	}
	scope := constructs.NewConstruct(d, jsii.String("Review "+name))
	commands := append(*script(withCDK(reviewScript)),
		// In the shell that the variables are exported from.
		jsii.String("TINYSTACK_REVIEW=$(cat tinystack-review) && export TINYSTACK_REVIEW"),
		jsii.String("TINYSTACK_CHANGED=$(cat tinystack-changed) && export TINYSTACK_CHANGED"))
	return pipelines.NewCodeBuildStep(jsii.String(reviewID), &pipelines.CodeBuildStepProps{
		Input: d.pipeline.CloudAssemblyFileSet(),
		Env: &map[string]*string{
			"AWS_REGION":        jsii.String(d.app.Pipeline.Region),
			"S3_BUCKET":         &d.asked.bucketName,
			"TINYSTACK_REVIEWS": jsii.String(folder),
			"TINYSTACK_STACKS":  jsii.String(strings.Join(patterns, "\n")),
		},
		Commands:         &commands,
		PartialBuildSpec: d.asked.node,
		BuildEnvironment: d.environment(),
		Logging:          d.logging("review-" + name),
		Timeout:          d.minutes(reviewMinutes),
		Role:             d.buildRole(scope, "Role", "", "Compares what "+d.app.Name+" would deploy to "+title+" with what is there", readOnly, statements...),
	})
}

// reviewLink leads to a report. Whoever follows it needs to be signed in, and
// to be allowed to read it.
func (d *delivery) reviewLink(report string) string {
	region := d.app.Pipeline.Region
	return fmt.Sprintf("%s/s3/object/%s?region=%s&prefix=%s", consoleOf(region), d.asked.bucketName, region, report)
}

// lookupRoles are the roles that bootstrapping made for reading a stage's
// account; they cannot change anything, nor decrypt.
func lookupRoles(stage awscdk.Stage) []string {
	var roles []string
	seen := map[string]bool{}
	for _, node := range *stage.Node().FindAll(constructs.ConstructOrder_PREORDER) {
		stack, ok := node.(awscdk.Stack)
		if !ok {
			continue
		}
		role := stack.Synthesizer().LookupRole()
		if role == nil {
			continue
		}
		arn := strings.ReplaceAll(*role, "${AWS::Partition}", partitionOf(*stack.Region()))
		if !seen[arn] {
			seen[arn] = true
			roles = append(roles, arn)
		}
	}
	return roles
}

const (
	// approvalID names the actions that wait for a person.
	approvalID = "Approve"
)

// approval waits for a person, who is told what would go where, with a link to
// the commit, or to the report of what would change.
func (d *delivery) approval(into string, review pipelines.CodeBuildStep) pipelines.ManualApprovalStep {
	application := d.sources[0]
	props := &pipelines.ManualApprovalStepProps{
		Comment:   jsii.String(fmt.Sprintf("Let commit %s of %s into %s?", application.commit, d.app.Name, into)),
		ReviewUrl: jsii.String(application.link),
	}
	if review != nil {
		// What a comment names the CDK makes known to the link, too.
		report := *review.ExportedVariable(jsii.String("TINYSTACK_REVIEW"))
		*props.Comment += fmt.Sprintf(" Stacks that would change: %s, see %s", *review.ExportedVariable(jsii.String("TINYSTACK_CHANGED")), report)
		props.ReviewUrl = jsii.String(d.reviewLink(report))
	}
	if d.topic != nil {
		props.NotificationTopic = d.topic
	}
	return pipelines.NewManualApprovalStep(jsii.String(approvalID), props)
}
