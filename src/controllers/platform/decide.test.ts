import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dialectOf } from '../../kserve/dialect.ts';
import { ownRuntime } from '../../kserve/platform/own-runtime.ts';
import { decide } from './decide.ts';
import type { Observed, Setback } from './observe.ts';

const metadata = { name: 'default', uid: 'p', resourceVersion: '1', creationTimestamp: '', generation: 1 };
const stock = {
  apiVersion: 'serving.kserve.io/v1alpha1',
  kind: 'ClusterServingRuntime',
  metadata: { ...metadata, name: 'kserve-tritonserver' },
  spec: { supportedModelFormats: [{ name: 'triton' }], containers: [{ name: 'kserve-container', image: 'nvcr.io/triton:1' }] },
};
const triton = { type: 'Triton', version: '2' } as const;
const ours = {
  ...ownRuntime(triton, stock),
  metadata: { ...ownRuntime(triton, stock).metadata, uid: 'o', resourceVersion: '1', creationTimestamp: '' },
};
const config = (data: Readonly<Record<string, string>>, more: object = {}) =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...metadata, name: 'config-deployment', namespace: 'knative-serving' },
    data,
    ...more,
  }) as never;

function seen(spec: object, more: Partial<Observed> = {}, leaving = false): Observed {
  return {
    platform: {
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ServingPlatform',
      metadata: { ...metadata, ...(leaving && { deletionTimestamp: '2026-01-01T00:00:00Z' }) },
      spec,
    } as never,
    serving: dialectOf({ major: 0, minor: 20 }),
    knativeServed: true,
    deploymentConfig: config({}),
    inferenceServiceConfig: undefined,
    runtimes: [stock],
    usedByModels: new Set(),
    usedByOthers: new Set(),
    models: [],
    revisions: [],
    setbacks: new Map(),
    settledRegistries: new Set(),
    freed: new Map(),
    otherConfigs: [],
    answers: new Map(),
    storageContainer: { live: undefined, isServed: true, isUsed: false, image: undefined },
    now: Date.parse('2026-01-01T00:00:00Z'),
    ...more,
  };
}
const skip = { tagResolution: { skipRegistries: ['nvcr.io'] } };
const kinds = ({ actions }: ReturnType<typeof decide>) => actions.map(({ kind }) => kind);
const condition = ({ status }: ReturnType<typeof decide>, type = 'Ready') => status?.conditions.find((one) => one.type === type);

describe('a ServingPlatform', () => {
  it('that declares nothing is Ready and does nothing', () => {
    const decision = decide(seen({}));
    assert.deepEqual(decision.actions, []);
    assert.equal(condition(decision)?.status, 'True');
  });

  it('is not Ready before what it declares is there', () => {
    for (const spec of [skip, { runtimes: [triton] }]) assert.equal(condition(decide(seen(spec)))?.status, 'Unknown');
    assert.deepEqual(kinds(decide(seen({ ...skip, runtimes: [triton] }))), ['ApplyRuntime', 'SetKey']);
  });

  it('is Ready when it is', () => {
    const decision = decide(
      seen(
        { ...skip, runtimes: [triton] },
        { runtimes: [stock, ours as never], deploymentConfig: config({ 'registries-skipping-tag-resolving': 'nvcr.io' }) },
      ),
    );
    assert.deepEqual(kinds(decision), ['ApplyRuntime']);
    assert.equal(condition(decision)?.status, 'True');
    assert.equal(decision.status?.runtimes?.[0]?.runtimeName, ours.metadata.name);
  });

  const stopped: readonly [name: string, more: Partial<Observed>, spec: object, reason: string][] = [
    ['Knative is not installed', { knativeServed: false, deploymentConfig: undefined }, skip, 'KnativeMissing'],
    ['the ConfigMap is not there', { deploymentConfig: undefined }, skip, 'ConfigMapMissing'],
    ['the ConfigMap is immutable', { deploymentConfig: config({}, { immutable: true }) }, skip, 'ConfigMapImmutable'],
    ['the edit was refused', { setbacks: setback({ kind: 'Refused', reason: 'EditRefused', message: 'no' }) }, skip, 'EditRefused'],
    ['somebody fights', { setbacks: setback({ kind: 'Contested', manager: 'argocd' }) }, skip, 'Conflict'],
    [
      'the runtime was refused',
      { setbacks: new Map([['runtimes', { kind: 'Refused', reason: 'EditRefused', message: 'no' }]]) },
      { runtimes: [triton] },
      'EditRefused',
    ],
    ['the runtime to copy is missing', { runtimes: [] }, { runtimes: [triton] }, 'RuntimeMissing'],
    [
      'KServe is missing',
      { serving: { kind: 'Missing', reason: 'KServeMissing', message: 'install it' } },
      { runtimes: [triton] },
      'KServeMissing',
    ],
  ];
  for (const [name, more, spec, reason] of stopped) {
    it(`is Stalled and touches nothing when ${name}`, () => {
      const decision = decide(seen(spec, more));
      assert.deepEqual(decision.actions, []);
      assert.equal(condition(decision)?.status, 'False');
      assert.equal(condition(decision)?.reason, reason);
      assert.equal(condition(decision, 'Stalled')?.status, 'True');
    });
  }

  it('says so where this KServe has no pull secrets in its runtimes, and gives the image all the same', () => {
    const spec = { runtimes: [{ ...triton, imagePullSecrets: ['nvcr'] }] };
    const old = decide(seen(spec, { serving: dialectOf({ major: 0, minor: 9 }) }));
    assert.equal(condition(old)?.reason, 'PullSecretsNotPossible');
    assert.deepEqual(kinds(old), ['ApplyRuntime']);
    assert.equal(condition(decide(seen(spec)))?.reason, 'Progressing');
  });

  it('names the rival in Conflict and in the drift', () => {
    const decision = decide(seen(skip, { setbacks: setback({ kind: 'Contested', manager: 'argocd', since: '2026-01-01T00:00:00Z' }) }));
    assert.match(condition(decision, 'Conflict')?.message ?? '', /^argocd keeps putting/);
    assert.equal(decision.status?.drift?.[0]?.manager, 'argocd');
  });

  it('keeps a runtime that is no longer declared while somebody uses it', () => {
    const runtimes = [stock, ours as never];
    for (const used of ['usedByModels', 'usedByOthers'] as const) {
      assert.deepEqual(kinds(decide(seen({}, { runtimes, [used]: new Set([ours.metadata.name]) }))), []);
    }
    assert.deepEqual(kinds(decide(seen({}, { runtimes }))), ['DeleteRuntime']);
  });
});

describe('a ServingPlatform that is being deleted', () => {
  const runtimes = [stock, ours as never];

  it('waits until no model uses a runtime of ours, takes it away, and then is gone', () => {
    const used = decide(seen({ runtimes: [triton] }, { runtimes, usedByModels: new Set([ours.metadata.name]) }, true));
    assert.deepEqual([kinds(used), used.isGone], [[], false]);
    const unused = decide(seen({ runtimes: [triton] }, { runtimes }, true));
    assert.deepEqual([kinds(unused), unused.isGone], [['DeleteRuntime'], false]);
    assert.equal(decide(seen({ runtimes: [triton] }, {}, true)).isGone, true);
  });

  it('leaves a runtime to others who name it', () => {
    const decision = decide(seen({ runtimes: [triton] }, { runtimes, usedByOthers: new Set([ours.metadata.name]) }, true));
    assert.deepEqual([kinds(decision), decision.isGone], [[], true]);
  });

  it('does not wait for ever for a ConfigMap that it may not edit', () => {
    const claim = JSON.stringify({ key: 'registries-skipping-tag-resolving', added: ['nvcr.io'], previous: null, written: 'nvcr.io' });
    const held = config(
      { 'registries-skipping-tag-resolving': 'nvcr.io' },
      {
        metadata: {
          ...metadata,
          name: 'config-deployment',
          namespace: 'knative-serving',
          annotations: { 'modelwright.dev/registries-claim': claim },
        },
      },
    );
    const free = decide(seen(skip, { deploymentConfig: held }, true));
    assert.deepEqual([kinds(free), free.isGone], [['SetKey'], false]);
    const refused = decide(
      seen(skip, { deploymentConfig: held, setbacks: setback({ kind: 'Refused', reason: 'Forbidden', message: 'no' }) }, true),
    );
    assert.deepEqual([kinds(refused), refused.isGone], [[], true]);
  });
});

describe('a Revision that failed on its tag', () => {
  const failed = (generation: number, more: object = {}) =>
    ({
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Revision',
      metadata: {
        ...metadata,
        name: `m-0000${generation}`,
        namespace: 'ns',
        creationTimestamp: '2026-01-01T00:00:00Z',
        labels: { 'serving.knative.dev/configuration': 'm', 'serving.knative.dev/configurationGeneration': String(generation) },
      },
      status: {
        conditions: [
          {
            type: 'ContainerHealthy',
            status: 'False',
            reason: 'ContainerMissing',
            message: 'Unable to fetch image "nvcr.io/triton:1": failed to resolve image to digest: no such host',
            lastTransitionTime: '2026-01-01T00:00:00Z',
          },
        ],
      },
      ...more,
    }) as never;
  const retry = { tagResolution: { ...skip.tagResolution, retryFailedRevisions: true } };
  const skipped = { deploymentConfig: config({ 'registries-skipping-tag-resolving': 'nvcr.io' }), settledRegistries: new Set(['nvcr.io']) };

  it('is freed once its registry is skipped and Knative has heard of it, and only if the spec says so', () => {
    const revisions = [failed(1)];
    assert.deepEqual(kinds(decide(seen(retry, { ...skipped, revisions }))), ['FreeRevision']);
    assert.deepEqual(kinds(decide(seen(skip, { ...skipped, revisions }))), []);
    assert.deepEqual(kinds(decide(seen(retry, { ...skipped, settledRegistries: new Set(), revisions }))), []);
    assert.deepEqual(kinds(decide(seen(retry, { ...skipped, revisions, freed: new Map([['ns/m-00001', 3]]) }))), []);
  });

  it('is left alone when a newer one took its place', () => {
    const healthy = failed(2, { status: { conditions: [{ type: 'Ready', status: 'True' }] } });
    const decision = decide(seen(retry, { ...skipped, revisions: [failed(1), healthy] }));
    assert.deepEqual([kinds(decision), decision.status?.tagResolution?.failedRevisions], [[], []]);
  });
});

function setback(one: Setback): Observed['setbacks'] {
  return new Map([['registries', one]]);
}
