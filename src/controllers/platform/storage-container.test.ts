import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ServingPlatformSpec } from '../../api/serving-platform/index.ts';
import { renderStorageContainer } from '../deployment/packaging/storage-container.ts';
import { decideStorageContainer, type StorageContainerObserved } from './storage-container.ts';

const platform = (spec: ServingPlatformSpec, metadata: object = {}) =>
  ({
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ServingPlatform',
    metadata: { name: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
    spec,
  }) as Parameters<typeof decideStorageContainer>[0];
const ours = renderStorageContainer({}, 'modelwright:1', { apiVersion: 'x', kind: 'ServingPlatform', name: 'default', uid: 'u' });
const live = { ...ours, metadata: { ...ours.metadata, uid: 's', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' } };
const seen = (over: Partial<StorageContainerObserved> = {}): StorageContainerObserved => ({
  live: undefined,
  isServed: true,
  isUsed: false,
  image: 'modelwright:1',
  ...over,
});
const declared = platform({ storageContainer: {} });
const outcome = (...given: Parameters<typeof decideStorageContainer>) => {
  const { actions, verdict } = decideStorageContainer(...given);
  return [actions.map(({ kind }) => kind).join(), verdict?.reason];
};

describe('the storage container', () => {
  const cases: readonly (readonly [string, Parameters<typeof decideStorageContainer>, readonly [string, string | undefined]])[] = [
    ['is made where it is declared', [declared, seen()], ['ApplyStorageContainer', 'Progressing']],
    ['is kept so', [declared, seen({ live })], ['ApplyStorageContainer', 'Applied']],
    ['is not missed where nobody declared it', [platform({}), seen()], ['', undefined]],
    ['goes when it is declared no more', [platform({}), seen({ live })], ['DeleteStorageContainer', undefined]],
    ['stays while a service names it', [platform({}), seen({ live, isUsed: true })], ['', undefined]],
    ['goes after its owner, and not before', [platform({}, { deletionTimestamp: 'now' }), seen({ live })], ['', undefined]],
    ['cannot be had before KServe 0.11', [declared, seen({ isServed: false })], ['', 'StorageContainerUnsupported']],
    [
      'of somebody else is left alone',
      [declared, seen({ live: { ...live, metadata: { ...live.metadata, labels: {} } } })],
      ['', 'StorageContainerNotOurs'],
    ],
    [
      'of somebody else is not deleted either',
      [platform({}), seen({ live: { ...live, metadata: { ...live.metadata, labels: {} } } })],
      ['', undefined],
    ],
    ['needs an image', [declared, seen({ image: undefined })], ['', 'ImageNotKnown']],
    [
      'may have another image',
      [platform({ storageContainer: { image: 'x' } }), seen({ image: undefined })],
      ['ApplyStorageContainer', 'Progressing'],
    ],
    ['that was refused says so', [declared, seen(), { kind: 'Refused', reason: 'EditRefused', message: 'no' }], ['', 'EditRefused']],
  ];
  for (const [what, given, expected] of cases) it(what, () => assert.deepEqual(outcome(...given), expected));
});
