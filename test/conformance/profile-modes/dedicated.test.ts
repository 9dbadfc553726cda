/** Mode Dedicated on the real KServe, Job controller, scheduler and garbage collector; what the load pods say is played. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ModelProfile } from '../../../src/api/model-profile/index.ts';
import { aModel, deployed, says } from '../../integration/deployment/objects.ts';
import { Stage } from '../../integration/deployment/stage.ts';
import { apply, eventually, get, kubectl } from '../../support/cluster.ts';
import { LoadPlayer } from './load-player.ts';
import { aProfile, conditionOf, merge, profileOf, services, temporaries } from './objects.ts';

const t4 = { name: 't4', gpu: { count: 1, product: 'Tesla-T4' } };
const cpu = { name: 'cpu', gpu: { count: 0 } };
const a100 = { name: 'a100', gpu: { count: 1, product: 'A100' } };

describe('a Dedicated profile', () => {
  let stage: Stage;
  let namespace: string;

  before(async () => {
    stage = await Stage.start('dedicated');
    namespace = stage.namespace;
    await apply([aModel('iris', namespace), aModel('iris-knative', namespace, { deploymentMode: 'Knative' })]);
    for (const name of ['iris', 'iris-knative']) await eventually(() => deployed(name, namespace), says('Ready', 'True'), 300);
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  const dedicated = (name: string, hardware: readonly object[], model = 'iris') =>
    apply(
      aProfile(name, namespace, {
        target: { modelDeployment: model },
        mode: 'Dedicated',
        apply: 'Recommend',
        sweep: { concurrency: [1, 2], hardware: hardware as never },
      }),
    );
  const until = (name: string, wanted: (profile: ModelProfile) => boolean) => eventually(() => profileOf(name, namespace), wanted, 300);
  const ended = ({ status }: ModelProfile) => ['Complete', 'Failed'].includes(status?.run?.state ?? '');
  const stateOf = ({ status }: ModelProfile, entry: string) => status?.hardware?.find(({ name }) => name === entry)?.state;
  const nothingLeft = () =>
    eventually(
      async () => [...(await temporaries(namespace)), ...(await services(namespace))],
      (left) => left.join() === 'iris,iris-knative',
      180,
    );
  const remove = (name: string) => kubectl(['delete', 'modelprofile', name, '-n', namespace, '--ignore-not-found']);

  it('measures one copy after the other, says what it cannot have, and leaves nothing behind', async () => {
    const most = { copies: 0 };
    const watching = new AbortController();
    const counting = (async () => {
      while (!watching.signal.aborted) {
        most.copies = Math.max(most.copies, (await temporaries(namespace)).length);
        await new Promise((done) => setTimeout(done, 300));
      }
    })();
    await using _player = new LoadPlayer(namespace, (id) => ({
      p99Milliseconds: id.startsWith('t4') ? 20 : 80,
      perSecond: id.startsWith('t4') ? 400 : 50,
    }));
    try {
      await dedicated('sweep', [cpu, a100, t4]);
      const profile = await until('sweep', ended);
      assert.equal(profile.status?.run?.state, 'Complete', JSON.stringify(profile.status?.run));
      assert.deepEqual(
        profile.status?.hardware?.map(({ name, state }) => `${name} ${state}`),
        ['cpu Measured', 'a100 Unavailable', 't4 Measured'],
      );
      assert.match(profile.status?.hardware?.[1]?.message ?? '', /^No node has the label nvidia\.com\/gpu\.product=A100/);
      assert.deepEqual([profile.status?.hardware?.[2]?.nodes, profile.status?.hardware?.[2]?.gpuProduct], [['gpu-1'], 'Tesla-T4']);
      assert.deepEqual(
        profile.status?.results?.map(({ id, hardware }) => [id, hardware]),
        [
          ['cpu-b1-c1', 'cpu'],
          ['cpu-b1-c2', 'cpu'],
          ['t4-b1-c1', 't4'],
          ['t4-b1-c2', 't4'],
        ],
      );
      assert.equal(profile.status?.best?.hardware, 't4');
      assert.equal(profile.status?.progress?.summary, '4/4');
      assert.equal(profile.status?.target, 'modeldeployment/iris');
      assert.equal(profile.status?.provenance?.target, 'modeldeployment/iris');
      assert.match(conditionOf(profile, 'Ready')?.message ?? '', /Not measured: a100 \(No node/);
      assert.equal(conditionOf(profile, 'SLOMet')?.status, 'True');
      const advised = await until('sweep', ({ status }) => status?.recommendation?.verdict === 'Accepted');
      assert.deepEqual(
        advised.status?.recommendation?.changes.map(({ field }) => field),
        ['spec.gpu'],
      );
      const { generation } = (await get<{ metadata: { generation: number } }>('modeldeployment', 'iris', namespace)).metadata;
      assert.equal(generation, 1, 'a recommendation writes nothing');
      // It is a patch that a person can apply; then there is nothing left to say.
      const patch = advised.status?.recommendation?.patch ?? '';
      await kubectl(['patch', 'modeldeployment', 'iris', '-n', namespace, '--type=merge', '--patch', patch]);
      await until('sweep', ({ status }) => status?.recommendation?.verdict === 'Nothing');
      await kubectl(['patch', 'modeldeployment', 'iris', '-n', namespace, '--type=merge', '--patch', '{"spec":{"gpu":null}}']);
      await nothingLeft();
      assert.equal(most.copies, 1);
    } finally {
      watching.abort();
      await counting;
      await remove('sweep');
    }
  });

  it('ends at once with the reason when nothing can be had', async () => {
    try {
      await dedicated('nothing', [a100]);
      const profile = await until('nothing', ended);
      assert.equal(profile.status?.run?.reason, 'HardwareUnavailable');
      assert.match(profile.status?.run?.message ?? '', /a100 \(No node has the label/);
      assert.deepEqual(await temporaries(namespace), []);
    } finally {
      await remove('nothing');
    }
  });

  it('copies a Knative model in Standard mode where Knative refuses node selectors', async () => {
    try {
      await dedicated('from-knative', [t4], 'iris-knative');
      const profile = await until('from-knative', (one) => stateOf(one, 't4') === 'Measuring');
      const copy = profile.status?.hardware?.[0]?.modelDeployment ?? '';
      const { spec } = await get<{ spec: { deploymentMode: string; gpu: object } }>('modeldeployment', copy, namespace);
      assert.equal(spec.deploymentMode, 'Standard');
    } finally {
      await remove('from-knative');
    }
    await nothingLeft();
  });

  it('refuses a profile of a copy', async () => {
    try {
      await dedicated('outer', [cpu]);
      const outer = await until('outer', (one) => stateOf(one, 'cpu') === 'Measuring');
      const copy = outer.status?.hardware?.[0]?.modelDeployment ?? '';
      await apply(aProfile('inner', namespace, { target: { modelDeployment: copy } }));
      const inner = await until('inner', (one) => conditionOf(one, 'Stalled')?.status === 'True');
      assert.equal(conditionOf(inner, 'Ready')?.reason, 'TargetTemporary');
    } finally {
      await remove('inner');
      await remove('outer');
    }
    await nothingLeft();
  });

  it('removes the copy when the run is cancelled, and when the profile is deleted', async () => {
    try {
      await dedicated('cancelled', [cpu]);
      await until('cancelled', (one) => stateOf(one, 'cpu') === 'Measuring');
      await merge('modelprofile', 'cancelled', namespace, { suspend: true });
      await until('cancelled', ({ status }) => status?.run?.state === 'Cancelled');
      await nothingLeft();
      await merge('modelprofile', 'cancelled', namespace, { suspend: false });
      await until('cancelled', (one) => stateOf(one, 'cpu') === 'Measuring');
    } finally {
      await remove('cancelled');
    }
    await nothingLeft();
  });

  it('goes on with its copy after a crash, and removes it at the end', async () => {
    try {
      await dedicated('crash', [cpu]);
      const before = await until('crash', (one) => stateOf(one, 'cpu') === 'Measuring');
      stage.operator.kill('SIGKILL');
      await eventually(
        async () => stage.operator.running,
        (running) => !running,
      );
      await stage.restart();
      await using _player = new LoadPlayer(namespace, () => ({ p99Milliseconds: 50, perSecond: 100 }));
      const profile = await until('crash', ended);
      assert.equal(profile.status?.run?.state, 'Complete', JSON.stringify(profile.status?.run));
      assert.equal(profile.status?.run?.id, before.status?.run?.id);
      await nothingLeft();
    } finally {
      await remove('crash');
    }
  });
});
