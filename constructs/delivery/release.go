package delivery

import (
	_ "embed"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/pipelines"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/policy"
	"github.com/tinystack-go/tinystack/spec"
)

//go:embed scripts/release.sh
var releaseScript string

// releaseRole tags images, and with a release buildspec pulls and pushes them.
func (d *delivery) releaseRole() awsiam.IRole {
	if len(d.built) == 0 {
		return nil
	}
	actions := []string{"ecr:BatchGetImage", "ecr:PutImage"}
	var statements []policy.Statement
	cloned := map[*source]bool{}
	for _, service := range d.built {
		source := d.sourceOf(service)
		if d.releaseSpec(service) == "" || cloned[source] {
			continue
		}
		if len(cloned) == 0 {
			actions = append(actions, "ecr:BatchCheckLayerAvailability", "ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer",
				"ecr:InitiateLayerUpload", "ecr:UploadLayerPart")
			statements = append(statements, policy.Allow([]string{"ecr:GetAuthorizationToken"}, "*"))
		}
		cloned[source] = true
		statements = append(statements, source.clone...)
	}
	statements = append(statements, policy.Allow(actions, d.repositories(d.built...)...))
	return d.buildRole(d, "ReleaseRole", "", "Tags the images of "+d.app.Name+" with the stages that run them", readOnly, statements...)
}

// release puts the stage's name on the images that the stage now runs.
func (d *delivery) release(stage StageDeployment, previous string, role awsiam.IRole) pipelines.CodeBuildStep {
	env := d.releaseEnv(stage, d.built[0], previous)
	regions := []string{d.app.Pipeline.Region}
	if stage.Spec.Region != d.app.Pipeline.Region {
		regions = append(regions, stage.Spec.Region)
	}
	var images []string
	for _, service := range d.built {
		variable := CommitVariable("")
		if service.Source != nil {
			variable = CommitVariable(service.Name)
		}
		images = append(images, RepositoryName(d.app.Name, service.Name)+"="+variable)
		env[variable] = jsii.String(d.sourceOf(service).commit)
	}
	env["TINYSTACK_IMAGES"] = jsii.String(strings.Join(images, " "))
	env["TINYSTACK_REGIONS"] = jsii.String(strings.Join(regions, " "))
	return d.step("Release", script(releaseScript), env, "release-"+stage.Spec.Name, role, nil)
}

// customRelease runs a buildspec of a service's source; finish puts the file
// in place of the commands.
func (d *delivery) customRelease(stage StageDeployment, service spec.Service, previous string, role awsiam.IRole) pipelines.CodeBuildStep {
	env := d.releaseEnv(stage, service, previous)
	env["IMAGE_TAG"] = jsii.String(d.sourceOf(service).commit)
	outputs := map[string]awscdk.CfnOutput{}
	if stage.ClusterARN != nil {
		outputs["CLUSTER_ARN"] = stage.ClusterARN
	}
	if name := stage.ServiceNames[service.Name]; name != nil {
		outputs["SERVICE_NAME"] = name
	}
	host := d.dockerEnvironment()
	return pipelines.NewCodeBuildStep(jsii.String(releaseSpecID(service.Name)), &pipelines.CodeBuildStepProps{
		Input:             d.sourceOf(service).step,
		Env:               &env,
		EnvFromCfnOutputs: &outputs,
		Commands:          jsii.Strings("exit 1"),
		BuildEnvironment:  host,
		Logging:           d.logging("release-" + stage.Spec.Name + "-" + service.Name),
		Timeout:           d.minutes(d.app.Build.Timeout.Minutes()),
		Role:              role,
	})
}

func releaseSpecID(service string) string { return service + "-Release" }

// releaseEnv is the environment of a stage's releases.
func (d *delivery) releaseEnv(stage StageDeployment, service spec.Service, previous string) map[string]*string {
	account, region := d.app.Pipeline.Account, d.app.Pipeline.Region
	env := map[string]*string{
		"AWS_REGION":    jsii.String(region),
		"S3_BUCKET":     &d.asked.bucketName,
		"ECR_ENDPOINT":  jsii.String(RegistryHost(account, region)),
		"ECR_IMAGE_URL": jsii.String(RegistryHost(account, region) + "/" + RepositoryName(d.app.Name, service.Name)),
	}
	for name, value := range d.stageEnv(stage.Spec, service, previous) {
		env[name] = jsii.String(value)
	}
	return env
}

// stageEnv is what the environment of a build or release says of a stage.
func (d *delivery) stageEnv(stage spec.Stage, service spec.Service, previous string) map[string]string {
	env := map[string]string{
		"STAGE_NAME":          stage.Name,
		"PREVIOUS_STAGE_NAME": previous,
		"STAGE_REGION":        stage.Region,
	}
	if stage.Region != d.app.Pipeline.Region {
		host := RegistryHost(d.app.Pipeline.Account, stage.Region)
		env["REGIONAL_ECR_ENDPOINT"] = host
		env["REGIONAL_ECR_IMAGE_URL"] = host + "/" + RepositoryName(d.app.Name, service.Name)
	}
	return env
}
