// Starts the tasks of services anew that were deployed before their secret last
// changed: ECS reads a secret only when a task starts.
const { ECSClient, DescribeServicesCommand, UpdateServiceCommand } = require('@aws-sdk/client-ecs');
const { SecretsManagerClient, DescribeSecretCommand } = require('@aws-sdk/client-secrets-manager');

exports.handler = async () => {
  const secret = await new SecretsManagerClient({}).send(new DescribeSecretCommand({ SecretId: process.env.SECRET }));
  if (!secret.LastRotatedDate) return;
  const ecs = new ECSClient({}), cluster = process.env.CLUSTER, all = JSON.parse(process.env.SERVICES);
  for (let i = 0; i < all.length; i += 10) {
    const { services } = await ecs.send(new DescribeServicesCommand({ cluster, services: all.slice(i, i + 10) }));
    for (const service of services) {
      const newest = Math.max(...service.deployments.map((d) => new Date(d.createdAt).getTime()));
      if (newest >= new Date(secret.LastRotatedDate).getTime()) continue;
      console.log('starting anew', service.serviceName);
      await ecs.send(new UpdateServiceCommand({ cluster, service: service.serviceArn, forceNewDeployment: true }));
    }
  }
};
