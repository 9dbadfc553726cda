import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { holderOfIdentity, identityOf } from './identity.ts';
import { aDeployment, identifiedModel } from './testing/objects.ts';

const [january, february] = ['2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'];

describe('the identity of a model', () => {
  const identity = (over: object, type: 'SKLearn' | 'Triton' = 'SKLearn') =>
    identityOf(aDeployment({ spec: { runtime: { type }, model: { ...identifiedModel, ...over } } }) as never);

  it('is the same for the same architecture, framework, runtime, task, dataset and version', () => {
    assert.equal(identity({ description: 'one', license: 'MIT' }), identity({ description: 'another' }));
  });
  for (const over of [
    { architecture: 'svm' },
    { framework: 'ONNX' },
    { task: 'regression' },
    { dataset: 'wine' },
    { version: 2 },
  ] as const) {
    it(`differs with ${Object.keys(over)[0]}`, () => assert.notEqual(identity(over), identity({})));
  }
  it('differs with the runtime', () => assert.notEqual(identity({}, 'Triton'), identity({})));
  it('needs architecture, framework, task and dataset', () => {
    assert.equal(identityOf(aDeployment({ spec: { model: { architecture: 'a', framework: 'ONNX', task: 't' } } }) as never), undefined);
  });
});

describe('of two with the same identity', () => {
  const older = aDeployment({ name: 'b', created: january });
  const newer = aDeployment({ name: 'a', created: february });

  it('the one created first holds it', () => {
    assert.equal(holderOfIdentity(newer, [older, newer])?.metadata.name, 'b');
    assert.equal(holderOfIdentity(older, [older, newer]), undefined);
  });
  it('the name decides between equal times', () => {
    const twin = aDeployment({ name: 'c', created: january });
    assert.equal(holderOfIdentity(twin, [older, twin])?.metadata.name, 'b');
    assert.equal(holderOfIdentity(older, [older, twin]), undefined);
  });
  it('one that is being deleted holds nothing any more', () => {
    const leaving = aDeployment({ name: 'b', created: january, metadata: { deletionTimestamp: february } });
    assert.equal(holderOfIdentity(newer, [leaving, newer]), undefined);
  });
});
