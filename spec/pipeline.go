package spec

import (
	"slices"
	"strings"
)

// ExecutionMode is what a pipeline does with several commits at once.
type ExecutionMode string

const (
	// Superseded lets a newer commit overtake one that waits.
	Superseded ExecutionMode = "superseded"
	// Queued carries every commit through, one after the other.
	Queued ExecutionMode = "queued"
)

// Pipeline says where the delivery pipeline lives and whom it tells.
type Pipeline struct {
	// Account is the id of the AWS account that holds the pipeline and the
	// image repositories.
	//   - Default: required
	//   - Allowed: 12 digits, in quotes
	//   - Change: moves; the old pipeline and its images stay in the old account, and stages without an account of their own follow
	//   - Example: "333333333333"
	Account string `yaml:"account"`

	// Region of the pipeline.
	//   - Default: us-east-1
	//   - Allowed: a commercial AWS region
	//   - Change: moves; the old pipeline and its images stay in the old region, and stages without a region of their own follow
	//   - Example: eu-west-1
	Region string `yaml:"region"`

	// Notify lists the e-mail addresses that hear of failed executions and of
	// approvals that wait. Each confirms that once, by a link in a message from
	// AWS.
	//   - Default: nobody
	//   - Allowed: e-mail addresses, each once
	//   - Change: in place; who is new has to confirm first. With the last one the topic goes
	//   - Example: [team@example.com]
	Notify []string `yaml:"notify"`

	// Directory is the folder of the source that this declaration, its app and
	// cdk.json are in. Templates are made there; the contexts of services stay
	// relative to the root of their source.
	//   - Default: .
	//   - Allowed: a path relative to the root of the source, within it
	//   - Change: in the pipeline
	//   - Example: infra
	Directory string `yaml:"directory"`

	// Synth holds the shell commands that turn a checkout of the source into
	// a cloud assembly in cdk.out. They run in [Pipeline.Directory].
	//   - Default: the CDK's command line is installed outside of the checkout, and runs `cdk synth`; nothing of the source's npm project is installed
	//   - Allowed: shell commands
	//   - Change: in the pipeline
	//   - Example: [make synth]
	Synth []string `yaml:"synth"`

	// LogRetentionDays is how many days the output of builds is kept.
	//   - Default: 90
	//   - Allowed: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653
	//   - Change: in the pipeline; what is older goes
	//   - Example: 30
	LogRetentionDays int `yaml:"logRetentionDays"`

	// Logs say what else becomes of the output of builds and releases.
	//   - Default: it is kept, and no more
	//   - Change: by field
	//   - Example: {encrypted: true}
	Logs BuildLogs `yaml:"logs"`

	// Dashboard shows all stages on one page in CloudWatch, in the pipeline's
	// account.
	//   - Default: true
	//   - Change: in the pipeline
	//   - Example: false
	Dashboard *bool `yaml:"dashboard"`

	// Declaration is the repository that this declaration and its app are in,
	// where that is not the application's own: templates are made from there,
	// images from the application's source, whose commit tags them. A change
	// of either starts the pipeline.
	//   - Default: the application's source
	//   - Change: in the pipeline; its execution ends, and the newest commits start again
	//   - Example: {codeCommit: infrastructure}
	Declaration *Source `yaml:"declaration"`

	// ExecutionMode says what becomes of a commit that comes while another is
	// on its way: superseded lets the newest one overtake those that wait
	// before a stage, queued carries every one through, in order.
	//   - Default: superseded
	//   - Allowed: superseded or queued
	//   - Change: in the pipeline
	//   - Example: queued
	ExecutionMode ExecutionMode `yaml:"executionMode"`

	// ApprovalTimeout is how long an approval waits for a person before the
	// execution ends.
	//   - Default: 168h
	//   - Allowed: 5m to 1440h
	//   - Change: in the pipeline
	//   - Example: 24h
	ApprovalTimeout Duration `yaml:"approvalTimeout"`

	// ProtectGates holds a commit that would drop, move or weaken a gate of this
	// pipeline (an approval, a window, a bake, a smoke test) until somebody
	// approves that, before the pipeline updates itself.
	//   - Default: false
	//   - Change: in the pipeline; to turn it off somebody has to approve
	//   - Example: true
	ProtectGates bool `yaml:"protectGates"`

	// KeepImages is how many of the newest images of each service are kept,
	// and with that how far back a rollback can go. What a stage runs is kept
	// beside them.
	//   - Default: 25
	//   - Allowed: 1 to 1000
	//   - Change: in the pipeline; images beyond the number are deleted within a day
	//   - Example: 50
	KeepImages int `yaml:"keepImages"`
}

const (
	// DefaultKeepImages is how many of the newest images of each service are
	// kept where the declaration does not say.
	DefaultKeepImages = 25

	buildLogDays = 90
)

func (p *Pipeline) setDefaults() {
	fill(&p.Region, defaultRegion)
	fill(&p.Directory, ".")
	fill(&p.LogRetentionDays, buildLogDays)
	fillPtr(&p.Dashboard, true)
	fill(&p.ExecutionMode, Superseded)
	fill(&p.ApprovalTimeout, 7*24*hour)
	fill(&p.KeepImages, DefaultKeepImages)
	if p.Declaration != nil {
		p.Declaration.setDefaults()
	}
}

var (
	accountPattern = compile(`^[0-9]{12}$`)
	emailPattern   = compile(`^[^@\s,;<>"]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$`)
)

func (p Pipeline) validate(r report) {
	account := r.field("account")
	if account.required(p.Account, "12 digits", "give the account that holds the pipeline") {
		validateAccount(account, p.Account)
	}
	validateRegion(r.field("region"), p.Region)
	for i, address := range p.Notify {
		at := r.field("notify").item(i)
		at.matches(address, emailPattern, "an e-mail address", "an address, as in team@example.com", "correct the address")
		if slices.Contains(p.Notify[:i], address) {
			at.fail(at.quote(address)+" is listed twice", "each address once", "remove it")
		}
	}
	validatePath(r.field("directory"), p.Directory)
	for i, command := range p.Synth {
		if strings.TrimSpace(command) == "" {
			r.field("synth").item(i).fail("is empty", "a shell command", "remove it")
		}
	}
	validateRetention(r.field("logRetentionDays"), p.LogRetentionDays)
	p.Logs.validate(r.field("logs"), p.Region, p.Account)
	if p.Declaration != nil {
		p.Declaration.validate(r.field("declaration"), &p)
	}
	if mode := r.field("executionMode"); p.ExecutionMode == "parallel" {
		mode.fail("parallel lets two commits deploy to one stage at the same time, the older one perhaps last", "superseded or queued", "use queued, if every commit has to go through")
	} else {
		oneOf(mode, p.ExecutionMode, "an execution mode", Superseded, Queued)
	}
	r.field("approvalTimeout").lasting(p.ApprovalTimeout, 5*minute, 60*24*hour, minute)
	r.field("keepImages").between(p.KeepImages, 1, 1000, "a number of images", "", "say how many commits a rollback may go back")
}

func validateAccount(r report, account string) bool {
	fix := "look it up with: aws sts get-caller-identity"
	if len(account) == 11 {
		fix = "put it in quotes with its leading zero"
	}
	return r.matches(account, accountPattern, "an account id", "12 digits", fix)
}
