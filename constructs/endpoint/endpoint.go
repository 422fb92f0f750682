package endpoint

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// Ids of the children that every kind has, or both API kinds: what a change of
// the kind updates in place. They are part of logical ids and never change.
const (
	idCertificate = "Certificate"
	idRecord      = "AliasRecord"
	idRecordIPv6  = "AliasRecordIPv6"
	idAccessLogs  = "AccessLogs"
	idDomainName  = "DomainName"
	idMapping     = "ApiMapping"
)

// Ids of the scopes that hold the rest, one a kind. A change of the kind
// replaces one by another.
const (
	idHTTPAPI = "HttpApi"
	idRESTAPI = "RestApi"
	idALB     = "Alb"
)

// public is why nobody is asked who they are.
const public = "The endpoint of a web application is public; the application knows its users."

// Endpoint is how the world reaches a service, whatever the kind.
type Endpoint interface {
	constructs.Construct
	// URL of the endpoint, without a slash at the end: under its domain if it
	// has one, otherwise under the address that AWS gave it.
	URL() *string
	// RegionalURL reaches this endpoint and none of another region: where its
	// domain is shared with others, under its regional name. Otherwise URL.
	RegionalURL() *string
	// Subdomains that services of routes are served under, in alphabetical
	// order; those that have no address of their own are left out.
	Subdomains() []Subdomain
	// Domain is the custom host name; nil without one.
	Domain() *string
	// DNSTarget is the host name that a record for Domain must point to. The
	// endpoint makes that record itself where it knows the hosted zone. Nil
	// without a domain.
	DNSTarget() *string
	// HostedZoneID of the zone that is delegated to the endpoint; nil where
	// none is.
	HostedZoneID() *string
	// Certificate of Domain; nil without one.
	Certificate() awscertificatemanager.ICertificate
	// ErrorMetric5xx counts responses with a status of 500 or more, from the
	// service or from the endpoint on its behalf, in five minutes.
	ErrorMetric5xx() awscloudwatch.IMetric
	// RequestMetric counts requests in five minutes.
	RequestMetric() awscloudwatch.IMetric
	// LatencyMetric is how long responses take, over five minutes: for an API
	// in milliseconds and in total; for an ALB in seconds and from the tasks.
	// The statistic is one of CloudWatch's, as in "p99" or "Average".
	LatencyMetric(statistic string) awscloudwatch.IMetric
	// UnhealthyTargetsMetric counts tasks that fail the load balancer's health
	// check; nil where there is no load balancer.
	UnhealthyTargetsMetric() awscloudwatch.IMetric
	// MetricNames are the names by which CloudWatch knows the endpoint, for the
	// alarms of package monitor.
	MetricNames() monitor.Names
}

// Subdomain is where services beside the endpoint's own are found.
type Subdomain struct {
	// Name of the subdomain, as in admin.
	Name string
	// URL without a slash at the end.
	URL *string
	// Domain is the whole host name; nil where the endpoint has no domain.
	Domain *string
	// DNSTarget is the host name that a record for Domain must point to; nil
	// without a domain.
	DNSTarget *string
}

// address is where a kind is found.
type address struct {
	url         *string
	regionalURL *string
	subdomains  []Subdomain
	domain      *string
	zoneID      *string
	dnsTarget   *string
	certificate awscertificatemanager.ICertificate
}

// namePattern is what names derived from a props' Name have in common: log
// group, API, Cloud Map service.
var namePattern = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)

func validateName(what, name string) error {
	if namePattern.MatchString(name) || isToken(name) {
		return nil
	}
	return fmt.Errorf("%s %q: 1 to 63 lower-case letters, digits and hyphens are allowed, no hyphen at an end", what, name)
}

// complete fills in the defaults of what a declaration can say, too, and
// checks it by the same rules.
func complete(in place, declared spec.Endpoint) (spec.Endpoint, error) {
	return declared.Complete(in.region, in.account)
}

// place is where an endpoint is made.
type place struct {
	stack           awscdk.Stack
	account, region string
}

func placeOf(scope constructs.Construct) place {
	stack := awscdk.Stack_Of(scope)
	return place{stack: stack, account: *stack.Account(), region: *stack.Region()}
}

// check panics with all problems at once, as constructors of the CDK do.
func check(id *string, problems ...error) {
	if err := errors.Join(problems...); err != nil {
		panic(fmt.Errorf("endpoint %s: %w", *id, err))
	}
}

// isToken says whether CloudFormation fills in the text, so that nothing can
// be said of it now.
func isToken(text string) bool { return *awscdk.Token_IsUnresolved(text) }

func numberOrNil(number int) *float64 {
	if number == 0 {
		return nil
	}
	return jsii.Number(number)
}
