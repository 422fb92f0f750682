package stacks

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/database"
	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/constructs/service"
	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// databaseEnvironment puts what the stage's database sets for the service into
// its environment.
func (s *stage) databaseEnvironment(declared spec.Service, variables map[string]string, secrets map[string]awsecs.Secret) {
	names := s.declared.DatabaseNames(declared)
	if len(names) == 0 {
		return
	}
	values, hidden := s.database.Variables(), s.database.Secrets()
	for _, name := range names {
		if value, ok := values[name]; ok {
			variables[name] = value
		} else {
			secrets[name] = hidden[name]
		}
	}
}

// migrationEnvironment is what the migration of the service gets of the stage's
// database beside that.
func (s *stage) migrationEnvironment(declared spec.Service) (map[string]string, map[string]awsecs.Secret) {
	if s.database == nil || !s.declared.MigratesDatabase(declared) {
		return nil, nil
	}
	return s.database.MigrationVariables(), s.database.MigrationSecrets()
}

// rotateUser rotates the user that the services log in as, which a migration
// has to make first: all that needs the user waits for the migrations, too.
func (s *stage) rotateUser(stack awscdk.Stack) {
	if !s.declared.Database.Alternates() || !s.declared.Rotates(s.app) {
		return
	}
	var migrations []constructs.IDependable
	for _, declared := range s.app.Services {
		if s.declared.MigratesDatabase(declared) {
			migrations = append(migrations, s.services[declared.Name].Migration())
		}
	}
	for _, declared := range s.app.Services {
		if !s.declared.UsesDatabase(declared) {
			continue
		}
		if task, ok := s.scheduled[declared.Name]; ok {
			task.Schedule().Node().AddDependency(migrations...)
		} else {
			s.services[declared.Name].Service().Node().AddDependency(migrations...)
		}
	}
	s.database.RotateUser(stack, jsii.String("UserRotation"), &database.UserRotationProps{
		VPC:          s.network.VPC(),
		Subnets:      s.network.PrivateSubnets(),
		FunctionName: database.RotationFunction(s.databaseIdentifier(), true),
		After:        migrations,
	})
}

// beforeMigration lets the migration of a service, if it has one here, wait for
// something.
func (s *stage) beforeMigration(declared spec.Service, dependency constructs.IDependable) {
	if added, ok := s.services[declared.Name]; ok && added.Migration() != nil {
		added.Migration().Node().AddDependency(dependency)
	}
}

// useDatabase adds what the services need of the database beside its address,
// and the way to it for people.
func (s *stage) useDatabase(stack awscdk.Stack) {
	if s.database == nil {
		return
	}
	var users []service.EcsEc2Service
	for _, declared := range s.app.Services {
		if !s.declared.UsesDatabase(declared) {
			continue
		}
		s.beforeMigration(declared, s.databaseIngress)
		if task, ok := s.scheduled[declared.Name]; ok {
			s.database.GrantConnect(task.TaskRole()) // reads the secret at each run
			continue
		}
		s.database.GrantConnect(s.services[declared.Name].TaskRole())
		users = append(users, s.services[declared.Name])
	}
	s.rotateUser(stack)
	if s.declared.Rotates(s.app) && len(users) > 0 {
		service.NewSecretRefresh(stack, jsii.String("CredentialsRefresh"), &service.SecretRefreshProps{
			Secret:           s.rotated(),
			Cluster:          s.cluster.Cluster(),
			Services:         users,
			LogRetentionDays: s.declared.LogRetentionDays,
		})
	}
	if s.declared.Database.Tunnel {
		variables := s.database.Variables()
		host, port := variables["PG_HOST"], variables["PG_PORT"]
		output(stack, "DatabaseTunnel", "Makes the database reachable at localhost:15432, through a container instance",
			fmt.Sprintf(`aws ssm start-session --region %s --target "$(aws ec2 describe-instances --region %s --filters Name=tag:aws:autoscaling:groupName,Values=%s Name=instance-state-name,Values=running --query 'Reservations[0].Instances[0].InstanceId' --output text)" --document-name AWS-StartPortForwardingSessionToRemoteHost --parameters host=%s,portNumber=%s,localPortNumber=15432`,
				s.declared.Region, s.declared.Region, *s.cluster.AutoScalingGroup().AutoScalingGroupName(), host, port))
	}
}

// rotated is the secret that the services log in with.
func (s *stage) rotated() awssecretsmanager.ISecret {
	if secret := s.database.UserSecret(); secret != nil {
		return secret
	}
	return s.database.Secret()
}

// addRemoteReplicas makes a stack in each other region that has a replica.
func (s *stage) addRemoteReplicas(data awscdk.Stack) {
	for _, replica := range s.declared.Database.ReadReplicas {
		if replica.Region == "" {
			continue
		}
		id := spec.ReplicaStack(replica.Region)
		stack := awscdk.NewStack(s, &id, &awscdk.StackProps{
			StackName:   jsii.String(s.app.StageStackName(s.declared.Name, id)),
			Description: jsii.String(s.app.StageStackOwner(s.declared.Name) + "replica of Postgres"),
			Env:         &awscdk.Environment{Account: optional.Text(s.declared.Account), Region: &replica.Region},
		})
		stack.AddStackDependency(data, jsii.String("it is a copy of the database there"))
		s.stacks = append(s.stacks, stack)
		identifier := s.name() + "-remote"
		database.NewRemoteReplica(stack, jsii.String("Replica"), &database.RemoteReplicaProps{
			SourceIdentifier: s.name(),
			SourceRegion:     s.declared.Region,
			Database:         *s.declared.Database,
			Instance:         replica.Instance,
			Identifier:       identifier,
			Removal:          s.declared.Removal,
		})
		s.watchRemoteReplica(stack, replica.Region, identifier)
		output(stack, "Promote", "Makes the replica a database of its own; there is no way back",
			fmt.Sprintf("aws rds promote-read-replica --region %s --db-instance-identifier %s", replica.Region, identifier))
	}
}

// watchRemoteReplica makes the alarm on a replica in another region, and who
// hears of it there: an alarm tells topics of its own region only. A topic or
// a parameter that the declaration names is in the stage's.
func (s *stage) watchRemoteReplica(stack awscdk.Stack, region, identifier string) {
	declared := s.declared.Alarms.Elsewhere()
	alarms := monitor.RemoteAlarms(s.declared, region)
	var topic awssns.ITopic
	if len(alarms) > 0 && declared.OwnTopic() {
		topic = observability.NewTopic(stack, jsii.String("AlarmTopic"), &observability.TopicProps{
			DisplayName: s.name(),
			Description: "Messages about alarms of " + s.name() + " in " + region,
			Emails:      declared.Notify,
			Webhooks:    declared.Webhooks,
			Slack:       declared.Slack,
			SlackName:   s.name() + "-" + region,
		}).Topic()
	}
	for _, alarm := range alarms {
		observability.NewAlarm(stack, jsii.String(string(alarm.ID)), &observability.AlarmProps{
			Alarm:    alarm,
			Names:    monitor.Names{monitor.RefReplica(region): identifier},
			Name:     alarm.Name(s.app.Name, s.declared.Name),
			Runbooks: declared.Runbooks,
			Topic:    topic,
		})
	}
}
