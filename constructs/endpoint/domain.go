package endpoint

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/spec"
)

// DomainProps is the custom host name of an endpoint. The zero value is none.
type DomainProps struct {
	// Name is the host name, as in api.example.com. Default: none: the
	// address that AWS gives.
	Name string

	// HostedZone is the Route 53 public zone of Name, in the stack's account.
	// It is not looked up: without an ID, Route 53 finds it by its name when a
	// record is made, and Certificate is required. Default: none: no DNS record
	// is made, and Certificate is required.
	HostedZone *spec.HostedZone

	// Certificate is the ARN of an ACM certificate for Name in the stack's
	// region. Default: one is made and validated through HostedZone.
	Certificate string
}

// declared says whether there is a custom host name.
func (d DomainProps) declared() bool { return d.Name != "" }

// addTo puts the domain into a declaration, to be checked as a part of it.
func (d DomainProps) addTo(declared spec.Endpoint) spec.Endpoint {
	declared.Domain, declared.HostedZone, declared.Certificate = d.Name, d.HostedZone, d.Certificate
	return declared
}

// newCertificate is the certificate of the host name and others beside it.
func (d DomainProps) newCertificate(scope constructs.Construct, others ...string) awscertificatemanager.ICertificate {
	if d.Certificate != "" {
		return awscertificatemanager.Certificate_FromCertificateArn(scope, jsii.String("ImportedCertificate"), &d.Certificate)
	}
	zone := awsroute53.HostedZone_FromHostedZoneAttributes(scope, jsii.String("HostedZone"), &awsroute53.HostedZoneAttributes{
		HostedZoneId: &d.HostedZone.ID,
		ZoneName:     &d.HostedZone.Name,
	})
	props := &awscertificatemanager.CertificateProps{
		DomainName: &d.Name,
		Validation: awscertificatemanager.CertificateValidation_FromDns(zone),
	}
	if len(others) > 0 {
		props.SubjectAlternativeNames = jsii.Strings(others...)
	}
	return awscertificatemanager.NewCertificate(scope, jsii.String(idCertificate), props)
}

// aliasTarget is what an alias record points to.
type aliasTarget struct {
	dnsName, hostedZoneID *string
	ipv6                  bool
	// after is what must be in place before DNS leads to it.
	after []constructs.IDependable
}

// addRecords points the host name to the endpoint. One record type is one
// resource under one id for all kinds: another resource for the same record
// could not be made while the first is still there.
func (d DomainProps) addRecords(scope constructs.Construct, target aliasTarget) {
	if d.HostedZone == nil {
		return
	}
	d.addRecord(scope, idRecord, d.Name, "A", target)
	if target.ipv6 {
		d.addRecord(scope, idRecordIPv6, d.Name, "AAAA", target)
	}
}

// addRecord points a host name of the zone to the endpoint.
func (d DomainProps) addRecord(scope constructs.Construct, id, name, recordType string, target aliasTarget) {
	props := &awsroute53.CfnRecordSetProps{
		Name: jsii.String(strings.TrimSuffix(name, ".") + "."),
		Type: &recordType,
		AliasTarget: &awsroute53.CfnRecordSet_AliasTargetProperty{
			DnsName:      target.dnsName,
			HostedZoneId: target.hostedZoneID,
		},
	}
	if d.HostedZone.ID != "" {
		props.HostedZoneId = &d.HostedZone.ID
	} else {
		props.HostedZoneName = jsii.String(strings.TrimSuffix(d.HostedZone.Name, ".") + ".")
	}
	awsroute53.NewCfnRecordSet(scope, &id, props).Node().AddDependency(target.after...)
}

// apiStage is a stage of an HTTP or REST API.
type apiStage struct {
	apiID, name *string
	// after is what must be in place before requests come.
	after []constructs.IDependable
}

// addAPIDomain gives an API its host name. Both kinds of API use the domain
// name and mapping resources of HTTP APIs, which serve REST APIs too: the kind
// can change under one host name.
//
// With client certificates the domain asks each client for one.
func (a *address) addAPIDomain(scope constructs.Construct, d DomainProps, clients *spec.ClientCertificates, stage apiStage) {
	if !d.declared() {
		return
	}
	a.certificate = d.newCertificate(scope)
	props := &awsapigatewayv2.DomainNameProps{
		DomainName:     &d.Name,
		Certificate:    a.certificate,
		EndpointType:   awsapigatewayv2.EndpointType_REGIONAL,
		SecurityPolicy: awsapigatewayv2.SecurityPolicy_TLS_1_2,
		IpAddressType:  awsapigatewayv2.IpAddressType_DUAL_STACK,
	}
	if clients != nil {
		props.Mtls = &awsapigatewayv2.MTLSConfig{
			Bucket:  awss3.Bucket_FromBucketName(scope, jsii.String("ClientCertificates"), &clients.Bucket),
			Key:     &clients.Key,
			Version: optional(clients.Version),
		}
	}
	name := awsapigatewayv2.NewDomainName(scope, jsii.String(idDomainName), props)
	mapping := awsapigatewayv2.NewCfnApiMapping(scope, jsii.String(idMapping), &awsapigatewayv2.CfnApiMappingProps{
		DomainName: name.Name(),
		ApiId:      stage.apiID,
		Stage:      stage.name,
	})
	for _, dependency := range stage.after {
		mapping.Node().AddDependency(dependency)
	}
	d.addRecords(scope, aliasTarget{
		dnsName:      name.RegionalDomainName(),
		hostedZoneID: name.RegionalHostedZoneId(),
		ipv6:         true,
		after:        []constructs.IDependable{mapping},
	})
	a.domain = &d.Name
	a.dnsTarget = name.RegionalDomainName()
	a.url = jsii.String("https://" + d.Name)
}
