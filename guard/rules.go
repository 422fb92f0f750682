package guard

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/snapshot"
)

// A rule finds a change that no schema tells of: one that AWS refuses although the
// property can be changed, or one that takes away what protected the resource.
type rule struct {
	// id names the rule in messages, in its test and in docs/database.md.
	id string
	// source is where AWS says so.
	source string
	// effect of the change: Rejected or Weakened.
	effect Effect
	// replacement says that the rule is about resources that are replaced; the
	// others are about those that stay.
	replacement bool
	// why is the consequence, told with the change.
	why string
	// find returns the properties of the resource whose change the rule is about;
	// none where it does not apply.
	find func(c comparison) []Property
}

// comparison is one resource before and after.
type comparison struct {
	// old and new are the resource; new is the zero value where it goes.
	old, new snapshot.Resource
	// before and after are its template.
	before, after snapshot.Template
	// replaced are the properties for which it is replaced.
	replaced []Property
}

const rdsModify = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.DBInstance.Modifying.html"

// rules in the order in which they are asked.
var rules = []rule{
	{
		id: "storage-shrinks", source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.ModifyingExisting.html", effect: Rejected,
		why: "RDS never makes storage smaller: the update fails and is rolled back. A smaller database is a new one, filled from a dump",
		find: func(c comparison) []Property {
			if c.old.Type != "AWS::RDS::DBInstance" {
				return nil
			}
			return c.when("AllocatedStorage", func(was, is float64) bool { return is < was })
		},
	},
	{
		id: "engine-downgrade", source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.PostgreSQL.html", effect: Rejected,
		why: "RDS does not go back to an earlier version of an engine: the update fails and is rolled back. An earlier version is a new database, filled from a dump or from a snapshot of before the upgrade",
		find: func(c comparison) []Property {
			was, is, ok := c.versions()
			if !ok || slices.Compare(is, was[:min(len(was), len(is))]) >= 0 {
				return nil
			}
			return c.changed("EngineVersion")
		},
	},
	{
		id: "major-upgrade", source: rdsModify, effect: Rejected,
		why: "RDS upgrades to another major version only where AllowMajorVersionUpgrade says so (database.allowMajorUpgrade): the update fails and is rolled back",
		find: func(c comparison) []Property {
			was, is, ok := c.versions()
			if !ok || is[0] <= was[0] || fmt.Sprint(c.new.Get("Properties.AllowMajorVersionUpgrade")) == "true" {
				return nil
			}
			return c.changed("EngineVersion")
		},
	},
	{
		id: "extended-support", source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/extended-support.html", effect: Rejected,
		why: "CloudFormation does not change this of an instance that is there: the update fails (EngineLifecycleSupport cannot be modified) and is rolled back. Leave database.extendedSupport as the instance was made, true where this property was not there before, and change the instance itself: aws rds modify-db-instance --engine-lifecycle-support",
		find: func(c comparison) []Property {
			const property = "EngineLifecycleSupport"
			if c.old.Type != "AWS::RDS::DBInstance" || c.new.Type != c.old.Type || same(c.old.Get("Properties."+property), c.new.Get("Properties."+property)) {
				return nil
			}
			return c.changed(property)
		},
	},
	{
		id: "subnet-block-taken", replacement: true, source: "https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html", effect: Rejected,
		why:  "CloudFormation makes the new subnet before it deletes the old one, and its addresses are taken until then: the update fails and is rolled back. Give the new subnets other addresses (another network.cidr is a new VPC), or make the stage anew",
		find: blockTaken,
	},
	{
		id: "subnet-group-moves", source: "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSubnetGroup.html", effect: Rejected,
		why: "none of the subnets of before is left: RDS neither removes a subnet in which an instance stands nor moves a group to another VPC, so the update fails and is rolled back. A database in another network is a new one, made from a snapshot",
		find: func(c comparison) []Property {
			was, wasList := c.old.Get("Properties.SubnetIds").([]any)
			is, isList := c.new.Get("Properties.SubnetIds").([]any)
			if c.old.Type != "AWS::RDS::DBSubnetGroup" || !wasList || !isList || len(was) == 0 {
				return nil
			}
			if slices.ContainsFunc(was, func(subnet any) bool {
				return slices.ContainsFunc(is, func(other any) bool { return reflect.DeepEqual(subnet, other) })
			}) {
				return nil
			}
			return c.changed("SubnetIds")
		},
	},
	{
		id: "name-taken", replacement: true, source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html", effect: Rejected,
		why: "it has a name of its own, under which CloudFormation cannot make its replacement beside it: the update fails and is rolled back. Deploy without it first, and with it again afterwards",
		find: func(c comparison) []Property {
			name, ok := c.new.Get("Properties." + names[c.old.Type]).(string)
			if _, holds := protected[c.old.Type]; holds || !ok || name == "" || c.old.Get("Properties."+names[c.old.Type]) != name {
				return nil
			}
			return c.replaced
		},
	},
	{
		id: "deletion-protection", source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html", effect: Weakened,
		why: "from then on whoever deletes it, or its stack, meets no resistance",
		find: func(c comparison) []Property {
			for _, name := range []string{"DeletionProtection", "DeletionProtectionEnabled"} {
				if fmt.Sprint(c.old.Get("Properties."+name)) == "true" && fmt.Sprint(c.new.Get("Properties."+name)) != "true" && c.new.Type != "" {
					return c.changed(name)
				}
			}
			const attribute = "deletion_protection.enabled"
			if c.new.Type != "" && loadBalancerAttribute(c.old, attribute) == "true" && loadBalancerAttribute(c.new, attribute) != "true" {
				return []Property{{Name: attribute, Old: `"true"`, New: quote(loadBalancerAttribute(c.new, attribute))}}
			}
			return nil
		},
	},
	{
		id: "policy-weaker", source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html", effect: Weakened,
		why: "from then on less of it is left when its stack is deleted, or when it is replaced",
		find: func(c comparison) []Property {
			if _, holds := protected[c.old.Type]; !holds || c.new.Type != c.old.Type {
				return nil
			}
			var found []Property
			for _, p := range []struct{ name, was, is string }{
				{"DeletionPolicy", policy(c.old.DeletionPolicy, c.old), policy(c.new.DeletionPolicy, c.new)},
				{"UpdateReplacePolicy", policy(c.old.UpdateReplacePolicy, c.old), policy(c.new.UpdateReplacePolicy, c.new)},
			} {
				if slices.Index(policies, p.is) < slices.Index(policies, p.was) {
					found = append(found, Property{Name: p.name, Old: quote(p.was), New: quote(p.is)})
				}
			}
			return found
		},
	},
	{
		id: "backups-shortened", source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.BackupRetention.html", effect: Weakened,
		why: "backups that are older are deleted at once, and are not made again; without any days all of them are",
		find: func(c comparison) []Property {
			return c.when("BackupRetentionPeriod", func(was, is float64) bool { return is < was })
		},
	},
	{
		id: "logs-shortened", source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html", effect: Weakened,
		why: "what was logged before that is deleted within three days",
		find: func(c comparison) []Property {
			if c.old.Type != "AWS::Logs::LogGroup" || c.new.Type != c.old.Type {
				return nil
			}
			is, limited := number(c.new.Get("Properties.RetentionInDays"))
			was, wasLimited := number(c.old.Get("Properties.RetentionInDays"))
			if !limited || wasLimited && is >= was {
				return nil
			}
			return c.changed("RetentionInDays")
		},
	},
	{
		id: "standby-goes", source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZSingleStandby.html", effect: Weakened,
		why: "when its zone fails, or in its maintenance window, the database is away until it is back, instead of about a minute",
		find: func(c comparison) []Property {
			if c.new.Type == "" || fmt.Sprint(c.old.Get("Properties.MultiAZ")) != "true" || fmt.Sprint(c.new.Get("Properties.MultiAZ")) == "true" {
				return nil
			}
			return c.changed("MultiAZ")
		},
	},
	{
		id: "entrance-closes", source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html", effect: Weakened,
		why: "it was the last of its kind in the stack: clients that come by it are turned away as soon as it is deleted",
		find: func(c comparison) []Property {
			kind, entrance := entranceOf(c.old)
			if !entrance {
				return nil
			}
			for _, left := range c.after.Resources(c.old.Type) {
				if other, _ := entranceOf(left); other == kind {
					return nil
				}
			}
			return []Property{{Name: kind, Old: "1 or more", New: "none"}}
		},
	},
}

// policies from the one that keeps least to the one that keeps most.
var policies = []string{"Delete", "Snapshot", "Retain"}

// names are the properties by which resources are named that AWS has once in an
// account and region, or in a cluster or network.
var names = map[string]string{
	"AWS::ApplicationAutoScaling::ScalingPolicy": "PolicyName",
	"AWS::AutoScaling::AutoScalingGroup":         "AutoScalingGroupName",
	"AWS::CloudWatch::Alarm":                     "AlarmName",
	"AWS::CloudWatch::CompositeAlarm":            "AlarmName",
	"AWS::CloudWatch::Dashboard":                 "DashboardName",
	"AWS::CodeBuild::Project":                    "Name",
	"AWS::CodePipeline::Pipeline":                "Name",
	"AWS::EC2::LaunchTemplate":                   "LaunchTemplateName",
	"AWS::EC2::SecurityGroup":                    "GroupName",
	"AWS::ECS::CapacityProvider":                 "Name",
	"AWS::ECS::Cluster":                          "ClusterName",
	"AWS::ECS::Service":                          "ServiceName",
	"AWS::ElasticLoadBalancingV2::LoadBalancer":  "Name",
	"AWS::ElasticLoadBalancingV2::TargetGroup":   "Name",
	"AWS::Events::Rule":                          "Name",
	"AWS::IAM::ManagedPolicy":                    "ManagedPolicyName",
	"AWS::IAM::Role":                             "RoleName",
	"AWS::KMS::Alias":                            "AliasName",
	"AWS::Lambda::Function":                      "FunctionName",
	"AWS::Logs::LogGroup":                        "LogGroupName",
	"AWS::RDS::DBParameterGroup":                 "DBParameterGroupName",
	"AWS::SNS::Topic":                            "TopicName",
	"AWS::SQS::Queue":                            "QueueName",
	"AWS::SSM::Document":                         "Name",
	"AWS::SSM::Parameter":                        "Name",
	"AWS::Scheduler::Schedule":                   "Name",
	"AWS::ServiceDiscovery::HttpNamespace":       "Name",
	"AWS::ServiceDiscovery::PrivateDnsNamespace": "Name",
	"AWS::ServiceDiscovery::Service":             "Name",
}

// entranceOf says by which kind of entrance clients come, where the resource is one.
func entranceOf(r snapshot.Resource) (kind string, entrance bool) {
	switch r.Type {
	case "AWS::ElasticLoadBalancingV2::Listener":
		protocol, _ := r.Get("Properties.Protocol").(string)
		return protocol + " listener", protocol == "HTTPS" || protocol == "HTTP" || protocol == "TLS"
	case "AWS::ApiGateway::DomainName", "AWS::ApiGatewayV2::DomainName":
		return "domain name", true
	case "AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api":
		return "API", true
	case "AWS::Route53::RecordSet":
		name := quote(r.Get("Properties.Name"))
		return "record " + name, true
	}
	return "", false
}

func loadBalancerAttribute(r snapshot.Resource, key string) string {
	attributes, _ := r.Get("Properties.LoadBalancerAttributes").([]any)
	for _, attribute := range attributes {
		if attribute, ok := attribute.(map[string]any); ok && attribute["Key"] == key {
			return fmt.Sprint(attribute["Value"])
		}
	}
	return ""
}

// blockTaken compares a subnet that is made, new or as a replacement, with those
// that are there until the update cleans up.
func blockTaken(c comparison) []Property {
	if c.old.Type != "AWS::EC2::Subnet" {
		return nil
	}
	block, err := netip.ParsePrefix(fmt.Sprint(c.new.Get("Properties.CidrBlock")))
	if err != nil || vpcReplaced(c) {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(c.before.Resources("AWS::EC2::Subnet"))) {
		there := c.before.Resources("AWS::EC2::Subnet")[id]
		taken, err := netip.ParsePrefix(fmt.Sprint(there.Get("Properties.CidrBlock")))
		if err == nil && taken.Overlaps(block) && reflect.DeepEqual(there.Get("Properties.VpcId"), c.new.Get("Properties.VpcId")) {
			return c.replaced
		}
	}
	return nil
}

// vpcReplaced says whether the subnet goes to another VPC than before.
func vpcReplaced(c comparison) bool {
	return slices.ContainsFunc(c.replaced, func(p Property) bool { return p.Name == "VpcId" })
}

// changed is the property as a change.
func (c comparison) changed(name string) []Property {
	return []Property{{Name: name, Old: quote(c.old.Get("Properties." + name)), New: quote(c.new.Get("Properties." + name))}}
}

// when is the property as a change, where it is a number before and after and the
// condition holds.
func (c comparison) when(name string, holds func(was, is float64) bool) []Property {
	was, wasNumber := number(c.old.Get("Properties." + name))
	is, isNumber := number(c.new.Get("Properties." + name))
	if !wasNumber || !isNumber || !holds(was, is) {
		return nil
	}
	return c.changed(name)
}

// number reads a number that may be written as a text.
func number(value any) (float64, bool) {
	n, err := strconv.ParseFloat(fmt.Sprint(value), 64)
	return n, err == nil
}

// versions are those of a database's engine before and after, as numbers.
func (c comparison) versions() (was, is []int, ok bool) {
	if c.old.Type != "AWS::RDS::DBInstance" && c.old.Type != "AWS::RDS::DBCluster" || c.old.Get("Properties.Engine") != c.new.Get("Properties.Engine") {
		return nil, nil, false
	}
	was, wasVersion := version(c.old.Get("Properties.EngineVersion"))
	is, isVersion := version(c.new.Get("Properties.EngineVersion"))
	return was, is, wasVersion && isVersion
}

func version(value any) ([]int, bool) {
	var numbers []int
	for part := range strings.SplitSeq(fmt.Sprint(value), ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, false
		}
		numbers = append(numbers, n)
	}
	return numbers, true
}

// applyRules asks all rules about all resources of a template.
func applyRules(stack, prefix string, before, after snapshot.Template, lost map[string][]Property) []Change {
	var changes []Change
	for _, id := range slices.Sorted(maps.Keys(before.Resources(""))) {
		old := before.Resources("")[id]
		now, _ := after.Resource(id)
		c := comparison{old: old, new: now, before: before, after: after, replaced: lost[id]}
		for _, r := range rules {
			if r.replacement != (len(c.replaced) > 0) {
				continue
			}
			if properties := r.find(c); len(properties) > 0 {
				changes = append(changes, Change{
					Stack: stack, LogicalID: prefix + id, Type: old.Type, Path: pathOf(old),
					Effect: r.effect, Properties: properties, Notice: r.effect == Weakened, Rule: r.id, why: r.why, source: r.source,
				})
			}
		}
	}
	return changes
}

// NameProperty is the property by which a resource of the type is named that AWS has
// once in an account and region, or in a cluster or network; empty where there is
// none.
func NameProperty(resourceType string) string { return names[resourceType] }
