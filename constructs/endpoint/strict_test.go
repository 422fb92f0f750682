//go:build strict

package endpoint

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/cdkcontext"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/spec"
)

// strictMode makes this test binary validate templates; the CDK decides on
// that once a process. Its value is what to synthesize.
const strictMode = "TINYSTACK_TEST_STRICT"

func TestMain(m *testing.M) {
	if mode := os.Getenv(strictMode); mode != "" {
		synthesizeStrictly(mode)
		jsii.Close()
		return
	}
	synthtest.Main(m)
}

// Every kind passes CloudFormation's validation with warnings as errors; that
// something wrong does not pass shows that there was a validation.
func TestStrictValidation(t *testing.T) {
	output, err := validate(t, "kinds")
	require.NoError(t, err, output)
	assert.Contains(t, output, "synthesized")
	output, err = validate(t, "broken")
	assert.Error(t, err, output)
}

func validate(t *testing.T, mode string) (string, error) {
	program, err := os.Executable()
	require.NoError(t, err)
	command := exec.Command(program)
	command.Env = slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "CDK_VALIDATION=") })
	command.Env = append(command.Env, strictMode+"="+mode, "STRICT_OUT="+t.TempDir())
	output, err := command.CombinedOutput()
	return string(output), err
}

func synthesizeStrictly(mode string) {
	out := os.Getenv("STRICT_OUT")
	app := awscdk.NewApp(&awscdk.AppProps{Context: cdkcontext.Context(), Outdir: &out, AnalyticsReporting: jsii.Bool(false)})
	if mode == "broken" {
		stack := awscdk.NewStack(app, jsii.String("broken"), nil)
		awss3.NewCfnBucket(stack, jsii.String("Bucket"), &awss3.CfnBucketProps{AccessControl: jsii.String("Nobody")})
	}
	if mode == "kinds" {
		addKinds(app)
	}
	app.Synth(nil)
	fmt.Println("synthesized")
}

// addKinds adds each kind with and without a domain, in both network modes.
// Several services make every resource that one makes, so one is not validated
// apart: each template takes half a second.
func addKinds(app awscdk.App) {
	for kind, add := range kinds {
		for name, domain := range domains {
			for _, variant := range []string{"subdomain bridge", "several awsvpc"} {
				if !serves(kind, variant) {
					variant = "several bridge"
				}
				add(newFixtureIn(app, strings.ReplaceAll(kind+"-"+name+"-"+variant, " ", "-"), variants[variant]), domain)
			}
		}
		everything[kind](newFixtureIn(app, kind+"-everything", options{several: true, subdomain: kind != "rest-api"}))
	}
	kinds["http-api"](newFixtureIn(app, "shared", options{}), sharedDomain(spec.Failover))
	kinds["alb"](newFixtureIn(app, "delegated", options{}), delegatedDomain)
	addDelegationRole(synthtest.Stack(app, "above"))
}
