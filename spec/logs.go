package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

// Logs say what becomes of the containers' output beside being kept.
type Logs struct {
	// Encrypted encrypts it with a customer key that is made for the stage,
	// otherwise with a key of AWS's own.
	//   - Default: false
	//   - Change: in place; new lines are encrypted with the key. To turn it off is refused until it is allowed: lines encrypted with the key can be read no more once it is deleted, after 30 days. In production it stays, outside the stack
	//   - Example: true
	Encrypted bool `yaml:"encrypted"`

	// CountErrors counts the lines that match [Logs.ErrorPattern], as a metric of
	// each service that is billed for the hours in which there are any.
	//   - Default: true in production, otherwise false
	//   - Change: in place; from then on
	//   - Example: true
	CountErrors *bool `yaml:"countErrors"`

	// ErrorPattern is the filter pattern of CloudWatch Logs by which a line
	// is an error.
	//   - Default: "?ERROR ?Error ?FATAL ?CRITICAL ?panic ?Traceback ?Exception"
	//   - Allowed: any text of 1 to 1024 characters
	//   - Change: in place; from then on
	//   - Example: "?ERROR ?FATAL"
	ErrorPattern string `yaml:"errorPattern"`

	// Destination gets a copy of the output. A canary does not take it over.
	//   - Default: none
	//   - Change: in place; from then on, nothing is sent twice
	//   - Example: {arn: "arn:aws:lambda:us-east-1:111111111111:function:logs"}
	Destination *LogDestination `yaml:"destination"`
}

// BuildLogs say what becomes of the output of builds and releases beside being
// kept.
type BuildLogs struct {
	// Encrypted encrypts it with a customer key that is made for the pipeline,
	// otherwise with a key of AWS's own.
	//   - Default: false
	//   - Change: in the pipeline; new lines are encrypted with the key. To turn it off is refused until it is allowed: lines encrypted with the key can be read no more once it is deleted, after 30 days
	//   - Example: true
	Encrypted bool `yaml:"encrypted"`

	// Destination gets a copy of it.
	//   - Default: none
	//   - Change: in the pipeline; from then on
	//   - Example: {arn: "arn:aws:lambda:us-east-1:111111111111:function:logs"}
	Destination *LogDestination `yaml:"destination"`
}

// LogDestination is where CloudWatch Logs sends a copy of what it is told.
type LogDestination struct {
	// ARN of a Kinesis stream, a Firehose stream, a Lambda function or a
	// destination of CloudWatch Logs, in the region of what it gets.
	//   - Default: required
	//   - Allowed: the ARN of one of these
	//   - Change: in place
	//   - Example: arn:aws:logs:us-east-1:111111111111:destination:central
	ARN string `yaml:"arn"`

	// Role is the ARN of a role by which CloudWatch Logs may write to a
	// Kinesis or Firehose stream. Not for other destinations.
	//   - Default: none; required for a stream
	//   - Allowed: the ARN of a role
	//   - Change: in place
	//   - Example: arn:aws:iam::111111111111:role/log-writer
	Role string `yaml:"role"`

	// Pattern is the filter pattern of the lines that are sent.
	//   - Default: all lines
	//   - Allowed: any text of up to 1024 characters
	//   - Change: in place
	//   - Example: ERROR
	Pattern string `yaml:"pattern"`
}

const (
	// DefaultLogRetentionDays is how long output is kept outside of production
	// where the declaration does not say.
	DefaultLogRetentionDays = 14
	productionLogDays       = 90

	// defaultErrorPattern is the filter pattern of CloudWatch Logs that any of
	// these words matches.
	defaultErrorPattern = "?ERROR ?Error ?FATAL ?CRITICAL ?panic ?Traceback ?Exception"
)

func (l *Logs) setDefaults(production bool) {
	fillPtr(&l.CountErrors, production)
	fill(&l.ErrorPattern, defaultErrorPattern)
}

// retentionDays are the retention times that CloudWatch Logs accepts.
var retentionDays = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func validateRetention(r report, days int) {
	if slices.Contains(retentionDays, days) {
		return
	}
	allowed := make([]string, len(retentionDays))
	for i, n := range retentionDays {
		allowed[i] = strconv.Itoa(n)
	}
	nearest := slices.MinFunc(retentionDays, func(a, b int) int { return distance(a, days) - distance(b, days) })
	r.fail(r.show(days)+" days are not a retention time of CloudWatch Logs", phrase.List(allowed, "or"), fmt.Sprintf("use %d", nearest))
}

func distance(a, b int) int { return max(a-b, b-a) }

func (l Logs) validate(r report) {
	if strings.TrimSpace(l.ErrorPattern) == "" {
		r.field("errorPattern").fail("is blank", "1 to 1024 characters", "give the words of an error, each with ? before it")
	}
	validatePattern(r.field("errorPattern"), l.ErrorPattern)
	if l.Destination != nil {
		l.Destination.validate(r.field("destination"))
	}
}

func (l BuildLogs) validate(r report, region, account string) {
	if l.Destination != nil {
		l.Destination.validate(r.field("destination"))
		at := r.field("destination").field("arn")
		inRegion(at, l.Destination.ARN, "pipeline", region)
		inAccount(at, *l.Destination, "pipeline", account)
	}
}

// Streaming says whether the destination is a stream, which CloudWatch Logs
// writes to by a role.
func (d LogDestination) Streaming() bool {
	return strings.Contains(d.ARN, ":kinesis:") || strings.Contains(d.ARN, ":firehose:")
}

// Function says whether the destination is a Lambda function.
func (d LogDestination) Function() bool { return strings.Contains(d.ARN, ":lambda:") }

var destinationPattern = compile(`^arn:aws[a-z-]*:(?:kinesis:[a-z0-9-]+:[0-9]{12}:stream/|firehose:[a-z0-9-]+:[0-9]{12}:deliverystream/|lambda:[a-z0-9-]+:[0-9]{12}:function:|logs:[a-z0-9-]+:[0-9]{12}:destination:)[A-Za-z0-9_.:-]+$`)

func (d LogDestination) validate(r report) {
	arn, role := r.field("arn"), r.field("role")
	const allowed = "the ARN of a Kinesis stream, a Firehose stream, a Lambda function or a destination of CloudWatch Logs"
	if !arn.required(d.ARN, allowed, "say where the output goes") || !arn.matches(d.ARN, destinationPattern, "a place that logs can be sent to", allowed, "write the whole ARN") || isToken(d.ARN) {
		return
	}
	switch {
	case d.Streaming():
		if role.required(d.Role, "the ARN of a role that logs.amazonaws.com may assume", "give a role that may write to the stream") {
			role.matches(d.Role, roleARNPattern, "the ARN of a role", "an ARN, as in arn:aws:iam::111111111111:role/logs", "write the whole ARN")
		}
	case d.Role != "":
		role.fail("is not used: only streams are written to by a role", "", "remove it")
	}
	validatePattern(r.field("pattern"), d.Pattern)
}

// inRegion reports an ARN of another region. A malformed one is reported
// elsewhere.
func inRegion(r report, arn, of, region string) {
	parts := strings.Split(arn, ":")
	if arn == "" || isToken(arn) || isToken(region) || region == "" || len(parts) < 6 || parts[3] == "" || parts[3] == region {
		return
	}
	r.fail(fmt.Sprintf("%s is not in the %s's region %s", r.quote(arn), of, r.quote(region)), "an ARN in that region", "name one that is there")
}

// inAccount reports a function of another account, which only that account can
// let be called.
func inAccount(r report, to LogDestination, of, account string) {
	parts := strings.Split(to.ARN, ":")
	if !to.Function() || isToken(to.ARN) || isToken(account) || account == "" || len(parts) < 6 || parts[4] == account {
		return
	}
	r.fail(fmt.Sprintf("%s is not in the %s's account %s", r.quote(to.ARN), of, r.quote(account)), "a function in that account", "name one that is there, or a destination of CloudWatch Logs, which may be in another account")
}

// validatePattern checks a filter pattern's length, which is all that can be
// said of one without CloudWatch.
func validatePattern(r report, pattern string) {
	if len(pattern) > 1024 {
		r.fail(fmt.Sprintf("it has %d characters", len(pattern)), "up to 1024 characters", "shorten it")
	}
}
