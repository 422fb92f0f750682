package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/report"
)

func made(t *testing.T) *report.Report {
	t.Helper()
	r, err := report.New(guestbook(t))
	require.NoError(t, err)
	return r
}

// arrows are the edges of a picture, by the names of what they join.
func arrows(p *report.Picture) []string {
	names := map[string]string{}
	for _, node := range p.Nodes {
		names[node.ID] = strings.TrimSpace(node.Kind + " " + node.Name)
	}
	var found []string
	for _, edge := range p.Edges {
		found = append(found, names[edge.From]+" → "+names[edge.To]+strings.TrimRight(": "+edge.Label, ": "))
	}
	return found
}

func TestTopologyFollowsFromTemplates(t *testing.T) {
	r := made(t)
	assert.ElementsMatch(t, []string{
		"Internet → API Gateway HTTP API: HTTPS",
		"API Gateway HTTP API → service api",
		"service api → service cache: cache:6379",
		"service api → Postgres db.t4g.micro: 5432",
		"outgoing → NAT instance t4g.nano",
		"NAT instance t4g.nano → Internet",
		"outgoing → VPC endpoints AWS",
	}, arrows(r.Stages[0].Topology))
	assert.ElementsMatch(t, []string{
		"Internet → load balancer Application LB: HTTP 80 (redirects), HTTPS 443",
		"load balancer Application LB → service api",
		"service api → service cache: cache:6379",
		"service api → Postgres db.m7g.large: 5432",
		"outgoing → NAT instance t4g.nano",
		"NAT instance t4g.nano → Internet",
		"outgoing → VPC endpoints AWS",
	}, arrows(r.Stages[2].Topology))
}

// A rule of a security group that goes, goes from the page.
func TestWhoReachesTheDatabase(t *testing.T) {
	app, assembly := guestbook(t)
	callers := func() []string {
		r, err := report.New(app, assembly)
		require.NoError(t, err)
		var found []string
		for _, rule := range r.Stages[0].Reach {
			if rule.To == "database" {
				found = append(found, rule.From+" "+rule.Ports)
			}
		}
		return found
	}
	assert.Equal(t, []string{"instances tcp 5432"}, callers())
	stack, err := assembly.Stack("guestbook-dev-service")
	require.NoError(t, err)
	delete(stack.Template["Resources"].(map[string]any), "DatabaseIngress")
	assert.Empty(t, callers())
}

func TestTemplatesOfAnotherDeclaration(t *testing.T) {
	app, assembly := guestbook(t)
	assembly.Stacks = assembly.Stacks[:3]
	_, err := report.New(app, assembly)
	assert.ErrorContains(t, err, "the templates are not those of the declaration: stage dev has no stack")
}

func htmlOf(t *testing.T, r *report.Report) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, r.HTML(&out))
	return out.String()
}
