// Package delivery carries every commit of an application from its source
// through the stages: image repositories, a pipeline that builds each image
// once and deploys the stages in order, approvals, gates and notifications.
//
// The order of a pipeline is
//
//	Source → Build (synth) → UpdatePipeline → Assets → Images → stages
//
// The pipeline updates itself before it builds images, so a change of the
// declaration takes effect in the execution that brings it. Nothing in the
// pipeline's own template depends on the commit: the commit reaches the synth
// step and the image builds as pipeline variables, and only the stages'
// templates name it (see [CommitVariable]).
//
// An image is built once per commit and tagged with it. That tag never moves.
// After a stage has taken the commit, the image is tagged with the stage's
// name, too: a moving tag that tells people, and lifecycle rules, what runs
// where. No task definition refers to a moving tag, so a commit that is
// promoted while another one waits for approval cannot be swapped.
//
// Stages are deployed by CloudFormation, straight from the templates of the
// execution and without change sets: nobody looks at a change set between its
// making and its execution, and it doubles the actions of a pipeline.
package delivery
