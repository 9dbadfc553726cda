/**
 * Dedicated runs that want the GPUs of the same node, while more runs may go on than fit on it: the real KServe, Job controller and scheduler, on a
 * fake node with four GPUs; what the load pods say is played.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { start } from '../../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import type { ModelProfile } from '../../../src/api/model-profile/index.ts';
import { aModel, deployed, says } from '../../integration/deployment/objects.ts';
import { Stage } from '../../integration/deployment/stage.ts';
import { apply, eventually, kubectl } from '../../support/cluster.ts';
import { useControlPlane } from '../../support/shared-plane.ts';
import { LoadPlayer } from './load-player.ts';
import { aProfile, conditionOf, profileOf, temporaries } from './objects.ts';

describe('Dedicated profiles that want one GPU node', () => {
  let plane: ControlPlane | undefined;
  let stage: Stage;
  let namespace: string;
  /** Profiles whose load pods say what they have measured. */
  const speaking = new Set<string>();
  let player: LoadPlayer;

  before(async () => {
    plane = await start({ nodes: 'fake', kserve: '0.20.0' });
    useControlPlane(plane);
    stage = await Stage.start('gpu-node');
    namespace = stage.namespace;
    const benchmark = { maxConcurrentRuns: 10 };
    await apply({ apiVersion: 'modelwright.dev/v1alpha1', kind: 'ServingPlatform', metadata: { name: 'default' }, spec: { benchmark } });
    const models = ['alpha', 'bravo', 'charlie', 'delta'];
    await apply(models.map((name) => aModel(name, namespace)));
    for (const name of models) await eventually(() => deployed(name, namespace), says('Ready', 'True'), 300);
    // The entry of a profile is called like the profile.
    player = new LoadPlayer(namespace, (id) =>
      speaking.has(id.split('-b1-')[0] ?? '') ? { p99Milliseconds: 20, perSecond: 100 } : undefined,
    );
  });
  after(async () => {
    await player?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
    await plane?.stop();
  });

  /** A profile of the model of its name, on so many GPUs of the node. */
  const dedicated = (name: string, count: number) => {
    const gpu = count === 0 ? { count } : { count, product: 'Tesla-T4' };
    const sweep = { concurrency: [1, 2], hardware: [{ name, gpu }] };
    return apply(aProfile(name, namespace, { target: { modelDeployment: name }, mode: 'Dedicated', sweep }));
  };
  const until = (name: string, wanted: (profile: ModelProfile) => boolean) => eventually(() => profileOf(name, namespace), wanted, 300);
  const measures = ({ status }: ModelProfile) => status?.hardware?.[0]?.state === 'Measuring';
  const isComplete = ({ status }: ModelProfile) => status?.run?.state === 'Complete';
  const place = (position: number) => (profile: ModelProfile) => profile.status?.progress?.queuePosition === position;
  const saying = (profile: ModelProfile) => conditionOf(profile, 'Ready')?.message ?? '';

  /** Names of the models that have a copy now. */
  const copied = async () => (await temporaries(namespace)).map((name) => /\/([a-z]+)-/.exec(name)?.[1]);

  // Asked in the order of their names, which decides within one second.
  it('take turns where they do not fit beside one another, in the order in which they asked, and go beside one another where they do', async () => {
    await dedicated('alpha', 3);
    await until('alpha', measures);
    await dedicated('bravo', 4);
    const waiting = await until('bravo', place(1));
    assert.equal(conditionOf(waiting, 'Ready')?.reason, 'Queued');
    assert.match(
      saying(waiting),
      new RegExp(`ModelProfile ${namespace}/alpha measures on GPUs of node gpu-1, and there is no room beside it for 4 nvidia\\.com/gpu`),
    );
    // One GPU is free, and is kept for who asked before.
    await dedicated('charlie', 1);
    await until('charlie', place(2));
    // Whoever wants no GPU is not held up.
    speaking.add('delta');
    await dedicated('delta', 0);
    await until('delta', isComplete);
    assert.equal((await until('bravo', place(1))).status?.hardware, undefined);
    // Whoever waits has no copy that would lie there without a node.
    await eventually(copied, (names) => names.join() === 'alpha', 120);

    speaking.add('alpha');
    const first = await until('alpha', isComplete);
    await until('bravo', measures);
    const small = await until('charlie', (profile) => saying(profile).includes(`${namespace}/bravo measures on GPUs of node gpu-1`));
    assert.equal(small.status?.progress?.queuePosition, 1);
    speaking.add('bravo').add('charlie');
    const whole = await until('bravo', isComplete);
    const last = await until('charlie', isComplete);
    const runs = [first, whole, last].map(({ status }) => status?.run);
    for (const [i, run] of runs.entries()) {
      const before = runs[i - 1]?.completionTime ?? '';
      assert.ok((run?.startTime ?? '') >= before, `began at ${run?.startTime}, when the one before went on until ${before}`);
      assert.deepEqual([first, whole, last][i]?.status?.hardware?.[0]?.nodes, ['gpu-1']);
    }
    await kubectl(['delete', 'modelprofiles', '--all', '-n', namespace]);
    speaking.clear();

    // Three and one fit.
    await dedicated('alpha', 3);
    await until('alpha', measures);
    await dedicated('charlie', 1);
    await until('charlie', measures);
    assert.ok(measures(await profileOf('alpha', namespace)), 'both measure at the same time');
    speaking.add('alpha').add('charlie');
    await until('alpha', isComplete);
    await until('charlie', isComplete);
  });

  it('leave nothing but sound lines in the log of their operator', () => {
    assert.deepEqual(stage.operator.errors(), []);
  });
});
