package network_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/constructs/network"
	"github.com/tinystack-go/tinystack/internal/deployable"
	"github.com/tinystack-go/tinystack/internal/hostscript"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

var egresses = []spec.Egress{spec.NATInstance, spec.NATGateway, spec.NATGatewayPerZone, spec.PublicIP, spec.VPCEndpoints}

// templates synthesizes a network with each way out, in one app.
func templates(t *testing.T) map[spec.Egress]snapshot.Template {
	app := synthtest.NewApp(t)
	for _, egress := range egresses {
		stack := synthtest.Stack(app, string(egress))
		network.NewNetwork(stack, jsii.String("Network"), &network.NetworkProps{
			Network:   spec.Network{Egress: egress},
			NATMetric: &hostscript.Metric{Namespace: "tinystack/shop", Name: "dev-nat-connections"},
		})
	}
	assembly := synthtest.SynthSecure(t, app)
	found := map[spec.Egress]snapshot.Template{}
	for _, stack := range assembly.Stacks {
		found[spec.Egress(stack.Name)] = stack.Template
	}
	return found
}

func TestNetwork(t *testing.T) {
	all := templates(t)
	require.Len(t, all, len(egresses))

	t.Run("the way out changes no subnet, and a default route only in place", func(t *testing.T) {
		want := all[spec.NATInstance]
		blocks := func(template snapshot.Template) map[string]string {
			found := map[string]string{}
			for id, subnet := range template.Resources("AWS::EC2::Subnet") {
				found[id] = fmt.Sprint(subnet.Get("Properties.CidrBlock"), subnet.Get("Properties.AvailabilityZoneId"), subnet.Get("Properties.VpcId"))
			}
			return found
		}
		for egress, template := range all {
			assert.Equal(t, blocks(want), blocks(template), egress)
			for id := range template.Resources("AWS::EC2::Route") {
				assert.Contains(t, want.Resources("AWS::EC2::Route"), id, egress)
			}
		}
	})

	t.Run("only public subnets lead to the internet", func(t *testing.T) {
		for egress, template := range all {
			gateways := 0
			for id, route := range template.Resources("AWS::EC2::Route") {
				table := route.Get("Properties.RouteTableId.Ref").(string)
				if route.Get("Properties.GatewayId") != nil {
					gateways++
					assert.Contains(t, table, "PublicRouteTable", "%s %s", egress, id)
				} else {
					assert.Contains(t, table, "PrivateRouteTable", "%s %s", egress, id)
				}
			}
			assert.Equal(t, 2, gateways, egress)
		}
	})

	t.Run("subnets do not overlap", func(t *testing.T) {
		var seen []netip.Prefix
		for _, subnet := range all[spec.NATInstance].Resources("AWS::EC2::Subnet") {
			prefix := netip.MustParsePrefix(subnet.Get("Properties.CidrBlock").(string))
			assert.True(t, netip.MustParsePrefix("10.0.0.0/16").Contains(prefix.Addr()))
			for _, other := range seen {
				assert.False(t, prefix.Overlaps(other), "%s and %s", prefix, other)
			}
			seen = append(seen, prefix)
		}
		assert.Len(t, seen, 6)
	})

	t.Run("zones are ids in which VPC links are offered", func(t *testing.T) {
		zones := map[any]int{}
		for _, subnet := range all[spec.NATInstance].Resources("AWS::EC2::Subnet") {
			zones[subnet.Get("Properties.AvailabilityZoneId")]++
			assert.Nil(t, subnet.Get("Properties.AvailabilityZone"))
		}
		assert.Equal(t, map[any]int{"use1-az1": 3, "use1-az2": 3}, zones)
	})

	t.Run("nothing is open to the world", func(t *testing.T) {
		for egress, template := range all {
			for id, group := range template.Resources("AWS::EC2::SecurityGroup") {
				rules, _ := group.Get("Properties.SecurityGroupIngress").([]any)
				for _, rule := range rules {
					assert.Equal(t, "10.0.0.0/16", rule.(map[string]any)["CidrIp"], "%s %s", egress, id)
				}
			}
			assert.Empty(t, template.Resources("AWS::EC2::SecurityGroupIngress"))
		}
	})

	t.Run("the price of each way out", func(t *testing.T) {
		for egress, want := range map[spec.Egress]map[string]int{
			spec.NATInstance:       {"AWS::EC2::Instance": 1, "AWS::EC2::EIP": 1},
			spec.NATGateway:        {"AWS::EC2::NatGateway": 1, "AWS::EC2::EIP": 1},
			spec.NATGatewayPerZone: {"AWS::EC2::NatGateway": 2, "AWS::EC2::EIP": 2},
			spec.PublicIP:          {},
			spec.VPCEndpoints:      {"AWS::EC2::VPCEndpoint": 7},
		} {
			got := map[string]int{}
			for _, kind := range []string{"AWS::EC2::Instance", "AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::EC2::VPCEndpoint"} {
				for _, resource := range all[egress].Resources(kind) {
					if resource.Get("Properties.VpcEndpointType") != "Gateway" {
						got[kind]++
					}
				}
			}
			assert.Equal(t, want, got, egress)
		}
	})

	t.Run("the NAT instance says that it forwards before its address and routes lead to it", func(t *testing.T) {
		template := all[spec.NATInstance]
		assert.Empty(t, deployable.Broken(template))
		for id, instance := range template.Resources("AWS::EC2::Instance") {
			assert.Contains(t, fmt.Sprint(instance.Get("Properties.UserData")), "'"+id+"'")
			assert.Equal(t, "required", instance.Get("Properties.MetadataOptions.HttpTokens"))
			assert.Equal(t, map[string]any{"Count": 1.0, "Timeout": "PT10M"}, instance.CreationPolicy["ResourceSignal"])
		}
		for _, alarm := range template.Resources("AWS::CloudWatch::Alarm") {
			assert.Contains(t, fmt.Sprint(alarm.Get("Properties.AlarmActions")), "automate:us-east-1:ec2:reboot")
		}
	})

	t.Run("the NAT instance may report in its namespace only, and nobody else may", func(t *testing.T) {
		for egress, template := range all {
			text := fmt.Sprint(template.Resources("AWS::IAM::Policy"))
			assert.Equal(t, egress == spec.NATInstance, strings.Contains(text, "cloudwatch:PutMetricData"), egress)
			assert.Equal(t, egress == spec.NATInstance, strings.Contains(text, "cloudwatch:namespace:tinystack/shop"), egress)
		}
	})
}

func TestAnotherScriptMakesAnotherNATInstance(t *testing.T) {
	app := synthtest.NewApp(t)
	ids := map[string]bool{}
	for name, metric := range map[string]*hostscript.Metric{"a": nil, "b": {Namespace: "tinystack/shop", Name: "x"}} {
		stack := synthtest.Stack(app, name)
		n := network.NewNetwork(stack, jsii.String("Network"), &network.NetworkProps{NATMetric: metric})
		assert.Len(t, n.Addresses(), 1)
	}
	for _, stack := range synthtest.Synth(t, app).Stacks {
		for id := range stack.Template.Resources("AWS::EC2::Instance") {
			ids[id] = true
		}
	}
	assert.Len(t, ids, 2, "an instance reads its user data once, so another one has to take its place")
}

func TestZonesThatAreNotKnownComeFromTheAccount(t *testing.T) {
	app := synthtest.NewApp(t)
	stack := awscdk.NewStack(app, jsii.String("anywhere"), nil)
	network.NewNetwork(stack, jsii.String("Network"), &network.NetworkProps{})
	assembly := synthtest.Synth(t, app)
	subnets := assembly.Stacks[0].Template.Resources("AWS::EC2::Subnet")
	assert.Len(t, subnets, 6)
	for _, subnet := range subnets {
		assert.NotNil(t, subnet.Get("Properties.AvailabilityZone.Fn::Select"))
	}
}

func TestAnExistingVPCMakesNothing(t *testing.T) {
	app := synthtest.NewApp(t)
	stack := synthtest.Stack(app, "existing")
	n := network.NewNetwork(stack, jsii.String("Network"), &network.NetworkProps{Network: spec.Network{VPC: &spec.ExistingVPC{
		ID: "vpc-0123456789abcdef0", CIDR: "10.1.0.0/16", Zones: []string{"us-east-1a", "us-east-1b"},
		PublicSubnets:  []string{"subnet-0000000000000001a", "subnet-0000000000000001b"},
		PrivateSubnets: []string{"subnet-0000000000000002a", "subnet-0000000000000002b"},
	}}})
	var ids []string
	for _, subnet := range *n.VPC().SelectSubnets(n.DatabaseSubnets()).SubnetIds {
		ids = append(ids, *subnet)
	}
	assert.Equal(t, []string{"subnet-0000000000000002a", "subnet-0000000000000002b"}, ids)
	assembly := synthtest.Synth(t, app)
	assert.Empty(t, slices.Collect(maps.Keys(assembly.Stacks[0].Template.Resources(""))))
}

func TestProblemsAreReported(t *testing.T) {
	app := synthtest.NewApp(t)
	stack := synthtest.Stack(app, "bad")
	defer func() {
		err, _ := recover().(error)
		require.ErrorContains(t, err, "10.0.0.0/29")
		require.ErrorContains(t, err, "boat")
	}()
	network.NewNetwork(stack, jsii.String("Network"), &network.NetworkProps{Network: spec.Network{CIDR: "10.0.0.0/29", Egress: "boat"}})
}
