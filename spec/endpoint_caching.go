package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

// Caching is a cache cluster of a REST API.
type Caching struct {
	// Size of the cache in GB.
	//   - Default: 0.5
	//   - Allowed: 0.5, 1.6, 6.1, 13.5, 28.4, 58.2, 118 or 237
	//   - Change: in place; the cache is made anew, empty, within minutes
	//   - Example: 1.6
	Size float64 `yaml:"size"`

	// TTL is how long a response is kept.
	//   - Default: 5m
	//   - Allowed: 1s to 1h
	//   - Change: in place
	//   - Example: 90s
	TTL Duration `yaml:"ttl"`

	// KeepLogRole leaves the role for logs alone that the API Gateway settings
	// of the account and region name; without one a REST API can have no access
	// logs. Otherwise a role is made and entered there, in place of one that may
	// be there, and stays when the stage is deleted.
	//   - Default: false
	//   - Change: in place
	//   - Example: true
	KeepLogRole bool `yaml:"keepLogRole"`

	// Paths whose GET responses are kept; all others are passed through.
	//   - Default: required
	//   - Allowed: 1 to 100
	//   - Change: in place
	//   - Example: [{path: "/items/{id}", query: [page]}]
	Paths []CachedPath `yaml:"paths"`
}

// CachedPath is a path whose GET responses are kept. Two requests share a
// response only where path, Authorization header and all of [CachedPath.Query]
// and [CachedPath.Headers] agree.
type CachedPath struct {
	// Path whose responses are kept; a segment {name} matches anything.
	//   - Default: required
	//   - Allowed: segments of letters, digits and . _ : ~ -, or {name}, each after a slash
	//   - Change: in place
	//   - Example: "/photos/{id}"
	Path string `yaml:"path"`

	// Query names every query parameter that the response depends on; an
	// empty list says that it depends on none. It is required so that nobody is
	// served another's response by omission.
	//   - Default: required
	//   - Allowed: names of letters, digits and . _ $ -, each once
	//   - Change: in place
	//   - Example: [page, sort]
	Query *[]string `yaml:"query"`

	// Headers names the request headers, beside Authorization, that the
	// response depends on.
	//   - Default: none
	//   - Allowed: names of letters, digits and . _ $ -, each once
	//   - Change: in place
	//   - Example: [Accept-Language]
	Headers []string `yaml:"headers"`
}

const defaultCacheGB = 0.5

func (c *Caching) setDefaults() {
	fill(&c.Size, defaultCacheGB)
	fill(&c.TTL, 5*minute)
}

// mostCachedPaths leaves room among the 300 resources that a REST API can have.
const mostCachedPaths = 100

// cacheSizes are the sizes of a REST API's cache, in GB.
var cacheSizes = []float64{0.5, 1.6, 6.1, 13.5, 28.4, 58.2, 118, 237}

func (c Caching) validate(r report) {
	if !slices.Contains(cacheSizes, c.Size) {
		sizes := make([]string, len(cacheSizes))
		for i, size := range cacheSizes {
			sizes[i] = strconv.FormatFloat(size, 'g', -1, 64)
		}
		size := r.field("size")
		size.fail(size.show(c.Size)+" GB is not a size of a cache", phrase.List(sizes, "or"), "choose one of them")
	}
	r.field("ttl").lasting(c.TTL, second, hour, second)
	paths := r.field("paths")
	if len(c.Paths) == 0 {
		paths.fail("is missing", "at least one path", "list the paths whose responses are kept")
	}
	if len(c.Paths) > mostCachedPaths {
		paths.fail(phrase.Count(len(c.Paths), "path")+" are listed", fmt.Sprintf("up to %d", mostCachedPaths), "keep the responses that are asked for most")
		return
	}
	for i, path := range c.Paths {
		path.validate(paths.item(i))
		for j, before := range c.Paths[:i] {
			if path.Path != "" && sameRoute(path.Path, before.Path) {
				at := paths.item(i).field("path")
				at.fail(fmt.Sprintf("%s matches the same requests as paths[%d]", at.quote(path.Path), j), "each path once", "remove one of the two")
				break
			}
		}
		for j, before := range c.Paths[:i] {
			if rivals(path.Path, before.Path) {
				at := paths.item(i).field("path")
				at.fail(fmt.Sprintf("%s names a variable segment otherwise than paths[%d] does", at.quote(path.Path), j), "one name for a variable segment", "use the same name in both")
				break
			}
		}
	}
}

var (
	cachedSegment = compile(`^(?:[A-Za-z0-9._:~-]+|\{[A-Za-z0-9._-]+\})$`)
	// cacheKeyName is what API Gateway can make a part of a cache key, less
	// than what HTTP allows.
	cacheKeyName = compile(`^[A-Za-z0-9._$-]{1,128}$`)
)

// sameRoute says whether two paths match the same requests.
func sameRoute(a, b string) bool {
	return variableSegment().ReplaceAllString(a, "{}") == variableSegment().ReplaceAllString(b, "{}")
}

var variableSegment = compile(`\{[^{}/]*\}`)

// rivals says whether two paths have different names for one variable segment,
// which API Gateway does not allow below one parent.
func rivals(a, b string) bool {
	if sameRoute(a, b) {
		return false
	}
	left, right := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return variableSegment.MatchString(left[i]) && variableSegment.MatchString(right[i])
		}
	}
	return false
}

func (c CachedPath) validate(r report) {
	path := r.field("path")
	if path.required(c.Path, "a path, as in /items/{id}", "give the path whose responses are kept") {
		c.validatePath(path)
	}
	query := r.field("query")
	if c.Query == nil {
		query.fail("is missing", "a list of query parameters, which may be empty", "name every parameter that the response depends on, or write [] if it depends on none")
	} else {
		validateNames(query, *c.Query, cacheKeyName, "the name of a query parameter")
	}
	headers := r.field("headers")
	validateNames(headers, c.Headers, cacheKeyName, "the name of a header")
	for i, name := range c.Headers {
		if strings.EqualFold(name, "Authorization") {
			headers.item(i).warn("Authorization always distinguishes responses", "remove it")
		}
	}
}

func (c CachedPath) validatePath(r report) {
	const allowed = "segments of letters, digits and . _ : ~ -, or {name}, each after a slash"
	rest, slash := strings.CutPrefix(c.Path, "/")
	switch {
	case isToken(c.Path) || c.Path == "/":
		return
	case !slash:
		r.fail(r.quote(c.Path)+" does not begin with a slash", allowed, "begin with a slash")
		return
	}
	for segment := range strings.SplitSeq(rest, "/") {
		if !cachedSegment.MatchString(segment) {
			r.fail(r.quote(c.Path)+" is not a path that can be kept", allowed, "name each path by itself, without a query, a slash at the end or {proxy+}")
			return
		}
	}
}

func validateNames(r report, names []string, pattern pattern, what string) {
	for i, name := range names {
		at := r.item(i)
		at.matches(name, pattern, what+" that API Gateway can tell responses apart by", "letters, digits and . _ $ -", "write the bare name; a path whose responses depend on any other cannot be kept")
		if slices.Contains(names[:i], name) {
			at.fail(at.quote(name)+" is listed twice", "each name once", "remove it")
		}
	}
}
