package spec

// Permission is a statement of the containers' IAM policy.
type Permission struct {
	// Actions that are allowed.
	//   - Default: required
	//   - Allowed: service:Action, with * in place of a part of the action
	//   - Change: in place
	//   - Example: ["s3:GetObject"]
	Actions []string `yaml:"actions"`

	// Resources are the ARNs the actions apply to.
	//   - Default: required
	//   - Allowed: ARNs, with * in place of a part; or * alone, with a warning
	//   - Change: in place
	//   - Example: ["arn:aws:s3:::shop-uploads/*"]
	Resources []string `yaml:"resources"`
}

var (
	actionPattern   = compile(`^[a-z0-9-]+:[A-Za-z0-9*?]+$`)
	roleARNPattern  = compile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,576}$`)
	resourcePattern = compile(`^arn:(?:aws[a-z-]*|\*):[a-z0-9*-]+:[a-z0-9*-]*:(?:[0-9]{12}|aws|\*)?:\S+$`)
)

func (p Permission) validate(r report) {
	actions, resources := r.field("actions"), r.field("resources")
	if len(p.Actions) == 0 {
		actions.fail("is missing", "at least one action, as in s3:GetObject", "list what the containers may do")
	}
	for i, action := range p.Actions {
		at := actions.item(i)
		if action == "*" || action == "*:*" {
			at.fail(at.quote(action)+" allows everything", "actions of one service, as in s3:GetObject", "list what the containers need")
			continue
		}
		at.matches(action, actionPattern, "an action", "service:Action, as in s3:GetObject", "write the service's prefix, a colon and the action")
	}
	if len(p.Resources) == 0 {
		resources.fail("is missing", "at least one ARN", "say on what the actions are allowed")
	}
	for i, resource := range p.Resources {
		at := resources.item(i)
		if resource == "*" {
			at.warn("allows the actions on every resource of the account", "name the resources by their ARNs, if the actions have any")
			continue
		}
		at.matches(resource, resourcePattern, "an ARN", "an ARN, as in arn:aws:s3:::bucket/*", "write the whole ARN")
	}
}
