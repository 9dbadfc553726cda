import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { registry } from '../telemetry/registry.ts';
import { ClusterCache, type ClusterCacheOptions } from './cluster-cache.ts';
import type { ResourceType } from './object.ts';
import { RestClient } from './rest-client.ts';
import { whenSynced } from './store.ts';
import { aWidget, type Widget, widgets } from './testing/builders.ts';
import { type CannedRequest, CannedServer } from './testing/canned-server.ts';
import { FakeClock } from './testing/fake-clock.ts';

const gadgets: ResourceType = { ...widgets, kind: 'Gadget', plural: 'gadgets' };
const nodes: ResourceType = { group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };

async function aScene(options: Partial<ClusterCacheOptions> = {}) {
  const server = await CannedServer.start();
  const client = new RestClient(server.config);
  const cache = new ClusterCache({ client, clock: new FakeClock(), freeze: true, ...options });
  const stop = new AbortController();
  return {
    server,
    cache,
    stop,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Answers a WatchList with these objects. */
function fill(request: CannedRequest, kind: string, ...objects: readonly object[]): void {
  const end = { kind, metadata: { name: '', resourceVersion: '10', annotations: { 'k8s.io/initial-events-end': 'true' } } };
  request.stream().send(...objects.map((object) => ({ type: 'ADDED', object })), { type: 'BOOKMARK', object: end });
}

describe('the caches of a program', () => {
  it('hold one store for one type and choice of objects', async () => {
    await using scene = await aScene();
    const { cache } = scene;
    assert.equal(cache.store(widgets), cache.store(widgets));
    assert.equal(cache.store(widgets, { labelSelector: 'a' }), cache.store(widgets, { labelSelector: 'a' }));
    assert.notEqual(cache.store(widgets), cache.store(widgets, { labelSelector: 'a' }));
    assert.notEqual(cache.store(widgets), cache.metadataStore(widgets));
    assert.notEqual(cache.store(widgets), cache.store(gadgets));
  });

  it('fill when they run, and say what is missing until then', async () => {
    await using scene = await aScene();
    const store = scene.cache.store(widgets);
    scene.cache.store(gadgets);
    const running = scene.cache.run(scene.stop.signal);
    assert.deepEqual(scene.cache.pending(), ['Widget', 'Gadget']);
    for (const request of [await scene.server.next(), await scene.server.next()]) {
      if (request.url.pathname.endsWith('/widgets')) fill(request, 'Widget', aWidget('a'));
      else fill(request, 'Gadget');
    }
    await whenSynced(store);
    await whenSynced(scene.cache.store(gadgets));
    assert.equal(scene.cache.hasSynced(), true);
    assert.equal(store.get({ namespace: 'default', name: 'a' })?.metadata.name, 'a');
    assert.match(await registry.metrics(), /^cache_objects\{resource="widgets"\} 1$/m);
    assert.match(await registry.metrics(), /^cache_age_seconds\{resource="widgets"\} 0$/m);
    scene.stop.abort();
    await running;
    assert.doesNotMatch(await registry.metrics(), /^cache_objects\{resource="widgets"\}/m);
  });

  it('take in a store that is asked for while they run', async () => {
    await using scene = await aScene();
    void scene.cache.run(scene.stop.signal);
    const store = scene.cache.store(widgets);
    fill(await scene.server.next(), 'Widget', aWidget('a'));
    await whenSynced(store);
    assert.equal(store.size, 1);
  });

  it('drop managedFields and kubectl’s copy, then what a transform drops', async () => {
    await using scene = await aScene();
    const store = scene.cache.store<Widget>(widgets, { transform: ({ status: _, ...widget }) => widget });
    void scene.cache.run(scene.stop.signal);
    const metadata = { managedFields: [{ manager: 'x' }], annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } };
    fill(await scene.server.next(), 'Widget', aWidget('a', { spec: { size: 1 }, status: { ready: true }, metadata }));
    await whenSynced(store);
    const { metadata: _, ...plain } = aWidget('a', { spec: { size: 1 } });
    assert.deepEqual(store.list(), [{ ...plain, metadata: { ...aWidget('a').metadata, annotations: {} } }]);
  });

  it('of namespaces list and watch each alone; cluster-scoped types are read whole', async () => {
    await using scene = await aScene({ namespaces: ['one', 'two'] });
    const store = scene.cache.store(widgets);
    scene.cache.store(nodes);
    void scene.cache.run(scene.stop.signal);
    const paths: string[] = [];
    for (let request = 0; request < 3; request++) {
      const next = await scene.server.next();
      paths.push(next.url.pathname);
      if (next.url.pathname.endsWith('/widgets'))
        fill(next, 'Widget', aWidget('a', { metadata: { namespace: next.url.pathname.split('/').at(-2) ?? '' } }));
    }
    assert.deepEqual(paths.sort(), [
      '/api/v1/nodes',
      '/apis/test.modelwright.dev/v1/namespaces/one/widgets',
      '/apis/test.modelwright.dev/v1/namespaces/two/widgets',
    ]);
    await whenSynced(store);
    assert.equal(store.size, 2);
  });

  it('run once', async () => {
    await using scene = await aScene();
    void scene.cache.run(scene.stop.signal);
    await assert.rejects(scene.cache.run(scene.stop.signal), /running already/);
  });
});
