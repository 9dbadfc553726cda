import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isLeftBehind, ownershipOf } from './ownership.ts';
import { aService } from './testing/objects.ts';

const owner = { uid: 'me', name: 'iris' };
const adopt = { 'modelwright.dev/adopt': 'true' };
const deleted = { deletionTimestamp: '2026-01-02T00:00:00Z' };

describe('an InferenceService of the deployment’s name', () => {
  const cases: readonly [string, Parameters<typeof ownershipOf>[0], string][] = [
    ['is absent', undefined, 'Absent'],
    ['is ours when our UID controls it', aService({ owner: { uid: 'me' } }), 'Ours'],
    ['is leaving when it is ours and being deleted', aService({ owner: { uid: 'me' }, metadata: deleted }), 'Leaving'],
    [
      'is a predecessor’s when a ModelDeployment of this name and another UID controls it',
      aService({ owner: { uid: 'old' } }),
      'Predecessor',
    ],
    [
      'is foreign when a ModelDeployment of another API group controls it',
      aService({ owner: { uid: 'x', apiVersion: 'ml.example.com/v1' } }),
      'Foreign',
    ],
    ['is foreign when another kind controls it', aService({ owner: { uid: 'x', kind: 'InferenceGraph', name: 'routes' } }), 'Foreign'],
    ['is foreign when nobody controls it', aService(), 'Foreign'],
    ['may be adopted when nobody controls it and its annotation says so', aService({ annotations: adopt }), 'Adoptable'],
    ['is foreign with any other value of the annotation', aService({ annotations: { 'modelwright.dev/adopt': 'yes' } }), 'Foreign'],
    [
      'is foreign in spite of the annotation when another kind controls it',
      aService({ annotations: adopt, owner: { uid: 'x', kind: 'InferenceGraph' } }),
      'Foreign',
    ],
    ['is foreign in spite of the annotation while it is being deleted', aService({ annotations: adopt, metadata: deleted }), 'Foreign'],
  ];
  for (const [name, object, kind] of cases) it(name, () => assert.equal(ownershipOf(object, owner).kind, kind));

  it('names the controller of a foreign one', () => {
    const foreign = ownershipOf(aService({ owner: { uid: 'x', kind: 'InferenceGraph', name: 'routes' } }), owner);
    assert.equal(foreign.kind === 'Foreign' && foreign.controller, 'InferenceGraph routes');
  });
});

describe('what an earlier deployment of this name made', () => {
  const reference = { apiVersion: 'modelwright.dev/v1alpha1', kind: 'ModelDeployment', name: 'iris', uid: 'old', controller: true };
  const other = { apiVersion: 'v1', kind: 'ConfigMap', name: 'settings', uid: 'c' };

  it('is left behind when that was its one owner', () => assert.ok(isLeftBehind(aService({ owner: { uid: 'old' } }))));
  it('is not while it is being deleted', () => assert.ok(!isLeftBehind(aService({ owner: { uid: 'old' }, metadata: deleted }))));
  it('is not when others own it too: who collects garbage leaves it to them', () =>
    assert.ok(!isLeftBehind(aService({ metadata: { ownerReferences: [reference, other] } }))));
});
