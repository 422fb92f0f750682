package endpoint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

// methodsByPath are the methods of a REST API, as in "GET /items/{id}".
func methodsByPath(template snapshot.Template) map[string]snapshot.Resource {
	var path func(id string) string
	path = func(id string) string {
		r, ok := template.Resource(id)
		if !ok || r.Type != "AWS::ApiGateway::Resource" {
			return ""
		}
		return path(target(r.Properties["ParentId"])) + "/" + r.Properties["PathPart"].(string)
	}
	methods := map[string]snapshot.Resource{}
	for _, method := range template.Resources("AWS::ApiGateway::Method") {
		at := path(target(method.Properties["ResourceId"]))
		methods[method.Properties["HttpMethod"].(string)+" "+at] = method
	}
	return methods
}

func strs(v any) []string {
	var list []string
	entries, _ := v.([]any)
	for _, entry := range entries {
		list = append(list, entry.(string))
	}
	return list
}

// alwaysKeyed distinguish responses on every cached path, in both spellings
// that clients use.
var alwaysKeyed = []string{
	"method.request.header.Authorization", "method.request.header.authorization",
	"method.request.header.Cookie", "method.request.header.cookie",
	"method.request.header.Accept-Encoding", "method.request.header.accept-encoding",
	"method.request.header.If-Modified-Since", "method.request.header.if-modified-since",
	"method.request.header.If-None-Match", "method.request.header.if-none-match",
	"method.request.header.Range", "method.request.header.range",
}

func TestCacheKeys(t *testing.T) {
	methods := methodsByPath(templateOf(t, "rest-api", "no-domain"))
	want := map[string][]string{
		"GET ":       nil,
		"GET /items": {"method.request.querystring.page", "method.request.querystring.sort", "method.request.header.Accept-Language", "method.request.header.accept-language"},
		// Without its variables one path would be one response.
		"GET /items/{id}":         {"method.request.path.id"},
		"GET /users/{name}/posts": {"method.request.path.name", "method.request.querystring.since"},
	}
	for name, method := range methods {
		integration := method.Properties["Integration"].(map[string]any)
		extra, cached := want[name]
		if !cached {
			assert.True(t, strings.HasPrefix(name, "ANY "), name)
			assert.NotContains(t, integration, "CacheKeyParameters", name)
			continue
		}
		key := strs(integration["CacheKeyParameters"])
		assert.ElementsMatch(t, append(slices.Clone(alwaysKeyed), extra...), key, name)
		accepted := method.Properties["RequestParameters"].(map[string]any)
		for _, parameter := range key {
			assert.Contains(t, accepted, parameter, "%s: API Gateway refuses a key it does not know as a parameter", name)
		}
	}
	for name := range want {
		assert.Contains(t, methods, name)
	}
}

func TestOnlyDeclaredGETsAreCached(t *testing.T) {
	_, stage, err := newWalker(templateOf(t, "rest-api", "no-domain")).only("AWS::ApiGateway::Stage")
	require.NoError(t, err)
	assert.Equal(t, true, stage.Properties["CacheClusterEnabled"])
	assert.Equal(t, "1.6", stage.Properties["CacheClusterSize"])
	cached := map[string]bool{}
	for _, entry := range stage.Properties["MethodSettings"].([]any) {
		setting := entry.(map[string]any)
		name := fmt.Sprint(setting["HttpMethod"], " ", setting["ResourcePath"])
		cached[name] = setting["CachingEnabled"].(bool)
		assert.Equal(t, true, setting["CacheDataEncrypted"], name)
		assert.Equal(t, "OFF", setting["LoggingLevel"], name)
		assert.Equal(t, false, setting["DataTraceEnabled"], name)
		if cached[name] {
			assert.EqualValues(t, 60, setting["CacheTtlInSeconds"], name)
		}
	}
	assert.Equal(t, map[string]bool{
		"* /*":                        false,
		"GET /":                       true,
		"GET /~1items":                true,
		"GET /~1items~1{id}":          true,
		"GET /~1users~1{name}~1posts": true,
	}, cached)
}

// Whatever path is asked for, there is a method that passes it on unchanged.
func TestEveryPathIsPassedOn(t *testing.T) {
	template := templateOf(t, "rest-api", "no-domain")
	_, api, err := newWalker(template).only("AWS::ApiGateway::RestApi")
	require.NoError(t, err)
	assert.Equal(t, []any{"*/*"}, api.Properties["BinaryMediaTypes"], "images and compressed responses survive")
	methods := methodsByPath(template)
	paths := map[string]bool{"": true}
	for name := range methods {
		_, path, _ := strings.Cut(name, " ")
		paths[path] = true
	}
	for path := range paths {
		require.Contains(t, methods, "ANY "+path)
		if strings.HasSuffix(path, "{proxy+}") {
			continue
		}
		catching := 0
		for other := range paths {
			if rest, below := strings.CutPrefix(other, path+"/{"); below && !strings.Contains(rest, "/") {
				catching++
			}
		}
		assert.Equal(t, 1, catching, "%q: one child for what is not named, and API Gateway allows no other", path)
	}
	for name, method := range methods {
		verb, path, _ := strings.Cut(name, " ")
		integration := method.Properties["Integration"].(map[string]any)
		assert.Equal(t, verb, integration["IntegrationHttpMethod"], name)
		parts := integration["Uri"].(map[string]any)["Fn::Join"].([]any)[1].([]any)
		sent := strings.ReplaceAll(path, "+}", "}")
		if sent == "" {
			sent = "/" // otherwise API Gateway puts the stage before it
		}
		assert.Equal(t, sent, parts[len(parts)-1], name)
		mapped, _ := integration["RequestParameters"].(map[string]any)
		assert.Len(t, mapped, strings.Count(path, "{"), name)
		for parameter, source := range mapped {
			assert.Equal(t, strings.TrimPrefix(parameter, "integration."), strings.TrimPrefix(source.(string), "method."), name)
			assert.Contains(t, method.Properties["RequestParameters"], source, name)
		}
	}
}

func TestVariableAtTheRoot(t *testing.T) {
	f := newFixture(t, options{})
	NewCachedRESTAPI(f.stack, jsii.String(endpointID), &CachedRESTAPIProps{
		Name: "shop-dev", VPC: f.vpc, Target: f.target,
		Caching: spec.Caching{Paths: []spec.CachedPath{{Path: "/{tenant}/items", Query: &[]string{}}}},
	})
	methods := methodsByPath(f.synth(t))
	assert.Contains(t, methods, "ANY /{tenant}/{proxy+}")
	assert.Contains(t, methods, "GET /{tenant}/items")
	assert.NotContains(t, methods, "ANY /{proxy+}", "a sibling of {tenant}, which API Gateway refuses")
}

func TestDefaultCache(t *testing.T) {
	f := newFixture(t, options{})
	declared := spec.Caching{Paths: []spec.CachedPath{{Path: "/a", Query: &[]string{}, Headers: []string{"authorization", "X-Tenant"}}}}
	NewCachedRESTAPI(f.stack, jsii.String(endpointID), &CachedRESTAPIProps{Name: "shop-dev", VPC: f.vpc, Target: f.target, Caching: declared})
	template := f.synth(t)
	_, stage, err := newWalker(template).only("AWS::ApiGateway::Stage")
	require.NoError(t, err)
	assert.Equal(t, "0.5", stage.Properties["CacheClusterSize"])
	assert.EqualValues(t, 300, stage.Get("Properties.MethodSettings.1.CacheTtlInSeconds"))
	key := strs(methodsByPath(template)["GET /a"].Get("Properties.Integration.CacheKeyParameters"))
	assert.ElementsMatch(t, append(slices.Clone(alwaysKeyed), "method.request.header.X-Tenant", "method.request.header.x-tenant"), key, "each once")
	assert.Equal(t, spec.Caching{Paths: []spec.CachedPath{{Path: "/a", Query: &[]string{}, Headers: []string{"authorization", "X-Tenant"}}}}, declared, "the caller's")
}

// A stage serves a deployment, which is a copy of the methods: when they
// change there must be another, and otherwise not.
func TestDeploymentFollowsTheMethods(t *testing.T) {
	deployment := func(domain DomainProps, paths ...string) string {
		f := newFixture(t, options{})
		var cached []spec.CachedPath
		for _, path := range paths {
			cached = append(cached, spec.CachedPath{Path: path, Query: &[]string{}})
		}
		NewCachedRESTAPI(f.stack, jsii.String(endpointID), &CachedRESTAPIProps{
			Name: "shop-dev", VPC: f.vpc, Target: f.target, Domain: domain, Caching: spec.Caching{Paths: cached},
		})
		id, _, err := newWalker(f.synth(t)).only("AWS::ApiGateway::Deployment")
		require.NoError(t, err)
		return id
	}
	first := deployment(DomainProps{}, "/a")
	assert.Equal(t, first, deployment(DomainProps{}, "/a"))
	assert.NotEqual(t, first, deployment(DomainProps{}, "/a", "/b"))
	assert.NotEqual(t, first, deployment(ownDomain, "/a"), "another Host header")

	// With a domain the methods name the load balancer in what the CDK's hash
	// does not see.
	replaced := func(id string) string {
		f := newFixture(t, options{})
		e := f.addCachedRESTAPI(ownDomain)
		e.LoadBalancer().Node().DefaultChild().(awscdk.CfnElement).OverrideLogicalId(&id)
		deployment, _, err := newWalker(f.synth(t)).only("AWS::ApiGateway::Deployment")
		require.NoError(t, err)
		return deployment
	}
	assert.NotEqual(t, replaced("One"), replaced("Other"), "another load balancer")
}
