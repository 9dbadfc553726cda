import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Model, memberOf, type Target } from './members.ts';

const target: Target = {
  type: 'Triton',
  image: 'nvcr.io/triton:2',
  managedVia: 'ClusterServingRuntime',
  runtimeName: 'modelwright-triton-new',
  models: { total: 0, updated: 0, behind: [], summary: '0/0' },
};

function aModel(runtime: string | undefined, status: object, spec: object = {}): Model {
  const metadata = { name: 'm', namespace: 'ns', uid: 'u', resourceVersion: '1', creationTimestamp: '', generation: 1 };
  return {
    deployment: { metadata, spec: { runtime: { type: 'Triton' }, ...spec }, status: { observedGeneration: 1, ...status } } as never,
    service: runtime === undefined ? undefined : ({ metadata, spec: { predictor: { model: { runtime } } } } as never),
  };
}
const ready = (name: string, image: string) => ({ conditions: [{ type: 'Ready', status: 'True' }], runtime: { name, image } });
const stateOf = (model: Model) => memberOf(model, target).state;

describe('how far a model has come', () => {
  it('is New without an InferenceService, and Behind with another runtime', () => {
    assert.equal(stateOf(aModel(undefined, {})), 'New');
    assert.equal(stateOf(aModel('kserve-tritonserver', ready('kserve-tritonserver', 'nvcr.io/triton:1'))), 'Behind');
  });

  it('is Moving until its own status says that it serves with the target', () => {
    const own = 'modelwright-triton-new';
    assert.equal(stateOf(aModel(own, ready('modelwright-triton-old', 'nvcr.io/triton:1'))), 'Moving');
    assert.equal(stateOf(aModel(own, ready(own, 'nvcr.io/triton:1'))), 'Moving', 'KServe names the runtime before its pods are there');
    assert.equal(stateOf(aModel(own, { conditions: [{ type: 'Ready', status: 'False' }] })), 'Moving');
    assert.equal(stateOf(aModel(own, ready(own, 'nvcr.io/triton:2'))), 'Updated');
    assert.equal(stateOf(aModel(own, ready(own, `nvcr.io/triton@sha256:${'0'.repeat(64)}`))), 'Updated');
    assert.equal(stateOf(aModel(own, {}, { suspend: true })), 'Updated');
  });

  it('is measured by its own version where it has one', () => {
    const pinned = { runtime: { type: 'Triton', version: '7' } };
    assert.equal(stateOf(aModel('modelwright-triton-new', ready('modelwright-triton-new', 'nvcr.io/triton:7'), pinned)), 'Updated');
  });

  it('is Behind with a runtime of ours that is no longer declared', () => {
    assert.equal(memberOf(aModel('modelwright-triton-new', {}), undefined).state, 'Behind');
    assert.equal(memberOf(aModel('kserve-tritonserver', {}), undefined).state, 'Updated');
  });
});
