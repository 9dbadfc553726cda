/**
 * What goes wrong around a model while it is on its way or serves: the operator is killed at each step, storage goes away, the node loses
 * power. In the end there is one of everything, and it answers.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { nodeOf, startNode, stopNode } from '../../hack/controlplane/node/control.ts';
import { makeModels, type RealModels } from '../packaging/support/models.ts';
import { apply, controlPlane, eventually, get, kubectl, list } from '../support/cluster.ts';
import { bringAzuriteBack, takeAzuriteAway, untilAzuriteAnswers } from './support/azure.ts';
import { type Condition, deploy, type ModelStatus, predictors, readyReason, untilReady } from './support/model.ts';
import { hostVolume } from './support/objects.ts';
import { ask, modelsNamespace, push, SYSTEM } from './support/world.ts';

const flower = { instances: [[6.7, 3, 5.2, 2.3]] };

interface Named {
  readonly metadata: { readonly name: string; readonly uid: string };
}

describe('a model on a bad day', () => {
  let models: RealModels;
  let namespace: Awaited<ReturnType<typeof modelsNamespace>>;
  before(async () => {
    models = await makeModels();
    namespace = await modelsNamespace();
    const folder = join(controlPlane().dir, 'volumes', namespace.name);
    mkdirSync(folder, { recursive: true });
    cpSync(models.sources.SKLearn, folder, { recursive: true });
    await apply(hostVolume(namespace.name, 'trained', folder, 'ReadOnlyMany'));
  });
  after(async () => {
    await namespace?.[Symbol.asyncDispose]();
    if (namespace) await kubectl(['delete', 'persistentvolume', `${namespace.name}-trained`, '--wait=false', '--ignore-not-found']);
    if (models) await rm(models.folder, { recursive: true, force: true });
  });
  const volume = { claimName: 'trained', repository: 'packages' };

  const of = async (kind: string) => (await list<Named>(kind, namespace.name)).map(({ metadata }) => metadata);
  const services = () => of('inferenceservices');
  const jobs = () => of('jobs');
  async function answers(name: string): Promise<void> {
    const { status } = await get<{ status: ModelStatus }>('modeldeployment', name, namespace.name);
    const { body } = await ask(namespace.name, status.addresses?.internal?.predictUrl ?? '', flower);
    assert.deepEqual(body, { predictions: [2] });
  }

  /** Names of all Jobs that there ever were for a model: they go when their work is taken over, and events about them stay. */
  async function packagedBy(name: string): Promise<string[]> {
    const events = await list<{ involvedObject: { kind: string; name: string } }>('events', namespace.name);
    const about = events.filter(({ involvedObject }) => involvedObject.kind === 'Job' && involvedObject.name.startsWith(`${name}-pack-`));
    return [...new Set(about.map(({ involvedObject }) => involvedObject.name))];
  }

  /** Both pods of the operator at once, without time to say goodbye. */
  async function killOperator(): Promise<void> {
    await kubectl(['delete', 'pods', '--all', '-n', SYSTEM, '--grace-period=0', '--force', '--wait=false']);
  }
  async function operatorActs(): Promise<void> {
    const acts = async () => {
      const leases = await list<{ spec: { holderIdentity?: string } }>('leases', SYSTEM);
      const pods = await list<Named>('pods', SYSTEM);
      return leases.some(({ spec }) => pods.some(({ metadata }) => spec.holderIdentity?.startsWith(metadata.name)));
    };
    await eventually(acts, Boolean, 180);
  }

  it('comes to serve though the operator is killed while it is packaged, while it is downloaded and while it is loaded', async () => {
    await deploy(namespace.name, 'iris', { volume });
    await eventually(jobs, ({ length }) => length === 1, 120);
    await killOperator();

    const [service] = await eventually(services, ({ length }) => length === 1, 300);
    await killOperator();

    const [pod, ...others] = await eventually(
      () => predictors(namespace.name, 'iris'),
      (pods) => pods.some(({ status }) => status.initContainerStatuses?.[0]?.ready === true),
      300,
    );
    assert.deepEqual(others, []);
    await killOperator();

    await operatorActs();
    await untilReady(namespace.name, 'iris', 300);
    await answers('iris');
    assert.deepEqual([(await packagedBy('iris')).length, (await services()).map(({ uid }) => uid)], [1, [service?.uid]]);
    assert.equal((await predictors(namespace.name, 'iris'))[0]?.metadata.uid, pod?.metadata.uid);
  });

  it('is stopped, started and removed though the operator is killed right after it was asked to', async () => {
    const asked = async (spec: object) => {
      await kubectl(['patch', 'modeldeployment', 'iris', '-n', namespace.name, '--type=merge', '-p', JSON.stringify({ spec })]);
      await killOperator();
    };
    await asked({ suspend: true });
    const stopped = await readyReason(namespace.name, 'iris', ({ reason }) => reason === 'Suspended');
    assert.equal(stopped.status, 'False');
    assert.deepEqual(await predictors(namespace.name, 'iris'), []);
    await asked({ suspend: false });
    await untilReady(namespace.name, 'iris', 300);
    await answers('iris');
    await kubectl(['delete', 'modeldeployment', 'iris', '-n', namespace.name, '--wait=false']);
    await killOperator();
    await eventually(
      async () => [...(await services()), ...(await of('modeldeployments')), ...(await predictors(namespace.name, 'iris'))],
      ({ length }) => length === 0,
      240,
    );
    await operatorActs();
  });

  it('says that storage is away while it is to be packaged, and is packaged and served when it is back', async () => {
    const plane = controlPlane();
    await takeAzuriteAway(plane);
    try {
      await deploy(namespace.name, 'patient', { volume });
      const { reason } = await readyReason(namespace.name, 'patient', storageIsAway, 240);
      assert.match(reason, /^(PackagingRetries|StorageNotReachable)$/);
    } finally {
      await bringAzuriteBack(plane);
    }
    await untilReady(namespace.name, 'patient', 420);
    await answers('patient');
  });

  it('answers again after the node lost power, with the same pod, and nothing was made twice', async () => {
    const plane = controlPlane();
    await deploy(namespace.name, 'steady', { storageUri: await push(models.sources.SKLearn) });
    await untilReady(namespace.name, 'steady');
    const [before] = await predictors(namespace.name, 'steady');
    await stopNode(plane);
    const node = nodeOf(plane).name;
    try {
      // Nobody renews its lease: the control plane gives it up, and with it the Pods on it.
      await plane.kubectl(['wait', '--for=condition=Ready=Unknown', '--timeout=180s', `node/${node}`]);
      const ready = await plane.kubectl([
        'get',
        'pod',
        before?.metadata.name ?? '',
        '-n',
        namespace.name,
        '-o',
        'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
      ]);
      assert.equal(ready, 'False');
    } finally {
      await startNode(plane);
    }
    await plane.kubectl(['wait', '--for=condition=Ready', '--timeout=180s', `node/${node}`]);
    await untilAzuriteAnswers(plane);
    await operatorActs();
    await eventually(
      () => predictors(namespace.name, 'steady'),
      (pods) =>
        pods.length === 1 && pods[0]?.status.containerStatuses?.[0]?.ready === true && pods[0].status.containerStatuses[0].restartCount > 0,
      300,
    );
    await untilReady(namespace.name, 'steady');
    await eventually(
      () =>
        answers('steady').then(
          () => true,
          () => false,
        ),
      Boolean,
      120,
    );
    assert.equal((await predictors(namespace.name, 'steady'))[0]?.metadata.uid, before?.metadata.uid);
    await untilReady(namespace.name, 'patient');
  });
});

/** Whoever notices first: the operator, before it makes a Job, or the Job. */
function storageIsAway({ status, message }: Condition): boolean {
  return status !== 'True' && /storage service failed \(ECONN[A-Z]+\)/.test(message);
}
