/**
 * Has the CRDs judged by the own code of the oldest Kubernetes that is supported: its cost budget for rules and its CEL are smaller than
 * those of the releases that the other tests run. Needs Go; the first run builds for minutes, later ones take seconds.
 *
 *   node hack/generate/floor/check.ts
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ModelDeployment } from '../../../src/api/model-deployment/index.ts';
import { rules } from '../../../src/api/model-deployment/rules.ts';
import { type ChangeExample, changeExamples, contentExamples, type Example } from '../../../test/integration/api/rule-examples.ts';

interface Verdicts {
  readonly definition: readonly string[];
  readonly cases: readonly (readonly string[])[];
}

const crds = join(import.meta.dirname, '../../../crds');

const examples: readonly (Example & Partial<ChangeExample>)[] = [
  ...Object.values(contentExamples),
  ...Object.values(changeExamples),
].flatMap(({ breaks, passes }): (Example & Partial<ChangeExample>)[] => [...breaks, ...passes]);
const files = readdirSync(crds).filter((file) => file.endsWith('.yaml'));

const wrong = files.flatMap((file) => {
  const judged = file === 'modelwright.dev_modeldeployments.yaml' ? examples : [];
  const verdicts = judge(
    join(crds, file),
    judged.map(({ object, old }) => ({ object, ...(old === undefined ? {} : { old }) })),
  );
  return [
    ...verdicts.definition.map((complaint) => `${file}: ${complaint}`),
    ...judged.flatMap(({ what, object, old }, index) => disagreement(what, object, old, verdicts.cases[index] ?? [])),
  ];
});
for (const line of wrong) console.error(line);
const outcome = wrong.length === 0 ? 'all judged as here' : `${wrong.length} differences`;
console.log(`Kubernetes ${release()}: ${files.length} definitions, ${examples.length} examples: ${outcome}`);
process.exitCode = wrong.length === 0 ? 0 : 1;

/** The sentences of the broken rules are the complaints, no more and no fewer. */
function disagreement(what: string, object: ModelDeployment, old: ModelDeployment | undefined, complaints: readonly string[]): string[] {
  const expected = rules.filter((rule) => !rule.holds(object, old)).map(({ message }) => message);
  const agree = expected.length === complaints.length && expected.every((message) => complaints.some((line) => line.endsWith(message)));
  return agree ? [] : [`${what}: ${complaints.join('; ') || 'accepted'}, and here: ${expected.join('; ') || 'accepted'}`];
}

function judge(crd: string, cases: readonly object[]): Verdicts {
  const { status, stdout, stderr } = spawnSync(program(), [crd], {
    input: JSON.stringify(cases),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`the judge failed: ${stderr}`);
  return JSON.parse(stdout) as Verdicts;
}

/** The judge, built once for each of its sources. */
function program(): string {
  const sources = ['main.go', 'go.mod', 'go.sum'].map((name) => readFileSync(join(import.meta.dirname, name)));
  const key = createHash('sha256').update(Buffer.concat(sources)).digest('hex').slice(0, 16);
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'modelwright', 'floor', key);
  const binary = join(folder, 'floor');
  if (existsSync(binary)) return binary;

  console.error(`building the judge of Kubernetes ${release()} (some minutes)`);
  mkdirSync(folder, { recursive: true });
  const building = `${binary}.${process.pid}`;
  const { status, error } = spawnSync('go', ['build', '-mod=readonly', '-trimpath', '-o', building, '.'], {
    cwd: import.meta.dirname,
    stdio: 'inherit',
    env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' },
  });
  if (error) throw new Error(`Go is needed to build the judge, and could not be run: ${error.message}`);
  if (status !== 0) throw new Error('the judge could not be built');
  renameSync(building, binary);
  return binary;
}

/** k8s.io/apiextensions-apiserver v0.30.14 is that of Kubernetes 1.30.14. */
function release(): string {
  const version = /apiextensions-apiserver v0\.(\S+)/.exec(readFileSync(join(import.meta.dirname, 'go.mod'), 'utf8'))?.[1];
  return `1.${version}`;
}
