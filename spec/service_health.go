package spec

import (
	"fmt"
	"strings"
)

// HealthCheck tells healthy tasks from others.
type HealthCheck struct {
	// Path that answers 200 to 399 over HTTP when the service is healthy. An
	// ALB asks for it; where there is no load balancer it becomes a health
	// check inside the container, made with curl or wget, whichever the image
	// has.
	//   - Default: / for an ALB, otherwise no check
	//   - Allowed: a path that begins with a slash, of up to 1024 letters, digits and . _ / % : @ + , = -
	//   - Change: restarts tasks
	//   - Change with a load balancer: in place; the old tasks must answer it, too
	//   - Example: /up
	Path string `yaml:"path"`

	// Command is the health check inside the container: exit status 0 is
	// healthy. One element is run by the container's shell, several are run
	// as they are. The way in which Docker and ECS write it is taken, too:
	// CMD-SHELL and one text for the shell, or CMD and the words.
	//   - Default: derived from the path
	//   - Allowed: any text that is not empty
	//   - Change: restarts tasks
	//   - Example: [pg_isready, -q]
	Command []string `yaml:"command"`

	// Codes are the HTTP statuses by which a load balancer knows a healthy
	// task.
	//   - Default: 200-399
	//   - Allowed: numbers from 200 to 499, ranges of them, and lists of both, as in 200,204 or 200-299
	//   - Change: in place
	//   - Example: "200,204"
	Codes string `yaml:"codes"`

	// Interval between two checks.
	//   - Default: 30s
	//   - Allowed: 5s to 300s
	//   - Change: restarts tasks
	//   - Change with a load balancer: in place
	//   - Example: 10s
	Interval Duration `yaml:"interval"`

	// Timeout of one check, shorter than the interval.
	//   - Default: 5s, or 1s less than the interval where that is less
	//   - Allowed: 2s to 60s
	//   - Change: restarts tasks
	//   - Change with a load balancer: in place
	//   - Example: 3s
	Timeout Duration `yaml:"timeout"`

	// Retries is the number of failures in a row that make a task unhealthy.
	//   - Default: 3
	//   - Allowed: 2 to 10
	//   - Change: restarts tasks
	//   - Change with a load balancer: in place
	//   - Example: 5
	Retries int `yaml:"retries"`

	// GracePeriod after a task's start in which failures do not count.
	//   - Default: 60s
	//   - Allowed: 0s to 300s
	//   - Change: restarts tasks
	//   - Change with a load balancer: in place
	//   - Example: 2m
	GracePeriod *Duration `yaml:"gracePeriod"`
}

const defaultHealthCodes = "200-399"

func (h *HealthCheck) setDefaults() {
	fill(&h.Codes, defaultHealthCodes)
	fill(&h.Interval, 30*second)
	fill(&h.Timeout, max(2*second, min(5*second, (h.Interval-second)/second*second)))
	fill(&h.Retries, 3)
	fillPtr(&h.GracePeriod, 60*second)
}

// Complete fills in the defaults of a health check.
func (h HealthCheck) Complete() (HealthCheck, error) {
	h = clone(h)
	h.setDefaults()
	r := newReport(nil)
	h.validate(r)
	return h, r.errors()
}

// healthPath has no character that a shell would take for its own: where
// there is no load balancer the path becomes part of a command.
var healthPath = compile(`^/[A-Za-z0-9._/%:@+,=-]*$`)

func (h HealthCheck) validate(r report) {
	if h.Path != "" {
		path := r.field("path")
		if len(h.Path) > 1024 {
			path.fail("is longer than 1024 characters", "a path of up to 1024 characters", "shorten it")
		} else {
			path.matches(h.Path, healthPath, "a path for a health check", "a path that begins with a slash, of letters, digits and . _ / % : @ + , = -", "begin with a slash, and leave out the query and special characters")
		}
	}
	for i, word := range h.Command {
		if strings.TrimSpace(word) == "" {
			r.field("command").item(i).fail("is empty", "a word of the command", "remove it")
		}
	}
	h.validateCommand(r.field("command"))
	h.validateCodes(r.field("codes"))
	interval := r.field("interval").lasting(h.Interval, 5*second, 300*second, second)
	timeout := r.field("timeout")
	if timeout.lasting(h.Timeout, 2*second, 60*second, second) && interval && h.Timeout >= h.Interval {
		timeout.fail(timeout.show(h.Timeout)+" is not shorter than the interval, "+r.field("interval").show(h.Interval), "less than the interval", "shorten the time-out, or lengthen the interval")
	}
	r.field("retries").between(h.Retries, 2, 10, "a number of retries", "", "choose a number of failures in a row within that")
	if h.GracePeriod != nil {
		r.field("gracePeriod").lasting(*h.GracePeriod, 0, 300*second, second)
	}
}

// validateCommand checks what is written as Docker and ECS write it.
func (h HealthCheck) validateCommand(r report) {
	if len(h.Command) == 0 {
		return
	}
	const allowed = "one text for the shell, or the words of a command, with or without CMD-SHELL or CMD before them"
	switch words := len(h.Command) - 1; {
	case h.Command[0] == "NONE":
		r.fail("NONE is no command: it switches off the check of an image, which ECS never looks at", allowed, "remove the command")
	case (h.Command[0] == "CMD" || h.Command[0] == "CMD-SHELL") && words == 0:
		r.fail(h.Command[0]+" has no command after it", allowed, "add the command")
	case h.Command[0] == "CMD-SHELL" && words > 1:
		r.fail(fmt.Sprintf("CMD-SHELL has %d texts after it, of which the shell runs the first alone", words), allowed, "write the command as one text, or begin with CMD")
	}
}

var codesPattern = compile(`^[2-4][0-9]{2}(?:-[2-4][0-9]{2})?(?:,[2-4][0-9]{2}(?:-[2-4][0-9]{2})?)*$`)

func (h HealthCheck) validateCodes(r report) {
	const allowed = "numbers from 200 to 499, ranges, and lists of both, as in 200,204 or 200-299"
	if !r.matches(h.Codes, codesPattern, "a set of HTTP statuses", allowed, "write numbers with commas and hyphens, without spaces") {
		return
	}
	for part := range strings.SplitSeq(h.Codes, ",") {
		if first, last, ranged := strings.Cut(part, "-"); ranged && first >= last {
			r.fail(r.quote(part)+" is an empty range", allowed, "write the smaller number first")
		}
	}
}
