// The validation of templates in a process of its own. It is run by Node with
// the folder of an unpacked aws-cdk-lib as its argument, reads requests from
// standard input, one JSON object a line, and answers each with a line.
//
// It asks the CDK's own plug-in, so that rules, options and severities are
// those of the CDK's built-in validation.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const readline = require('readline');

const library = process.argv[1];
const { CloudFormationValidatePlugin } = require(path.join(library, 'core/lib/validation/cloudformation-validate-plugin.js'));
const plugin = new CloudFormationValidatePlugin();

// The plug-in builds its engine for the types of resources it is asked about,
// and uses that one again for fewer types. It is built for all types now, while
// there are no templates yet.
plugin.initializeEngine({ has: () => true });

function digest(file) {
  return crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}

function answer({ path: templatePath, account, region }) {
  // The plug-in reads the file itself. An answer counts for the content that
  // the file had before and after it.
  const before = digest(templatePath);
  const { violations } = plugin.validate({
    templatePaths: [templatePath],
    stackTemplates: [{ stackConstructPath: '', templatePath, accountId: account || undefined, region: region || undefined }],
  });
  if (digest(templatePath) !== before) {
    throw new Error(`${templatePath} changed while it was validated`);
  }
  return {
    sha256: before,
    violations: violations.map((v) => ({
      ruleName: v.ruleName,
      description: v.description,
      severity: v.severity,
      fix: v.fix,
      ruleMetadata: v.ruleMetadata,
      resources: v.violatingResources.map((r) => ({ logicalId: r.resourceLogicalId, locations: r.locations })),
    })),
  };
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line);
  let reply;
  try {
    reply = answer(request);
  } catch (e) {
    reply = { error: String(e && e.message || e) };
  }
  process.stdout.write(JSON.stringify({ id: request.id, ...reply }) + '\n');
});
