/**
 * `helm upgrade` from an earlier chart and image to today's, back, and `helm uninstall`, with a model on real pods: it answers all the time, and no
 * pod of it is made anew or restarted, until it is told to go with the release. Other tests find today's release again afterwards.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../../hack/controlplane/plane.ts';
import { modelwrightImage } from '../../hack/images/modelwright.ts';
import { publish } from '../../hack/images/publish.ts';
import { recipes } from '../../hack/images/recipes.ts';
import { makeModels, type RealModels } from '../packaging/support/models.ts';
import { controlPlane, eventually, get, kubectl, list } from '../support/cluster.ts';
import { earlierChart, earlierProgram } from '../support/earlier/earlier.ts';
import { chartFolder, Helm } from '../support/helm.ts';
import { modelTraces } from '../support/model-traces.ts';
import { deploy, untilReady } from './support/model.ts';
import { ask, byDigest, digestOf, modelsNamespace, push, SYSTEM } from './support/world.ts';

interface OperatorPod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status: { readonly containerStatuses?: readonly { readonly imageID: string }[] };
}

describe('a release with a model that serves', () => {
  let plane: ControlPlane;
  let helm: Helm;
  let models: RealModels;
  let namespace: Awaited<ReturnType<typeof modelsNamespace>>;
  let platform: { readonly spec: object };
  let earlierDigest: string;
  let serving: object;
  let url: string;

  before(async () => {
    plane = controlPlane();
    helm = await Helm.get();
    models = await makeModels();
    namespace = await modelsNamespace();
    // The earlier operator gives model servers no security context, and its models could not be where that is asked for.
    await kubectl(['label', 'namespace', namespace.name, 'pod-security.kubernetes.io/enforce-']);
    platform = await get('servingplatform', 'default');
    // The earlier download does not trust the authority that KServe's administrator names.
    const storageContainer = { image: byDigest(plane, 'modelwright') };
    await kubectl(['patch', 'servingplatform', 'default', '--type=merge', '-p', JSON.stringify({ spec: { storageContainer } })]);
    const dist = join(plane.dir, 'earlier');
    await earlierProgram(dist);
    const image = await modelwrightImage({
      say: console.error,
      reference: recipes.modelwright.reference.replace(/:[^:]+$/, ':earlier'),
      dist,
    });
    await publish(image, plane.record.node?.registry ?? '');
    earlierDigest = image.digest;
  });
  after(async () => {
    await run('upgrade', '--install', 'modelwright', chartFolder, '--values', join(plane.dir, 'values.json'));
    const restored = {
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ServingPlatform',
      metadata: { name: 'default' },
      spec: platform.spec,
    };
    await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: restored });
    // What is of this test alone goes: fields of the patch above.
    const whole = JSON.stringify([{ op: 'replace', path: '/spec', value: platform.spec }]);
    await kubectl(['patch', 'servingplatform', 'default', '--type=json', '-p', whole]);
    await kubectl(['wait', '--for=condition=Ready', '--timeout=120s', 'servingplatform/default']);
    await namespace?.[Symbol.asyncDispose]();
    helm?.[Symbol.dispose]();
    if (models) await rm(models.folder, { recursive: true, force: true });
  });

  const run = (...args: string[]) =>
    helm.run([...args, '--namespace', SYSTEM, '--wait', '--timeout', '5m'], { kubeconfig: plane.kubeconfig });
  const upgrade = (chart: string, digest: string) =>
    run('upgrade', 'modelwright', chart, '--reset-then-reuse-values', '--set', `image.digest=${digest}`);

  const operators = async () =>
    (await list<OperatorPod>('pods', SYSTEM)).filter(
      ({ metadata }) => metadata.name.startsWith('modelwright-') && metadata.deletionTimestamp === undefined,
    );

  /** Only pods of this image are there, and the one that leads has judged the model again. */
  async function takenOver(digest: string, mark: string): Promise<void> {
    await eventually(
      operators,
      (pods) => pods.length === 2 && pods.every(({ status }) => status.containerStatuses?.[0]?.imageID.endsWith(digest) === true),
      120,
    );
    const patch = JSON.stringify({ spec: { model: { description: mark } } });
    await kubectl(['patch', 'modeldeployment', 'iris', '-n', namespace.name, '--type=merge', '-p', patch]);
    await untilReady(namespace.name, 'iris');
  }

  async function answers(): Promise<void> {
    const { body } = await ask(namespace.name, url, { instances: [[5.1, 3.5, 1.4, 0.2]] });
    assert.deepEqual(body, { predictions: [0] });
  }

  async function unchanged(): Promise<void> {
    assert.deepEqual(await modelTraces(namespace.name), serving);
    await answers();
  }

  it('is that of an earlier chart and image, whose operator deploys the model', async () => {
    await upgrade(earlierChart, earlierDigest);
    await deploy(namespace.name, 'iris', { storageUri: await push(models.sources.SKLearn) });
    await takenOver(earlierDigest, 'earlier');
    ({
      addresses: {
        internal: { predictUrl: url = '' } = {},
      } = {},
    } = await untilReady(namespace.name, 'iris'));
    serving = await modelTraces(namespace.name);
    assert.ok(Object.keys(serving).some((name) => name.startsWith('Pod iris-predictor')));
    await answers();
  });

  it('is upgraded to today’s, and no pod of the model is restarted', async () => {
    await upgrade(chartFolder, digestOf('modelwright'));
    await takenOver(digestOf('modelwright'), 'today');
    await unchanged();
  });

  it('goes back to the earlier one, and no pod of the model is restarted', async () => {
    await run('rollback', 'modelwright');
    await takenOver(earlierDigest, 'earlier again');
    await unchanged();
  });

  it('is uninstalled, and the model goes on serving; installed again, its operator goes on', async () => {
    await upgrade(chartFolder, digestOf('modelwright'));
    await takenOver(digestOf('modelwright'), 'today again');
    await run('uninstall', 'modelwright');
    await eventually(operators, (pods) => pods.length === 0, 120);
    await unchanged();
    await run('install', 'modelwright', chartFolder, '--values', join(plane.dir, 'values.json'));
    await takenOver(digestOf('modelwright'), 'and again');
    await unchanged();
  });

  it('is uninstalled with crds.keep=false, and nothing of the model is left, nor of the operator', async () => {
    await kubectl(['delete', 'servingplatform', 'default', '--timeout=120s']);
    await run('upgrade', 'modelwright', chartFolder, '--reuse-values', '--set', 'crds.keep=false');
    await run('uninstall', 'modelwright');
    const left = async () => Object.keys(await modelTraces(namespace.name)).filter((name) => name !== 'Pod client');
    await eventually(left, ({ length }) => length === 0, 180);
    await eventually(operators, ({ length }) => length === 0, 120);
    await eventually(
      () => kubectl(['api-resources', '--api-group=modelwright.dev', '-o', 'name']),
      (kinds) => kinds.trim() === '',
    );
  });
});
