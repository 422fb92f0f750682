// Stands in for the SDK that Lambda brings.
class DescribeSecretCommand {}
class SecretsManagerClient { async send() { return JSON.parse(process.env.ROTATED); } }
module.exports = { SecretsManagerClient, DescribeSecretCommand };
