package spec

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWindow(t *testing.T) {
	for cron, w := range map[string]Window{
		"* * 9-15 ? * MON,TUE,WED,THU,FRI *": {},
		"* * 0-15 ? * SUN *":                 {Days: []string{"sun"}, From: new(0)},
		"* * 22-23 ? * MON,SAT *":            {Days: []string{"sat", "mon"}, From: new(22)},
		"* * 8 ? * MON,TUE,WED,THU,FRI *":    {From: new(8), Until: 9},
	} {
		w.setDefaults()
		r := newReport(nil)
		w.validate(r)
		assert.NoError(t, r.errors())
		assert.Equal(t, cron, w.Cron())
		assert.Equal(t, "UTC", w.TimeZone)
	}
}

// A canary has every field of production, except those that belong to
// production's place and the gates before it. A new field is inherited, or
// named here.
func TestCanaryHasEveryFieldOfProduction(t *testing.T) {
	app, d := decode("x.yaml", readFile(t, "testdata/good/full.yaml"), environment)
	require.Empty(t, d.problems)
	production := app.Stages[app.stageIndex("main")]
	production.Wave, production.Account, production.ContainerInsights = "w", "123456789012", new(true)
	production.Database.Existing, production.Sleeps, production.Bake = &ExistingDatabase{Host: "h"}, true, hour
	production.Network = Network{CIDR: "10.1.0.0/16", Egress: NATGateway, Zones: []string{"a", "b"}}
	production.Scale.Image, production.Scale.Spot = "ami-1", new(true)
	got := reflect.ValueOf(canary(production, Stage{Name: "canary", CanaryOf: "main", Region: "eu-north-1"}))
	want := reflect.ValueOf(production)
	own := map[string]bool{}
	for _, path := range []string{
		"Name", "Region", "CanaryOf", "Bake", "Wave", "Approval", "Window", "Review", "Sleeps", "Removal",
		"Endpoint.Domain", "Endpoint.HostedZone", "Endpoint.Certificate", "Endpoint.RedirectFrom", "Endpoint.ClientCertificates", "Endpoint.Firewall",
		"Endpoint.Routing", "Network.Zones", "Scale.Image", "Database.Existing", "Database.ReadReplicas", "Alarms.Topic", "Logs.Destination",
	} {
		own[path] = true
	}
	inherited := 0
	var compare func(path string, want, got reflect.Value)
	compare = func(path string, want, got reflect.Value) {
		if own[path] {
			delete(own, path)
			return
		}
		if want.Kind() == reflect.Pointer && want.Type().Elem().Kind() == reflect.Struct && !want.IsNil() {
			require.False(t, got.IsNil(), path)
			want, got = want.Elem(), got.Elem()
		}
		if want.Kind() != reflect.Struct {
			if !want.IsZero() {
				inherited++
			}
			assert.Equal(t, want.Interface(), got.Interface(), path)
			return
		}
		for i := range want.NumField() {
			if field := want.Type().Field(i); field.IsExported() {
				compare(strings.TrimPrefix(path+"."+field.Name, "."), want.Field(i), got.Field(i))
			}
		}
	}
	compare("", want, got)
	assert.Empty(t, own, "fields that there are not")
	assert.Greater(t, inherited, 25)
}
