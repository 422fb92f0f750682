package preflight

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/spec"
)

// endpoint looks at how the stage is reached.
func (s staged) endpoint() {
	public := slices.ContainsFunc(s.app.Services, spec.Service.Public)
	if public {
		s.routing()
	}
	if public && s.Endpoint.Type == spec.ALB && s.Endpoint.Domain == "" {
		s.add(finding.HTTPOnly, ".endpoint", "the endpoint serves HTTP only",
			"without a domain there is no certificate: passwords and cookies cross the internet in the clear", "give a domain with hostedZone or certificate")
	}
	// A REST API, too, reaches its load balancer by a VPC link.
	if public && s.Endpoint.Type == spec.APIGateway && spec.LacksVPCLinks(s.Region) {
		s.add(finding.VPCLinkRegion, ".region", quote(s.Region)+" is not among the regions in which AWS documents VPC links for API Gateway",
			"this endpoint reaches the tasks by one: where there is none, the deployment fails", "try it with one stage first, or use the endpoint type alb")
	}
	if s.HTTPAPI(s.app.Services) && *s.Scale.Tasks.Max == 0 {
		s.add(finding.AsleepVPCLink, ".endpoint", "nobody asks an endpoint that has no tasks",
			"API Gateway puts a VPC link to sleep after 60 days without a request; the first requests after that fail for some minutes", "expect it when the stage is woken, or ask the endpoint now and then")
	}
}

// routing looks at whether a region that DNS leads clients to has tasks. One
// with a health check is left out by itself, unless it is the last resort.
func (s staged) routing() {
	routing := s.Endpoint.Routing
	if routing == nil || s.running() && !s.Sleeps || routing.Weight != nil && *routing.Weight == 0 ||
		routing.HealthCheck != nil && routing.Role != spec.Secondary {
		return
	}
	what := "clients are led to a region that runs nothing"
	if routing.Role == spec.Secondary {
		what = "the region that is to take over runs nothing"
	}
	s.add(finding.RoutedAsleep, ".endpoint.routing", what, "DNS does not know that: whoever is led here is answered with an error",
		"give the stage instances and tasks, drain it (weight: 0, or drained: true), or declare a healthCheck where another region is left")
}

// services looks at the containers.
func (c *check) services() {
	for i, service := range c.app.Services {
		at := fmt.Sprintf("services[%d]", i)
		c.health(service, at)
		c.image(service, at)
		c.secrets(nil, at, service.Variables, service.Secrets)
	}
	for i, stage := range c.app.Stages {
		at := fmt.Sprintf("stages[%d]", i)
		c.secrets([]string{stage.Name}, at, stage.Variables, stage.Secrets)
	}
	c.secrets(nil, "build", c.app.Build.Variables, nil)
}

// health looks at the services whose health no load balancer asks for.
func (c *check) health(service spec.Service, at string) {
	if service.Worker || len(service.HealthCheck.Command) > 0 {
		return
	}
	var stages []string
	for _, stage := range c.app.Stages {
		if !stage.LoadBalanced(service) && *service.TasksIn(stage.Scale).Max > 0 {
			stages = append(stages, stage.Name)
		}
	}
	if len(stages) == 0 {
		return
	}
	const unseen = "an image without a shell (made from scratch or distroless) never becomes healthy, and the deployment is rolled back; one with a shell and without curl and wget counts as healthy whatever it answers"
	switch {
	case service.HealthCheck.Path == "":
		c.add(finding.NoHealthCheck, stages, at+".healthCheck", "no load balancer asks for the health of "+quote(service.Name)+" in "+phrase.List(stages, "and")+", and no check is declared",
			"a container that runs counts as healthy, even if it answers nothing", "declare healthCheck.path where it answers HTTP and the image has curl or wget, otherwise healthCheck.command")
	case service.Image != "":
		c.add(finding.HealthCheckClient, stages, at+".healthCheck.path", "the path is asked for inside the container in "+phrase.List(stages, "and")+", where no load balancer does it, with curl or wget",
			unseen, "check that the image has one of them, or give healthCheck.command with a client that it has")
	default:
		c.add(finding.HealthCheckImage, stages, at+".healthCheck.path", "the path is asked for inside the container in "+phrase.List(stages, "and")+", where no load balancer does it, with curl or wget",
			unseen, "install one of them in the Dockerfile (alpine and busybox have wget), or give healthCheck.command with a client of your own")
	}
}

// image looks at an image that was built elsewhere.
func (c *check) image(service spec.Service, at string) {
	if !service.NamesImage() || strings.Contains(service.Image, "${Token[") {
		return
	}
	registry, _, path := strings.Cut(service.Image, "/")
	if !path || registry == "docker.io" || !strings.ContainsAny(registry, ".:") && registry != "localhost" {
		c.add(finding.DockerHub, nil, at+".image", quote(service.Image)+" is pulled from Docker Hub without an account",
			"Docker Hub counts such pulls by address, and all instances behind one NAT share theirs: past the limit new tasks do not start",
			"use the same image from public.ecr.aws (docker/library/… for official ones), or copy it to ECR")
	}
	var stages []string
	for _, stage := range c.app.Stages {
		if arch, ok := instances.ArchOf(stage.Scale.Instance); ok && arch == instances.ARM64 {
			stages = append(stages, stage.Name)
		}
	}
	if len(stages) > 0 {
		c.add(finding.ARM64Image, stages, at+".image", quote(service.Image)+" is to run on arm64 in "+phrase.List(stages, "and"),
			"an image that was made for x86_64 only ends with \"exec format error\", again and again", "check with: docker manifest inspect "+service.Image)
	}
}

var (
	secretVariable = regexp.MustCompile(`(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|APIKEY|API_KEY|PRIVATE_KEY|ACCESS_KEY|SECRET_KEY|CREDENTIALS?)$`)
	// harmless are values that are no secret whatever their name says.
	harmless = regexp.MustCompile(`^(?:|true|false|yes|no|on|off|none|[0-9]{1,5}|/.*|[a-z]+://[^@]*|arn:.*)$`)
	// random is how generated keys look: no word, no path, no dots.
	random = regexp.MustCompile(`^[A-Za-z0-9+=_-]{24,}$`)
)

// secrets looks for values where names belong, and the other way round. It
// never shows one.
func (c *check) secrets(stages []string, at string, variables, secrets map[string]string) {
	for _, name := range sorted(variables) {
		if value := variables[name]; secretVariable.MatchString(name) && !harmless.MatchString(value) && !strings.Contains(value, "${Token[") {
			c.add(finding.SecretInVariable, stages, at+".variables."+name, "is named like a secret (its value is not shown)",
				"variables are readable in the template, in the ECS console and in the history of both", "put the value into Secrets Manager or SSM, and refer to it under secrets")
		}
	}
	for _, name := range sorted(secrets) {
		ref, err := spec.ParseSecretRef(secrets[name])
		if err == nil && ref.ARN == "" && ref.Store == spec.SecretsManager && looksRandom(ref.Name) {
			c.add(finding.SecretAsName, stages, at+".secrets."+name, "looks like a secret rather than the name of one (its text is not shown)",
				"a secret of that name is looked for, not found, and no task starts; and the value stands in the declaration", "put the value into Secrets Manager, give the name of the secret here, and replace the secret if the declaration was committed")
		}
	}
}

// looksRandom says whether a text has the mixture of a generated key.
func looksRandom(text string) bool {
	if !random.MatchString(text) {
		return false
	}
	kinds, changes, last := map[int]bool{}, 0, 0
	for _, r := range text {
		kind := 0
		switch {
		case r >= '0' && r <= '9':
			kind = 1
		case r >= 'A' && r <= 'Z':
			kind = 2
		case r >= 'a' && r <= 'z':
			kind = 3
		}
		kinds[kind] = true
		if kind != last {
			changes++
		}
		last = kind
	}
	return kinds[1] && kinds[2] && kinds[3] && changes >= len(text)/2
}

// addresses looks for networks that could never be connected.
func (c *check) addresses() {
	type network struct {
		stage  spec.Stage
		at     string
		prefix netip.Prefix
	}
	var networks []network
	for i, stage := range c.app.Stages {
		cidr, path := stage.Network.CIDR, ".network.cidr"
		if stage.Network.VPC != nil {
			cidr, path = stage.Network.VPC.CIDR, ".network.vpc.cidr"
		}
		if prefix, err := netip.ParsePrefix(cidr); err == nil {
			networks = append(networks, network{stage, fmt.Sprintf("stages[%d]%s", i, path), prefix})
		}
	}
	seen := map[string]bool{}
	for i, n := range networks {
		names := []string{n.stage.Name}
		for _, other := range networks[i+1:] {
			near := n.stage.Account == other.stage.Account || n.stage.Region == other.stage.Region
			same := n.stage.Network.VPC != nil && other.stage.Network.VPC != nil && n.stage.Network.VPC.ID == other.stage.Network.VPC.ID
			if near && !same && !seen[other.stage.Name] && n.prefix.Overlaps(other.prefix) {
				names = append(names, other.stage.Name)
			}
		}
		if len(names) < 2 || seen[n.stage.Name] {
			continue
		}
		for _, name := range names {
			seen[name] = true
		}
		c.add(finding.CIDROverlap, names, n.at, "the networks of "+phrase.List(names, "and")+" have addresses in common",
			"each works by itself, but they can never be peered, nor joined by a transit gateway or VPN, and a network's addresses cannot be changed later", "give each stage a block of its own, as in 10.1.0.0/16, if they are ever to be joined")
	}
}
