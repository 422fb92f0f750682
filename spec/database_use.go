package spec

import (
	"slices"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/internal/suggest"
)

// databaseNames are the variables that a stage's database can set.
var databaseNames = []string{"PG_CREDENTIALS_SECRET", "PG_DATABASE", "PG_HOST", "PG_PORT", "PG_READER_HOST", "PG_READER_HOSTS", "PG_READER_PORT", "PG_USER"}

// appNames are the variables that only migrations get, where the services' user
// alternates: they are to make that user.
var appNames = []string{"PG_APP_CREDENTIALS_SECRET", "PG_APP_ROLE", "PG_APP_USER"}

// readerNames are those that only replicas bring.
var readerNames = []string{"PG_READER_HOST", "PG_READER_HOSTS", "PG_READER_PORT"}

// names are the variables that the database sets.
func (d Database) names() []string {
	if len(d.Replicas()) > 0 {
		return databaseNames
	}
	return slices.DeleteFunc(slices.Clone(databaseNames), func(name string) bool { return slices.Contains(readerNames, name) })
}

// MigratesDatabase says whether a migration of the service runs in the stage
// and gets the database.
func (s Stage) MigratesDatabase(service Service) bool {
	return s.UsesDatabase(service) && s.Migrates(service)
}

// UsesDatabase says whether the service gets the stage's database.
func (s Stage) UsesDatabase(service Service) bool {
	switch {
	case s.Database == nil:
		return false
	case len(s.Database.Services) > 0:
		return slices.Contains(s.Database.Services, service.Name)
	default:
		return value(service.StageConfig)
	}
}

// DatabaseNames are the variables that the stage's database sets in the
// containers of the service: not those that the declaration overrides and declares
// itself, nor those that are filled by a text of its own.
func (s Stage) DatabaseNames(service Service) []string {
	if !s.UsesDatabase(service) {
		return nil
	}
	own := s.DatabaseVariables(service)
	return slices.DeleteFunc(slices.Clone(s.Database.names()), func(name string) bool {
		_, replaced := own[name]
		return replaced || slices.Contains(s.Database.Overrides, name) && s.declares(service, name)
	})
}

// validateDatabaseUse checks who gets the stage's database, and how.
func (s Stage) validateDatabaseUse(r report, app App) {
	var known, shown []string
	for _, service := range app.Services {
		known = append(known, service.Name)
		if r.plain(service.Name) {
			shown = append(shown, service.Name)
		}
	}
	for i, name := range s.Database.Services {
		at := r.field("services").item(i)
		switch {
		case !slices.Contains(known, name):
			fix := suggest.DidYouMean(name, shown)
			if fix == "" {
				fix = "name a service that is declared"
			}
			at.fail(at.quote(name)+" is not a service", phrase.List(shown, "or"), fix)
		case slices.Contains(s.Database.Services[:i], name):
			at.fail(at.quote(name)+" is given twice", "each service once", "remove one of the two")
		}
	}
	names := s.Database.names()
	for i, name := range s.Database.Overrides {
		at := r.field("overrides").item(i)
		declared := slices.ContainsFunc(app.Services, func(service Service) bool {
			return s.UsesDatabase(service) && s.declares(service, name)
		})
		switch {
		case !slices.Contains(names, name):
			fix := suggest.DidYouMean(name, names)
			if fix == "" {
				fix = "remove it"
			}
			at.fail(at.quote(name)+" is not a variable that the database sets", phrase.List(names, "or"), fix)
		case !declared:
			at.fail("overrides nothing: no service that gets the database has a variable or secret "+at.quote(name), "a name that is declared", "declare the variable or secret, or remove this")
		}
	}
	if s.Database.Rotation != nil && s.Network.Egress == PublicIP && s.Network.VPC == nil {
		r.field("rotation").fail("needs a way from private subnets to Secrets Manager, which the egress public-ip does not give them", phrase.List([]string{string(NATInstance), string(NATGateway), string(NATGatewayPerZone), string(VPCEndpoints)}, "or"), "choose another egress")
	}
	s.validateAlternation(r, app)
	s.validateDatabaseTexts(r.field("variables"), s.Database.Variables)
	if s.Database.Tunnel && value(s.Production) {
		r.field("tunnel").warn("lets people with ssm:StartSession open shells on production's instances", "bind that permission to the few who need it, and turn the tunnel off after use")
	}
}
