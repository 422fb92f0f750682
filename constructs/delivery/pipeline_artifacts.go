package delivery

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
)

const (
	// artifactDays must outlast an approval that waits, and a commit that is
	// rolled back to: without its artifacts neither can go on.
	artifactDays   = 90
	noncurrentDays = 7
	accessLogDays  = 90

	// artifactLogs is where access logs of a bucket with artifacts begin.
	artifactLogs = "artifacts/"

	// assemblyArtifact is where CodePipeline puts the cloud assembly: the name of
	// the pipeline, that of the artifact, both shortened, and a random name. A
	// source's artifact ends in _Source, so this is of none.
	assemblyArtifact = "*/Synth_O*"
	// synthCache is where CodeBuild keeps what the synthesis needs again.
	synthCache = "cache/synth"
)

// artifactBucket holds what actions hand to one another. What is in it can be
// made again, so its key goes with the stack; the buckets stay, because
// CloudFormation deletes none that is not empty, and empty themselves.
func (d *delivery) artifactBucket() (awss3.Bucket, awskms.Key) {
	logs := awss3.NewBucket(d, jsii.String("AccessLogs"), d.accessLogProps())
	var key awskms.Key
	props := &awss3.BucketProps{
		Encryption:             awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:             jsii.Bool(true),
		BlockPublicAccess:      d.asked.private,
		Versioned:              jsii.Bool(true),
		LifecycleRules:         d.expiry(artifactDays),
		ServerAccessLogsBucket: logs,
		ServerAccessLogsPrefix: jsii.String(artifactLogs),
		RemovalPolicy:          awscdk.RemovalPolicy_RETAIN,
	}
	if d.crossAccount() {
		props.Encryption = awss3.BucketEncryption_KMS
		props.BucketKeyEnabled = jsii.Bool(true)
		key = awskms.NewKey(d, jsii.String("ArtifactsKey"), &awskms.KeyProps{
			Description:       jsii.String("Artifacts of pipeline " + d.app.Name),
			EnableKeyRotation: jsii.Bool(true),
			RemovalPolicy:     awscdk.RemovalPolicy_DESTROY,
		})
		props.EncryptionKey = key
	}
	return awss3.NewBucket(d, jsii.String("Artifacts"), props), key
}

func (d *delivery) accessLogProps() *awss3.BucketProps {
	return &awss3.BucketProps{
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		BlockPublicAccess: d.asked.private,
		Versioned:         jsii.Bool(true),
		LifecycleRules:    d.expiry(accessLogDays),
		RemovalPolicy:     awscdk.RemovalPolicy_RETAIN,
	}
}

func (d *delivery) expiry(days int) *[]*awss3.LifecycleRule {
	return &[]*awss3.LifecycleRule{{
		Id:                                  jsii.String("expire"),
		Expiration:                          d.days(days),
		NoncurrentVersionExpiration:         d.days(noncurrentDays),
		AbortIncompleteMultipartUploadAfter: d.days(1),
	}}
}
