import assert from 'node:assert/strict';
import { createServer as createHttp2 } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { type ErrorClass, errorClasses, type Load } from '../point.ts';
import { readWindow } from '../statistics/window.ts';
import { now, type WireRequest } from '../transport/channel.ts';
import { parseTarget } from '../transport/target.ts';
import { Pacer } from './pacer.ts';
import { senders, splitCount, splitLoad } from './pool.ts';
import { type Bound, LoadThread, type ThreadSpec } from './thread.ts';
import { mergeTraces, type Trace, TraceRecorder } from './trace.ts';

type Handler = (socket: Socket, request: string, count: number) => void;

/** A raw HTTP server; `handle` is called for every whole request. */
async function serve(test: TestContext, handle: Handler): Promise<string> {
  let count = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let head = text.indexOf('\r\n\r\n'); head >= 0; head = text.indexOf('\r\n\r\n')) {
        const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
        if (text.length < head + 4 + length) return;
        const request = text.slice(0, head + 4 + length);
        text = text.slice(head + 4 + length);
        handle(socket, request, count++);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  test.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const request: WireRequest = { method: 'POST', path: '/x', headers: [['content-type', 'text/plain']], body: Buffer.from('body') };

function spec(url: string, load: Load, more: Partial<ThreadSpec> = {}): ThreadSpec {
  return {
    target: parseTarget(url, { hostHeader: 'model.example', headers: ['X-Key: secret'] }),
    transport: 'http1',
    requests: [request],
    load,
    seed: 1,
    maxConnections: 64,
    limits: { timeoutMicroseconds: 5e6, maxBodyBytes: 1 << 16 },
    warmup: { requests: 0, seconds: 0 },
    checkEvery: 10,
    check: { protocol: 'http', batchSize: 1, batched: false, minimumBytes: 0 },
    spin: true,
    ...more,
  };
}

const closed = (concurrency: number): Load => ({ loop: 'closed', concurrency });
const open = (requestsPerSecond: number): Load => ({ loop: 'open', requestsPerSecond, arrivals: 'poisson' });
const forever = new AbortController().signal;

async function run(threadSpec: ThreadSpec, bound: Bound | { readonly seconds: number }, signal = forever) {
  const thread = new LoadThread(threadSpec);
  await thread.warm(signal);
  const from = now();
  const limit: Bound = 'seconds' in bound ? { kind: 'until', at: from + bound.seconds * 1e6 } : bound;
  const result = await thread.measure(from, limit, signal);
  return { ...result, from, errors: errorsOf(result.trace) };
}

function errorsOf(trace: Trace): Partial<Record<ErrorClass | 'none', number>> {
  const counts: Partial<Record<ErrorClass | 'none', number>> = {};
  for (const code of trace.error) {
    const name = code === 0 ? 'none' : (errorClasses[code - 1] as ErrorClass);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe('a closed loop', () => {
  it('sends exactly as many requests as asked, with every header, on kept connections', async (test) => {
    const seen: string[] = [];
    const ports = new Set<number>();
    const url = await serve(test, (socket, text) => {
      seen.push(text);
      ports.add(socket.remotePort as number);
      socket.write(ok);
    });
    const { errors } = await run(spec(url, closed(3)), { kind: 'count', requests: 50 });
    // Requests under way when measuring begins were started before it.
    assert.ok((errors.none ?? 0) >= 50 && (errors.none ?? 0) <= 53, JSON.stringify(errors));
    assert.equal(ports.size, 3);
    assert.match(
      seen[0] ?? '',
      /^POST \/x HTTP\/1\.1\r\nhost: model\.example\r\ncontent-type: text\/plain\r\nx-key: secret\r\ncontent-length: 4\r\n\r\nbody$/,
    );
  });

  it('keeps the warm-up out of the trace', async (test) => {
    const url = await serve(test, (socket) => socket.write(ok));
    const { warmupRequests, trace, from } = await run(spec(url, closed(1), { warmup: { requests: 30, seconds: 0 } }), {
      kind: 'count',
      requests: 20,
    });
    assert.ok(warmupRequests >= 30);
    assert.ok(trace.done.every((done) => done >= from));
    assert.ok(trace.length >= 20 && trace.length <= 21);
  });

  it('rotates the requests', async (test) => {
    const bodies = new Set<string>();
    const url = await serve(test, (socket, text) => {
      bodies.add(text.slice(-1));
      socket.write(ok);
    });
    await run(spec(url, closed(1), { requests: ['a', 'b', 'c'].map((body) => ({ ...request, body: Buffer.from(body) })) }), {
      kind: 'count',
      requests: 9,
    });
    assert.deepEqual([...bodies].sort(), ['a', 'b', 'c']);
  });
});

describe('errors', () => {
  const cases: readonly (readonly [ErrorClass, RegExp, Handler])[] = [
    ['http5xx', /HTTP status 503/, (socket) => socket.write('HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n')],
    ['http4xx', /HTTP status 429/, (socket) => socket.write('HTTP/1.1 429 X\r\ncontent-length: 0\r\n\r\n')],
    ['httpOther', /HTTP status 302/, (socket) => socket.write('HTTP/1.1 302 X\r\ncontent-length: 0\r\n\r\n')],
    ['badBody', /status 200 with an error/, (socket) => socket.write('HTTP/1.1 200 X\r\ncontent-length: 13\r\n\r\n{"error":"x"}')],
    ['protocol', /does not begin as HTTP/, (socket) => socket.write('nonsense\r\n\r\n')],
    ['tooLarge', /announces 999999999 bytes/, (socket) => socket.write('HTTP/1.1 200 X\r\ncontent-length: 999999999\r\n\r\n')],
    ['reset', /in the middle of its reply/, (socket) => socket.end('HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\nabc')],
    ['reset', /without a reply/, (socket) => socket.destroy()],
    ['timeout', /no reply within 0.05 s/, () => {}],
  ];
  for (const [error, message, handle] of cases) {
    it(`of class ${error} are counted and told: ${message.source}`, async (test) => {
      const url = await serve(test, handle);
      // Short for the one that is to run into it; the others have time, however busy the machine.
      const limits = { timeoutMicroseconds: error === 'timeout' ? 50_000 : 30e6, maxBodyBytes: 1 << 16 };
      const { errors, errorExamples } = await run(spec(url, closed(2), { limits }), { kind: 'count', requests: 6 });
      assert.deepEqual(Object.keys(errors), [error]);
      assert.match(errorExamples.join('\n'), message);
    });
  }

  it('an endless chunked body ends at the limit', async (test) => {
    const url = await serve(test, (socket) => {
      socket.write('HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n');
      const more = () => socket.write(`1000\r\n${'x'.repeat(4096)}\r\n`, () => setImmediate(() => !socket.destroyed && more()));
      more();
    });
    const { errors } = await run(spec(url, closed(1)), { kind: 'count', requests: 2 });
    assert.deepEqual(Object.keys(errors), ['tooLarge']);
  });

  it('a refused connection is class connect and does not spin', async () => {
    const { errors, trace } = await run(spec('http://127.0.0.1:1', closed(2)), { seconds: 0.3 });
    assert.deepEqual(Object.keys(errors), ['connect']);
    assert.ok(trace.length < 100, `${trace.length} attempts`);
  });

  it('TLS to a server that speaks none is class tls', async (test) => {
    const url = await serve(test, (socket) => socket.write(ok));
    const plain = await run(
      spec(url.replace('http:', 'https:'), closed(1), { limits: { timeoutMicroseconds: 300_000, maxBodyBytes: 1 << 16 } }),
      { seconds: 0.2 },
    );
    assert.ok((plain.errors.tls ?? 0) + (plain.errors.timeout ?? 0) > 0 && plain.errors.none === undefined, JSON.stringify(plain.errors));
  });

  it('a reply that is much shorter than a checked one is an error', async (test) => {
    const url = await serve(test, (socket) => socket.write(ok));
    const { errors } = await run(spec(url, closed(1), { check: { protocol: 'v2', batchSize: 1, batched: false, minimumBytes: 50 } }), {
      kind: 'count',
      requests: 3,
    });
    assert.deepEqual(Object.keys(errors), ['badBody']);
  });

  it('a connection closed while idle is no error: the request is sent once more, and that is counted', async (test) => {
    // Closes every connection right after a reply, without announcing it.
    const url = await serve(test, (socket) => {
      socket.write(ok);
      setImmediate(() => socket.destroy());
    });
    const { errors } = await run(spec(url, closed(1)), { kind: 'count', requests: 30 });
    assert.ok((errors.none ?? 0) >= 29, JSON.stringify(errors));
  });
});

describe('an open loop', () => {
  it('counts latency from the intended time: a stalled server is not flattered', async (test) => {
    let held: Socket[] | undefined = [];
    const url = await serve(test, (socket) => {
      if (held === undefined) socket.write(ok);
      else {
        held.push(socket);
        if (held.length === 1) {
          setTimeout(() => {
            for (const waiting of held ?? []) waiting.write(ok);
            held = undefined;
          }, 300);
        }
      }
    });
    const { trace, errors } = await run(spec(url, open(200), { maxConnections: 4 }), { seconds: 0.6 });
    assert.deepEqual(Object.keys(errors), ['none']);
    // About 60 requests were due in the 300 ms in which nothing came back, though only 4 connections could carry them.
    const late = trace.latency.filter((latency) => latency > 50_000).length;
    assert.ok(late > 15, `${late} of ${trace.length}`);
    assert.ok(
      trace.lag.some((lag) => lag > 50_000),
      'waiting for a connection is part of the lag',
    );
  });

  it('sends what was due even after a stall, and says what never left', async (test) => {
    const url = await serve(test, () => {});
    const { errors, trace, queuedMax, from } = await run(
      spec(url, open(300), { maxConnections: 2, limits: { timeoutMicroseconds: 200_000, maxBodyBytes: 1024 } }),
      { seconds: 0.3 },
    );
    assert.deepEqual(Object.keys(errors), ['timeout']);
    assert.ok(queuedMax > 0);
    const facts = readWindow(trace, { from, to: from + 300_000 }, errorClasses.length);
    // Two connections carry a request each 200 ms; the rest of some 90 that were due never left, and are failed requests all the same.
    assert.ok(facts.notSent > 0 && facts.notSent < facts.requests, `${facts.notSent} of ${facts.requests}`);
    assert.equal(facts.errors[errorClasses.indexOf('timeout')], facts.requests);
    assert.ok(facts.sentPerSecond * 0.3 <= facts.requests - facts.notSent);
  });
});

describe('an interrupted run', () => {
  it('keeps what has ended', async (test) => {
    const url = await serve(test, (socket) => setTimeout(() => socket.write(ok), 1));
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 150);
    const { trace } = await run(spec(url, closed(2)), { seconds: 60 }, stop.signal);
    assert.ok(trace.length > 0);
  });
});

describe('gRPC', () => {
  async function serveGrpc(test: TestContext, status: number, reply: Buffer): Promise<string> {
    const server = createHttp2();
    server.on('stream', (stream) => {
      stream.on('error', () => {});
      stream.on('data', () => {});
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status), 'grpc-message': 'no%20such%20model' }));
        if (status === 0) {
          const head = Buffer.alloc(5);
          head.writeUInt32BE(reply.length, 1);
          stream.end(Buffer.concat([head, reply]));
        } else stream.end();
      });
    });
    const sessions = new Set<{ destroy(): void }>();
    server.on('session', (session) => sessions.add(session));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    test.after(() => {
      for (const session of sessions) session.destroy();
      server.close();
    });
    return `grpc://127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  it('counts calls that end with OK and those that do not', async (test) => {
    const good = await run(spec(await serveGrpc(test, 0, Buffer.from('reply')), closed(2), { transport: 'grpc' }), {
      kind: 'count',
      requests: 20,
    });
    assert.ok((good.errors.none ?? 0) >= 20, JSON.stringify(good.errors));
    const bad = await run(spec(await serveGrpc(test, 5, Buffer.alloc(0)), closed(2), { transport: 'grpc' }), {
      kind: 'count',
      requests: 6,
    });
    assert.deepEqual(Object.keys(bad.errors), ['grpc']);
    assert.deepEqual(bad.errorExamples, ['grpc: NOT_FOUND: no such model']);
  });
  it('a dead host is class connect', async () => {
    const { errors } = await run(spec('grpc://127.0.0.1:1', closed(1), { transport: 'grpc' }), { seconds: 0.1 });
    assert.deepEqual(Object.keys(errors), ['connect']);
  });
});

describe('several threads', () => {
  it('split slots, rates and counts without loss', () => {
    assert.deepEqual(splitLoad(closed(5), 2), [closed(3), closed(2)]);
    assert.deepEqual(splitLoad(closed(1), 4), [closed(1)]);
    assert.deepEqual(splitLoad(open(10), 2), [open(5), open(5)]);
    assert.deepEqual(splitCount(10, 3), [4, 3, 3]);
  });

  it('measure at the same time, and their traces merge in the order of the ends', async (test) => {
    const url = await serve(test, (socket) => socket.write(ok));
    const threads = senders([spec(url, closed(1)), spec(url, closed(1))]);
    await Promise.all(threads.map((thread) => thread.warm()));
    const from = now() + 2000;
    const results = await Promise.all(threads.map((thread) => thread.measure(from, { kind: 'count', requests: 40 })));
    await Promise.all(threads.map((thread) => thread.close()));
    const merged = mergeTraces(results.map((result) => result.trace));
    assert.ok(merged.length >= 80);
    for (let i = 1; i < merged.length; i++) assert.ok((merged.done[i] as number) >= (merged.done[i - 1] as number));
    assert.ok(
      merged.done.every((done) => done >= from),
      'both threads count on the same clock',
    );
  });
});

describe('constant arrivals of several threads', () => {
  it('are one constant stream, whenever each of them begins', async (test) => {
    const url = await serve(test, (socket) => socket.write(ok));
    const load: Load = { loop: 'open', requestsPerSecond: 50, arrivals: 'constant' };
    const threads = senders([0, 1, 2].map((i) => spec(url, load, { phase: i / 3, warmup: { requests: 3, seconds: 0 } })));
    for (const thread of threads) await thread.warm();
    const from = now() + 2000;
    const results = await Promise.all(threads.map((thread) => thread.measure(from, { kind: 'until', at: from + 500_000 })));
    await Promise.all(threads.map((thread) => thread.close()));
    const begun = Math.max(...results.map((result) => result.begunAt));
    const intended = results
      .flatMap(({ trace }) => Array.from(trace.done, (done, i) => done - (trace.latency[i] as number)))
      .filter((at) => at >= begun)
      .sort((a, b) => a - b);
    assert.ok(intended.length > 10);
    // 150 a second together: one every 6,667 µs.
    for (let i = 1; i < intended.length; i++) {
      const gap = (intended[i] as number) - (intended[i - 1] as number);
      assert.ok(Math.abs(gap - 1e6 / 150) < 1, `${gap} µs`);
    }
  });
});

describe('a trace', () => {
  it('grows and keeps what it was given', () => {
    const recorder = new TraceRecorder();
    for (let i = 0; i < 10_000; i++) recorder.push(i, i / 2, 1, i % 7 === 0 ? 'timeout' : null);
    const trace = recorder.finish();
    assert.equal(trace.length, 10_000);
    assert.equal(trace.done[9999], 9999);
    assert.equal(errorsOf(trace).timeout, 1429);
  });
});

describe('the pacer', () => {
  it('fires every intended time once, in order, none early, none at the end or later', async () => {
    const begun = now();
    let i = 0;
    const fired: (readonly [number, number])[] = [];
    const pacer = new Pacer(
      () => begun + 500 * i++,
      (intended) => fired.push([intended, now()]),
      true,
    );
    pacer.start();
    await pacer.finishAt(begun + 50_000);
    assert.equal(fired.length, 100);
    for (const [n, [intended, at]] of fired.entries()) {
      assert.equal(intended, begun + 500 * n);
      assert.ok(at >= intended);
    }
  });
  it('keeps its schedule with timers alone', async () => {
    const begun = now();
    let i = 0;
    let fired = 0;
    const pacer = new Pacer(
      () => begun + 2000 * i++,
      () => fired++,
      false,
    );
    pacer.start();
    await pacer.finishAt(begun + 60_000);
    assert.equal(fired, 30);
  });
});
