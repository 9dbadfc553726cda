/** What a profile applies, taken by the real KServe and Knative and taken back again; what the load pods say is played. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ModelProfile } from '../../../src/api/model-profile/index.ts';
import { aModel, deployed, says, serviceOf } from '../../integration/deployment/objects.ts';
import { Stage } from '../../integration/deployment/stage.ts';
import { apply, eventually, get } from '../../support/cluster.ts';
import { LoadPlayer } from './load-player.ts';
import { aProfile, conditionOf, deploymentOf, merge, profileOf } from './objects.ts';

interface Workload {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containerConcurrency?: number;
        readonly containers: readonly {
          readonly name: string;
          readonly resources: { readonly limits?: Readonly<Record<string, string>> };
        }[];
      };
    };
  };
}

describe('a best setting that is applied', () => {
  let stage: Stage;
  let namespace: string;
  let player: LoadPlayer;

  before(async () => {
    stage = await Stage.start('apply');
    namespace = stage.namespace;
    player = new LoadPlayer(namespace, (id) => ({ p99Milliseconds: 50, perSecond: id.endsWith('c2') ? 180 : 100 }));
  });
  after(async () => {
    await player?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  async function serving(name: string, spec: object): Promise<void> {
    const model = aModel(name, namespace, spec) as { metadata: object };
    await apply({ ...model, metadata: { ...model.metadata, annotations: { 'modelwright.dev/apply-profile': name } } });
    await ready(name);
  }
  const ready = (name: string) => eventually(() => deployed(name, namespace), says('Ready', 'True'), 300);
  const until = (name: string, reason: string) =>
    eventually(
      () => profileOf(name, namespace),
      (profile: ModelProfile) => conditionOf(profile, 'Applied')?.reason === reason,
      300,
    );
  const rollback = async (name: string, { status }: ModelProfile) => {
    await merge('modelprofile', name, namespace, { rollback: status?.run?.id });
    return until(name, 'RolledBack');
  };

  it('is what each copy is given at a time, in Knative mode', async () => {
    await serving('live', { deploymentMode: 'Knative', scaling: { minReplicas: 1, maxReplicas: 1 } });
    await apply(aProfile('live', namespace, { target: { modelDeployment: 'live' }, apply: 'Apply' }));
    const profile = await until('live', 'Applied');
    assert.equal(profile.status?.best?.id, 'b1-c2');
    assert.deepEqual((await deploymentOf('live', namespace)).spec.scaling, { minReplicas: 1, maxReplicas: 1, containerConcurrency: 2 });
    const concurrency = async () => (await get<Workload>('ksvc', 'live-predictor', namespace)).spec.template.spec.containerConcurrency ?? 0;
    await eventually(concurrency, (value) => value === 2, 120);
    await ready('live');

    await rollback('live', profile);
    assert.deepEqual((await deploymentOf('live', namespace)).spec.scaling, { minReplicas: 1, maxReplicas: 1 });
    await eventually(concurrency, (value) => value === 0, 120);
    await ready('live');
  });

  it('is the hardware that a copy was measured on, in Standard mode', async () => {
    await serving('wide', {});
    const hardware = [{ name: 'wide', replicas: 2, resources: { limits: { cpu: '3' }, requests: { cpu: '2' } } }];
    const sweep = { concurrency: [1, 2], hardware };
    await apply(aProfile('wide', namespace, { target: { modelDeployment: 'wide' }, mode: 'Dedicated', apply: 'Apply', sweep }));
    const profile = await until('wide', 'Applied');
    const { spec } = await deploymentOf('wide', namespace);
    assert.deepEqual([spec.resources, spec.scaling?.minReplicas], [hardware[0]?.resources, 2]);
    const limit = async () => {
      const { containers } = (await get<Workload>('deployment', 'wide-predictor', namespace)).spec.template.spec;
      return containers.find(({ name }) => name === 'kserve-container')?.resources.limits?.['cpu'];
    };
    await eventually(limit, (value) => value === '3', 120);
    await ready('wide');
    const rolled = await rollback('wide', profile);
    assert.deepEqual(
      rolled.status?.applied?.map(({ state }) => state),
      ['RolledBack'],
    );
    const back = await deploymentOf('wide', namespace);
    assert.deepEqual([back.spec.resources, back.spec.scaling], [undefined, undefined]);
    await eventually(limit, (value) => value !== '3', 120);
    await ready('wide');
    assert.ok((await serviceOf('wide', namespace)).spec.predictor);
  });
});
