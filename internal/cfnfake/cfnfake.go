// Package cfnfake is as much of CloudFormation and STS as the deletion of stacks
// needs, on loopback, for tests: accounts, regions, stacks that take a while to
// go, and everything that can go wrong with that.
package cfnfake

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Resource of a stack.
type Resource struct {
	LogicalID, Type, PhysicalID, Status, Reason string
	// Stuck is why it cannot be deleted; empty once it can.
	Stuck string
	// Kept says that deletion skips it.
	Kept bool
}

// Stack in an account and region.
type Stack struct {
	Account, Region, Name, Description, Status, Template string
	Tags                                                 map[string]string
	Protected                                            bool
	// Parent is the stack that it is nested in.
	Parent    string
	Resources []*Resource
	// Busy is how often the stack is asked for before what it does ends; it
	// then has the status After.
	Busy  int
	After string
	id    string
}

// Cloud is all accounts.
type Cloud struct {
	URL string
	// Keys are the accounts of the access keys.
	Keys map[string]string
	// Intercept can answer a request with an error, by its code and message;
	// an empty code lets it pass. It is called before the stacks are looked
	// at.
	Intercept func(request Request) (code, message string)

	lock   sync.Mutex
	stacks []*Stack
	log    []Request
}

// Request that was made.
type Request struct {
	Action, Account, Region string
	Form                    url.Values
	// Gone is closed when whoever made it no longer waits for an answer.
	Gone <-chan struct{}
}

// New starts a cloud that ends with the test.
func New(t *testing.T, stacks ...*Stack) *Cloud {
	t.Helper()
	cloud := &Cloud{Keys: map[string]string{}}
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	cloud.URL = server.URL
	cloud.Add(stacks...)
	return cloud
}

// Add makes stacks.
func (c *Cloud) Add(stacks ...*Stack) {
	c.lock.Lock()
	defer c.lock.Unlock()
	for _, stack := range stacks {
		if stack.Status == "" {
			stack.Status = "UPDATE_COMPLETE"
		}
		stack.id = fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%d", stack.Region, stack.Account, stack.Name, len(c.stacks))
		for _, resource := range stack.Resources {
			if resource.Status == "" {
				resource.Status = "CREATE_COMPLETE"
			}
		}
		c.stacks = append(c.stacks, stack)
	}
}

// Requests of an action, in order; of all with "".
func (c *Cloud) Requests(action string) []Request {
	c.lock.Lock()
	defer c.lock.Unlock()
	return slices.DeleteFunc(slices.Clone(c.log), func(r Request) bool { return action != "" && r.Action != action })
}

// Deleted are the stacks whose deletion was asked for, in order.
func (c *Cloud) Deleted() []string {
	var names []string
	for _, request := range c.Requests("DeleteStack") {
		names = append(names, nameOf(request.Form.Get("StackName")))
	}
	return names
}

func nameOf(id string) string {
	if parts := strings.Split(id, "/"); len(parts) > 1 {
		return parts[1]
	}
	return id
}

// Stack finds a stack that was not deleted.
func (c *Cloud) Stack(name string) *Stack {
	c.lock.Lock()
	defer c.lock.Unlock()
	for _, stack := range c.stacks {
		if stack.Name == name && stack.Status != "DELETE_COMPLETE" {
			return stack
		}
	}
	return nil
}

func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	// AWS4-HMAC-SHA256 Credential=KEY/20261121/us-east-1/sts/aws4_request, …
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := append(strings.Split(scope, "/"), "", "", "")
	request := Request{Action: form.Get("Action"), Account: c.Keys[parts[0]], Region: parts[2], Form: form, Gone: r.Context().Done()}

	c.lock.Lock()
	c.log = append(c.log, request)
	c.lock.Unlock()
	if c.Intercept != nil {
		if code, message := c.Intercept(request); code != "" {
			fail(w, code, message)
			return
		}
	}
	if request.Account == "" {
		fail(w, "InvalidClientTokenId", "The security token included in the request is invalid.")
		return
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	if result, code, message := c.answer(request); code != "" {
		fail(w, code, message)
	} else {
		fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", request.Action, result)
	}
}

func fail(w http.ResponseWriter, code, message string) {
	status := http.StatusBadRequest
	if code == "AccessDenied" || code == "ExpiredToken" || code == "InvalidClientTokenId" {
		status = http.StatusForbidden
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>1</RequestId></ErrorResponse>", code, text(message))
}

func text(s string) string {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(s))
	return escaped.String()
}

func (c *Cloud) answer(r Request) (result, code, message string) {
	if r.Action == "GetCallerIdentity" {
		return fmt.Sprintf("<Arn>arn:aws:iam::%s:user/ann</Arn><Account>%[1]s</Account><UserId>A</UserId>", r.Account), "", ""
	}
	if r.Action == "AssumeRole" {
		arn := r.Form.Get("RoleArn")
		account := strings.Split(arn, ":")[4]
		key := "ASSUMED" + account
		if c.Keys[key] == "" {
			c.Keys[key] = account // unless the test says that it leads elsewhere
		}
		return fmt.Sprintf("<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>", key), "", ""
	}
	name := r.Form.Get("StackName")
	var here, found []*Stack
	for _, stack := range c.stacks {
		if stack.Account == r.Account && stack.Region == r.Region {
			here = append(here, stack)
			if stack.id == name || stack.Name == name && stack.Status != "DELETE_COMPLETE" {
				found = append(found, stack)
			}
		}
	}
	switch r.Action {
	case "ListStacks":
		var list strings.Builder
		for _, stack := range here {
			if stack.Status == "DELETE_COMPLETE" {
				fmt.Fprintf(&list, "<member><StackId>%s</StackId><StackName>%s</StackName><StackStatus>%s</StackStatus><TemplateDescription>%s</TemplateDescription></member>", stack.id, stack.Name, stack.Status, text(stack.Description))
			}
		}
		return "<StackSummaries>" + list.String() + "</StackSummaries>", "", ""
	case "DescribeStacks":
		if name == "" {
			for _, stack := range here {
				if stack.Status != "DELETE_COMPLETE" {
					found = append(found, stack)
				}
			}
			// A page holds one stack: whoever forgets the others fails.
			page := len(r.Form.Get("NextToken"))
			next := ""
			if page+1 < len(found) {
				next = "<NextToken>" + strings.Repeat("n", page+1) + "</NextToken>"
			}
			if page < len(found) {
				found = found[page : page+1]
			}
			return "<Stacks>" + describe(found) + "</Stacks>" + next, "", ""
		}
		if len(found) == 1 {
			found[0].tick()
			return "<Stacks>" + describe(found) + "</Stacks>", "", ""
		}
	}
	if len(found) == 0 {
		return "", "ValidationError", "Stack with id " + name + " does not exist"
	}
	stack := found[0]
	switch r.Action {
	case "GetTemplate":
		return "<TemplateBody>" + text(stack.Template) + "</TemplateBody>", "", ""
	case "ListStackResources":
		var list strings.Builder
		for _, resource := range stack.Resources {
			fmt.Fprintf(&list, "<member><LogicalResourceId>%s</LogicalResourceId><PhysicalResourceId>%s</PhysicalResourceId><ResourceType>%s</ResourceType><ResourceStatus>%s</ResourceStatus><ResourceStatusReason>%s</ResourceStatusReason><LastUpdatedTimestamp>2026-11-21T00:00:00Z</LastUpdatedTimestamp></member>",
				resource.LogicalID, text(resource.PhysicalID), resource.Type, resource.Status, text(resource.Reason))
		}
		return "<StackResourceSummaries>" + list.String() + "</StackResourceSummaries>", "", ""
	case "UpdateTerminationProtection":
		stack.Protected = r.Form.Get("EnableTerminationProtection") == "true"
		return "<StackId>" + stack.id + "</StackId>", "", ""
	case "DeleteStack":
		switch {
		case stack.Protected:
			return "", "ValidationError", "Stack [" + stack.Name + "] cannot be deleted while TerminationProtection is enabled"
		case strings.HasSuffix(stack.Status, "_IN_PROGRESS") && stack.Status != "DELETE_IN_PROGRESS":
			return "", "ValidationError", "Stack [" + stack.Name + "] cannot be deleted while in status " + stack.Status
		}
		stack.Status, stack.Busy, stack.After = "DELETE_IN_PROGRESS", 2, ""
		return "", "", ""
	}
	return "", "InvalidAction", "Could not find operation " + r.Action
}

// tick is a while.
func (s *Stack) tick() {
	if s.Busy == 0 {
		return
	}
	s.Busy--
	if s.Status != "DELETE_IN_PROGRESS" {
		if s.Busy == 0 {
			s.Status = s.After
		}
		return
	}
	for i, resource := range s.Resources {
		switch {
		case resource.Status == "DELETE_COMPLETE", s.Busy > 0 && i >= len(s.Resources)/2:
		case resource.Kept:
			resource.Status = "DELETE_SKIPPED"
		case resource.Stuck != "":
			resource.Status, resource.Reason = "DELETE_FAILED", resource.Stuck
		default:
			resource.Status = "DELETE_COMPLETE"
		}
	}
	if s.Busy > 0 {
		return
	}
	s.Status = "DELETE_COMPLETE"
	if slices.ContainsFunc(s.Resources, func(r *Resource) bool { return r.Status == "DELETE_FAILED" }) {
		s.Status = "DELETE_FAILED"
	}
}

func describe(stacks []*Stack) string {
	var list strings.Builder
	for _, stack := range stacks {
		var tags strings.Builder
		for key, value := range stack.Tags {
			fmt.Fprintf(&tags, "<member><Key>%s</Key><Value>%s</Value></member>", key, value)
		}
		fmt.Fprintf(&list, "<member><StackId>%s</StackId><StackName>%s</StackName><Description>%s</Description><StackStatus>%s</StackStatus><CreationTime>2026-11-21T00:00:00Z</CreationTime><EnableTerminationProtection>%t</EnableTerminationProtection><Tags>%s</Tags>%s</member>",
			stack.id, stack.Name, text(stack.Description), stack.Status, stack.Protected, tags.String(), parent(stack))
	}
	return list.String()
}

func parent(stack *Stack) string {
	if stack.Parent == "" {
		return ""
	}
	return "<ParentId>" + text(stack.Parent) + "</ParentId>"
}
