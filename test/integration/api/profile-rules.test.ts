import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { rules } from '../../../src/api/model-profile/rules.ts';
import { judgeManifests } from '../../../src/cli/lint/judge-manifests.ts';
import { applyCrds, freshNamespace } from '../../support/cluster.ts';
import { profile, profileExamples } from './profile-rule-examples.ts';
import { dryRun } from './verdict.ts';

const sentences = new Map(rules.map(({ id, message }) => [id, message]));

/** What `modelwright lint` finds wrong: codes, of which a rule's is its id. */
const linted = (object: object) =>
  judgeManifests([{ file: 'x.json', text: JSON.stringify(object) }])
    .findings.filter(({ severity }) => severity === 'error')
    .map(({ code }) => code);

describe('a real API server, lint and the rules of a ModelProfile judge alike', { concurrency: 3 }, () => {
  let namespace: Awaited<ReturnType<typeof freshNamespace>>;
  before(async () => {
    await applyCrds();
    namespace = await freshNamespace('profile-rules');
  });
  after(() => namespace[Symbol.asyncDispose]());

  for (const [id, { breaks, passes }] of Object.entries(profileExamples)) {
    describe(id, () => {
      for (const { what, object } of breaks) {
        it(`refuses ${what}`, async () => {
          const { complaints } = await dryRun('create', object, namespace.name);
          assert.equal(complaints.length, 1, complaints.join('; '));
          assert.ok(complaints[0]?.endsWith(sentences.get(id) ?? 'no rule'), complaints[0]);
          assert.deepEqual(linted(object), [id]);
        });
      }
      for (const { what, object } of passes) {
        it(`accepts ${what}`, async () => {
          assert.deepEqual((await dryRun('create', object, namespace.name)).complaints, []);
          assert.deepEqual(linted(object), []);
        });
      }
    });
  }

  const atApply: readonly [string, object, RegExp][] = [
    [
      'an SLO without a figure',
      { objective: { latency: [{ percentile: 'p99' }] } },
      /spec\.objective\.latency\[0\]\.maxMilliseconds: Required value/,
    ],
    [
      'a percentile that nobody measures',
      { objective: { latency: [{ percentile: 'p42', maxMilliseconds: 1 }] } },
      /Unsupported value: "p42"/,
    ],
    [
      'the same percentile twice',
      { objective: { latency: [1, 2].map((maxMilliseconds) => ({ percentile: 'p99', maxMilliseconds })) } },
      /Duplicate value/,
    ],
    ['a level of 0', { sweep: { concurrency: [0] } }, /spec\.sweep\.concurrency\[0\].*greater than or equal to 1/],
    ['a level twice', { sweep: { concurrency: [1, 1] } }, /spec\.sweep\.concurrency\[1\]: Duplicate value/],
    ['a URL with credentials', { target: { url: 'http://user:secret@host', modelName: 'm' } }, /spec\.target\.url/],
    ['a file as URL', { target: { url: 'file:///etc/passwd', modelName: 'm' } }, /spec\.target\.url/],
    ['a URL with a query', { target: { url: 'http://host/?token=x', modelName: 'm' } }, /spec\.target\.url/],
  ];
  for (const [what, spec, said] of atApply) {
    it(`refuses ${what}`, async () => {
      const object = profile();
      const { complaints } = await dryRun('create', { ...object, spec: { ...object.spec, ...spec } }, namespace.name);
      assert.match(complaints.join('; '), said);
    });
  }
});
