package spec

// The functions here are for constructs that are used alone, outside a
// declaration: each fills in the defaults of one part and checks it. An error
// is a [Problems].

// Complete fills in the defaults of a network in a region; an empty region
// means that it is not known yet.
func (n Network) Complete(region string) (Network, error) {
	n = clone(n)
	n.setDefaults(region)
	r := newReport(nil)
	n.validate(r, region)
	return n, r.errors()
}

// Complete fills in the defaults of the profile standard.
func (s ScaleProfile) Complete() (ScaleProfile, error) {
	s = clone(s)
	s.setDefaults(Standard)
	r := newReport(nil)
	s.validate(r, "")
	return s, r.errors()
}

// Complete fills in the defaults of a service.
func (s Service) Complete() (Service, error) {
	s = clone(s)
	s.setDefaults()
	r := newReport(nil)
	s.validate(r)
	return s, r.errors()
}

// Complete fills in the defaults of a database.
func (d Database) Complete(production bool) (Database, error) {
	d = clone(d)
	fill(&d.Name, defaultPostgresUser)
	d.setDefaults(App{}, production)
	r := newReport(nil)
	d.validate(r, "")
	return d, r.errors()
}

// Complete fills in the defaults of a health check.
func (h HealthCheck) Complete() (HealthCheck, error) {
	h = clone(h)
	h.setDefaults()
	r := newReport(nil)
	h.validate(r)
	return h, r.errors()
}

// Complete fills in the defaults of an endpoint and checks it for a region and
// account; one that is empty or only known at deployment is not looked at.
func (e Endpoint) Complete(region, account string) (Endpoint, error) {
	e = clone(e)
	e.setDefaults(Standard)
	r := newReport(nil)
	e.validate(r, region, account)
	return e, r.errors()
}

// CheckRoutes says what is wrong with the paths of the services behind one
// endpoint, beside the one that gets every other request.
func CheckRoutes(paths []string) error {
	r := newReport(nil)
	seen := map[string]bool{}
	for i, path := range paths {
		at := report{"routes", r.to}.item(i).field("path")
		if at.required(path, allowedRoute, "give the path") {
			validateRoute(at, path)
		}
		if seen[path] {
			at.fail(at.quote(path)+" is also the path of another", "each path once", "choose another path")
		}
		seen[path] = true
	}
	return r.errors()
}
