package endpoint

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tinystack-go/tinystack/snapshot"
)

// identity is what no two resources may have at once: CloudFormation makes the
// new one before it deletes the old one. The names of APIs, VPC links and
// security groups' rules need not be unique.
func identity(r snapshot.Resource) string {
	switch r.Type {
	case "AWS::Route53::RecordSet":
		return fmt.Sprint(r.Type, r.Properties["Name"], r.Properties["Type"])
	case "AWS::Logs::LogGroup":
		if r.Properties["LogGroupName"] == nil {
			return ""
		}
		return fmt.Sprint(r.Type, r.Properties["LogGroupName"])
	case "AWS::ApiGatewayV2::DomainName", "AWS::ApiGateway::DomainName":
		return fmt.Sprint("DomainName", r.Properties["DomainName"])
	case "AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGateway::BasePathMapping":
		return fmt.Sprint("Mapping", r.Properties["DomainName"], r.Properties["ApiMappingKey"])
	case "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancingV2::TargetGroup":
		return named(r, "Name")
	case "AWS::S3::Bucket":
		return named(r, "BucketName")
	case "AWS::IAM::Role":
		return named(r, "RoleName")
	case "AWS::ServiceDiscovery::Service":
		return fmt.Sprint(r.Type, r.Properties["NamespaceId"], r.Properties["Name"])
	}
	return ""
}

func named(r snapshot.Resource, property string) string {
	if r.Properties[property] == nil {
		return ""
	}
	return fmt.Sprint(r.Type, r.Properties[property])
}

// inPlace lists the properties, by type, that a change of the kind may change:
// CloudFormation updates each without a replacement.
var inPlace = map[string][]string{
	"AWS::ECS::Service":             {"LoadBalancers", "ServiceRegistries", "HealthCheckGracePeriodSeconds"},
	"AWS::ApiGatewayV2::ApiMapping": {"ApiId", "Stage"},
	"AWS::Route53::RecordSet":       {"AliasTarget"},
}

func TestChangeOfKind(t *testing.T) {
	states := []string{"http-api", "rest-api", "alb"}
	for _, variant := range slices.Sorted(maps.Keys(variants)) {
		for _, domain := range slices.Sorted(maps.Keys(domains)) {
			for _, from := range states {
				for _, to := range states {
					if from != to && serves(from, variant) && serves(to, variant) {
						t.Run(fmt.Sprintf("%s to %s %s %s", from, to, domain, variant), func(t *testing.T) {
							checkChange(t, variantOf(t, from, domain, variant), variantOf(t, to, domain, variant))
						})
					}
				}
			}
		}
	}
}

// A domain can be added to a running endpoint and be removed.
func TestChangeOfDomain(t *testing.T) {
	saved := inPlace
	defer func() { inPlace = saved }()
	inPlace = maps.Clone(saved)
	// Port 80 redirects now; the host names that the tasks see are new.
	inPlace["AWS::ElasticLoadBalancingV2::Listener"] = []string{"DefaultActions"}
	inPlace["AWS::ApiGateway::Method"] = []string{"Integration"}
	inPlace["AWS::ApiGateway::Stage"] = []string{"DeploymentId"}
	inPlace["AWS::EC2::SecurityGroup"] = []string{"SecurityGroupIngress"}
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			checkChange(t, templateOf(t, kind, "no-domain"), templateOf(t, kind, "domain"))
			checkChange(t, templateOf(t, kind, "domain"), templateOf(t, kind, "no-domain"))
		})
	}
}

func checkChange(t *testing.T, before, after snapshot.Template) {
	owners := map[string]string{}
	for id, r := range before.Resources("") {
		if name := identity(r); name != "" {
			owners[name] = id
		}
	}
	for id, r := range after.Resources("") {
		if name := identity(r); name != "" {
			if owner, taken := owners[name]; taken {
				assert.Equal(t, owner, id, "both have the identity %s", name)
			}
		}
		old, kept := before.Resource(id)
		if !kept {
			continue
		}
		assert.Equal(t, old.Type, r.Type, id)
		for property := range allKeys(old.Properties, r.Properties) {
			if !slices.Contains(inPlace[r.Type], property) {
				assert.True(t, reflect.DeepEqual(old.Properties[property], r.Properties[property]), "%s: %s changes", id, property)
			}
		}
	}
	for id := range allKeys(before["Resources"].(map[string]any), after["Resources"].(map[string]any)) {
		_, had := before.Resource(id)
		_, has := after.Resource(id)
		if had != has {
			r, _ := before.Resource(id)
			if has {
				r, _ = after.Resource(id)
			}
			assert.True(t, strings.HasPrefix(id, endpointID) || strings.Contains(id, "Endpoint") || r.Type == "AWS::ServiceDiscovery::Service", "%s comes or goes", id)
		}
	}
}

func allKeys(a, b map[string]any) map[string]bool {
	keys := map[string]bool{}
	for key := range a {
		keys[key] = true
	}
	for key := range b {
		keys[key] = true
	}
	return keys
}

// The service leaves what it was registered in; ECS keeps a registration that
// an update does not mention.
func TestServiceIsRegisteredOnce(t *testing.T) {
	each(t, func(t *testing.T, kind string, _ bool, template snapshot.Template) {
		properties := template.Get("Resources.ServiceD69D759B.Properties").(map[string]any)
		balancers, registries := 1, 0
		if kind == "http-api" {
			balancers, registries = 0, 1
		}
		assert.Len(t, properties["LoadBalancers"], balancers)
		assert.Len(t, properties["ServiceRegistries"], registries)
	})
}
