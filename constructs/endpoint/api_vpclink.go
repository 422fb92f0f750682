package endpoint

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsservicediscovery"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawsec2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// vpcLink is API Gateway's way into a VPC.
type vpcLink struct {
	link     awsapigatewayv2.VpcLink
	security awsec2.SecurityGroup
}

// newVPCLink makes a VPC link with a security group that lets nothing in, and
// nothing out but what is added to it. Neither of its groups nor its subnets
// can be changed later; another link is made then.
func newVPCLink(scope constructs.Construct, vpc awsec2.IVpc, subnets *awsec2.SubnetSelection) vpcLink {
	security := awsec2.NewSecurityGroup(scope, jsii.String("VpcLinkSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              vpc,
		Description:      jsii.String("API Gateway VPC link: out to what it serves, nothing in"),
		AllowAllOutbound: jsii.Bool(false),
	})
	return vpcLink{
		security: security,
		link: awsapigatewayv2.NewVpcLink(scope, jsii.String("VpcLink"), &awsapigatewayv2.VpcLinkProps{
			Vpc:            vpc,
			Subnets:        subnets,
			SecurityGroups: &[]interfacesawsec2.ISecurityGroupRef{security},
		}),
	}
}

// integration passes requests on to the tasks that are registered in Cloud Map.
func (l vpcLink) integration(id string, discovery awsservicediscovery.IService) awsapigatewayv2.HttpRouteIntegration {
	return awsapigatewayv2integrations.NewHttpServiceDiscoveryIntegration(&id, discovery,
		&awsapigatewayv2integrations.HttpServiceDiscoveryIntegrationProps{VpcLink: l.link})
}
