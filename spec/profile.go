package spec

// Profile is a preset of endpoint, instance type and capacity.
type Profile string

const (
	// Standard is the cheapest that stays up: t3.micro, API Gateway.
	Standard Profile = "standard"
	// Hyperscale is for sustained traffic: m7i.large, ALB.
	Hyperscale Profile = "hyperscale"
	// Idle is Standard scaled to zero: no tasks, no instances.
	Idle Profile = "idle"
	// Economy is for stages that nobody but their makers waits for: one t4g.micro
	// spot instance with a public address, which no rule lets anybody reach.
	Economy Profile = "economy"
)

type preset struct {
	endpoint EndpointType
	egress   Egress
	scale    ScaleProfile
}

// presets are the profiles: what a stage of that profile has where it says
// nothing itself.
var presets = map[Profile]preset{
	Standard: {
		endpoint: APIGateway,
		egress:   NATInstance,
		scale: ScaleProfile{
			Instance:  "t3.micro",
			Instances: Instances{Min: new(1), Desired: new(2), Max: new(6)},
			Tasks:     Tasks{Min: new(1), Max: new(5)},
		},
	},
	Hyperscale: {
		endpoint: ALB,
		egress:   NATInstance,
		scale: ScaleProfile{
			Instance:  "m7i.large",
			Instances: Instances{Min: new(2), Desired: new(2), Max: new(10)},
			Tasks:     Tasks{Min: new(2), Max: new(10)},
		},
	},
	Idle: {
		endpoint: APIGateway,
		egress:   NATInstance,
		scale: ScaleProfile{
			Instance:  "t3.micro",
			Instances: Instances{Min: new(0), Desired: new(0), Max: new(0)},
			Tasks:     Tasks{Min: new(0), Max: new(0)},
		},
	},
	// There is one task of each service, and room for a second instance while a new
	// machine image takes over.
	Economy: {
		endpoint: APIGateway,
		egress:   PublicIP,
		scale: ScaleProfile{
			Instance:  "t4g.micro",
			Instances: Instances{Min: new(1), Desired: new(1), Max: new(2)},
			Tasks:     Tasks{Min: new(1), Max: new(1)},
			Spot:      new(true),
		},
	},
}

// Preset returns the capacity that a profile stands for, complete, to start
// from and change field by field.
func Preset(profile Profile) ScaleProfile {
	scale := clone(presetOf(profile).scale)
	scale.setDefaults(profile)
	return scale
}

// presetOf is the preset of a profile, and that of Standard for a profile that
// there is not, which validate reports.
func presetOf(profile Profile) preset {
	if found, ok := presets[profile]; ok {
		return found
	}
	return presets[Standard]
}
