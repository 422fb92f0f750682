package database

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/spec"
)

// remoteCIDR is the network of a replica in another region: two subnets that
// nothing leads into or out of, until somebody who promotes the replica says
// otherwise.
const remoteCIDR = "10.255.255.0/24"

var remoteSubnets = []string{"10.255.255.0/25", "10.255.255.128/25"}

// RemoteReplicaProps says which instance is copied into the region of the stack.
type RemoteReplicaProps struct {
	// SourceIdentifier of the instance, in the stack's account. Required.
	SourceIdentifier string

	// SourceRegion of the instance. Required.
	SourceRegion string

	// Database is the declaration of the source. Default: as of a
	// [PgDatabase].
	Database spec.Database

	// Instance is the class of the replica. Default: that of the source.
	Instance string

	// Identifier of the replica. Default: given by CloudFormation.
	Identifier string

	// Removal of the source. A replica cannot leave a snapshot: it stays when
	// this is retain, so that one that was promoted is not lost, and goes
	// otherwise. Default: it goes.
	Removal spec.Removal
}

// RemoteReplica is a copy of a database in another region: a provision for the
// loss of the first.
type RemoteReplica interface {
	constructs.Construct
	// Instance is the replica.
	Instance() awsrds.CfnDBInstance
	// Key that its storage is encrypted with.
	Key() awskms.IKey
}

type remoteReplica struct {
	constructs.Construct
	instance awsrds.CfnDBInstance
	key      awskms.Key
}

func (r *remoteReplica) Instance() awsrds.CfnDBInstance { return r.instance }
func (r *remoteReplica) Key() awskms.IKey               { return r.key }

// NewRemoteReplica makes a replica with a network and a key of its own: neither
// is there in a region that only has a replica. It refers to its source by name,
// so that no stack of the source's region refers to this one or is referred to.
func NewRemoteReplica(scope constructs.Construct, id *string, props *RemoteReplicaProps) RemoteReplica {
	declared, err := props.Database.Complete(false)
	if err != nil {
		panic(fmt.Errorf("replica %s: %w", *id, err))
	}
	r := &remoteReplica{}
	constructs.NewConstruct_Override(r, scope, id)
	stack := awscdk.Stack_Of(r)
	removal := keep(props.Removal)

	vpc := awsec2.NewCfnVPC(r, jsii.String("Vpc"), &awsec2.CfnVPCProps{
		CidrBlock:          jsii.String(remoteCIDR),
		EnableDnsSupport:   jsii.Bool(true),
		EnableDnsHostnames: jsii.Bool(true),
	})
	vpc.ApplyRemovalPolicy(removal, nil)
	var subnets []any
	for i, cidr := range remoteSubnets {
		subnet := awsec2.NewCfnSubnet(r, jsii.String(fmt.Sprintf("Subnet%d", i+1)), &awsec2.CfnSubnetProps{
			VpcId:            vpc.Ref(),
			CidrBlock:        jsii.String(cidr),
			AvailabilityZone: awscdk.Fn_Select(jsii.Number(i), awscdk.Fn_GetAzs(nil)),
		})
		subnet.ApplyRemovalPolicy(removal, nil)
		subnets = append(subnets, subnet.Ref())
	}
	awsec2.NewFlowLog(r, jsii.String("FlowLog"), &awsec2.FlowLogProps{
		ResourceType: awsec2.FlowLogResourceType_FromVpc(awsec2.Vpc_FromVpcAttributes(r, jsii.String("Network"), &awsec2.VpcAttributes{
			VpcId: vpc.Ref(), AvailabilityZones: jsii.Strings("a"),
		})),
		TrafficType: awsec2.FlowLogTrafficType_REJECT,
		Destination: awsec2.FlowLogDestination_ToCloudWatchLogs(awslogs.NewLogGroup(r, jsii.String("FlowLogGroup"), &awslogs.LogGroupProps{
			Retention:     awslogs.RetentionDays_TWO_WEEKS,
			RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
		}), nil),
	})
	security := awsec2.NewCfnSecurityGroup(r, jsii.String("SecurityGroup"), &awsec2.CfnSecurityGroupProps{
		VpcId:            vpc.Ref(),
		GroupDescription: jsii.String("Postgres replica: closed until it is promoted"),
		// An empty list would leave the rule that lets everything out.
		SecurityGroupEgress: &[]any{&awsec2.CfnSecurityGroup_EgressProperty{
			IpProtocol: jsii.String("icmp"), FromPort: jsii.Number(252), ToPort: jsii.Number(86), CidrIp: jsii.String("255.255.255.255/32"),
			Description: jsii.String("Disallow all traffic"),
		}},
	})
	security.ApplyRemovalPolicy(removal, nil)
	group := awsrds.NewCfnDBSubnetGroup(r, jsii.String("SubnetGroup"), &awsrds.CfnDBSubnetGroupProps{
		DbSubnetGroupDescription: jsii.String("Subnets of the Postgres replica"),
		SubnetIds:                &subnets,
	})
	group.ApplyRemovalPolicy(removal, nil)
	r.key = awskms.NewKey(r, jsii.String("Key"), &awskms.KeyProps{
		Description:       jsii.String("Storage of the replica of " + props.SourceIdentifier),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     removal,
	})
	parameters := newParameters(r, engineOf(declared), declared, removal)

	class := props.Instance
	if class == "" {
		class = declared.Instance
	}
	r.instance = awsrds.NewCfnDBInstance(r, jsii.String("Instance"), &awsrds.CfnDBInstanceProps{
		SourceDbInstanceIdentifier: jsii.String(fmt.Sprintf("arn:%s:rds:%s:%s:db:%s", *stack.Partition(), props.SourceRegion, *stack.Account(), props.SourceIdentifier)),
		SourceRegion:               &props.SourceRegion,
		DbInstanceIdentifier:       optional.Text(props.Identifier),
		DbInstanceClass:            jsii.String("db." + strings.TrimPrefix(class, "db.")),
		KmsKeyId:                   r.key.KeyArn(),
		DbSubnetGroupName:          group.Ref(),
		VpcSecurityGroups:          &[]any{security.AttrGroupId()},
		DbParameterGroupName:       parameters.BindToInstance(&awsrds.ParameterGroupInstanceBindOptions{}).ParameterGroupName,
		PubliclyAccessible:         jsii.Bool(false),
		Port:                       jsii.String(fmt.Sprint(port)),
		StorageType:                jsii.String("gp3"),
		MaxAllocatedStorage:        jsii.Number(declared.MaxStorage),
		PreferredMaintenanceWindow: optional.Text(declared.MaintenanceWindow),
		EnablePerformanceInsights:  declared.DatabaseInsights,
		DatabaseInsightsMode:       jsii.String("standard"),
		AutoMinorVersionUpgrade:    jsii.Bool(!strings.Contains(declared.Version, ".")),
		CopyTagsToSnapshot:         jsii.Bool(true),
		DeletionProtection:         jsii.Bool(false),
	})
	r.instance.ApplyRemovalPolicy(removal, nil)
	acceptFindings(r.instance, "Encrypted with the key that is named, as its source is; RDS takes no other instruction.",
		"The port is closed to everybody; another number would hide nothing.")
	return r
}
