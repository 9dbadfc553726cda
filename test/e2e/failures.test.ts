/**
 * What goes wrong around a model while it is on its way, serves or is measured: the operator is killed at each step, storage goes away, the
 * node loses power. Meanwhile the model says what is the matter; in the end there is one of everything, and it answers.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeOf, startNode, stopNode } from '../../hack/controlplane/node/control.ts';
import type { ModelProfile } from '../../src/api/model-profile/index.ts';
import { apply, controlPlane, eventually, get, kubectl, list } from '../support/cluster.ts';
import { bringAzuriteBack, takeAzuriteAway, untilAzuriteAnswers } from './support/azure.ts';
import { flowers, tellsFlowersApart } from './support/flowers.ts';
import { type Condition, deploy, predictors, readyReason, untilReady } from './support/model.ts';
import { killOperator, operatorActs, operatorElsewhere } from './support/operator.ts';
import { trained, useTrainedVolume } from './support/trained.ts';
import { push, useModels } from './support/world.ts';

interface Named {
  readonly metadata: { readonly name: string; readonly uid: string };
}

describe('a model on a bad day', () => {
  const models = useModels();
  useTrainedVolume(models);

  const of = async (kind: string) => (await list<Named>(kind, models.namespace)).map(({ metadata }) => metadata);
  const services = () => of('inferenceservices');
  const jobs = () => of('jobs');

  /** Names of all Jobs that there ever were for a model: they go when their work is taken over, and events about them stay. */
  async function packagedBy(name: string): Promise<string[]> {
    const events = await list<{ involvedObject: { kind: string; name: string } }>('events', models.namespace);
    const about = events.filter(({ involvedObject }) => involvedObject.kind === 'Job' && involvedObject.name.startsWith(`${name}-pack-`));
    return [...new Set(about.map(({ involvedObject }) => involvedObject.name))];
  }

  it('comes to serve though the operator is killed while it is packaged, while it is downloaded and while it is loaded', async () => {
    await deploy(models.namespace, 'iris', { volume: trained });
    await eventually(jobs, ({ length }) => length === 1, 120);
    await killOperator();

    const [service] = await eventually(services, ({ length }) => length === 1, 300);
    await killOperator();

    const [pod, ...others] = await eventually(
      () => predictors(models.namespace, 'iris'),
      (pods) => pods.some(({ status }) => status.initContainerStatuses?.[0]?.ready === true),
      300,
    );
    assert.deepEqual(others, []);
    await killOperator();

    await operatorActs();
    await untilReady(models.namespace, 'iris', 300);
    await tellsFlowersApart(models.namespace, 'iris');
    assert.deepEqual([(await packagedBy('iris')).length, (await services()).map(({ uid }) => uid)], [1, [service?.uid]]);
    assert.equal((await predictors(models.namespace, 'iris'))[0]?.metadata.uid, pod?.metadata.uid);
  });

  it('is measured to the end though the operator is killed meanwhile, by the load pod that was there', async () => {
    await apply({
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ModelProfile',
      metadata: { name: 'iris', namespace: models.namespace },
      spec: {
        target: { modelDeployment: 'iris' },
        placement: 'SameNode',
        payload: { json: JSON.stringify({ instances: [flowers[0]] }) },
        sweep: { concurrency: [1] },
        load: { warmupSeconds: 1, durationSeconds: 10 },
        // A machine with much else to do makes a point invalid, which is none of the operator's.
        budget: { maxRepeatsPerPoint: 0 },
      },
    });
    const profile = () => get<ModelProfile>('modelprofile', 'iris', models.namespace);
    const measuring = await eventually(profile, ({ status }) => (status?.run?.jobs ?? []).length > 0, 120);
    const made = measuring.status?.run?.jobs ?? [];
    await eventually(jobs, (all) => all.some(({ name }) => made.includes(name)));
    await killOperator();
    const { status } = await eventually(
      profile,
      ({ status }) => ['Complete', 'Failed', 'Cancelled'].includes(status?.run?.state ?? ''),
      300,
    );
    assert.equal(status?.run?.state, 'Complete', JSON.stringify(status));
    assert.deepEqual([status?.run?.jobs, status?.results?.length], [made, 1], JSON.stringify(status));
    assert.ok((status?.results?.[0]?.requests ?? 0) > 0);
  });

  it('is stopped, started and removed though the operator is killed right after it was asked to', async () => {
    const asked = async (spec: object) => {
      await kubectl(['patch', 'modeldeployment', 'iris', '-n', models.namespace, '--type=merge', '-p', JSON.stringify({ spec })]);
      await killOperator();
    };
    await asked({ suspend: true });
    const stopped = await readyReason(models.namespace, 'iris', ({ reason }) => reason === 'Suspended');
    assert.equal(stopped.status, 'False');
    assert.deepEqual(await predictors(models.namespace, 'iris'), []);
    await asked({ suspend: false });
    await untilReady(models.namespace, 'iris', 300);
    await tellsFlowersApart(models.namespace, 'iris');
    await kubectl(['delete', 'modeldeployment', 'iris', '-n', models.namespace, '--wait=false']);
    await killOperator();
    await eventually(
      async () => [...(await services()), ...(await of('modeldeployments')), ...(await predictors(models.namespace, 'iris'))],
      ({ length }) => length === 0,
      240,
    );
    await operatorActs();
  });

  it('says that storage is away while it is to be packaged and while it is to be downloaded; both answer when it is back', async () => {
    const plane = controlPlane();
    const storageUri = await push(models.sources.SKLearn);
    await takeAzuriteAway(plane);
    try {
      await Promise.all([deploy(models.namespace, 'patient', { volume: trained }), deploy(models.namespace, 'waiting', { storageUri })]);
      const packaged = await readyReason(models.namespace, 'patient', storageIsAway, 240);
      assert.match(packaged.reason, /^(PackagingRetries|StorageNotReachable)$/);
      const downloaded = await readyReason(models.namespace, 'waiting', ({ reason }) => reason === 'DownloadFailed', 240);
      assert.match(downloaded.message, /ECONN[A-Z]+.*storage cannot be reached from the node/);
    } finally {
      await bringAzuriteBack(plane);
    }
    for (const name of ['patient', 'waiting']) {
      await untilReady(models.namespace, name, 420);
      await tellsFlowersApart(models.namespace, name);
      assert.equal((await predictors(models.namespace, name)).length, 1);
    }
  });

  it('says that its node is gone; answers when that has power again, with the same pod, and nothing was made twice', async () => {
    const plane = controlPlane();
    const node = nodeOf(plane).name;
    const [before] = await predictors(models.namespace, 'waiting');
    const packaged = await packagedBy('patient');
    await stopNode(plane);
    try {
      // Nobody renews its lease: the control plane gives it up, and with it the Pods on it.
      await plane.kubectl(['wait', '--for=condition=Ready=Unknown', '--timeout=180s', `node/${node}`]);
      await using _ = await operatorElsewhere();
      const gone = await readyReason(models.namespace, 'waiting', ({ reason }) => reason === 'NodeNotReady', 180);
      assert.equal(gone.status, 'False');
      assert.match(gone.message, new RegExp(`Node ${node} no longer reports.*kubectl describe node`));
    } finally {
      await startNode(plane);
    }
    await plane.kubectl(['wait', '--for=condition=Ready', '--timeout=180s', `node/${node}`]);
    await untilAzuriteAnswers(plane);
    await operatorActs();
    await eventually(
      () => predictors(models.namespace, 'waiting'),
      (pods) =>
        pods.length === 1 && pods[0]?.status.containerStatuses?.[0]?.ready === true && pods[0].status.containerStatuses[0].restartCount > 0,
      300,
    );
    for (const name of ['waiting', 'patient']) {
      await untilReady(models.namespace, name, 300);
      await eventually(
        () =>
          tellsFlowersApart(models.namespace, name).then(
            () => '',
            (error: Error) => error.message,
          ),
        (problem) => problem === '',
        120,
      );
    }
    assert.equal((await predictors(models.namespace, 'waiting'))[0]?.metadata.uid, before?.metadata.uid);
    assert.deepEqual(await packagedBy('patient'), packaged);
  });
});

/** Whoever notices first: the operator, before it makes a Job, or the Job. */
function storageIsAway({ status, message }: Condition): boolean {
  return status !== 'True' && /storage service failed \(ECONN[A-Z]+\)/.test(message);
}
