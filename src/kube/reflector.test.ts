import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noLogger } from '../telemetry/logger.ts';
import { watchRestarts } from './metrics.ts';
import type { Stored } from './object.ts';
import { ObjectStore } from './object-store.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';
import { RestClient } from './rest-client.ts';
import type { StoreState } from './store.ts';
import { aWidget, type Widget, widgets } from './testing/builders.ts';
import { type CannedRequest, CannedServer, type CannedStream } from './testing/canned-server.ts';
import { FakeClock, settled } from './testing/fake-clock.ts';

/** A reflector at work against a server that answers what the test says. */
class Scene implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly store = new ObjectStore<Widget>(widgets, { freeze: true });
  /** What the store's subscribers heard, as `kind name@version`. */
  readonly heard: string[] = [];
  readonly warnings: string[] = [];
  readonly reflector: Reflector<Widget>;
  readonly #server: CannedServer;
  readonly #client: RestClient;
  readonly #stop = new AbortController();
  readonly #run: Promise<void>;

  private constructor(server: CannedServer, options: Partial<ReflectorOptions<Widget>>) {
    this.#server = server;
    this.#client = new RestClient(server.config);
    const log = { ...noLogger, warn: (_: unknown, message: string) => void this.warnings.push(message) };
    this.store.subscribe(({ kind, object }) => this.heard.push(`${kind} ${object.metadata.name}@${object.metadata.resourceVersion}`));
    this.reflector = new Reflector<Widget>({
      client: this.#client,
      store: this.store,
      clock: this.clock,
      log,
      random: () => 0,
      ...options,
    });
    this.#run = this.reflector.run(this.#stop.signal);
  }

  static async start(options: Partial<ReflectorOptions<Widget>> = {}): Promise<Scene> {
    return new Scene(await CannedServer.start(), options);
  }

  /** The next request, which is to be a WatchList. */
  async watchList(version = ''): Promise<CannedRequest> {
    const request = await this.#server.next();
    assert.equal(request.url.searchParams.get('sendInitialEvents'), 'true', `expected a WatchList, got ${request.url}`);
    assert.equal(request.url.searchParams.get('resourceVersion'), version);
    return request;
  }

  /** The next request, which is to be a watch from `version`. */
  async watch(version: string): Promise<CannedRequest> {
    const request = await this.#server.next();
    assert.equal(request.url.searchParams.get('watch'), 'true', `expected a watch, got ${request.url}`);
    assert.equal(request.url.searchParams.get('sendInitialEvents'), null, `expected a plain watch, got ${request.url}`);
    assert.equal(request.url.searchParams.get('resourceVersion'), version);
    return request;
  }

  /** The next request, which is to be a list. */
  async list(): Promise<CannedRequest> {
    const request = await this.#server.next();
    assert.equal(request.url.searchParams.get('watch'), null, `expected a list, got ${request.url}`);
    return request;
  }

  /** Fills the store by WatchList and gives the stream, which goes on as a watch. */
  async filled(objects: readonly Stored<Widget>[] = [], version = '10'): Promise<CannedStream> {
    const stream = (await this.watchList()).stream();
    stream.send(...objects.map(added), end(version));
    await this.until(() => this.store.hasSynced());
    return stream;
  }

  /** Resolves when `condition` holds, which something on its way is to bring about. */
  async until(condition: () => boolean): Promise<void> {
    for (let turn = 0; !condition(); turn++) {
      assert.ok(turn < 10_000, 'it did not come about');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Waits for the reflector to pause for exactly `milliseconds`, and lets that time pass. */
  async pause(milliseconds: number): Promise<void> {
    await this.clock.timer(milliseconds);
    assert.equal(this.untaken, 0, 'it asked before its pause');
    await this.clock.advance(milliseconds);
  }

  get untaken(): number {
    return this.#server.untaken;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#client.close();
    await this.#server[Symbol.asyncDispose]();
  }
}

const at = (name: string, resourceVersion: string, uid = `uid-${name}`) => aWidget(name, { metadata: { resourceVersion, uid } });
const added = (object: unknown) => ({ type: 'ADDED', object });
const modified = (object: unknown) => ({ type: 'MODIFIED', object });
const deleted = (object: unknown) => ({ type: 'DELETED', object });
const bookmark = (resourceVersion: string, annotations = {}) => ({
  type: 'BOOKMARK',
  object: { apiVersion: 'test.modelwright.dev/v1', kind: 'Widget', metadata: { resourceVersion, annotations } },
});
const end = (resourceVersion: string) => bookmark(resourceVersion, { 'k8s.io/initial-events-end': 'true' });
const error = (code: number, reason: string, message = reason) => ({ type: 'ERROR', object: { kind: 'Status', code, reason, message } });
const page = (items: readonly unknown[], resourceVersion: string, token?: string) => ({
  kind: 'WidgetList',
  metadata: { resourceVersion, ...(token && { continue: token }) },
  items,
});

/** Refuses the WatchList as a server without that feature does. */
async function withoutWatchList(scene: Scene): Promise<void> {
  (await scene.watchList()).fail(422, 'Invalid', 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled');
}

describe('the first fill by WatchList', () => {
  it('asks for a consistent state with bookmarks and a time limit between 5 and 10 minutes', async () => {
    await using scene = await Scene.start({ random: () => 0.5, labelSelector: 'a=b', fieldSelector: 'metadata.name=x', namespace: 'team' });
    const { url } = await scene.watchList();
    assert.equal(url.pathname, '/apis/test.modelwright.dev/v1/namespaces/team/widgets');
    assert.deepEqual(Object.fromEntries(url.searchParams), {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '',
      resourceVersionMatch: 'NotOlderThan',
      sendInitialEvents: 'true',
      labelSelector: 'a=b',
      fieldSelector: 'metadata.name=x',
      timeoutSeconds: '450',
    });
  });

  it('shows nothing to readers before the state is complete, and goes on as a watch on the same stream', async () => {
    await using scene = await Scene.start();
    const stream = (await scene.watchList()).stream();
    stream.send(added(at('a', '3')), bookmark('5'), added(at('b', '4')));
    await scene.clock.timer(90_000);
    await settled();
    assert.equal(scene.store.size, 0);
    assert.equal(scene.store.hasSynced(), false);
    stream.send(end('10'), modified(at('a', '11')));
    await scene.until(() => scene.heard.length === 3);
    assert.deepEqual(scene.heard, ['added a@3', 'added b@4', 'updated a@11']);
    assert.equal(scene.store.resourceVersion, '11');
  });

  it('that breaks halfway starts over from the beginning, never from a version in between', async () => {
    await using scene = await Scene.start();
    const stream = (await scene.watchList()).stream();
    stream.send(added(at('a', '3')), bookmark('5'));
    await settled();
    stream.destroy();
    await scene.pause(800);
    const again = (await scene.watchList()).stream();
    again.send(added(at('b', '4')), end('10'));
    await scene.until(() => scene.store.hasSynced());
    assert.deepEqual(scene.heard, ['added b@4']);
  });

  it('leaves out what was deleted while it was sent', async () => {
    await using scene = await Scene.start();
    const stream = (await scene.watchList()).stream();
    stream.send(added(at('a', '3')), added(at('b', '4')), deleted(at('a', '5')), end('10'));
    await scene.until(() => scene.store.hasSynced());
    assert.deepEqual(scene.heard, ['added b@4']);
  });

  for (const [status, reason] of [
    [400, 'BadRequest'],
    [403, 'Forbidden'],
    [422, 'Invalid'],
  ] as const) {
    it(`falls back to a list at once on ${status}, for good`, async () => {
      await using scene = await Scene.start();
      (await scene.watchList()).fail(status, reason);
      (await scene.list()).json(page([at('a', '3')], '10'));
      const stream = (await scene.watch('10')).stream();
      stream.send(error(410, 'Expired'));
      await scene.pause(800);
      (await scene.list()).json(page([], '20'));
      await scene.watch('20');
    });
  }

  it('waits and tries again when the connection is refused or the server throttles', async () => {
    await using scene = await Scene.start();
    (await scene.watchList()).destroy();
    await scene.pause(800);
    (await scene.watchList()).fail(429, 'TooManyRequests');
    await scene.pause(1600);
    await scene.watchList();
  });

  it('takes the list this once when the server fails', async () => {
    await using scene = await Scene.start();
    (await scene.watchList()).fail(500, 'InternalError');
    await scene.pause(800);
    (await scene.list()).json(page([], '10'));
    const stream = (await scene.watch('10')).stream();
    stream.send(error(410, 'Expired'));
    await scene.pause(1600);
    await scene.watchList('10');
  });

  it('takes the list for good when the server sends nothing of it', async () => {
    await using scene = await Scene.start();
    (await scene.watchList()).stream();
    await scene.clock.timer(90_000);
    await scene.clock.advance(90_000);
    await scene.list();
  });
});

describe('the fill by list', () => {
  it('is consistent, in pages of 500', async () => {
    await using scene = await Scene.start();
    await withoutWatchList(scene);
    const first = await scene.list();
    assert.deepEqual(Object.fromEntries(first.url.searchParams), { limit: '500' });
    first.json(page([at('a', '3')], '10', 'more'));
    const second = await scene.list();
    assert.deepEqual(Object.fromEntries(second.url.searchParams), { limit: '500', continue: 'more' });
    assert.equal(scene.store.hasSynced(), false);
    second.json(page([at('b', '4')], '10'));
    await scene.watch('10');
    assert.deepEqual(scene.heard, ['added a@3', 'added b@4']);
  });

  it('that took longer than its pages are kept is done in one piece', async () => {
    await using scene = await Scene.start();
    await withoutWatchList(scene);
    (await scene.list()).json(page([at('a', '3')], '10', 'more'));
    (await scene.list()).fail(410, 'Expired');
    const whole = await scene.list();
    assert.deepEqual(Object.fromEntries(whole.url.searchParams), {});
    whole.json(page([at('b', '4')], '12'));
    await scene.watch('12');
    assert.deepEqual(scene.heard, ['added b@4']);
  });

  it('anew asks for nothing older than was seen, unpaged', async () => {
    await using scene = await Scene.start();
    await withoutWatchList(scene);
    (await scene.list()).json(page([], '10'));
    const stream = (await scene.watch('10')).stream();
    stream.send(modified(at('a', '14')), error(410, 'Expired'));
    await scene.pause(800);
    const { url } = await scene.list();
    assert.deepEqual(Object.fromEntries(url.searchParams), { resourceVersion: '14', resourceVersionMatch: 'NotOlderThan' });
  });

  for (const [what, refuse] of [
    ['is gone', (request: CannedRequest) => request.fail(410, 'Expired')],
    ['is too new', (request: CannedRequest) => request.fail(504, 'Timeout', 'Too large resource version: 14, current: 9')],
  ] as const) {
    it(`whose version ${what} is asked for at once without one`, async () => {
      await using scene = await Scene.start();
      await withoutWatchList(scene);
      (await scene.list()).json(page([], '14'));
      (await scene.watch('14')).fail(410, 'Expired');
      await scene.pause(800);
      refuse(await scene.list());
      const { url } = await scene.list();
      assert.equal(url.searchParams.get('resourceVersion'), null);
    });
  }

  it('that fails is tried again, later each time, up to 30 s', async () => {
    await using scene = await Scene.start();
    await withoutWatchList(scene);
    for (const wait of [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]) {
      (await scene.list()).fail(503, 'ServiceUnavailable');
      await scene.pause(wait);
    }
    (await scene.list()).json(page([], '10'));
    await scene.watch('10');
  });
});

describe('filling again', () => {
  it('reports what was missed: deletes with the last known state, updates, additions', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled([at('gone', '3'), at('changed', '4'), at('same', '5')]);
    scene.heard.length = 0;
    stream.send(error(410, 'Expired'));
    await scene.pause(800);
    const again = (await scene.watchList('10')).stream();
    again.send(added(at('changed', '12')), added(at('same', '5')), added(at('new', '13')), end('14'));
    await scene.until(() => scene.heard.length === 3);
    assert.deepEqual(scene.heard, ['deleted gone@3', 'updated changed@12', 'added new@13']);
  });

  it('keeps readers on the old state until the new one is complete', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled([at('a', '3')]);
    stream.send(error(410, 'Expired'));
    await scene.pause(800);
    const again = (await scene.watchList('10')).stream();
    again.send(added(at('b', '12')));
    await settled();
    assert.deepEqual(
      scene.store.list().map((object) => object.metadata.name),
      ['a'],
    );
    assert.equal(scene.store.hasSynced(), true);
  });
});

describe('the watch', () => {
  it('takes up changes in order and moves on with each, bookmarks included', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled([at('a', '3')]);
    stream.send(modified(at('a', '11')), added(at('b', '12')), deleted(at('a', '13')), bookmark('20'));
    await scene.until(() => scene.store.resourceVersion === '20');
    assert.deepEqual(scene.heard, ['added a@3', 'updated a@11', 'added b@12', 'deleted a@13']);
    stream.end();
    await scene.watch('20');
  });

  it('that the server ends in due time is opened again at once, where it was', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled();
    stream.send(modified(at('a', '11')));
    await scene.until(() => scene.store.resourceVersion === '11');
    stream.end();
    await scene.watch('11');
  });

  it('passes over what it has seen already', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled([at('a', '3')]);
    stream.send(modified(at('a', '11')), deleted(at('a', '12')), modified(at('a', '11')), deleted(at('a', '12')), added(at('b', '13')));
    await scene.until(() => scene.store.resourceVersion === '13');
    assert.deepEqual(scene.heard, ['added a@3', 'updated a@11', 'deleted a@12', 'added b@13']);
  });

  it('logs and passes over events of another kind, and lines that are no event', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled();
    stream.send(
      { type: 'ADDED', object: { kind: 'Sandwich', metadata: { name: 'x', resourceVersion: '11' } } },
      { type: 'DANCED', object: {} },
      added(at('a', '12')),
    );
    await scene.until(() => scene.store.resourceVersion === '12');
    assert.deepEqual(scene.heard, ['added a@12']);
    assert.equal(scene.warnings.length, 2);
  });

  it('that breaks within a line loses nothing: it goes on after the last whole event', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled();
    stream.send(added(at('a', '11')));
    stream.write('{"type":"ADDED","object":{"kind":"Wid');
    await scene.until(() => scene.store.resourceVersion === '11');
    stream.destroy();
    await scene.pause(800);
    await scene.watch('11');
  });

  it('that sends what is no JSON is opened again', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled();
    stream.write('<html>Bad Gateway</html>\n');
    await scene.pause(800);
    await scene.watch('10');
  });

  it('is taken for dead after 90 s without a word, and opened again without reading anew', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled();
    await scene.clock.advance(80_000);
    stream.send(bookmark('11'));
    await scene.until(() => scene.store.resourceVersion === '11');
    await scene.clock.advance(89_999);
    assert.equal(scene.untaken, 0);
    await scene.clock.advance(1);
    await scene.watch('11');
    await stream.closed;
  });

  it('is given up when it outlives its own time limit by 10 s', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled();
    for (let elapsed = 0, version = 11; elapsed < 300_000; elapsed += 60_000, version++) {
      await scene.clock.advance(60_000);
      stream.send(bookmark(String(version)));
      await scene.until(() => scene.store.resourceVersion === String(version));
    }
    await scene.clock.advance(10_000);
    await scene.watch('15');
    await stream.closed;
  });

  it('that stays silent three times in a row makes it read anew, since the cluster may have gone back in time', async () => {
    await using scene = await Scene.start();
    await scene.filled([at('a', '900')], '1000');
    for (const _ of ['first', 'second']) {
      await scene.clock.timer(90_000);
      await scene.clock.advance(90_000);
      (await scene.watch('1000')).stream();
    }
    await scene.clock.timer(90_000);
    await scene.clock.advance(90_000);
    (await scene.watchList('1000')).fail(504, 'Timeout', 'Too large resource version: 1000, current: 50');
    const restored = (await scene.watchList('')).stream();
    restored.send(added(at('b', '40')), end('50'));
    await scene.until(() => scene.heard.length === 3);
    assert.deepEqual(scene.heard, ['added a@900', 'deleted a@900', 'added b@40']);
  });

  it('that ends within a second and without an event counts as a failure', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled();
    stream.end();
    (await scene.watch('10')).stream().end();
    await scene.pause(800);
    (await scene.watch('10')).stream().end();
    await scene.pause(1600);
    await scene.watch('10');
  });

  it('whose connection is refused or throttled is opened again later, without reading anew', async () => {
    await using scene = await Scene.start();
    (await scene.filled()).end();
    (await scene.watch('10')).destroy();
    await scene.pause(800);
    (await scene.watch('10')).fail(429, 'TooManyRequests');
    await scene.pause(1600);
    (await scene.watch('10')).fail(503, 'ServiceUnavailable');
    await scene.pause(3200);
    await scene.watch('10');
  });

  it('forgets earlier failures after two minutes of health', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled();
    stream.destroy();
    await scene.pause(800);
    const healthy = (await scene.watch('10')).stream();
    await scene.clock.timer(90_000);
    await scene.clock.advance(70_000);
    healthy.send(bookmark('11'));
    await scene.until(() => scene.store.resourceVersion === '11');
    await scene.clock.advance(70_000);
    healthy.destroy();
    await scene.pause(800);
    await scene.watch('11');
  });
});

describe('an ERROR event', () => {
  it('410 makes it read anew, not older than the last version', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled();
    stream.send(modified(at('a', '11')), error(410, 'Expired'));
    await scene.pause(800);
    await scene.watchList('11');
  });

  it('429 makes it wait and go on', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled();
    stream.send(error(429, 'TooManyRequests'));
    await scene.pause(800);
    await scene.watch('10');
  });

  it('500 makes it go on for up to a minute, then read anew', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled();
    stream.send(error(500, 'InternalError'));
    for (const wait of [800, 1600, 3200, 6400, 12_800, 25_600, 30_000]) {
      await scene.pause(wait);
      (await scene.watch('10')).stream().send(error(500, 'InternalError'));
    }
    await scene.pause(30_000);
    await scene.watchList('10');
  });

  it('of any other sort makes it read anew', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled();
    stream.send(error(403, 'Forbidden'));
    await scene.pause(800);
    await scene.watchList('10');
  });
});

describe('a resource that is not served', () => {
  it('is reported absent and asked for at least every 30 s, until it is there', async () => {
    await using scene = await Scene.start({ optional: true, random: () => 0.999 });
    const states: StoreState[] = [];
    scene.store.onState((state) => states.push(state));
    for (let asked = 0; asked < 6; asked++) {
      (await scene.watchList()).fail(404, 'NotFound', 'the server could not find the requested resource');
      await scene.clock.timer((wait) => wait <= 30_000);
      await scene.clock.advance(30_000);
    }
    assert.equal(scene.store.hasSynced(), true);
    const stream = (await scene.watchList()).stream();
    stream.send(added(at('a', '3')), end('10'));
    await scene.until(() => scene.heard.length === 1);
    assert.deepEqual(states, ['absent', 'synced']);
  });

  it('becomes absent when its definition is removed, with a delete for each object', async () => {
    await using scene = await Scene.start({ optional: true });
    const stream = await scene.filled([at('a', '3')]);
    stream.end();
    (await scene.watch('10')).fail(404, 'NotFound', 'the server could not find the requested resource');
    await scene.until(() => scene.store.state === 'absent');
    assert.deepEqual(scene.heard, ['added a@3', 'deleted a@3']);
    await scene.pause(2500);
    await scene.watchList();
  });

  it('but must be is waited for, and the store keeps what it had', async () => {
    await using scene = await Scene.start();
    const stream = await scene.filled([at('a', '3')]);
    stream.end();
    (await scene.watch('10')).fail(404, 'NotFound', 'the server could not find the requested resource');
    await scene.pause(800);
    await scene.watchList();
    assert.equal(scene.store.size, 1);
    assert.equal(scene.warnings.length, 1);
  });
});

describe('a resource that may not be read', () => {
  it('is reported forbidden where the program can do without, and followed once it may be read', async () => {
    await using scene = await Scene.start({ dispensable: true });
    const states: StoreState[] = [];
    scene.store.onState((state) => states.push(state));
    (await scene.watchList()).fail(403, 'Forbidden');
    (await scene.list()).fail(403, 'Forbidden');
    await scene.pause(2500);
    assert.equal(scene.store.hasSynced(), true);
    (await scene.list()).json(page([at('a', '3')], '10'));
    await scene.watch('10');
    assert.deepEqual(states, ['forbidden', 'synced']);
    assert.deepEqual(scene.heard, ['added a@3']);
  });

  it('any more is forbidden too, but keeps what was read: nobody said that it is gone', async () => {
    await using scene = await Scene.start({ dispensable: true });
    (await scene.filled([at('a', '3')])).end();
    (await scene.watch('10')).fail(403, 'Forbidden');
    await scene.pause(800);
    (await scene.watchList('10')).fail(403, 'Forbidden');
    (await scene.list()).fail(403, 'Forbidden');
    await scene.until(() => scene.store.state === 'forbidden');
    assert.equal(scene.store.size, 1);
  });

  it('but must be is waited for', async () => {
    await using scene = await Scene.start();
    (await scene.watchList()).fail(403, 'Forbidden');
    (await scene.list()).fail(403, 'Forbidden');
    await scene.pause(800);
    assert.equal(scene.store.state, 'syncing');
  });
});

describe('following', () => {
  it('ends when it is told to, without an error, also in the middle of a pause', async () => {
    await using scene = await Scene.start();
    (await scene.watchList()).destroy();
    await scene.clock.timer(800);
    await scene.stop();
    assert.deepEqual(scene.clock.pending, []);
  });

  it('is not stopped by a subscriber that throws', async () => {
    await using scene = await Scene.start();
    scene.store.subscribe(() => {
      throw new Error('boom');
    });
    const stream = await scene.filled([at('a', '3')]);
    stream.send(modified(at('a', '11')), modified(at('a', '12')));
    await scene.until(() => scene.store.resourceVersion === '12');
    assert.deepEqual(scene.heard, ['added a@3', 'updated a@11', 'updated a@12']);
  });

  it('keeps of each object what it is told to', async () => {
    await using scene = await Scene.start({
      keep: (object) => ({ ...object, metadata: { ...object.metadata, name: object.metadata.name.toUpperCase() } }),
    });
    await scene.filled([at('a', '3')]);
    assert.deepEqual(scene.heard, ['added A@3']);
  });

  it('reads metadata alone when that is all that is wanted', async () => {
    await using scene = await Scene.start({ metadataOnly: true });
    const request = await scene.watchList();
    assert.equal(request.headers.accept, 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1');
    const meta = (object: object) => ({ ...object, apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata' });
    const stream = request.stream();
    stream.send(added(meta(at('a', '3'))), { type: 'BOOKMARK', object: meta(end('10').object) });
    await scene.until(() => scene.store.hasSynced());
    assert.deepEqual(scene.heard, ['added a@3']);
  });

  it('counts why watches ended, by resource', async () => {
    watchRestarts.reset();
    await using scene = await Scene.start();
    const stream = await scene.filled();
    stream.end();
    (await scene.watch('10')).fail(429, 'TooManyRequests');
    await scene.pause(800);
    await scene.watch('10');
    const { values } = await watchRestarts.get();
    assert.deepEqual(
      values.map(({ labels, value }) => [labels.resource, labels.reason, value]),
      [
        ['widgets', 'closed', 1],
        ['widgets', 'throttled', 1],
      ],
    );
  });
});
