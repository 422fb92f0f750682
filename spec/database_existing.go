package spec

// ExistingDatabase is an RDS Postgres instance that this declaration uses but
// does not own. It must be in the VPC that [Network.VPC] names.
type ExistingDatabase struct {
	// Host is the instance's endpoint address.
	//   - Default: required
	//   - Allowed: a host name, without port; one of RDS in the stage's region
	//   - Change: restarts tasks
	//   - Example: main.abc123.us-east-1.rds.amazonaws.com
	Host string `yaml:"host"`

	// Port of the instance.
	//   - Default: 5432
	//   - Allowed: 1 to 65535
	//   - Change: restarts tasks, replaces AWS::EC2::SecurityGroupIngress
	//   - Example: 5433
	Port int `yaml:"port"`

	// Secret is the name or ARN of the Secrets Manager secret whose key
	// "password" is the password.
	//   - Default: required
	//   - Allowed: the name or ARN of a Secrets Manager secret, without #key
	//   - Change: restarts tasks
	//   - Example: prod/books/clerk
	Secret string `yaml:"secret"`

	// SecurityGroup is the id of the instance's security group; a rule that
	// lets the stage in is added to it.
	//   - Default: required
	//   - Allowed: the id of a security group
	//   - Change: replaces AWS::EC2::SecurityGroupIngress
	//   - Example: sg-0123456789abcdef1
	SecurityGroup string `yaml:"securityGroup"`
}

func (d Database) validateExisting(r report, region string) {
	for _, field := range []struct {
		name  string
		given bool
	}{
		{"instance", d.Instance != ""},
		{"storage", d.Storage != 0},
		{"maxStorage", d.MaxStorage != 0},
		{"version", d.Version != ""},
		{"multiAz", d.MultiAZ != nil},
		{"backupDays", d.BackupDays != 0},
		{"allowMajorUpgrade", d.AllowMajorUpgrade},
		{"backupWindow", d.BackupWindow != ""},
		{"maintenanceWindow", d.MaintenanceWindow != ""},
		{"extendedSupport", d.ExtendedSupport},
		{"databaseInsights", d.DatabaseInsights != nil},
		{"parameters", len(d.Parameters) > 0},
		{"logExports", len(d.LogExports) > 0},
		{"iamUser", d.IAMUser != ""},
		{"readReplicas", len(d.ReadReplicas) > 0},
		{"rotation", d.Rotation != nil},
	} {
		if field.given {
			r.field(field.name).fail("is given for an existing database", "existing, name, user, services, variables, overrides and tunnel", "remove it, or remove existing to have a database made")
		}
	}
	d.Existing.validate(r.field("existing"), region)
}

var (
	hostPattern  = compile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	hostRegion   = compile(`\.([a-z]{2}-[a-z]+-[0-9])\.rds\.amazonaws\.com$`)
	groupPattern = compile(`^sg-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)
)

// validate checks an existing database; an empty region is not known yet.
func (e ExistingDatabase) validate(r report, region string) {
	host, secret, group := r.field("host"), r.field("secret"), r.field("securityGroup")
	if host.required(e.Host, "the instance's endpoint address", "copy it from the RDS console, without the port") {
		host.matches(e.Host, hostPattern, "a host name", "a host name, as in main.abc123.us-east-1.rds.amazonaws.com", "give the bare host name, without port or postgres://")
		if part := hostRegion.FindStringSubmatch(e.Host); part != nil && region != "" && !isToken(region) && part[1] != region {
			host.fail(host.quote(e.Host)+" is not in the stage's region "+r.quote(region), "a database of that region", "name one, or move the stage")
		}
	}
	r.field("port").between(e.Port, 1, 65535, "a port", "", "give the port of the instance")
	if secret.required(e.Secret, "the name or ARN of a Secrets Manager secret", "name the secret that holds the password") && !isToken(e.Secret) {
		const allowed = "the name or ARN of a Secrets Manager secret, without #key"
		switch ref, err := ParseSecretRef(e.Secret); {
		case err != nil:
			secret.fail(err.Error(), allowed, secretFix(e.Secret))
		case ref.Store != SecretsManager:
			secret.fail("is not in Secrets Manager", allowed, "keep the password in Secrets Manager")
		case ref.Key != "":
			secret.fail("names a key: the password is always the key \"password\"", allowed, "remove the # and what follows it")
		case ref.Region() != "" && region != "" && !isToken(region) && ref.Region() != region:
			secret.fail(secret.quote(e.Secret)+" is not in the stage's region "+r.quote(region), allowed, "name a secret of that region")
		}
	}
	if group.required(e.SecurityGroup, "the id of a security group", "give the instance's security group") {
		group.matches(e.SecurityGroup, groupPattern, "the id of a security group", "an id, as in sg-0123456789abcdef0", "give the group's id, not its name")
	}
}

// validateExistingDatabase checks that the stage can reach it.
func (s Stage) validateExistingDatabase(r report) {
	if s.Database.Existing != nil && s.Network.VPC == nil {
		r.field("existing").fail("is in a VPC that the stage is not in", "an existing database together with network.vpc", "name the VPC of the database under network.vpc")
	}
}
