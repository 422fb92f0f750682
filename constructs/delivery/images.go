package delivery

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscodebuild"
	"github.com/aws/aws-cdk-go/awscdk/v2/pipelines"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/policy"
	"github.com/tinystack-go/tinystack/spec"
)

//go:embed scripts/build.sh
var buildScript string

// architecture is the one that all stages' instances have: there is one image.
func architecture(props *DeliveryProps) (string, error) {
	var found instances.Arch
	var of string
	for _, stage := range props.Stages {
		name := stage.Spec.Scale.Instance
		arch, known := instances.ArchOf(name)
		if t, ok := instances.Lookup(name); ok {
			arch, known = t.Arch, true
		}
		if !known {
			continue
		}
		if found != "" && arch != found {
			return "", fmt.Errorf("stages %s and %s (%s) have instances of different CPU architectures (%s and %s), and the image is built for one: choose instance types of the same architecture",
				of, stage.Spec.Name, name, found, arch)
		}
		if found == "" {
			found, of = arch, fmt.Sprintf("%s (%s)", stage.Spec.Name, name)
		}
	}
	if found == "" {
		found = instances.X8664
	}
	return string(found), nil
}

// addImages builds all images side by side.
func (d *delivery) addImages() {
	if len(d.built) == 0 {
		return
	}
	scope := constructs.NewConstruct(d, jsii.String("Images"))
	var steps []pipelines.Step
	for _, service := range d.built {
		build := d.build(scope, service)
		steps = append(steps, build)
		if file := d.buildSpec(service); file != "" {
			d.custom = append(d.custom, customStep{build, file})
			distribute := d.distribute(scope, service)
			distribute.AddStepDependency(build)
			steps = append(steps, distribute)
		}
	}
	d.pipeline.AddWave(jsii.String("Images"), &pipelines.WaveOptions{Post: &steps})
}

// buildSpec is the buildspec file that builds a service's image, or nothing.
func (d *delivery) buildSpec(service spec.Service) string {
	if service.BuildSpec != "" {
		return service.BuildSpec
	}
	return d.props.BuildSpecs[service.Name]
}

// releaseSpec is the buildspec file that runs after each stage's deployment,
// or nothing.
func (d *delivery) releaseSpec(service spec.Service) string {
	if service.ReleaseSpec != "" {
		return service.ReleaseSpec
	}
	return d.props.ReleaseSpecs[service.Name]
}

// build makes a service's image, by its own buildspec or the generated one.
// Whatever the buildspec does, it does with this role.
func (d *delivery) build(scope constructs.Construct, service spec.Service) pipelines.CodeBuildStep {
	source := d.sourceOf(service)
	return pipelines.NewCodeBuildStep(jsii.String(service.Name), &pipelines.CodeBuildStepProps{
		Input:            source.step,
		Env:              d.buildEnv(service),
		Commands:         script(buildScript),
		BuildEnvironment: d.dockerEnvironment(),
		Logging:          d.logging("build-" + service.Name),
		Timeout:          d.minutes(d.app.Build.Timeout.Minutes()),
		Role: d.buildRole(scope, service.Name+"Role", "", "Builds the image of "+d.app.Name+"/"+service.Name, readOnly,
			append(d.push(service), source.clone...)...),
	})
}

// distribute follows a buildspec of the user's: it makes sure that the image
// is there under the commit's tag, and brings it to the other regions.
func (d *delivery) distribute(scope constructs.Construct, service spec.Service) pipelines.CodeBuildStep {
	env := *d.buildEnv(service)
	env["TINYSTACK_COPY_ONLY"] = jsii.String("true")
	return pipelines.NewCodeBuildStep(jsii.String(service.Name+"-Distribute"), &pipelines.CodeBuildStepProps{
		Input:            d.pipeline.CloudAssemblyFileSet(),
		Env:              &env,
		Commands:         script(buildScript),
		BuildEnvironment: d.dockerEnvironment(),
		Logging:          d.logging("distribute-" + service.Name),
		Timeout:          d.minutes(d.app.Build.Timeout.Minutes()),
		Role: d.buildRole(scope, service.Name+"DistributeRole", "", "Copies the image of "+d.app.Name+"/"+service.Name+" to other regions", readOnly,
			d.push(service)...),
	})
}

// dockerEnvironment runs Docker, which is what a privileged container is for.
func (d *delivery) dockerEnvironment() *awscodebuild.BuildEnvironment {
	host := d.environment()
	host.Privileged = jsii.Bool(true)
	if d.arch == string(instances.ARM64) {
		host.BuildImage = awscodebuild.LinuxArmBuildImage_AMAZON_LINUX_2023_STANDARD_3_0()
	}
	return host
}

// buildEnv is the environment of a service's image build. The commit is a
// variable of the pipeline; everything else is known now.
func (d *delivery) buildEnv(service spec.Service) *map[string]*string {
	account, region := d.app.Pipeline.Account, d.app.Pipeline.Region
	platform := "linux/amd64"
	if d.arch == string(instances.ARM64) {
		platform = "linux/arm64"
	}
	var registries []string
	for _, r := range d.registryRegions() {
		registries = append(registries, r+"="+RegistryHost(account, r))
	}
	env := map[string]*string{}
	for name, value := range d.app.Build.Variables {
		env[name] = jsii.String(value)
	}
	for name, value := range map[string]string{
		"AWS_REGION":           region,
		"S3_BUCKET":            d.asked.bucketName,
		"ECR_ENDPOINT":         RegistryHost(account, region),
		"ECR_IMAGE_URL":        RegistryHost(account, region) + "/" + RepositoryName(d.app.Name, service.Name),
		"IMAGE_TAG":            d.sourceOf(service).commit,
		"TINYSTACK_CONTEXT":    service.Context,
		"TINYSTACK_DOCKERFILE": service.Dockerfile,
		"TINYSTACK_PLATFORM":   platform,
		"TINYSTACK_REPOSITORY": RepositoryName(d.app.Name, service.Name),
		"TINYSTACK_REGISTRIES": strings.Join(registries, " "),
	} {
		env[name] = jsii.String(value)
	}
	if d.buildSpec(service) != "" {
		// A buildspec of the user's may look at where the commit goes first.
		for name, value := range d.stageEnv(d.props.Stages[0].Spec, service, latestTag) {
			env[name] = jsii.String(value)
		}
	}
	if names := slices.Sorted(maps.Keys(d.app.Build.Variables)); len(names) > 0 {
		env["TINYSTACK_BUILD_VARIABLES"] = jsii.String(strings.Join(names, " "))
	}
	return &env
}

// registryRegions are the regions that images go to, the pipeline's own first.
func (d *delivery) registryRegions() []string {
	regions := []string{d.app.Pipeline.Region}
	for _, stage := range d.props.Stages {
		if !slices.Contains(regions, stage.Spec.Region) {
			regions = append(regions, stage.Spec.Region)
		}
	}
	return regions
}

func (d *delivery) repositories(services ...spec.Service) []string {
	var arns []string
	for _, region := range d.registryRegions() {
		for _, service := range services {
			arns = append(arns, RepositoryARN(d.app.Pipeline.Account, region, d.app.Name, service.Name))
		}
	}
	return arns
}

// push is what it takes to pull and push a service's image.
func (d *delivery) push(service spec.Service) []policy.Statement {
	return []policy.Statement{
		policy.Allow([]string{"ecr:GetAuthorizationToken"}, "*"),
		policy.Allow([]string{
			"ecr:BatchCheckLayerAvailability",
			"ecr:BatchGetImage",
			"ecr:CompleteLayerUpload",
			"ecr:GetDownloadUrlForLayer",
			"ecr:InitiateLayerUpload",
			"ecr:PutImage",
			"ecr:UploadLayerPart",
		}, d.repositories(service)...),
	}
}
