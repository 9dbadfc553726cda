import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dialectOf } from '../../../kserve/dialect.ts';
import { newestKServe } from '../../../models/kserve-version.ts';
import { aDeployment } from '../testing/objects.ts';
import { type ObservePackagingPorts, observePackaging } from './observe.ts';

const nothing = { get: () => undefined, list: () => [], byIndex: () => [] };
const stores = { modelDeployments: nothing, packaging: { jobs: nothing, pods: nothing, namespaces: nothing } };

function imageOf(own: string | undefined, settings?: ObservePackagingPorts['settings']): string | undefined {
  const ports = { stores, dialect: dialectOf(newestKServe), settings, sourceHosts: [], serviceAccounts: [], image: own, now: 0 };
  return observePackaging(aDeployment(), ports as unknown as ObservePackagingPorts).image;
}

describe('the image of packaging Jobs', () => {
  it("is that of the ServingPlatform, else the operator's own", () => {
    assert.equal(imageOf('own:1', { repositories: [], jobs: { image: 'mirror.example/theirs:1' } }), 'mirror.example/theirs:1');
    assert.equal(imageOf('own:1', { repositories: [], jobs: {} }), 'own:1');
    assert.equal(imageOf('own:1'), 'own:1');
    assert.equal(imageOf(undefined, { repositories: [], jobs: { image: 'mirror.example/theirs:1' } }), 'mirror.example/theirs:1');
    assert.equal(imageOf(undefined), undefined);
  });
});
