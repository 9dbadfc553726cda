/** What `modelwright bench` writes of single requests: raw samples and spans, of a server of known truth. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { nearestRank } from '../../src/load/statistics/percentile.ts';
import { bench, benchReport } from './bench.ts';
import { startTruthServer, type TruthServer } from './servers/start.ts';

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
    const within = rows.map((row) => row.split(',')).filter(([, , due]) => Number(due) >= -0.5 && Number(due) < 1e6);
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
        scopeSpans: { spans: { spanId: string; parentSpanId?: string; startTimeUnixNano: string; endTimeUnixNano: string }[] }[];
      }[];
    };
    const [root, ...requests] = resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
    assert.equal(requests.length, 20);
    for (const { parentSpanId, startTimeUnixNano, endTimeUnixNano } of requests) {
      assert.equal(parentSpanId, root?.spanId);
      const milliseconds = Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6;
      assert.ok(milliseconds >= 4.9, `${milliseconds} ms`);
      assert.ok(Number(BigInt(startTimeUnixNano) / 1_000_000n) >= began && Number(BigInt(endTimeUnixNano) / 1_000_000n) <= ended + 1);
    }
  });

  it('is asked for completely, or refused before anything is sent', async () => {
    const cases: readonly [readonly string[], RegExp][] = [
      [['--trace', 'client'], /--trace needs --trace-file, or --upload/],
      [['--trace-file', join(folder, 'x')], /--trace-file needs --trace client/],
      [['--upload-raw'], /--upload-signature and --upload-raw need --upload/],
      [['--trace', 'framework', '--trace-file', join(folder, 'x')], /--trace framework: the layers of a model are seen/],
      [['--raw', join(folder, 'x'), '--trace-requests', '0'], /--trace-requests takes whole numbers above 0/],
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
