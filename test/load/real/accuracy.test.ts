/**
 * Accuracy of the real MLServer with a scikit-learn model: what `modelwright bench` and a ModelProfile count is what scikit-learn itself says of the same model.
 * Install it with: node test/load/real/install.ts mlserver
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ModelProfileSpec } from '../../../src/api/model-profile/index.ts';
import { ProfilePlane, resultOf } from '../../support/profile-plane.ts';
import { benchReport } from '../bench.ts';
import { installed } from './install.ts';
import { componentFolder, startMlServer } from './servers.ts';

const found = installed('mlserver');
const needs = 'missing' in found ? { skip: found.missing } : {};

/** The model of `startMlServer`, trained once more: scikit-learn's solver gives the same again. Writes the samples and prints how many it has right. */
const sklearn = `
import json, sys
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
x, y = load_iris(return_X_y=True)
model = LogisticRegression(max_iter=500).fit(x, y)
with open(sys.argv[1], "w") as out:
    for row, label in zip(x.tolist(), y.tolist()):
        out.write(json.dumps({"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": row}], "label": label}) + "\\n")
print(json.dumps({"score": model.score(x, y), "correct": int((model.predict(x) == y).sum())}))
`;

describe('the accuracy of a served scikit-learn model', needs, () => {
  let folder: string;
  let dataset: string;
  let truth: { readonly score: number; readonly correct: number };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelwright-iris-'));
    dataset = join(folder, 'iris.jsonl');
    const { stdout, stderr, status } = spawnSync(join(componentFolder('mlserver'), 'bin', 'python'), ['-c', sklearn, dataset]);
    assert.equal(status, 0, stderr.toString());
    truth = JSON.parse(stdout.toString()) as typeof truth;
    assert.ok(truth.score > 0.9 && truth.score < 1, 'the model is wrong of some samples');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('is what scikit-learn says, over REST and gRPC, at any batch size', async () => {
    await using server = await startMlServer();
    const flags = ['--model', 'iris', '--batch', '1,7,16', '--accuracy', dataset, '--requests', '30', '--no-repeat-first'];
    for (const report of [
      await benchReport([server.http, ...flags]),
      await benchReport([server.grpc, '--protocol', 'grpc-v2', ...flags]),
    ]) {
      assert.equal(report.points.length, 3);
      for (const { accuracy, id } of report.points) {
        assert.deepEqual([accuracy?.samples, accuracy?.correct, accuracy?.failed], [150, truth.correct, 0], `${id}: ${accuracy?.failure}`);
        assert.equal(accuracy?.share, truth.score);
      }
    }
  });

  describe('in a ModelProfile', () => {
    let plane: ProfilePlane;
    before(async () => {
      plane = await ProfilePlane.start('profile-accuracy');
      await plane.apply({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'iris', namespace: plane.namespace },
        data: { 'test.jsonl': readFileSync(dataset, 'utf8') },
      });
    });
    after(() => plane[Symbol.asyncDispose]());

    it('stands beside the latency of each point, and a bound above it leaves nothing to run', async () => {
      await using server = await startMlServer();
      const spec = (minAccuracyPercent: string): ModelProfileSpec => ({
        target: { url: server.http, modelName: 'iris' },
        sweep: { batchSizes: [1, 16], concurrency: [2] },
        load: { warmupSeconds: 1, durationSeconds: 3 },
        budget: { maxRepeatsPerPoint: 0 },
        accuracy: { dataset: { configMapKeyRef: { name: 'iris', key: 'test.jsonl' } }, metric: 'Top1' },
        objective: { minAccuracyPercent },
      });
      const profile = await plane.measure('iris', spec('90'));
      for (const id of ['b1-c2', 'b16-c2']) {
        const { accuracy } = resultOf(profile, id);
        assert.deepEqual([accuracy?.metric, accuracy?.samples, accuracy?.correct], ['Top1', 150, truth.correct]);
        assert.equal(Number(accuracy?.percent), Number((truth.score * 100).toFixed(3)));
        assert.ok(Number(accuracy?.percentLow) < Number(accuracy?.percent) && Number(accuracy?.percentHigh) > Number(accuracy?.percent));
      }
      const strict = await plane.measure('iris-strict', spec('99.9'));
      assert.equal(strict.status?.best, undefined);
      const slo = strict.status?.conditions?.find(({ type }) => type === 'SLOMet');
      assert.equal(slo?.status, 'False');
      const rejected = strict.status?.rejected?.map(({ constraint }) => constraint) ?? [];
      assert.ok(
        rejected.length === 2 && rejected.every((constraint) => /accuracy .* is below 99\.9 %|not valid/.test(constraint)),
        rejected.join('; '),
      );
    });

    it('is refused from hosts that nobody has allowed, before anything is sent', async () => {
      const accuracy = { dataset: { url: 'https://data.example.com/iris.jsonl' }, metric: 'Top1' } as const;
      const spec = { target: { url: 'http://127.0.0.1:9', modelName: 'iris' }, sweep: { concurrency: [1] }, accuracy };
      await plane.apply({ apiVersion: 'modelwright.dev/v1alpha1', kind: 'ModelProfile', metadata: { name: 'elsewhere' }, spec });
      const { status } = await plane.until(
        'elsewhere',
        (one) => one.status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'DatasetHostNotAllowed') ?? false,
        60,
      );
      assert.equal(status?.run?.jobs, undefined);
    });
  });
});
