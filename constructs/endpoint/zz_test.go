package endpoint

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"

	"github.com/tinystack-go/tinystack/internal/synthtest"
)

func TestZZ(t *testing.T) {
	for kind, add := range kinds {
		f := newFixture(t, options{tasks: 1})
		if kind == "alb" {
			f.target.Service.EnableCloudMap(&awsecs.CloudMapOptions{CloudMapNamespace: f.namespace})
		}
		add(f, ownDomain)
		a := synthtest.SynthSecure(t, f.app)
		s := a.Stacks[0].Template.Get("Resources.ServiceD69D759B.Properties")
		t.Log(kind, s)
	}
}
