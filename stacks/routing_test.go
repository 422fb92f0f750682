package stacks_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

// regions is an application whose production is in two regions that share a
// domain, after a stage whose zone is delegated from another account, and one
// without a domain.
func regions() spec.App {
	zone := &spec.HostedZone{ID: "Z0123456789ABCDEFGHIJ", Name: "example.com"}
	shared := func(weight int) spec.Endpoint {
		return spec.Endpoint{Domain: "shop.example.com", HostedZone: zone, Routing: &spec.Routing{
			Policy: spec.Weighted, Weight: &weight, HealthCheck: &spec.RoutingHealthCheck{},
		}}
	}
	scale := spec.ScaleProfile{Instance: "t3.medium"}
	return spec.App{
		Name:     "shop",
		Pipeline: &spec.Pipeline{Account: "111111111111"},
		Source:   &spec.Source{CodeCommit: "shop"},
		Services: []spec.Service{
			{Name: "web", HealthCheck: spec.HealthCheck{Path: "/up", Command: []string{"true"}}},
			{Name: "admin", Subdomain: "back--office"},
		},
		Stages: []spec.Stage{
			{Name: "dev", Scale: scale},
			{Name: "test", Scale: scale, Account: "222222222222", Endpoint: spec.Endpoint{
				Domain: "test.example.com",
				HostedZone: &spec.HostedZone{Name: "test.example.com", Delegation: &spec.ZoneDelegation{
					Role: "arn:aws:iam::111111111111:role/delegation", ParentZone: "Z0123456789ABCDEFGHIJ",
				}},
			}},
			{Name: "us", Region: "us-west-2", Wave: "prod", Scale: scale, Endpoint: shared(100), Smoke: &spec.Smoke{}},
			{Name: "eu", Region: "eu-west-1", Wave: "prod", Scale: scale, Endpoint: shared(0)},
		},
	}
}

func TestRegionsThatShareADomain(t *testing.T) {
	assembly := synthOnce(t, "regions", regions())
	everyTemplate(t, assembly)
	output := func(stage, name string) string {
		value := template(t, assembly, "shop-"+stage+"-service").Get("Outputs." + name + ".Value")
		return fmt.Sprint(value)
	}
	assert.Equal(t, "https://shop.example.com", output("us", "URL"))
	assert.Equal(t, "https://us.shop.example.com", output("us", "RegionalURL"))
	assert.Equal(t, "https://back--office.shop.example.com", output("us", "SubdomainBack0OfficeURL"))
	assert.Contains(t, output("dev", "SubdomainBack0OfficeURL"), "ApiEndpoint", "a subdomain has an address without a domain, too")
	assert.Contains(t, output("test", "HostedZone"), "Zone")
	assert.Equal(t, "<nil>", output("test", "RegionalURL"))

	for stage, want := range map[string]float64{"us": 100, "eu": 0} {
		weights := 0
		for _, record := range template(t, assembly, "shop-"+stage+"-service").Resources("AWS::Route53::RecordSet") {
			if weight, ok := record.Properties["Weight"]; ok {
				assert.Equal(t, want, weight)
				assert.Equal(t, map[string]string{"us": "weighted-us-west-2", "eu": "weighted-eu-west-1"}[stage], record.Properties["SetIdentifier"])
				weights++
			}
		}
		assert.Equal(t, 4, weights, "A and AAAA of the domain and the subdomain")
		for _, check := range template(t, assembly, "shop-"+stage+"-service").Resources("AWS::Route53::HealthCheck") {
			assert.Equal(t, "/up", check.Get("Properties.HealthCheckConfig.ResourcePath"))
			assert.Equal(t, stage+".shop.example.com", check.Get("Properties.HealthCheckConfig.FullyQualifiedDomainName"))
		}
	}

	raw, err := snapshot.Render(template(t, assembly, "shop-pipeline"))
	require.NoError(t, err)
	assert.Contains(t, string(raw), "RegionalURL", "the smoke test asks this region")
	assert.Contains(t, string(raw), `"Name": "Assets"`, "the function that delegates is published")
}

// A region that is drained changes no other stage.
func TestDrainingARegion(t *testing.T) {
	before := synthOnce(t, "regions", regions())
	app := regions()
	app.Stages[2].Endpoint.Routing.Weight = new(0)
	after := plain(t, app, nil)
	for _, stack := range before.Stacks {
		if stack.Name != "shop-us-service" && stack.Name != "shop-pipeline" {
			assert.Equal(t, stack.Template, template(t, after, stack.Name), stack.Name)
		}
	}
	assert.NotEqual(t, template(t, before, "shop-us-service"), template(t, after, "shop-us-service"))
}
