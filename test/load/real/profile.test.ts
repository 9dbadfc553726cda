/**
 * ModelProfiles of real model servers, measured by load pods that really run (`hack/controlplane/job-processes`).
 * Install the servers with: node test/load/real/install.ts mlserver triton torchserve
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ModelProfile, ModelProfileSpec } from '../../../src/api/model-profile/index.ts';
import { ProfilePlane, resultOf } from '../../support/profile-plane.ts';
import { installed } from './install.ts';
import { startMlServer, startTorchServe, startTriton } from './servers.ts';

const needs = (component: string) => {
  const found = installed(component);
  return 'missing' in found ? { skip: found.missing } : {};
};
const short = {
  load: { warmupSeconds: 1, durationSeconds: 3 },
  budget: { maxRepeatsPerPoint: 0 },
} satisfies Partial<ModelProfileSpec>;

/** Every point is there, every request of it succeeded. */
function sound(profile: ModelProfile, ids: readonly string[]): void {
  assert.equal(profile.status?.run?.state, 'Complete');
  assert.deepEqual(profile.status?.results?.map(({ id }) => id).toSorted(), ids.toSorted());
  for (const { id, requests, errors, latencyMicroseconds } of profile.status?.results ?? []) {
    assert.ok(requests > 20 && errors === 0, `${id}: ${errors} of ${requests} failed`);
    assert.ok((latencyMicroseconds?.min ?? 0) > 0, id);
  }
}

describe('a ModelProfile of a real server', () => {
  let plane: ProfilePlane;
  before(async () => {
    plane = await ProfilePlane.start('profile-servers');
  });
  after(() => plane[Symbol.asyncDispose]());

  it('Triton: with what it says of its own time, over REST and gRPC', needs('triton'), async () => {
    await using server = await startTriton();
    const rest = await plane.measure('triton', {
      ...short,
      target: { url: server.http, modelName: 'linear' },
      sweep: { batchSizes: [1, 8], concurrency: [1, 4] },
    });
    sound(rest, ['b1-c1', 'b1-c4', 'b8-c1', 'b8-c4']);
    for (const { id, batchSize, server: stages, latencyMicroseconds } of rest.status?.results ?? []) {
      assert.ok(stages?.infer !== undefined && stages.queue !== undefined, `${id}: Triton tells`);
      // The model sleeps 2 ms and 0.2 ms a row: it cannot have been faster, nor slower than the client saw.
      assert.ok(stages.infer >= 2000 + 200 * batchSize, `${id}: ${stages.infer}`);
      assert.ok(stages.queue + stages.infer <= (latencyMicroseconds?.mean ?? 0) * 1.05, id);
    }
    const perRow = (id: string) => 1 / Number(resultOf(rest, id).samplesPerSecond);
    assert.ok(perRow('b8-c1') < perRow('b1-c1'), 'a row of a large batch costs less');
    const grpc = await plane.measure('triton-grpc', {
      ...short,
      target: { url: server.grpc.replace('grpc:', 'http:'), modelName: 'linear', protocol: 'GRPCV2' },
      sweep: { batchSizes: [8], concurrency: [2] },
    });
    sound(grpc, ['b8-c2']);
  });

  it('MLServer with scikit-learn: the payload made from its signature', needs('mlserver'), async () => {
    await using server = await startMlServer();
    const profile = await plane.measure('mlserver', {
      ...short,
      target: { url: server.http, modelName: 'iris' },
      sweep: { batchSizes: [1, 16], concurrency: [2] },
    });
    sound(profile, ['b1-c2', 'b16-c2']);
    assert.ok(Number(resultOf(profile, 'b16-c2').samplesPerSecond) > Number(resultOf(profile, 'b1-c2').samplesPerSecond));
  });

  it('MLServer: a payload that does not fit its signature is told at once, with what does not fit', needs('mlserver'), async () => {
    await using server = await startMlServer();
    const profile = await plane.measure('misfit', {
      ...short,
      target: { url: server.http, modelName: 'iris' },
      payload: { json: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP64', shape: [1, 3], data: [1, 2, 3] }] }) },
      sweep: { concurrency: [1] },
    });
    assert.deepEqual([profile.status?.run?.state, profile.status?.run?.reason], ['Failed', 'PayloadRefused']);
    const ready = profile.status?.conditions?.find(({ type }) => type === 'Ready');
    assert.match(
      ready?.message ?? '',
      /^The model server does not take spec\.payload: the payload does not fit the signature: input "x" of the sample has the shape \[1, 3\], and the model takes \[-1, 4\]\. .*HTTP status 500/,
    );
    assert.equal(profile.status?.run?.jobs?.length, 1);
  });

  it('TorchServe: the payload from the spec, scaled to each batch size', needs('torchserve'), async () => {
    await using server = await startTorchServe();
    const profile = await plane.measure('torchserve', {
      ...short,
      target: { url: server.http, modelName: 'linear', protocol: 'TorchServe' },
      payload: {
        json: JSON.stringify({
          instances: [
            [1, 2],
            [3, 4],
          ],
        }),
      },
      sweep: { batchSizes: [1, 4], concurrency: [1] },
    });
    sound(profile, ['b1-c1', 'b4-c1']);
    for (const id of ['b1-c1', 'b4-c1'])
      assert.ok((resultOf(profile, id).latencyMicroseconds?.min ?? 0) >= 2000, `${id}: the handler sleeps 2 ms`);
  });
});
