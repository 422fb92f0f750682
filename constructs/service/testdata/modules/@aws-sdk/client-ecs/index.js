// Stands in for the SDK that Lambda brings: answers what SCRIPT says, in order,
// and prints what it was asked.
const script = JSON.parse(process.env.SCRIPT);
class Command { constructor(input) { this.input = input; } }
class RunTaskCommand extends Command {}
class DescribeTasksCommand extends Command {}
class StopTaskCommand extends Command {}
class DescribeServicesCommand extends Command {}
class UpdateServiceCommand extends Command {}
class ECSClient {
  async send(command) {
    console.log(`${command.constructor.name} ${JSON.stringify(command.input)}`);
    const answer = script.length > 1 ? script.shift() : script[0];
    if (answer.error) throw Object.assign(new Error(answer.error), { name: 'ClientException' });
    return answer;
  }
}
module.exports = { ECSClient, RunTaskCommand, DescribeTasksCommand, StopTaskCommand, DescribeServicesCommand, UpdateServiceCommand };
