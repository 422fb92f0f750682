package preflight

import (
	"regexp"
	"strings"

	"github.com/tinystack-go/tinystack/internal/finding"
	"github.com/tinystack-go/tinystack/internal/phrase"
)

// What an HTTP API does not do shows only when somebody uses the application: it
// sends Forwarded instead of the X-Forwarded-* headers, which cannot be set either,
// and it takes no WebSockets, streams no response and ends a request after 30 s
// (docs/endpoints.md).

var (
	// believesProxy finds variables by which frameworks are told to look at the
	// headers of a proxy, or to insist on HTTPS.
	believesProxy = regexp.MustCompile(`(?i)(?:FORCE_?(?:SSL|HTTPS)|SSL_?REDIRECT|HTTPS_?ONLY|TRUST(?:ED)?_?PROX(?:Y|IES)|COOKIE_?SECURE|SECURE_?COOKIE|SECURE_?PROXY|FORWARDED)`)
	// speaksOtherwise finds variables by whose names an application needs more than
	// requests and answers.
	speaksOtherwise = regexp.MustCompile(`(?i)(?:WEB_?SOCKET|ACTION_?CABLE|SOCKET_?IO|(?:^|_)WSS?(?:_|$)|(?:^|_)SSE(?:_|$)|EVENT_?STREAM|GRPC|LIVE_?VIEW)`)
)

// capabilities looks at whether the application needs what an HTTP API does not do.
func (s staged) capabilities() {
	if !s.HTTPAPI(s.app.Services) || !s.running() {
		return
	}
	var proxy, other []string
	for _, service := range s.app.Services {
		if !service.Public() {
			continue
		}
		for _, variables := range []map[string]string{service.Variables, s.Variables} {
			for _, name := range sorted(variables) {
				value := variables[name]
				switch {
				case speaksOtherwise.MatchString(name) || strings.HasPrefix(value, "ws://") || strings.HasPrefix(value, "wss://") || strings.HasPrefix(value, "grpc://"):
					other = append(other, name)
				case believesProxy.MatchString(name):
					proxy = append(proxy, name)
				}
			}
		}
	}
	kind, what := finding.ForwardedHeaders, "behind an HTTP API the application sees the header Forwarded, and no X-Forwarded-Proto, -For or -Host"
	if len(proxy) > 0 {
		kind, what = as(kind, Warning), phrase.List(unique(proxy), "and")+" in an application that sees the header Forwarded, and no X-Forwarded-Proto, -For or -Host"
	}
	s.add(kind, ".endpoint", what,
		"a framework that insists on HTTPS and looks for X-Forwarded-Proto redirects for ever, or drops sessions whose cookie is for HTTPS only; API Gateway lets nobody set these headers",
		"have the framework read Forwarded (docs/endpoints.md says how for Rails, Django, Express, Laravel and Spring), or use endpoint: {type: alb}")
	if len(other) > 0 {
		s.add(finding.EndpointCapability, ".endpoint", phrase.List(unique(other), "and")+" behind an HTTP API, which takes no WebSockets and no gRPC, and streams no response",
			"a connection is refused, or its answer comes whole or after 30 s not at all", "use endpoint: {type: alb}")
	}
}

// unique keeps the first of each, in order.
func unique(names []string) (kept []string) {
	seen := map[string]bool{}
	for _, name := range names {
		if !seen[name] {
			kept = append(kept, name)
		}
		seen[name] = true
	}
	return kept
}
