package service

import (
	"fmt"
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecr"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/optional"
)

// ecrImage is an image in a private ECR registry: account, region, repository,
// and tag or digest.
var ecrImage = regexp.MustCompile(`^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([a-z0-9._/-]+)(?:[:@](.+))?$`)

// ExistingImage is an image that somebody else made. Where it is in a private
// ECR registry, the task's execution role may pull it; other registries have
// to be public.
func ExistingImage(scope constructs.Construct, image string) awsecs.ContainerImage {
	match := ecrImage.FindStringSubmatch(image)
	if match == nil {
		return awsecs.ContainerImage_FromRegistry(&image, nil)
	}
	account, region, name, tag := match[1], match[2], match[3], match[4]
	repository := awsecr.Repository_FromRepositoryAttributes(scope, jsii.String("Repository"), &awsecr.RepositoryAttributes{
		RepositoryName: &name,
		RepositoryArn:  jsii.String(fmt.Sprintf("arn:%s:ecr:%s:%s:repository/%s", *awscdk.Aws_PARTITION(), region, account, name)),
	})
	return awsecs.ContainerImage_FromEcrRepository(repository, optional.Text(tag))
}
