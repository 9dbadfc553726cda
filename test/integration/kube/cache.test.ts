import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { KubeClient } from '../../../src/kube/client.ts';
import { ClusterCache } from '../../../src/kube/cluster-cache.ts';
import { isNotFound } from '../../../src/kube/errors.ts';
import type { Stored } from '../../../src/kube/object.ts';
import { type Change, type Store, type StoreState, whenSynced } from '../../../src/kube/store.ts';
import { FakeClock } from '../../../src/kube/testing/fake-clock.ts';
import type { FaultProxy } from '../../faults/proxy/fault-proxy.ts';
import { apply, controlPlane, eventually, freshNamespace } from '../../support/cluster.ts';
import { aWidget, behindProxy, direct, impersonating, install, type Widget, widgetType } from './widgets.ts';

const type = widgetType();
let client: KubeClient & AsyncDisposable;
let definition: AsyncDisposable;

before(async () => {
  client = await direct();
  definition = await install(client, type);
});

after(async () => {
  await definition[Symbol.asyncDispose]();
  await client.close();
});

/** A cache of one namespace behind a proxy, with time in the test's hand. */
async function aCachedNamespace() {
  const namespace = await freshNamespace('kube-cache');
  const { client: proxied, proxy, [Symbol.asyncDispose]: disposeProxy } = await behindProxy();
  const clock = new FakeClock();
  const cache = new ClusterCache({ client: proxied, clock, freeze: true, namespaces: [namespace.name] });
  const store = cache.store(type);
  const changes: Change<Widget>[] = [];
  store.subscribe((change) => changes.push(change));
  const stop = new AbortController();
  const running = cache.run(stop.signal);
  return {
    name: namespace.name,
    proxy,
    clock,
    store,
    changes,
    key: (name: string) => ({ namespace: namespace.name, name }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await disposeProxy();
      await namespace[Symbol.asyncDispose]();
    },
  };
}

/** Lets the pauses of a reflector pass at once until `condition` holds. */
async function hurry(clock: FakeClock, condition: () => boolean): Promise<void> {
  await eventually(
    async () => {
      const [next] = clock.pending;
      // The watchdog of a healthy watch is not to bark: only pauses after failures are skipped.
      if (next !== undefined && next < 80_000) await clock.advance(next);
      return condition();
    },
    (holds) => holds,
  );
}

function plain(objects: Iterable<unknown>): unknown[] {
  return [...objects]
    .map((object) => {
      const copy = structuredClone(object) as { metadata: { name: string; managedFields?: unknown } };
      delete copy.metadata.managedFields;
      return JSON.parse(JSON.stringify(copy));
    })
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** That a cache has come to hold exactly what a fresh list says. */
async function assertEqualsCluster(store: Store<Widget>, namespace: string, clock: FakeClock): Promise<void> {
  const { items } = await client.list(type, { namespace });
  const expected = JSON.stringify(plain(items));
  await hurry(clock, () => JSON.stringify(plain(store.list())) === expected);
}

describe('a cache of a real API server', () => {
  it('fills by one streaming request, and follows every change', async () => {
    await using scene = await aCachedNamespace();
    await whenSynced(scene.store);
    assert.deepEqual(
      scene.proxy.record.map(({ method, watch, path }) => [method, watch, path.includes('sendInitialEvents=true')]),
      [['GET', true, true]],
    );
    await client.create(type, aWidget(type, scene.name, 'a', { size: 1 }));
    await client.patch(type, scene.key('a'), { spec: { size: 2 } }, { kind: 'merge' });
    await client.delete(type, scene.key('a'));
    await eventually(
      async () => scene.changes.map(({ kind, object }) => `${kind} ${object.spec?.size}`),
      (seen) => seen.length === 3,
    );
    assert.deepEqual(
      scene.changes.map(({ kind, object }) => `${kind} ${object.spec?.size}`),
      ['added 1', 'updated 2', 'deleted 2'],
    );
    assert.equal(scene.proxy.record.length, 1);
  });

  it('reports an object that was replaced under its name while the watch was away as a delete and an addition', async () => {
    await using scene = await aCachedNamespace();
    const first = await client.create(type, aWidget(type, scene.name, 'a'));
    await whenSynced(scene.store);
    await eventually(
      async () => scene.store.size,
      (size) => size === 1,
    );
    scene.proxy.onRequest = () => ({ kind: 'reset', phase: 'before' });
    for (const watch of scene.proxy.watches) watch.cut();
    await client.delete(type, scene.key('a'));
    const second = await client.create(type, aWidget(type, scene.name, 'a'));
    scene.changes.length = 0;
    scene.proxy.onRequest = undefined;
    await hurry(scene.clock, () => scene.changes.length >= 2);
    assert.deepEqual(
      scene.changes.map(({ kind, object }) => [kind, object.metadata.uid]),
      [
        ['deleted', first.metadata.uid],
        ['added', second.metadata.uid],
      ],
    );
  });

  it('notices a connection that stands and says nothing after 90 s, and has missed nothing', async () => {
    await using scene = await aCachedNamespace();
    await whenSynced(scene.store);
    for (const watch of scene.proxy.watches) watch.silence();
    await client.create(type, aWidget(type, scene.name, 'missed'));
    await scene.clock.advance(89_000);
    assert.equal(scene.proxy.record.length, 1);
    await scene.clock.advance(1_001);
    await eventually(
      async () => scene.store.size,
      (size) => size === 1,
    );
    assert.equal(scene.proxy.record.length, 2);
    assert.ok(!scene.proxy.record[1]?.path.includes('sendInitialEvents'), 'it went on from where it was, without reading anew');
  });

  it('gets over a compaction of etcd while it was away', async () => {
    await using scene = await aCachedNamespace();
    await client.create(type, aWidget(type, scene.name, 'gone'));
    await whenSynced(scene.store);
    await eventually(
      async () => scene.store.size,
      (size) => size === 1,
    );
    scene.proxy.onRequest = () => ({ kind: 'reset', phase: 'before' });
    for (const watch of scene.proxy.watches) watch.cut();
    await client.delete(type, scene.key('gone'));
    await client.create(type, aWidget(type, scene.name, 'new'));
    await controlPlane().compactEtcd();
    scene.proxy.onRequest = undefined;
    await assertEqualsCluster(scene.store, scene.name, scene.clock);
  });

  it('ends up equal to a fresh list whatever happens to its watch: cut, ended, truncated, errors, strangers, duplicates, held back', async () => {
    await using scene = await aCachedNamespace();
    await whenSynced(scene.store);
    const operation = fc.record({
      kind: fc.constantFrom('create', 'patch', 'delete'),
      name: fc.constantFrom('a', 'b', 'c'),
      size: fc.nat(9),
    });
    const fault = fc.constantFrom(
      { kind: 'cut' },
      { kind: 'end' },
      { kind: 'truncate' },
      { kind: 'duplicate' },
      { kind: 'stranger' },
      { kind: 'hold', milliseconds: 5 },
      { kind: 'error', code: 410, reason: 'Expired', message: 'too old resource version' },
      { kind: 'error', code: 429, reason: 'TooManyRequests', message: 'slow down' },
      { kind: 'error', code: 500, reason: 'InternalError', message: 'etcdserver: no leader' },
    ) as fc.Arbitrary<NonNullable<ReturnType<NonNullable<FaultProxy['onWatchEvent']>>>>;
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 3, maxLength: 12 }),
        fc.array(fc.option(fault), { maxLength: 6 }),
        async (operations, faults) => {
          const left = [...faults];
          scene.proxy.onWatchEvent = () => left.shift() ?? undefined;
          for (const step of operations) await perform(scene.name, step);
          scene.proxy.onWatchEvent = undefined;
          await assertEqualsCluster(scene.store, scene.name, scene.clock);
          assertNoGaps(scene.changes);
        },
      ),
      { numRuns: 25, seed: 7 },
    );
  });

  it('holds metadata alone where that is all that is wanted', async () => {
    await using namespace = await freshNamespace('kube-cache');
    await client.create(type, aWidget(type, namespace.name, 'a', { size: 1 }));
    const cache = new ClusterCache({ client, namespaces: [namespace.name] });
    const store = cache.metadataStore(type);
    const stop = new AbortController();
    const running = cache.run(stop.signal);
    await whenSynced(store);
    assert.deepEqual(
      store.list().map((object) => [object.metadata.name, 'spec' in object, 'managedFields' in object.metadata]),
      [['a', false, false]],
    );
    await client.create(type, aWidget(type, namespace.name, 'b'));
    await eventually(
      async () => store.size,
      (size) => size === 2,
    );
    stop.abort();
    await running;
  });
});

describe('a resource whose definition comes and goes', () => {
  it('is absent, then there, then absent again, without a restart', async () => {
    const optional = widgetType();
    const clock = new FakeClock();
    const cache = new ClusterCache({ client, clock });
    const store = cache.store(optional, { optional: true });
    const states: StoreState[] = [];
    store.onState((state) => states.push(state));
    const stop = new AbortController();
    const running = cache.run(stop.signal);
    await whenSynced(store);
    assert.equal(store.state, 'absent');
    await using namespace = await freshNamespace('kube-optional');
    await using installed = await install(client, optional);
    await hurry(clock, () => store.state === 'synced');
    await client.create(optional, aWidget(optional, namespace.name, 'a'));
    await eventually(
      async () => store.size,
      (size) => size === 1,
    );
    await installed.remove();
    await eventually(
      () =>
        client.list(optional).then(
          () => 'served',
          (error) => (isNotFound(error) ? 'gone' : 'failing'),
        ),
      (answer) => answer === 'gone',
    );
    await hurry(clock, () => store.state === 'absent');
    assert.equal(store.size, 0);
    assert.deepEqual(states, ['absent', 'synced', 'absent']);
    stop.abort();
    await running;
  });
});

describe('namespaces', () => {
  it('are all that a user with Roles alone needs to list and watch', async () => {
    await using one = await freshNamespace('kube-role');
    await using two = await freshNamespace('kube-role');
    const user = `user-${one.name}`;
    for (const { name } of [one, two]) {
      await apply([
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'Role',
          metadata: { name: 'reader', namespace: name },
          rules: [{ apiGroups: [type.group], resources: [type.plural], verbs: ['get', 'list', 'watch'] }],
        },
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata: { name: 'reader', namespace: name },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
          subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
        },
      ]);
      await client.create(type, aWidget(type, name, 'a'));
    }
    await using limited = await impersonating(user);
    const stop = new AbortController();
    const own = new ClusterCache({ client: limited, namespaces: [one.name, two.name] });
    const all = new ClusterCache({ client: limited });
    const [ownStore, allStore] = [own.store(type), all.store(type, { dispensable: true })];
    const running = [own.run(stop.signal), all.run(stop.signal)];
    await whenSynced(ownStore);
    await whenSynced(allStore);
    assert.equal(ownStore.size, 2);
    assert.equal(allStore.state, 'forbidden');
    stop.abort();
    await Promise.all(running);
  });
});

async function perform(namespace: string, step: { readonly kind: string; readonly name: string; readonly size: number }): Promise<void> {
  const key = { namespace, name: step.name };
  try {
    if (step.kind === 'create') await client.create(type, aWidget(type, namespace, step.name, { size: step.size }));
    else if (step.kind === 'patch') await client.patch(type, key, { spec: { size: step.size } }, { kind: 'merge' });
    else await client.delete(type, key);
  } catch {
    // The object is there already, or is not: nothing changed, and nothing is to be seen.
  }
}

/** That each object was told as a life: added once, updated on from the state before, deleted once. */
function assertNoGaps(changes: readonly Change<Widget>[]): void {
  const living = new Map<string, Stored<Widget>>();
  for (const change of changes) {
    const { name, uid } = change.object.metadata;
    const known = living.get(name);
    if (change.kind === 'added') assert.equal(known, undefined, `${name} was added twice`);
    else assert.equal(known?.metadata.uid, uid, `${name} was ${change.kind} without having been added`);
    if (change.kind === 'updated') assert.equal(change.before, known, `${name} went on from another state than it was in`);
    if (change.kind === 'deleted') living.delete(name);
    else living.set(name, change.object as Stored<Widget>);
  }
}
