// Package hostscript holds what instances run when they start: Bash, as lines of
// their user data. It knows nothing of constructs; values that only CloudFormation
// knows come as the CDK's tokens.
//
// Nothing of it needs more than Amazon Linux 2023 has in its minimal image, from
// which the ECS-optimized one is made: neither cfn-signal nor the AWS CLI is in it
// (https://github.com/aws/amazon-ecs-ami), and to install one would need a way to
// the package repository, time, and memory that belongs to tasks. curl signs
// requests itself.
package hostscript

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

var (
	//go:embed request.sh
	request string
	//go:embed instance.sh
	instance string
	//go:embed nat.sh
	nat string
	//go:embed report.sh
	report string
)

// folder holds the scripts on the instance.
const folder = "/usr/local/lib/tinystack"

// Waits that CloudFormation has to grant, in minutes: the scripts say before that
// what they have to say.
const (
	// InstanceMinutes is for [Instance]: twelve for the agent to register the
	// instance, and two to be heard.
	InstanceMinutes = 15
	// NATMinutes is for [NAT].
	NATMinutes = 10
)

// Resource is what an instance belongs to, in a template.
type Resource struct {
	// Region and Suffix of the names of AWS's hosts, such as amazonaws.com.
	Region, Suffix string
	// Stack is the id of the stack, LogicalID that of the resource in it.
	Stack, LogicalID string
}

// signalArguments are those of the function signal but for the status.
func (r Resource) signalArguments() string {
	return quoted(r.Region, host("cloudformation", r), r.Stack, r.LogicalID)
}

func host(service string, r Resource) string { return service + "." + r.Region + "." + r.Suffix }

// Instance has an ECS instance tell CloudFormation, once, whether its agent has
// registered it. It waits beside what else happens at the start: the agent itself
// starts only after the user data has ended.
func Instance(r Resource) []string {
	return append(file("instance", request, instance),
		fmt.Sprintf("systemd-run --no-block --unit=tinystack-instance bash %s/instance.sh %s", folder, r.signalArguments()))
}

// Metric names what a NAT instance reports of itself.
type Metric struct{ Namespace, Name string }

// NAT makes a NAT router of an instance, for the addresses in cidr, and has it
// tell CloudFormation whether it forwards. With a metric it then reports every five
// minutes how full its table of connections is, in percent.
func NAT(r Resource, cidr string, metric *Metric) []string {
	lines := file("nat", request, nat)
	work := "forward"
	if metric != nil {
		lines = append(lines, file("report", request, report)...)
		work += fmt.Sprintf(" && schedule '%s/report.sh %s %s %s %s'", folder, r.Region, host("monitoring", r), metric.Namespace, metric.Name)
	}
	return append(lines,
		"source "+folder+"/nat.sh",
		"CIDR="+cidr+" ETC=/etc PROC=/proc SWAP=/swapfile",
		fmt.Sprintf("if %s; then status=SUCCESS; else status=FAILURE; fi", work),
		`signal "$status" `+r.signalArguments())
}

// remark is a line of a script that only its readers need.
var remark = regexp.MustCompile(`(?m)^\s*(#.*)?\n`)

// file are the lines that write a script into the folder.
func file(name string, parts ...string) []string {
	text := remark.ReplaceAllString(strings.Join(parts, ""), "")
	lines := []string{"mkdir -p " + folder, fmt.Sprintf("cat >%s/%s.sh <<'SCRIPT'", folder, name)}
	lines = append(lines, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
	return append(lines, "SCRIPT")
}

func quoted(values ...string) string { return "'" + strings.Join(values, "' '") + "'" }
