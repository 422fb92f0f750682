// Package synthtest is how this project's tests synthesize: one jsii kernel
// per test binary, the project's own context, template validation only where a
// test asks for it.
package synthtest

import (
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/cdkcontext"
	"github.com/tinystack-go/tinystack/snapshot"
)

// Main runs a package's tests with one kernel: `func TestMain(m *testing.M) {
// synthtest.Main(m) }`. Validation of the templates costs 3 to 5 seconds an app,
// so it is off, except with the build tag strict: see `make strict`.
func Main(m *testing.M) {
	variables := map[string]string{"CDK_VALIDATION": "false"}
	if strict {
		variables = nil
	}
	cdkcontext.PrepareRuntime(variables)
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// NewApp is an app with the project's context that writes to a folder of the
// test. Findings of rules are read from the assembly; as validation errors they
// would end the synthesis at the first app.
func NewApp(t testing.TB) awscdk.App {
	t.Helper()
	context := cdkcontext.Context()
	(*context)["@aws-cdk/core:annotationsInValidationReport"] = false
	return newApp(t, context)
}

// SynthExample synthesizes what build puts into an app, under the AwsSolutions
// rules. With the build tag strict it is an app as users have it: whatever is
// found ends its synthesis.
func SynthExample(t testing.TB, build func(awscdk.App)) *snapshot.Assembly {
	t.Helper()
	app := NewApp(t)
	if strict {
		app = newApp(t, cdkcontext.Context())
	}
	Secure(app)
	build(app)
	assembly := Synth(t, app)
	Findings(t, assembly)
	return assembly
}

func newApp(t testing.TB, context *map[string]any) awscdk.App {
	return awscdk.NewApp(&awscdk.AppProps{
		Context:            context,
		Outdir:             jsii.String(t.TempDir()),
		AnalyticsReporting: jsii.Bool(false),
		TreeMetadata:       jsii.Bool(false), // which nobody looks at
	})
}

// Stack is a stack in a fixed account and region, for constructs that are
// tested alone.
func Stack(app awscdk.App, name string) awscdk.Stack {
	return awscdk.NewStack(app, &name, &awscdk.StackProps{
		Env: &awscdk.Environment{Account: jsii.String("111111111111"), Region: jsii.String("us-east-1")},
	})
}

// VPC is a network that is there already, in two zones.
func VPC(stack awscdk.Stack) awsec2.IVpc {
	return awsec2.Vpc_FromVpcAttributes(stack, jsii.String("Vpc"), &awsec2.VpcAttributes{
		VpcId:             jsii.String("vpc-0123456789abcdef0"),
		VpcCidrBlock:      jsii.String("10.0.0.0/16"),
		AvailabilityZones: jsii.Strings("us-east-1a", "us-east-1b"),
		PublicSubnetIds:   jsii.Strings("subnet-p1", "subnet-p2"),
		PrivateSubnetIds:  jsii.Strings("subnet-1", "subnet-2"),
		IsolatedSubnetIds: jsii.Strings("subnet-i1", "subnet-i2"),
	})
}

// Synth synthesizes the app and reads the result back.
func Synth(t testing.TB, app awscdk.App) *snapshot.Assembly {
	t.Helper()
	assembly, err := snapshot.Load(*app.Synth(nil).Directory())
	require.NoError(t, err)
	return assembly
}

// SynthSecure synthesizes the app under the AwsSolutions rules, reports every
// finding that nobody acknowledged, and reads the result back.
func SynthSecure(t testing.TB, app awscdk.App) *snapshot.Assembly {
	t.Helper()
	Secure(app)
	assembly := Synth(t, app)
	Findings(t, assembly)
	return assembly
}

// Secure applies the AwsSolutions rules to everything in a scope. For an app
// with a pipeline it has to come first: a pipeline synthesizes its stages when
// it is made.
func Secure(scope constructs.IConstruct) {
	awscdk.Aspects_Of(scope).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{
		Verbose: jsii.Bool(true),
		Reports: jsii.Bool(false),
	}), nil)
}

// Findings reports what the rules found and nobody acknowledged.
func Findings(t testing.TB, assembly *snapshot.Assembly) {
	t.Helper()
	for _, stack := range assembly.Stacks {
		for _, message := range stack.Messages {
			if strings.Contains(message.Text, "AwsSolutions-") || strings.Contains(message.Text, "CdkNag") {
				t.Errorf("%s: %s", message.Path, message.Text)
			}
		}
	}
}

// Made is what an app was synthesized to, for tests that look at its stacks by
// name.
type Made struct {
	*snapshot.Assembly
	t testing.TB
}

// Secured is [SynthSecure] for such tests.
func Secured(t testing.TB, app awscdk.App) Made {
	t.Helper()
	return Made{SynthSecure(t, app), t}
}

// Template of a stack; the test ends where there is no such stack.
func (m Made) Template(stack string) snapshot.Template {
	m.t.Helper()
	found, err := m.Stack(stack)
	require.NoError(m.t, err)
	return found.Template
}

// Only is the one resource of a type that a stack has; the test ends where it
// has none or several.
func (m Made) Only(stack, kind string) snapshot.Resource {
	m.t.Helper()
	_, resource := m.OnlyID(stack, kind)
	return resource
}

// OnlyID is [Made.Only] with the resource's logical id.
func (m Made) OnlyID(stack, kind string) (string, snapshot.Resource) {
	m.t.Helper()
	resources := m.Template(stack).Resources(kind)
	require.Len(m.t, resources, 1, "%s in %s", kind, stack)
	for id, resource := range resources {
		return id, resource
	}
	panic("unreachable")
}
