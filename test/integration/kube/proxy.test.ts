/** That the proxy does to requests and watches what it says: tests that lean on it would prove nothing otherwise. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { KubeClient, WatchEvent } from '../../../src/kube/client.ts';
import { isNotFound, isTooManyRequests, KubeError } from '../../../src/kube/errors.ts';
import type { WatchFault } from '../../faults/proxy/proxied-watch.ts';
import { freshNamespace } from '../../support/cluster.ts';
import { aWidget, behindProxy, direct, install, type Widget, widgetType } from './widgets.ts';

const type = widgetType();
let client: KubeClient & AsyncDisposable;
let definition: AsyncDisposable;
let namespace: { readonly name: string } & AsyncDisposable;

before(async () => {
  client = await direct();
  definition = await install(client, type);
  namespace = await freshNamespace('kube-proxy');
});

after(async () => {
  await definition[Symbol.asyncDispose]();
  await namespace[Symbol.asyncDispose]();
  await client.close();
});

const widget = (name: string) => aWidget(type, namespace.name, name, { size: 1 });
const exists = (name: string) =>
  client.get(type, { namespace: namespace.name, name }).then(
    () => true,
    (error) => {
      if (isNotFound(error)) return false;
      throw error;
    },
  );
const code = (expected: string) => (error: unknown) => error instanceof KubeError && error.code === expected;

describe('requests through the proxy', () => {
  it('are noted with method, path, sender, size, identity and answer', async () => {
    await using through = await behindProxy({ product: 'proxy-test/1' });
    const made = await through.client.create(type, widget('noted'));
    await through.client.delete(type, { namespace: namespace.name, name: 'noted' }, { uid: made.metadata.uid });
    const [create, remove] = through.proxy.record;
    assert.equal(create?.method, 'POST');
    assert.match(create?.userAgent ?? '', /^proxy-test\/1 /);
    assert.equal(create?.bytes, JSON.stringify(widget('noted')).length);
    assert.equal(create?.status, 201);
    assert.deepEqual(create?.body?.metadata, { name: 'noted', namespace: namespace.name });
    assert.equal(remove?.method, 'DELETE');
    assert.deepEqual(remove?.body?.preconditions, { uid: made.metadata.uid });
  });

  it('come on connections that are counted while they are open', async () => {
    await using through = await behindProxy({ connections: 3 });
    await Promise.all(Array.from({ length: 12 }, () => through.client.list(type)));
    assert.deepEqual({ ...through.proxy.connections }, { open: 3, peak: 3, total: 3 });
    await through.client.close();
    while (through.proxy.connections.open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(through.proxy.connections.total, 3);
  });

  it('can be answered in the server’s stead', async () => {
    await using through = await behindProxy();
    const body = JSON.stringify({ kind: 'Status', code: 429, reason: 'TooManyRequests' });
    through.proxy.onRequest = () => ({ kind: 'answer', status: 429, headers: { 'content-type': 'application/json' }, body });
    await assert.rejects(through.client.create(type, widget('unasked')), isTooManyRequests);
    assert.equal(await exists('unasked'), false);
  });

  it('can be broken off before the server hears of them, or after it has acted', async () => {
    await using through = await behindProxy();
    through.proxy.onRequest = () => ({ kind: 'reset', phase: 'before' });
    await assert.rejects(through.client.create(type, widget('before')), code('NETWORK'));
    assert.equal(await exists('before'), false);
    through.proxy.onRequest = () => ({ kind: 'reset', phase: 'during' });
    await assert.rejects(through.client.create(type, widget('during')), code('NETWORK'));
    assert.equal(await exists('during'), true);
  });

  it('can have half of their answer', async () => {
    await using through = await behindProxy();
    through.proxy.onRequest = () => ({ kind: 'truncate' });
    await assert.rejects(through.client.create(type, widget('half')), code('NETWORK'));
    assert.equal(await exists('half'), true);
  });

  it('can be held: the server has acted, and nobody has been told yet', async () => {
    await using through = await behindProxy();
    const released = Promise.withResolvers<void>();
    through.proxy.onRequest = () => ({ kind: 'hold', until: released.promise });
    let answered = false;
    const made = through.client.create(type, widget('held')).then(() => {
      answered = true;
    });
    while (!(await exists('held')));
    assert.equal(answered, false);
    released.resolve();
    await made;
  });

  it('can be sent to another server', async () => {
    await using through = await behindProxy();
    await using other = await behindProxy();
    through.proxy.onRequest = () => ({ kind: 'redirect', to: { server: other.proxy.url, headers: {}, tls: {} } });
    await through.client.create(type, widget('elsewhere'));
    assert.equal(other.proxy.record.length, 1);
  });
});

describe('watches through the proxy', () => {
  /** What a client sees of one change when its event meets `fault`: events, and how the watch ended. */
  async function seen(name: string, fault: WatchFault): Promise<string[]> {
    await using through = await behindProxy();
    const { resourceVersion } = await client.list(type, { namespace: namespace.name });
    const stop = new AbortController();
    const events: string[] = [];
    const watching = (async () => {
      try {
        for await (const event of through.client.watch(type, { namespace: namespace.name, resourceVersion }, stop.signal)) {
          events.push(told(event));
          if (events.at(-1)?.endsWith(`${name}-last`)) return;
        }
        events.push('ended');
      } catch (error) {
        events.push(error instanceof KubeError ? error.code : 'stopped');
      }
    })();
    while (through.proxy.watches.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    through.proxy.onWatchEvent = () => {
      through.proxy.onWatchEvent = undefined;
      return fault;
    };
    await client.create(type, widget(name));
    await client.create(type, widget(`${name}-last`));
    if (fault.kind === 'silence') setTimeout(() => stop.abort(), 300);
    await watching;
    return events;
  }

  for (const [fault, expected] of [
    [{ kind: 'cut' }, ['NETWORK']],
    [{ kind: 'truncate' }, ['NETWORK']],
    [{ kind: 'end' }, ['ended']],
    [{ kind: 'error', code: 410, reason: 'Expired', message: 'too old' }, ['ERROR Expired', 'ended']],
    [{ kind: 'silence' }, ['stopped']],
    [{ kind: 'hold', milliseconds: 50 }, ['ADDED NAME', 'ADDED NAME-last']],
    [{ kind: 'duplicate' }, ['ADDED NAME', 'ADDED NAME', 'ADDED NAME-last']],
    [{ kind: 'stranger' }, ['MODIFIED x', 'ADDED NAME', 'ADDED NAME-last']],
  ] as const satisfies readonly (readonly [WatchFault, readonly string[]])[]) {
    it(`${fault.kind}: ${expected.join(', ')}`, async () => {
      const name = `watched-${fault.kind}`;
      assert.deepEqual(
        await seen(name, fault),
        expected.map((event) => event.replace('NAME', name)),
      );
    });
  }
});

function told({ type: kind, object }: WatchEvent): string {
  return `${kind} ${kind === 'ERROR' ? (object as { reason: string }).reason : (object as Widget).metadata.name}`;
}
