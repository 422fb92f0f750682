// Package endpoint makes the address under which the world reaches an ECS
// service on EC2 instances. There are three kinds, each a construct that can
// be used alone:
//
//   - [NewHTTPAPI]: an API Gateway HTTP API, a VPC link and Cloud Map. It has
//     no load balancer to pay for.
//   - [NewCachedRESTAPI]: an API Gateway REST API with a cache cluster, a VPC
//     link and an internal Application Load Balancer, because only REST APIs
//     keep responses and they cannot ask Cloud Map where a task is.
//   - [NewALB]: an internet-facing Application Load Balancer.
//
// # Rooms
//
// A file's name begins with the room that it is in.
//
//	endpoint    the contract that all kinds keep: [Endpoint], with its metrics
//	target      the service that requests go to, and what it must be like
//	route       further services, by path and subdomain; the rules of load balancers
//	httpapi     the HTTP API
//	restapi     the REST API with a cache
//	alb         the load balancer, and blue/green deployments behind it
//	api         the VPC link that both kinds of API have
//	domain      host names: certificates, records, zones in other accounts, several regions
//	logs        access logs, and who may deliver them
//
// A new kind of endpoint is a file of its own that keeps [Endpoint] with what target, route
// and domain give; its value of [spec.Endpoint] says when it is meant, package stacks
// chooses it, and preflight, cost and monitor say what it lacks, costs and measures.
//
// # Several services
//
// Each kind serves one target with every request, and others under paths or
// subdomains of their own; see [Route]. The load balancers have a rule for each
// place, whose number follows from the place alone, so that no rule ever moves;
// an HTTP API has routes, and for each subdomain a sibling on the same VPC link,
// because it looks at no host name. A REST API has no subdomains: its load
// balancer sees one host name for all requests.
//
// # Domains
//
// [DomainProps] gives an endpoint a host name: in a hosted zone that is there,
// in one that is made below a zone of another account ([NewDelegationRole] is
// for that account), and shared with endpoints in other regions by a
// [spec.Routing].
//
// # Changing the kind
//
// A stage can change its kind: give the new construct the id of the old one.
// What all kinds share has the same logical id in each, so CloudFormation
// updates it in place: the certificate, the DNS record, and between the two
// API kinds also the log group, the domain name and its mapping. CloudFormation
// makes new resources before it deletes old ones, and each of these would
// collide with its successor. Everything else has an id, and where it must
// have one a name, that no other kind uses. DNS follows once the ECS service
// is stable behind the new kind.
//
// A load balancer with deletion protection is the exception: turn the
// protection off, deploy, then change the kind.
//
// # Requests and responses
//
// API Gateway ends a request after 29 (REST) or 30 seconds (HTTP API) and
// takes at most 10 MB. It serves HTTPS only; its own address stays open beside
// a custom domain. With a custom domain, /ping and /sping of a REST API belong
// to API Gateway. A VPC link without traffic for 60 days falls asleep; the
// request that wakes it up fails.
package endpoint
