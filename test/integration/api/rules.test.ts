import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ModelDeployment } from '../../../src/api/model-deployment/index.ts';
import { rules } from '../../../src/api/model-deployment/rules.ts';
import type { Rule } from '../../../src/api/rule.ts';
import { applyCrds, freshNamespace, kubectl } from '../../support/cluster.ts';
import { changeExamples, contentExamples } from './rule-examples.ts';
import { dryRun } from './verdict.ts';

const byId = new Map(rules.map((rule) => [rule.id, rule]));

/** What kubectl prints for a broken rule. */
function complaint(rule: Rule<ModelDeployment>): string {
  const kind = rule.reason === 'Forbidden' ? 'Forbidden' : 'Invalid value: "object"';
  return `${rule.fieldPath.slice(1)}: ${kind}: ${rule.message}`;
}

function complaintOf(id: string): string {
  const rule = byId.get(id);
  assert.ok(rule, `no rule ${id}`);
  return complaint(rule);
}

describe('a real API server and the predicates judge alike', { concurrency: 3 }, () => {
  let namespace: Awaited<ReturnType<typeof freshNamespace>>;
  before(async () => {
    await applyCrds();
    namespace = await freshNamespace('rules');
  });
  after(() => namespace[Symbol.asyncDispose]());

  /** The API server's complaints are exactly those of the predicates that do not hold. */
  async function judgedAlike(verb: 'create' | 'replace', object: ModelDeployment, old?: ModelDeployment): Promise<readonly string[]> {
    const { complaints } = await dryRun(verb, object, namespace.name);
    const predicted = rules.filter((rule) => !rule.holds(object, old)).map(complaint);
    assert.deepEqual([...complaints].sort(), predicted.sort());
    return complaints;
  }

  for (const [id, { breaks, passes }] of Object.entries(contentExamples)) {
    describe(id, () => {
      for (const { what, object } of breaks) {
        it(`refuses ${what}`, async () => assert.deepEqual(await judgedAlike('create', object), [complaintOf(id)]));
      }
      for (const { what, object } of passes) it(`accepts ${what}`, async () => assert.deepEqual(await judgedAlike('create', object), []));
    });
  }

  let count = 0;
  for (const [id, { breaks, passes }] of Object.entries(changeExamples)) {
    describe(id, () => {
      for (const [verdict, examples] of [
        ['refuses', breaks],
        ['accepts', passes],
      ] as const) {
        for (const { what, old, object } of examples) {
          const name = `change-${++count}`;
          it(`${verdict}: ${what}`, async () => {
            await store(named(old, name), namespace.name);
            const complaints = await judgedAlike('replace', named(object, name), named(old, name));
            assert.deepEqual(complaints, verdict === 'refuses' ? [complaintOf(id)] : []);
          });
        }
      }
    });
  }
});

function named(object: ModelDeployment, name: string): ModelDeployment {
  return { ...object, metadata: { ...object.metadata, name } };
}

async function store(object: ModelDeployment, namespace: string): Promise<void> {
  const { status, ...rest } = object;
  await kubectl(['create', '-n', namespace, '-f', '-'], { input: rest });
  if (status === undefined) return;
  const patch = ['--subresource=status', '--type=merge', '-p', JSON.stringify({ status })];
  await kubectl(['patch', 'modeldeployment', object.metadata.name, '-n', namespace, ...patch]);
}
