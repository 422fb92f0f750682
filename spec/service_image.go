package spec

import (
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/internal/suggest"
)

var (
	tagOfImage = compile(`:([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})$`)
	// imagePattern is a registry, a path and what selects the image.
	imagePattern = compile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?/)?` +
		`[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*` +
		`(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[a-f0-9]{64})?$`)
	ecrPattern = compile(`^[0-9]{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/`)
)

// Builds says whether an image is built for the service.
func (s Service) Builds() bool { return s.Image == "" && s.ImageOf == "" }

// NamesImage says whether the service runs an existing image that it names itself.
func (s Service) NamesImage() bool { return s.Image != "" && s.ImageOf == "" }

// ImageService is the service whose image the service runs: usually itself.
func (a App) ImageService(service Service) Service {
	for _, other := range a.Services {
		if service.ImageOf != "" && other.Name == service.ImageOf {
			return other
		}
	}
	return service
}

// shareImages gives existing images to those that run the image of another
// service.
func (a *App) shareImages() {
	for i := range a.Services {
		if service := &a.Services[i]; service.ImageOf != "" && service.Image == "" {
			service.Image = a.ImageService(*service).Image
		}
	}
}

// validateImageOf checks whose image the service runs.
func (a App) validateImageOf(r report, service Service) {
	if service.ImageOf == "" {
		return
	}
	var names []string
	for _, other := range a.Services {
		if other.ImageOf == "" && r.plain(other.Name) {
			names = append(names, other.Name)
		}
	}
	allowed := "the name of a service that has an image of its own"
	if len(names) > 0 {
		allowed = phrase.List(names, "or")
	}
	at, owner := r.field("imageOf"), a.ImageService(service)
	switch {
	case service.ImageOf == service.Name:
		at.fail("is the service itself", allowed, "remove it")
	case owner.Name != service.ImageOf:
		fix := suggest.DidYouMean(service.ImageOf, names)
		if fix == "" {
			fix = "name a service that is declared"
		}
		at.fail(at.quote(service.ImageOf)+" is not a service", allowed, fix)
	case owner.ImageOf != "":
		at.fail(at.quote(service.ImageOf)+" runs the image of another service itself", allowed, "name that one: "+r.quote(owner.ImageOf))
	case service.Image != owner.Image:
		r.field("image").fail("is given beside imageOf", "one of the two", "remove one of them")
	}
}

func (s Service) validateImage(r report) {
	if s.ImageOf != "" {
		s.validateUnbuilt(r, "is given for the image of another service", "give it there, or remove imageOf to have an image built for this service")
		return
	}
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
	s.validateUnbuilt(r, "is given for an existing image", "remove it, or remove image to have one built")
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

// validateUnbuilt reports what only says how an image is built.
func (s Service) validateUnbuilt(r report, wrong, fix string) {
	for _, field := range []struct {
		name  string
		given bool
	}{
		{"source", s.Source != nil},
		{"context", s.Context != ""},
		{"dockerfile", s.Dockerfile != ""},
		{"buildSpec", s.BuildSpec != ""},
		{"releaseSpec", s.ReleaseSpec != ""},
	} {
		if field.given {
			r.field(field.name).fail(wrong, "", fix)
		}
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

// ImageRegion is the region of the ECR registry that an existing image is
// pulled from, or false where it comes from elsewhere.
func (s Service) ImageRegion() (string, bool) { return s.registry() }

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
