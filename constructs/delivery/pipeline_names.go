package delivery

import (
	"strings"
)

// Account and region are known when a pipeline is made, so ARNs and host names
// are plain text: what a script is given can be read in the template.

func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

func dnsSuffixOf(region string) string {
	if partitionOf(region) == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

func consoleOf(region string) string {
	switch partitionOf(region) {
	case "aws-cn":
		return "https://" + region + ".console.amazonaws.cn"
	case "aws-us-gov":
		return "https://" + region + ".console.amazonaws-us-gov.com"
	default:
		return "https://" + region + ".console.aws.amazon.com"
	}
}

func roleARN(account, region, name string) string {
	return "arn:" + partitionOf(region) + ":iam::" + account + ":role/" + name
}

// CommitVariable is the environment variable of the synth step that holds the
// commit of a service with a source of its own, and with that the tag of its
// image. Without a name it is the one of the application's source, which all
// other services are built from.
func CommitVariable(service string) string {
	if service == "" {
		return "TINYSTACK_COMMIT"
	}
	return "TINYSTACK_COMMIT_" + strings.ToUpper(strings.ReplaceAll(service, "-", "_"))
}
