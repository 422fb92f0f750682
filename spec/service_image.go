package spec

import "strings"

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
