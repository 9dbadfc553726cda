/** Sweeps of `modelwright bench` on real model servers. Install them with: node test/load/real/install.ts mlserver kserve triton torchserve */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Point } from '../../../src/load/point.ts';
import type { Report } from '../../../src/load/report/report.ts';
import { bench, benchReport } from '../bench.ts';
import { installed } from './install.ts';
import { startKServe, startMlServer, startTorchServe, startTriton } from './servers.ts';

const needs = (component: string) => {
  const found = installed(component);
  return 'missing' in found ? { skip: found.missing } : {};
};
const short = ['--requests', '60', '--no-repeat-first'];

function sound(report: Report): void {
  for (const point of report.points) {
    assert.equal(point.succeeded, point.requests, `${point.id}: ${JSON.stringify(point.errorExamples)}`);
    assert.ok(point.requests >= 60 && point.latencyMicroseconds !== null, point.id);
  }
}

function pointOf(report: Report, id: string): Point {
  const found = report.points.find((point) => point.id === id);
  assert.ok(found !== undefined, `${id} is missing`);
  return found;
}

describe('the real Triton', needs('triton'), () => {
  it('is measured over REST, its binary extension and gRPC, with its own counters beside', async () => {
    await using triton = await startTriton();
    const rest = await benchReport([
      triton.http,
      '--model',
      'linear',
      '--batch',
      '1,8',
      '--concurrency',
      '1,8',
      ...short,
      '--check-every',
      '1',
    ]);
    sound(rest);
    for (const point of rest.points) {
      const { server, latencyMicroseconds } = point;
      assert.ok(server !== null && server.infer !== null && server.queue !== null && latencyMicroseconds !== null);
      // The model sleeps 2 ms and 0.2 ms a row: the server cannot have been faster, nor slower than the client saw.
      assert.ok(server.infer >= 2000 + 200 * point.batchSize, `${point.id}: ${server.infer}`);
      assert.ok(server.queue + server.infer <= latencyMicroseconds.mean * 1.05, point.id);
    }
    // Dynamic batching executes waiting requests together, so that eight at once cost far less than eight times one.
    assert.ok((pointOf(rest, 'b1-c8').server?.averageBatch ?? 0) > 1.5);
    const inferPerRow = (id: string) => (pointOf(rest, id).server?.infer ?? 0) / pointOf(rest, id).batchSize;
    assert.ok(inferPerRow('b8-c1') < inferPerRow('b1-c1'), 'a row of a large batch costs less');

    sound(
      await benchReport([triton.http, '--model', 'linear', '--protocol', 'v2-binary', '--batch', '1,8', ...short, '--check-every', '1']),
    );
    const grpc = await benchReport([
      triton.grpc,
      '--model',
      'linear',
      '--protocol',
      'grpc-v2',
      '--batch',
      '1,8',
      ...short,
      '--check-every',
      '1',
      '--stats-url',
      triton.http,
    ]);
    sound(grpc);
    assert.equal(pointOf(grpc, 'b8-c1').server?.source, 'triton statistics');
    const metrics = await benchReport([
      triton.grpc,
      '--model',
      'linear',
      '--protocol',
      'grpc-v2',
      ...short,
      '--metrics-url',
      triton.metrics,
    ]);
    assert.equal(metrics.points[0]?.server?.source, 'triton metrics');
    assert.equal(metrics.points[0]?.gpus, null, 'no GPU is null, not 0');
  });

  it('says in its own words what it refuses', async () => {
    await using triton = await startTriton();
    const unknown = await bench([triton.http, '--model', 'nope']);
    assert.match(unknown.stderr, /Request for unknown model: 'nope' is not found/);
    assert.equal(unknown.code, 3);
    const large = await bench([triton.http, '--model', 'linear', '--batch', '64']);
    assert.match(large.stderr, /batch-size must be <= 32 for 'linear'/);
    // A batch that the model does not take is one invalid point of the sweep, not the end of it.
    const mixed = await bench([triton.http, '--model', 'linear', '--batch', '1,64', '--no-shuffle', ...short, '-o', 'json']);
    const report = JSON.parse(mixed.stdout) as Report;
    assert.equal(pointOf(report, 'b64-c1').valid, false);
    assert.match(pointOf(report, 'b64-c1').invalidReasons[0]?.message ?? '', /batch-size must be <= 32/);
    assert.equal(pointOf(report, 'b1-c1').succeeded, pointOf(report, 'b1-c1').requests);
  });
});

describe('the real MLServer with scikit-learn', needs('mlserver'), () => {
  it('is measured over REST and gRPC', async () => {
    await using server = await startMlServer();
    sound(await benchReport([server.http, '--model', 'iris', '--batch', '1,16', '--concurrency', '1,4', ...short, '--check-every', '1']));
    sound(
      await benchReport([
        server.grpc,
        '--model',
        'iris',
        '--protocol',
        'grpc-v2',
        '--batch',
        '1,16',
        '--concurrency',
        '2',
        ...short,
        '--check-every',
        '1',
      ]),
    );
  });
});

describe("KServe's own Python server", needs('kserve'), () => {
  it('is measured over V1 and V2', async () => {
    await using server = await startKServe();
    const folder = mkdtempSync(join(tmpdir(), 'modelwright-kserve-'));
    try {
      const sample = join(folder, 'iris.json');
      writeFileSync(
        sample,
        JSON.stringify({
          instances: [
            [6.8, 2.8, 4.8, 1.4],
            [6, 3.4, 4.5, 1.6],
          ],
        }),
      );
      sound(
        await benchReport([
          server.http,
          '--model',
          'linear',
          '--protocol',
          'v1',
          '--payload',
          sample,
          '--batch',
          '1,8',
          '--concurrency',
          '1,4',
          ...short,
          '--check-every',
          '1',
        ]),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    sound(await benchReport([server.http, '--model', 'linear', '--batch', '1,8', '--concurrency', '1,4', ...short, '--check-every', '1']));
  });
});

describe('the real TorchServe', needs('torchserve'), () => {
  it('is measured over its REST, with its metrics beside', async () => {
    await using server = await startTorchServe();
    const folder = mkdtempSync(join(tmpdir(), 'modelwright-torchserve-'));
    try {
      const sample = join(folder, 'rows.json');
      writeFileSync(
        sample,
        JSON.stringify({
          instances: [
            [1, 2],
            [3, 4],
          ],
        }),
      );
      const report = await benchReport([
        server.http,
        '--model',
        'linear',
        '--protocol',
        'torchserve',
        '--payload',
        sample,
        '--batch',
        '1,4',
        '--concurrency',
        '1,8',
        ...short,
        '--check-every',
        '1',
        '--metrics-url',
        server.metrics,
      ]);
      sound(report);
      for (const point of report.points) {
        assert.equal(point.server?.source, 'torchserve metrics');
        assert.ok((point.server?.infer ?? 0) >= 2000, `${point.id}: the handler sleeps 2 ms, not ${point.server?.infer} µs`);
      }
      const unknown = await bench([server.http, '--model', 'nope', '--protocol', 'torchserve', '--payload', sample]);
      assert.match(unknown.stderr, /does not know the model "nope" or the path: HTTP status 404/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
