import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Gauge, Registry } from 'prom-client';
import { type Check, HealthServer } from './health.ts';

async function probes(ready: Readonly<Record<string, Check>>) {
  const registry = new Registry();
  new Gauge({ name: 'answer', help: 'The answer.', registers: [registry] }).set(42);
  const server = await HealthServer.start({ host: '127.0.0.1', port: 0, live: { ping: () => undefined }, ready, registry });
  return {
    async get(path: string) {
      const answer = await fetch(`http://127.0.0.1:${server.port}${path}`);
      return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

describe('a probe', () => {
  it('answers 200 and ok when all is well', async () => {
    await using server = await probes({ caches: () => undefined });
    const { status, text } = await server.get('/readyz');
    assert.deepEqual([status, text], [200, 'ok']);
  });

  it('answers 503 and says what is not', async () => {
    await using server = await probes({ caches: () => 'waiting for Widget', shutdown: () => undefined });
    const { status, text } = await server.get('/readyz');
    assert.deepEqual([status, text], [503, '[-]caches failed: waiting for Widget\n[+]shutdown ok\n']);
    assert.equal((await server.get('/healthz')).status, 200);
  });

  it('lists its checks when asked', async () => {
    await using server = await probes({ caches: () => undefined });
    assert.equal((await server.get('/readyz?verbose')).text, '[+]caches ok\n');
  });
});

describe('metrics', () => {
  it('are in Prometheus’ text format', async () => {
    await using server = await probes({});
    const { status, type, text } = await server.get('/metrics');
    assert.equal(status, 200);
    assert.match(type ?? '', /^text\/plain; version=0\.0\.4/);
    assert.match(text, /^answer 42$/m);
  });
});

it('anything else is not found', async () => {
  await using server = await probes({});
  assert.equal((await server.get('/')).status, 404);
});
