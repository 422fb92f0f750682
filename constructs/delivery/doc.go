// Package delivery carries every commit of an application from its source
// through the stages: image repositories, a pipeline that builds each image
// once and deploys the stages in order, approvals, gates and notifications.
//
// The order of a pipeline is
//
//	Source → Build (synth) → UpdatePipeline → Assets → Images → stages
//
// The pipeline updates itself before it builds images, so a change of the
// declaration takes effect in the execution that brings it. Nothing in the
// pipeline's own template depends on the commit: the commit reaches the synth
// step and the image builds as pipeline variables, and only the stages'
// templates name it (see [CommitVariable]).
//
// An image is built once per commit and tagged with it. That tag never moves.
// After a stage has taken the commit, the image is tagged with the stage's
// name, too: a moving tag that tells people, and lifecycle rules, what runs
// where. No task definition refers to a moving tag, so a commit that is
// promoted while another one waits for approval cannot be swapped.
//
// # Rooms
//
// A file's name begins with the room that it is in; the file of just that name is
// the way in.
//
//	delivery    what is wanted and what there is: [DeliveryProps], [Delivery]
//	source      where code comes from: a kind of source each, and who may clone it
//	images      the build of each image; its repository; the history that rollback needs
//	stages      the stages in order and in waves, and the deployment of each
//	release     what runs after a deployment: the stage's tag, and release buildspecs
//	gate        what a commit has to pass: approvals and reviews, smoke tests, bakes,
//	            conditions of CodePipeline, a canary's sleep, and the protection of all that
//	watch       who hears of builds and approvals, and what reads their logs
//	pipeline    what is done to the pipeline as a whole: artifacts, limits, names, roles, and
//	            what the CDK is asked once
//
// A new kind of gate is a file gate_….go with the step or condition that it consists of,
// called where a commit meets it (after, in stages.go, for a step; addConditions for
// a condition), its place in package course, which preflight and cost read, and its line in
// gates.js, so that a commit that weakens it is held.
//
// # Buildspecs
//
// An image is built by a generated script, or by a buildspec file of the
// service's own source ([spec.Service.BuildSpec], [DeliveryProps.BuildSpecs]).
// Another file can run after each stage's deployment ([spec.Service.ReleaseSpec],
// [DeliveryProps.ReleaseSpecs]). Both find in their environment
//
//	AWS_REGION              the pipeline's region
//	S3_BUCKET               the bucket with the pipeline's artifacts
//	ECR_ENDPOINT            the registry in the pipeline's region
//	ECR_IMAGE_URL           the service's repository there, without a tag
//	IMAGE_TAG               the commit, as the tag of the image
//
//	STAGE_NAME              the stage; in a build, which serves all, the first
//	PREVIOUS_STAGE_NAME     the stage before it, "latest" before the first
//	STAGE_REGION            the stage's region
//	REGIONAL_ECR_ENDPOINT   the registry in the stage's region, and
//	REGIONAL_ECR_IMAGE_URL  the repository there, if that is another region
//
// and a release also
//
//	CLUSTER_ARN             the stage's cluster, and the service's name in it:
//	SERVICE_NAME            outputs of its stack ([StageDeployment.ClusterARN])
//
// Outputs reach a step as variables of the deployment's action, so a stage in
// another account or region needs no permission for that.
//
// A buildspec that pushes nothing under IMAGE_TAG fails the execution before
// any stage is touched. None has to update a service: CloudFormation owns the
// task definition. The role of a release may push and tag the application's
// images, and nothing in the stage's account.
//
// # What has to be there
//
// Every account and region of a stage is bootstrapped for the CDK with
// --trust for the pipeline's account, before the pipeline is deployed for the
// first time: the policies of its bucket and key name the roles made by that.
// The pipeline's account is bootstrapped in every region that has a stage.
// A CodeConnections connection is made in the console. A bucket that is a
// source has versions and sends its events to EventBridge:
//
//	aws s3api put-bucket-notification-configuration --bucket BUCKET \
//	  --notification-configuration '{"EventBridgeConfiguration": {}}'
//
// # Deployments
//
// Where a stage bakes and anything in it fails, CodePipeline takes the stage
// back to the last commit that passed it, if the pipeline has not changed since,
// and goes no further.
//
// # Gates
//
// Approvals, smoke tests, reviews and most bakes are actions; windows, bakes
// whose alarms CodePipeline can see, and the way back are conditions of a stage
// of the pipeline. What a condition does it does to the whole stage, so an
// approval, the tag after a bake by rules and a canary's sleep have stages of
// the pipeline of their own where that matters (see docs/canary.md).
//
// With [spec.Pipeline.ProtectGates] the pipeline compares its gates with those
// that a commit brings before it updates itself.
//
// Stages are deployed by CloudFormation, straight from the templates of the
// execution and without change sets: nobody looks at a change set between its
// making and its execution, and it doubles the actions of a pipeline.
package delivery
