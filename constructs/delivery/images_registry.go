package delivery

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecr"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/spec"
)

const (
	// latestTag is on the image that was built last. It is what the next build
	// takes its layers from, and what stands before the first stage.
	latestTag = "latest"

	untaggedDays = 7

	// maxTagFilters and maxLifecycleRules are ECR's limits per repository.
	maxTagFilters     = 5
	maxLifecycleRules = 50
)

// RegistryProps says which repositories a region of the pipeline's account
// holds.
type RegistryProps struct {
	// App is the name of the application. Required.
	App string
	// Services that are built from a repository. Default: none.
	Services []string
	// Stages are the names of the stages whose images lie here: the tags that
	// move. Default: none.
	Stages []string
	// PullAccounts are the accounts that run images from this region; the
	// stack's own is left out. Default: none.
	PullAccounts []string
	// KeepImages is how many of the newest images of each service are kept.
	// Default: 25.
	KeepImages int
}

// Registry holds the image repositories of an application in one region.
//
// A commit's tag cannot be moved; the tags of the stages, and "latest", can.
// The newest images are kept (25 unless declared), and whatever image carries the name of a
// stage, however old it is: ECR never expires an image that a rule of higher
// priority matches, so each moving tag has a rule that matches just its one
// image and never finds a second one to expire. What carries no tag at all
// goes after a week.
//
// The repositories outlive their stack.
type Registry interface {
	constructs.Construct
	// Repository of a service; nil when the service is not built.
	Repository(service string) awsecr.IRepository
}

type registry struct {
	constructs.Construct
	repositories map[string]awsecr.IRepository
}

// NewRegistry makes one repository per service.
func NewRegistry(scope constructs.Construct, id *string, props *RegistryProps) Registry {
	r := &registry{repositories: map[string]awsecr.IRepository{}}
	constructs.NewConstruct_Override(r, scope, id)
	tags := append(slices.Clone(props.Stages), latestTag)
	filters, err := movingTags(tags)
	if err != nil {
		panic(fmt.Errorf("registry %s: %w", *id, err))
	}
	if rules := len(tags) + 2; rules > maxLifecycleRules {
		panic(fmt.Errorf("registry %s: %d stages need %d lifecycle rules, and ECR takes %d: at most %d stages can share a region's registry",
			*id, len(props.Stages), rules, maxLifecycleRules, maxLifecycleRules-3))
	}
	if len(props.Services) == 0 {
		return r
	}
	common := awsecr.RepositoryProps{
		Encryption:                         awsecr.RepositoryEncryption_AES_256(),
		ImageScanOnPush:                    jsii.Bool(true),
		ImageTagMutability:                 awsecr.TagMutability_IMMUTABLE_WITH_EXCLUSION,
		ImageTagMutabilityExclusionFilters: exclusions(filters),
		LifecycleRules:                     lifecycle(tags, props.KeepImages),
		RemovalPolicy:                      awscdk.RemovalPolicy_RETAIN,
	}
	pull := pullers(*awscdk.Stack_Of(r).Account(), props.PullAccounts)
	for _, service := range props.Services {
		own := common
		own.RepositoryName = jsii.String(RepositoryName(props.App, service))
		repository := awsecr.NewRepository(r, jsii.String(service), &own)
		if pull != nil {
			repository.AddToResourcePolicy(pull)
		}
		r.repositories[service] = repository
	}
	return r
}

func (r *registry) Repository(service string) awsecr.IRepository { return r.repositories[service] }

// exclusions are the tags that may move, in all others that may not.
func exclusions(filters []string) *[]awsecr.ImageTagMutabilityExclusionFilter {
	var exclusions []awsecr.ImageTagMutabilityExclusionFilter
	for _, filter := range filters {
		exclusions = append(exclusions, awsecr.ImageTagMutabilityExclusionFilter_Wildcard(jsii.String(filter)))
	}
	return &exclusions
}

// pullers lets the other accounts pull; nil where there are none.
func pullers(own string, accounts []string) awsiam.PolicyStatement {
	var others []awsiam.IPrincipal
	for _, account := range accounts {
		if account != own {
			others = append(others, awsiam.NewAccountPrincipal(account))
		}
	}
	if len(others) == 0 {
		return nil
	}
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("Pull"),
		Principals: &others,
		Actions:    jsii.Strings("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
	})
}

// lifecycle has a rule per moving tag, because a rule with several patterns
// matches only images that carry all of them.
func lifecycle(moving []string, keep int) *[]*awsecr.LifecycleRule {
	if keep == 0 {
		keep = spec.DefaultKeepImages
	}
	rules := []*awsecr.LifecycleRule{{
		Description:  jsii.String("images without a tag"),
		TagStatus:    awsecr.TagStatus_UNTAGGED,
		MaxImageAge:  awscdk.Duration_Days(jsii.Number(untaggedDays)),
		RulePriority: jsii.Number(1),
	}}
	for _, tag := range moving {
		rules = append(rules, &awsecr.LifecycleRule{
			Description:    jsii.String("keeps the image of " + tag),
			TagStatus:      awsecr.TagStatus_TAGGED,
			TagPatternList: jsii.Strings(tag),
			MaxImageCount:  jsii.Number(1),
			RulePriority:   jsii.Number(len(rules) + 1),
		})
	}
	rules = append(rules, &awsecr.LifecycleRule{
		Description:    jsii.String("images of older commits"),
		TagStatus:      awsecr.TagStatus_TAGGED,
		TagPatternList: jsii.Strings("*"),
		MaxImageCount:  jsii.Number(keep),
		RulePriority:   jsii.Number(len(rules) + 1),
	})
	return &rules
}

// movingTags returns patterns for the tags that may move. ECR takes five. That
// is enough for the names themselves of up to four stages; beyond that names
// share patterns by a character that no commit id has. A commit id is
// hexadecimal, so a letter after f or a hyphen can only be in a name. The
// version of an S3 object may have any letter: beyond four stages its tag is
// safe only by the build's leaving alone what is there.
func movingTags(tags []string) ([]string, error) {
	if len(tags) <= maxTagFilters {
		return tags, nil
	}
	var patterns []string
	rest := slices.Clone(tags)
	for len(rest) > 0 {
		pattern, matched := "", 0
		for _, character := range "-ghijklmnopqrstuvwxyz" {
			count := 0
			for _, tag := range rest {
				if strings.ContainsRune(tag, character) {
					count++
				}
			}
			if count > matched {
				pattern, matched = string(character), count
			}
		}
		if matched == 0 {
			// Names of hexadecimal letters only are each a pattern.
			patterns = append(patterns, rest...)
			break
		}
		patterns = append(patterns, "*"+pattern+"*")
		rest = slices.DeleteFunc(rest, func(tag string) bool { return strings.Contains(tag, pattern) })
	}
	if len(patterns) > maxTagFilters {
		return nil, fmt.Errorf("the tags of %d stages need %d patterns (%s), and ECR takes %d: give stages names that share a hyphen or a letter after f",
			len(tags)-1, len(patterns), strings.Join(patterns, " "), maxTagFilters)
	}
	return patterns, nil
}

// RegistryRegion is a region that needs a registry.
type RegistryRegion struct {
	// Region of the registry, in the pipeline's account.
	Region string
	// Stages whose tags move here: in the pipeline's region all of them,
	// elsewhere those of the region.
	Stages []string
	// PullAccounts run images from this region.
	PullAccounts []string
}

// RegistryRegions lists where a resolved declaration needs registries: the
// pipeline's region first, then the other regions of its stages in the order
// of their first stage. It is empty when no service is built.
func RegistryRegions(app spec.App) []RegistryRegion {
	var regions []RegistryRegion
	for _, region := range app.RegistryRegions() {
		regions = append(regions, RegistryRegion{Region: region})
	}
	if len(regions) == 0 {
		return nil
	}
	for _, stage := range app.Stages {
		i := slices.IndexFunc(regions, func(r RegistryRegion) bool { return r.Region == stage.Region })
		regions[0].Stages = append(regions[0].Stages, stage.Name)
		if i > 0 {
			regions[i].Stages = append(regions[i].Stages, stage.Name)
		}
		if stage.Account != app.Pipeline.Account && !slices.Contains(regions[i].PullAccounts, stage.Account) {
			regions[i].PullAccounts = append(regions[i].PullAccounts, stage.Account)
		}
	}
	return regions
}

// BuiltServices lists the services of a declaration whose images are built
// from a repository.
func BuiltServices(app spec.App) []string {
	var names []string
	for _, service := range app.Services {
		if service.Builds() {
			names = append(names, service.Name)
		}
	}
	return names
}

// RepositoryName is the name of a service's image repository.
func RepositoryName(app, service string) string { return naming.App(app).Repository(service) }

// RepositoryARN is the ARN of a service's image repository.
func RepositoryARN(account, region, app, service string) string {
	return "arn:" + partitionOf(region) + ":ecr:" + region + ":" + account + ":repository/" + RepositoryName(app, service)
}

// RegistryHost is the host name of an account's registry in a region.
func RegistryHost(account, region string) string {
	return account + ".dkr.ecr." + region + "." + dnsSuffixOf(region)
}

// ImageURI is where a service's image with a tag is pulled from.
func ImageURI(account, region, app, service, tag string) string {
	return RegistryHost(account, region) + "/" + RepositoryName(app, service) + ":" + tag
}

// ImportRepository refers to a service's repository in the pipeline's account
// and in the region of the scope's stack, which is where a stage pulls from.
func ImportRepository(scope constructs.Construct, id *string, account, app, service string) awsecr.IRepository {
	region := *awscdk.Stack_Of(scope).Region()
	return awsecr.Repository_FromRepositoryAttributes(scope, id, &awsecr.RepositoryAttributes{
		RepositoryArn:  jsii.String(RepositoryARN(account, region, app, service)),
		RepositoryName: jsii.String(RepositoryName(app, service)),
	})
}
