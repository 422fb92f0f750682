// Writes the table of package guard: the properties that cannot change without
// a new resource, by resource type, as AWS's resource schemas have them.
//
// To take newer data, change the version in package.json, and in the root of
// the repository run: make create-only
import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec';
import { readFileSync, writeFileSync } from 'node:fs';

const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url)));
const version = dependencies['@aws-cdk/aws-service-spec'];
const db = await loadAwsServiceSpec();

// properties lists the paths with that effect, also those within types that a
// property refers to. A list within a path is passed through as if its elements
// were the property.
function properties(of, effect, prefix = '', above = []) {
  return Object.entries(of).flatMap(([name, property]) => {
    const path = prefix + name;
    if (property.causesReplacement === effect) return [path];
    let type = property.type;
    while (type.element) type = type.element;
    if (type.type !== 'ref' || above.includes(type.reference.$ref)) return [];
    const inner = db.get('typeDefinition', type.reference.$ref);
    return properties(inner.properties, effect, path + '.', [...above, type.reference.$ref]);
  });
}

function table(effect) {
  const lines = [];
  for (const resource of db.all('resource')) {
    const found = properties(resource.properties, effect).sort();
    if (found.length > 0) lines.push(`  ${JSON.stringify(resource.cloudFormationType)}: ${JSON.stringify(found)}`);
  }
  return '{\n' + lines.sort().join(',\n') + '\n }';
}

writeFileSync(new URL('../create-only.json', import.meta.url), `{
 "source": ${JSON.stringify(`@aws-cdk/aws-service-spec ${version} (npm): properties with causesReplacement "yes" (createOnly) and "maybe" (conditional)`)},
 "createOnly": ${table('yes')},
 "conditional": ${table('maybe')}
}
`);
