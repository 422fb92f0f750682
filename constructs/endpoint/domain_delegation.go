package endpoint

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/spec"
)

// delegationProvider is the id, in the stack, of the function that enters name
// servers in another account; the CDK gives it.
const delegationProvider = "Custom::CrossAccountZoneDelegationCustomResourceProvider"

// delegationTTL of the name servers in the zone above, in seconds: an hour, so
// that a zone that is made anew is found the same day.
const delegationTTL = 3600

// newDelegatedZone makes a hosted zone and enters its name servers in the zone
// above. The zone stays when the stack goes: Certificate Manager leaves its
// validation records in it, and Route 53 deletes no zone with records.
func newDelegatedZone(scope constructs.Construct, declared spec.HostedZone) (awsroute53.IHostedZone, constructs.IDependable) {
	zone := awsroute53.NewPublicHostedZone(scope, jsii.String("DelegatedZone"), &awsroute53.PublicHostedZoneProps{
		ZoneName: &declared.Name,
		Comment:  jsii.String("Delegated from another account"),
	})
	zone.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN)
	record := awsroute53.NewCrossAccountZoneDelegationRecord(scope, jsii.String("Delegation"), &awsroute53.CrossAccountZoneDelegationRecordProps{
		DelegatedZone:      zone,
		DelegationRole:     awsiam.Role_FromRoleArn(scope, jsii.String("DelegationRole"), &declared.Delegation.Role, &awsiam.FromRoleArnOptions{Mutable: jsii.Bool(false)}),
		ParentHostedZoneId: &declared.Delegation.ParentZone,
		Ttl:                awscdk.Duration_Seconds(jsii.Number(delegationTTL)),
		RemovalPolicy:      awscdk.RemovalPolicy_DESTROY,
	})
	// Deleting the record is to leave a log, too.
	record.Node().AddDependency(keepLogs(awscdk.Stack_Of(scope)))
	return zone, record
}

// keepLogs gives the function's output a log group that ends, in place of one
// that Lambda makes and nobody deletes, and the function's role the right to
// write there alone.
func keepLogs(stack awscdk.Stack) constructs.IConstruct {
	provider := stack.Node().FindChild(jsii.String(delegationProvider))
	if known := stack.Node().TryFindChild(jsii.String("ZoneDelegationLogsPolicy")); known != nil {
		return known // another endpoint of the stack has seen to it
	}
	logs := awslogs.NewLogGroup(stack, jsii.String("ZoneDelegationLogs"), &awslogs.LogGroupProps{
		Retention:     awslogs.RetentionDays_TWO_WEEKS,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	provider.Node().FindChild(jsii.String("Handler")).(awscdk.CfnResource).
		AddPropertyOverride(jsii.String("LoggingConfig"), map[string]any{"LogGroup": logs.LogGroupName()})
	role := provider.Node().FindChild(jsii.String("Role")).(awscdk.CfnResource)
	role.AddPropertyDeletionOverride(jsii.String("ManagedPolicyArns"))
	return awsiam.NewCfnPolicy(stack, jsii.String("ZoneDelegationLogsPolicy"), &awsiam.CfnPolicyProps{
		PolicyName: jsii.String("Logs"),
		Roles:      &[]*string{role.Ref()},
		PolicyDocument: awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions:   jsii.Strings("logs:CreateLogStream", "logs:PutLogEvents"),
				Resources: &[]*string{logs.LogGroupArn()},
			}),
		}}),
	})
}

// DelegationRoleProps says who may delegate which names.
type DelegationRoleProps struct {
	// HostedZone is the zone above, in the account of the stack. Required.
	HostedZone awsroute53.IHostedZone

	// Names of the zones that may be delegated, as in prod.example.com.
	// Required: at least one.
	Names []string

	// Account is the 12-digit id of the account that the zones are in.
	// Required.
	Account string

	// RoleName by which the other account's declaration can name the role
	// before it is there. Default: CloudFormation's choice, see the role's ARN.
	RoleName string
}

// DelegationRole lets another account enter the name servers of some zones.
type DelegationRole interface {
	constructs.Construct
	// Role to be named as the role of a [spec.ZoneDelegation].
	Role() awsiam.IRole
}

type delegationRole struct {
	constructs.Construct
	role awsiam.Role
}

// NewDelegationRole makes a role in the account of a hosted zone by which a
// stage in another account delegates zones below it to itself. All that it
// allows is to change and delete records of type NS of these very names: no
// other record, no other zone, and no reading.
//
// It panics with all problems of the props if there are any.
func NewDelegationRole(scope constructs.Construct, id *string, props *DelegationRoleProps) DelegationRole {
	check(id, validateDelegationRole(props))
	d := &delegationRole{}
	constructs.NewConstruct_Override(d, scope, id)
	d.role = awsiam.NewRole(d, jsii.String("Role"), &awsiam.RoleProps{
		RoleName:    optional.Text(props.RoleName),
		AssumedBy:   awsiam.NewAccountPrincipal(&props.Account),
		Description: jsii.String("Enters the name servers of delegated zones"),
	})
	awsiam.NewPolicy(d, jsii.String("Policy"), &awsiam.PolicyProps{
		Roles: &[]awsiam.IRole{d.role},
		Statements: &[]awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings("route53:ChangeResourceRecordSets"),
			Resources: &[]*string{props.HostedZone.HostedZoneArn()},
			Conditions: &map[string]any{"ForAllValues:StringEquals": map[string]any{
				"route53:ChangeResourceRecordSetsRecordTypes":           []string{"NS"},
				"route53:ChangeResourceRecordSetsActions":               []string{"UPSERT", "DELETE"},
				"route53:ChangeResourceRecordSetsNormalizedRecordNames": props.Names,
			}},
		})},
	})
	return d
}

func (d *delegationRole) Role() awsiam.IRole { return d.role }

var accountPattern = regexp.MustCompile(`^[0-9]{12}$`)

func validateDelegationRole(props *DelegationRoleProps) error {
	var problems []error
	if props.HostedZone == nil {
		problems = append(problems, errors.New("a HostedZone is required"))
	}
	if len(props.Names) == 0 {
		problems = append(problems, errors.New("at least one of Names is required: list the zones that may be delegated"))
	}
	for _, name := range props.Names {
		if err := spec.CheckDomain(name); err != nil {
			problems = append(problems, fmt.Errorf("in Names: %w", err))
			continue
		}
		if props.HostedZone != nil && !isToken(name) && !isToken(*props.HostedZone.ZoneName()) && !strings.HasSuffix(name, "."+*props.HostedZone.ZoneName()) {
			problems = append(problems, fmt.Errorf("in Names: %q is not below the hosted zone %q", name, *props.HostedZone.ZoneName()))
		}
	}
	if !isToken(props.Account) && !accountPattern.MatchString(props.Account) {
		problems = append(problems, fmt.Errorf("the Account %q: 12 digits are required", props.Account))
	}
	return errors.Join(problems...)
}
