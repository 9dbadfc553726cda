import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noLogger } from '../telemetry/logger.ts';
import { EventCorrelator } from './event-correlator.ts';
import { EventWriter } from './event-writer.ts';
import { RestClient } from './rest-client.ts';
import { aWidget } from './testing/builders.ts';
import { CannedServer } from './testing/canned-server.ts';
import { FakeClock } from './testing/fake-clock.ts';

const event = { type: 'Warning', reason: 'SourceMissing', action: 'Package', note: 'The claim models does not exist.' } as const;

async function aScene() {
  const server = await CannedServer.start();
  const client = new RestClient(server.config);
  const clock = new FakeClock();
  const writer = new EventWriter({
    client,
    clock,
    log: noLogger,
    reportingController: 'modelwright.dev/operator',
    reportingInstance: 'pod-1',
  });
  return {
    server,
    clock,
    writer,
    /** Takes the next request, which creates an event, and accepts it. */
    async created() {
      const request = await server.next();
      assert.equal(request.method, 'POST');
      const body = JSON.parse(request.body);
      request.json({ ...body, metadata: { ...body.metadata, uid: 'u', resourceVersion: '1' } });
      return body;
    },
    flush: () => writer.flush(new AbortController().signal),
    async [Symbol.asyncDispose]() {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('an event', () => {
  it('is written as events.k8s.io/v1 in the namespace of its object, with a time of six digits', async () => {
    await using scene = await aScene();
    scene.writer.record(aWidget('a'), event);
    const { metadata, ...body } = await scene.created();
    assert.match(metadata.name, /^a\.[0-9a-f]+$/);
    assert.equal(metadata.namespace, 'default');
    assert.deepEqual(body, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      eventTime: '2026-01-01T00:00:00.000000Z',
      ...event,
      regarding: {
        apiVersion: 'test.modelwright.dev/v1',
        kind: 'Widget',
        name: 'a',
        namespace: 'default',
        uid: 'uid-a',
        resourceVersion: '1',
      },
      reportingController: 'modelwright.dev/operator',
      reportingInstance: 'pod-1',
    });
    await scene.flush();
  });

  it('about an object with a long name gets a name that is one', async () => {
    await using scene = await aScene();
    scene.writer.record(aWidget(`${'x'.repeat(229)}-${'y'.repeat(20)}`), event);
    const { metadata } = await scene.created();
    assert.match(metadata.name, /^x{229}\.[0-9a-f]+$/);
    assert.ok(metadata.name.length <= 253);
    await scene.flush();
  });

  it('about a cluster-scoped object goes to the namespace default', async () => {
    await using scene = await aScene();
    const { namespace: _, ...metadata } = aWidget('a').metadata;
    scene.writer.record({ ...aWidget('a'), metadata }, event);
    const body = await scene.created();
    assert.equal(body.metadata.namespace, 'default');
    assert.equal(body.regarding.namespace, undefined);
    await scene.flush();
  });

  it('that happens again raises the count of the one that is there', async () => {
    await using scene = await aScene();
    scene.writer.record(aWidget('a'), event);
    const { metadata } = await scene.created();
    await scene.clock.advance(1500);
    scene.writer.record(aWidget('a'), event);
    const request = await scene.server.next();
    assert.equal(request.method, 'PATCH');
    assert.ok(request.url.pathname.endsWith(`/events/${metadata.name}`));
    assert.deepEqual(JSON.parse(request.body), { series: { count: 2, lastObservedTime: '2026-01-01T00:00:01.500000Z' } });
    request.json({});
    await scene.flush();
  });

  it('whose series has ended in the cluster is written anew', async () => {
    await using scene = await aScene();
    scene.writer.record(aWidget('a'), event);
    await scene.created();
    scene.writer.record(aWidget('a'), event);
    (await scene.server.next()).fail(404, 'NotFound');
    const body = await scene.created();
    assert.equal(body.series.count, 2);
    await scene.flush();
  });

  it('that repeats while the first still waits is written once, with its count', async () => {
    await using scene = await aScene();
    scene.writer.record(aWidget('first'), event);
    for (let time = 0; time < 3; time++) scene.writer.record(aWidget('a'), event);
    await scene.created();
    const body = await scene.created();
    assert.equal(body.series.count, 3);
    await scene.flush();
    assert.equal(scene.server.untaken, 0);
  });

  it('with a note that is too long is cut', async () => {
    await using scene = await aScene();
    scene.writer.record(aWidget('a'), { ...event, note: 'x'.repeat(2000) });
    const { note } = await scene.created();
    assert.equal(note.length, 1024);
    await scene.flush();
  });

  it('that meets an overloaded server is tried again, a few times', async () => {
    await using scene = await aScene();
    scene.writer.record(aWidget('a'), event);
    for (const wait of [1000, 2000]) {
      (await scene.server.next()).fail(503, 'ServiceUnavailable');
      await scene.clock.timer(wait);
      await scene.clock.advance(wait);
    }
    await scene.created();
    await scene.flush();
  });

  it('that is refused is given up, and the next one is written', async () => {
    await using scene = await aScene();
    scene.writer.record(aWidget('a'), event);
    (await scene.server.next()).fail(403, 'Forbidden', 'namespace is being terminated');
    scene.writer.record(aWidget('b'), event);
    const body = await scene.created();
    assert.equal(body.regarding.name, 'b');
    await scene.flush();
  });
});

describe('flushing', () => {
  it('waits for what was recorded, and takes nothing after', async () => {
    await using scene = await aScene();
    scene.writer.record(aWidget('a'), event);
    let over = false;
    const flushed = scene.flush().then(() => {
      over = true;
    });
    const request = await scene.server.next();
    assert.equal(over, false);
    request.json({ metadata: {} });
    await flushed;
    scene.writer.record(aWidget('b'), event);
    await scene.flush();
    assert.equal(scene.server.untaken, 0);
  });

  it('ends when its signal aborts, whatever the server does', async () => {
    await using scene = await aScene();
    scene.writer.record(aWidget('a'), event);
    await scene.server.next();
    await scene.writer.flush(AbortSignal.abort(new Error('no time left')));
  });
});

describe('many events', () => {
  const judge = (correlator: EventCorrelator, note: string, object = 'Widget/a') =>
    correlator.judge({ object, group: `${object} Failed`, note });

  it('about one object are limited to 25 at once and one in five minutes, each object for itself', async () => {
    const clock = new FakeClock();
    const correlator = new EventCorrelator(clock);
    const verdicts = Array.from({ length: 30 }, () => judge(correlator, 'same').kind);
    assert.equal(verdicts.filter((kind) => kind === 'drop').length, 5);
    assert.equal(judge(correlator, 'same', 'Widget/b').kind, 'new');
    await clock.advance(299_999);
    assert.equal(judge(correlator, 'same').kind, 'drop');
    await clock.advance(1);
    assert.notEqual(judge(correlator, 'same').kind, 'drop');
  });

  it('that differ in their notes alone become one after ten within ten minutes', async () => {
    const clock = new FakeClock();
    const correlator = new EventCorrelator(clock);
    for (let note = 1; note <= 10; note++) assert.equal(judge(correlator, `pod ${note}`).kind, 'new');
    const combined = judge(correlator, 'pod 11');
    assert.deepEqual([combined.kind, 'note' in combined && combined.note], ['new', '(combined from similar events): pod 11']);
    assert.deepEqual(judge(correlator, 'pod 12'), { kind: 'repeat', id: 'Widget/a Failed', count: 2 });
    await clock.advance(600_001);
    assert.equal(judge(correlator, 'pod 13').kind, 'new');
  });

  it('remember the 4,096 most recent objects only', () => {
    const correlator = new EventCorrelator(new FakeClock());
    for (let time = 0; time < 26; time++) judge(correlator, 'same', 'first');
    assert.equal(judge(correlator, 'same', 'first').kind, 'drop');
    for (let other = 0; other < 4096; other++) judge(correlator, 'same', `other ${other}`);
    assert.equal(judge(correlator, 'same', 'first').kind, 'new');
  });
});
