/** The shared ConfigMap among other writers, on a real API server: taken back, deleted, refused, fought over. Knative itself is not needed for that. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { apply, eventually, get, kubectl } from '../../support/cluster.ts';
import { OperatorProcess } from '../deployment/operator-process.ts';
import { type ConfigMap, conditionOf, declare, isReady, platformWhere, readPlatform, removePlatform } from './objects.ts';
import { ownPlane } from './own-plane.ts';

const key = 'registries-skipping-tag-resolving';
const ours = 'kind.local,ko.local,dev.local,nvcr.io';

let plane: ControlPlane;
let operator: OperatorProcess;

const original = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'config-deployment', namespace: 'knative-serving', annotations: { 'knative.dev/example-checksum': '555b4826' } },
  data: { _example: '# text that nobody may touch\n', 'queue-sidecar-image': 'queue:1' },
} as const;

const write = (object: object, manager = 'installer') =>
  kubectl(['apply', '--server-side', '--force-conflicts', `--field-manager=${manager}`, '-f', '-'], { input: object });
const read = () => get<ConfigMap>('configmap', 'config-deployment', 'knative-serving');
const patch = (value: string | null, manager: string) =>
  kubectl([
    'patch',
    'configmap',
    'config-deployment',
    '-n',
    'knative-serving',
    '--type=merge',
    `--field-manager=${manager}`,
    '-p',
    JSON.stringify({ data: { [key]: value } }),
  ]);
const valueWhere = (wanted: (value: string | undefined) => boolean) => eventually(async () => (await read()).data?.[key], wanted, 30);

before(async () => {
  plane = await ownPlane('integration');
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'knative-serving' } });
  operator = await OperatorProcess.start(['default']);
});
after(async () => {
  await operator?.[Symbol.asyncDispose]();
  await plane?.stop();
});

describe('the list of registries in config-deployment', () => {
  it('is waited for where Knative is not installed, with the remedy', async () => {
    await declare({ tagResolution: { skipRegistries: ['nvcr.io'] } });
    const platform = await platformWhere((seen) => conditionOf(seen, 'Ready')?.status === 'False');
    assert.equal(conditionOf(platform, 'TagResolutionReady')?.reason, 'KnativeMissing');
    assert.match(conditionOf(platform, 'Stalled')?.message ?? '', /install it, or remove spec\.tagResolution\.skipRegistries/);
  });

  it('has our entry as soon as there is the ConfigMap, and nothing else of it changes', async () => {
    await write(original);
    await platformWhere(isReady);
    assert.deepEqual((await read()).data, { ...original.data, [key]: ours });
  });

  it('keeps what others add, and gets ours back when somebody takes it away, who is named', async () => {
    await patch(`${ours}, quay.io`, 'admin');
    await platformWhere(isReady);
    assert.equal((await read()).data?.[key], `${ours}, quay.io`);
    await patch('quay.io', 'admin');
    assert.equal(await valueWhere((value) => value?.includes('nvcr.io') === true), 'quay.io,nvcr.io');
    const events = async () => kubectl(['get', 'events', '-A', '-o', 'jsonpath={.items[*].message}']);
    await eventually(events, (messages) => messages.includes(`${key} was changed by admin and put back`));
  });

  it('has ours again after the ConfigMap was deleted and made anew, as Helm may do', async () => {
    await kubectl(['delete', 'configmap', 'config-deployment', '-n', 'knative-serving']);
    const waiting = await platformWhere((seen) => conditionOf(seen, 'Ready')?.status === 'False');
    assert.match(conditionOf(waiting, 'Ready')?.reason ?? '', /^(ConfigMapMissing|KnativeMissing)$/);
    await write(original);
    assert.equal(await valueWhere((value) => value !== undefined), ours);
  });

  it('is not fought over for ever: whoever keeps putting it back is named in Conflict', async () => {
    await platformWhere(isReady);
    let rounds = 0;
    const isSettled = async () => conditionOf(await readPlatform(), 'Conflict')?.status === 'True';
    while (!(await isSettled())) {
      assert.ok(rounds < 20, 'the operator goes on fighting');
      await patch('gitops.io', 'argocd-controller');
      rounds += 1;
      await eventually(async () => (await isSettled()) || (await read()).data?.[key]?.includes('nvcr.io') === true, Boolean, 20);
    }
    const platform = await readPlatform();
    assert.match(
      conditionOf(platform, 'Conflict')?.message ?? '',
      /argocd-controller keeps putting .* back.*give argocd-controller the same value/,
    );
    const [drift] = platform.status?.drift ?? [];
    assert.deepEqual(
      { ...drift, since: undefined },
      {
        object: 'knative-serving/config-deployment',
        field: key,
        wanted: 'gitops.io,nvcr.io',
        found: 'gitops.io',
        manager: 'argocd-controller',
        since: undefined,
      },
    );
    assert.equal((await read()).data?.[key], 'gitops.io', 'and is left as they have it');
  });

  it('is ours to try again with the next spec', async () => {
    await declare({ tagResolution: { skipRegistries: ['nvcr.io', 'ghcr.io'] } });
    assert.equal(await valueWhere((value) => value !== 'gitops.io'), 'gitops.io,nvcr.io,ghcr.io');
    await platformWhere(isReady);
  });

  it('tells the words of a webhook or policy that refuses the edit', async () => {
    const name = 'no-edits';
    const rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['UPDATE'] };
    const policies = { apiVersion: 'admissionregistration.k8s.io/v1' };
    await apply([
      {
        ...policies,
        kind: 'ValidatingAdmissionPolicy',
        metadata: { name },
        spec: {
          matchConstraints: { resourceRules: [rule] },
          validations: [{ expression: `object.metadata.name != 'config-deployment'`, message: 'ask the network team first' }],
        },
      },
      {
        ...policies,
        kind: 'ValidatingAdmissionPolicyBinding',
        metadata: { name },
        spec: { policyName: name, validationActions: ['Deny'] },
      },
    ]);
    // A policy holds some moments after it was made.
    await eventually(
      () =>
        kubectl(['annotate', 'configmap', 'config-deployment', '-n', 'knative-serving', '--dry-run=server', '--overwrite', 'x=y']).catch(
          (error: Error) => error.message,
        ),
      (answer) => answer.includes('network team'),
    );
    await declare({ tagResolution: { skipRegistries: ['nvcr.io', 'quay.io'] } });
    const platform = await platformWhere((seen) => conditionOf(seen, 'Ready')?.status === 'False');
    assert.equal(conditionOf(platform, 'TagResolutionReady')?.reason, 'EditRefused');
    assert.match(conditionOf(platform, 'TagResolutionReady')?.message ?? '', /ask the network team first/);
    await kubectl(['delete', 'validatingadmissionpolicybinding', name]);
    await kubectl(['delete', 'validatingadmissionpolicy', name]);
    await eventually(
      () =>
        kubectl(['annotate', 'configmap', 'config-deployment', '-n', 'knative-serving', '--dry-run=server', '--overwrite', 'x=y']).catch(
          (error: Error) => error.message,
        ),
      (answer) => !answer.includes('network team'),
    );
    await declare({ tagResolution: { skipRegistries: ['nvcr.io', 'ghcr.io', 'quay.io'] } });
    await platformWhere(isReady);
  });

  it('says what to do about an immutable ConfigMap', async () => {
    await kubectl(['patch', 'configmap', 'config-deployment', '-n', 'knative-serving', '--type=merge', '-p', '{"immutable":true}']);
    await declare({ tagResolution: { skipRegistries: ['nvcr.io'] } });
    const platform = await platformWhere((seen) => conditionOf(seen, 'Ready')?.status === 'False');
    assert.equal(conditionOf(platform, 'Ready')?.reason, 'ConfigMapImmutable');
    await kubectl(['delete', 'configmap', 'config-deployment', '-n', 'knative-serving']);
    await write(original);
    await platformWhere(isReady);
  });

  it('says what to do where the operator may not write', async () => {
    await kubectl(['delete', 'clusterrolebinding', 'modelwright-operator']);
    const role = JSON.parse(await kubectl(['get', 'clusterrole', 'modelwright-operator', '-o', 'json'])) as {
      rules: { resources: string[]; verbs: string[] }[];
    };
    const rules = role.rules.filter(({ resources, verbs }) => !(resources.includes('configmaps') && verbs.includes('patch')));
    await apply({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'without-patch' }, rules });
    await kubectl([
      'create',
      'clusterrolebinding',
      'without-patch',
      '--clusterrole=without-patch',
      '--serviceaccount=modelwright-system:modelwright',
    ]);
    await eventually(
      () =>
        kubectl([
          'auth',
          'can-i',
          'patch',
          'configmap/config-deployment',
          '-n',
          'knative-serving',
          '--as=system:serviceaccount:modelwright-system:modelwright',
        ]).catch(() => 'no'),
      (answer) => answer.trim() === 'no',
    );
    await declare({ tagResolution: { skipRegistries: ['nvcr.io', 'quay.io'] } });
    const platform = await platformWhere((seen) => conditionOf(seen, 'Ready')?.status === 'False');
    assert.equal(conditionOf(platform, 'Ready')?.reason, 'Forbidden');
    assert.match(
      conditionOf(platform, 'Ready')?.message ?? '',
      /may not write registries-skipping-tag-resolving in ConfigMap knative-serving\/config-deployment.*give it the ClusterRole/s,
    );
    await kubectl([
      'create',
      'clusterrolebinding',
      'modelwright-operator',
      '--clusterrole=modelwright-operator',
      '--serviceaccount=modelwright-system:modelwright',
    ]);
    await kubectl(['delete', 'clusterrolebinding', 'without-patch']);
    await eventually(
      () =>
        kubectl([
          'auth',
          'can-i',
          'patch',
          'configmap/config-deployment',
          '-n',
          'knative-serving',
          '--as=system:serviceaccount:modelwright-system:modelwright',
        ]).catch(() => 'no'),
      (answer) => answer.trim() === 'yes',
    );
    await declare({ tagResolution: { skipRegistries: ['nvcr.io'] } });
    await platformWhere(isReady);
  });

  it('is byte for byte as before when the ServingPlatform is deleted', async () => {
    await removePlatform();
    const { data, metadata } = await read();
    assert.deepEqual(data, original.data);
    assert.deepEqual(metadata.annotations, original.metadata.annotations);
  });

  it('keeps on a deletion what others changed since', async () => {
    await declare({ tagResolution: { skipRegistries: ['nvcr.io'] } });
    await platformWhere(isReady);
    await patch(`mine.io,${ours}`, 'admin');
    await removePlatform();
    assert.equal((await read()).data?.[key], 'mine.io,kind.local,ko.local,dev.local');
  });

  it('makes the operator write no line of level error', () => assert.deepEqual(operator.errors(), []));
});
