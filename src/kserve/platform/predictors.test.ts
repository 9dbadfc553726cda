import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planPredictors } from './predictors.ts';

/** Shaped as KFServing 0.6 and KServe 0.7 ship it: flat and nested entries, uneven indentation. */
const shipped = `{
    "tensorflow": {
        "image": "tensorflow/serving",
        "defaultImageVersion": "1.14.0",
        "defaultGpuImageVersion": "1.14.0-gpu"
    },
    "sklearn": {
      "v1": {
        "image": "kserve/sklearnserver",
        "defaultImageVersion": "v0.7.0",
        "multiModelServer": true
      },
      "v2": { "image": "docker.io/seldonio/mlserver", "defaultImageVersion": "0.2.1" }
    },
    "triton": {
        "image": "nvcr.io/nvidia/tritonserver",
        "defaultImageVersion": "20.08-py3"
    }
}`;

function planned(...args: Parameters<typeof planPredictors>) {
  const plan = planPredictors(...args);
  assert.equal(plan.kind, 'Planned', JSON.stringify(plan));
  return plan as Extract<typeof plan, { kind: 'Planned' }>;
}

const triton = { type: 'Triton', version: '20.10-py3' } as const;

describe('the predictors of old KServe', () => {
  it('change in the declared values alone', () => {
    const { text } = planned(shipped, [triton, { type: 'SKLearn', image: 'mirror:5000/sklearnserver', version: 'v0.7.1' }], undefined);
    const expected = shipped
      .replace('20.08-py3', '20.10-py3')
      .replace('kserve/sklearnserver', 'mirror:5000/sklearnserver')
      .replace('v0.7.0', 'v0.7.1');
    assert.equal(text, expected);
  });

  it('return to the old bytes, also where a member was added', () => {
    const { text, claim } = planned(shipped, [{ ...triton, gpuVersion: '20.10-py3-gpu' }], undefined);
    assert.match(text, /"20\.10-py3",\n {8}"defaultGpuImageVersion": "20\.10-py3-gpu"\n/);
    assert.equal(planned(text, [], claim).text, shipped);
  });

  it('keep what somebody else changed since, and lose the rest of ours', () => {
    const { text, claim } = planned(shipped, [{ ...triton, image: 'mirror/triton' }], undefined);
    const edited = text.replace('20.10-py3', '21.09-py3');
    assert.equal(planned(edited, [], claim).text, shipped.replace('20.08-py3', '21.09-py3'));
  });

  it('have nothing to do where the values are there already, and then nothing to restore', () => {
    const { text, claim } = planned(shipped, [{ type: 'Triton', version: '20.08-py3' }], undefined);
    assert.equal(text, shipped);
    assert.equal(claim, undefined);
  });

  it('follow the spec when it declares less', () => {
    const first = planned(shipped, [triton, { type: 'TFServing', version: '2.2.0' }], undefined);
    const second = planned(first.text, [triton], first.claim);
    assert.equal(second.text, shipped.replace('20.08-py3', '20.10-py3'));
    assert.deepEqual(Object.keys(second.claim?.leaves ?? {}), ['triton.defaultImageVersion']);
  });

  const refused = [
    [
      'a flat sklearn, on which the webhook would crash',
      '{"sklearn":{"image":"a","defaultImageVersion":"1"}}',
      'SKLearn',
      /is flat.*would crash.*below "v1"/,
    ],
    ['a pytorch without v2', '{"pytorch":{"v1":{"image":"a"}}}', 'TorchServe', /pytorch\.v2 is not there.*would crash/],
    ['a nested triton, whose image would be read as empty', '{"triton":{"v2":{"image":"a"}}}', 'Triton', /reads it flat/],
    ['a server that is not there', '{}', 'LightGBM', /lightgbm is not there/],
  ] as const;
  for (const [name, text, type, message] of refused) {
    it(`are left alone for ${name}`, () => {
      const plan = planned(text, [{ type, version: '1.0' }], undefined);
      assert.equal(plan.text, text);
      assert.match(plan.problems[0]?.message ?? '', message);
    });
  }

  it('refuse a digest, which this KServe would turn into a tag', () => {
    const [problem] = planned(shipped, [{ type: 'Triton', version: `sha256:${'a'.repeat(64)}` }], undefined).problems;
    assert.equal(problem?.reason, 'DigestNotPossible');
  });

  it('are left alone where they are no JSON', () => {
    assert.deepEqual(planPredictors('{"triton": {', [triton], undefined).kind, 'Unusable');
    assert.deepEqual(planPredictors('[]', [triton], undefined).kind, 'Unusable');
  });
});
