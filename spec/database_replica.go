package spec

import "slices"

// ReadReplica is a copy of a database that follows it and can be read from.
type ReadReplica struct {
	// Instance is the RDS instance class without "db.".
	//   - Default: that of the database
	//   - Allowed: an instance class that RDS offers for Postgres
	//   - Change: in place; with a restart of the replica
	//   - Example: t4g.small
	Instance string `yaml:"instance"`

	// Region of the replica, where that is not the stage's: a provision for the
	// loss of that region, in a network and with a key of its own there. The
	// stage's services do not get its address. One in each region; a canary
	// has none of these.
	//   - Default: the stage's
	//   - Allowed: a commercial AWS region
	//   - Change: restarts tasks; the old replica goes, or in another region stays deployed until somebody deletes it
	//   - Example: eu-west-3
	Region string `yaml:"region"`
}

func (r ReadReplica) elsewhere() bool { return r.Region != "" }

func (r ReadReplica) validate(at report, region string) {
	if r.Region != "" {
		where := at.field("region")
		if validateRegion(where, r.Region) && r.Region == region {
			where.fail(where.quote(r.Region)+" is the stage's own region", "another region", "leave it out for a replica beside the database")
		}
	}
	Database{Instance: r.Instance}.validateInstance(at.field("instance"))
}

// Replicas are the database's replicas in the region of its stage.
func (d Database) Replicas() []ReadReplica {
	return slices.DeleteFunc(slices.Clone(d.ReadReplicas), ReadReplica.elsewhere)
}

// ReplicaRegions are the other regions in which the stage's database has a
// replica.
func (s Stage) ReplicaRegions() []string {
	var regions []string
	if s.NewDatabase() {
		for _, replica := range s.Database.ReadReplicas {
			if replica.elsewhere() {
				regions = append(regions, replica.Region)
			}
		}
	}
	return regions
}
