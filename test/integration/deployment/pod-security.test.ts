/** Who decides over the security context of a model's containers: the label of its namespace, the ServingPlatform, its author. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { enforceLabel, restrictedServer } from '../../../src/kserve/pod-security.ts';
import { apply, eventually, get, kubectl } from '../../support/cluster.ts';
import { installInferenceServices } from './light-kserve.ts';
import { aModel, type Service } from './objects.ts';
import { ownControlPlane, Stage } from './stage.ts';

describe('the security context of a model', () => {
  let plane: ControlPlane | undefined;
  let stage: Stage;
  before(async () => {
    plane = await ownControlPlane();
    await installInferenceServices();
    stage = await Stage.start('pod-security');
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
    await plane?.stop();
  });

  const contextOf = async (name: string) =>
    (await get<Service>('inferenceservices.serving.kserve.io', name, stage.namespace)).spec.predictor.model['securityContext'];
  const restricted = (name: string, wanted: boolean) =>
    eventually(
      () => contextOf(name).catch(() => 'none yet'),
      (context) => (wanted ? typeof context === 'object' : context === undefined),
    );
  const label = (change: string) => kubectl(['label', 'namespace', stage.namespace, '--overwrite', `${enforceLabel}${change}`]);
  const declare = (podSecurity: string) =>
    apply({ apiVersion: 'modelwright.dev/v1alpha1', kind: 'ServingPlatform', metadata: { name: 'default' }, spec: { podSecurity } });

  it('follows the label of the namespace, also when that changes', async () => {
    await apply(aModel('auto', stage.namespace));
    await restricted('auto', false);
    await label('=restricted');
    assert.deepEqual(await restricted('auto', true), restrictedServer);
    await label('=baseline');
    await restricted('auto', false);
  });

  it('is what the ServingPlatform says for those that say nothing', async () => {
    await apply(aModel('own', stage.namespace, { podSecurity: 'Unset' }));
    await restricted('own', false);
    await declare('Restricted');
    await restricted('auto', true);
    await declare('Unset');
    await restricted('auto', false);
    await label('=restricted');
    // Once this one has followed the label, the others have been looked at, too: they were made before it.
    await apply(aModel('labelled', stage.namespace, { podSecurity: 'Auto' }));
    await restricted('labelled', true);
    assert.deepEqual([await contextOf('auto'), await contextOf('own')], [undefined, undefined]);
  });

  it('is what its author says, whatever the ServingPlatform does', async () => {
    await apply(aModel('own', stage.namespace, { podSecurity: 'Restricted' }));
    await restricted('own', true);
    await declare('Restricted');
    await restricted('auto', true);
    await apply(aModel('own', stage.namespace, { podSecurity: 'Unset' }));
    await restricted('own', false);
  });

  it('is one of three words', async () => {
    await assert.rejects(
      apply(aModel('wrong', stage.namespace, { podSecurity: 'Privileged' })),
      /supported values: "Auto", "Restricted", "Unset"/,
    );
  });
});
