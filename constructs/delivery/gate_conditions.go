package delivery

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/internal/policy"
)

// addConditions puts the gates that CodePipeline itself watches on the stages
// of the built pipeline: the window before one is entered, the alarms once all
// of its actions succeeded, and the way back when any did not.
//
// The steps of a wave with more than 50 actions are divided by the CDK into
// several stages of the pipeline. A condition on one of them says nothing of
// the others, so such a wave is refused.
func (d *delivery) addConditions(stages []any) error {
	built := stageNames(stages)
	var problems []error
	for _, g := range d.groups {
		if !g.Gated() {
			continue
		}
		i := slices.Index(built, g.Name)
		if i < 0 {
			problems = append(problems, fmt.Errorf("%s needs more than %d actions, so it takes several stages of the pipeline, and its gates (bake, window) hold for one: divide it into two waves", g.title(), maxStageActions))
			continue
		}
		set := func(property string, value any) {
			d.resource.AddPropertyOverride(jsii.String(fmt.Sprintf("Stages.%d.%s", i, property)), value)
		}
		if w := g.Window(); w != nil {
			set("BeforeEntry", conditions("FAIL", rule("Window", "DeploymentWindow", d.app.Pipeline.Region, map[string]any{
				"Cron": w.Cron(), "TimeZone": w.TimeZone,
			})))
		}
		if g.Any(course.Bakes) {
			set("OnFailure", map[string]any{"Result": "ROLLBACK"})
		}
		if g.byRules(*d.app.Pipeline) {
			only := g.stages[0]
			var watched []any
			for n, alarm := range only.AlarmNames {
				watched = append(watched, rule(fmt.Sprintf("Bake-%d", n+1), "CloudWatchAlarm", only.Spec.Region, map[string]any{
					"AlarmName": alarm, "WaitTime": strconv.Itoa(only.Spec.Bake.Minutes()),
				}))
			}
			set("OnSuccess", conditions("ROLLBACK", watched...))
		}
	}
	return errors.Join(problems...)
}

func conditions(result string, rules ...any) map[string]any {
	return map[string]any{"Conditions": []any{map[string]any{"Result": result, "Rules": rules}}}
}

func rule(name, provider, region string, configuration map[string]any) any {
	return map[string]any{
		"Name":          name,
		"RuleTypeId":    map[string]any{"Category": "Rule", "Owner": "AWS", "Provider": provider, "Version": "1"},
		"Configuration": configuration,
		"Region":        region,
	}
}

// allowRules lets the pipeline read the alarms that rules watch.
func (d *delivery) allowRules() {
	regions := map[string]bool{}
	for _, g := range d.groups {
		region := g.stages[0].Spec.Region
		if !g.byRules(*d.app.Pipeline) || regions[region] {
			continue
		}
		regions[region] = true
		d.codePipeline.AddToRolePolicy(policy.Allow([]string{"cloudwatch:DescribeAlarms"}, allAlarms(d.app.Pipeline.Account, region)).CDK())
	}
}

// allAlarms are what the permission to describe an alarm is checked against:
// CloudWatch knows it for all alarms of a region only.
func allAlarms(account, region string) string {
	return "arn:" + partitionOf(region) + ":cloudwatch:" + region + ":" + account + ":alarm:*"
}
