//go:build strict

package app

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/cdkcontext"
	"github.com/tinystack-go/tinystack/internal/validation"
	"github.com/tinystack-go/tinystack/spec"
	"github.com/tinystack-go/tinystack/stacks"
)

// everyDeclaration is every declaration in the repository.
func everyDeclaration(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"testdata/*.yaml", "../examples/*/tinystack.yaml", "../tinystack.yaml"} {
		configs, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, configs, pattern)
		all = append(all, configs...)
	}
	return all
}

// faulty puts into an app what the validator has to find, and what it must not
// report because it is acknowledged: on the construct, around it, in a stage.
func faulty(cdk awscdk.App) {
	resource := func(stack awscdk.Stack, id, kind string, properties map[string]any) awscdk.CfnResource {
		return awscdk.NewCfnResource(stack, jsii.String(id), &awscdk.CfnResourceProps{Type: jsii.String(kind), Properties: &properties})
	}
	fill := func(stack awscdk.Stack) {
		resource(stack, "WrongEnum", "AWS::S3::Bucket", map[string]any{"VersioningConfiguration": map[string]any{"Status": "Purple"}})
		resource(stack, "NoSuchProperty", "AWS::S3::Bucket", map[string]any{"BucketNmae": "x"})
		resource(stack, "MissingRequired", "AWS::Lambda::Function", map[string]any{"Runtime": "nodejs24.x"})
		resource(stack, "OldRuntime", "AWS::Lambda::Function", map[string]any{"Runtime": "nodejs12.x", "Handler": "a.b", "Role": "arn:aws:iam::111111111111:role/r", "Code": map[string]any{"ZipFile": "x"}})
		resource(stack, "OpenPort", "AWS::EC2::SecurityGroup", map[string]any{"GroupDescription": "all", "SecurityGroupIngress": []any{map[string]any{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}}})
		resource(stack, "Plain", "AWS::RDS::DBInstance", map[string]any{"Engine": "postgres", "DBInstanceClass": "db.t4g.micro", "AllocatedStorage": "20", "StorageEncrypted": false, "MasterUserPassword": "secret-in-the-template"})
		resource(stack, "WrongType", "AWS::SQS::Queue", map[string]any{"DelaySeconds": "soon"})
		resource(stack, "NoSuchType", "AWS::Nothing::AtAll", map[string]any{})
		resource(stack, "Fleet", "AWS::GameLift::Fleet", map[string]any{"Name": "fleet", "EC2InboundPermissions": []any{map[string]any{"FromPort": 9, "ToPort": 1, "IpRange": "10.0.0.0/8", "Protocol": "TCP"}}})
		awscdk.NewCfnOutput(stack, jsii.String("Dangling"), &awscdk.CfnOutputProps{Value: awscdk.Fn_GetAtt(jsii.String("NotThere"), jsii.String("Arn")).ToString()})
	}
	acknowledge := func(scope awscdk.Stack, rules ...string) {
		for _, rule := range rules {
			awscdk.Validations_Of(scope).Acknowledge(&awscdk.Acknowledgment{Id: jsii.String("CloudFormation-Validate::" + rule), Reason: jsii.String("on purpose: " + rule)})
		}
	}
	env := func(account, region string) *awscdk.StackProps {
		return &awscdk.StackProps{Env: &awscdk.Environment{Account: &account, Region: &region}}
	}
	fill(awscdk.NewStack(cdk, jsii.String("Nowhere"), nil))
	fill(awscdk.NewStack(cdk, jsii.String("Here"), env("111111111111", "eu-west-1")))
	acknowledged := awscdk.NewStack(cdk, jsii.String("Acknowledged"), env("111111111111", "eu-west-1"))
	fill(acknowledged)
	acknowledge(acknowledged, "F3003", "W2508", "W3030")
	for _, name := range []string{"First", "Second"} {
		stage := awscdk.NewStage(cdk, &name, &awscdk.StageProps{Env: &awscdk.Environment{Account: jsii.String("222222222222"), Region: jsii.String("us-east-1")}})
		fill(awscdk.NewStack(stage, jsii.String("Own"), nil))
		inner := awscdk.NewStage(stage, jsii.String("Inner"), nil)
		fill(awscdk.NewStack(inner, jsii.String("Innermost"), nil))
		if name == "Second" {
			awscdk.Validations_Of(stage).Acknowledge(&awscdk.Acknowledgment{Id: jsii.String("CloudFormation-Validate::E2533"), Reason: jsii.String("of a whole stage")})
		}
	}
	bucket := resource(acknowledged, "Bucket", "AWS::S3::Bucket", map[string]any{"VersioningConfiguration": map[string]any{"Status": "Green"}})
	awscdk.Validations_Of(bucket).Acknowledge(&awscdk.Acknowledgment{Id: jsii.String("CloudFormation-Validate::W3030"), Reason: jsii.String("of one resource")})
	awscdk.Validations_Of(acknowledged).AddWarning(jsii.String("Mine::Own"), jsii.String("a warning of the app itself"), nil)
}

// clean is a template with nothing to find, beside one with what the app's own
// plug-in finds.
type ownPlugin struct{ called *int }

func (ownPlugin) Name() *string       { return jsii.String("Own") }
func (ownPlugin) Version() *string    { return jsii.String("1.2.3") }
func (ownPlugin) RuleIds() *[]*string { return nil }
func (p *ownPlugin) Validate(context awscdk.IPolicyValidationContext) *awscdk.PolicyValidationPluginReport {
	*p.called++
	return &awscdk.PolicyValidationPluginReport{Success: jsii.Bool(false), Violations: &[]*awscdk.PolicyViolation{{
		RuleName: jsii.String("O1"), Description: jsii.String("not ours"), Severity: jsii.String("error"),
		ViolatingResources: &[]*awscdk.PolicyViolatingResource{{TemplatePath: (*context.StackTemplates())[0].TemplatePath, ResourceLogicalId: jsii.String("WrongEnum"), Locations: jsii.Strings()}},
	}}}
}

// synthesized is what a synthesis says and writes.
type synthesized struct {
	message string
	files   map[string]string
}

func awscdkVersion(t *testing.T) string {
	t.Helper()
	version, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/aws/aws-cdk-go/awscdk/v2").Output()
	require.NoError(t, err)
	return strings.TrimPrefix(strings.TrimSpace(string(version)), "v")
}

// by synthesizes an app into outdir: with validation by the CDK alone if ours is
// nil.
func by(t *testing.T, ours *templateValidation, outdir string, build func(awscdk.App, *templateValidation)) (result synthesized) {
	t.Helper()
	require.NoError(t, os.RemoveAll(outdir))
	if ours != nil {
		defer ours.close()
	}
	defer func() {
		result.files = files(t, outdir)
		// The CDK copies an asset once for each folder, in one process; and it notes
		// for every element where in the CDK it was made, which for a stage that is
		// written early is not in the pipeline.
		maps.DeleteFunc(result.files, func(name, _ string) bool {
			return strings.HasPrefix(name, "asset.") || strings.HasSuffix(name, ".metadata.json")
		})
		if problem := recover(); problem != nil {
			result.message, _, _ = strings.Cut(fmt.Sprint(problem), "\n    at ")
		}
	}()
	cdk := NewApp(ours.props(&outdir))
	ours.of(cdk)
	build(cdk, ours)
	cdk.Synth(nil)
	ours.passed()
	return result
}

// What is found is what the CDK's own validation finds, to the byte of its
// report and of its message, however the templates come to be validated.
func TestStrictFindingsAreThoseOfTheCDK(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("CI", "")
	t.Setenv(validation.Variable, "")
	cdkcontext.PrepareRuntime(nil)
	defer jsii.Close()
	outdir := filepath.Join(t.TempDir(), "cdk.out")
	called := 0
	// Native code is compared where there is one: see docs/validation.md.
	python := os.Getenv(validation.PythonVariable)
	apps := map[string]func(awscdk.App, *templateValidation){
		"faulty": func(cdk awscdk.App, _ *templateValidation) { faulty(cdk) },
		"with a plug-in of its own": func(cdk awscdk.App, _ *templateValidation) {
			awscdk.Validations_Of(cdk).AddPlugins(&ownPlugin{&called})
			faulty(cdk)
		},
		"every declaration": func(cdk awscdk.App, ours *templateValidation) {
			for i, config := range everyDeclaration(t) {
				declared, err := spec.Load(config)
				require.NoError(t, err)
				stacks.NewTinyStack(cdk, jsii.String(fmt.Sprint(declared.Name, i)), &stacks.TinyStackProps{App: declared, OnStage: ours.handOver(declared.Pipeline != nil)})
			}
		},
	}
	for name, build := range apps {
		t.Run(name, func(t *testing.T) {
			want := by(t, nil, outdir, build)
			require.Contains(t, want.files, reportFile)
			if name == "every declaration" {
				assert.Empty(t, want.message)
			} else {
				for _, says := range []string{"Purple", "BucketNmae", "is a required property", "sensitive port 22", "a warning of the app itself", "port range is inverted", "NotThere"} {
					assert.Contains(t, want.message+want.files[reportFile], says)
				}
				assert.Contains(t, want.files[reportFile], "of a whole stage")
				assert.Contains(t, want.files[reportFile], "of one resource")
			}
			ways := []string{"first", "again", "by the CDK's own plug-in"}
			if python != "" {
				ways = append(ways, "by native code")
			}
			for _, way := range ways {
				t.Setenv(validation.PythonVariable, "")
				if way == "by native code" {
					t.Setenv(validation.PythonVariable, python)
				}
				version := awscdkVersion(t)
				if way == "by the CDK's own plug-in" {
					version = "0.0.0" // which is not in the cache
				}
				ours := startValidation(validation.Settings{Outdir: outdir, AWSCDK: version, Log: func(text string) { t.Log(way, text) }})
				require.NotNil(t, ours)
				got := by(t, ours, outdir, build)
				assert.Equal(t, way == "by the CDK's own plug-in", ours.builtin != nil)
				assert.Equal(t, want.message, got.message, way)
				assert.ElementsMatch(t, slices.Collect(maps.Keys(want.files)), slices.Collect(maps.Keys(got.files)), way)
				for name, text := range want.files {
					if got.files[name] != text {
						assert.Equal(t, strings.Split(text, "\n"), strings.Split(got.files[name], "\n"), "%s: %s", way, name)
					}
				}
			}
		})
	}
	want := 4
	if python != "" {
		want++
	}
	page, err := os.ReadFile("../docs/validation.md")
	require.NoError(t, err)
	assert.Contains(t, string(page), "cloudformation-validate=="+validation.Start(validation.Settings{AWSCDK: awscdkVersion(t)}).Version()+"\n", "the page names the version that is the same")
	assert.Equal(t, want, called, "a plug-in of the app's own is run each time")
}

var debugLines = regexp.MustCompile(`(?m)^validation: (.*)$`)

// The templates are the same, whether what is remembered is used, is not there,
// is damaged or cannot be written, and with one process and with two.
func TestStrictTemplatesAreTheSameEitherWay(t *testing.T) {
	binary, dir, cache := build(t, ".."), t.TempDir(), t.TempDir()
	t.Setenv("CI", "")
	t.Setenv(validation.Variable, "")
	t.Setenv("TINYSTACK_DEBUG", "1")
	t.Setenv("XDG_CACHE_HOME", cache)
	synthesize := func(t *testing.T, says string) map[string]string {
		t.Helper()
		outdir := filepath.Join(dir, "cdk.out")
		require.NoError(t, os.RemoveAll(outdir))
		got := start(t, binary, "../examples/direct/tinystack.yaml", outdir)
		require.Equal(t, 0, got.status, got.stderr)
		var said []string
		for _, line := range debugLines.FindAllStringSubmatch(got.stderr, -1) {
			said = append(said, line[1])
		}
		assert.Contains(t, strings.Join(said, "\n"), says)
		return files(t, outdir)
	}
	entries := func() (paths []string) {
		paths, err := filepath.Glob(filepath.Join(cache, "tinystack", "validation", "*"))
		require.NoError(t, err)
		return paths
	}
	first := synthesize(t, "2 of 2 templates are validated")
	recorded := entries()
	assert.Len(t, recorded, 3, "each template, and that this was synthesized")
	t.Run("remembered", func(t *testing.T) {
		assert.Equal(t, first, synthesize(t, "0 of 2 templates are validated"))
		assert.Equal(t, recorded, entries())
	})
	t.Run("damaged", func(t *testing.T) {
		before := map[string]string{}
		for i, path := range recorded {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			before[path] = string(text)
			require.NoError(t, os.WriteFile(path, text[:i*20], 0o600))
		}
		assert.Equal(t, first, synthesize(t, "2 of 2 templates are validated"))
		for path, text := range before {
			again, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, text, string(again), "it is made anew")
		}
	})
	for name, variables := range map[string]map[string]string{
		"always":                {validation.Variable: validation.Always},
		"in CI":                 {"CI": "true"},
		"of another executable": {"TINYSTACK_SOMETHING": "else"},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range variables {
				t.Setenv(name, value)
			}
			says := "2 of 2 templates are validated"
			if name == "of another executable" {
				says = "0 of 2 templates are validated"
			}
			assert.Equal(t, first, synthesize(t, says))
		})
	}
	t.Run("nowhere to write", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(file, nil, 0o600))
		t.Setenv("XDG_CACHE_HOME", file)
		assert.Equal(t, first, synthesize(t, "2 of 2 templates are validated"))
	})
	t.Run("no home", func(t *testing.T) {
		t.Setenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT", t.TempDir()) // empty at first
		for _, name := range []string{"HOME", "XDG_CACHE_HOME"} {
			t.Setenv(name, "") // to be set again afterwards
			os.Unsetenv(name)
		}
		assert.Equal(t, first, synthesize(t, "2 of 2 templates are validated"))
	})
	t.Run("one process", func(t *testing.T) {
		t.Setenv("JSII_RUNTIME_PACKAGE_CACHE", "disabled")
		assert.Equal(t, first, synthesize(t, "the jsii package cache is disabled"))
	})
	t.Run("a Node that does not run", func(t *testing.T) {
		t.Setenv(validation.Variable, validation.Always)
		real := os.Getenv("PATH")
		bin := t.TempDir()
		wrapper := "#!/bin/sh\ncase \"$*\" in *single-threaded*) echo broken >&2; exit 3;; esac\nPATH='" + real + "' exec node \"$@\"\n"
		require.NoError(t, os.WriteFile(filepath.Join(bin, "node"), []byte(wrapper), 0o755))
		t.Setenv("PATH", bin+string(os.PathListSeparator)+real)
		assert.Equal(t, first, synthesize(t, "broken"))
	})
}

// The packages of the CDK are handed to the kernel by what stands for them, once
// they are unpacked; from whatever is there the templates are the same.
func TestStrictPackagesAreUnpackedOnce(t *testing.T) {
	t.Setenv("CDK_VALIDATION", "false")
	cache := t.TempDir()
	t.Setenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT", cache)
	binary := build(t, "..")
	synthesize := func() map[string]string {
		outdir := filepath.Join(t.TempDir(), "cdk.out")
		got := start(t, binary, "../examples/direct/tinystack.yaml", outdir)
		require.Equal(t, 0, got.status, got.stderr)
		return files(t, outdir)
	}
	// found are the folders and the links below the cache's folder of a package.
	found := func() (folders, links []string) {
		all, err := filepath.Glob(filepath.Join(cache, "aws-cdk-lib", "*", strings.Repeat("[0-9a-f]", 64)))
		require.NoError(t, err)
		for _, path := range all {
			info, err := os.Lstat(path)
			require.NoError(t, err)
			if info.IsDir() {
				folders = append(folders, path)
			} else {
				links = append(links, path)
			}
		}
		return folders, links
	}
	first := synthesize()
	folders, links := found()
	require.Len(t, folders, 1)
	require.Len(t, links, 1)
	// Under another name the package itself would not be found, and unpacked again.
	moved := folders[0] + ".moved"
	require.NoError(t, os.Rename(folders[0], moved))
	require.NoError(t, os.Remove(links[0]))
	require.NoError(t, os.Symlink(moved, links[0]))
	assert.Equal(t, first, synthesize())
	folders, _ = found()
	assert.Empty(t, folders)

	require.NoError(t, os.RemoveAll(moved)) // the link leads nowhere
	assert.Equal(t, first, synthesize())
	folders, _ = found()
	assert.Len(t, folders, 1)

	t.Setenv("JSII_RUNTIME_PACKAGE_CACHE", "disabled")
	assert.Equal(t, first, synthesize())
}
