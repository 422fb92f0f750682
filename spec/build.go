package spec

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Build configures the image builds of the application.
type Build struct {
	// Variables are environment variables of every image build, and build
	// arguments where the Dockerfile declares an ARG of that name. They are
	// not for secrets.
	//   - Default: none
	//   - Allowed: names as of environment variables, without those that the pipeline, CodeBuild or AWS set; values that everyone may read, without #{
	//   - Change: in the pipeline; the next commit's images have it
	//   - Example: {NODE_ENV: production}
	Variables map[string]string `yaml:"variables" also:"env,environment"`

	// Timeout of each image build, and of each release by a releaseSpec.
	//   - Default: 1h
	//   - Allowed: 5m to 8h
	//   - Change: in the pipeline
	//   - Example: 90m
	Timeout Duration `yaml:"timeout"`
}

func (b *Build) setDefaults() {
	fill(&b.Timeout, hour)
}

// buildNames are the variables of every image build and release that come from
// the pipeline.
var buildNames = []string{
	"CLUSTER_ARN", "ECR_ENDPOINT", "ECR_IMAGE_URL", "IMAGE_TAG", "PREVIOUS_STAGE_NAME", "REGIONAL_ECR_ENDPOINT",
	"REGIONAL_ECR_IMAGE_URL", "S3_BUCKET", "SERVICE_NAME", "STAGE_NAME", "STAGE_REGION", "STAGE_URL",
}

// pipelineVariable is how the configuration of an action refers to the outputs of
// another; CodePipeline knows no way to write it as a text.
var pipelineVariable = compile(`#\{`)

func (b Build) validate(r report) {
	r.field("timeout").lasting(b.Timeout, 5*minute, 8*hour, minute)
	r = r.field("variables")
	for _, name := range slices.Sorted(maps.Keys(b.Variables)) {
		at := r.field(name)
		switch {
		case slices.Contains(buildNames, name):
			at.fail("is a variable that the pipeline sets itself", "another name", "rename it")
		case strings.HasPrefix(name, "TINYSTACK_"):
			at.fail("begins with TINYSTACK_, which the pipeline keeps for itself", "another name", "rename it")
		case strings.HasPrefix(name, "CODEBUILD_"):
			at.fail("begins with CODEBUILD_, which CodeBuild keeps for itself", "another name", "rename it")
		case strings.HasPrefix(name, "AWS_"):
			at.fail("begins with AWS_, which would lead the build's own calls elsewhere", "another name", "rename it")
		case !environmentName.MatchString(name) || len(name) > 255:
			at.fail("is not the name of an environment variable of a build", "letters, digits and underscores, not beginning with a digit", "rename it")
		}
		validateVariableValue(at, b.Variables[name])
		if pipelineVariable.MatchString(b.Variables[name]) {
			at.fail("has #{ in it, with which CodePipeline begins a variable of its own: the build would get another text, or the pipeline be refused", "a text without #{", "write the text in the build itself, as in the Dockerfile")
		}
	}
}

// BuildFiles are the files of that name in the services' build contexts, by
// service, where none is declared: build.yml, release.yml. Only the source that
// the declaration is in can be looked at.
func (a App) BuildFiles(name string) map[string]string {
	found := map[string]string{}
	if a.Pipeline == nil || a.Pipeline.Declaration != nil || a.dir == "" {
		return found
	}
	for _, declared := range a.Services {
		if !declared.Builds() || declared.Source != nil {
			continue
		}
		file := path.Join(declared.Context, name)
		if info, err := os.Stat(filepath.Join(a.sourceDir(), file)); err == nil && info.Mode().IsRegular() {
			found[declared.Name] = file
		}
	}
	return found
}

// sourceDir is the root of the source that the declaration is in, in this
// checkout.
func (a App) sourceDir() string {
	if a.Pipeline == nil {
		return a.dir
	}
	up := a.dir
	for part := range strings.SplitSeq(path.Clean(a.Pipeline.Directory), "/") {
		if part != "." && part != "" {
			up = filepath.Join(up, "..")
		}
	}
	return up
}
