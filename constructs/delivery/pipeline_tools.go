package delivery

import (
	_ "embed"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodebuild"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/inline"
)

//go:embed scripts/cdk.sh
var cdkScript string

//go:embed scripts/synth.sh
var synthScript string

//go:embed scripts/update.sh
var updateScript string

// withCDK is a script that runs the CDK's command line. What is installed stands
// in the text, so that it is the same in every step of one pipeline.
func withCDK(text string) string {
	return "cdk_pinned=" + cdkVersion + "\ncdk_integrity=" + cdkIntegrity + "\n" + cdkScript + text
}

const (
	goBuildCache  = "/root/.cache/go-build"
	goModuleCache = "/root/.cache/go-mod"
	npmCache      = "/root/.npm"
)

// keepCaches lets the synthesis find what it fetched and compiled for the commit
// before. Only its own role may write there: an image build cannot leave
// something for it.
func (d *delivery) keepCaches() {
	project := d.pipeline.SynthProject().Node().DefaultChild().(awscodebuild.CfnProject)
	project.AddPropertyOverride(jsii.String("Cache"), map[string]any{"Type": "S3", "Location": d.asked.bucketName + "/" + synthCache})
}

// updateItself puts commands of this library's in place of the CDK's own, which
// install the one version of the command line that the deployed pipeline knows:
// the assembly of a newer library could not be read by it, and the pipeline
// would never learn of a newer one.
func (d *delivery) updateItself() {
	assembly := *awscdk.Stage_Of(d.stack).ArtifactId()
	if assembly == "" {
		assembly = "."
	}
	buildSpec := map[string]any{
		"version": "0.2",
		"env": map[string]any{"variables": map[string]string{
			"CDK_DISABLE_CLI_TELEMETRY": "true",
			"CDK_DISABLE_VERSION_CHECK": "1",
			"TINYSTACK_ASSEMBLY":        assembly,
			"TINYSTACK_PATH":            *d.stack.Node().Path(),
		}},
		"phases": map[string]any{
			"install": map[string]any{"runtime-versions": map[string]any{"nodejs": nodeVersion}},
			"build":   map[string]any{"commands": script(withCDK(updateScript))},
		},
	}
	project := d.pipeline.SelfMutationProject().Node().DefaultChild().(awscodebuild.CfnProject)
	project.AddPropertyOverride(jsii.String("Source.BuildSpec"), inline.JSON(buildSpec, "  ")+"\n")
}
