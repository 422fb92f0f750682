// Stands in for the SDK that Lambda brings.
class DescribeSecretCommand {}
class GetSecretValueCommand { constructor(input) { this.input = input; } }
class PutSecretValueCommand { constructor(input) { this.input = input; } }
class SecretsManagerClient {
  async send(command) {
    if (command instanceof GetSecretValueCommand) return { SecretString: JSON.parse(process.env.VALUES)[command.input.SecretId] };
    if (command instanceof PutSecretValueCommand) return console.log('PutSecretValueCommand ' + JSON.stringify(command.input));
    return JSON.parse(process.env.ROTATED);
  }
}
module.exports = { SecretsManagerClient, DescribeSecretCommand, GetSecretValueCommand, PutSecretValueCommand };
