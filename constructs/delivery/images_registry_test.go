package delivery

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/synthtest"
)

func TestRegistry(t *testing.T) {
	app := synthtest.NewApp(t)
	stack := synthtest.Stack(app, "registry")
	registry := NewRegistry(stack, jsii.String("Registry"), &RegistryProps{
		App: "guestbook", Services: []string{"api", "web"}, Stages: []string{"dev", "prod"}, PullAccounts: []string{home, other},
	})
	assert.NotNil(t, registry.Repository("api"))
	assert.Nil(t, registry.Repository("cache"))
	imported := ImportRepository(synthtest.Stack(app, "stage"), jsii.String("Image"), other, "guestbook", "api")
	assert.Equal(t, "arn:aws:ecr:us-east-1:222222222222:repository/guestbook/api", *imported.RepositoryArn())

	repositories := template(t, synthtest.SynthSecure(t, app), "registry").Resources("AWS::ECR::Repository")
	require.Len(t, repositories, 2)
	api := repositories["RegistryapiE49612AB"]
	assert.Equal(t, "guestbook/api", api.Properties["RepositoryName"], "the logical id may not change: it is the images'")
	assert.Equal(t, "Retain", api.DeletionPolicy)
	assert.Equal(t, "Retain", api.UpdateReplacePolicy)
	assert.Equal(t, true, api.Get("Properties.ImageScanningConfiguration.ScanOnPush"))
	assert.Equal(t, "IMMUTABLE_WITH_EXCLUSION", api.Properties["ImageTagMutability"])
	var moving []any
	for i := range 3 {
		moving = append(moving, api.Get(fmt.Sprintf("Properties.ImageTagMutabilityExclusionFilters.%d.ImageTagMutabilityExclusionFilterValue", i)))
	}
	assert.Equal(t, []any{"dev", "prod", "latest"}, moving)
	assert.Equal(t, map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Sid":       "Pull",
			"Effect":    "Allow",
			"Principal": map[string]any{"AWS": "arn:aws:iam::222222222222:root"},
			"Action":    []any{"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"},
		}},
	}, api.Properties["RepositoryPolicyText"], "exactly the other account may pull")

	type rule struct {
		RulePriority int
		Selection    struct {
			TagStatus, CountType string
			TagPatternList       []string
			CountNumber          int
		}
	}
	var policy struct{ Rules []rule }
	require.NoError(t, json.Unmarshal([]byte(api.Get("Properties.LifecyclePolicy.LifecyclePolicyText").(string)), &policy))
	var lines []string
	for i, r := range policy.Rules {
		assert.Equal(t, i+1, r.RulePriority)
		lines = append(lines, fmt.Sprint(r.Selection.TagStatus, " ", strings.Join(r.Selection.TagPatternList, "+"), " ", r.Selection.CountType, " ", r.Selection.CountNumber))
	}
	assert.Equal(t, []string{
		"untagged  sinceImagePushed 7",
		"tagged dev imageCountMoreThan 1",
		"tagged prod imageCountMoreThan 1",
		"tagged latest imageCountMoreThan 1",
		"tagged * imageCountMoreThan 25",
	}, lines, "a moving tag is matched before the rule that counts commits, alone, and never by two images")
}

func TestRegistryKeepsAsManyAsDeclared(t *testing.T) {
	app := synthtest.NewApp(t)
	NewRegistry(synthtest.Stack(app, "registry"), jsii.String("Registry"), &RegistryProps{
		App: "guestbook", Services: []string{"api"}, Stages: []string{"dev"}, KeepImages: 40,
	})
	repository := only(t, template(t, synthtest.Synth(t, app), "registry"), "AWS::ECR::Repository")
	text := repository.Get("Properties.LifecyclePolicy.LifecyclePolicyText").(string)
	assert.Contains(t, text, `"tagPatternList":["*"],"countType":"imageCountMoreThan","countNumber":40}`)
}

func TestRegistryRefusesWhatECRDoes(t *testing.T) {
	var stages []string
	for i := range 48 {
		stages = append(stages, fmt.Sprintf("stage-%d", i))
	}
	stack := synthtest.Stack(synthtest.NewApp(t), "registry")
	assert.PanicsWithError(t, "registry Many: 48 stages need 51 lifecycle rules, and ECR takes 50: at most 47 stages can share a region's registry", func() {
		NewRegistry(stack, jsii.String("Many"), &RegistryProps{App: "guestbook", Services: []string{"api"}, Stages: stages})
	})
	assert.PanicsWithError(t, "registry Hex: the tags of 6 stages need 7 patterns (*l* a b c d e f), and ECR takes 5: give stages names that share a hyphen or a letter after f", func() {
		NewRegistry(stack, jsii.String("Hex"), &RegistryProps{App: "guestbook", Services: []string{"api"}, Stages: strings.Split("abcdef", "")})
	})
}

// Patterns for moving tags match every one of them, and no commit.
func TestMovingTags(t *testing.T) {
	for name, each := range map[string]struct {
		tags, want []string
	}{
		"few":     {[]string{"dev", "prod", "latest"}, []string{"dev", "prod", "latest"}},
		"five":    {[]string{"a", "b", "c", "d", "latest"}, []string{"a", "b", "c", "d", "latest"}},
		"many":    {[]string{"dev", "test", "staging", "canary", "prod-eu", "prod-us", "latest"}, []string{"*s*", "*r*", "*v*"}},
		"similar": {[]string{"s0", "s1", "s2", "s3", "s4", "s5", "latest"}, []string{"*s*"}},
		"hex":     {[]string{"dev", "test", "cafe", "abc", "prod", "latest"}, []string{"*s*", "*o*", "*v*", "cafe", "abc"}},
	} {
		t.Run(name, func(t *testing.T) {
			patterns, err := movingTags(each.tags)
			require.NoError(t, err)
			assert.Equal(t, each.want, patterns)
			assert.LessOrEqual(t, len(patterns), 5)
			matches := func(tag string) bool {
				for _, pattern := range patterns {
					middle, isWildcard := strings.CutPrefix(pattern, "*")
					if tag == pattern || isWildcard && strings.Contains(tag, strings.TrimSuffix(middle, "*")) {
						return true
					}
				}
				return false
			}
			for _, tag := range each.tags {
				assert.True(t, matches(tag), tag)
			}
			assert.False(t, matches("0123456789abcdef0123456789abcdef01234567"))
		})
	}
}

func TestRegistryRegions(t *testing.T) {
	declared := guestbook()
	declared.Stages = append(declared.Stages, stageOf("eu", other, "eu-west-1"), stageOf("eu2", "333333333333", "eu-west-1"))
	assert.Equal(t, []RegistryRegion{
		{Region: "us-east-1", Stages: []string{"dev", "canary", "prod", "eu", "eu2"}, PullAccounts: []string{other}},
		{Region: "us-west-2", Stages: []string{"canary"}},
		{Region: "eu-west-1", Stages: []string{"eu", "eu2"}, PullAccounts: []string{other, "333333333333"}},
	}, RegistryRegions(declared))
	declared.Pipeline = nil
	assert.Empty(t, RegistryRegions(declared))
}

func TestNames(t *testing.T) {
	assert.Equal(t, "TINYSTACK_COMMIT", CommitVariable(""))
	assert.Equal(t, "TINYSTACK_COMMIT_WEB_SITE", CommitVariable("web-site"))
	assert.Equal(t, "111111111111.dkr.ecr.eu-west-1.amazonaws.com/guestbook/api:dev", ImageURI(home, "eu-west-1", "guestbook", "api", "dev"))
	assert.Equal(t, "111111111111.dkr.ecr.cn-north-1.amazonaws.com.cn/guestbook/api:dev", ImageURI(home, "cn-north-1", "guestbook", "api", "dev"))
	assert.Equal(t, "arn:aws-us-gov:iam::111111111111:role/guestbook-dev-gate", GateRoleARN(home, "us-gov-west-1", "guestbook", "dev"))
	assert.Equal(t, "guestbook-dev-bake", BakeRoleName("guestbook", "dev"))
	long := strings.Repeat("a", 40)
	assert.Len(t, BakeRoleName(long, long), 64)
	assert.NotEqual(t, BakeRoleName(long, long), BakeRoleName(long, long+"b"))
	assert.True(t, strings.HasSuffix(GateRoleName(long, long), "-gate"))
}
