package spec

import (
	"strings"
)

func (s Service) validate(r report) {
	validateName(r.field("name"), s.Name, "a service")
	s.validateImage(r)
	s.validatePort(r)
	s.validatePath(r.field("path"))
	s.validateSubdomain(r.field("subdomain"))
	s.HealthCheck.validate(r.field("healthCheck"))
	if s.Worker && s.HealthCheck.Path != "" {
		r.field("healthCheck").field("path").fail("a worker listens on no port, so nothing answers", "", "use command instead of path, or remove it")
	}
	if migration := r.field("migration"); s.Migration != nil {
		s.Migration.validate(migration)
		if s.Schedule != "" {
			migration.fail("has no new version to come before: a scheduled task runs whatever is newest", "", "remove it, or run it as the schedule's command")
		}
	}
	const enough = "give another number, or leave it out for an even share of the instance"
	if s.CPU != 0 {
		r.field("cpu").between(s.CPU, 2, 192*1024, "a number of CPU units", "units, of which 1024 are one vCPU", enough)
	}
	if s.Memory != 0 {
		r.field("memory").between(s.Memory, 6, 24*1024*1024, "an amount of memory", "MiB", enough)
	}
	s.validateTasks(r)
	s.validateContainer(r)
	validateVariables(r.field("variables"), s.Variables)
	validateSecrets(r.field("secrets"), s.Secrets)
}

func (s Service) validatePort(r report) {
	switch {
	case s.Schedule != "" && s.Internal:
		r.field("internal").fail("a scheduled task listens on no port, so no service can reach it", "", "remove internal or schedule")
	case s.Schedule != "" && s.Port != 0:
		r.field("port").fail("a scheduled task listens on no port", "", "remove port or schedule")
	case s.Worker && s.Internal:
		r.field("internal").fail("a worker listens on no port, so no service can reach it", "", "remove internal or worker")
	case s.Worker && s.Port != 0:
		r.field("port").fail("a worker listens on no port", "", "remove port or worker")
	case !s.Worker:
		r.field("port").between(s.Port, 1, 65535, "a port", "", "give the port that the container listens on")
	}
}

var (
	tagOfImage = compile(`:([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})$`)
	// imagePattern is a registry, a path and what selects the image.
	imagePattern = compile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?/)?` +
		`[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*` +
		`(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[a-f0-9]{64})?$`)
	ecrPattern = compile(`^[0-9]{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/`)
)

func (s Service) validateImage(r report) {
	if s.Image == "" {
		validatePath(r.field("context"), s.Context)
		validatePath(r.field("dockerfile"), s.Dockerfile)
		for field, path := range map[string]string{"buildSpec": s.BuildSpec, "releaseSpec": s.ReleaseSpec} {
			if path != "" {
				validatePath(r.field(field), path)
			}
		}
		return
	}
	const built = "remove it, or remove image to have one built"
	if s.Source != nil {
		r.field("source").fail("is given for an existing image", "", built)
	}
	if s.Context != "" {
		r.field("context").fail("is given for an existing image", "", built)
	}
	if s.Dockerfile != "" {
		r.field("dockerfile").fail("is given for an existing image", "", built)
	}
	if s.BuildSpec != "" {
		r.field("buildSpec").fail("is given for an existing image", "", built)
	}
	if s.ReleaseSpec != "" {
		r.field("releaseSpec").fail("is given for an existing image", "", built)
	}
	image := r.field("image")
	fix := "give the name as docker pull takes it"
	if strings.Contains(s.Image, "://") {
		fix = "remove the https://"
	}
	if !image.matches(s.Image, imagePattern, "an image", "a name with or without registry and tag, as in python:3.9 or public.ecr.aws/docker/library/redis:7", fix) || isToken(s.Image) {
		return
	}
	if strings.Contains(s.Image, "@") {
		return
	}
	if tag := tagOfImage.FindStringSubmatch(s.Image); tag == nil || tag[1] == "latest" {
		image.warn(image.quote(s.Image)+" is whatever was pushed last when a task starts, so tasks can differ", "give a tag that stays, or a digest")
	}
}

// registry says where an existing image is pulled from: the region of an ECR
// registry, or false for any other.
func (s Service) registry() (region string, ecr bool) {
	if found := ecrPattern.FindStringSubmatch(s.Image); found != nil {
		return found[1], true
	}
	return "", false
}

var pathPattern = compile(`^[A-Za-z0-9_@+=.,/-]+$`)

// validatePath checks a path within the source.
func validatePath(r report, path string) {
	const allowed = "a path relative to the root of the source, within it, of letters, digits and _ @ + = . , / -"
	switch {
	case isToken(path):
	case strings.HasPrefix(path, "/"):
		r.fail(r.quote(path)+" is an absolute path", allowed, "make it relative")
	case containsElement(path, ".."):
		r.fail(r.quote(path)+" leads out of the source", allowed, "remove the \"..\"")
	case !pathPattern.MatchString(path) || strings.HasPrefix(path, "-"):
		r.fail(r.quote(path)+" is not a path", allowed, "rename the folder or the file")
	}
}

func containsElement(path, element string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == element {
			return true
		}
	}
	return false
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
