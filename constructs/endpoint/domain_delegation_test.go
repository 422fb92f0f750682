package endpoint

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

const delegationRoleARN = "arn:aws:iam::333333333333:role/tinystack-delegation"

var delegatedDomain = DomainProps{
	Name: "api.prod.example.com",
	HostedZone: &spec.HostedZone{
		Name:       "prod.example.com",
		Delegation: &spec.ZoneDelegation{Role: delegationRoleARN, ParentZone: "Z0123456789ABCDEFGHIJ"},
	},
}

func addDelegationRole(stack awscdk.Stack) DelegationRole {
	return NewDelegationRole(stack, jsii.String("Delegation"), &DelegationRoleProps{
		HostedZone: awsroute53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Zone"), &awsroute53.HostedZoneAttributes{
			HostedZoneId: jsii.String("Z0123456789ABCDEFGHIJ"), ZoneName: jsii.String("example.com"),
		}),
		Names:    []string{"prod.example.com", "dev.example.com"},
		Account:  "222222222222",
		RoleName: "tinystack-delegation",
	})
}

func TestDelegatedZone(t *testing.T) {
	for kind, add := range kinds {
		t.Run(kind, func(t *testing.T) {
			f := newFixture(t, options{})
			e := add(f, delegatedDomain)
			require.NotNil(t, e.HostedZoneID())
			assembly := synthtest.SynthSecure(t, f.app)
			template := assembly.Stacks[0].Template
			w := newWalker(template)

			zone, resource, err := w.only("AWS::Route53::HostedZone")
			require.NoError(t, err)
			assert.Equal(t, "prod.example.com.", resource.Properties["Name"])
			assert.Equal(t, "Retain", resource.DeletionPolicy, "Route 53 deletes no zone that has validation records")
			delegation, record, err := w.only("Custom::CrossAccountZoneDelegation")
			require.NoError(t, err)
			assert.Equal(t, delegationRoleARN, record.Properties["AssumeRoleArn"])
			assert.Equal(t, "Z0123456789ABCDEFGHIJ", record.Properties["ParentZoneId"])
			assert.Equal(t, "prod.example.com", record.Properties["DelegatedZoneName"])
			assert.Equal(t, zone, target(record.Properties["DelegatedZoneNameServers"]))
			assert.Equal(t, "Delete", record.DeletionPolicy)

			_, certificate, err := w.only("AWS::CertificateManager::Certificate")
			require.NoError(t, err)
			assert.Contains(t, certificate.DependsOn, delegation, "validation would wait for a zone that nobody finds")
			assert.Equal(t, zone, target(certificate.Get("Properties.DomainValidationOptions.0.HostedZoneId")))
			for id, record := range template.Resources("AWS::Route53::RecordSet") {
				assert.Equal(t, zone, target(record.Properties["HostedZoneId"]), id)
			}
		})
	}
}

// What domains add to an endpoint: a zone of its own, names shared with others.
func TestGoldenDomains(t *testing.T) {
	for name, add := range map[string]func(*fixture){
		"http-api-delegated": func(f *fixture) { f.addHTTPAPI(delegatedDomain) },
		"http-api-shared":    func(f *fixture) { f.addHTTPAPI(sharedDomain(spec.Latency)) },
		"rest-api-shared":    func(f *fixture) { f.addCachedRESTAPI(sharedDomain(spec.Weighted)) },
		"alb-shared":         func(f *fixture) { f.addALB(sharedDomain(spec.Failover)) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, options{})
			add(f)
			template := f.synth(t)
			resources := map[string]any{}
			for id, r := range template.Resources("") {
				of := r.Type
				if strings.Contains(id, "Delegation") || strings.HasPrefix(of, "AWS::Route53") || strings.HasPrefix(of, "AWS::Certificate") || of == "AWS::ApiGatewayV2::ApiMapping" || of == "AWS::ApiGatewayV2::DomainName" {
					resources[id] = template["Resources"].(map[string]any)[id]
				}
			}
			snapshot.Match(t, filepath.Join("testdata", "domains", name+".json"), snapshot.Template{"Resources": resources})
		})
	}
}

// The function that enters the name servers may assume the one role and write
// its own log, which ends.
func TestDelegationFunction(t *testing.T) {
	f := newFixture(t, options{})
	f.addALB(delegatedDomain)
	w := newWalker(f.synth(t))
	_, function, err := w.only("AWS::Lambda::Function")
	require.NoError(t, err)
	logs := target(function.Get("Properties.LoggingConfig.LogGroup"))
	group, ok := w.Resource(logs)
	require.True(t, ok)
	assert.Equal(t, 14.0, group.Properties["RetentionInDays"])
	role, ok := w.Resource(target(function.Properties["Role"]))
	require.True(t, ok)
	assert.NotContains(t, role.Properties, "ManagedPolicyArns")
	policy, ok := w.Resource("ZoneDelegationLogsPolicy")
	require.True(t, ok)
	assert.Equal(t, target(function.Properties["Role"]), target(policy.Get("Properties.Roles.0")))
	_, record, err := w.only("Custom::CrossAccountZoneDelegation")
	require.NoError(t, err)
	assert.Contains(t, record.DependsOn, "ZoneDelegationLogsPolicy")
	allowed := map[string]string{}
	assert.NotContains(t, role.Properties, "Policies")
	for _, p := range w.Resources("AWS::IAM::Policy") {
		if !strings.Contains(fmt.Sprint(p.Properties["Roles"]), target(function.Properties["Role"])) {
			continue // of the fixture
		}
		document := p.Properties["PolicyDocument"]
		for _, s := range document.(map[string]any)["Statement"].([]any) {
			statement := s.(map[string]any)
			actions, several := statement["Action"].([]any)
			if !several {
				actions = []any{statement["Action"]}
			}
			resource := statement["Resource"]
			if list, several := resource.([]any); several {
				require.Len(t, list, 1)
				resource = list[0]
			}
			for _, action := range actions {
				allowed[action.(string)] = target(resource)
			}
		}
	}
	assert.Equal(t, map[string]string{"sts:AssumeRole": delegationRoleARN, "logs:CreateLogStream": logs, "logs:PutLogEvents": logs}, allowed)
}

func TestDelegationRole(t *testing.T) {
	app := synthtest.NewApp(t)
	stack := synthtest.Stack(app, "above")
	assert.NotNil(t, addDelegationRole(stack).Role())
	w := newWalker(synthtest.SynthSecure(t, app).Stacks[0].Template)
	_, role, err := w.only("AWS::IAM::Role")
	require.NoError(t, err)
	assert.Contains(t, fmt.Sprint(role.Get("Properties.AssumeRolePolicyDocument.Statement.0.Principal.AWS")), ":iam::222222222222:root")
	_, policy, err := w.only("AWS::IAM::Policy")
	require.NoError(t, err)
	statements := policy.Get("Properties.PolicyDocument.Statement").([]any)
	require.Len(t, statements, 1)
	statement := statements[0].(map[string]any)
	assert.Equal(t, "route53:ChangeResourceRecordSets", statement["Action"])
	assert.Equal(t, map[string]any{"ForAllValues:StringEquals": map[string]any{
		"route53:ChangeResourceRecordSetsRecordTypes":           []any{"NS"},
		"route53:ChangeResourceRecordSetsActions":               []any{"UPSERT", "DELETE"},
		"route53:ChangeResourceRecordSetsNormalizedRecordNames": []any{"prod.example.com", "dev.example.com"},
	}}, statement["Condition"])

	for name, props := range map[string]DelegationRoleProps{
		"HostedZone is required": {Names: []string{"a.example.com"}, Account: "111111111111"},
		"at least one of Names":  {Account: "111111111111"},
		"not a domain":           {Names: []string{"Prod"}, Account: "111111111111"},
		"12 digits":              {Names: []string{"a.example.com"}, Account: "1"},
		"not below":              {HostedZone: awsroute53.NewPublicHostedZone(stack, jsii.String("Other"), &awsroute53.PublicHostedZoneProps{ZoneName: jsii.String("example.org")}), Names: []string{"a.example.com"}, Account: "111111111111"},
	} {
		func() {
			defer func() {
				problem, ok := recover().(error)
				require.True(t, ok, name)
				assert.ErrorContains(t, problem, name)
			}()
			NewDelegationRole(stack, jsii.String("Wrong"), &props)
		}()
	}
}
