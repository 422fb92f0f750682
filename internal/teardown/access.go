package teardown

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
)

// Place is an account and region. An empty account is that of the credentials.
type Place struct{ Account, Region string }

func (p Place) String() string { return p.Account + ", " + p.Region }

// Access is how places are reached: with the credentials that the AWS tools
// find, too. Another account is entered by the role that the CDK's bootstrap
// made there for deployments, which may also delete stacks.
type Access struct {
	// Profile of the shared configuration, in place of the default one.
	Profile string
	// Profiles for single stages and accounts, by either's name.
	Profiles map[string]string
	// Backoff is the time between two attempts. Default: the SDK's.
	Backoff retry.BackoffDelayer

	bases    map[string]base
	sessions map[string]*Session
}

// base is a set of credentials and whose they are.
type base struct {
	config       aws.Config
	account, arn string
}

// Session is CloudFormation in a place.
type Session struct {
	Place
	// Identity is the ARN that is acted as.
	Identity string
	client   *cloudformation.Client
}

// attempts bounds how often a request is made: a region's requests are
// throttled for all that is done in the account.
const attempts = 10

// In enters a place for a stage; an empty stage is what all stages share.
func (a *Access) In(ctx context.Context, place Place, stage string) (*Session, error) {
	profile, named := a.Profiles[stage]
	if !named || stage == "" {
		profile, named = a.Profiles[place.Account]
	}
	if !named {
		profile = a.Profile
	}
	key := profile + " " + place.String()
	if found := a.sessions[key]; found != nil {
		return found, nil
	}
	base, err := a.base(ctx, profile, place.Region)
	if err != nil {
		return nil, err
	}
	cfg := base.config.Copy()
	cfg.Region = place.Region
	identity := base.arn
	switch {
	case place.Account == "":
		place.Account = base.account
	case place.Account == base.account:
	case named:
		return nil, fmt.Errorf("the profile %s is of account %s, and %s is in account %s: name a profile of that account", profile, base.account, orAll(stage), place.Account)
	default:
		if identity, err = assume(ctx, &cfg, base, place, stage); err != nil {
			return nil, err
		}
	}
	session := &Session{Place: place, Identity: identity, client: cloudformation.NewFromConfig(cfg)}
	if a.sessions == nil {
		a.sessions = map[string]*Session{}
	}
	a.sessions[key] = session
	return session, nil
}

func orAll(stage string) string {
	if stage == "" {
		return "the pipeline"
	}
	return "the stage " + stage
}

// base are the credentials of a profile, checked.
func (a *Access) base(ctx context.Context, profile, region string) (base, error) {
	if found, ok := a.bases[profile]; ok {
		return found, nil
	}
	options := []func(*config.LoadOptions) error{
		config.WithRegion(region),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts = attempts
				if a.Backoff != nil {
					o.Backoff = a.Backoff
				}
			})
		}),
	}
	if profile != "" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	// What the SDK has to tell reaches people as an error.
	cfg, err := config.LoadDefaultConfig(ctx, append(options, config.WithLogger(logging.Nop{}))...)
	if err != nil {
		return base{}, fmt.Errorf("the AWS configuration cannot be read: %w", err)
	}
	caller, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		return base{}, explain(ctx, "ask whose credentials these are", err)
	}
	found := base{cfg, aws.ToString(caller.Account), aws.ToString(caller.Arn)}
	if a.bases == nil {
		a.bases = map[string]base{}
	}
	a.bases[profile] = found
	return found, nil
}

// assume enters another account by the CDK's role there, and makes sure that it
// is the right one.
func assume(ctx context.Context, cfg *aws.Config, from base, place Place, stage string) (string, error) {
	partition := strings.Split(from.arn, ":")[1]
	role := fmt.Sprintf("arn:%s:iam::%s:role/cdk-hnb659fds-deploy-role-%s-%s", partition, place.Account, place.Account, place.Region)
	cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(*cfg), role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "tinystack"
	}))
	caller, err := sts.NewFromConfig(*cfg).GetCallerIdentity(ctx, nil)
	var refused smithy.APIError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode() == "AccessDenied":
		return "", fmt.Errorf("%s is in account %s; the credentials are of account %s (%s), which may not assume %s.\n"+
			"Name a profile of that account with --profile %s=NAME, or let this account in: npx cdk bootstrap aws://%[2]s/%s --trust %[3]s",
			orAll(stage), place.Account, from.account, from.arn, role, place.Account, place.Region)
	case err != nil:
		return "", explain(ctx, "assume "+role, err)
	case aws.ToString(caller.Account) != place.Account:
		return "", fmt.Errorf("%s leads to account %s instead of %s: nothing was done", role, aws.ToString(caller.Account), place.Account)
	}
	return role, nil
}

// ErrInterrupted is what ends work that somebody stopped.
var ErrInterrupted = errors.New("interrupted")

// explain says what an error of AWS means, and what to do.
func explain(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ErrInterrupted
	}
	var refused smithy.APIError
	if errors.As(err, &refused) {
		switch code := refused.ErrorCode(); code {
		case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
			return fmt.Errorf("the AWS credentials have expired: log in again (for example with \"aws sso login\"), and run the same command again")
		case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature":
			return fmt.Errorf("AWS does not accept the credentials (%s): check AWS_PROFILE and the AWS_… variables, or log in again", code)
		case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
			return fmt.Errorf("the credentials may not %s: %s", doing, refused.ErrorMessage())
		case "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException":
			return fmt.Errorf("AWS is throttling requests of this account (%s); it was tried %d times to %s: run the same command again in a while", code, attempts, doing)
		default:
			return fmt.Errorf("could not %s: %s (%s)", doing, refused.ErrorMessage(), code)
		}
	}
	text := err.Error()
	if strings.Contains(text, "SSO") || strings.Contains(text, "sso") {
		return fmt.Errorf("the session of AWS IAM Identity Center has ended: run \"aws sso login\", and the same command again")
	}
	if strings.Contains(text, "refresh cached credentials") || strings.Contains(text, "get credentials") {
		return fmt.Errorf("there are no AWS credentials: log in (aws sso login, aws configure), or name a profile with --profile or AWS_PROFILE")
	}
	return fmt.Errorf("could not %s: %w", doing, err)
}

// Pause waits, unless somebody stops it.
func Pause(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ErrInterrupted
	case <-timer.C:
		return nil
	}
}
