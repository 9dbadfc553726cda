/** A ModelProfile whose load pods run on the node beside the model that they measure. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { ModelProfile } from '../../src/api/model-profile/index.ts';
import { makeModels, type RealModels } from '../packaging/support/models.ts';
import { apply, eventually, get, list } from '../support/cluster.ts';
import { deploy, untilReady } from './support/model.ts';
import { digestOf, modelsNamespace, push } from './support/world.ts';

interface LoadPod {
  readonly metadata: { readonly name: string; readonly ownerReferences?: readonly { readonly kind: string }[] };
  readonly spec: { readonly nodeName?: string; readonly automountServiceAccountToken?: boolean };
  readonly status: {
    readonly containerStatuses?: readonly {
      readonly imageID: string;
      readonly state: { readonly terminated?: { readonly message?: string } };
    }[];
  };
}

describe('a profile of a model that serves', () => {
  let models: RealModels;
  let namespace: Awaited<ReturnType<typeof modelsNamespace>>;
  before(async () => {
    models = await makeModels();
    namespace = await modelsNamespace();
    await deploy(namespace.name, 'iris', { storageUri: await push(models.sources.SKLearn) });
    await untilReady(namespace.name, 'iris');
  });
  after(async () => {
    await namespace?.[Symbol.asyncDispose]();
    if (models) await rm(models.folder, { recursive: true, force: true });
  });

  it('is measured by pods of a Job, whose results arrive in its status', async () => {
    await apply({
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ModelProfile',
      metadata: { name: 'iris', namespace: namespace.name },
      spec: {
        target: { modelDeployment: 'iris' },
        placement: 'SameNode',
        payload: { json: '{"instances": [[5.1, 3.5, 1.4, 0.2]]}' },
        sweep: { concurrency: [1, 2] },
        load: { warmupSeconds: 1, durationSeconds: 5 },
      },
    });
    const { status } = await eventually(
      () => get<ModelProfile>('modelprofile', 'iris', namespace.name),
      (profile) => ['Complete', 'Failed', 'Cancelled'].includes(profile.status?.run?.state ?? ''),
      420,
    );
    assert.equal(status?.run?.state, 'Complete', JSON.stringify(status));
    assert.deepEqual(status?.results?.map(({ concurrency }) => concurrency).sort(), [1, 2]);
    for (const result of status?.results ?? []) {
      assert.ok(result.requests > 0, JSON.stringify(result));
      assert.equal(result.errors, 0, JSON.stringify(result));
      // On a busy machine a point may be marked as not to be believed; then it says why.
      assert.ok(result.valid || (result.invalidReasons?.length ?? 0) > 0, JSON.stringify(result));
    }
    if (status?.results?.some(({ valid }) => valid)) assert.ok(status.best?.reason, JSON.stringify(status.best));
  });

  it('has load pods of the operator’s image, on the model’s node, without a token', async () => {
    const pods = (await list<LoadPod>('pods', namespace.name)).filter(({ metadata }) => metadata.ownerReferences?.[0]?.kind === 'Job');
    assert.ok(pods.length > 0);
    for (const { spec, status } of pods) {
      assert.equal(spec.automountServiceAccountToken, false);
      assert.ok(spec.nodeName);
      assert.ok(status.containerStatuses?.[0]?.imageID.endsWith(digestOf('modelwright')));
      assert.ok((status.containerStatuses?.[0]?.state.terminated?.message?.length ?? 0) > 0);
    }
  });
});
