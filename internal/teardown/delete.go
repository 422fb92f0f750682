package teardown

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

// pollEvery is the time between two looks at a stack.
const pollEvery = 10 * time.Second

// quiet is how many looks may pass without a line.
const quiet = 30

// Deletion deletes stacks, one after the other.
type Deletion struct {
	// Out is told of the progress, a line at a time.
	Out io.Writer
	// Pause waits between two looks. Default: [Pause].
	Pause func(context.Context, time.Duration) error
	// Unprotect switches termination protection off.
	Unprotect bool
}

// Survivor is something that outlives its stack.
type Survivor struct {
	Resource
	Place
}

// Failure is a stack that could not be deleted, and why.
type Failure struct {
	Stack *Stack
	// Reasons are a line for each resource.
	Reasons []string
	// Advice says what to do.
	Advice []string
}

func (f *Failure) Error() string {
	text := f.Stack.Name + " (" + f.Stack.Place.String() + ") could not be deleted:"
	for _, line := range f.Reasons {
		text += "\n    " + line
	}
	for _, line := range f.Advice {
		text += "\n" + line
	}
	return text
}

// Run deletes the stacks that are not spared, and returns what survives those
// that it deleted, also where it then fails.
func (d *Deletion) Run(ctx context.Context, stacks []*Stack) ([]Survivor, error) {
	if d.Pause == nil {
		d.Pause = Pause
	}
	var survivors []Survivor
	for _, stack := range stacks {
		if stack.Spared != "" {
			continue
		}
		if err := d.delete(ctx, stack); err != nil {
			if errors.Is(err, ErrInterrupted) {
				fmt.Fprintf(d.Out, "%s: CloudFormation goes on with what it has begun\n", stack.Name)
			}
			return survivors, err
		}
		fmt.Fprintf(d.Out, "%s: deleted\n", stack.Name)
		skipped, err := stack.survivors(ctx)
		if err != nil {
			return survivors, err
		}
		for _, kept := range stack.Kept {
			if kept.Snapshot {
				skipped = append(skipped, kept)
			}
		}
		for _, resource := range skipped {
			survivors = append(survivors, Survivor{resource, stack.Place})
		}
	}
	return survivors, nil
}

func (d *Deletion) delete(ctx context.Context, stack *Stack) error {
	client := stack.session.client
	if inProgress(stack.status) && stack.status != types.StackStatusDeleteInProgress {
		fmt.Fprintf(d.Out, "%s: waiting for what is under way (%s)\n", stack.Name, stack.status)
		if err := d.rest(ctx, stack); err != nil {
			return err
		}
	}
	if stack.TerminationProtection && d.Unprotect {
		if _, err := client.UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{StackName: &stack.id, EnableTerminationProtection: aws.Bool(false)}); err != nil {
			return explain(ctx, "switch the termination protection of "+stack.Name+" off", err)
		}
		fmt.Fprintf(d.Out, "%s: termination protection is off\n", stack.Name)
	}
	switch stack.status {
	case types.StackStatusDeleteComplete:
		return nil
	case types.StackStatusDeleteInProgress:
		fmt.Fprintf(d.Out, "%s: is being deleted already\n", stack.Name)
	default:
		if _, err := client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &stack.id}); err != nil {
			return explain(ctx, "delete "+stack.Name, err)
		}
		fmt.Fprintf(d.Out, "%s: deleting %s\n", stack.Name, phrase.Count(stack.Resources, "resource"))
	}
	stack.status = types.StackStatusDeleteInProgress
	if err := d.rest(ctx, stack); err != nil {
		return err
	}
	if stack.status != types.StackStatusDeleteComplete {
		return stack.failure(ctx)
	}
	return nil
}

// rest waits until nothing is done to the stack, and says how far it is.
func (d *Deletion) rest(ctx context.Context, stack *Stack) error {
	said, silent := stack.Resources, 0
	for inProgress(stack.status) {
		if err := d.Pause(ctx, pollEvery); err != nil {
			return err
		}
		described, err := stack.session.client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack.id})
		if err != nil {
			return explain(ctx, "see how far "+stack.Name+" is", err)
		}
		if len(described.Stacks) == 0 {
			stack.status = types.StackStatusDeleteComplete
			return nil
		}
		stack.status = described.Stacks[0].StackStatus
		if stack.status != types.StackStatusDeleteInProgress {
			continue
		}
		all, err := stack.resources(ctx)
		if err != nil {
			return err
		}
		left, slow := 0, ""
		for _, resource := range all {
			if resource.ResourceStatus == types.ResourceStatusDeleteInProgress {
				slow = aws.ToString(resource.ResourceType) + " " + aws.ToString(resource.PhysicalResourceId)
			}
			if resource.ResourceStatus != types.ResourceStatusDeleteComplete && resource.ResourceStatus != types.ResourceStatusDeleteSkipped {
				left++
			}
		}
		silent++
		switch {
		case left < said:
			said, silent = left, 0
			fmt.Fprintf(d.Out, "%s: %d of %d left\n", stack.Name, left, stack.Resources)
		case silent >= quiet:
			silent = 0
			fmt.Fprintf(d.Out, "%s: still %d of %d left", stack.Name, left, stack.Resources)
			if slow != "" {
				fmt.Fprintf(d.Out, "; waiting for %s", slow)
			}
			fmt.Fprintln(d.Out)
		}
	}
	return nil
}

// failure says what stood in the way.
func (s *Stack) failure(ctx context.Context) error {
	failed := &Failure{Stack: s}
	all, err := s.resources(ctx)
	if err != nil {
		return err
	}
	for _, resource := range all {
		if resource.ResourceStatus != types.ResourceStatusDeleteFailed {
			continue
		}
		found := Resource{LogicalID: aws.ToString(resource.LogicalResourceId), Type: aws.ToString(resource.ResourceType), PhysicalID: aws.ToString(resource.PhysicalResourceId)}
		reason := strings.Join(strings.Fields(aws.ToString(resource.ResourceStatusReason)), " ")
		failed.Reasons = append(failed.Reasons, fmt.Sprintf("%s: %s", found, reason))
		if advice := advice(found, s.Place, reason); advice != "" {
			failed.Advice = append(failed.Advice, advice)
		}
	}
	if len(failed.Reasons) == 0 {
		failed.Reasons = []string{"its status is " + string(s.status)}
	}
	failed.Advice = append(failed.Advice, "Then run the same command again: it skips what is deleted, and tries this stack anew.")
	return failed
}

// advice says what to do about a resource that was not deleted.
func advice(resource Resource, place Place, reason string) string {
	lower := strings.ToLower(reason)
	switch {
	case strings.Contains(lower, "deletion protection") || strings.Contains(lower, "deletionprotection"):
		return "Switch its protection off: " + resource.Unlock(place.Region)
	case strings.Contains(lower, "not empty"):
		if resource.Type == "AWS::ECR::Repository" {
			return "Delete it with its images: aws ecr delete-repository --force --region " + place.Region + " --repository-name " + resource.PhysicalID
		}
		return "Empty the bucket first, all versions of its objects: in the S3 console, Empty."
	case strings.Contains(lower, "cannot be assumed") || strings.Contains(lower, "is invalid or cannot be"):
		return fmt.Sprintf("The role that CloudFormation works with is gone, perhaps with the CDK's bootstrap stack: npx cdk bootstrap aws://%s/%s makes it again.", place.Account, place.Region)
	case strings.Contains(lower, "not authorized") || strings.Contains(lower, "access denied") || strings.Contains(lower, "accessdenied"):
		return "The role that CloudFormation works with may not delete it: allow that in the policies the account was bootstrapped with."
	case strings.Contains(lower, "depend") || strings.Contains(lower, "in use") || strings.Contains(lower, "being used") || strings.Contains(lower, "associated"):
		return "Something outside the stack uses it, or did so a moment ago: delete that, or wait some minutes."
	}
	return ""
}
