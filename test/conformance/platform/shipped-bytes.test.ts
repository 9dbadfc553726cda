/** Key `predictors` as KFServing 0.6.1 and KServe 0.7.0 and 0.9.0 ship it: what an edit of ours changes, byte by byte, and that taking it back leaves none. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { loadAll } from 'js-yaml';
import { getBinaries } from '../../../hack/controlplane/binaries.ts';
import { cachedFiles } from '../../../hack/controlplane/cache.ts';
import { kserve, managerOf } from '../../../hack/controlplane/catalog.ts';
import { KSERVE_MODULE } from '../../../hack/controlplane/kserve-releases.ts';
import { runtimeTypes } from '../../../src/api/model-deployment/runtime.ts';
import { planPredictors } from '../../../src/kserve/platform/predictors.ts';

const sample = new URL('../../../../shared/samples/kfserving-0.6/inferenceservice-config.v0.6.1.yaml', import.meta.url).pathname;
const fileOf = (version: '0.7.0' | '0.9.0') => join(cachedFiles(kserve(version), KSERVE_MODULE), 'config/configmap/inferenceservice.yaml');

const releases: readonly [release: string, file: () => string, skip: string | false][] = [
  ['KFServing 0.6.1', () => sample, existsSync(sample) ? false : 'its ConfigMap is not here, and its module is in no registry'],
  ['KServe 0.7.0', () => fileOf('0.7.0'), false],
  ['KServe 0.9.0', () => fileOf('0.9.0'), false],
];

before(async () => {
  await getBinaries(
    (['0.7.0', '0.9.0'] as const).map((version) => ({ component: kserve(version), binaries: [managerOf(version)] })),
    { say: console.error },
  );
});

function predictorsIn(file: string): string {
  const objects = loadAll(readFileSync(file, 'utf8')) as ({ metadata: { name: string }; data?: Record<string, string> } | null)[];
  const text = objects.find((object) => object?.metadata.name === 'inferenceservice-config')?.data?.['predictors'];
  assert.ok(text, `${file} has predictors`);
  return text;
}

function planned(...args: Parameters<typeof planPredictors>) {
  const plan = planPredictors(...args);
  assert.equal(plan.kind, 'Planned');
  return plan as Extract<typeof plan, { kind: 'Planned' }>;
}

type Json = { readonly [key: string]: Json } | string | number | boolean | null | readonly Json[];

/** Every value of a JSON text by its path. */
function leaves(value: Json, path = ''): Record<string, Json> {
  if (typeof value !== 'object' || value === null) return { [path]: value };
  return Object.assign({}, ...Object.entries(value).map(([key, below]) => leaves(below as Json, `${path}.${key}`))) as Record<string, Json>;
}

for (const [release, file, skip] of releases) {
  describe(`key predictors of ${release}`, { skip }, () => {
    const image = 'mirror.example:5000/team/server';
    for (const type of runtimeTypes) {
      it(`${type}: three values change, and no other byte`, () => {
        const before = predictorsIn(file());
        const { text, claim, problems } = planned(before, [{ type, image, version: '9.9.9', gpuVersion: '9.9.9-gpu' }], undefined);
        assert.deepEqual(problems, []);
        const changed = Object.entries(leaves(JSON.parse(text) as Json)).filter(
          ([path, value]) => leaves(JSON.parse(before) as Json)[path] !== value,
        );
        assert.deepEqual(changed.map(([path, value]) => [path.split('.').at(-1), value]).sort(), [
          ['defaultGpuImageVersion', '9.9.9-gpu'],
          ['defaultImageVersion', '9.9.9'],
          ['image', image],
        ]);
        // What stands around the values that were there is the same text; a value that was not there is a piece of its own.
        const added = Object.entries(claim?.leaves ?? {}).filter(([, { previous }]) => previous === null);
        let rest = text;
        for (const { previous, written } of Object.values(claim?.leaves ?? {})) {
          if (previous !== null) rest = rest.replace(JSON.stringify(written), JSON.stringify(previous));
        }
        for (const [path, { written }] of added) {
          const piece = new RegExp(`,\\s*"${path.split('.').at(-1)}"\\s*:\\s*${JSON.stringify(written)}`);
          assert.match(rest, piece);
          rest = rest.replace(piece, '');
        }
        assert.equal(rest, before);
        assert.equal(planned(text, [], claim).text, before, 'taken back');
      });
    }

    it('all of them at once: taken back in one step, or one by one', () => {
      const before = predictorsIn(file());
      const all = runtimeTypes.map((type) => ({ type, image, version: '9.9.9', gpuVersion: '9.9.9-gpu' }));
      const { text, claim } = planned(before, all, undefined);
      assert.notEqual(text, before);
      assert.equal(planned(text, [], claim).text, before);
      let step = { text, claim };
      for (let left = all.length - 1; left >= 0; left--) step = planned(step.text, all.slice(0, left), step.claim);
      assert.equal(step.text, before);
    });
  });
}
