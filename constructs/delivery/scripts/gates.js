// Compares the gates of the pipeline that is deployed with those of the one
// that a commit brings, and writes down what is dropped, moved or weakened.
//
// This text is in the project of the deployed pipeline. A commit cannot change
// it before it has passed it.
"use strict";
const { execFileSync } = require("node:child_process");
const { readFileSync, writeFileSync } = require("node:fs");

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const text = (value) => (typeof value === "string" ? value : JSON.stringify(value ?? null));

// stages of the one pipeline of a template.
function stages(template) {
  const found = Object.values(template.Resources ?? {}).filter((r) => r.Type === "AWS::CodePipeline::Pipeline");
  if (found.length !== 1) throw new Error(`the template has ${found.length} pipelines`);
  return found[0].Properties.Stages;
}

// build is what a gate that is a build consists of.
function build(template, action) {
  const project = template.Resources[action.Configuration?.ProjectName?.Ref]?.Properties ?? {};
  const env = {};
  for (const v of project.Environment?.EnvironmentVariables ?? []) env[v.Name] = text(v.Value);
  const own = action.Configuration?.EnvironmentVariables;
  if (typeof own === "string") for (const v of JSON.parse(own)) env[v.name] = v.value;
  else if (own) env[""] = text(own);
  const { EnvironmentVariables, ...host } = project.Environment ?? {};
  return { kind: "build", env, rest: [project.Source, host, action.InputArtifacts] };
}

// pass is what a commit passes in order: gates, and deployments of stacks.
function* pass(template) {
  for (const stage of stages(template)) {
    const where = stage.Name.replace(/-approval$/, "");
    function* rules(conditions) {
      for (const condition of conditions?.Conditions ?? [])
        for (const r of condition.Rules ?? [])
          yield { gate: `${where}/${r.Name}`, is: { kind: "rule", env: r.Configuration ?? {}, rest: [condition.Result, r.RuleTypeId, r.Region] } };
    }
    yield [...rules(stage.BeforeEntry)];
    for (const order of [...new Set(stage.Actions.map((a) => a.RunOrder ?? 1))].sort((a, b) => a - b)) {
      const passed = [];
      for (const action of stage.Actions.filter((a) => (a.RunOrder ?? 1) === order)) {
        const name = action.Name.split(".").pop();
        const { Category, Provider } = action.ActionTypeId;
        if (Category === "Approval") passed.push({ gate: `${where}/${action.Name}`, is: { kind: "approval", env: {}, rest: [] } });
        else if (Provider === "CodeBuild" && /^(Awake|Bake|Smoke|Review|Compare)$/.test(name)) {
          const is = build(template, action);
          // How much is awake is the stage's size, not the gate's.
          passed.push({ gate: `${where}/${action.Name}`, is: name === "Awake" ? { ...is, env: {} } : is });
        }
        else if (Provider === "CloudFormation") passed.push({ deploys: text(action.Configuration?.StackName) });
        else if (name === "SelfMutate") passed.push({ deploys: "the pipeline itself" });
      }
      yield passed;
    }
    const after = [...rules(stage.OnSuccess)];
    if (stage.OnFailure?.Result === "ROLLBACK") after.push({ gate: `${where}/way back`, is: { kind: "rollback", env: {}, rest: [] } });
    yield after;
  }
}

// deployments are the gates that stand before each deployment of a stack.
function deployments(template) {
  const found = [];
  const before = new Map();
  for (const sideBySide of pass(template)) {
    for (const each of sideBySide) if (each.deploys) found.push({ stack: each.deploys, gates: new Map(before) });
    for (const each of sideBySide) if (each.gate) before.set(each.gate, each.is);
  }
  // What follows the last deployment is a gate of no deployment, but a stage
  // that bakes has a way back that can be lost.
  return { found, all: before };
}

const lines = (value) => text(value).split("\n").filter(Boolean);

// weaker says whether a gate lets more through than it did. Longer is
// stronger, and more alarms are; any other difference counts as weaker,
// because nothing here can tell.
function weaker(old, now) {
  if (old.kind !== now.kind || !same(old.rest, now.rest)) return true;
  for (const name of new Set([...Object.keys(old.env), ...Object.keys(now.env)])) {
    const was = old.env[name];
    const is = now.env[name];
    if (same(was, is)) continue;
    if (was === undefined || is === undefined) return true;
    if (name === "TINYSTACK_BAKE_SECONDS" || name === "WaitTime") {
      if (!(Number(is) >= Number(was))) return true;
    } else if (name === "TINYSTACK_ALARMS" || name === "TINYSTACK_STACKS") {
      if (!lines(was).every((each) => lines(is).includes(each))) return true;
    } else return true;
  }
  return false;
}

function weakened(old, now) {
  const deployed = deployments(old);
  const brought = deployments(now);
  const found = new Set();
  for (const { stack, gates } of brought.found) {
    for (const before of deployed.found.filter((d) => d.stack === stack)) {
      for (const gate of before.gates.keys()) if (!gates.has(gate)) found.add(`${gate} is no longer before ${stack}`);
    }
  }
  if (!brought.found.some((d) => d.stack === "the pipeline itself")) found.add("the pipeline does not update itself any more");
  for (const [gate, is] of deployed.all) {
    const kept = brought.all.get(gate);
    if (!kept) found.add(`${gate} is gone`);
    else if (weaker(is, kept)) found.add(`${gate} is changed`);
  }
  return [...found].sort();
}

function main() {
  const { TINYSTACK_STACK, TINYSTACK_PATH, AWS_REGION } = process.env;
  const answer = execFileSync("aws", ["cloudformation", "get-template", "--region", AWS_REGION, "--stack-name", TINYSTACK_STACK,
    "--template-stage", "Original", "--query", "TemplateBody", "--output", "json"], { encoding: "utf8", maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "inherit"] });
  let old = JSON.parse(answer);
  if (typeof old === "string") old = JSON.parse(old);
  // The same stack that the pipeline is updated from, found the same way.
  const { artifacts } = JSON.parse(readFileSync("manifest.json", "utf8"));
  const stack = Object.entries(artifacts).filter(([id, a]) => a.type === "aws:cloudformation:stack" && (a.displayName ?? id) === TINYSTACK_PATH);
  if (stack.length !== 1) throw new Error(`the commit has ${stack.length} stacks ${TINYSTACK_PATH}, from which the pipeline would be updated`);
  const now = JSON.parse(readFileSync(stack[0][1].properties.templateFile, "utf8"));
  const found = weakened(old, now);
  for (const each of found) console.log(each);
  if (found.length === 0) console.log("every gate stands as it did");
  // A comment of an approval has room for 1000 characters.
  const said = found.join("; ");
  writeFileSync("tinystack-weakened", found.length === 0 ? "none" : said.length > 600 ? `${said.slice(0, 600)} … (all in the log)` : said);
}

main();
