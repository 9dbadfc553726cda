import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bench, benchReport } from './bench.ts';
import { startTfServingProtocol } from './servers/tfserving-protocol.ts';

const short = ['--requests', '40', '--no-repeat-first', '--check-every', '1', '--model', 'sum'];

describe("a server that speaks TensorFlow Serving's protocols", () => {
  it('is measured over REST from its own signature, with its metrics and the GPU of its pod', async () => {
    await using server = await startTfServingProtocol();
    const report = await benchReport([
      server.http,
      '--protocol',
      'v1',
      '--batch',
      '1,4',
      ...short,
      '--metrics-url',
      `${server.http}/monitoring/prometheus/metrics`,
      '--dcgm-url',
      `${server.http}/dcgm`,
      '--gpu-label',
      'pod=sum-0',
      '--gpu-preallocated',
    ]);
    assert.match(report.payload.source, /TensorFlow signature serving_default: x FP32 \[-1, 4\]/);
    for (const point of report.points) {
      assert.equal(point.succeeded, point.requests, point.errorExamples.join());
      assert.deepEqual([point.server?.source, point.server?.infer, point.server?.preprocess], ['tensorflow serving metrics', 250, 50]);
      assert.equal(point.gpus?.length, 1, "another pod's GPU is not ours");
      const [gpu] = point.gpus ?? [];
      assert.deepEqual(
        [gpu?.uuid, gpu?.memoryUsedMaxBytes, gpu?.memoryTotalBytes, gpu?.memoryPreallocated],
        ['GPU-mine', 14_000 * 2 ** 20, 15_000 * 2 ** 20, true],
      );
      assert.equal(gpu?.powerWatts, null, 'a blank value is unknown, not 0');
    }
  });

  it('is measured over gRPC from its own signature', async () => {
    await using server = await startTfServingProtocol();
    const report = await benchReport([server.grpc, '--protocol', 'grpc-tfserving', '--batch', '1,4', '--concurrency', '2', ...short]);
    for (const point of report.points) assert.equal(point.succeeded, point.requests, point.errorExamples.join());
    assert.equal(report.points[0]?.gpus, null);
  });

  it('says what it does not know', async () => {
    await using server = await startTfServingProtocol();
    const rest = await bench([server.http, '--protocol', 'v1', '--model', 'other']);
    assert.match(rest.stderr, /does not serve a model named "other" .*Servable not found/);
    const grpc = await bench([server.grpc, '--protocol', 'grpc-tfserving', '--model', 'other']);
    assert.match(grpc.stderr, /does not serve a model named "other" under this protocol \(NOT_FOUND: Servable not found\)/);
    assert.deepEqual([rest.code, grpc.code], [3, 3]);
  });
});
