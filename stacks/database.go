package stacks

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/database"
	"github.com/tinystack-go/tinystack/constructs/service"
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
	if s.declared.Database.Rotation != nil && len(users) > 0 {
		service.NewSecretRefresh(stack, jsii.String("CredentialsRefresh"), &service.SecretRefreshProps{
			Secret:           s.database.Secret(),
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
			Env:         &awscdk.Environment{Account: optional(s.declared.Account), Region: &replica.Region},
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
		output(stack, "Promote", "Makes the replica a database of its own; there is no way back",
			fmt.Sprintf("aws rds promote-read-replica --region %s --db-instance-identifier %s", replica.Region, identifier))
	}
}
