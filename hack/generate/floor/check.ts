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
import { rules as deploymentRules } from '../../../src/api/model-deployment/rules.ts';
import { rules as profileRules } from '../../../src/api/model-profile/rules.ts';
import type { Rule } from '../../../src/api/rule.ts';
import { profileExamples } from '../../../test/integration/api/profile-rule-examples.ts';
import { changeExamples, contentExamples } from '../../../test/integration/api/rule-examples.ts';

interface Verdicts {
  readonly definition: readonly string[];
  readonly cases: readonly (readonly string[])[];
}

const crds = join(import.meta.dirname, '../../../crds');

interface Example {
  readonly what: string;
  readonly object: object;
  readonly old?: object;
}

interface Kind {
  readonly rules: readonly Rule<never>[];
  readonly examples: readonly Example[];
}

const all = (examples: Readonly<Record<string, { readonly breaks: readonly Example[]; readonly passes: readonly Example[] }>>) =>
  Object.values(examples).flatMap(({ breaks, passes }) => [...breaks, ...passes]);
const none: Kind = { rules: [], examples: [] };
const kinds: Readonly<Record<string, Kind>> = {
  'modelwright.dev_modeldeployments.yaml': { rules: deploymentRules, examples: all({ ...contentExamples, ...changeExamples }) },
  'modelwright.dev_modelprofiles.yaml': { rules: profileRules, examples: all(profileExamples) },
};
const files = readdirSync(crds).filter((file) => file.endsWith('.yaml'));
const count = Object.values(kinds).reduce((sum, { examples }) => sum + examples.length, 0);

const wrong = files.flatMap((file) => {
  const { rules, examples } = kinds[file] ?? none;
  const verdicts = judge(
    join(crds, file),
    examples.map(({ object, old }) => ({ object, ...(old === undefined ? {} : { old }) })),
  );
  return [
    ...verdicts.definition.map((complaint) => `${file}: ${complaint}`),
    ...examples.flatMap((example, index) => disagreement(rules, example, verdicts.cases[index] ?? [])),
  ];
});
for (const line of wrong) console.error(line);
const outcome = wrong.length === 0 ? 'all judged as here' : `${wrong.length} differences`;
console.log(`Kubernetes ${release()}: ${files.length} definitions, ${count} examples: ${outcome}`);
process.exitCode = wrong.length === 0 ? 0 : 1;

/** The sentences of the broken rules are the complaints, no more and no fewer. */
function disagreement(rules: Kind['rules'], { what, object, old }: Example, complaints: readonly string[]): string[] {
  const expected = rules.filter((rule) => !rule.holds(object as never, old as never)).map(({ message }) => message);
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
