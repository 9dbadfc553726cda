/** Whole operators made of this layer's parts, on the real API server, behind a proxy that sees everything they ask. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Applier } from '../../../src/kube/apply.ts';
import type { ApplyObject, KubeClient } from '../../../src/kube/client.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { ClusterCache } from '../../../src/kube/cluster-cache.ts';
import { type Controller, done } from '../../../src/kube/controller.ts';
import { EventWriter } from '../../../src/kube/event-writer.ts';
import { LeaderElector, leaseType } from '../../../src/kube/leader-elector.ts';
import { Manager } from '../../../src/kube/manager.ts';
import { controllerReference, type KubeObject, keyOf, type ResourceType, type Stored } from '../../../src/kube/object.ts';
import { watch, watchOwned } from '../../../src/kube/watches.ts';
import { noLogger } from '../../../src/telemetry/logger.ts';
import { eventually, freshNamespace } from '../../support/cluster.ts';
import { aWidget, behindProxy, direct, install, type Widget, widgetType } from './widgets.ts';

type ConfigMap = KubeObject & { readonly data?: Readonly<Record<string, string>> };
const configMaps: ResourceType<ConfigMap> = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };
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

/** An operator that gives each Widget a ConfigMap with its size, and says so in status and in an event. */
async function anOperator(
  namespace: string,
  options: { readonly identity?: string; readonly lease?: Partial<ConstructorParameters<typeof LeaderElector>[0]> } = {},
) {
  const mayWrite = (): boolean => elector?.isLeader ?? true;
  const { client: guarded, unguarded, proxy, [Symbol.asyncDispose]: disposeProxy } = await behindProxy({ mayWrite });
  const identity = options.identity ?? 'only';
  const elector =
    options.identity === undefined
      ? undefined
      : new LeaderElector({
          client: unguarded,
          lease: { namespace, name: 'operator' },
          identity,
          clock: systemClock,
          log: noLogger,
          ...options.lease,
        });
  const cache = new ClusterCache({ client: guarded, namespaces: [namespace], freeze: true });
  const widgets = cache.store(type);
  const owned = cache.store(configMaps, { labelSelector: 'kube.test/widget' });
  const applier = new Applier({ client: guarded });
  const recorder = new EventWriter({
    client: guarded,
    reportingController: 'kube.test/operator',
    reportingInstance: identity,
    clock: systemClock,
    log: noLogger,
  });
  const controller: Controller = {
    name: `widgets-${identity}`,
    watches: [watch(widgets), watchOwned(owned, type)],
    async reconcile(key, { signal }) {
      const widget = widgets.get(key) as Stored<Widget> | undefined;
      if (widget === undefined) return done;
      const desired = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { ...key, labels: { 'kube.test/widget': key.name }, ownerReferences: [controllerReference(widget)] },
        data: { size: String(widget.spec?.size) },
      };
      await applier.apply(owned, desired as ApplyObject<ConfigMap>, signal);
      const status = { ready: true, observedGeneration: widget.metadata.generation };
      const { written } = await applier.applyStatus(type, widget, status, signal);
      if (written) recorder.record(widget, { type: 'Normal', reason: 'Applied', action: 'Apply', note: `Size is ${widget.spec?.size}.` });
      return done;
    },
  };
  const stop = new AbortController();
  const manager = new Manager({ log: noLogger, cache, controllers: [controller], events: recorder, ...(elector && { elector }) });
  const running = manager.run(stop.signal);
  running.catch(() => {});
  return {
    proxy,
    manager,
    running,
    stop,
    writes: () => proxy.record.filter(({ method, path }) => method !== 'GET' && !path.includes('/leases')),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running.catch(() => {});
      await disposeProxy();
    },
  };
}

async function untilReady(namespace: string, count: number, size?: number): Promise<void> {
  await eventually(
    async () => {
      const [widgets, maps] = await Promise.all([
        client.list(type, { namespace }),
        client.list(configMaps, { namespace, labelSelector: 'kube.test/widget' }),
      ]);
      const ready = widgets.items.filter(({ status, metadata }) => status?.ready && status.observedGeneration === metadata.generation);
      return { ready: ready.length, right: maps.items.filter(({ data }) => size === undefined || data?.['size'] === String(size)).length };
    },
    ({ ready, right }) => ready === count && right === count,
  );
}

describe('an operator', () => {
  const count = 60;

  it('makes things so with one write each, rests without a write, and uses few connections', async () => {
    await using namespace = await freshNamespace('kube-operator');
    await using operator = await anOperator(namespace.name);
    await Promise.all(
      Array.from({ length: count }, (_, index) => client.create(type, aWidget(type, namespace.name, `w${index}`, { size: 1 }))),
    );
    await untilReady(namespace.name, count, 1);
    await eventually(
      async () => operator.writes().filter(({ path }) => path.includes('/events')).length,
      (events) => events === count,
    );
    const writesTo = (part: string) => operator.writes().filter(({ path }) => path.includes(part)).length;
    assert.equal(writesTo('/configmaps/'), count);
    assert.equal(writesTo('/status'), count);
    assert.equal(operator.writes().length, 3 * count);
    await sleep(1500);
    assert.equal(operator.writes().length, 3 * count, 'it wrote again although nothing had changed');
    const watches = operator.proxy.watches.size;
    assert.equal(watches, 2);
    assert.ok(operator.proxy.connections.peak <= watches + 16, `${operator.proxy.connections.peak} connections at a time`);
    assert.ok(operator.proxy.connections.total <= watches + 16, `${operator.proxy.connections.total} connections in all`);
  });

  it('that starts anew on what another has left writes nothing', async () => {
    await using namespace = await freshNamespace('kube-operator');
    for (let index = 0; index < 5; index++) await client.create(type, aWidget(type, namespace.name, `w${index}`, { size: 1 }));
    {
      await using first = await anOperator(namespace.name);
      await untilReady(namespace.name, 5, 1);
      assert.ok(first.writes().length >= 10);
    }
    await using second = await anOperator(namespace.name);
    await eventually(
      async () => second.manager.state,
      (state) => state === 'leading',
    );
    await sleep(1500);
    assert.deepEqual(
      second.writes().map(({ method, path }) => `${method} ${path}`),
      [],
    );
  });

  it('mends what a stranger breaks: an object deleted, a value changed, an owner reference removed', async () => {
    await using namespace = await freshNamespace('kube-operator');
    const widget = await client.create(type, aWidget(type, namespace.name, 'w', { size: 1 }));
    await using operator = await anOperator(namespace.name);
    await untilReady(namespace.name, 1, 1);
    const key = keyOf(widget);
    await client.delete(configMaps, key);
    await untilReady(namespace.name, 1, 1);
    await client.patch(configMaps, key, { data: { size: '7' } }, { kind: 'merge' });
    await untilReady(namespace.name, 1, 1);
    await client.patch(configMaps, key, { metadata: { ownerReferences: null } }, { kind: 'merge' });
    await eventually(
      () => client.get(configMaps, key),
      ({ metadata }) => metadata.ownerReferences?.[0]?.uid === widget.metadata.uid,
    );
    assert.equal(operator.manager.state, 'leading');
  });

  it('gets there through a server that refuses, breaks off and delays', async () => {
    await using namespace = await freshNamespace('kube-operator');
    await using operator = await anOperator(namespace.name);
    let request = 0;
    operator.proxy.onRequest = ({ watch: isWatch }) => {
      if (isWatch) return undefined;
      request += 1;
      if (request % 11 === 0) return { kind: 'reset', phase: 'during' };
      if (request % 7 === 0) return { kind: 'truncate' };
      if (request % 5 === 0) return { kind: 'answer', status: 500, headers: {}, body: 'etcdserver: request timed out' };
      if (request % 3 === 0) return { kind: 'delay', milliseconds: 20 };
      return undefined;
    };
    for (let index = 0; index < 20; index++) await client.create(type, aWidget(type, namespace.name, `w${index}`, { size: 1 }));
    await untilReady(namespace.name, 20, 1);
    operator.proxy.onRequest = undefined;
    await sleep(500);
    // Events that met a fault are written when their pause is over.
    const work = () => operator.writes().filter(({ path }) => !path.includes('/events')).length;
    const settled = work();
    await sleep(1500);
    assert.equal(work(), settled, 'it wrote again although nothing had changed');
    const { items } = await client.list(configMaps, { namespace: namespace.name, labelSelector: 'kube.test/widget' });
    assert.equal(items.length, 20);
  });
});

describe('two replicas', () => {
  it('hand over in about a second when the leader leaves in order', async (test) => {
    await using namespace = await freshNamespace('kube-leader');
    await using first = await anOperator(namespace.name, { identity: 'first' });
    await eventually(
      async () => first.manager.state,
      (state) => state === 'leading',
    );
    await using second = await anOperator(namespace.name, { identity: 'second' });
    await eventually(
      async () => second.manager.state,
      (state) => state === 'standby',
    );
    await client.create(type, aWidget(type, namespace.name, 'before', { size: 1 }));
    await untilReady(namespace.name, 1, 1);
    assert.equal(second.writes().length, 0, 'a standby wrote');
    const left = performance.now();
    first.stop.abort();
    await first.running;
    await eventually(
      async () => second.manager.state,
      (state) => state === 'leading',
    );
    const took = performance.now() - left;
    await client.create(type, aWidget(type, namespace.name, 'after', { size: 1 }));
    await untilReady(namespace.name, 2, 1);
    const lease = await client.get(leaseType, { namespace: namespace.name, name: 'operator' });
    assert.equal(lease.spec?.holderIdentity, 'second');
    assert.equal(lease.spec?.leaseTransitions, 1);
    // The limit allows for a machine that is busy with other tests.
    assert.ok(took < 10_000, `the handover took ${took} ms`);
    test.diagnostic(`graceful handover: ${Math.round(took)} ms`);
  });

  it('replace a leader that fell silent once its lease has ended, and the old one writes no more', async (test) => {
    await using namespace = await freshNamespace('kube-leader');
    const lease = { leaseMilliseconds: 3000, renewDeadlineMilliseconds: 2000, retryMilliseconds: 500 };
    await using first = await anOperator(namespace.name, { identity: 'first', lease });
    await eventually(
      async () => first.manager.state,
      (state) => state === 'leading',
    );
    await using second = await anOperator(namespace.name, { identity: 'second', lease });
    await eventually(
      async () => second.manager.state,
      (state) => state === 'standby',
    );
    // Cut off from the lease only: everything else it could still do.
    first.proxy.onRequest = ({ path }) => (path.includes('/leases/') ? { kind: 'reset', phase: 'before' } : undefined);
    const cut = performance.now();
    await assert.rejects(first.running, { code: 'LEADERSHIP_LOST' });
    const steppedDown = performance.now() - cut;
    const before = first.writes().length;
    await eventually(
      async () => second.manager.state,
      (state) => state === 'leading',
    );
    await client.create(type, aWidget(type, namespace.name, 'w', { size: 1 }));
    await untilReady(namespace.name, 1, 1);
    assert.equal(first.writes().length, before);
    assert.ok(second.writes().length >= 2);
    test.diagnostic(`stepped down after ${Math.round(steppedDown)} ms`);
  });
});
