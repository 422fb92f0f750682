package teardown

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/tinystack-go/tinystack/spec"
)

// Stack is a stack that is there.
type Stack struct {
	Place
	Name string
	// Stage that it belongs to; empty for what all stages share.
	Stage string
	// Resources is how many there still are.
	Resources int
	// Kept are the resources that outlive the stack, or leave a snapshot.
	Kept []Resource
	// Locked are the resources that AWS refuses to delete.
	Locked []Resource
	// TerminationProtection refuses the deletion of the whole stack.
	TerminationProtection bool
	// Spared is why the stack is not deleted; empty where it is.
	Spared string

	id      string
	status  types.StackStatus
	session *Session
	// uses are the names of the stacks that its template refers to.
	uses map[string]bool
}

// Resource of a stack.
type Resource struct {
	LogicalID, Type, PhysicalID string
	// Snapshot says that a last snapshot is all that stays.
	Snapshot bool
}

var kinds = map[string]string{
	"AWS::EC2::SecurityGroup":                   "security group",
	"AWS::EC2::Subnet":                          "subnet",
	"AWS::EC2::VPC":                             "VPC",
	"AWS::ECR::Repository":                      "image repository",
	"AWS::ElasticLoadBalancingV2::LoadBalancer": "load balancer",
	"AWS::IAM::Role":                            "role",
	"AWS::KMS::Key":                             "key",
	"AWS::Logs::LogGroup":                       "log group",
	"AWS::Logs::ResourcePolicy":                 "log delivery policy",
	"AWS::RDS::DBInstance":                      "database",
	"AWS::RDS::DBParameterGroup":                "database parameters",
	"AWS::RDS::DBSubnetGroup":                   "database subnet group",
	"AWS::Route53::HostedZone":                  "hosted zone",
	"AWS::S3::Bucket":                           "bucket",
	"AWS::SecretsManager::Secret":               "secret",
}

// Staying says what stays of the resource.
func (r Resource) Staying() string {
	if r.Snapshot {
		return "a last snapshot of the " + r.String()
	}
	return r.String()
}

// String names the resource as people do.
func (r Resource) String() string {
	kind := kinds[r.Type]
	if kind == "" {
		kind = r.Type
	}
	id := r.PhysicalID
	if id == "" {
		id = r.LogicalID
	}
	return kind + " " + id
}

// Unlock is the command that lets AWS delete the resource.
func (r Resource) Unlock(region string) string {
	switch r.Type {
	case "AWS::ElasticLoadBalancingV2::LoadBalancer":
		return fmt.Sprintf("aws elbv2 modify-load-balancer-attributes --region %s --load-balancer-arn %s --attributes Key=deletion_protection.enabled,Value=false", region, r.PhysicalID)
	case "AWS::RDS::DBCluster":
		return fmt.Sprintf("aws rds modify-db-cluster --region %s --db-cluster-identifier %s --no-deletion-protection --apply-immediately", region, r.PhysicalID)
	default:
		return fmt.Sprintf("aws rds modify-db-instance --region %s --db-instance-identifier %s --no-deletion-protection --apply-immediately", region, r.PhysicalID)
	}
}

// Unprotect is the command that lets CloudFormation delete the stack.
func (s *Stack) Unprotect() string {
	return fmt.Sprintf("aws cloudformation update-termination-protection --region %s --stack-name %s --no-enable-termination-protection", s.Region, s.Name)
}

// owner tells whose a stack is.
type owner func(stack types.Stack) (stage string, ours bool)

// ofStage owns the stacks of one stage.
func ofStage(app spec.App, stage string) owner {
	return func(stack types.Stack) (string, bool) {
		of, ours := ofStages(app)(stack)
		return of, ours && of == stage
	}
}

// ofStages owns the stacks of all stages, declared or not.
func ofStages(app spec.App) owner {
	return func(stack types.Stack) (string, bool) {
		stage := app.StageOf(aws.ToString(stack.Description))
		if tags := tagsOf(stack); stage == "" && tags[spec.AppTag] == app.Name {
			stage = tags[spec.StageTag]
		}
		return stage, stage != "" && strings.HasPrefix(aws.ToString(stack.StackName), app.StageStackName(stage, ""))
	}
}

// ofApp owns what the stages share.
func ofApp(app spec.App) owner {
	return func(stack types.Stack) (string, bool) {
		name := aws.ToString(stack.StackName)
		if name == app.SupportStackName(regionOf(stack)) {
			return "", true // the CDK's, which describes it in words of its own
		}
		tags := tagsOf(stack)
		said := strings.HasPrefix(aws.ToString(stack.Description), app.StackOwner())
		tagged := tags[spec.AppTag] == app.Name && tags[spec.StageTag] == ""
		return "", strings.HasPrefix(name, app.Name+"-") && (said || tagged)
	}
}

func regionOf(stack types.Stack) string {
	parts := strings.Split(aws.ToString(stack.StackId), ":")
	if len(parts) < 4 {
		return ""
	}
	return parts[3]
}

func tagsOf(stack types.Stack) map[string]string {
	tags := map[string]string{}
	for _, tag := range stack.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags
}

// find lists the stacks of an owner.
func (s *Session) find(ctx context.Context, whose ...owner) ([]*Stack, error) {
	var found []*Stack
	pages := cloudformation.NewDescribeStacksPaginator(s.client, &cloudformation.DescribeStacksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain(ctx, "read the stacks of "+s.Place.String(), err)
		}
		for _, present := range page.Stacks {
			for _, owns := range whose {
				stage, ours := owns(present)
				if !ours || present.StackStatus == types.StackStatusDeleteComplete {
					continue
				}
				if aws.ToString(present.ParentId) != "" {
					continue // goes with the stack that it is nested in
				}
				stack := &Stack{
					Place:                 s.Place,
					Name:                  aws.ToString(present.StackName),
					Stage:                 stage,
					TerminationProtection: aws.ToBool(present.EnableTerminationProtection),
					id:                    aws.ToString(present.StackId),
					status:                present.StackStatus,
					session:               s,
				}
				if err := stack.inspect(ctx); err != nil {
					return nil, err
				}
				found = append(found, stack)
				break
			}
		}
	}
	return found, nil
}

// template is what matters of a template here.
type template struct {
	Resources map[string]struct {
		Type           string
		DeletionPolicy string
		Properties     map[string]any
	}
}

// inspect reads what will become of the resources of the stack.
func (s *Stack) inspect(ctx context.Context) error {
	present, err := s.resources(ctx)
	if err != nil {
		return err
	}
	s.uses = map[string]bool{}
	if s.status == types.StackStatusReviewInProgress {
		return nil // a name without a template: its first change set was never executed
	}
	answer, err := s.session.client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &s.id, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return explain(ctx, "read the template of "+s.Name, err)
	}
	var read template
	var raw any
	body := []byte(aws.ToString(answer.TemplateBody))
	if json.Unmarshal(body, &read) != nil || json.Unmarshal(body, &raw) != nil {
		return fmt.Errorf("the template of %s is none that the CDK made: delete the stack by hand if it is not needed", s.Name)
	}
	references(raw, s.uses)
	for _, resource := range present {
		if resource.ResourceStatus == types.ResourceStatusDeleteComplete {
			continue
		}
		s.Resources++
		found := Resource{LogicalID: aws.ToString(resource.LogicalResourceId), Type: aws.ToString(resource.ResourceType), PhysicalID: aws.ToString(resource.PhysicalResourceId)}
		declared := read.Resources[found.LogicalID]
		switch declared.DeletionPolicy {
		case "Retain", "RetainExceptOnCreate":
			s.Kept = append(s.Kept, found)
			continue
		case "Snapshot":
			found.Snapshot = true
			s.Kept = append(s.Kept, found)
		}
		if locked(declared.Properties) {
			s.Locked = append(s.Locked, found)
		}
	}
	return nil
}

func (s *Stack) resources(ctx context.Context) ([]types.StackResourceSummary, error) {
	var all []types.StackResourceSummary
	pages := cloudformation.NewListStackResourcesPaginator(s.session.client, &cloudformation.ListStackResourcesInput{StackName: &s.id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain(ctx, "read the resources of "+s.Name, err)
		}
		all = append(all, page.StackResourceSummaries...)
	}
	return all, nil
}

// locked says whether a template protects a resource from deletion.
func locked(properties map[string]any) bool {
	if properties["DeletionProtection"] == true {
		return true
	}
	attributes, _ := properties["LoadBalancerAttributes"].([]any)
	return slices.ContainsFunc(attributes, func(attribute any) bool {
		pair, _ := attribute.(map[string]any)
		return pair["Key"] == "deletion_protection.enabled" && pair["Value"] == "true"
	})
}

// references collects the names of the stacks whose outputs a template takes:
// by Fn::GetStackOutput, or by Fn::ImportValue of an export, which the CDK names
// by its stack.
func references(node any, to map[string]bool) {
	switch node := node.(type) {
	case map[string]any:
		if output, ok := node["Fn::GetStackOutput"].(map[string]any); ok {
			if name, ok := output["StackName"].(string); ok {
				to[name] = true
			}
		}
		if export, ok := node["Fn::ImportValue"].(string); ok {
			name, _, _ := strings.Cut(export, ":")
			to[name] = true
		}
		for _, value := range node {
			references(value, to)
		}
	case []any:
		for _, value := range node {
			references(value, to)
		}
	}
}

// inNetwork says whether something that is kept lives on in the stage's VPC,
// which can then not be deleted.
func inNetwork(kept []Resource) (Resource, bool) {
	for _, resource := range kept {
		if !resource.Snapshot && (resource.Type == "AWS::RDS::DBInstance" || resource.Type == "AWS::RDS::DBCluster") {
			return resource, true
		}
	}
	return Resource{}, false
}
