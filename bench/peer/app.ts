// The architecture of bench/declaration, written by hand as a CDK app in
// TypeScript with the CDK's own patterns: what a team would have without this
// project. STAGES says how many stages.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Aspects, CfnOutput, Duration, Environment, RemovalPolicy, Stack, StackProps, Stage, StageProps, Tags } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as codebuild from 'aws-cdk-lib/aws-codebuild';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as patterns from 'aws-cdk-lib/aws-ecs-patterns';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as rds from 'aws-cdk-lib/aws-rds';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as pipelines from 'aws-cdk-lib/pipelines';
import { Construct } from 'constructs';

const env: Environment = { account: '111111111111', region: 'us-east-1' };
const repositoryName = 'bench/web';

class NetworkStack extends Stack {
  readonly vpc: ec2.Vpc;

  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, props);
    this.vpc = new ec2.Vpc(this, 'Vpc', {
      availabilityZones: ['us-east-1a', 'us-east-1b'],
      natGateways: 1,
      natGatewayProvider: ec2.NatProvider.instanceV2({
        instanceType: ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.NANO),
        defaultAllowedTraffic: ec2.NatTrafficDirection.OUTBOUND_ONLY,
      }),
      subnetConfiguration: [
        { name: 'public', subnetType: ec2.SubnetType.PUBLIC },
        { name: 'private', subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
      ],
      gatewayEndpoints: { S3: { service: ec2.GatewayVpcEndpointAwsService.S3 } },
    });
  }
}

interface DataProps extends StackProps {
  readonly vpc: ec2.IVpc;
}

class DataStack extends Stack {
  readonly database: rds.DatabaseInstance;
  readonly clients: ec2.SecurityGroup;

  constructor(scope: Construct, id: string, props: DataProps) {
    super(scope, id, props);
    this.clients = new ec2.SecurityGroup(this, 'Clients', { vpc: props.vpc, description: 'May connect to the database' });
    this.database = new rds.DatabaseInstance(this, 'Database', {
      engine: rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_17 }),
      vpc: props.vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
      instanceType: ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MICRO),
      allocatedStorage: 20,
      storageType: rds.StorageType.GP3,
      storageEncrypted: true,
      databaseName: 'app',
      credentials: rds.Credentials.fromGeneratedSecret('app'),
      backupRetention: Duration.days(7),
      cloudwatchLogsExports: ['postgresql'],
      copyTagsToSnapshot: true,
      removalPolicy: RemovalPolicy.SNAPSHOT,
    });
    this.database.connections.allowDefaultPortFrom(this.clients);
  }
}

interface ServiceProps extends StackProps {
  readonly stageName: string;
  readonly vpc: ec2.IVpc;
  readonly database: rds.DatabaseInstance;
  readonly databaseClients: ec2.ISecurityGroup;
}

class ServiceStack extends Stack {
  private readonly alarms: sns.Topic;

  constructor(scope: Construct, id: string, props: ServiceProps) {
    super(scope, id, props);
    const { vpc, stageName, database } = props;
    this.alarms = new sns.Topic(this, 'Alarms', { enforceSSL: true });

    const cluster = new ecs.Cluster(this, 'Cluster', { vpc, containerInsightsV2: ecs.ContainerInsights.DISABLED });
    cluster.addDefaultCloudMapNamespace({ name: `${stageName}.bench.internal` });
    const instances = cluster.addCapacity('Instances', {
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
      instanceType: ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.SMALL),
      machineImage: ecs.EcsOptimizedImage.amazonLinux2023(ecs.AmiHardwareType.ARM),
      blockDevices: [{ deviceName: '/dev/xvda', volume: autoscaling.BlockDeviceVolume.ebs(30, { encrypted: true, volumeType: autoscaling.EbsDeviceVolumeType.GP3 }) }],
      minCapacity: 1,
      maxCapacity: 6,
      updatePolicy: autoscaling.UpdatePolicy.rollingUpdate(),
      ...{ taskDrainTime: Duration.seconds(0) }, // ECS drains an instance by itself
    });
    Aspects.of(this).add(new autoscaling.AutoScalingGroupRequireImdsv2Aspect());
    instances.role.addManagedPolicy(iam.ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMManagedInstanceCore'));

    const web = new patterns.ApplicationLoadBalancedEc2Service(this, 'Web', {
      cluster,
      desiredCount: 1,
      minHealthyPercent: 100,
      cpu: 256,
      memoryLimitMiB: 512,
      publicLoadBalancer: true,
      circuitBreaker: { rollback: true },
      enableExecuteCommand: true,
      placementStrategies: [
        ecs.PlacementStrategy.spreadAcross('attribute:ecs.availability-zone'),
        ecs.PlacementStrategy.spreadAcrossInstances(),
      ],
      taskImageOptions: {
        image: ecs.ContainerImage.fromEcrRepository(ecr.Repository.fromRepositoryName(this, 'Repository', repositoryName), stageName),
        containerPort: 80,
        environment: {
          PG_HOST: database.dbInstanceEndpointAddress,
          PG_PORT: database.dbInstanceEndpointPort,
          PG_DATABASE: 'app',
          PG_USER: 'app',
          STAGE_NAME: stageName,
        },
        secrets: { PG_CREDENTIALS_SECRET: ecs.Secret.fromSecretsManager(database.secret!, 'password') },
        logDriver: ecs.LogDrivers.awsLogs({ streamPrefix: 'web', logGroup: this.logGroup('WebLogs') }),
      },
    });
    web.targetGroup.configureHealthCheck({ path: '/', healthyThresholdCount: 2, interval: Duration.seconds(15) });
    web.targetGroup.setAttribute('deregistration_delay.timeout_seconds', '30');
    instances.addSecurityGroup(props.databaseClients);
    web.loadBalancer.setAttribute('routing.http.drop_invalid_header_fields.enabled', 'true');
    this.scale(web.service);

    const definition = new ecs.Ec2TaskDefinition(this, 'CacheDefinition', { networkMode: ecs.NetworkMode.AWS_VPC });
    definition.addContainer('cache', {
      image: ecs.ContainerImage.fromRegistry('example.com/cache:1'),
      cpu: 256,
      memoryLimitMiB: 512,
      portMappings: [{ containerPort: 6379 }],
      logging: ecs.LogDrivers.awsLogs({ streamPrefix: 'cache', logGroup: this.logGroup('CacheLogs') }),
    });
    const cache = new ecs.Ec2Service(this, 'Cache', {
      cluster,
      taskDefinition: definition,
      desiredCount: 1,
      minHealthyPercent: 100,
      circuitBreaker: { rollback: true },
      enableExecuteCommand: true,
      cloudMapOptions: { name: 'cache' },
    });
    cache.connections.allowFrom(instances, ec2.Port.tcp(6379));
    this.scale(cache);

    this.watch(web, cache, database, instances);
    new CfnOutput(this, 'Url', { value: `http://${web.loadBalancer.loadBalancerDnsName}` });
    new CfnOutput(this, 'ClusterName', { value: cluster.clusterName });
  }

  private logGroup(id: string): logs.LogGroup {
    return new logs.LogGroup(this, id, { retention: logs.RetentionDays.ONE_MONTH, removalPolicy: RemovalPolicy.DESTROY });
  }

  private scale(service: ecs.Ec2Service): void {
    service.autoScaleTaskCount({ minCapacity: 1, maxCapacity: 5 }).scaleOnCpuUtilization('Cpu', {
      targetUtilizationPercent: 75,
      scaleInCooldown: Duration.minutes(5),
      scaleOutCooldown: Duration.minutes(1),
    });
  }

  private watch(web: patterns.ApplicationLoadBalancedEc2Service, cache: ecs.Ec2Service, database: rds.DatabaseInstance, instances: autoscaling.AutoScalingGroup): void {
    const failed = web.loadBalancer.metrics.httpCodeTarget(elbv2.HttpCodeTarget.TARGET_5XX_COUNT);
    const latency = web.loadBalancer.metrics.targetResponseTime({ statistic: 'p95' });
    this.alarm('Failed', failed, 10);
    this.alarm('Latency', latency, 2);
    this.alarm('WebCpu', web.service.metricCpuUtilization(), 90);
    this.alarm('CacheCpu', cache.metricCpuUtilization(), 90);
    this.alarm('DatabaseCpu', database.metricCPUUtilization(), 90);
    this.alarm('DatabaseStorage', database.metricFreeStorageSpace(), 2 * 1024 ** 3, cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD);
    new cloudwatch.Dashboard(this, 'Dashboard', {
      widgets: [
        [
          new cloudwatch.GraphWidget({ title: 'Requests', left: [web.loadBalancer.metrics.requestCount()], right: [failed] }),
          new cloudwatch.GraphWidget({ title: 'Latency', left: [latency] }),
        ],
        [
          new cloudwatch.GraphWidget({ title: 'Web', left: [web.service.metricCpuUtilization(), web.service.metricMemoryUtilization()] }),
          new cloudwatch.GraphWidget({ title: 'Cache', left: [cache.metricCpuUtilization(), cache.metricMemoryUtilization()] }),
        ],
        [
          new cloudwatch.GraphWidget({ title: 'Database', left: [database.metricCPUUtilization()], right: [database.metricDatabaseConnections()] }),
          new cloudwatch.GraphWidget({
            title: 'Instances',
            left: [new cloudwatch.Metric({
              namespace: 'AWS/AutoScaling',
              metricName: 'GroupInServiceInstances',
              dimensionsMap: { AutoScalingGroupName: instances.autoScalingGroupName },
            })],
          }),
        ],
      ],
    });
  }

  private alarm(id: string, metric: cloudwatch.IMetric, threshold: number, comparison = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD): void {
    new cloudwatch.Alarm(this, `${id}Alarm`, {
      metric,
      threshold,
      comparisonOperator: comparison,
      evaluationPeriods: 3,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(new actions.SnsAction(this.alarms));
  }
}

class BenchStage extends Stage {
  constructor(scope: Construct, id: string, props: StageProps) {
    super(scope, id, props);
    Tags.of(this).add('stage', id);
    const network = new NetworkStack(this, 'Network', {});
    const data = new DataStack(this, 'Data', { vpc: network.vpc });
    new ServiceStack(this, 'Service', {
      stageName: id,
      vpc: network.vpc,
      database: data.database,
      databaseClients: data.clients,
    });
  }
}

class PipelineStack extends Stack {
  constructor(scope: Construct, id: string, stages: number, props: StackProps) {
    super(scope, id, props);
    const repository = new ecr.Repository(this, 'Repository', {
      repositoryName,
      imageScanOnPush: true,
      lifecycleRules: [{ maxImageCount: 100 }],
    });
    const source = pipelines.CodePipelineSource.connection('acme/bench', 'main', {
      connectionArn: 'arn:aws:codeconnections:us-east-1:111111111111:connection/01234567-89ab-cdef-0123-456789abcdef',
    });
    const image = new pipelines.CodeBuildStep('Image', {
      input: source,
      commands: ['docker build -t $ECR_IMAGE_URL:$CODEBUILD_RESOLVED_SOURCE_VERSION .', 'docker push $ECR_IMAGE_URL:$CODEBUILD_RESOLVED_SOURCE_VERSION'],
      env: { ECR_IMAGE_URL: repository.repositoryUri },
      buildEnvironment: { privileged: true, buildImage: codebuild.LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_3_0 },
      rolePolicyStatements: [
        new iam.PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }),
        new iam.PolicyStatement({ actions: ['ecr:BatchCheckLayerAvailability', 'ecr:InitiateLayerUpload', 'ecr:UploadLayerPart', 'ecr:CompleteLayerUpload', 'ecr:PutImage'], resources: [repository.repositoryArn] }),
      ],
    });
    const pipeline = new pipelines.CodePipeline(this, 'Pipeline', {
      synth: new pipelines.ShellStep('Synth', { input: source, commands: ['npm ci', 'npx cdk synth'] }),
    });
    for (let i = 0; i < stages; i++) {
      const stage = new BenchStage(this, `s${i}`, { env });
      pipeline.addStage(stage, { pre: i === 0 ? [image] : [] });
    }
  }
}

const context = JSON.parse(readFileSync(join(__dirname, '..', '..', '..', 'cdk.json'), 'utf8')).context;
const app = new App({ context });
new PipelineStack(app, 'Bench', Number(process.env.STAGES ?? '1'), { env });
app.synth();
