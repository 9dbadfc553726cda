/** The promotion gate on the real KServe and Knative, in both modes; what the load pods say is played. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { aModel, deployed, says, serviceIfAny, serviceOf } from '../../integration/deployment/objects.ts';
import { Stage } from '../../integration/deployment/stage.ts';
import { apply, eventually, get, kubectl } from '../../support/cluster.ts';
import { LoadPlayer } from './load-player.ts';
import { aProfile, conditionOf, deploymentOf, merge, profileOf, temporaries } from './objects.ts';

describe('the promotion gate', () => {
  let stage: Stage;
  let namespace: string;
  let player: LoadPlayer;
  const speed = { p99Milliseconds: 50, told: true };

  before(async () => {
    stage = await Stage.start('gate');
    namespace = stage.namespace;
    player = new LoadPlayer(namespace, () => (speed.told ? { p99Milliseconds: speed.p99Milliseconds, perSecond: 100 } : undefined));
    await apply(aProfile('strict', namespace, { target: { modelDeployment: 'nobody' }, suspend: true }));
  });
  after(async () => {
    await player?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  const until = (name: string, type: string, status: string, reason?: string) =>
    eventually(() => deployed(name, namespace), says(type, status, reason), 300);
  const declared = (name: string, version: number) =>
    merge('modeldeployment', name, namespace, { source: { storageUri: `gs://bucket/iris-${version}` } });
  const uriOf = async (name: string) => (await serviceOf(name, namespace)).spec.predictor.model['storageUri'];
  const noShadow = () =>
    eventually(
      () => temporaries(namespace),
      (left) => left.length === 0,
      180,
    );

  /** The candidate is a revision of the service itself, which nobody is routed to, and is measured there. */
  async function isWithoutTraffic(name: string): Promise<void> {
    assert.deepEqual(await temporaries(namespace), []);
    const { status } = await deploymentOf(name, namespace);
    const { revision, url } = status?.rollout?.candidate ?? {};
    assert.equal(url, `http://latest-${name}-predictor.${namespace}.svc.cluster.local`);
    const service = await get<{ status: { traffic: { revisionName: string; percent?: number; tag?: string }[] } }>(
      'ksvc',
      `${name}-predictor`,
      namespace,
    );
    const share = (of: (target: { revisionName: string; tag?: string }) => boolean) =>
      service.status.traffic.filter(of).reduce((sum, { percent = 0 }) => sum + percent, 0);
    assert.equal(
      share(({ revisionName }) => revisionName === revision),
      0,
    );
    assert.equal(
      share(({ revisionName }) => revisionName !== revision),
      100,
    );
    const jobs = JSON.parse(await kubectl(['get', 'jobs', '-n', namespace, '-l', 'modelwright.dev/role=load', '-o', 'json'])) as object;
    assert.ok(JSON.stringify(jobs).includes(url ?? '-'));
  }

  for (const deploymentMode of ['Standard', 'Knative']) {
    const name = `iris-${deploymentMode.toLowerCase()}`;

    it(`lets a model through, holds the next one back, and lets it go back, in ${deploymentMode} mode`, async () => {
      // A first rollout: nothing serves before it is measured.
      speed.p99Milliseconds = 50;
      await apply(
        aModel(name, namespace, { deploymentMode, source: { storageUri: 'gs://bucket/iris-1' }, rollout: { gate: { profile: 'strict' } } }),
      );
      await until(name, 'Promoted', 'Unknown');
      assert.equal(await serviceIfAny(name, namespace), undefined);
      await until(name, 'Ready', 'True');
      const first = await deploymentOf(name, namespace);
      assert.match(conditionOf(first, 'Promoted')?.message ?? '', /^What is declared keeps the objective of ModelProfile strict: b1-c/);
      await noShadow();
      assert.equal(await uriOf(name), 'gs://bucket/iris-1');

      // One that is too slow never reaches anybody.
      speed.p99Milliseconds = 250;
      speed.told = false;
      await declared(name, 2);
      await until(name, 'Promoted', 'Unknown', 'CandidateMeasuring');
      if (deploymentMode === 'Knative') await isWithoutTraffic(name);
      else assert.equal(await uriOf(name), 'gs://bucket/iris-1');
      speed.told = true;
      await until(name, 'Promoted', 'False', 'SLONotMet');
      const held = await deploymentOf(name, namespace);
      assert.match(conditionOf(held, 'Promoted')?.message ?? '', /250/);
      assert.equal(conditionOf(held, 'Stalled')?.status, 'True');
      assert.equal(await uriOf(name), 'gs://bucket/iris-1');
      await until(name, 'InferenceServiceReady', 'True');
      await noShadow();
      const run = await profileOf(held.status?.rollout?.candidate?.profile ?? '', namespace);
      assert.equal(run.status?.nearestMiss?.id !== undefined, true);

      // Back is one field.
      await declared(name, 1);
      await until(name, 'Ready', 'True');
      assert.equal(conditionOf(await deploymentOf(name, namespace), 'Promoted')?.status, 'True');

      // A better one goes forward by itself, and back again without being measured.
      speed.p99Milliseconds = 20;
      await declared(name, 3);
      await until(name, 'Promoted', 'True', 'Passed');
      await until(name, 'Ready', 'True');
      assert.equal(await uriOf(name), 'gs://bucket/iris-3');
      await noShadow();
      await declared(name, 1);
      await until(name, 'Promoted', 'True', 'RolledBack');
      await until(name, 'Ready', 'True');
      assert.equal(await uriOf(name), 'gs://bucket/iris-1');
      await kubectl(['delete', 'modeldeployment', name, '-n', namespace]);
      await eventually(
        async () => (await kubectl(['get', 'modelprofiles', '-n', namespace, '-o', 'name'])).trim(),
        (left) => left === 'modelprofile.modelwright.dev/strict',
        180,
      );
    });
  }
});
