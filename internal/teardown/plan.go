package teardown

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/tinystack-go/tinystack/spec"
)

// Options are what a person decided beforehand.
type Options struct {
	// Unprotect switches termination protection off, and takes it that
	// protected resources are no longer so.
	Unprotect bool
	// KeepData spares the stacks with termination protection, and the networks
	// they are in.
	KeepData bool
	// Network deletes the network of a stage whose database was kept before.
	Network bool
}

// Stage finds the stacks of a stage, in the order of their deletion: in its
// region, and in those in which its database has replicas.
func Stage(ctx context.Context, sessions []*Session, app spec.App, stage string, options Options) ([]*Stack, error) {
	var found []*Stack
	for _, session := range sessions {
		here, err := session.find(ctx, ofStage(app, stage))
		if err != nil {
			return nil, err
		}
		found = append(found, here...)
	}
	return arrange(ctx, app, []string{stage}, found, options)
}

// App finds all stacks of an application, in the order of their deletion: the
// pipeline, so that nothing is deployed anew, the stages from the last to the
// first, and then what they shared. Stages that are no longer declared are found
// where declared ones are. It says as whom each place was entered.
func App(ctx context.Context, access *Access, app spec.App, options Options) ([]*Stack, []*Session, error) {
	type visit struct {
		session *Session
		owners  []owner
	}
	var visits []*visit
	enter := func(place Place, stage string, owns ...owner) error {
		session, err := access.In(ctx, place, stage)
		if err != nil {
			return err
		}
		for _, v := range visits {
			if v.session == session {
				v.owners = append(v.owners, owns...)
				return nil
			}
		}
		visits = append(visits, &visit{session, owns})
		return nil
	}
	for _, region := range app.PipelineRegions() {
		if err := enter(Place{app.Pipeline.Account, region}, "", ofApp(app)); err != nil {
			return nil, nil, err
		}
	}
	var order []string
	for _, stage := range slices.Backward(app.Stages) {
		order = append(order, stage.Name)
		if err := enter(Place{stage.Account, stage.Region}, stage.Name, ofStages(app), ofApp(app)); err != nil {
			return nil, nil, err
		}
		for _, region := range stage.ReplicaRegions() {
			if err := enter(Place{stage.Account, region}, stage.Name, ofStages(app)); err != nil {
				return nil, nil, err
			}
		}
	}
	var found []*Stack
	var sessions []*Session
	for _, v := range visits {
		here, err := v.session.find(ctx, v.owners...)
		if err != nil {
			return nil, nil, err
		}
		found, sessions = append(found, here...), append(sessions, v.session)
	}
	// Two profiles can lead to one place.
	seen := map[string]bool{}
	found = slices.DeleteFunc(found, func(s *Stack) bool {
		again := seen[s.id]
		seen[s.id] = true
		return again
	})
	arranged, err := arrange(ctx, app, order, found, options)
	return arranged, sessions, err
}

// arrange sorts stacks: first what others do not use, by the pipeline, the
// stages, and what they share.
func arrange(ctx context.Context, app spec.App, stages []string, found []*Stack, options Options) ([]*Stack, error) {
	rank := func(s *Stack) int {
		switch i := slices.Index(stages, s.Stage); {
		case s.Stage == "" && s.Name == app.PipelineStackName():
			return -2
		case s.Stage == "" && strings.HasPrefix(s.Name, app.SupportStackName("")):
			return -1
		case s.Stage == "":
			return 10 * (len(stages) + 1)
		default:
			// A stage that is no longer declared is the first. Within a stage it
			// is the opposite of the order of deployment; what is not ours to
			// know may use any of them.
			i++
			kinds := spec.StageStacks()
			within := slices.IndexFunc(kinds, func(kind string) bool { return s.Name == app.StageStackName(s.Stage, kind) })
			if within < 0 {
				return 10 * i
			}
			return 10*i + len(kinds) - within
		}
	}
	slices.SortFunc(found, func(a, b *Stack) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Name, b.Name)) })
	var arranged []*Stack
	for rest := found; len(rest) > 0; {
		i := slices.IndexFunc(rest, func(s *Stack) bool {
			return !slices.ContainsFunc(rest, func(other *Stack) bool { return other != s && other.uses[s.Name] })
		})
		i = max(i, 0) // a circle cannot be; it would have to begin somewhere
		arranged = append(arranged, rest[i])
		rest = slices.Concat(rest[:i], rest[i+1:])
	}
	for _, stack := range arranged {
		if err := stack.spare(ctx, app, arranged, options); err != nil {
			return nil, err
		}
	}
	return arranged, nil
}

// spare decides whether the stack stays. Those that use it were decided before.
func (s *Stack) spare(ctx context.Context, app spec.App, all []*Stack, options Options) error {
	if s.TerminationProtection && options.KeepData {
		s.Spared = "has termination protection, and --keep-data was given"
		return nil
	}
	network := s.Stage != "" && s.Name == app.StageStackName(s.Stage, spec.NetworkStack)
	data := false
	for _, user := range all {
		if user == s || user.Stage != s.Stage {
			continue
		}
		data = data || user.Name == app.StageStackName(s.Stage, spec.DataStack)
		if !user.uses[s.Name] {
			continue
		}
		if user.Spared != "" {
			s.Spared = user.Name + " stays in it"
			return nil
		}
		if kept, ok := inNetwork(user.Kept); ok && network {
			s.Spared = "the " + kept.String() + " stays in it"
			return nil
		}
	}
	if !network || data || options.Network {
		return nil
	}
	kept, err := s.session.keptBefore(ctx, app, s.Stage)
	if err != nil {
		return err
	}
	if found, ok := inNetwork(kept); ok {
		s.Spared = "the " + found.String() + " was kept in it; when that is gone, use --network"
	}
	return nil
}

// keptBefore are the resources that the deletion of a stage's data left, in the
// 90 days that CloudFormation remembers it.
func (s *Session) keptBefore(ctx context.Context, app spec.App, stage string) ([]Resource, error) {
	pages := cloudformation.NewListStacksPaginator(s.client, &cloudformation.ListStacksInput{StackStatusFilter: []types.StackStatus{types.StackStatusDeleteComplete}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain(ctx, "read the deleted stacks of "+s.Place.String(), err)
		}
		// The newest come first.
		for _, gone := range page.StackSummaries {
			if aws.ToString(gone.StackName) == app.StageStackName(stage, spec.DataStack) && strings.HasPrefix(aws.ToString(gone.TemplateDescription), app.StageStackOwner(stage)) {
				stack := &Stack{Name: aws.ToString(gone.StackName), id: aws.ToString(gone.StackId), session: s}
				return stack.survivors(ctx)
			}
		}
	}
	return nil, nil
}

// survivors are the resources that the deletion of the stack skipped.
func (s *Stack) survivors(ctx context.Context) ([]Resource, error) {
	all, err := s.resources(ctx)
	if err != nil {
		return nil, err
	}
	var skipped []Resource
	for _, resource := range all {
		if resource.ResourceStatus == types.ResourceStatusDeleteSkipped {
			skipped = append(skipped, Resource{LogicalID: aws.ToString(resource.LogicalResourceId), Type: aws.ToString(resource.ResourceType), PhysicalID: aws.ToString(resource.PhysicalResourceId)})
		}
	}
	return skipped, nil
}

// Protected are the stacks that will not be deleted before a person has said
// more: they, or resources in them, are protected.
func Protected(stacks []*Stack) []*Stack {
	return slices.DeleteFunc(slices.Clone(stacks), func(s *Stack) bool {
		return s.Spared != "" || !s.TerminationProtection && len(s.Locked) == 0
	})
}

// Deploys says whether the deployed pipeline still deploys a stage. Then
// deleting its stacks only makes the next commit create them again.
func Deploys(ctx context.Context, access *Access, app spec.App, stage string) (bool, error) {
	if app.Pipeline == nil {
		return false, nil
	}
	session, err := access.In(ctx, Place{app.Pipeline.Account, app.Pipeline.Region}, "")
	if err != nil {
		return false, fmt.Errorf("the pipeline has to be looked at, because it would create the stage again: %w", err)
	}
	name := app.PipelineStackName()
	described, err := session.client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	var refused smithy.APIError
	if errors.As(err, &refused) && refused.ErrorCode() == "ValidationError" && strings.Contains(refused.ErrorMessage(), "does not exist") {
		return false, nil
	}
	if err != nil {
		return false, explain(ctx, "read the stack "+name, err)
	}
	answer, err := session.client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &name, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return false, explain(ctx, "read the template of "+name, err)
	}
	var read template
	if err := json.Unmarshal([]byte(aws.ToString(answer.TemplateBody)), &read); err != nil {
		return false, fmt.Errorf("the template of %s cannot be read: %w", name, err)
	}
	for _, resource := range read.Resources {
		if resource.Type == "AWS::CodePipeline::Pipeline" && deploys(resource.Properties, app, stage) {
			return true, nil
		}
	}
	// While it is updated, the old pipeline may still be running.
	return len(described.Stacks) > 0 && inProgress(described.Stacks[0].StackStatus), nil
}

// deploys looks for an action that deploys a stack of the stage.
func deploys(node any, app spec.App, stage string) bool {
	switch node := node.(type) {
	case map[string]any:
		name, _ := node["StackName"].(string)
		if slices.ContainsFunc(spec.StageStacks(), func(kind string) bool { return name == app.StageStackName(stage, kind) }) {
			return true
		}
		for _, value := range node {
			if deploys(value, app, stage) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(node, func(value any) bool { return deploys(value, app, stage) })
	}
	return false
}

func inProgress(status types.StackStatus) bool {
	return strings.HasSuffix(string(status), "_IN_PROGRESS") && status != types.StackStatusReviewInProgress
}
