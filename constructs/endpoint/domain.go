package endpoint

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/spec"
)

// DomainProps is the custom host name of an endpoint. The zero value is none.
type DomainProps struct {
	// Name is the host name, as in api.example.com. Default: none: the
	// address that AWS gives.
	Name string

	// HostedZone is the Route 53 public zone of Name, in the stack's account;
	// with a Delegation it is made. It is not looked up: without an ID, Route 53 finds it by its name when a
	// record is made, and Certificate is required. Default: none: no DNS record
	// is made, and Certificate is required.
	HostedZone *spec.HostedZone

	// Certificate is the ARN of an ACM certificate for Name, and whatever other
	// names the endpoint has, in the stack's region. Default: one is made and
	// validated through HostedZone.
	Certificate string

	// Routing shares Name, and the names of subdomains and redirects, with
	// endpoints in other regions. Needs HostedZone. Default: none: they are
	// this endpoint's alone.
	Routing *spec.Routing
}

// declared says whether there is a custom host name.
func (d DomainProps) declared() bool { return d.Name != "" }

// addTo puts the domain into a declaration, to be checked as a part of it.
func (d DomainProps) addTo(declared spec.Endpoint) spec.Endpoint {
	declared.Domain, declared.HostedZone, declared.Certificate, declared.Routing = d.Name, d.HostedZone, d.Certificate, d.Routing
	return declared
}

// hostNames are the names under which an endpoint is reached: a domain, those
// of its subdomains, and others that lead there.
type hostNames struct {
	DomainProps
	scope       constructs.Construct
	certificate awscertificatemanager.ICertificate
	// zoneID of the hosted zone; empty where its name has to do.
	zoneID string
	// made is the id of the zone if it is made here; otherwise nil.
	made *string
	// healthCheck of a routing; nil without one.
	healthCheck *string
	// evaluate says that Route 53 looks at the health of what the records of
	// a routing point to.
	evaluate bool
}

// newHostNames makes the certificate of the domain and of other names beside
// it, and what their records need.
func newHostNames(scope constructs.Construct, props DomainProps, others ...string) *hostNames {
	h := &hostNames{DomainProps: props, scope: scope}
	if props.Routing != nil {
		others = append([]string{props.Routing.RegionalDomain}, others...)
	}
	var zone awsroute53.IHostedZone
	var delegation constructs.IDependable
	switch {
	case props.HostedZone == nil:
	case props.HostedZone.Delegation != nil:
		zone, delegation = newDelegatedZone(scope, *props.HostedZone)
		h.made, h.zoneID = zone.HostedZoneId(), *zone.HostedZoneId()
	default:
		h.zoneID = props.HostedZone.ID
	}
	if props.Certificate != "" {
		h.certificate = awscertificatemanager.Certificate_FromCertificateArn(scope, jsii.String("ImportedCertificate"), &props.Certificate)
		return h
	}
	if zone == nil {
		zone = awsroute53.HostedZone_FromHostedZoneAttributes(scope, jsii.String("HostedZone"), &awsroute53.HostedZoneAttributes{
			HostedZoneId: &props.HostedZone.ID,
			ZoneName:     &props.HostedZone.Name,
		})
	}
	certificate := &awscertificatemanager.CertificateProps{
		DomainName: &props.Name,
		Validation: awscertificatemanager.CertificateValidation_FromDns(zone),
	}
	if len(others) > 0 {
		certificate.SubjectAlternativeNames = jsii.Strings(others...)
	}
	h.certificate = awscertificatemanager.NewCertificate(scope, jsii.String(idCertificate), certificate)
	if delegation != nil {
		// Certificate Manager looks for its record in the whole of DNS, and
		// would wait for it in vain.
		h.certificate.Node().AddDependency(delegation)
	}
	return h
}

// under is the host name of a subdomain.
func (d DomainProps) under(subdomain string) string { return subdomain + "." + d.Name }

// namesUnder are the host names of subdomains.
func (d DomainProps) namesUnder(subdomains []string) []string {
	var names []string
	for _, subdomain := range subdomains {
		names = append(names, d.under(subdomain))
	}
	return names
}

// aliasTarget is what an alias record points to.
type aliasTarget struct {
	dnsName, hostedZoneID *string
	ipv6                  bool
	// after is what must be in place before DNS leads to it.
	after []constructs.IDependable
}

// addRecords points a host name to the endpoint. One record type is one
// resource under one id for all kinds: another resource for the same record
// could not be made while the first is still there.
func (h *hostNames) addRecords(suffix, name string, shared bool, target aliasTarget) {
	h.addRecord(h.scope, idRecord+suffix, name, "A", shared, target)
	if target.ipv6 {
		h.addRecord(h.scope, idRecordIPv6+suffix, name, "AAAA", shared, target)
	}
}

// addRecord points a host name of the zone to the endpoint; a shared one with
// what DNS chooses between regions by.
func (h *hostNames) addRecord(scope constructs.Construct, id, name, recordType string, shared bool, target aliasTarget) {
	if h.HostedZone == nil {
		return
	}
	alias := &awsroute53.CfnRecordSet_AliasTargetProperty{
		DnsName:      target.dnsName,
		HostedZoneId: target.hostedZoneID,
	}
	props := &awsroute53.CfnRecordSetProps{
		Name:        jsii.String(strings.TrimSuffix(name, ".") + "."),
		Type:        &recordType,
		AliasTarget: alias,
	}
	if h.zoneID != "" {
		props.HostedZoneId = &h.zoneID
	} else {
		props.HostedZoneName = jsii.String(strings.TrimSuffix(h.HostedZone.Name, ".") + ".")
	}
	if shared && h.Routing != nil {
		h.route(props)
		alias.EvaluateTargetHealth = jsii.Bool(h.evaluate)
	}
	awsroute53.NewCfnRecordSet(scope, &id, props).Node().AddDependency(target.after...)
}

// apiStage is a stage of an HTTP or REST API.
type apiStage struct {
	apiID, name *string
	// subdomain that the stage serves; empty is the domain itself.
	subdomain string
	// url that AWS gave it, without a slash at the end.
	url *string
	// after is what must be in place before requests come.
	after []constructs.IDependable
}

// addAPIDomain gives an API its host name, and other APIs the names of
// subdomains. Both kinds of API use the domain name and mapping resources of
// HTTP APIs, which serve REST APIs too: the kind can change under one host name.
//
// With client certificates the domain asks each client for one.
func (a *address) addAPIDomain(scope constructs.Construct, d DomainProps, clients *spec.ClientCertificates, stage apiStage, others ...apiStage) {
	a.url, a.regionalURL = stage.url, stage.url
	if !d.declared() {
		for _, other := range others {
			a.subdomains = append(a.subdomains, Subdomain{Name: other.subdomain, URL: other.url})
		}
		return
	}
	var subdomains []string
	for _, other := range others {
		subdomains = append(subdomains, other.subdomain)
	}
	h := newHostNames(scope, d, d.namesUnder(subdomains)...)
	h.addHealthCheck()
	a.certificate, a.zoneID = h.certificate, h.made
	a.domain = &d.Name
	a.dnsTarget = h.addAPIName("", d.Name, true, clients, stage)
	a.url = jsii.String("https://" + d.Name)
	a.regionalURL = a.url
	if d.Routing != nil {
		h.addAPIName("Regional", d.Routing.RegionalDomain, false, clients, stage)
		a.regionalURL = jsii.String("https://" + d.Routing.RegionalDomain)
	}
	for _, other := range others {
		name := d.under(other.subdomain)
		a.subdomains = append(a.subdomains, Subdomain{
			Name: other.subdomain, URL: jsii.String("https://" + name), Domain: &name,
			DNSTarget: h.addAPIName("-"+other.subdomain, name, true, clients, other),
		})
	}
}

// addAPIName leads a host name to the stage of an API; it returns what a record
// of that name has to point to.
func (h *hostNames) addAPIName(suffix, hostName string, shared bool, clients *spec.ClientCertificates, stage apiStage) *string {
	props := &awsapigatewayv2.DomainNameProps{
		DomainName:     &hostName,
		Certificate:    h.certificate,
		EndpointType:   awsapigatewayv2.EndpointType_REGIONAL,
		SecurityPolicy: awsapigatewayv2.SecurityPolicy_TLS_1_2,
		IpAddressType:  awsapigatewayv2.IpAddressType_DUAL_STACK,
	}
	if clients != nil {
		props.Mtls = &awsapigatewayv2.MTLSConfig{
			Bucket:  awss3.Bucket_FromBucketName(h.scope, jsii.String("ClientCertificates"+suffix), &clients.Bucket),
			Key:     &clients.Key,
			Version: optional.Text(clients.Version),
		}
	}
	name := awsapigatewayv2.NewDomainName(h.scope, jsii.String(idDomainName+suffix), props)
	mapping := awsapigatewayv2.NewCfnApiMapping(h.scope, jsii.String(idMapping+suffix), &awsapigatewayv2.CfnApiMappingProps{
		DomainName: name.Name(),
		ApiId:      stage.apiID,
		Stage:      stage.name,
	})
	mapping.Node().AddDependency(stage.after...)
	target := name.RegionalDomainName()
	h.addRecords(suffix, hostName, shared, aliasTarget{
		dnsName:      target,
		hostedZoneID: name.RegionalHostedZoneId(),
		ipv6:         true,
		after:        []constructs.IDependable{mapping},
	})
	return target
}
