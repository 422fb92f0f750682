package delivery

import (
	"fmt"
	"path"
	"reflect"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscodebuild"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodecommit"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodepipelineactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/pipelines"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/policy"
	"github.com/tinystack-go/tinystack/spec"
)

// objectTagPrefix makes an image tag of the version of an S3 object, which may
// begin with a character that a tag may not.
const objectTagPrefix = "s3-"

// source is one source action, whoever uses it.
type source struct {
	spec spec.Source
	step pipelines.CodePipelineSource
	// commit is the pipeline variable with the commit, as an image tag.
	commit string
	// link is where a person sees the commit.
	link string
	// action is the name of the source's action.
	action string
	// clone is what a project needs to fetch the source by itself: the action
	// hands on a reference, so that git's metadata is there.
	clone []policy.Statement
}

// addSources makes an action of each different source.
func (d *delivery) addSources() error {
	if _, err := d.addSource("Application", *d.app.Source); err != nil {
		return err
	}
	for _, service := range d.built {
		if service.Source != nil {
			if _, err := d.addSource(service.Name, *service.Source); err != nil {
				return err
			}
		}
	}
	if declaration := d.app.Pipeline.Declaration; declaration != nil {
		if _, err := d.addSource("Declaration", *declaration); err != nil {
			return err
		}
	}
	return nil
}

// sourceOf returns what a service is built from.
func (d *delivery) sourceOf(service spec.Service) *source {
	if service.Source != nil {
		return d.source(*service.Source)
	}
	return d.source(*d.app.Source)
}

func (d *delivery) source(declared spec.Source) *source {
	for _, s := range d.sources {
		if reflect.DeepEqual(s.spec, declared) {
			return s
		}
	}
	panic("delivery: a source that nobody declared")
}

func (d *delivery) addSource(name string, declared spec.Source) (*source, error) {
	for _, s := range d.sources {
		if reflect.DeepEqual(s.spec, declared) {
			return s, nil
		}
		if declared.Bucket == "" && s.spec.Repository == declared.Repository && s.spec.CodeCommit == declared.CodeCommit {
			return nil, fmt.Errorf("the source of %s is %s%s at %s, which is a source at %s already: a pipeline follows one branch of a repository, over one connection, by one set of filters",
				name, declared.Repository, declared.CodeCommit, declared.Branch, s.spec.Branch)
		}
	}
	s := &source{spec: declared, action: name}
	switch {
	case declared.Bucket != "":
		d.objectSource(s, name)
	case declared.CodeCommit != "":
		d.codeCommitSource(s, name)
	default:
		d.connectionSource(s, name)
	}
	d.sources = append(d.sources, s)
	return s, nil
}

func (d *delivery) connectionSource(s *source, name string) {
	connection := s.spec.Connection
	s.step = pipelines.CodePipelineSource_Connection(jsii.String(s.spec.Repository), jsii.String(s.spec.Branch), &pipelines.ConnectionSourceOptions{
		ActionName:           jsii.String(name),
		ConnectionArn:        jsii.String(connection),
		CodeBuildCloneOutput: jsii.Bool(true),
		TriggerOnPush:        unlessFiltered(s.spec),
	})
	s.commit = *s.step.SourceAttribute(jsii.String("CommitId"))
	// The console knows the provider behind the connection and sends on to the
	// commit there.
	s.link = fmt.Sprintf("%s/codesuite/settings/connections/redirect?connectionArn=%s&referenceType=COMMIT&FullRepositoryId=%s&Commit=%s",
		consoleOf(d.app.Pipeline.Region), connection, s.spec.Repository, s.commit)
	actions := []string{"codestar-connections:UseConnection"}
	if strings.Contains(connection, ":codeconnections:") {
		// The service has been renamed. IAM knows both names; the CDK grants
		// the old one.
		actions = append(actions, "codeconnections:UseConnection")
		d.codePipeline.AddToRolePolicy(policy.Allow([]string{"codeconnections:UseConnection"}, connection).CDK())
	}
	s.clone = []policy.Statement{policy.Allow(actions, connection)}
}

// unlessFiltered turns off the start at every push where filters decide.
func unlessFiltered(s spec.Source) *bool {
	if filtered(s) {
		return jsii.Bool(false)
	}
	return nil
}

func filtered(s spec.Source) bool { return len(s.Branches)+len(s.Tags)+len(s.Paths) > 0 }

// addTriggers starts the pipeline by the pushes that sources filter for. The
// CDK takes triggers before it makes the actions of a pipeline of this kind.
func (d *delivery) addTriggers() {
	var triggers []any
	for _, s := range d.sources {
		if !filtered(s.spec) {
			continue
		}
		push := map[string]any{}
		if len(s.spec.Tags) > 0 {
			push["Tags"] = patterns(s.spec.Tags)
		} else {
			branches := s.spec.Branches
			if len(branches) == 0 {
				branches = []string{s.spec.Branch}
			}
			push["Branches"] = patterns(branches)
		}
		if len(s.spec.Paths) > 0 {
			push["FilePaths"] = patterns(s.spec.Paths)
		}
		triggers = append(triggers, map[string]any{
			"ProviderType":     "CodeStarSourceConnection",
			"GitConfiguration": map[string]any{"SourceActionName": s.action, "Push": []any{push}},
		})
	}
	if len(triggers) > 0 {
		d.resource.AddPropertyOverride(jsii.String("Triggers"), triggers)
	}
}

// patterns divides the patterns of a declaration into those that include and
// those that exclude.
func patterns(declared []string) map[string]any {
	divided := map[string]any{}
	var includes, excludes []string
	for _, pattern := range declared {
		if rest, excluded := strings.CutPrefix(pattern, "!"); excluded {
			excludes = append(excludes, rest)
		} else {
			includes = append(includes, pattern)
		}
	}
	if len(includes) > 0 {
		divided["Includes"] = includes
	}
	if len(excludes) > 0 {
		divided["Excludes"] = excludes
	}
	return divided
}

func (d *delivery) codeCommitSource(s *source, name string) {
	repository := awscodecommit.Repository_FromRepositoryName(d, jsii.String("Repository "+s.spec.CodeCommit), jsii.String(s.spec.CodeCommit))
	s.step = pipelines.CodePipelineSource_CodeCommit(repository, jsii.String(s.spec.Branch), &pipelines.CodeCommitSourceOptions{
		ActionName:           jsii.String(name),
		CodeBuildCloneOutput: jsii.Bool(true),
		Trigger:              awscodepipelineactions.CodeCommitTrigger_EVENTS,
	})
	s.commit = *s.step.SourceAttribute(jsii.String("CommitId"))
	region := d.app.Pipeline.Region
	s.link = fmt.Sprintf("%s/codesuite/codecommit/repositories/%s/commit/%s?region=%s", consoleOf(region), s.spec.CodeCommit, s.commit, region)
	s.clone = []policy.Statement{policy.Allow([]string{"codecommit:GitPull"}, *repository.RepositoryArn())}
}

// objectSource starts the pipeline by the bucket's own events. The trigger that
// the CDK offers listens to CloudTrail instead, and so to nothing in an account
// that does not record data events.
func (d *delivery) objectSource(s *source, name string) {
	bucket := awss3.Bucket_FromBucketName(d, jsii.String("Bucket "+s.spec.Bucket+" "+s.spec.Key), jsii.String(s.spec.Bucket))
	s.step = pipelines.CodePipelineSource_S3(bucket, jsii.String(s.spec.Key), &pipelines.S3SourceOptions{
		ActionName: jsii.String(name),
		Trigger:    awscodepipelineactions.S3Trigger_NONE,
	})
	s.commit = objectTagPrefix + *s.step.SourceAttribute(jsii.String("VersionId"))
	s.link = d.console()
	awsevents.NewRule(d, jsii.String("Changes of "+s.spec.Bucket+" "+s.spec.Key), &awsevents.RuleProps{
		Description: jsii.String(fmt.Sprintf("Starts pipeline %s when s3://%s/%s changes", d.app.Name, s.spec.Bucket, s.spec.Key)),
		EventPattern: &awsevents.EventPattern{
			Source:     jsii.Strings("aws.s3"),
			DetailType: jsii.Strings("Object Created"),
			Detail: &map[string]any{
				"bucket": map[string]any{"name": []string{s.spec.Bucket}},
				"object": map[string]any{"key": []string{s.spec.Key}},
			},
		},
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewCodePipeline(d.codePipeline, nil)},
	})
}

// console is where a person sees the pipeline.
func (d *delivery) console() string {
	region := d.app.Pipeline.Region
	return fmt.Sprintf("%s/codesuite/codepipeline/pipelines/%s/view?region=%s", consoleOf(region), d.app.Name, region)
}

// synth turns the declaration into the templates of all stages.
func (d *delivery) synth() pipelines.CodeBuildStep {
	application, declaration := d.sources[0], d.sources[0]
	if declared := d.app.Pipeline.Declaration; declared != nil {
		declaration = d.source(*declared)
	}
	env := map[string]*string{
		CommitVariable(""):          jsii.String(application.commit),
		"CDK_DISABLE_CLI_TELEMETRY": jsii.String("true"),
		"CDK_DISABLE_VERSION_CHECK": jsii.String("1"),
		// Compiling the CDK takes longer than all else in this step, so what was
		// compiled, and the modules, are kept from one commit to the next.
		"GOCACHE":          jsii.String(goBuildCache),
		"GOMODCACHE":       jsii.String(goModuleCache),
		"npm_config_cache": jsii.String(npmCache),
		// A checkout that belongs to another user has no version to stamp, and a
		// cache that nobody may write to cannot be unpacked again.
		"GOFLAGS": jsii.String("-buildvcs=false -modcacherw"),
	}
	for _, service := range d.built {
		if service.Source != nil {
			env[CommitVariable(service.Name)] = jsii.String(d.sourceOf(service).commit)
		}
	}
	return pipelines.NewCodeBuildStep(jsii.String("Synth"), &pipelines.CodeBuildStepProps{
		Input:                  declaration.step,
		Env:                    &env,
		Commands:               jsii.Strings(synthCommands(*d.app.Pipeline)...),
		PrimaryOutputDirectory: jsii.String(path.Join(d.app.Pipeline.Directory, "cdk.out")),
		BuildEnvironment:       d.environment(),
		Logging:                d.logging("synth"),
		Role: d.buildRole(d, "SynthRole", "", "Synthesizes the templates of "+d.app.Name, writing{assemblyArtifact, synthCache + "/*"},
			declaration.clone...),
		// A Go version that go.mod asks for and the image lacks is fetched by
		// the go command itself.
		PartialBuildSpec: awscodebuild.BuildSpec_FromObject(&map[string]any{
			"version": "0.2",
			"phases": map[string]any{
				"install": map[string]any{"runtime-versions": map[string]any{"golang": goVersion, "nodejs": nodeVersion}},
			},
			"cache": map[string]any{"paths": []string{goBuildCache + "/**/*", goModuleCache + "/**/*", npmCache + "/**/*"}},
		}),
	})
}

// synthCommands are run one after the other, in one shell.
func synthCommands(declared spec.Pipeline) []string {
	var commands []string
	if folder := path.Clean(declared.Directory); folder != "." {
		commands = append(commands, "cd "+folder)
	}
	if len(declared.Synth) > 0 {
		return append(commands, declared.Synth...)
	}
	return append(commands, *(*script(withCDK(synthScript)))[0])
}
