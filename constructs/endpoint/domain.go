package endpoint

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
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
	// It is not looked up. Default: none: no DNS record is made, and
	// Certificate is required.
	HostedZone *spec.HostedZone

	// Certificate is the ARN of an ACM certificate for Name in the stack's
	// region. Default: one is made and validated through HostedZone.
	Certificate string
}

// declared says whether there is a custom host name.
func (d DomainProps) declared() bool { return d.Name != "" }

func (d DomainProps) validate(scope constructs.Construct) error {
	if !d.declared() {
		if d.HostedZone != nil || d.Certificate != "" {
			return errors.New("domain: HostedZone or Certificate without Name: give the host name too")
		}
		return nil
	}
	var problems []error
	if d.HostedZone == nil && d.Certificate == "" {
		problems = append(problems, fmt.Errorf("domain %q: HostedZone or Certificate is required, for HTTPS", d.Name))
	}
	if d.HostedZone != nil {
		if d.HostedZone.ID == "" || d.HostedZone.Name == "" {
			problems = append(problems, fmt.Errorf("domain %q: the hosted zone needs both ID and Name", d.Name))
		} else if zone := strings.TrimSuffix(d.HostedZone.Name, "."); !isToken(d.Name) && !isToken(zone) && d.Name != zone && !strings.HasSuffix(d.Name, "."+zone) {
			problems = append(problems, fmt.Errorf("domain %q is not in the hosted zone %q", d.Name, zone))
		}
	}
	if d.Certificate != "" && !isToken(d.Certificate) {
		parts := strings.Split(d.Certificate, ":")
		region := *awscdk.Stack_Of(scope).Region()
		if len(parts) != 6 || parts[2] != "acm" {
			problems = append(problems, fmt.Errorf("domain %q: certificate %q is not the ARN of an ACM certificate", d.Name, d.Certificate))
		} else if !isToken(region) && parts[3] != region {
			problems = append(problems, fmt.Errorf("domain %q: the certificate is in %s, the stack in %s: both must be in one region", d.Name, parts[3], region))
		}
	}
	return errors.Join(problems...)
}

// newCertificate is the certificate of the host name.
func (d DomainProps) newCertificate(scope constructs.Construct) awscertificatemanager.ICertificate {
	if d.Certificate != "" {
		return awscertificatemanager.Certificate_FromCertificateArn(scope, jsii.String("ImportedCertificate"), &d.Certificate)
	}
	zone := awsroute53.HostedZone_FromHostedZoneAttributes(scope, jsii.String("HostedZone"), &awsroute53.HostedZoneAttributes{
		HostedZoneId: &d.HostedZone.ID,
		ZoneName:     &d.HostedZone.Name,
	})
	return awscertificatemanager.NewCertificate(scope, jsii.String(idCertificate), &awscertificatemanager.CertificateProps{
		DomainName: &d.Name,
		Validation: awscertificatemanager.CertificateValidation_FromDns(zone),
	})
}

// aliasTarget is what an alias record points to.
type aliasTarget struct {
	dnsName, hostedZoneID *string
	ipv6                  bool
	// after is what must be in place before DNS leads to it.
	after constructs.IDependable
}

// addRecords points the host name to the endpoint. One record type is one
// resource under one id for all kinds: another resource for the same record
// could not be made while the first is still there.
func (d DomainProps) addRecords(scope constructs.Construct, target aliasTarget) {
	if d.HostedZone == nil {
		return
	}
	add := func(id, recordType string) {
		record := awsroute53.NewCfnRecordSet(scope, &id, &awsroute53.CfnRecordSetProps{
			HostedZoneId: &d.HostedZone.ID,
			Name:         jsii.String(strings.TrimSuffix(d.Name, ".") + "."),
			Type:         &recordType,
			AliasTarget: &awsroute53.CfnRecordSet_AliasTargetProperty{
				DnsName:      target.dnsName,
				HostedZoneId: target.hostedZoneID,
			},
		})
		record.Node().AddDependency(target.after)
	}
	add(idRecord, "A")
	if target.ipv6 {
		add(idRecordIPv6, "AAAA")
	}
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
func (a *address) addAPIDomain(scope constructs.Construct, d DomainProps, stage apiStage) {
	if !d.declared() {
		return
	}
	a.certificate = d.newCertificate(scope)
	name := awsapigatewayv2.NewDomainName(scope, jsii.String(idDomainName), &awsapigatewayv2.DomainNameProps{
		DomainName:     &d.Name,
		Certificate:    a.certificate,
		EndpointType:   awsapigatewayv2.EndpointType_REGIONAL,
		SecurityPolicy: awsapigatewayv2.SecurityPolicy_TLS_1_2,
		IpAddressType:  awsapigatewayv2.IpAddressType_DUAL_STACK,
	})
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
		after:        mapping,
	})
	a.domain = &d.Name
	a.dnsTarget = name.RegionalDomainName()
	a.url = jsii.String("https://" + d.Name)
}
