// Package live looks into the AWS account that a declaration is to be deployed
// to: what its quotas are, how much of them is taken, and which names. It only
// reads. What it may not read it leaves out, and says so.
package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudcontrol"
	cloudcontroltypes "github.com/aws/aws-sdk-go-v2/service/cloudcontrol/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cloudformationtypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	quotatypes "github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/preflight"
	"github.com/tinystack-go/tinystack/spec"
)

// Action is an IAM action that the look takes, and what for.
type Action struct{ Name, For string }

// Actions are all that the look takes. Cloud Control asks for those of the
// services on behalf of the caller, as the schemas of the resource types say.
var Actions = []Action{
	{"sts:GetCallerIdentity", "whose credentials these are (allowed to everybody)"},
	{"cloudformation:DescribeStacks", "which stacks are there, and in what state"},
	{"servicequotas:GetServiceQuota", "the quotas of the account"},
	{"cloudformation:ListResources", "how much of a quota is in use, with the actions of the types:"},
	{"ec2:DescribeVpcs", "VPCs"},
	{"ec2:DescribeAddresses", "Elastic IP addresses"},
	{"autoscaling:DescribeAutoScalingGroups", "Auto Scaling groups"},
	{"apigateway:GET", "VPC links and domain names"},
	{"elasticloadbalancing:DescribeLoadBalancers", "load balancers"},
	{"rds:DescribeDBInstances", "database instances, and the names of those"},
	{"cloudformation:GetResource", "whether a name is taken, with the actions of the types:"},
	{"iam:GetRole", "roles"},
	{"iam:GetRolePolicy", "roles"},
	{"iam:ListAttachedRolePolicies", "roles"},
	{"iam:ListRolePolicies", "roles"},
	{"logs:DescribeLogGroups", "log groups"},
	{"logs:GetDataProtectionPolicy", "log groups"},
	{"logs:ListTagsForResource", "log groups"},
	{"ecr:DescribeRepositories", "image repositories"},
	{"ecr:GetLifecyclePolicy", "image repositories"},
	{"ecr:GetRepositoryPolicy", "image repositories"},
	{"ecr:ListTagsForResource", "image repositories"},
	{"codepipeline:GetPipeline", "the pipeline"},
	{"codepipeline:ListTagsForResource", "the pipeline"},
	{"cloudwatch:DescribeAlarms", "alarms"},
	{"cloudwatch:ListTagsForResource", "alarms"},
	{"cloudwatch:GetDashboard", "dashboards"},
	{"secretsmanager:DescribeSecret", "whether a secret's name is taken, or being deleted"},
}

// patience is how long credentials may take to be found: whoever has none
// should not wait for a metadata service that is not there.
const patience = 10 * time.Second

// bootstrapStack is what `cdk bootstrap` makes.
const bootstrapStack = "CDKToolkit"

// mostPages bounds the count of what is in use.
const mostPages = 50

// Look looks at the places of the declaration that the credentials reach. It
// fails only where there are none.
func Look(ctx context.Context, app spec.App) (*preflight.Account, error) {
	app, err := app.Resolve()
	if err != nil {
		return nil, err
	}
	configuration, err := config.LoadDefaultConfig(ctx, config.WithRegion(app.Stages[0].Region), config.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, fmt.Errorf("the AWS configuration cannot be read: %w", err)
	}
	caller, err := identify(ctx, configuration)
	if err != nil {
		return nil, err
	}
	l := &look{ctx: ctx, app: app, account: &preflight.Account{
		Limits:   map[preflight.Place]map[string]preflight.Limit{},
		Deployed: map[preflight.Place]map[string]bool{},
	}, missing: map[string]int{}}
	for _, at := range l.places() {
		if at.Account != "" && at.Account != caller {
			l.elsewhere(at, caller)
			continue
		}
		regional := configuration.Copy()
		regional.Region = at.Region
		l.place(at, caller, regional)
	}
	return l.account, nil
}

// identify says whose credentials there are.
func identify(ctx context.Context, configuration aws.Config) (string, error) {
	const help = "--live needs AWS credentials; sign in, as with `aws sso login`, or set AWS_PROFILE. Without --live none are needed"
	waiting, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if _, err := configuration.Credentials.Retrieve(waiting); err != nil {
		return "", errors.New("there are no AWS credentials: " + help)
	}
	identity, err := sts.NewFromConfig(configuration).GetCallerIdentity(ctx, nil)
	if err != nil {
		return "", fmt.Errorf("the AWS credentials are not accepted (%s): %s", codeOf(err), help)
	}
	return aws.ToString(identity.Account), nil
}

type look struct {
	ctx     context.Context
	app     spec.App
	account *preflight.Account
	// missing are the findings of what could not be looked at, by action and
	// place.
	missing map[string]int
}

// site is a place with the clients for it.
type site struct {
	preflight.Place
	// caller is the account in full.
	caller   string
	path     string
	stages   []string
	stacks   *cloudformation.Client
	types    *cloudcontrol.Client
	quotas   *servicequotas.Client
	secrets  *secretsmanager.Client
	deployed map[string]bool
}

// places are where anything of the declaration is to be, in its order.
func (l *look) places() []preflight.Place {
	var places []preflight.Place
	for _, name := range preflight.Names(l.app) {
		if !slices.Contains(places, name.StackPlace) {
			places = append(places, name.StackPlace)
		}
	}
	return places
}

func (l *look) stagesIn(at preflight.Place) (stages []string, path string) {
	for _, name := range preflight.Names(l.app) {
		if name.StackPlace != at {
			continue
		}
		if path == "" {
			path = name.Path
		}
		if name.Stage != "" && !slices.Contains(stages, name.Stage) {
			stages = append(stages, name.Stage)
		}
	}
	return stages, path
}

func (l *look) add(kind finding.Kind, stages []string, path, what, why, fix string) {
	l.account.Found = append(l.account.Found, preflight.Finding{ID: kind.ID, Severity: kind.Severity, Stages: stages, Path: path, What: what, Why: why, Fix: fix})
}

func (l *look) elsewhere(at preflight.Place, caller string) {
	if _, said := l.missing[at.Account]; said {
		return
	}
	l.missing[at.Account] = len(l.account.Found)
	stages, path := l.stagesIn(at)
	l.add(finding.NotChecked, stages, path, "account "+at.Account+" was not looked at",
		"the credentials are those of account "+caller, "run it again with credentials of account "+at.Account)
}

// cannot reports what may not be read, once for each action and place.
func (l *look) cannot(s *site, action string, err error) {
	key := action + " " + s.String()
	if _, said := l.missing[key]; said {
		return
	}
	l.missing[key] = len(l.account.Found)
	l.add(finding.NotChecked, s.stages, s.path, fmt.Sprintf("%s did not answer in %s (%s)", action, s.Place, codeOf(err)),
		"what it tells is left out, and nothing else", "allow the action to whoever runs this; docs/preflight.md lists all of them")
}

func (l *look) place(at preflight.Place, caller string, configuration aws.Config) {
	s := &site{
		Place: at, caller: caller,
		stacks:   cloudformation.NewFromConfig(configuration),
		types:    cloudcontrol.NewFromConfig(configuration),
		quotas:   servicequotas.NewFromConfig(configuration),
		secrets:  secretsmanager.NewFromConfig(configuration),
		deployed: map[string]bool{},
	}
	s.stages, s.path = l.stagesIn(at)
	l.account.Deployed[at] = s.deployed
	known := l.bootstrap(s) && l.findStacks(s)
	l.limits(s)
	if known {
		l.names(s)
	}
}

// stack is a stack by its name; nil where there is none.
func (s *site) stack(ctx context.Context, name string) (*cloudformationtypes.Stack, error) {
	found, err := s.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	var failed smithy.APIError
	switch {
	case errors.As(err, &failed) && failed.ErrorCode() == "ValidationError" && strings.Contains(failed.ErrorMessage(), "does not exist"):
		return nil, nil
	case err != nil:
		return nil, err
	case len(found.Stacks) == 0:
		return nil, nil
	}
	return &found.Stacks[0], nil
}

// bootstrap says whether stacks can be looked at, too.
func (l *look) bootstrap(s *site) bool {
	found, err := s.stack(l.ctx, bootstrapStack)
	if err != nil {
		l.cannot(s, "cloudformation:DescribeStacks", err)
		return false
	}
	if found == nil {
		l.add(finding.NotBootstrapped, s.stages, s.path, "there is no stack "+bootstrapStack+" in "+s.String(),
			"the CDK deploys with roles and a bucket that it makes, once for each account and region", fmt.Sprintf("run what `make synth` ends with for aws://%s/%s: npx cdk bootstrap …", s.caller, s.Region))
	}
	return true
}

// stuck are the states that CloudFormation does not update a stack from, and
// what leads out of them.
var stuck = map[cloudformationtypes.StackStatus]string{
	cloudformationtypes.StackStatusCreateFailed:         "delete-stack",
	cloudformationtypes.StackStatusRollbackComplete:     "delete-stack",
	cloudformationtypes.StackStatusRollbackFailed:       "delete-stack",
	cloudformationtypes.StackStatusDeleteFailed:         "delete-stack",
	cloudformationtypes.StackStatusUpdateRollbackFailed: "continue-update-rollback",
	cloudformationtypes.StackStatusImportRollbackFailed: "delete-stack",
}

// findStacks looks for the stacks of the declaration.
func (l *look) findStacks(s *site) bool {
	for _, name := range preflight.Names(l.app) {
		if name.StackPlace != s.Place || name.Type != "AWS::CloudFormation::Stack" {
			continue
		}
		found, err := s.stack(l.ctx, name.Name)
		if err != nil {
			l.cannot(s, "cloudformation:DescribeStacks", err)
			return false
		}
		if found == nil || found.StackStatus == cloudformationtypes.StackStatusReviewInProgress {
			continue
		}
		if !l.ours(found) {
			l.add(finding.NameTaken, stagesOf(name), name.Path, "stack "+name.Name+" is there already, and not of this application",
				"a deployment would try to turn it into another", "rename the application or the stage")
			s.deployed[name.Name] = true // nothing more to say of what is in it
			continue
		}
		// What failed at first has nothing in it any more.
		s.deployed[name.Name] = found.StackStatus != cloudformationtypes.StackStatusRollbackComplete
		if way := stuck[found.StackStatus]; way != "" {
			l.add(finding.StackStuck, stagesOf(name), name.Path, fmt.Sprintf("stack %s is in the state %s", name.Name, found.StackStatus),
				"CloudFormation does not update a stack in that state: the next deployment fails at once",
				fmt.Sprintf("look at its events for the reason, then: aws cloudformation %s --stack-name %s --region %s", way, name.Name, s.Region))
		}
	}
	return true
}

// ours says whether the stack is of this application: by its tag, or by the
// description that each stack has.
func (l *look) ours(stack *cloudformationtypes.Stack) bool {
	for _, tag := range stack.Tags {
		if aws.ToString(tag.Key) == "tinystack:app" {
			return aws.ToString(tag.Value) == l.app.Name
		}
	}
	description := aws.ToString(stack.Description)
	return strings.HasPrefix(description, l.app.Name+":") || strings.HasPrefix(description, l.app.Name+", stage ")
}

func stagesOf(name preflight.Name) []string {
	if name.Stage == "" {
		return nil
	}
	return []string{name.Stage}
}

func (l *look) taken(name preflight.Name, reason string) {
	l.add(finding.NameTaken, stagesOf(name), name.Path, fmt.Sprintf("%s is there already (%s)", name.Name, name.Type),
		reason+": stack "+name.Stack+" cannot make another, and fails", "rename the application or the stage, or delete what has the name if nobody needs it")
}

// names looks for names that are taken, of stacks that are not there yet: what
// a stack has made is its own.
func (l *look) names(s *site) {
	for _, name := range preflight.Names(l.app) {
		if name.StackPlace != s.Place || name.Type == "AWS::CloudFormation::Stack" || s.deployed[name.Stack] {
			continue
		}
		if name.Type == "AWS::SecretsManager::Secret" {
			l.secret(s, name)
			continue
		}
		_, err := s.types.GetResource(l.ctx, &cloudcontrol.GetResourceInput{TypeName: &name.Type, Identifier: &name.Name})
		var none *cloudcontroltypes.ResourceNotFoundException
		switch {
		case errors.As(err, &none):
		case err != nil:
			l.cannot(s, "cloudformation:GetResource of "+name.Type, err)
		default:
			l.taken(name, "another stack made it, or one that was deleted kept it")
		}
	}
}

func (l *look) secret(s *site, name preflight.Name) {
	found, err := s.secrets.DescribeSecret(l.ctx, &secretsmanager.DescribeSecretInput{SecretId: &name.Name})
	var none *secretstypes.ResourceNotFoundException
	switch {
	case errors.As(err, &none):
	case err != nil:
		l.cannot(s, "secretsmanager:DescribeSecret", err)
	case found.DeletedDate != nil:
		l.add(finding.SecretBeingDeleted, stagesOf(name), name.Path, "the secret "+name.Name+" is being deleted",
			"until its recovery window ends nobody can make another of that name: stack "+name.Stack+" fails",
			fmt.Sprintf("aws secretsmanager delete-secret --secret-id %s --force-delete-without-recovery --region %s, or wait; restore-secret gets its value back first", name.Name, s.Region))
	default:
		l.taken(name, "another stack made it, or one that was deleted kept it")
	}
}

// limits asks for the quotas that the place meets, and what is in use.
func (l *look) limits(s *site) {
	limits := map[string]preflight.Limit{}
	l.account.Limits[s.Place] = limits
	for _, quota := range preflight.AllQuotas() {
		if !l.meets(quota, s.Place) {
			continue
		}
		found, err := s.quotas.GetServiceQuota(l.ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: &quota.Service, QuotaCode: &quota.Code})
		var none *quotatypes.NoSuchResourceException
		switch {
		case errors.As(err, &none):
			continue // the default is all there is
		case err != nil:
			l.cannot(s, "servicequotas:GetServiceQuota", err)
			continue
		case found.Quota == nil || found.Quota.Value == nil:
			continue
		}
		limit := preflight.Limit{Value: int(*found.Quota.Value)}
		if quota.Type != "" {
			limit.InUse = l.inUse(s, quota.Type)
		}
		limits[quota.Code] = limit
	}
}

// meets says whether a stage in the place takes of the quota, or the pipeline.
func (l *look) meets(quota preflight.Quota, at preflight.Place) bool {
	if quota.Need == nil {
		if quota.Service != "codebuild" {
			// That of all APIs together; one API's own is asked for with its id.
			return quota.Kind == finding.QuotaRequests && slices.ContainsFunc(l.app.Stages, func(stage spec.Stage) bool {
				return at == preflight.Place{Account: stage.Account, Region: stage.Region} && stage.Endpoint.Throttling.RequestsPerSecond > 0
			})
		}
		return l.app.Pipeline != nil && at == preflight.Place{Account: l.app.Pipeline.Account, Region: l.app.Pipeline.Region}
	}
	return slices.ContainsFunc(l.app.Stages, func(stage spec.Stage) bool {
		return at == preflight.Place{Account: stage.Account, Region: stage.Region} && quota.Need(l.app, stage) > 0
	})
}

// inUse counts the resources of a type; 0 where that may not be read.
func (l *look) inUse(s *site, kind string) int {
	pages := cloudcontrol.NewListResourcesPaginator(s.types, &cloudcontrol.ListResourcesInput{TypeName: &kind})
	total := 0
	for page := 0; pages.HasMorePages() && page < mostPages; page++ {
		found, err := pages.NextPage(l.ctx)
		if err != nil {
			l.cannot(s, "cloudformation:ListResources of "+kind, err)
			return 0
		}
		for _, resource := range found.ResourceDescriptions {
			// Network Load Balancers have a quota of their own.
			if kind != "AWS::ElasticLoadBalancingV2::LoadBalancer" || strings.Contains(aws.ToString(resource.Identifier), ":loadbalancer/app/") {
				total++
			}
		}
	}
	return total
}

// codeOf is what AWS calls an error. Its text can name people and accounts.
func codeOf(err error) string {
	var failed smithy.APIError
	if errors.As(err, &failed) {
		return failed.ErrorCode()
	}
	return "no answer"
}
