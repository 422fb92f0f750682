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
