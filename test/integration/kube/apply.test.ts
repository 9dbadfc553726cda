import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { Applier } from '../../../src/kube/apply.ts';
import type { ApplyObject, KubeClient } from '../../../src/kube/client.ts';
import { ClusterCache } from '../../../src/kube/cluster-cache.ts';
import { isConflict } from '../../../src/kube/errors.ts';
import type { KubeObject, ResourceType } from '../../../src/kube/object.ts';
import { type Store, whenSynced } from '../../../src/kube/store.ts';
import { eventually, freshNamespace } from '../../support/cluster.ts';
import { aWidget, behindProxy, direct, install, type Widget, widgetType } from './widgets.ts';

const type = widgetType();
const configMaps: ResourceType<KubeObject & { readonly data?: Readonly<Record<string, string>> }> = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
const deployments: ResourceType = { group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', namespaced: true };
const jobs: ResourceType = { group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs', namespaced: true };

let client: KubeClient & AsyncDisposable;
let definition: AsyncDisposable;
let namespace: { readonly name: string } & AsyncDisposable;

before(async () => {
  client = await direct();
  definition = await install(client, type);
  namespace = await freshNamespace('kube-apply');
});

after(async () => {
  await definition[Symbol.asyncDispose]();
  await namespace[Symbol.asyncDispose]();
  await client.close();
});

/** A cache of the test's namespace behind a proxy that counts writes. */
async function aScene<T extends KubeObject>(of: ResourceType<T>) {
  const { client: proxied, proxy, [Symbol.asyncDispose]: disposeProxy } = await behindProxy();
  const cache = new ClusterCache({ client: proxied, namespaces: [namespace.name], freeze: true });
  const store = cache.store(of);
  const stop = new AbortController();
  const running = cache.run(stop.signal);
  await whenSynced(store);
  return {
    store,
    client: proxied,
    applier: new Applier({ client: proxied }),
    writes: () => proxy.record.filter(({ method }) => method !== 'GET').length,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await disposeProxy();
    },
  };
}

/** Waits until the store has what the cluster has now of an object. */
async function caughtUp<T extends KubeObject>(store: Store<T>, name: string): Promise<void> {
  const key = { namespace: namespace.name, name };
  const { resourceVersion } = (await client.get(store.type, key)).metadata;
  await eventually(
    async () => store.hasSeen(key, resourceVersion),
    (seen) => seen,
  );
}

const widget = (name: string, spec: NonNullable<Widget['spec']>) => aWidget(type, namespace.name, name, spec) as ApplyObject<Widget>;

describe('an object that is to be ours alone', () => {
  it('is made where there is none, with the fields as ours as by any apply', async () => {
    await using scene = await aScene(type);
    const desired = widget('own', { size: 1 });
    const { written, object } = await scene.applier.applyOwn(scene.store, desired);
    assert.equal(written, true);
    assert.ok(Number(object?.metadata.resourceVersion) > 1);
    await caughtUp(scene.store, 'own');
    const next = new Applier({ client: scene.client });
    assert.equal((await next.applyOwn(scene.store, desired)).written, false);
    assert.equal((await next.applyOwn(scene.store, widget('own', { color: 'red' }))).written, true);
    const { spec } = await client.get(type, { namespace: namespace.name, name: 'own' });
    assert.deepEqual(spec, { color: 'red' });
  });

  it('is not taken from who has the name, though the cache does not know it yet', async () => {
    await using scene = await aScene(type);
    const unaware = { ...scene.store, type, get: () => undefined, hasSeen: () => true };
    const foreign = await client.create(type, { ...widget('foreign', { size: 7 }) } as unknown as Widget);
    await assert.rejects(scene.applier.applyOwn(unaware, widget('foreign', { size: 1 })), isConflict);
    const now = await client.get(type, { namespace: namespace.name, name: 'foreign' });
    assert.equal(now.metadata.resourceVersion, foreign.metadata.resourceVersion);
  });

  it('is not made anew where the one that we made is gone, before the cache has heard of either', async () => {
    await using scene = await aScene(type);
    const unaware = { ...scene.store, type, get: () => undefined, hasSeen: () => false };
    await scene.applier.applyOwn(unaware, widget('gone', { size: 1 }));
    await client.delete(type, { namespace: namespace.name, name: 'gone' });
    await assert.rejects(scene.applier.applyOwn(unaware, widget('gone', { size: 2 })), isConflict);
  });
});

describe('an object that is as desired', () => {
  const podTemplate = {
    metadata: { labels: { app: 'x' } },
    spec: {
      restartPolicy: 'Never',
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
      volumes: [
        { name: 'config', configMap: { name: 'c' } },
        { name: 'scratch', emptyDir: { sizeLimit: '1024Mi' } },
      ],
      containers: [
        {
          name: 'main',
          image: 'nginx:1',
          args: ['--a', '--b'],
          env: [
            { name: 'A', value: 'b' },
            { name: 'POD', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
          ],
          ports: [{ containerPort: 80 }],
          resources: { requests: { cpu: '1000m', memory: '1024Mi' }, limits: { cpu: '2', 'nvidia.com/gpu': '1' } },
          volumeMounts: [{ name: 'config', mountPath: '/etc/x' }],
          securityContext: { runAsNonRoot: true, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
  const metadata = (name: string) => ({ name, namespace: namespace.name, labels: { app: 'x' }, annotations: { 'x/y': 'z' } });
  for (const [what, of, make] of [
    [
      'a Widget',
      type,
      () =>
        widget('same-widget', { size: 1, ports: [{ port: 80 }, { port: 81, protocol: 'UDP' }], tags: ['a', 'b'], selector: { a: 'b' } }),
    ],
    ['a ConfigMap', configMaps, () => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('same'), data: { a: '1', b: '' } })],
    [
      'a Deployment, which the server fills with defaults',
      deployments,
      () => ({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: metadata('same'),
        spec: {
          replicas: 1,
          selector: { matchLabels: { app: 'x' } },
          template: { ...podTemplate, spec: { ...podTemplate.spec, restartPolicy: 'Always' } },
        },
      }),
    ],
    [
      'an indexed Job, to which the server adds a selector and labels',
      jobs,
      () => ({
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: metadata('same'),
        spec: { completionMode: 'Indexed', completions: 2, parallelism: 1, backoffLimit: 0, suspend: true, template: podTemplate },
      }),
    ],
  ] as readonly (readonly [string, ResourceType, () => ApplyObject])[]) {
    it(`${what} is not written again, by this process or the next`, async () => {
      await using scene = await aScene(of);
      const desired = make();
      assert.equal((await scene.applier.apply(scene.store, desired)).written, true);
      assert.equal((await scene.applier.apply(scene.store, desired)).written, false);
      await caughtUp(scene.store, desired.metadata.name);
      assert.equal((await scene.applier.apply(scene.store, desired)).written, false);
      assert.equal((await new Applier({ client: scene.client }).apply(scene.store, desired)).written, false);
      assert.equal(scene.writes(), 1);
    });
  }

  it('stays so while others add fields of their own', async () => {
    await using scene = await aScene(type);
    const desired = widget('neighbours', { size: 1, ports: [{ port: 80 }] });
    await scene.applier.apply(scene.store, desired);
    await client.apply(type, widget('neighbours', { color: 'red', ports: [{ port: 443 }] }), { fieldManager: 'somebody' });
    await client.apply(type, { ...widget('neighbours', {}), status: { ready: true } }, { fieldManager: 'somebody', subresource: 'status' });
    await caughtUp(scene.store, 'neighbours');
    assert.equal((await scene.applier.apply(scene.store, desired)).written, false);
  });
});

describe('an object that is not as desired', () => {
  it('after a stranger changed our field gets it back', async () => {
    await using scene = await aScene(type);
    const desired = widget('drifted', { size: 1 });
    await scene.applier.apply(scene.store, desired);
    await client.patch(type, { namespace: namespace.name, name: 'drifted' }, { spec: { size: 7 } }, { kind: 'merge' });
    await caughtUp(scene.store, 'drifted');
    const outcome = await scene.applier.apply(scene.store, desired);
    assert.deepEqual([outcome.written, outcome.object?.spec?.size], [true, 1]);
  });

  it('loses what we owned and no longer desire, also when an earlier process applied it', async () => {
    await using scene = await aScene(type);
    await scene.applier.apply(
      scene.store,
      widget('shrunk', { size: 1, color: 'red', ports: [{ port: 80 }, { port: 81 }], tags: ['a', 'b'] }),
    );
    await caughtUp(scene.store, 'shrunk');
    const next = new Applier({ client: scene.client });
    const outcome = await next.apply(scene.store, widget('shrunk', { size: 1, ports: [{ port: 81 }], tags: ['a'] }));
    assert.deepEqual([outcome.written, outcome.object?.spec], [true, { size: 1, ports: [{ port: 81, protocol: 'TCP' }], tags: ['a'] }]);
  });

  it('that was replaced by another of its name is left alone', async () => {
    await using scene = await aScene(type);
    await scene.applier.apply(scene.store, widget('replaced', { size: 1 }));
    await caughtUp(scene.store, 'replaced');
    const stale = new ClusterCache({ client, namespaces: [namespace.name] });
    const stop = new AbortController();
    const store = stale.store(type);
    const running = stale.run(stop.signal);
    await whenSynced(store);
    stop.abort();
    await running;
    await client.delete(type, { namespace: namespace.name, name: 'replaced' });
    const other = await client.create(type, aWidget(type, namespace.name, 'replaced', { size: 5 }));
    await assert.rejects(scene.applier.apply(store, widget('replaced', { size: 2 })), isConflict);
    assert.deepEqual(await client.get(type, { namespace: namespace.name, name: 'replaced' }), other);
    assert.equal(await scene.applier.remove(type, store.get({ namespace: namespace.name, name: 'replaced' }) ?? assert.fail()), true);
    assert.equal((await client.get(type, { namespace: namespace.name, name: 'replaced' })).metadata.uid, other.metadata.uid);
  });
});

describe('whatever is desired, one thing after the other', () => {
  const spec: fc.Arbitrary<NonNullable<Widget['spec']>> = fc.record(
    {
      size: fc.nat(3),
      color: fc.constantFrom('red', 'blue', ''),
      ports: fc.uniqueArray(
        fc.record({ port: fc.integer({ min: 80, max: 83 }), name: fc.constantFrom('x', 'y') }, { requiredKeys: ['port'] }),
        { selector: ({ port }) => port, maxLength: 3 },
      ),
      tags: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }),
      selector: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2'), { maxKeys: 2, noNullPrototype: true }),
      // Never an object that an apply could empty, nor an empty specification: it becomes null, which the server then refuses itself (seen with 1.34).
      resources: fc.record({
        limits: fc.dictionary(fc.constantFrom('cpu', 'memory'), fc.constantFrom('1', '1000m', '1Gi'), {
          minKeys: 1,
          noNullPrototype: true,
        }),
      }),
      anything: fc.constantFrom({ a: [1, { b: null }] }, {}, [], 'text'),
    },
    { requiredKeys: ['size'] },
  );

  it('one write at most makes it so, and none follows', async () => {
    await using scene = await aScene(type);
    let counter = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(spec, { minLength: 1, maxLength: 4 }), async (specs) => {
        counter += 1;
        const name = `any-${counter}`;
        for (const wanted of specs) {
          const before = scene.writes();
          const desired = widget(name, wanted);
          await scene.applier.apply(scene.store, desired);
          await caughtUp(scene.store, name);
          const reference = await client.apply(
            type,
            { ...desired, metadata: { ...desired.metadata, name: `${name}-ref` } },
            { fieldManager: 'modelwright', force: true },
          );
          assert.deepEqual(
            scene.store.get({ namespace: namespace.name, name })?.spec,
            reference.spec,
            'it is what a plain apply makes of it',
          );
          assert.ok(scene.writes() - before <= 1);
          const settled = scene.writes();
          assert.equal((await scene.applier.apply(scene.store, desired)).written, false);
          assert.equal(scene.writes(), settled);
        }
      }),
      { numRuns: 40, seed: 11 },
    );
  });

  it('a process that starts anew writes nothing either', async () => {
    await using scene = await aScene(type);
    let counter = 0;
    await fc.assert(
      fc.asyncProperty(spec, async (wanted) => {
        counter += 1;
        const desired = widget(`anew-${counter}`, wanted);
        await scene.applier.apply(scene.store, desired);
        await caughtUp(scene.store, desired.metadata.name);
        assert.equal((await new Applier({ client: scene.client }).apply(scene.store, desired)).written, false, JSON.stringify(wanted));
      }),
      { numRuns: 60, seed: 12 },
    );
  });
});
