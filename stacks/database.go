package stacks

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/database"
	"github.com/tinystack-go/tinystack/constructs/network"
	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/constructs/service"
	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// addDatabase makes the stack of the stage's data, and those of its replicas
// elsewhere. It gives nil where the stage has no database, or one that was there
// already.
func (m *maker) addDatabase(net stageNetwork) database.PgDatabase {
	if !m.declared.NewDatabase() {
		return nil
	}
	stack := m.newStack(spec.DataStack, "Postgres")
	n := net.in(stack)
	made := database.NewPgDatabase(stack, jsii.String("Database"), &database.PgDatabaseProps{
		VPC:              n.VPC(),
		Subnets:          n.DatabaseSubnets(),
		Database:         *m.declared.Database,
		Identifier:       m.databaseIdentifier(),
		SecretName:       m.called().DatabaseSecret(),
		Owner:            m.app.Name,
		Production:       *m.declared.Production,
		RotationSubnets:  n.PrivateSubnets(),
		Removal:          m.declared.Removal,
		LogRetentionDays: m.declared.LogRetentionDays,
	})
	output(stack, "DatabaseCredentials", "Finds the credentials of the database", fmt.Sprintf(
		`aws secretsmanager list-secrets --region %s --filters Key=tag-key,Values=aws:cloudformation:stack-name Key=tag-value,Values=%s --query "SecretList[?starts_with(Name, '%s/')].[Name,ARN]" --output table`,
		m.declared.Region, m.called().Stack(spec.DataStack), m.declared.Name))
	m.addRemoteReplicas(stack)
	return made
}

// databaseIdentifier is the physical name of the stage's own instance.
func (m *maker) databaseIdentifier() string { return m.called().String() }

// databaseAccess is how a stage uses its database. It is empty where there is
// none.
type databaseAccess struct {
	database database.PgDatabase
	// ingress lets the container instances reach it.
	ingress awsec2.CfnSecurityGroupIngress
	// composed holds the texts that have the password in them, and
	// composedForMigrations those of the master user, where services log in as
	// another; nil without any.
	composed, composedForMigrations *database.Composition
}

// openDatabase lets the container instances reach the stage's database: the one
// that was made, or one that was there already.
func (m *maker) openDatabase(stack awscdk.Stack, made database.PgDatabase, cluster runningCluster) databaseAccess {
	if m.declared.Database == nil {
		return databaseAccess{}
	}
	if m.declared.Database.Existing != nil {
		made = database.AttachPgDatabase(stack, jsii.String("Database"), *m.declared.Database)
	}
	access := databaseAccess{database: made, ingress: made.AllowFrom(stack, jsii.String("DatabaseIngress"), cluster.made.SecurityGroup())}
	if texts := m.declared.ComposedVariables(m.app.Services...); len(texts) > 0 {
		access.composed = made.Compose(stack, jsii.String("DatabaseVariables"), texts)
	}
	if m.declared.ComposesForMigrations(m.app) {
		migrating := slices.DeleteFunc(slices.Clone(m.app.Services), func(service spec.Service) bool { return !m.declared.MigratesDatabase(service) })
		access.composedForMigrations = made.ComposeForMigrations(stack, jsii.String("MigrationDatabaseVariables"), m.declared.ComposedVariables(migrating...))
	}
	return access
}

// environment is what the database sets in the environment of a service.
func (a databaseAccess) environment(stage spec.Stage, declared spec.Service) (map[string]string, map[string]awsecs.Secret) {
	variables, secrets := map[string]string{}, map[string]awsecs.Secret{}
	if names := stage.DatabaseNames(declared); len(names) > 0 {
		values, hidden := a.database.Variables(), a.database.Secrets()
		for _, name := range names {
			if value, ok := values[name]; ok {
				variables[name] = value
			} else {
				secrets[name] = hidden[name]
			}
		}
	}
	own := stage.DatabaseVariables(declared)
	for _, name := range slices.Sorted(maps.Keys(own)) {
		text := own[name].Text
		if text.Composed(stage.Database.Alternates()) {
			secrets[name] = awsecs.Secret_FromSecretsManager(a.composed.Secret, jsii.String(own[name].Key))
		} else if value, hidden := a.database.Variable(text); hidden != nil {
			secrets[name] = hidden
		} else {
			variables[name] = value
		}
	}
	return variables, secrets
}

// labels make another task definition of another text: what stands in a secret is
// read when a task starts, and a task definition only names its key.
func (a databaseAccess) labels(stage spec.Stage, declared spec.Service) map[string]string {
	composed := stage.ComposedVariables(declared)
	if len(composed) == 0 {
		return nil
	}
	var texts strings.Builder
	for _, key := range slices.Sorted(maps.Keys(composed)) {
		fmt.Fprintf(&texts, "%q %q\n", key, composed[key])
	}
	return map[string]string{"tinystack.database-variables": fmt.Sprintf("%.6x", sha256.Sum256([]byte(texts.String())))}
}

// migrationEnvironment is what the migration of the service gets of the
// database beside that.
func (a databaseAccess) migrationEnvironment(stage spec.Stage, declared spec.Service) (map[string]string, map[string]awsecs.Secret) {
	if a.database == nil || !stage.MigratesDatabase(declared) {
		return nil, nil
	}
	variables, secrets := a.database.MigrationVariables(), a.database.MigrationSecrets()
	if !stage.Database.Alternates() {
		return variables, secrets
	}
	own := stage.DatabaseVariables(declared)
	for _, name := range slices.Sorted(maps.Keys(own)) {
		text := own[name].Text
		if !text.Secret(true) {
			continue // as the service has it
		}
		delete(variables, name)
		delete(secrets, name)
		if text.Composed(true) {
			secrets[name] = awsecs.Secret_FromSecretsManager(a.composedForMigrations.Secret, jsii.String(own[name].Key))
		} else if value, hidden := a.database.MigrationVariable(text); hidden != nil {
			secrets[name] = hidden
		} else {
			variables[name] = value
		}
	}
	return variables, secrets
}

// secret is the one that the services log in with.
func (a databaseAccess) secret() awssecretsmanager.ISecret {
	if secret := a.database.UserSecret(); secret != nil {
		return secret
	}
	return a.database.Secret()
}

// serveDatabase adds what the services need of the database beside its address,
// and the way to it for people.
func (m *maker) serveDatabase(stack awscdk.Stack, net network.Network, cluster runningCluster, access databaseAccess, services runningServices) {
	if access.database == nil {
		return
	}
	var users []service.EcsEc2Service
	for _, each := range services {
		if !m.declared.UsesDatabase(each.declared) {
			continue
		}
		each.migrateAfter(access.ingress)
		access.database.GrantConnect(each.taskRole())
		if each.service != nil { // a scheduled task reads the secret at each run
			users = append(users, each.service)
		}
	}
	m.rotateUser(stack, net, access, services)
	if m.declared.Refreshes(m.app) {
		props := &service.SecretRefreshProps{
			Secret:           access.secret(),
			Cluster:          cluster.made.Cluster(),
			Services:         users,
			LogRetentionDays: m.declared.LogRetentionDays,
		}
		if access.composed != nil {
			props.Composed, props.Templates = access.composed.Secret, access.composed.Templates
		}
		service.NewSecretRefresh(stack, jsii.String("CredentialsRefresh"), props)
	}
	if m.declared.Database.Tunnel {
		variables := access.database.Variables()
		output(stack, "DatabaseTunnel", "Makes the database reachable at localhost:15432, through a container instance",
			fmt.Sprintf(`aws ssm start-session --region %s --target "$(aws ec2 describe-instances --region %s --filters Name=tag:aws:autoscaling:groupName,Values=%s Name=instance-state-name,Values=running --query 'Reservations[0].Instances[0].InstanceId' --output text)" --document-name AWS-StartPortForwardingSessionToRemoteHost --parameters host=%s,portNumber=%s,localPortNumber=15432`,
				m.declared.Region, m.declared.Region, cluster.group, variables["PG_HOST"], variables["PG_PORT"]))
	}
}

// rotateUser rotates the user that the services log in as, which a migration
// has to make first: all that needs the user waits for the migrations, too.
func (m *maker) rotateUser(stack awscdk.Stack, net network.Network, access databaseAccess, services runningServices) {
	if !m.declared.Database.Alternates() || !m.declared.Rotates(m.app) {
		return
	}
	var migrations []constructs.IDependable
	for _, each := range services {
		if m.declared.MigratesDatabase(each.declared) {
			migrations = append(migrations, each.service.Migration())
		}
	}
	for _, each := range services {
		if m.declared.UsesDatabase(each.declared) {
			each.runAfter(migrations...)
		}
	}
	access.database.RotateUser(stack, jsii.String("UserRotation"), &database.UserRotationProps{
		VPC:          net.VPC(),
		Subnets:      net.PrivateSubnets(),
		FunctionName: naming.UserRotation(m.databaseIdentifier()),
		After:        migrations,
	})
}

// addRemoteReplicas makes a stack in each other region that has a replica.
func (m *maker) addRemoteReplicas(data awscdk.Stack) {
	for _, replica := range m.declared.Database.ReadReplicas {
		if replica.Region == "" {
			continue
		}
		id := spec.ReplicaStack(replica.Region)
		stack := awscdk.NewStack(m.scope, &id, &awscdk.StackProps{
			StackName:   jsii.String(m.called().Stack(id)),
			Description: jsii.String(m.app.StageStackOwner(m.declared.Name) + "replica of Postgres"),
			Env:         &awscdk.Environment{Account: optional.Text(m.declared.Account), Region: &replica.Region},
		})
		stack.AddStackDependency(data, jsii.String("it is a copy of the database there"))
		m.stacks = append(m.stacks, stack)
		identifier := m.called().RemoteReplica()
		database.NewRemoteReplica(stack, jsii.String("Replica"), &database.RemoteReplicaProps{
			SourceIdentifier: m.called().String(),
			SourceRegion:     m.declared.Region,
			Database:         *m.declared.Database,
			Instance:         replica.Instance,
			Identifier:       identifier,
			Removal:          m.declared.Removal,
		})
		m.watchRemoteReplica(stack, replica.Region, identifier)
		output(stack, "Promote", "Makes the replica a database of its own; there is no way back",
			fmt.Sprintf("aws rds promote-read-replica --region %s --db-instance-identifier %s", replica.Region, identifier))
	}
}

// watchRemoteReplica makes the alarm on a replica in another region, and who
// hears of it there: an alarm tells topics of its own region only. A topic or
// a parameter that the declaration names is in the stage's.
func (m *maker) watchRemoteReplica(stack awscdk.Stack, region, identifier string) {
	declared := m.declared.Alarms.Elsewhere()
	alarms := monitor.RemoteAlarms(m.declared, region)
	var told []string
	if len(alarms) > 0 && declared.OwnTopic() {
		topic := observability.NewTopic(stack, jsii.String("AlarmTopic"), &observability.TopicProps{
			DisplayName: m.called().String(),
			Description: "Messages about alarms of " + m.called().String() + " in " + region,
			Emails:      declared.Notify,
			Webhooks:    declared.Webhooks,
			Slack:       declared.Slack,
			SlackName:   m.called().RemoteSlack(region),
		}).Topic()
		told = []string{*topic.TopicArn()}
	}
	for _, alarm := range alarms {
		observability.NewAlarm(stack, jsii.String(string(alarm.ID)), &observability.AlarmProps{
			Alarm:      alarm,
			Names:      monitor.Names{monitor.RefReplica(region): identifier},
			Name:       alarm.Name(m.app.Name, m.declared.Name),
			Runbooks:   declared.Runbooks,
			ActionARNs: told,
		})
	}
}
