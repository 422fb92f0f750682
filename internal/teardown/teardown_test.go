package teardown_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/cfnfake"
	"github.com/tinystack-go/tinystack/internal/teardown"
	"github.com/tinystack-go/tinystack/spec"
)

// The rest is tested with the command, in cmd/tinystack.

// dev plans the deletion of the stage dev of an application, in a cloud with
// these stacks.
func dev(t *testing.T, stacks ...*cfnfake.Stack) (*cfnfake.Cloud, []*teardown.Stack, error) {
	t.Helper()
	cloud := cfnfake.New(t, stacks...)
	cloud.Keys["KEY"] = "111111111111"
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": cloud.URL, "AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "s", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	session, err := (&teardown.Access{}).In(t.Context(), teardown.Place{Region: "eu-west-1"}, "dev")
	require.NoError(t, err)
	assert.Equal(t, "111111111111", session.Account, "that of the credentials")
	app, err := spec.App{Name: "shop"}.Resolve()
	require.NoError(t, err)
	planned, err := teardown.Stage(t.Context(), []*teardown.Session{session}, app, "dev", teardown.Options{})
	return cloud, planned, err
}

func stack(name string) *cfnfake.Stack {
	return &cfnfake.Stack{Account: "111111111111", Region: "eu-west-1", Name: name, Description: "shop, stage dev: x", Template: "{}",
		Resources: []*cfnfake.Resource{{LogicalID: "A", Type: "AWS::SNS::Topic", PhysicalID: "a"}}}
}

func TestProtectionStaysUnlessAskedFor(t *testing.T) {
	protected := stack("shop-dev-data")
	protected.Protected = true
	cloud, stacks, err := dev(t, protected)
	require.NoError(t, err)
	assert.Len(t, teardown.Protected(stacks), 1)
	_, err = (&teardown.Deletion{Out: &bytes.Buffer{}}).Run(t.Context(), stacks)
	assert.ErrorContains(t, err, "TerminationProtection is enabled")
	assert.True(t, cloud.Stack("shop-dev-data").Protected)
}

// Whoever waits hears now and then for what.
func TestASlowStack(t *testing.T) {
	slow := stack("shop-dev-service")
	slow.Status, slow.Resources[0].Status = "DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS"
	slow.Resources = append(slow.Resources, &cfnfake.Resource{LogicalID: "B", Type: "AWS::SNS::Topic", PhysicalID: "b"})
	slow.Busy = 70
	slow.Resources = append([]*cfnfake.Resource{{LogicalID: "C", Type: "AWS::SNS::Topic", PhysicalID: "c", Status: "DELETE_COMPLETE"}}, slow.Resources...)
	_, stacks, err := dev(t, slow)
	require.NoError(t, err)
	var out bytes.Buffer
	wait := func(context.Context, time.Duration) error { return nil }
	_, err = (&teardown.Deletion{Out: &out, Pause: wait}).Run(t.Context(), stacks)
	require.NoError(t, err)
	assert.Equal(t, `shop-dev-service: is being deleted already
shop-dev-service: still 2 of 2 left; waiting for AWS::SNS::Topic a
shop-dev-service: still 2 of 2 left; waiting for AWS::SNS::Topic a
shop-dev-service: deleted
`, out.String())
}

// A name whose first change set was never executed has no template, and is
// deleted all the same; one that somebody else's tool made is refused.
func TestUnusualStacks(t *testing.T) {
	review := stack("shop-dev-service")
	review.Status, review.Template, review.Resources = "REVIEW_IN_PROGRESS", "", nil
	cloud, stacks, err := dev(t, review)
	require.NoError(t, err)
	review.Status = "CREATE_FAILED" // the fake knows no change sets
	wait := func(context.Context, time.Duration) error { return nil }
	_, err = (&teardown.Deletion{Out: &bytes.Buffer{}, Pause: wait}).Run(t.Context(), stacks)
	require.NoError(t, err)
	assert.Nil(t, cloud.Stack("shop-dev-service"))

	other := stack("shop-dev-data")
	other.Template = "Resources: {}"
	_, _, err = dev(t, other)
	assert.ErrorContains(t, err, "none that the CDK made")
}

// Stacks that say with tags whose they are need no description of ours.
func TestTags(t *testing.T) {
	tagged, foreign := stack("shop-dev-data"), stack("shop-dev-service")
	tagged.Description, foreign.Description = "", "another"
	tagged.Tags = map[string]string{"tinystack:app": "shop", "tinystack:stage": "dev"}
	foreign.Tags = map[string]string{"tinystack:app": "shop", "tinystack:stage": "test"}
	_, stacks, err := dev(t, tagged, foreign)
	require.NoError(t, err)
	require.Len(t, stacks, 1)
	assert.Equal(t, "shop-dev-data", stacks[0].Name)
}

// A stack that is nested in another goes with that: the function that rotates a
// password is in one, and it has all tags of the data stack.
func TestNestedStacks(t *testing.T) {
	data, nested := stack("shop-dev-data"), stack("shop-dev-data-DatabaseRotation-1ABC")
	nested.Description, nested.Parent = "made by a transform", "shop-dev-data"
	nested.Tags = map[string]string{"tinystack:app": "shop", "tinystack:stage": "dev"}
	_, stacks, err := dev(t, data, nested)
	require.NoError(t, err)
	require.Len(t, stacks, 1)
	assert.Equal(t, "shop-dev-data", stacks[0].Name)
}

func TestPause(t *testing.T) {
	require.NoError(t, teardown.Pause(t.Context(), time.Nanosecond))
	stopped, stop := context.WithCancel(t.Context())
	stop()
	assert.ErrorIs(t, teardown.Pause(stopped, time.Hour), teardown.ErrInterrupted)
}
