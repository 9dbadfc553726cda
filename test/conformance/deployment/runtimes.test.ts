/**
 * Every model server in both deployment modes, on CPU and on GPU, through the real KServe and Knative with fake nodes: what we render passes their
 * webhooks and becomes Ready, a second look changes nothing, and it goes away with its ModelDeployment.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { runtimeTypes } from '../../../src/api/model-deployment/runtime.ts';
import { deploymentModes } from '../../../src/api/model-deployment/serving.ts';
import { aModel, deployed, says, serviceIfAny, serviceOf } from '../../integration/deployment/objects.ts';
import { operatorUser } from '../../integration/deployment/operator-process.ts';
import { Stage } from '../../integration/deployment/stage.ts';
import { auditMark, auditSince, isWrite } from '../../support/audit.ts';
import { apply, eventually, kubectl } from '../../support/cluster.ts';

interface Pod {
  readonly spec: {
    readonly containers: readonly { readonly name: string; readonly resources: { readonly limits?: Readonly<Record<string, string>> } }[];
  };
}

describe('each model server', () => {
  let stage: Stage;
  let namespace: string;

  before(async () => {
    stage = await Stage.start('runtimes');
    namespace = stage.namespace;
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  for (const type of runtimeTypes) {
    for (const deploymentMode of deploymentModes) {
      it(`${type} in ${deploymentMode} mode, on CPU and on GPU`, async () => {
        const models = ['cpu', 'gpu'].map((device) => ({
          name: `${type}-${deploymentMode}-${device}`.toLowerCase(),
          spec: { runtime: { type }, deploymentMode, ...(device === 'gpu' && { gpu: { count: 1 } }) },
        }));
        await apply(models.map(({ name, spec }) => aModel(name, namespace, spec)));
        for (const { name } of models) {
          const model = await eventually(() => deployed(name, namespace), says('Ready', 'True'), 120);
          assert.equal(model.status?.deploymentMode, deploymentMode);
          assert.match(model.status?.addresses?.external?.url ?? '', /^http:\/\//);
        }
        await gpuIsAskedFor(models[1]?.name ?? '');
        await secondLookChangesNothing(models.map(({ name }) => name));
        await kubectl(['delete', 'modeldeployment', '-n', namespace, ...models.map(({ name }) => name)]);
        for (const { name } of models) {
          await eventually(
            () => serviceIfAny(name, namespace),
            (service) => service === undefined,
            90,
          );
        }
        // Pods go last; the next server needs their GPU.
        await eventually(
          () => podsOf(models.map(({ name }) => name)),
          (pods) => pods.length === 0,
          120,
        );
      });
    }
  }

  it('wrote no error to the operator’s log', () => assert.deepEqual(stage.operator.errors(), []));

  async function podsOf(names: readonly string[]): Promise<Pod[]> {
    const output = await kubectl([
      'get',
      'pods',
      '-n',
      namespace,
      '-l',
      `serving.kserve.io/inferenceservice in (${names.join(',')})`,
      '-o',
      'json',
    ]);
    return (JSON.parse(output) as { items: Pod[] }).items;
  }

  async function gpuIsAskedFor(name: string): Promise<void> {
    const [pod] = await podsOf([name]);
    const server = pod?.spec.containers.find((container) => container.name === 'kserve-container');
    assert.equal(server?.resources.limits?.['nvidia.com/gpu'], '1');
  }

  /** A label on the ModelDeployment makes the operator look again, at what KServe has defaulted and finalized meanwhile. */
  async function secondLookChangesNothing(names: readonly string[]): Promise<void> {
    const before = await Promise.all(names.map((name) => serviceOf(name, namespace)));
    const mark = auditMark();
    for (const name of names) await kubectl(['label', 'modeldeployment', name, '-n', namespace, `looked=${Date.now()}`]);
    await new Promise((done) => setTimeout(done, 2000));
    const writes = await auditSince(
      mark,
      (event) =>
        isWrite(event) &&
        event.user.username === operatorUser &&
        event.objectRef?.namespace === namespace &&
        event.objectRef.resource !== 'events',
    );
    assert.deepEqual(
      writes.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
      [],
    );
    const after = await Promise.all(names.map((name) => serviceOf(name, namespace)));
    assert.deepEqual(
      after.map(({ metadata, spec }) => [metadata.uid, spec]),
      before.map(({ metadata, spec }) => [metadata.uid, spec]),
    );
  }
});
