// Runs a task of the new version to its end, and tells CloudFormation whether it
// succeeded.
const { ECSClient, RunTaskCommand, DescribeTasksCommand, StopTaskCommand } = require('@aws-sdk/client-ecs');
const https = require('https');

const ecs = new ECSClient({});
const pause = () => new Promise((resolve) => setTimeout(resolve, Number(process.env.PAUSE_MS || 5000)));
const family = (arn) => arn.slice(0, arn.lastIndexOf(':'));
const revision = (arn) => Number(arn.split(':').pop());

// Revisions only grow: going to an older one is CloudFormation taking back
// a deployment that failed.
function isNew(event) {
  if (event.RequestType !== 'Update') return event.RequestType === 'Create';
  const now = event.ResourceProperties.TaskDefinition, before = event.OldResourceProperties.TaskDefinition;
  return family(now) !== family(before) || revision(now) > revision(before);
}

async function start(p, id, deadline) {
  for (let attempt = 0; ; attempt++) {
    let why;
    try {
      const { tasks, failures } = await ecs.send(new RunTaskCommand({
        cluster: p.Cluster,
        taskDefinition: p.TaskDefinition,
        count: 1,
        clientToken: `${id}-${attempt}`, // CloudFormation may ask twice
        startedBy: 'migration',
        ...JSON.parse(p.Placement),
        overrides: { containerOverrides: [{ name: p.Container, command: p.Command }] },
      }));
      if (tasks && tasks.length > 0) return tasks[0].taskArn;
      why = (failures || []).map((f) => f.reason).join(', ');
    } catch (err) {
      why = `${err.name}: ${err.message}`;
    }
    // Instances may be on their way, or full for the moment.
    if (Date.now() >= deadline) throw new Error(`it did not start: ${why}`);
    await pause();
  }
}

async function migrate(p, id) {
  const deadline = Date.now() + 1000 * Number(p.TimeoutSeconds);
  const arn = await start(p, id, deadline);
  const where = `its output is in ${p.LogGroup}, stream ${p.Container}/${p.Container}/${arn.split('/').pop()}`;
  for (;;) {
    await pause();
    const { tasks } = await ecs.send(new DescribeTasksCommand({ cluster: p.Cluster, tasks: [arn] }));
    const task = (tasks || [])[0] || {};
    if (task.lastStatus === 'STOPPED') {
      const container = (task.containers || []).find((c) => c.name === p.Container) || {};
      if (container.exitCode === 0) return;
      if (container.exitCode === undefined) throw new Error(`it did not start: ${container.reason || task.stoppedReason}`);
      throw new Error(`exit status ${container.exitCode}; ${where}`);
    }
    if (Date.now() >= deadline) {
      await ecs.send(new StopTaskCommand({ cluster: p.Cluster, task: arn, reason: 'the migration took too long' }));
      throw new Error(`not done after ${p.TimeoutSeconds} seconds, and stopped; ${where}`);
    }
  }
}

function answer(event, status, reason) {
  const body = JSON.stringify({
    Status: status, Reason: reason.slice(0, 1000), PhysicalResourceId: event.LogicalResourceId,
    StackId: event.StackId, RequestId: event.RequestId, LogicalResourceId: event.LogicalResourceId,
  });
  return new Promise((resolve, reject) => {
    const request = https.request(event.ResponseURL, { method: 'PUT', headers: { 'content-type': '', 'content-length': Buffer.byteLength(body) } }, resolve);
    request.on('error', reject);
    request.end(body);
  });
}

exports.handler = async (event) => {
  let status = 'SUCCESS', reason = 'no new version';
  try {
    if (isNew(event)) {
      await migrate(event.ResourceProperties, event.RequestId);
      reason = 'done';
    }
  } catch (err) {
    status = 'FAILED';
    reason = `Migration of ${event.ResourceProperties.Container}: ${err.message}`;
  }
  console.log(status, reason);
  await answer(event, status, reason);
};
