package deployable

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/snapshot"
)

// signals finds what CloudFormation takes for done without having heard of it:
// groups whose instances it replaces by the clock, and instances and groups that
// wait for a signal which nobody sends, or may send.
func signals(t snapshot.Template) map[string]string {
	broken := map[string]string{}
	for id, group := range t.Resources("AWS::AutoScaling::AutoScalingGroup") {
		rolling, _ := group.UpdatePolicy["AutoScalingRollingUpdate"].(map[string]any)
		if rolling == nil {
			continue // nothing is replaced
		}
		var template snapshot.Resource
		for _, launch := range references(group.Get("Properties.LaunchTemplate")) {
			template, _ = t.Resource(launch)
		}
		expected := "" // signals when the group is made
		if desired := fmt.Sprint(group.Get("Properties.DesiredCapacity")); desired != "0" {
			expected = desired
		}
		pause := fmt.Sprint(rolling["PauseTime"])
		switch {
		case rolling["WaitOnResourceSignals"] != true:
			broken[id] = "replaces instances and does not ask whether the new ones are of use"
		case pause != "PT1H" && (!strings.HasPrefix(pause, "PT") || !strings.HasSuffix(pause, "M") || len(pause) > len("PT59M")):
			broken[id] = "waits for a signal longer than the hour that AWS allows: " + pause
		case expected != awaited(group):
			broken[id] = fmt.Sprintf("is made with %s instances, and waits for %q signals", group.Get("Properties.DesiredCapacity"), awaited(group))
		case !sends(t, id, template.Get("Properties.LaunchTemplateData.UserData")):
			broken[id] = "waits for a signal that its instances do not send, or may not"
		}
	}
	for id, instance := range t.Resources("AWS::EC2::Instance") {
		if awaited(instance) != "" && !sends(t, id, instance.Get("Properties.UserData")) {
			broken[id] = "waits for a signal that it does not send, or may not"
		}
	}
	return broken
}

// awaited is how many signals a resource waits for when it is made; empty for none.
func awaited(r snapshot.Resource) string {
	policy, ok := r.CreationPolicy["ResourceSignal"].(map[string]any)
	if !ok {
		return ""
	}
	return fmt.Sprint(policy["Count"])
}

// sends says whether user data names the resource to signal, and a role of the
// template may do that.
func sends(t snapshot.Template, id string, userData any) bool {
	named := false
	for text := range texts(userData) {
		named = named || strings.Contains(text, "'"+id+"'")
	}
	for _, policy := range t.Resources("AWS::IAM::Policy") {
		if named && slices.Contains(slices.Collect(texts(policy.Get("Properties.PolicyDocument"))), "cloudformation:SignalResource") {
			return true
		}
	}
	return false
}

// reservedMemory finds hosts of containers that leave all memory to these.
func reservedMemory(t snapshot.Template) map[string]string {
	broken := map[string]string{}
	for id, launch := range t.Resources("AWS::EC2::LaunchTemplate") {
		all := strings.Join(slices.Collect(texts(launch.Get("Properties.LaunchTemplateData.UserData"))), "")
		if strings.Contains(all, "ECS_CLUSTER=") && !strings.Contains(all, "ECS_RESERVED_MEMORY=") {
			broken[id] = "sets no ECS_RESERVED_MEMORY"
		}
	}
	return broken
}

// nats finds NAT instances that forward for a few thousand connections only, do not
// keep their address when another takes their place, or are led to before they have
// it.
func nats(t snapshot.Template) map[string]string {
	broken := map[string]string{}
	for route, resource := range t.Resources("AWS::EC2::Route") {
		for _, id := range references(resource.Get("Properties.InstanceId")) {
			instance, _ := t.Resource(id)
			address := ""
			for eip, resource := range t.Resources("AWS::EC2::EIP") {
				if slices.Contains(references(resource.Get("Properties.InstanceId")), id) {
					address = eip
				}
			}
			userData := strings.Join(slices.Collect(texts(instance.Get("Properties.UserData"))), "")
			switch {
			case instance.Get("Properties.SourceDestCheck") != false:
				broken[id] = "drops what is not for itself"
			case awaited(instance) != "1":
				broken[id] = "does not say that it forwards"
			case !strings.Contains(userData, "nf_conntrack_max"):
				broken[id] = "leaves its table of connections as the kernel makes it"
			case address == "":
				broken[id] = "has no address that stays"
			case !needs(t, route)[address]:
				broken[route] = "leads to the instance before that has its address"
			}
		}
	}
	return broken
}

// Reports finds alarms on what NAT instances report that none reports, given all
// templates of a stage: the names are texts, in another stack than the instance.
func Reports(templates ...snapshot.Template) (broken []string) {
	var said strings.Builder
	for _, t := range templates {
		for _, instance := range t.Resources("AWS::EC2::Instance") {
			for text := range texts(instance.Get("Properties.UserData")) {
				said.WriteString(text)
			}
		}
	}
	for _, t := range templates {
		for id, alarm := range t.Resources("AWS::CloudWatch::Alarm") {
			for text := range texts(alarm.Properties) {
				if strings.HasSuffix(text, "-nat-connections") && alarm.Get("Properties.AlarmName") != text && !strings.Contains(said.String(), " "+text+"'") {
					broken = append(broken, id+": no instance reports "+text)
				}
			}
		}
	}
	slices.Sort(broken)
	return broken
}
