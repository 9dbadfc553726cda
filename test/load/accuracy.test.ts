/** `modelwright bench --accuracy` against servers of a known function: the sum of each row of four. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decodePoints } from '../../src/load/point-code.ts';
import { bench, benchReport } from './bench.ts';
import { startGrpcV2Protocol } from './servers/grpc-v2-protocol.ts';
import { startTfServingProtocol } from './servers/tfserving-protocol.ts';

const rows = Array.from({ length: 25 }, (_, i) => [i, i + 1, 2 * i, 0.5]);
const sum = (row: readonly number[]) => row.reduce((total, value) => total + value, 0);
/** Every fifth sample expects something else. */
const expected = (row: readonly number[], i: number) => (i % 5 === 4 ? sum(row) + 1 : sum(row));

describe('accuracy beside latency', () => {
  let folder: string;
  let v1: string;
  let tensors: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelwright-accuracy-'));
    v1 = join(folder, 'rows.jsonl');
    tensors = join(folder, 'tensors.jsonl');
    const lines = (sample: (row: readonly number[]) => object) =>
      rows.map((row, i) => `${JSON.stringify({ ...sample(row), expected: expected(row, i) })}\n`).join('');
    writeFileSync(
      v1,
      lines((row) => ({ instance: row })),
    );
    writeFileSync(
      tensors,
      lines((row) => ({ inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: row }] })),
    );
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const custom = ['--accuracy-metric', 'custom', '--requests', '20', '--no-repeat-first', '--no-verdict'];

  it('is what the known function makes it, at every batch size, over REST and gRPC', async () => {
    await using server = await startTfServingProtocol();
    const rest = await benchReport([
      server.http,
      '--model',
      'sum',
      '--protocol',
      'v1',
      '--batch',
      '1,4,25,32',
      '--accuracy',
      v1,
      ...custom,
    ]);
    assert.equal(rest.points.length, 4);
    for (const { accuracy, id } of rest.points) assert.deepEqual([accuracy?.samples, accuracy?.correct, accuracy?.failed], [25, 20, 0], id);
    const grpc = await benchReport([
      server.grpc,
      '--model',
      'sum',
      '--protocol',
      'grpc-tfserving',
      '--batch',
      '4',
      '--accuracy',
      tensors,
      ...custom,
    ]);
    assert.deepEqual([grpc.points[0]?.accuracy?.correct, grpc.points[0]?.accuracy?.share], [20, 0.8]);
    await using v2 = await startGrpcV2Protocol();
    const raw = await benchReport([
      ...[`grpc://127.0.0.1:${v2.port}`, '--model', 'sum', '--protocol', 'grpc-v2', '--batch', '3', '--accuracy', tensors],
      ...[...custom, '--accuracy-samples', '5'],
    ]);
    assert.deepEqual([raw.points[0]?.accuracy?.samples, raw.points[0]?.accuracy?.correct], [5, 5], 'samples 1, 6, 11 … evenly');
  });

  it('is a gate: no point qualifies below it, and the reason has its figures; it reaches the termination message', async () => {
    await using server = await startTfServingProtocol();
    const file = join(folder, 'termination');
    const args = [server.http, '--model', 'sum', '--protocol', 'v1', '--accuracy', v1, '--accuracy-metric', 'custom', '--requests', '20'];
    const below = await bench([...args, '--min-accuracy', '90', '--run', 'run-00001', '--termination', file]);
    assert.equal(below.code, 4);
    assert.match(below.stdout, /no best point/);
    assert.match(below.stdout, /accuracy of b1-c1: 80\.00 % right \(custom, 20 of 25 samples/);
    const decoded = decodePoints(readFileSync(file, 'utf8'), 'run-00001');
    assert.deepEqual(decoded.ok && decoded.points[0]?.accuracy, { metric: 'custom', samples: 25, correct: 20 });
  });

  it('comes from a web server with a digest that it must have, and from hosts that are allowed', async () => {
    await using server = await startTfServingProtocol();
    const web = createServer((_, response) => response.end(readFileSync(v1)));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = web.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}/data.jsonl`;
      const args = [server.http, '--model', 'sum', '--protocol', 'v1', '--accuracy', url, ...custom];
      const report = await benchReport([...args, '--accuracy-host', `127.0.0.1:${port}`]);
      assert.equal(report.points[0]?.accuracy?.correct, 20);
      const digest = report.points[0]?.accuracy?.datasetSha256 ?? '';
      assert.equal((await bench([...args, '--accuracy-sha256', digest])).code, 0);
      const other = await bench([...args, '--accuracy-sha256', 'a'.repeat(64)]);
      assert.equal(other.code, 3);
      assert.match(other.stderr, /has the SHA-256 [0-9a-f]{64}, and a{64} was expected/);
      const refused = await bench([...args, '--accuracy-host', 'data.example.com']);
      assert.equal(refused.code, 3);
      assert.match(refused.stderr, /the dataset could not be fetched/);
    } finally {
      web.close();
    }
  });

  it('is measured no faster than the service may be loaded', async () => {
    await using server = await startTfServingProtocol();
    const began = performance.now();
    const { points } = await benchReport([
      ...[server.http, '--model', 'sum', '--protocol', 'v1', '--accuracy', v1, '--max-rate', '10', '--accuracy-samples', '11'],
      ...['--accuracy-metric', 'custom', '--points', 'b1-c1', '--requests', '11', '--warmup-requests', '0', '--no-verdict'],
    ]);
    assert.equal(points[0]?.accuracy?.samples, 11);
    // Ten gaps of 100 ms for the samples, and ten for the point.
    assert.ok(performance.now() - began >= 2000, `${performance.now() - began} ms`);
  });

  it('counts samples whose request failed as wrong, and says what failed', async () => {
    await using server = await startTfServingProtocol();
    const broken = join(folder, 'broken.jsonl');
    writeFileSync(broken, `{"instance": [1, 2, 3, 4], "expected": 10}\n{"instance": [1, 2], "expected": 3}\n`);
    const { points } = await benchReport([...[server.http, '--model', 'sum', '--protocol', 'v1', '--accuracy', broken, ...custom]]);
    const { samples, correct, failed, failure } = points[0]?.accuracy ?? {};
    assert.deepEqual([samples, correct, failed], [2, 1, 1]);
    assert.match(failure ?? '', /expected shape \[-1,4\]/);
  });

  it('is asked for in a way that makes sense, or refused before anything is sent', async () => {
    const cases: readonly [readonly string[], RegExp][] = [
      [['--min-accuracy', '90'], /--min-accuracy needs a dataset/],
      [['--accuracy', v1], /sample 1 has no "label", which --accuracy-metric top1 needs/],
      [['--accuracy', v1, '--accuracy-metric', 'f1'], /--accuracy-metric "f1" is not known; it is one of top1, top5, custom/],
      [['--accuracy', v1, '--accuracy-metric', 'custom', '--min-accuracy', '101'], /is a percentage, 100 at most/],
      [['--accuracy', join(folder, 'none')], /--accuracy .*none cannot be read/],
      [['--accuracy', v1, '--accuracy-metric', 'custom', '--relative-tolerance', 'x'], /--relative-tolerance takes a number of 0 or more/],
    ];
    await using server = await startTfServingProtocol();
    for (const [flags, said] of cases) {
      const { code, stderr } = await bench([server.http, '--model', 'sum', '--protocol', 'v1', ...flags]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, said);
    }
  });
});
