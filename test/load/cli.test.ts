import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { decodePoints } from '../../src/load/point-code.ts';
import type { Report } from '../../src/load/report/report.ts';
import { bench, benchReport } from './bench.ts';
import { ownAuthority } from './certificate.ts';
import { startGrpcV2Protocol } from './servers/grpc-v2-protocol.ts';
import { startTruthServer, type TruthServer } from './servers/start.ts';

let server: TruthServer;
let folder: string;
before(async () => {
  server = await startTruthServer({ kind: 'batch', baseMicroseconds: 500, eachMicroseconds: 50 });
  folder = mkdtempSync(join(tmpdir(), 'modelwright-bench-'));
});
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** A server that answers the metadata question and then does as it is told with inference requests. */
async function rude(test: TestContext, infer: (socket: Socket) => void): Promise<string> {
  const metadata = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }] });
  const sockets = new Set<Socket>();
  const rudeServer = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      if (chunk.toString().startsWith('GET')) socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${metadata.length}\r\n\r\n${metadata}`);
      else if (chunk.toString().startsWith('POST')) infer(socket);
    });
  });
  await new Promise<void>((resolve) => rudeServer.listen(0, '127.0.0.1', resolve));
  test.after(() => {
    for (const socket of sockets) socket.destroy();
    rudeServer.close();
  });
  return `http://127.0.0.1:${(rudeServer.address() as { port: number }).port}`;
}

describe('modelwright bench', () => {
  it('sweeps batch sizes and concurrencies and writes every report', async () => {
    const file = (name: string) => join(folder, name);
    const { code, stdout, stderr } = await bench([
      server.url,
      '--model',
      'truth',
      '--batch',
      '1,4',
      '--concurrency',
      '1,2',
      '--requests',
      '60',
      '--run',
      'run-00001',
      '--json',
      file('r.json'),
      '--csv',
      file('r.csv'),
      '--markdown',
      file('r.md'),
      '--html',
      file('r.html'),
      '--llmd',
      file('r.llmd'),
      '--prometheus',
      file('r.prom'),
      '--termination',
      file('r.term'),
      '--metrics-url',
      `${server.url}/metrics`,
    ]);
    assert.ok(code === 0 || code === 4, `${code}: ${stderr}`);
    assert.match(stdout, /^POINT +BATCH +LOAD/);
    const report = JSON.parse(readFileSync(file('r.json'), 'utf8')) as Report;
    assert.equal(report.points.length, 5);
    assert.deepEqual(new Set(report.points.map((point) => point.id.replace('-repeat', ''))), new Set(['b1-c1', 'b1-c2', 'b4-c1', 'b4-c2']));
    for (const point of report.points) assert.ok(point.requests >= 60 && point.succeeded === point.requests, point.id);
    assert.equal(report.points[0]?.gpus?.[0]?.utilisationPercent, 50);
    const decoded = decodePoints(readFileSync(file('r.term'), 'utf8'), 'run-00001');
    assert.ok(decoded.ok && decoded.points.length === 4);
    for (const name of ['r.csv', 'r.md', 'r.html', 'r.llmd', 'r.prom']) assert.ok(readFileSync(file(name), 'utf8').includes('b4-c2'), name);

    const same = await bench(['diff', file('r.json'), file('r.json')]);
    assert.equal(same.code, 0);
    assert.match(same.stdout, /verdict: no evidence/);
  });

  it('takes the open loop, and accounts for every request', async () => {
    await using counting = await startTruthServer({ kind: 'fixed', microseconds: 1000 });
    const constant = ['--rate', '200', '--arrivals', 'constant', '--duration', '1s', '--warmup', '200ms'];
    const report = await benchReport([counting.url, '--model', 'truth', ...constant, '--max-connections', '1000']);
    const [point] = report.points;
    assert.ok(point !== undefined);
    // The schedule says how many are due in the window, however late the machine was with them.
    assert.ok(Math.abs(point.requests - point.durationSeconds * 200) <= 1.01, `${point.requests} in ${point.durationSeconds} s`);
    assert.equal(point.succeeded, point.requests, JSON.stringify(point.errors));
    const { received } = await counting.counts();
    assert.ok(received >= 1 + point.warmup.requests + point.requests, `${received} received`);
    assert.equal(point.offeredPerSecond, 200);
    assert.notEqual(point.sendLagMicroseconds, null);
  });

  it('says that one payload is no test of a server that keeps its replies', async () => {
    const file = join(folder, 'one-row.json');
    const rows = (data: readonly number[]) => ({ inputs: [{ name: 'x', datatype: 'FP32', shape: [data.length / 4, 4], data }] });
    const remarks = async (sample: object) => {
      writeFileSync(file, JSON.stringify(sample));
      return (await benchReport([server.url, '--model', 'truth', '--payload', file, '--requests', '20', '--no-verdict'])).remarks.join();
    };
    assert.match(await remarks(rows([1, 2, 3, 4])), /every request carried the same payload/);
    assert.ok(!(await remarks(rows([1, 2, 3, 4, 5, 6, 7, 8]))).includes('the same payload'));
  });

  it('does not rank a point that was over sooner than is asked for', async () => {
    const measured = async (minimum: string) => {
      const report = await benchReport([server.url, '--model', 'truth', '--requests', '30', '--min-duration', minimum]);
      return report.points[0]?.invalidReasons.find(({ reason }) => reason === 'TooShort')?.message;
    };
    assert.match((await measured('1h')) ?? '', /^measured \d+\.\d\d s, at least 3600 s are asked for$/);
    assert.equal(await measured('1ms'), undefined);
  });

  it('searches for the largest concurrency within a bound', async () => {
    await using queue = await startTruthServer({ kind: 'queue', servers: 1, microseconds: 4000, service: 'fixed' });
    // One worker of 4 ms: N at once wait 4·N ms; 50 ms admit 12.
    const flags = ['--search', 'concurrency', '--slo', 'p50=50ms', '--requests', '60', '--search-max', '64'];
    const { searches, points } = await benchReport([queue.url, '--model', 'truth', ...flags]);
    const [search] = searches;
    assert.ok(search !== undefined && search.trials.length >= 1);
    // What passed kept the bound in a point that can be relied on, and what is beyond the server's capacity never did. On a busy machine
    // nothing may be found: then it is the measurements that failed, which the report says, and not the server.
    const kept = (level: number) =>
      points.some(
        ({ load, valid, latencyMicroseconds: latency }) =>
          load.loop === 'closed' && load.concurrency === level && valid && latency !== null && latency.p50 <= 50_000,
      );
    for (const { level, passed } of search.trials) assert.ok(!passed || (level <= 12 && kept(level)), `${level} passed`);
    if (search.found === null) assert.ok(!kept(search.failedAt ?? 0) || search.trials.length > 1, JSON.stringify(search));
    else assert.ok(search.found <= 12 && kept(search.found), `${search.found}`);
  });

  it('measures as many requests as the bound needs where nobody says how many', async () => {
    const flags = ['--search', 'concurrency', '--search-max', '2', '--slo', 'p99=10s', '--max-errors', '1000000'];
    const { points, searches } = await benchReport([server.url, '--model', 'truth', ...flags]);
    assert.ok(points.length >= 1 && searches[0] !== undefined);
    for (const { id, requests, invalidReasons } of points) {
      assert.ok(requests >= 368, `${id}: ${requests}`);
      assert.ok(!invalidReasons.some(({ reason }) => reason === 'TooFewRequests'), id);
    }
  });

  it('keeps the rules of a scenario', async () => {
    const { code, stdout } = await bench([
      server.url,
      '--model',
      'truth',
      '--scenario',
      'Offline',
      '--batch',
      '8',
      '--samples',
      '800',
      '--duration',
      '0.01s',
      '--concurrency',
      '2',
    ]);
    assert.match(stdout, /Offline: (VALID|INVALID); samples \d+/);
    assert.match(stdout, /met: minimum samples \(10\d of 100 queries of 8 samples\)/);
    assert.ok(code === 0 || code === 4);
  });
});

describe('bad input ends with a sentence and an exit code', () => {
  const table: readonly (readonly [name: string, args: readonly string[], code: number, message: RegExp])[] = [
    ['no URL', [], 2, /give the address of the server/],
    ['no model', ['http://127.0.0.1:1'], 2, /--model is needed/],
    ['not a URL', ['localhost', '--model', 'm'], 2, /"localhost" is not a URL/],
    ['credentials in the URL', ['http://user:secret@127.0.0.1', '--model', 'm'], 2, /give credentials with --header or --token-file/],
    [
      'an unknown protocol',
      ['http://127.0.0.1:1', '--model', 'm', '--protocol', 'soap'],
      2,
      /--protocol "soap" is not known; it is one of v1, v2/,
    ],
    [
      'a batch that is no number',
      ['http://127.0.0.1:1', '--model', 'm', '--batch', '1,x'],
      2,
      /--batch takes whole numbers above 0, not "x"/,
    ],
    [
      'fewer requests than warm-up',
      ['http://127.0.0.1:1', '--model', 'm', '--requests', '10'],
      2,
      /--requests 10 must be more than the 10 of the warm-up/,
    ],
    ['two loops at once', ['http://127.0.0.1:1', '--model', 'm', '--rate', '1', '--concurrency', '1'], 2, /exclude each other/],
    [
      'a search with fewer requests than its bound needs',
      ['http://127.0.0.1:1', '--model', 'm', '--search', 'concurrency', '--slo', 'p99=1s', '--requests', '100'],
      2,
      /--requests 100 cannot bound p99: a search within it needs 368 a level, or --duration/,
    ],
    ['a search without a bound', ['http://127.0.0.1:1', '--model', 'm', '--search', 'rate'], 2, /--search needs a bound/],
    [
      'too many points for a termination message',
      ['http://127.0.0.1:1', '--model', 'm', '--batch', '1,2,4', '--concurrency', '1,2,4', '--termination', '/x'],
      2,
      /holds 8 points, this sweep has 9/,
    ],
    [
      'a least duration of points that have a duration',
      ['http://127.0.0.1:1', '--model', 'm', '--duration', '1s', '--min-duration', '1s'],
      2,
      /--min-duration is for points that are measured by --requests/,
    ],
    [
      'a report in a folder that is not there',
      ['http://127.0.0.1:1', '--model', 'm', '--html', '/nowhere/at/all/report.html'],
      2,
      /--html \/nowhere\/at\/all\/report\.html cannot be written: there is no folder \/nowhere\/at\/all/,
    ],
    [
      'a payload that is not there',
      ['http://127.0.0.1:1', '--model', 'm', '--payload', '/nowhere.json'],
      2,
      /--payload \/nowhere.json cannot be read/,
    ],
    [
      'a dead host',
      ['http://127.0.0.1:1', '--model', 'm'],
      3,
      /127\.0\.0\.1:1 could not be asked about the model "m": connect ECONNREFUSED/,
    ],
    ['a dead gRPC host', ['grpc://127.0.0.1:1', '--model', 'm', '--protocol', 'grpc-v2'], 3, /ECONNREFUSED/],
    ['a bad header', ['http://127.0.0.1:1', '--model', 'm', '--header', 'nonsense'], 2, /--header "nonsense" is not "Name: value"/],
    ['a token command that fails', ['http://127.0.0.1:1', '--model', 'm', '--token-command', 'exit 3'], 2, /--token-command failed/],
    ['a report that is none', ['diff', 'package.json', 'package.json'], 2, /is not a report of this version/],
  ];
  for (const [name, args, code, message] of table) {
    it(name, async () => {
      const run = await bench(args);
      assert.match(run.stderr, message);
      assert.equal(run.code, code, run.stderr);
      assert.ok(!run.stderr.includes('secret'));
      assert.ok(!/\n\s+at /.test(run.stderr), 'no stack trace');
    });
  }

  it('a model that is not there', async () => {
    const { code, stderr } = await bench([server.url, '--model', 'other']);
    assert.match(stderr, /does not serve a model named "other" .*404.*Request for unknown model: 'other' is not found/);
    assert.equal(code, 3);
  });

  it('a shape that the server refuses', async (test) => {
    const said = `{"error":"unexpected shape for input 'x': expected [-1,8], got [1,4]"}`;
    const url = await rude(test, (socket) => socket.write(`HTTP/1.1 400 Bad\r\ncontent-length: ${said.length}\r\n\r\n${said}`));
    const { code, stderr } = await bench([url, '--model', 'm']);
    assert.match(
      stderr,
      /refuses the request: HTTP status 400: .*unexpected shape for input 'x'.*check the payload's names, types and shapes/,
    );
    assert.equal(code, 6);
  });

  it('the gRPC port asked over REST, and the other way round', async () => {
    await using grpc = await startGrpcV2Protocol();
    const rest = await bench([`http://127.0.0.1:${grpc.port}`, '--model', 'sum']);
    assert.match(rest.stderr, /the server answers with something that is not HTTP\/1\.1; is this its gRPC port\?/);
    const other = await bench([server.url.replace('http:', 'grpc:'), '--model', 'truth', '--protocol', 'grpc-v2']);
    assert.match(other.stderr, /the server does not speak HTTP\/2 \(.*\); is this its gRPC port\?/);
    assert.deepEqual([rest.code, other.code], [3, 3]);
  });

  it('a TLS handshake that nobody answers', async (test) => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    test.after(() => silent.close());
    const { port } = silent.address() as { port: number };
    const args = ['--protocol', 'http', '--body-file', 'package.json', '--timeout', '300ms'];
    const { code, stderr } = await bench([`https://127.0.0.1:${port}`, ...args]);
    assert.match(stderr, /no TLS connection: no reply within 0\.3 s/);
    assert.equal(code, 3);
  });

  it('an endless body', async (test) => {
    const url = await rude(test, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      const more = () => socket.write(`4000\r\n${'x'.repeat(16_384)}\r\n`, () => setImmediate(() => !socket.destroyed && more()));
      more();
    });
    const { code, stderr } = await bench([url, '--model', 'm', '--max-body', '100000']);
    assert.match(stderr, /too long a reply: the reply is longer than the limit of 100000 bytes; raise --max-body/);
    assert.equal(code, 3);
  });

  it('a server that closes early', async (test) => {
    const url = await rude(test, (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"outputs'));
    const { code, stderr } = await bench([url, '--model', 'm']);
    assert.match(stderr, /closed the connection in the middle of its reply/);
    assert.equal(code, 3);
  });

  it('a server that never answers', async (test) => {
    const url = await rude(test, () => {});
    const { code, stderr } = await bench([url, '--model', 'm', '--timeout', '200ms']);
    assert.match(stderr, /did not answer the first request: no reply within 0.2 s; raise --timeout/);
    assert.equal(code, 3);
  });

  it('a server that dies in the middle: its errors are counted by class, what was measured is kept', async (test) => {
    let served = 0;
    const body = '{"outputs":[{"name":"y","shape":[1,1],"datatype":"FP32","data":[0.5]}]}';
    // Slow enough for the warm-up and what comes before the window to leave it some, and fewer than all of them together.
    const url = await rude(test, (socket) => {
      if (served++ < 120) setTimeout(() => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`), 20);
      else socket.destroy();
    });
    const { code, stdout } = await bench([url, '--model', 'm', '--requests', '130', '-o', 'json']);
    const report = JSON.parse(stdout) as Report;
    assert.equal(code, 4);
    assert.ok((report.points[0]?.errors.reset ?? 0) > 0);
    assert.ok((report.points[0]?.succeeded ?? 0) > 0);
    assert.equal(report.points[0]?.valid, false);
  });

  it('a certificate of an unknown authority, and the same with its CA', async (test) => {
    const authority = ownAuthority(folder, ['localhost']);
    const answer = '{"outputs":[{"name":"y","shape":[1,1],"datatype":"FP32","data":[0.5]}]}';
    const seen: (string | undefined)[] = [];
    const https = createHttps({ key: authority.key, cert: authority.cert }, (request, response) => {
      seen.push(request.headers.authorization);
      request.resume();
      request.on('end', () =>
        response.end(request.method === 'GET' ? JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }] }) : answer),
      );
    });
    await new Promise<void>((resolve) => https.listen(0, 'localhost', resolve));
    test.after(() => {
      https.closeAllConnections();
      https.close();
    });
    const url = `https://localhost:${(https.address() as { port: number }).port}`;
    const refused = await bench([url, '--model', 'm']);
    assert.match(refused.stderr, /TLS|certificate/);
    assert.match(refused.stderr, /unable to (get local issuer|verify the first) certificate/);
    assert.equal(refused.code, 3);
    const token = join(folder, 'token');
    writeFileSync(token, 'top-secret\n');
    const report = await benchReport([url, '--model', 'm', '--ca-file', authority.caFile, '--token-file', token, '--requests', '30']);
    assert.equal(report.points[0]?.errors.tls, undefined);
    assert.ok((report.points[0]?.succeeded ?? 0) >= 30);
    assert.ok(seen.every((value) => value === 'Bearer top-secret'));
    assert.ok(!JSON.stringify(report).includes('top-secret'), 'the token is in no report');
  });

  it('SIGINT in the middle: a partial report, marked, and exit code 130', async () => {
    await using slow = await startTruthServer({ kind: 'fixed', microseconds: 2000 });
    let waiting = false;
    const file = join(folder, 'partial.json');
    const { code, stderr } = await bench(
      [slow.url, '--model', 'truth', '--concurrency', '1,2', '--duration', '60s', '--warmup', '100ms', '--json', file],
      async (line, pid) => {
        if (waiting || !line.includes('to measure')) return;
        waiting = true;
        // Many times the warm-up's: the first point is under way.
        while ((await slow.counts()).received < 1000) await new Promise((resolve) => setTimeout(resolve, 50));
        process.kill(pid, 'SIGINT');
      },
    );
    assert.equal(code, 130, stderr);
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    assert.equal(report.partial, true);
    assert.equal(report.points.length, 1);
    const [point] = report.points;
    assert.ok(point !== undefined && point.requests > 0 && point.durationSeconds < 60);
    assert.equal(point.invalidReasons[0]?.reason, 'Interrupted');
    assert.match(report.remarks.join(), /stopped after 1 of 3 points; what was measured is kept/);
  });

  it('a step of the wall clock: it is told, and touches no figure', async () => {
    await using slow = await startTruthServer({ kind: 'fixed', microseconds: 2000 });
    // The clock as the program sees it is put forward by an hour at a signal.
    const stepped =
      "const real = Date.now; let step = 0; Date.now = () => real() + step; process.on('SIGUSR2', () => { step = 3_600_000; });";
    let waiting = false;
    const { code, stdout, stderr } = await bench(
      [slow.url, '--model', 'truth', '--concurrency', '1', '--duration', '4s', '--warmup', '100ms', '--no-verdict', '-o', 'json'],
      async (line, pid) => {
        if (waiting || !line.includes('to measure')) return;
        waiting = true;
        while ((await slow.counts()).received < 300) await new Promise((resolve) => setTimeout(resolve, 20));
        process.kill(pid, 'SIGUSR2');
      },
      ['--import', `data:text/javascript,${encodeURIComponent(stepped)}`],
    );
    assert.equal(code, 0, stderr);
    const [point] = (JSON.parse(stdout) as Report).points;
    assert.ok(point !== undefined && point.latencyMicroseconds !== null);
    assert.match(point.notes.join('\n'), /the wall clock was stepped by 3[56]\d\d\.\d s; durations are from the monotonic clock/);
    assert.ok(point.durationSeconds < 4.1 && point.latencyMicroseconds.max < 60e6, `${point.latencyMicroseconds.max}`);
    assert.ok(point.latencyMicroseconds.min >= 1990 && point.requestsPerSecond <= 500);
  });

  it('stdout that takes nothing: a sentence and an exit code, and the files are written', async (test) => {
    if (process.platform !== 'linux') return test.skip('/dev/full is of Linux');
    const file = join(folder, 'kept.json');
    const args = [server.url, '--model', 'truth', '--requests', '30', '--no-verdict', '--json', file];
    const { code, stderr } = await bench(args, undefined, [], '/dev/full');
    assert.match(stderr, /^error: stdout could not be written: .*ENOSPC/m);
    assert.ok(!/\n\s+at /.test(stderr), stderr);
    assert.equal(code, 5);
    assert.equal((JSON.parse(readFileSync(file, 'utf8')) as Report).points.length, 1);
  });

  it('a full disk: the report goes to stdout, and nothing is lost', async (test) => {
    if (process.platform !== 'linux') return test.skip('/dev/full is of Linux');
    const { code, stdout, stderr } = await bench([server.url, '--model', 'truth', '--requests', '30', '--json', '/dev/full']);
    assert.match(stderr, /\/dev\/full could not be written: .*ENOSPC/);
    assert.match(stderr, /the full report was printed to stdout instead/);
    assert.equal(code, 5);
    assert.equal((JSON.parse(stdout) as Report).points.length, 1);
  });
});
