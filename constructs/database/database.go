// Package database makes PgDatabase, a private Postgres instance, or attaches
// one that is there.
//
// The instance is stateful, so it belongs into a stack of its own, and nothing
// in that stack refers to a stack that comes later: the rule that lets
// a service in is made by [PgDatabase.AllowFrom], in the service's stack.
package database

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/spec"
)

// port that a new instance listens at.
const port = 5432

// PgDatabaseProps says what database is wanted.
type PgDatabaseProps struct {
	// VPC of the instance. Required.
	VPC awsec2.IVpc

	// Subnets of the instance. Default: the isolated ones.
	Subnets *awsec2.SubnetSelection

	// Database is the declaration. Its fields services, variables, overrides and tunnel
	// are for the stage and ignored here, and so are replicas in other regions,
	// which [NewRemoteReplica] makes. Default: Postgres 17 on a t4g.micro with
	// 20 GB.
	Database spec.Database

	// Identifier of the instance, unique in its account and region. It also
	// keeps CloudFormation from replacing the instance. Default: given by
	// CloudFormation; the instance's log is then not exported.
	Identifier string

	// SecretName of the credentials; those of a user that alternates have its
	// name at the end, after a slash. Default: given by CloudFormation.
	SecretName string

	// Owner is named in the description of the credentials.
	// Default: the name of the stack.
	Owner string

	// Production turns on longer backups and Database Insights.
	// Default: false.
	Production bool

	// RotationSubnets are the subnets of the function that rotates the
	// password, from which Secrets Manager has to be reachable. Default: the
	// private ones.
	RotationSubnets *awsec2.SubnetSelection

	// Removal is what becomes of the data when the stack is deleted: destroy,
	// snapshot, or retain, which also protects the instance from deletion.
	// Default: snapshot.
	Removal spec.Removal

	// LogRetentionDays is how many days the instance's logs are kept.
	// Default: [spec.DefaultLogRetentionDays].
	LogRetentionDays int
}

// PgDatabase is a Postgres database and how to reach it.
type PgDatabase interface {
	constructs.Construct
	// Instance is the RDS instance; nil where the database was there already.
	Instance() awsrds.DatabaseInstance
	// Secret holds the credentials; its key "password" is the password.
	Secret() awssecretsmanager.ISecret
	// UserSecret holds the credentials of the user that alternates with
	// another, which services log in as; nil without one. Its keys are
	// "username" and "password". RotateUser rotates it.
	UserSecret() awssecretsmanager.ISecret
	// SecurityGroup of the instance.
	SecurityGroup() awsec2.ISecurityGroup
	// Replicas of the instance, in its own region.
	Replicas() []awsrds.DatabaseInstanceReadReplica
	// Variables are PG_HOST, PG_PORT, PG_DATABASE and PG_USER; with replicas
	// also PG_READER_HOST (the first), PG_READER_HOSTS (all, with commas) and
	// PG_READER_PORT. A user that alternates is among the secrets.
	Variables() map[string]string
	// Secrets are PG_CREDENTIALS_SECRET, the password; where the user
	// alternates also PG_USER.
	Secrets() map[string]awsecs.Secret
	// MigrationVariables and MigrationSecrets are what migrations need
	// besides, where the user alternates, to make that user: PG_USER and
	// PG_CREDENTIALS_SECRET of the master user, PG_APP_ROLE, the name that is
	// declared, PG_APP_USER, that or its clone, and PG_APP_CREDENTIALS_SECRET.
	MigrationVariables() map[string]string
	MigrationSecrets() map[string]awsecs.Secret
	// Variable is a text about the database as a service gets it: a value, or else
	// a secret, of which the other is empty. A text that is composed of a password
	// and more needs Compose. It panics where the text names a replica, and there
	// is none.
	Variable(text spec.DatabaseText) (string, awsecs.Secret)
	// MigrationVariable is the same for migrations, where they log in as somebody
	// else.
	MigrationVariable(text spec.DatabaseText) (string, awsecs.Secret)
	// Compose keeps texts that have a password in them in one secret, by their
	// keys. It belongs to the stack of the services.
	Compose(scope constructs.Construct, id *string, texts map[string]spec.DatabaseText) *Composition
	// ComposeForMigrations does so for migrations.
	ComposeForMigrations(scope constructs.Construct, id *string, texts map[string]spec.DatabaseText) *Composition
	// AllowFrom lets the members of a security group connect to the database's
	// port. The rule is made in scope, which belongs to the client's stack.
	AllowFrom(scope constructs.Construct, id *string, client awsec2.ISecurityGroup) awsec2.CfnSecurityGroupIngress
	// RotateUser has the credentials in UserSecret rotated. It panics where
	// no user alternates.
	RotateUser(scope constructs.Construct, id *string, props *UserRotationProps) awssecretsmanager.RotationSchedule
	// GrantConnect lets a role log in to the instance and its replicas as the
	// declared iamUser. Where none is declared it does nothing.
	GrantConnect(grantee awsiam.IGrantable)
}

type pgDatabase struct {
	constructs.Construct
	instance awsrds.DatabaseInstance
	secret   awssecretsmanager.ISecret
	// userSecret is that of the user that alternates; nil without one.
	userSecret awssecretsmanager.Secret
	// attached is the same secret, to which the CDK adds the instance's address
	// and port: the function that rotates it reads them there.
	attached   awssecretsmanager.ISecret
	rotation   spec.Rotation
	security   awsec2.ISecurityGroup
	host       *string
	port       int
	name, user string
	iamUser    string
	replicas   []awsrds.DatabaseInstanceReadReplica
	// readers are the addresses of the replicas.
	readers []string
	// secrets are those of Secrets, once asked for.
	secrets map[string]awsecs.Secret
}

// NewPgDatabase makes a Postgres instance with credentials in Secrets Manager.
// It panics with all problems of its declaration if there are any.
func NewPgDatabase(scope constructs.Construct, id *string, props *PgDatabaseProps) PgDatabase {
	declared, err := props.Database.Complete(props.Production)
	if err != nil {
		panic(fmt.Errorf("database %s: %w", *id, err))
	}
	d := &pgDatabase{name: declared.Name, user: declared.User, iamUser: declared.IAMUser, port: port}
	constructs.NewConstruct_Override(d, scope, id)
	d.makeSecret(props, declared)
	d.makeInstance(props, declared)
	switch {
	case declared.Alternates():
		d.addUser(props, declared)
	case declared.Rotation != nil:
		d.rotate(props, *declared.Rotation)
	}
	return d
}

// AttachPgDatabase refers to an instance that is there already, by the existing
// of its declaration, which is required. It makes no resource: the secret and the
// security group are imported.
func AttachPgDatabase(scope constructs.Construct, id *string, declared spec.Database) PgDatabase {
	existing := *declared.Existing
	d := &pgDatabase{name: declared.Name, user: declared.User, host: &existing.Host, port: existing.Port}
	constructs.NewConstruct_Override(d, scope, id)
	if strings.HasPrefix(existing.Secret, "arn:") {
		d.secret = awssecretsmanager.Secret_FromSecretCompleteArn(d, jsii.String("Secret"), &existing.Secret)
	} else {
		d.secret = awssecretsmanager.Secret_FromSecretNameV2(d, jsii.String("Secret"), &existing.Secret)
	}
	d.security = awsec2.SecurityGroup_FromSecurityGroupId(d, jsii.String("SecurityGroup"), &existing.SecurityGroup, nil)
	return d
}

func (d *pgDatabase) Instance() awsrds.DatabaseInstance    { return d.instance }
func (d *pgDatabase) Secret() awssecretsmanager.ISecret    { return d.secret }
func (d *pgDatabase) SecurityGroup() awsec2.ISecurityGroup { return d.security }

func (d *pgDatabase) UserSecret() awssecretsmanager.ISecret {
	if d.userSecret == nil {
		return nil // not an interface that holds nil
	}
	return d.userSecret
}

func (d *pgDatabase) Replicas() []awsrds.DatabaseInstanceReadReplica { return slices.Clone(d.replicas) }

func (d *pgDatabase) Variables() map[string]string {
	variables := map[string]string{
		"PG_HOST":     *d.host,
		"PG_PORT":     fmt.Sprint(d.port),
		"PG_DATABASE": d.name,
	}
	if d.userSecret == nil {
		variables["PG_USER"] = d.user
	}
	if len(d.readers) > 0 {
		variables["PG_READER_HOST"] = d.readers[0]
		variables["PG_READER_HOSTS"] = strings.Join(d.readers, ",")
		variables["PG_READER_PORT"] = fmt.Sprint(d.port)
	}
	return variables
}

func (d *pgDatabase) GrantConnect(grantee awsiam.IGrantable) {
	if d.iamUser == "" {
		return
	}
	// One statement for all of them: of several, the CDK merges the resources in the
	// order of its tokens' numbers taken as texts, which changes with what the app
	// makes before.
	resources := []*string{d.connectARN(d.instance)}
	for _, replica := range d.replicas {
		resources = append(resources, d.connectARN(replica))
	}
	awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Grantee: grantee, Actions: jsii.Strings("rds-db:connect"), ResourceArns: &resources,
	})
}

// connectARN is the declared iamUser of an instance, as policies name it.
func (d *pgDatabase) connectARN(instance awsrds.IDatabaseInstance) *string {
	return awscdk.Stack_Of(d).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("rds-db"), Resource: jsii.String("dbuser"), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
		ResourceName: jsii.String(*instance.InstanceResourceId() + "/" + d.iamUser),
	})
}

func (d *pgDatabase) Secrets() map[string]awsecs.Secret {
	switch {
	case d.secrets != nil: // made for another service
	case d.userSecret != nil:
		d.secrets = map[string]awsecs.Secret{"PG_USER": username(d.userSecret), "PG_CREDENTIALS_SECRET": password(d.userSecret)}
	default:
		d.secrets = map[string]awsecs.Secret{"PG_CREDENTIALS_SECRET": password(d.secret)}
	}
	return maps.Clone(d.secrets)
}

func (d *pgDatabase) MigrationVariables() map[string]string {
	if d.userSecret == nil {
		return nil
	}
	return map[string]string{"PG_USER": d.user, "PG_APP_ROLE": d.rotation.User}
}

func (d *pgDatabase) MigrationSecrets() map[string]awsecs.Secret {
	if d.userSecret == nil {
		return nil
	}
	return map[string]awsecs.Secret{
		"PG_CREDENTIALS_SECRET":     password(d.secret),
		"PG_APP_USER":               username(d.userSecret),
		"PG_APP_CREDENTIALS_SECRET": password(d.userSecret),
	}
}

func username(of awssecretsmanager.ISecret) awsecs.Secret {
	return awsecs.Secret_FromSecretsManager(of, jsii.String("username"))
}

func password(of awssecretsmanager.ISecret) awsecs.Secret {
	return awsecs.Secret_FromSecretsManager(of, jsii.String("password"))
}

func (d *pgDatabase) AllowFrom(scope constructs.Construct, id *string, client awsec2.ISecurityGroup) awsec2.CfnSecurityGroupIngress {
	return awsec2.NewCfnSecurityGroupIngress(scope, id, &awsec2.CfnSecurityGroupIngressProps{
		GroupId:               d.security.SecurityGroupId(),
		SourceSecurityGroupId: client.SecurityGroupId(),
		IpProtocol:            jsii.String("tcp"),
		FromPort:              jsii.Number(d.port),
		ToPort:                jsii.Number(d.port),
		Description:           jsii.String("Postgres from tasks of the stage"),
	})
}

func (d *pgDatabase) makeSecret(props *PgDatabaseProps, declared spec.Database) {
	secret := d.newSecret(props, "Secret", props.SecretName, "credentials of the Postgres database", jsii.String(fmt.Sprintf(`{"username":%q}`, d.user)))
	d.secret = secret
	switch {
	case declared.Alternates():
		acknowledge.All(secret, acknowledge.Finding{Rule: "AwsSolutions-SMG4", Reason: "Only migrations and the rotation of the services' user log in with it."})
	case declared.Rotation == nil:
		acknowledge.All(secret, acknowledge.Finding{Rule: "AwsSolutions-SMG4", Reason: "ECS reads a secret only when a task starts, so a rotation nobody asked for would cut the running tasks off their database."})
	}
}

// newSecret makes credentials: what is in the template, and a password.
func (d *pgDatabase) newSecret(props *PgDatabaseProps, id, name, description string, template *string) awssecretsmanager.Secret {
	owner := props.Owner
	if owner == "" {
		owner = *awscdk.Stack_Of(d).StackName()
	}
	return awssecretsmanager.NewSecret(d, &id, &awssecretsmanager.SecretProps{
		SecretName:  optional.Text(name),
		Description: jsii.String(owner + ": " + description),
		GenerateSecretString: &awssecretsmanager.SecretStringGenerator{
			SecretStringTemplate: template,
			GenerateStringKey:    jsii.String("password"),
			PasswordLength:       jsii.Number(32),
			// What RDS refuses, and what connection strings and shells trip
			// over.
			ExcludePunctuation: jsii.Bool(true),
		},
		RemovalPolicy: keep(props.Removal),
	})
}

func (d *pgDatabase) makeInstance(props *PgDatabaseProps, declared spec.Database) {
	subnets := props.Subnets
	if subnets == nil {
		subnets = &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}
	}
	security := awsec2.NewSecurityGroup(d, jsii.String("SecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              props.VPC,
		Description:      jsii.String("Postgres: in from tasks of the stage only"),
		AllowAllOutbound: jsii.Bool(false),
	})
	security.ApplyRemovalPolicy(keep(props.Removal))
	d.security = security
	engine := engineOf(declared)
	parameters := newParameters(d, engine, declared, keep(props.Removal))
	group := awsrds.NewSubnetGroup(d, jsii.String("SubnetGroup"), &awsrds.SubnetGroupProps{
		Vpc:           props.VPC,
		VpcSubnets:    subnets,
		Description:   jsii.String("Subnets of the Postgres instance"),
		RemovalPolicy: keep(props.Removal),
	})
	protected := props.Removal == spec.RemovalRetain
	instance := awsrds.NewDatabaseInstance(d, jsii.String("Instance"), &awsrds.DatabaseInstanceProps{
		Vpc:                    props.VPC,
		SubnetGroup:            group,
		SecurityGroups:         &[]awsec2.ISecurityGroup{security},
		PubliclyAccessible:     jsii.Bool(false),
		Engine:                 engine,
		ParameterGroup:         parameters,
		InstanceIdentifier:     optional.Text(props.Identifier),
		InstanceType:           awsec2.NewInstanceType(jsii.String(strings.TrimPrefix(declared.Instance, "db."))),
		DatabaseName:           jsii.String(declared.Name),
		Credentials:            awsrds.Credentials_FromSecret(d.secret, jsii.String(declared.User)),
		Port:                   jsii.Number(port),
		MultiAz:                declared.MultiAZ,
		StorageType:            awsrds.StorageType_GP3,
		AllocatedStorage:       jsii.Number(declared.Storage),
		MaxAllocatedStorage:    jsii.Number(declared.MaxStorage),
		StorageEncrypted:       jsii.Bool(true),
		BackupRetention:        awscdk.Duration_Days(jsii.Number(declared.BackupDays)),
		DeleteAutomatedBackups: jsii.Bool(props.Removal == spec.RemovalDestroy),
		CopyTagsToSnapshot:     jsii.Bool(true),
		// A minor version that is declared stays until another one is.
		AutoMinorVersionUpgrade:    jsii.Bool(!strings.Contains(declared.Version, ".")),
		AllowMajorVersionUpgrade:   trueOrNil(declared.AllowMajorUpgrade),
		EngineLifecycleSupport:     lifecycle(declared.ExtendedSupport),
		PreferredBackupWindow:      optional.Text(declared.BackupWindow),
		PreferredMaintenanceWindow: optional.Text(declared.MaintenanceWindow),
		// CloudFormation leaves what is no longer in a template as it was, so what
		// can be turned on is also said where it is off.
		EnablePerformanceInsights: declared.DatabaseInsights,
		DatabaseInsightsMode:      awsrds.DatabaseInsightsMode_STANDARD,
		IamAuthentication:         jsii.Bool(declared.IAMUser != ""),
		CloudwatchLogsExports:     exported(props.Identifier, declared.LogExports),
		DeletionProtection:        jsii.Bool(protected),
		RemovalPolicy:             removalPolicy(props.Removal),
	})
	d.instance = instance
	d.host = instance.DbInstanceEndpointAddress()
	resource := instance.Node().DefaultChild().(awsrds.CfnDBInstance)
	if props.Identifier != "" {
		d.exportLogs(props, props.Identifier, "LogGroup", resource, declared.LogExports)
	}
	for i, replica := range declared.Replicas() {
		d.addReplica(props, declared, replica, i+1, group, parameters)
	}

	var accepted []acknowledge.Finding
	if !*declared.MultiAZ {
		accepted = append(accepted, acknowledge.Finding{Rule: "AwsSolutions-RDS3", Reason: "A standby doubles the price of the instance; the declaration turns it on with multiAz."})
	}
	if !protected {
		accepted = append(accepted, acknowledge.Finding{Rule: "AwsSolutions-RDS10", Reason: "Deletion protection comes with removal: retain, the default in production; this stage is meant to be deleted, with a last snapshot."})
	}
	acknowledge.All(resource, append(accepted,
		acknowledge.Finding{Rule: "AwsSolutions-RDS11", Reason: "The port is closed to everybody but the stage's tasks; another number would hide nothing."})...)
}

// lifecycle says whether the instance goes into extended support by itself. Where it
// may, nothing is said, which means the same: CloudFormation refuses every change of
// the property, and instances made without it can so be left as they are.
func lifecycle(extended bool) awsrds.EngineLifecycleSupport {
	if extended {
		return ""
	}
	return awsrds.EngineLifecycleSupport_OPEN_SOURCE_RDS_EXTENDED_SUPPORT_DISABLED
}

func engineOf(declared spec.Database) awsrds.IInstanceEngine {
	major, _, _ := strings.Cut(declared.Version, ".")
	return awsrds.DatabaseInstanceEngine_Postgres(&awsrds.PostgresInstanceEngineProps{
		Version: awsrds.PostgresEngineVersion_Of(&declared.Version, &major, nil),
	})
}

// newParameters is a group without a name: for another major version
// CloudFormation makes another group beside it, moves the instance there, and
// removes this one last.
func newParameters(scope constructs.Construct, engine awsrds.IInstanceEngine, declared spec.Database, removal awscdk.RemovalPolicy) awsrds.ParameterGroup {
	settings := map[string]*string{"rds.force_ssl": jsii.String("1")}
	for name, value := range declared.Parameters {
		settings[name] = &value
	}
	return awsrds.NewParameterGroup(scope, jsii.String("Parameters"), &awsrds.ParameterGroupProps{
		Engine:        engine,
		Description:   jsii.String("TLS required"),
		Parameters:    &settings,
		RemovalPolicy: removal,
	})
}

// exported are the logs that RDS sends to CloudWatch; nil without an identifier,
// by which the names of their groups would be known.
func exported(identifier string, names []string) *[]*string {
	if identifier == "" || len(names) == 0 {
		return nil
	}
	return jsii.Strings(names...)
}

// exportLogs makes the groups of the instance's logs before the instance: RDS
// would make some that are kept for ever.
func (d *pgDatabase) exportLogs(props *PgDatabaseProps, identifier, id string, instance awsrds.CfnDBInstance, names []string) {
	var groups []constructs.IDependable
	for _, name := range names {
		groupID := id
		if name != spec.LogPostgres {
			groupID += "-" + name
		}
		groups = append(groups, observability.NewLogGroup(d, &groupID, &observability.LogGroupProps{
			Name:          naming.DatabaseLogs(identifier, name),
			RetentionDays: props.LogRetentionDays,
		}))
	}
	if len(groups) > 0 {
		instance.Node().AddDependency(groups...)
	}
}

// addReplica makes a copy beside the instance. It holds nothing of its own, so
// it goes with the stack, also where the instance stays.
func (d *pgDatabase) addReplica(props *PgDatabaseProps, declared spec.Database, replica spec.ReadReplica, number int, group awsrds.ISubnetGroup, parameters awsrds.IParameterGroup) {
	id := fmt.Sprintf("Replica%d", number)
	identifier := ""
	if props.Identifier != "" {
		identifier = naming.Replica(props.Identifier, number)
	}
	made := awsrds.NewDatabaseInstanceReadReplica(d, &id, &awsrds.DatabaseInstanceReadReplicaProps{
		SourceDatabaseInstance:     d.instance,
		Vpc:                        props.VPC,
		SubnetGroup:                group,
		SecurityGroups:             &[]awsec2.ISecurityGroup{d.security},
		PubliclyAccessible:         jsii.Bool(false),
		InstanceIdentifier:         optional.Text(identifier),
		InstanceType:               awsec2.NewInstanceType(jsii.String(strings.TrimPrefix(replica.Instance, "db."))),
		ParameterGroup:             parameters,
		Port:                       jsii.Number(port),
		StorageType:                awsrds.StorageType_GP3,
		MaxAllocatedStorage:        jsii.Number(declared.MaxStorage),
		PreferredMaintenanceWindow: optional.Text(declared.MaintenanceWindow),
		// CloudFormation leaves what is no longer in a template as it was, so what
		// can be turned on is also said where it is off.
		EnablePerformanceInsights: declared.DatabaseInsights,
		DatabaseInsightsMode:      awsrds.DatabaseInsightsMode_STANDARD,
		IamAuthentication:         jsii.Bool(declared.IAMUser != ""),
		CopyTagsToSnapshot:        jsii.Bool(true),
		AutoMinorVersionUpgrade:   jsii.Bool(!strings.Contains(declared.Version, ".")),
		CloudwatchLogsExports:     exported(identifier, declared.LogExports),
		DeletionProtection:        jsii.Bool(false),
		RemovalPolicy:             awscdk.RemovalPolicy_DESTROY,
	})
	resource := made.Node().DefaultChild().(awsrds.CfnDBInstance)
	if identifier != "" {
		d.exportLogs(props, identifier, id+"LogGroup", resource, declared.LogExports)
	}
	d.replicas = append(d.replicas, made)
	d.readers = append(d.readers, *made.DbInstanceEndpointAddress())
	// It is encrypted as its source is, and RDS does not want to be told.
	resource.AddPropertyDeletionOverride(jsii.String("StorageEncrypted"))
	acceptFindings(resource, "Encrypted as its source is: RDS takes no other instruction.",
		"The port is closed to everybody but the stage's tasks; another number would hide nothing.")
}

// acceptFindings is about a replica: why its encryption is not declared, and why
// its port is the usual one, depends on where it stands.
func acceptFindings(replica awsrds.CfnDBInstance, encryption, port string) {
	acknowledge.All(replica,
		acknowledge.Finding{Rule: "AwsSolutions-RDS2", Reason: encryption},
		acknowledge.Finding{Rule: "AwsSolutions-RDS3", Reason: "It is a copy itself: when it is lost, another is made of the database."},
		acknowledge.Finding{Rule: "AwsSolutions-RDS10", Reason: "It is a copy: nothing is lost with it."},
		acknowledge.Finding{Rule: "AwsSolutions-RDS11", Reason: port})
}

// removalPolicy is what a declared removal is to CloudFormation.
func removalPolicy(removal spec.Removal) awscdk.RemovalPolicy {
	switch removal {
	case spec.RemovalRetain:
		return awscdk.RemovalPolicy_RETAIN
	case spec.RemovalDestroy:
		return awscdk.RemovalPolicy_DESTROY
	default:
		return awscdk.RemovalPolicy_SNAPSHOT
	}
}

// keep is the removal policy of what a retained instance cannot do without:
// CloudFormation could not delete it, and the stack's deletion would fail.
func keep(removal spec.Removal) awscdk.RemovalPolicy {
	if removal == spec.RemovalRetain {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}

func trueOrNil(flag bool) *bool {
	if !flag {
		return nil
	}
	return &flag
}
