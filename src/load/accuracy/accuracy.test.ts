import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { chooseBest } from '../best.ts';
import { ProtoWriter } from '../protocol/protobuf.ts';
import { tensorBytes } from '../protocol/tensor.ts';
import { tensorValues } from '../protocol/tensor-values.ts';
import { binomialCdf } from '../statistics/binomial.ts';
import { wilsonInterval } from '../statistics/wilson.ts';
import { readDataset } from './dataset.ts';
import { isRight } from './metric.ts';
import { predictionsOf } from './predictions.ts';
import { accuracySampleSchema } from './schema.ts';

const none = { relative: 0, absolute: 0 };
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('when a prediction is right', () => {
  it('top1: the class by number or name, or the position of the largest score, the first of equal ones', () => {
    const top1 = (prediction: readonly (number | string)[], label: number | string) => isRight('top1', prediction, { label }, none);
    assert.equal(top1([2], 2), true);
    assert.equal(top1([2], '2'), true);
    assert.equal(top1(['setosa'], 'setosa'), true);
    assert.equal(top1(['setosa'], 0), false);
    assert.equal(top1([''], 0), false);
    assert.equal(top1([0.1, 0.7, 0.2], 1), true);
    assert.equal(top1([0.4, 0.4, 0.2], 0), true);
    assert.equal(top1([0.4, 0.4, 0.2], 1), false);
  });

  it('top5: among the five largest scores, and nothing without scores', () => {
    const scores = [0.05, 0.3, 0.2, 0.1, 0.15, 0.12, 0.08];
    const top5 = (label: number) => isRight('top5', scores, { label }, none);
    assert.deepEqual([0, 1, 2, 3, 4, 5, 6].filter(top5), [1, 2, 3, 4, 5]);
    assert.throws(() => isRight('top5', [3], { label: 3 }, none), /metric top5 needs the scores of all classes/);
    assert.throws(() => isRight('top1', [1, 2], { values: [1] }, none), /needs the "label"/);
  });

  it('custom: every value within absolute + relative × |expected|', () => {
    const near = (got: readonly (number | string)[], want: readonly (number | string)[]) =>
      isRight('custom', got, { values: want }, { relative: 0.01, absolute: 0.5 });
    assert.equal(near([101.4], [100]), true);
    assert.equal(near([101.6], [100]), false);
    assert.equal(near([-101.4, 0.5], [-100, 0]), true);
    assert.equal(near([100], [100, 100]), false);
    assert.equal(near(['a', 1], ['a', 1]), true);
    assert.equal(near([Number.NaN], [1]), false);
    assert.throws(() => isRight('custom', [1], { label: 1 }, none), /compares "expected" values/);
  });
});

describe('predictions out of a reply', () => {
  it('of V1 and TorchServe are rows: a value, scores, or named outputs', () => {
    assert.deepEqual(predictionsOf('v1', json({ predictions: [1, 2] }), 2, null), [[1], [2]]);
    assert.deepEqual(predictionsOf('v1', json({ predictions: [[0.1, 0.9]] }), 1, null), [[0.1, 0.9]]);
    const objects = json({ predictions: [{ classes: 3, probabilities: [0.2, 0.8] }] });
    assert.deepEqual(predictionsOf('v1', objects, 1, 'probabilities'), [[0.2, 0.8]]);
    assert.throws(() => predictionsOf('v1', objects, 1, 'scores'), /no output "scores", it has classes, probabilities/);
    assert.deepEqual(predictionsOf('torchserve', json([true, 'cat']), 2, null), [[1], ['cat']]);
    assert.throws(() => predictionsOf('v1', json({ predictions: [1] }), 2, null), /1 predictions for 2 rows/);
  });

  it('of V2 are the slices of the output, by name or the first', () => {
    const reply = json({
      outputs: [
        { name: 'label', shape: [2], datatype: 'BYTES', data: ['a', 'b'] },
        { name: 'scores', shape: [2, 3], datatype: 'FP32', data: [1, 2, 3, 4, 5, 6] },
      ],
    });
    assert.deepEqual(predictionsOf('v2', reply, 2, null), [['a'], ['b']]);
    assert.deepEqual(predictionsOf('v2', reply, 2, 'scores'), [
      [1, 2, 3],
      [4, 5, 6],
    ]);
    assert.throws(() => predictionsOf('v2', reply, 3, 'scores'), /has the shape \[2, 3\] for 3 rows/);
    assert.throws(() => predictionsOf('v2', reply, 2, 'x'), /no output "x", it has label, scores/);
  });

  it('of the binary extension are read behind the JSON', () => {
    const header = JSON.stringify({
      outputs: [
        { name: 'a', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: 8 } },
        { name: 'b', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: 7 } },
      ],
    });
    const tensors = [
      tensorBytes({ name: 'a', dataType: 'FP32', shape: [1, 2], values: [0.5, -2] }),
      tensorBytes({ name: 'b', dataType: 'BYTES', shape: [1], values: ['cat'] }),
    ];
    const body = Buffer.concat([Buffer.from(header), ...tensors]);
    assert.deepEqual(predictionsOf('v2-binary', body, 1, null), [[0.5, -2]]);
    assert.deepEqual(predictionsOf('v2-binary', body, 1, 'b'), [['cat']]);
  });

  it('of gRPC come raw, and typed as older servers send them', () => {
    const about = (tensor: ProtoWriter) => tensor.bytes(1, 'y').bytes(2, 'INT64').packed(3, [2]);
    const raw = new ProtoWriter()
      .message(5, (y) => void about(y))
      .bytes(6, tensorBytes({ name: 'y', dataType: 'INT64', shape: [2], values: [7, -1] }));
    assert.deepEqual(predictionsOf('grpc-v2', raw.finish(), 2, null), [[7], [-1]]);
    const typed = new ProtoWriter().message(5, (y) => void about(y).message(5, (contents) => void contents.packed(3, [7, -1])));
    assert.deepEqual(predictionsOf('grpc-v2', typed.finish(), 2, null), [[7], [-1]]);
  });

  it('have the values that were written, whatever their type', () => {
    const whole = ['UINT8', 'UINT16', 'UINT32', 'UINT64'] as const;
    for (const dataType of whole)
      assert.deepEqual(tensorValues(dataType, tensorBytes({ name: 'x', dataType, shape: [3], values: [0, 1, 200] })), [0, 1, 200]);
    for (const dataType of ['INT8', 'INT16', 'INT32', 'INT64'] as const)
      assert.deepEqual(tensorValues(dataType, tensorBytes({ name: 'x', dataType, shape: [2], values: [-3, 100] })), [-3, 100]);
    for (const dataType of ['FP16', 'BF16', 'FP32', 'FP64'] as const)
      assert.deepEqual(tensorValues(dataType, tensorBytes({ name: 'x', dataType, shape: [3], values: [0.5, -1.25, 0] })), [0.5, -1.25, 0]);
    assert.deepEqual(tensorValues('BOOL', tensorBytes({ name: 'x', dataType: 'BOOL', shape: [2], values: [true, false] })), [1, 0]);
  });
});

describe('a dataset', () => {
  const line = (value: unknown) => JSON.stringify(value);
  it('is JSON Lines or an array, of rows or tensors, with labels or expected values', () => {
    const text = [
      line({ instance: [1, 2], label: 0 }),
      '',
      line({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }], expected: [[0.5], [1]] }),
    ].join('\n');
    const { samples, sha256 } = readDataset(text, 'data.jsonl');
    assert.deepEqual(samples[0], { request: { instances: [[1, 2]] }, expected: { label: 0 } });
    assert.deepEqual(samples[1]?.expected, { values: [0.5, 1] });
    assert.match(sha256, /^[0-9a-f]{64}$/);
    assert.equal(readDataset(line([{ instance: 1, label: 'a' }]), 'x').samples.length, 1);
    const validate = new Ajv({ strict: false }).compile(accuracySampleSchema);
    for (const entry of text.split('\n').filter(Boolean)) assert.ok(validate(JSON.parse(entry)), JSON.stringify(validate.errors));
    assert.equal(validate({ instance: 1, label: 1, expected: 1 }), false);
  });

  it('that is broken is refused with the line', () => {
    const cases: readonly [string, RegExp][] = [
      ['', /holds no sample/],
      ['{"instance": 1, "label": 0}\n{oops', /data, line 2 is not JSON/],
      ['{"label": 0}', /line 1 needs "instance"/],
      ['{"instance": 1}', /line 1 needs "label"/],
      ['{"instance": 1, "label": [1]}', /"label" must be a number or a text/],
      ['{"instance": 1, "expected": {}}', /"expected" must be/],
      ['{"inputs": 1, "label": 1}', /"inputs" must be a list/],
    ];
    for (const [text, said] of cases) assert.throws(() => readDataset(text, 'data'), said);
  });
});

describe("Wilson's interval", () => {
  it('is that of the literature', () => {
    // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    const cases = [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const;
    for (const [successes, trials, low, high] of cases) {
      const found = wilsonInterval(successes, trials);
      assert.deepEqual([Number(found.low.toFixed(4)), Number(found.high.toFixed(4))], [low, high]);
    }
  });

  it('covers the true share about 95 times of 100, and never leaves 0 to 1', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
        const { low, high } = wilsonInterval(Math.round(n * share), n);
        assert.ok(low >= 0 && high <= 1 && low <= Math.round(n * share) / n + 1e-12 && high >= Math.round(n * share) / n - 1e-12);
      }),
    );
    // Exactly, by the binomial distribution, averaged over shares: single ones wave around 95 %.
    const n = 150;
    const shares = Array.from({ length: 81 }, (_, i) => 0.1 + i * 0.01);
    const covered = shares.map((share) => {
      const within = Array.from({ length: n + 1 }, (_, k) => k).filter(
        (k) => wilsonInterval(k, n).low <= share && share <= wilsonInterval(k, n).high,
      );
      return binomialCdf(Math.max(...within), n, share) - binomialCdf(Math.min(...within) - 1, n, share);
    });
    const mean = covered.reduce((sum, one) => sum + one, 0) / covered.length;
    assert.ok(Math.abs(mean - 0.95) < 0.005, String(mean));
  });
});

describe('accuracy as a bound', () => {
  const candidate = (id: string, throughput: number, share: number | null) => ({
    id,
    batchSize: 1,
    valid: true,
    invalidReasons: [],
    throughput,
    throughputInterval: { low: throughput, high: throughput },
    latencyMicroseconds: { p99: 1000 },
    errorsPerMillion: 0,
    accuracy: share === null ? null : { share, samples: 150, interval: wilsonInterval(Math.round(share * 150), 150) },
  });
  const objective = { maximize: 'Throughput', latency: [], maxErrorsPerMillion: 1000, minAccuracy: 0.95 } as const;

  it('keeps out the fastest setting that is wrong too often, and says by how much', () => {
    const choice = chooseBest([candidate('fast', 200, 0.9), candidate('right', 100, 0.96)], objective);
    assert.equal(choice.best, 'right');
    assert.deepEqual(choice.rejected, [{ id: 'fast', constraint: 'accuracy 90 % (95 %: 84.16 % to 93.85 %, 150 samples) is below 95 %' }]);
  });

  it('is never relaxed: nothing qualifies where nothing keeps it, nor where it was not measured', () => {
    const choice = chooseBest([candidate('fast', 200, 0.9), candidate('slow', 100, 0.94)], objective);
    assert.equal(choice.best, null);
    assert.equal(choice.nearestMiss?.id, 'slow');
    assert.equal(chooseBest([candidate('unknown', 200, null)], objective).best, null);
    assert.equal(chooseBest([candidate('unknown', 200, null)], { ...objective, minAccuracy: null }).best, 'unknown');
  });
});
