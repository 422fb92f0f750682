package spec

import "slices"

// Locate says where in the file a path of the declaration stands, as in
// stages[2].database, or what is nearest above it. The file is empty for a
// declaration built in Go; line and column are 0 where unknown.
func (a App) Locate(path string) (file string, line, column int) {
	where := a.origin.find(path)
	return a.origin.name(), where.line, where.column
}

// Declares says whether the file itself declares the path, so that it is
// neither a default nor taken over from another stage.
func (a App) Declares(path string) bool { return a.origin.declares(path) }

// Conceal puts references to the environment back where a text holds their
// values: a value can be a secret, its name never is.
func (a App) Conceal(text string) string { return a.origin.conceal(text) }

// LacksVPCLinks says whether the region is one for which AWS documents no VPC
// links for API Gateway.
func LacksVPCLinks(region string) bool { return isRegion(region) && len(vpcLinkZones[region]) == 0 }

// LoadBalanced says whether a load balancer of the stage stands before the
// service, and asks for its health.
func (s Stage) LoadBalanced(service Service) bool {
	return service.Public() && s.Endpoint.balanced()
}

// HTTPAPI says whether the stage's endpoint is an HTTP API, which reaches
// tasks by a VPC link.
func (s Stage) HTTPAPI(services []Service) bool {
	return slices.ContainsFunc(services, Service.Public) && !s.Endpoint.balanced()
}
