package spec

import (
	"fmt"
	"slices"
	"strings"
)

var (
	webhookPattern   = compile(`^(?:https://[^\s"'<>]+|ssm:[A-Za-z0-9_./-]+)$`)
	runbooksPattern  = compile(`^https://[^\s"'<>#]+$`)
	workspacePattern = compile(`^[0-9A-Z]{1,255}$`)
	channelPattern   = compile(`^[A-Za-z0-9]{1,64}$`)
	topicPattern     = compile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)

	destinationPattern = compile(`^arn:aws[a-z-]*:(?:kinesis:[a-z0-9-]+:[0-9]{12}:stream/|firehose:[a-z0-9-]+:[0-9]{12}:deliverystream/|lambda:[a-z0-9-]+:[0-9]{12}:function:|logs:[a-z0-9-]+:[0-9]{12}:destination:)[A-Za-z0-9_.:-]+$`)
)

func (s Stage) validateMonitoring(r report, app App) {
	alarms, declared := r.field("alarms"), s.Alarms
	if app.Pipeline != nil && slices.Equal(declared.Notify, app.Pipeline.Notify) {
		declared.Notify = nil // reported there
	}
	declared.validate(alarms)
	s.Alarms.Thresholds.validate(alarms.field("thresholds"))
	inRegion(alarms.field("topic"), s.Alarms.Topic, "stage", s.Region)
	s.Logs.validate(r.field("logs"))
	if d := s.Logs.Destination; d != nil {
		at := r.field("logs").field("destination").field("arn")
		inRegion(at, d.ARN, "stage", s.Region)
		inAccount(at, *d, "stage", s.Account)
	}
	if s.NewDatabase() {
		free := alarms.field("thresholds").field("freeStorage")
		free.between(s.Alarms.Thresholds.FreeStorage, 1, max(1, s.Database.Storage-1), "a part of the database's storage", "GB", "give less than the declared storage")
	}
	s.validateGateAlarms(alarms.field("off"))
	if slices.Contains(s.Alarms.Off, AlarmErrorLines) || s.Alarms.Level != Full || value(s.Logs.CountErrors) {
		return
	}
	if value(s.Production) && s.CanaryOf == "" {
		r.field("logs").field("countErrors").warn("nothing counts error lines, so no alarm tells of them", "turn it on, or list error-lines under alarms.off")
	}
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

// validateGateAlarms says when nothing is left that a gate could stop at.
func (s Stage) validateGateAlarms(r report) {
	off := func(ids ...AlarmID) bool {
		return !slices.ContainsFunc(ids, func(id AlarmID) bool { return !slices.Contains(s.Alarms.Off, id) })
	}
	if s.Bake > 0 && off(AlarmEndpoint5xx, AlarmLatencyP90, AlarmNoTasks) {
		r.warn("leaves no alarm that the bake could stop at: it only waits", "keep one of endpoint-5xx, endpoint-latency-p90 and no-tasks")
	}
	if s.Endpoint.Deployment == BlueGreen && off(AlarmEndpoint5xx, AlarmLatencyP90) {
		r.warn("leaves no alarm that a blue/green deployment could go back at", "keep endpoint-5xx or endpoint-latency-p90")
	}
}

func (a Alarms) validate(r report) {
	oneOf(r.field("level"), a.Level, "a level of alarms", Essential, Full)
	for i, id := range a.Off {
		at := r.field("off").item(i)
		if oneOf(at, id, "an alarm", AlarmIDs()...) && slices.Contains(a.Off[:i], id) {
			at.fail(at.quote(string(id))+" is listed twice", "each alarm once", "remove it")
		}
	}
	for i, address := range a.Notify {
		at := r.field("notify").item(i)
		at.matches(address, emailPattern, "an e-mail address", "an address, as in team@example.com", "correct the address")
		if slices.Contains(a.Notify[:i], address) {
			at.fail(at.quote(address)+" is listed twice", "each address once", "remove it")
		}
	}
	for i, webhook := range a.Webhooks {
		at := r.field("webhooks").item(i)
		at.matches(webhook, webhookPattern, "an address to post to", "an https URL, or \"ssm:\" and the name of a parameter", "give the URL that the service names for SNS or CloudWatch")
		if slices.Contains(a.Webhooks[:i], webhook) {
			at.fail(at.quote(webhook)+" is listed twice", "each address once", "remove it")
		}
	}
	if a.Slack != nil {
		a.Slack.validate(r.field("slack"))
	}
	if topic := r.field("topic"); a.Topic != "" {
		topic.matches(a.Topic, topicPattern, "the ARN of an SNS topic", "an ARN, as in arn:aws:sns:us-east-1:111111111111:alarms; not a FIFO topic", "write the whole ARN")
		if len(a.Notify) > 0 || len(a.Webhooks) > 0 || a.Slack != nil {
			topic.fail("is given together with notify, webhooks or slack, which make a topic of the stage's own", "one of the two", "remove the others, and subscribe them to that topic")
		}
	}
	r.field("runbooks").matches(a.Runbooks, runbooksPattern, "the address of a page", "an https URL without \"#\"", "give the address of the page")
}

func (s Slack) validate(r report) {
	const fix = "copy it from the address of the channel: …/client/<workspace>/<channel>"
	workspace, channel := r.field("workspace"), r.field("channel")
	if workspace.required(s.Workspace, "an id, as in T0123456789", fix) {
		workspace.matches(s.Workspace, workspacePattern, "the id of a Slack workspace", "capital letters and digits, as in T0123456789", fix)
	}
	if channel.required(s.Channel, "an id, as in C0123456789", fix) {
		channel.matches(s.Channel, channelPattern, "the id of a Slack channel", "letters and digits, as in C0123456789", fix)
	}
}

func (t Thresholds) validate(r report) {
	const fix = "say from when on somebody should look"
	percent := func(name string, number int) {
		r.field(name).between(number, 1, 100, "a part of the whole", "percent", fix)
	}
	r.field("errorRate").between(t.ErrorRate, 1, 99, "a part of the requests", "percent", fix)
	percent("serviceCPU", t.ServiceCPU)
	percent("serviceMemory", t.ServiceMemory)
	percent("instanceCPU", t.InstanceCPU)
	percent("databaseCPU", t.DatabaseCPU)
	percent("databaseConnections", t.DatabaseConnections)
	r.field("minRequests").between(t.MinRequests, 1, 1000000, "a number of requests", "", "say how many requests say something")
	r.field("errorLines").between(t.ErrorLines, 1, 1000000, "a number of lines", "", fix)
	const millisecond = second / 1000
	r.field("latencyP90").lasting(t.LatencyP90, 10*millisecond, 5*minute, millisecond)
	p99 := r.field("latencyP99")
	if p99.lasting(t.LatencyP99, 10*millisecond, 5*minute, millisecond) && t.LatencyP99 < t.LatencyP90 {
		p99.fail(fmt.Sprintf("%s is less than the %s that the slowest tenth may take", p99.show(t.LatencyP99), t.LatencyP90), "at least latencyP90", "raise it, or lower latencyP90")
	}
	r.field("replicaLag").lasting(t.ReplicaLag, second, hour, second)
}

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

// validatePattern checks a filter pattern's length, which is all that can be
// said of one without CloudWatch.
func validatePattern(r report, pattern string) {
	if len(pattern) > 1024 {
		r.fail(fmt.Sprintf("it has %d characters", len(pattern)), "up to 1024 characters", "shorten it")
	}
}
