package spec

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// declared is an application built in Go, with a canary and every kind of
// reference type in it.
func declared() App {
	return App{
		Name: "shop",
		Pipeline: &Pipeline{
			Account: "111111111111",
		},
		Source: &Source{CodeCommit: "shop"},
		Services: []Service{
			{Name: "web", HealthCheck: HealthCheck{Path: "/up"}, Variables: map[string]string{"A": "b"}},
		},
		Stages: []Stage{
			{Name: "dev"},
			{
				Name: "canary", CanaryOf: "prod", Region: "eu-west-1", Bake: 30 * minute,
				Variables: map[string]string{"LOG": "debug"},
				Scale:     ScaleProfile{Tasks: Tasks{Max: new(3)}},
			},
			{
				Name: "prod", Approval: Manual,
				Endpoint: Endpoint{
					Domain:     "shop.example.com",
					HostedZone: &HostedZone{ID: "Z0123456789", Name: "example.com"},
					Caching:    &Caching{Paths: []CachedPath{{Path: "/", Query: &[]string{}}}},
				},
				Variables:   map[string]string{"LOG": "info", "MODE": "fast"},
				Permissions: []Permission{{Actions: []string{"s3:GetObject"}, Resources: []string{"arn:aws:s3:::shop/*"}}},
				Scale:       ScaleProfile{Instances: Instances{Min: new(2)}},
				Database:    &Database{Storage: 50},
			},
		},
		Tags: map[string]string{"team": "shop"},
	}
}

func TestResolveLeavesTheReceiver(t *testing.T) {
	app := declared()
	resolved, err := app.Resolve()
	require.NoError(t, err)
	assert.Equal(t, declared(), app)

	// Nor does what is done with the result show in it.
	resolved.Services[0].Variables["A"] = "changed"
	resolved.Tags["team"] = "changed"
	resolved.Pipeline.Account = "changed"
	resolved.Stages[2].Permissions[0].Actions[0] = "changed"
	resolved.Stages[2].Endpoint.HostedZone.Name = "changed"
	(*resolved.Stages[2].Endpoint.Caching.Paths[0].Query) = append(*resolved.Stages[2].Endpoint.Caching.Paths[0].Query, "changed")
	*resolved.Stages[2].Scale.Instances.Min = 99
	assert.Equal(t, declared(), app)

	// A canary shares nothing with its production stage either.
	resolved, err = app.Resolve()
	require.NoError(t, err)
	resolved.Stages[2].Variables["MODE"] = "changed"
	resolved.Stages[2].Permissions[0].Actions[0] = "changed"
	resolved.Stages[2].Database.Storage = 99
	assert.Equal(t, "fast", resolved.Stages[1].Variables["MODE"])
	assert.Equal(t, "s3:GetObject", resolved.Stages[1].Permissions[0].Actions[0])
	assert.Equal(t, 50, resolved.Stages[1].Database.Storage)
}

func TestResolveIsIdempotent(t *testing.T) {
	once, err := declared().Resolve()
	require.NoError(t, err)
	twice, err := once.Resolve()
	require.NoError(t, err)
	assert.Equal(t, once, twice)

	files, err := filepath.Glob("testdata/good/*.yaml")
	require.NoError(t, err)
	for _, file := range append(files, "testdata/guestbook.yaml") {
		once := parse(t, file)
		twice, err := once.Resolve()
		require.NoError(t, err, file)
		assert.Equal(t, once, twice, file)
		assert.Equal(t, once.Warnings(), twice.Warnings(), file)
	}
}

func TestResolveReportsEverything(t *testing.T) {
	_, err := App{Stages: []Stage{{Name: "Dev", Region: "nowhere"}}}.Resolve()
	var problems Problems
	require.ErrorAs(t, err, &problems)
	var paths []string
	for _, p := range problems {
		assert.Zero(t, p.Line)
		assert.Empty(t, p.File)
		paths = append(paths, p.Path)
	}
	assert.Equal(t, []string{"name", "stages[0].name", "stages[0].region"}, paths)
	assert.Equal(t, problems, App{Stages: []Stage{{Name: "Dev", Region: "nowhere"}}}.Validate(), "Validate completes by itself")
}

func TestCanary(t *testing.T) {
	for name, test := range map[string]struct {
		production, canary Stage
		want               func(t *testing.T, s Stage)
	}{
		"takes what it does not declare": {
			Stage{Account: "222222222222", Profile: Hyperscale, Variables: map[string]string{"A": "1", "B": "1"}},
			Stage{Variables: map[string]string{"B": "2"}},
			func(t *testing.T, s Stage) {
				assert.Equal(t, "222222222222", s.Account)
				assert.Equal(t, Hyperscale, s.Profile)
				assert.Equal(t, Preset(Hyperscale), s.Scale)
				assert.Equal(t, ALB, s.Endpoint.Type)
				assert.Equal(t, map[string]string{"A": "1", "B": "2"}, s.Variables)
			},
		},
		"leaves what belongs to production's place": {
			Stage{
				Approval: Manual, Wave: "last", Removal: RemovalRetain, Bake: hour, Window: &Window{}, Review: true,
				Endpoint: Endpoint{
					Type: ALB, Domain: "a.example.com", HostedZone: &HostedZone{ID: "Z1", Name: "example.com"}, RedirectFrom: []string{"example.com"}, Routing: &Routing{Policy: Latency},
					ClientCertificates: &ClientCertificates{Bucket: "a", Key: "b"}, Firewall: "arn", StickySessions: hour,
				},
				Network: Network{Zones: []string{"use1-az1", "use1-az2"}, CIDR: "10.1.0.0/16"},
			},
			Stage{},
			func(t *testing.T, s Stage) {
				assert.Equal(t, Automatic, s.Approval)
				assert.Empty(t, s.Wave)
				assert.Zero(t, s.Bake)
				assert.Nil(t, s.Window)
				assert.False(t, s.Review)
				assert.Equal(t, RemovalSnapshot, s.Removal)
				assert.Equal(t, Endpoint{Type: ALB, StickySessions: hour, Deployment: Rolling}, s.Endpoint)
				assert.Equal(t, []string{"euw1-az1", "euw1-az2"}, s.Network.Zones)
				assert.Equal(t, "10.1.0.0/16", s.Network.CIDR)
			},
		},
		"keeps its own domain": {
			Stage{Endpoint: Endpoint{Domain: "a.example.com", HostedZone: &HostedZone{ID: "Z1", Name: "example.com"}}},
			Stage{Endpoint: Endpoint{Domain: "b.example.com", HostedZone: &HostedZone{ID: "Z1", Name: "example.com"}}},
			func(t *testing.T, s Stage) { assert.Equal(t, "b.example.com", s.Endpoint.Domain) },
		},
		"changes one number": {
			Stage{Scale: ScaleProfile{Instance: "m6i.large", Instances: Instances{Min: new(2), Max: new(8)}}},
			Stage{Scale: ScaleProfile{Instances: Instances{Max: new(2)}}},
			func(t *testing.T, s Stage) {
				assert.Equal(t, "m6i.large", s.Scale.Instance)
				assert.Equal(t, Instances{Min: new(2), Desired: new(2), Max: new(2)}, s.Scale.Instances)
			},
		},
		"idle is idle whatever production declares": {
			Stage{Scale: ScaleProfile{Instance: "m6i.large", Instances: Instances{Min: new(2)}, Tasks: Tasks{Min: new(2)}}},
			Stage{Profile: Idle},
			func(t *testing.T, s Stage) {
				assert.Equal(t, "m6i.large", s.Scale.Instance)
				assert.Zero(t, *s.Scale.Instances.Max)
				assert.Zero(t, *s.Scale.Tasks.Max)
			},
		},
		"has a database of its own": {
			Stage{
				Database: &Database{Name: "main", User: "app", Existing: &ExistingDatabase{Host: "a", Secret: "a", SecurityGroup: "sg-01234567"}},
				Network:  Network{Egress: PublicIP, VPC: &ExistingVPC{ID: "vpc-01234567"}},
			},
			Stage{},
			func(t *testing.T, s Stage) {
				assert.Nil(t, s.Network.VPC)
				assert.Equal(t, NATInstance, s.Network.Egress)
				require.NotNil(t, s.Database)
				assert.Nil(t, s.Database.Existing)
				assert.Equal(t, "main", s.Database.Name)
				assert.Equal(t, "t4g.micro", s.Database.Instance)
			},
		},
		"merges the database": {
			Stage{Database: &Database{Instance: "m7g.large", Storage: 100}},
			Stage{Database: &Database{Instance: "t4g.micro"}},
			func(t *testing.T, s Stage) {
				assert.Equal(t, "t4g.micro", s.Database.Instance)
				assert.Equal(t, 100, s.Database.Storage)
			},
		},
		"rehearses production by whatever name": {
			Stage{Production: new(false)},
			Stage{},
			func(t *testing.T, s Stage) { assert.False(t, *s.Production) },
		},
		"declares false": {
			Stage{Exec: new(true), Production: new(true)},
			Stage{Exec: new(false)},
			func(t *testing.T, s Stage) {
				assert.False(t, *s.Exec)
				assert.True(t, *s.Production)
				assert.Equal(t, RemovalSnapshot, s.Removal)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.production.Name = "prod"
			test.canary.Name, test.canary.CanaryOf, test.canary.Region = "canary", "prod", "eu-west-1"
			app := App{Name: "shop", Stages: []Stage{test.canary, test.production}}.complete()
			assert.Equal(t, "canary", app.Stages[0].Name)
			assert.Equal(t, "prod", app.Stages[0].CanaryOf)
			assert.Equal(t, "eu-west-1", app.Stages[0].Region)
			test.want(t, app.Stages[0])
		})
	}
}

func TestPartialDeclarations(t *testing.T) {
	count := func(min, desired, max int) Instances {
		return Instances{Min: &min, Desired: &desired, Max: &max}
	}
	for name, test := range map[string]struct{ declared, want Instances }{
		"nothing":         {Instances{}, count(1, 2, 6)},
		"min":             {Instances{Min: new(3)}, count(3, 3, 6)},
		"min above max":   {Instances{Min: new(8)}, count(8, 8, 8)},
		"max":             {Instances{Max: new(10)}, count(1, 2, 10)},
		"max below":       {Instances{Max: new(1)}, count(1, 1, 1)},
		"nothing at most": {Instances{Max: new(0)}, count(0, 0, 0)},
		"desired":         {Instances{Desired: new(9)}, count(1, 9, 9)},
		"desired zero":    {Instances{Desired: new(0)}, count(0, 0, 6)},
		"all":             {count(4, 5, 6), count(4, 5, 6)},
	} {
		t.Run(name, func(t *testing.T) {
			scale := ScaleProfile{Instances: test.declared}
			scale.setDefaults(Standard)
			assert.Equal(t, test.want, scale.Instances)
		})
	}
	for name, test := range map[string]struct{ declared, want Tasks }{
		"nothing":       {Tasks{}, Tasks{new(1), new(5)}},
		"min above max": {Tasks{Min: new(7)}, Tasks{new(7), new(7)}},
		"max below min": {Tasks{Max: new(0)}, Tasks{new(0), new(0)}},
	} {
		t.Run("tasks "+name, func(t *testing.T) {
			scale := ScaleProfile{Tasks: test.declared}
			scale.setDefaults(Standard)
			assert.Equal(t, test.want, scale.Tasks)
		})
	}
	for name, test := range map[string]struct {
		out, min, want int
	}{
		"default":       {0, 1, 35},
		"low":           {60, 1, 29},
		"low, with two": {60, 2, 35},
		"lowest":        {1, 1, 1},
	} {
		t.Run("scale-in "+name, func(t *testing.T) {
			scale := ScaleProfile{CPU: CPUThresholds{ScaleOut: test.out}, Instances: Instances{Min: &test.min}}
			scale.setDefaults(Standard)
			assert.Equal(t, test.want, scale.CPU.ScaleIn)
		})
	}
}

// Every preset is valid as it stands.
func TestPresets(t *testing.T) {
	for profile := range presets {
		_, err := App{Name: "shop", Stages: []Stage{{Name: "dev", Profile: profile}}}.Resolve()
		assert.NoError(t, err, profile)
	}
	assert.Equal(t, Preset(Standard), Preset(""))
	first := Preset(Standard)
	*first.Instances.Min = 99
	assert.Equal(t, 1, *Preset(Standard).Instances.Min, "presets are not shared")
}

func TestComplete(t *testing.T) {
	network, err := Network{}.Complete("us-east-1")
	require.NoError(t, err)
	assert.Equal(t, Network{Egress: NATInstance, CIDR: "10.0.0.0/16", Zones: []string{"use1-az1", "use1-az2"}}, network)
	network, err = Network{}.Complete("")
	require.NoError(t, err)
	assert.Empty(t, network.Zones)
	_, err = Network{CIDR: "10.0.0.0/8"}.Complete("us-east-1")
	assert.ErrorContains(t, err, "cidr: ")

	scale, err := ScaleProfile{}.Complete()
	require.NoError(t, err)
	assert.Equal(t, Preset(Standard), scale)
	_, err = ScaleProfile{CPU: CPUThresholds{ScaleIn: 80}}.Complete()
	assert.ErrorContains(t, err, "cpu.scaleIn: 80 is not below 37.5 (scaleOut 75 × 1/(1+1))")

	service, err := Service{Name: "web"}.Complete()
	require.NoError(t, err)
	assert.Equal(t, 80, service.Port)
	_, err = Service{Name: "web", Port: 70000}.Complete()
	assert.ErrorContains(t, err, "port: 70000 is not a port")

	database, err := Database{}.Complete(true)
	require.NoError(t, err)
	assert.Equal(t, 7, database.BackupDays)
	_, err = Database{Storage: 5}.Complete(false)
	assert.ErrorContains(t, err, "storage: 5 is not a size of a database")
}

// What the CDK only knows at deployment is not checked.
func TestTokens(t *testing.T) {
	const token = "${Token[TOKEN.42]}"
	_, err := App{
		Name:     "shop",
		Services: []Service{{Name: "web", Image: token, Variables: map[string]string{"A": token}, Secrets: map[string]string{"B": token}}},
		Stages: []Stage{{
			Name: "dev", Account: token,
			Endpoint: Endpoint{Domain: token, Certificate: token, HostedZone: &HostedZone{ID: token, Name: token}},
			Database: &Database{Existing: &ExistingDatabase{Host: token, Secret: token, SecurityGroup: token}},
			Network: Network{VPC: &ExistingVPC{
				ID: token, CIDR: token, Zones: []string{token + "1", token + "2"},
				PrivateSubnets: []string{token + "1", token + "2"},
			}},
			Permissions: []Permission{{Actions: []string{"s3:*"}, Resources: []string{token}}},
		}},
	}.Resolve()
	assert.NoError(t, err)
}

func TestRegions(t *testing.T) {
	regions := Regions()
	assert.Contains(t, regions, "us-east-1")
	assert.IsIncreasing(t, regions)
	for region, offered := range vpcLinkZones {
		assert.Subset(t, zonesOf[region], offered, region)
		assert.GreaterOrEqual(t, len(offered), 2, region)
	}
	for region, zones := range zonesOf {
		for _, zone := range zones {
			assert.True(t, isZoneID(region, zone), zone)
		}
	}
	assert.False(t, isZoneID("us-east-1", "use2-az1"))
	assert.False(t, isZoneID("us-east-1", "us-east-1a"))
	assert.True(t, isZoneName("us-east-1", "us-east-1a"))
	assert.False(t, isZoneName("us-east-1", "us-east-12"))

	for _, region := range regions {
		_, err := App{Name: "shop", Stages: []Stage{{Name: "dev", Region: region, Endpoint: Endpoint{Type: ALB}}}}.Resolve()
		assert.NoError(t, err, region)
	}
}
