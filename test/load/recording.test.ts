/** What `modelwright bench` writes of single requests: raw samples and spans, of a server of known truth. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ProtoWriter } from '../../src/load/protocol/protobuf.ts';
import { nearestRank } from '../../src/load/statistics/percentile.ts';
import { bench, benchReport } from './bench.ts';
import { startTruthServer, type TruthServer } from './servers/start.ts';
import { serveUnaryGrpc } from './servers/unary-grpc.ts';

describe('what is recorded of single requests', () => {
  let server: TruthServer;
  let folder: string;
  before(async () => {
    server = await startTruthServer({ kind: 'fixed', microseconds: 5000 });
    folder = mkdtempSync(join(tmpdir(), 'modelwright-recording-'));
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const flags = () => [server.url, '--model', 'truth', '--concurrency', '2', '--duration', '1s', '--warmup', '100ms'];

  it('gives the percentiles of the report when it is counted by somebody else', async () => {
    const file = join(folder, 'raw.csv');
    const report = await benchReport([...flags(), '--raw', file]);
    const [point] = report.points;
    const rows = readFileSync(file, 'utf8').trim().split('\r\n').slice(1);
    // The window is what is judged: what was under way at its beginning is written too, and was due before it.
    const within = rows
      .map((row) => row.split(','))
      .filter(([, , due]) => Number(due) >= -0.5 && Number(due) < (point?.durationSeconds ?? 0) * 1e6);
    assert.equal(within.length, point?.requests);
    const latencies = Float64Array.from(within.filter(([, , , , , error]) => error === '').map((row) => Number(row[3]))).sort();
    assert.ok(Math.abs(nearestRank(latencies, 0.99) - (point?.latencyMicroseconds?.p99 ?? 0)) < 0.11);
  });

  it('is a trace of spans that lie inside the point, none shorter than the server takes', async () => {
    const file = join(folder, 'trace.json');
    const began = Date.now();
    const { code, stderr } = await bench([...flags(), '--trace', 'client', '--trace-file', file, '--trace-requests', '20', '--no-verdict']);
    const ended = Date.now();
    assert.equal(code, 0, stderr);
    const { resourceSpans } = JSON.parse(readFileSync(file, 'utf8')) as {
      resourceSpans: {
        scopeSpans: {
          spans: { traceId: string; spanId: string; parentSpanId?: string; startTimeUnixNano: string; endTimeUnixNano: string }[];
        }[];
      }[];
    };
    const [root, ...requests] = resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
    assert.equal(requests.length, 20);
    // What the server was told of is what the file has, and nothing else.
    assert.deepEqual(
      (await server.traceparents()).toSorted(),
      requests.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`).toSorted(),
    );
    for (const { parentSpanId, startTimeUnixNano, endTimeUnixNano } of requests) {
      assert.equal(parentSpanId, root?.spanId);
      const milliseconds = Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6;
      assert.ok(milliseconds >= 4.9, `${milliseconds} ms`);
      assert.ok(Number(BigInt(startTimeUnixNano) / 1_000_000n) >= began && Number(BigInt(endTimeUnixNano) / 1_000_000n) <= ended + 1);
    }
  });

  it('is told to the server with some of the requests of each thread, with a body of any size, over gRPC as well', async () => {
    const told: string[] = [];
    const output = new ProtoWriter()
      .message(5, (tensor) => tensor.bytes(1, 'y').bytes(2, 'FP32').packed(3, [1, 1]))
      .bytes(6, Buffer.alloc(4));
    await using grpc = await serveUnaryGrpc((_path, _message, { traceparent }) => {
      if (typeof traceparent === 'string') told.push(traceparent);
      return output.finish();
    });
    const large = join(folder, 'large.json');
    writeFileSync(
      large,
      JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 50_000], data: Array(50_000).fill(0.123456789) }] }),
    );
    const traced = [
      '--trace',
      'client',
      '--trace-requests',
      '6',
      '--workers',
      '2',
      '--requests',
      '40',
      '--concurrency',
      '4',
      '--no-verdict',
    ];
    const spansIn = (file: string): readonly string[] => readFileSync(file, 'utf8').match(/"spanId":"[0-9a-f]{16}"/g) ?? [];
    const already = (await server.traceparents()).length;
    const rest = join(folder, 'rest.json');
    const restRun = await bench([server.url, '--model', 'truth', '--payload', large, ...traced, '--trace-file', rest]);
    assert.equal(restRun.code, 0, restRun.stderr);
    assert.equal(new Set((await server.traceparents()).slice(already)).size, 6);
    const file = join(folder, 'grpc.json');
    const payload = join(folder, 'small.json');
    writeFileSync(payload, JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] }));
    const address = `grpc://127.0.0.1:${grpc.port}`;
    const grpcRun = await bench([
      address,
      '--protocol',
      'grpc-v2',
      '--model',
      'truth',
      '--payload',
      payload,
      ...traced,
      '--trace-file',
      file,
    ]);
    assert.equal(grpcRun.code, 0, grpcRun.stderr);
    assert.equal(new Set(told).size, 6);
    for (const one of told) assert.ok(spansIn(file).includes(`"spanId":"${one.split('-')[2]}"`));
    assert.equal(spansIn(rest).length, 7);
  });

  it('is asked for completely, or refused before anything is sent', async () => {
    const cases: readonly [readonly string[], RegExp][] = [
      [['--trace', 'client'], /--trace needs --trace-file, or --upload/],
      [['--trace-file', join(folder, 'x')], /--trace-file needs --trace client/],
      [['--upload-raw'], /--upload-signature and --upload-raw need --upload/],
      [['--trace', 'framework', '--trace-file', join(folder, 'x')], /--trace framework: the layers of a model are seen/],
      [['--raw', join(folder, 'x'), '--trace-requests', '0'], /--trace-requests takes whole numbers above 0/],
      [['--trace', 'client', '--trace-file', join(folder, 'x'), '--header', 'Traceparent: 00-1'], /leave out that --header, or --trace/],
    ];
    const before = (await server.counts()).received;
    for (const [more, said] of cases) {
      const { code, stderr } = await bench([...flags(), ...more]);
      assert.equal(code, 2);
      assert.match(stderr, said);
    }
    assert.equal((await server.counts()).received, before);
  });
});
