# The validation of templates by AWS's validator as native code, where the user
# names a Python that has it. It does what engine.js does, and refuses to start
# unless the validator has the version of the one inside aws-cdk-lib and the CDK's
# plug-in asks it as this program does.
import hashlib
import json
import os
import re
import sys

import cloudformation_validate as native

library = sys.argv[1]
validation = os.path.join(library, "core", "lib", "validation")


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


bundled = json.loads(read(library, "node_modules", "@aws", "cloudformation-validate", "package.json"))["version"]
if native.version() != bundled:
    sys.exit(f"the Python module is {native.version()}, aws-cdk-lib has {bundled}")

plugin = read(validation, "cloudformation-validate-plugin.js")
ignored = re.search(r'IGNORE_RULES=new Set\((\["[A-Z0-9",]+\])\)', plugin)
for text in (
    'detailLevel:"STANDARD",pseudoParameterOverrides:{accountId,region},'
    'exclude:{ids:[...IGNORE_RULES],services:[{ruleId:"W3697",service:"AWS::AutoScaling"}]},severityLevel:"WARN"})',
    'case"FATAL":return"error";case"ERROR":return"error";case"WARN":return"warning";',
    'description=`${diagnostic.propertyPath?`${diagnostic.propertyPath.replace(/^Properties\\./,"")}: `:""}${diagnostic.message}`',
):
    if ignored is None or text not in plugin:
        sys.exit("the CDK's plug-in asks the validator in another way than this program")

SEVERITIES = {"FATAL": "error", "ERROR": "error", "WARN": "warning"}
index = json.loads(read(validation, "rules", "index.generated.json"))
engine = native.CompositeEngine(native.CompositeEngineConfig(rego_rules=[
    native.ExternalRuleSource(name=rule["file"], content=read(validation, "rules", rule["file"]))
    for rule in sorted(index["rules"], key=lambda rule: rule["file"])
]))
exclude = native.RuleFilterConfig(
    ids=json.loads(ignored.group(1)),
    services=[native.ServiceFilter(rule_id="W3697", service="AWS::AutoScaling")],
)


def answer(request):
    with open(request["path"], "rb") as file:
        content = file.read()
    report = engine.validate_template(native.TemplateContent(content, request["path"]), native.ValidateConfig(
        exclude=exclude,
        detail_level=native.DetailLevel.STANDARD,
        severity_level=native.Severity.WARN,
        pseudo_parameter_overrides=native.PseudoParameterOverrides(
            account_id=request["account"] or None, region=request["region"] or None),
    ))
    violations = {}
    for diagnostic in report.diagnostics:
        severity = SEVERITIES[diagnostic.severity.name]
        description = diagnostic.message
        if diagnostic.property_path:
            description = re.sub(r"^Properties\.", "", diagnostic.property_path) + ": " + description
        violation = violations.setdefault((diagnostic.rule_id, severity, description), {
            "ruleName": diagnostic.rule_id,
            "description": description,
            "severity": severity,
            "fix": diagnostic.suggested_fix,
            "ruleMetadata": {"category": diagnostic.category} if diagnostic.category else None,
            "resources": [],
        })
        resource = {"locations": [diagnostic.property_path] if diagnostic.property_path else []}
        if diagnostic.entity is not None and diagnostic.entity.entity_type.name == "RESOURCE":
            resource["logicalId"] = diagnostic.entity.logical_id
        violation["resources"].append(resource)
    return {"sha256": hashlib.sha256(content).hexdigest(), "violations": list(violations.values())}


for line in sys.stdin:
    request = json.loads(line)
    try:
        reply = answer(request)
    except Exception as problem:
        reply = {"error": str(problem)}
    print(json.dumps({"id": request["id"], **reply}), flush=True)
