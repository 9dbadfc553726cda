/**
 * A user of one namespace gains nothing through a ModelDeployment, with RBAC on: tried with the admission policies and no operator, with an operator
 * and no admission policies, and against the CRD alone.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runKubectl } from '../../../hack/controlplane/cluster.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { apply, applyCrds, eventually, get, kubectl } from '../../support/cluster.ts';
import { installInferenceServices } from '../deployment/light-kserve.ts';
import { type Deployed, deployed, says, serviceIfAny } from '../deployment/objects.ts';
import { kubeconfigOf, OperatorProcess } from '../deployment/operator-process.ts';
import { ownControlPlane } from '../deployment/stage.ts';
import {
  type Attack,
  allowedByPolicy,
  allowedToMeasurers,
  attacker,
  dropped,
  policy,
  refusedByPolicy,
  refusedBySchema,
  refusedToAuthors,
  refusedToMeasurers,
} from './attacks.ts';

const manifests = resolve(import.meta.dirname, '../../../manifests');
const [home, other] = ['team-a', 'team-b'];
let plane: ControlPlane;
let folder: string;

/** Runs kubectl with the token of a service account of team-a: a user like any other, whom RBAC judges. */
type User = (args: readonly string[], input?: object) => Promise<string>;
/** May write ModelDeployments, and nothing else. */
let author: User;
/** May create Pods too. */
let developer: User;
/** May write ModelProfiles, and update the ModelDeployment `hers` alone. */
let measurer: User;

before(async () => {
  plane = await ownControlPlane();
  folder = mkdtempSync(join(tmpdir(), 'modelwright-users-'));
  await applyCrds();
  await installInferenceServices();
  await apply([home, other].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })));
  await kubectl(['apply', '--server-side', '-f', join(manifests, 'operator/user-roles.yaml')]);
  const pods = { apiGroups: [''], resources: ['pods'], verbs: ['create'] };
  await apply([
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'pod-creator' }, rules: [pods] },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'measurer' },
      rules: [
        { apiGroups: ['modelwright.dev'], resources: ['modelprofiles'], verbs: ['create', 'update', 'patch', 'delete'] },
        { apiGroups: ['modelwright.dev'], resources: ['modeldeployments'], resourceNames: ['hers'], verbs: ['update'] },
      ],
    },
    ...['author', 'developer', 'measurer'].map((name) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace: home },
    })),
    ...[
      ['author', 'modelwright-viewer'],
      ['author', 'modelwright-editor'],
      ['developer', 'modelwright-viewer'],
      ['developer', 'modelwright-editor'],
      ['developer', 'pod-creator'],
      ['measurer', 'modelwright-viewer'],
      ['measurer', 'measurer'],
    ].map(([user = '', role = '']) => binding(user, role)),
  ]);
  [author, developer, measurer] = await Promise.all([userOf('author'), userOf('developer'), userOf('measurer')]);
});
after(async () => {
  await plane?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function binding(user: string, role: string): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: `${user}-${role}`, namespace: home },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name: user, namespace: home }],
  };
}

async function userOf(account: string): Promise<User> {
  const file = join(folder, account);
  writeFileSync(file, await kubeconfigOf(account, home), { mode: 0o600 });
  return (args, input) => runKubectl(plane.record.kubectl, file, args, input === undefined ? '' : JSON.stringify(input));
}

/** Without the client's check of fields, which no attacker would ask for. */
const create = (user: User, object: object, more: readonly string[] = []) =>
  user(['create', '--validate=false', '-f', '-', '-o', 'json', ...more], object);
const tries = (user: User, attack: Attack) => create(user, attacker(attack, 'attack', home), ['--dry-run=server']);

describe('RBAC keeps the author', () => {
  const mine = attacker({ name: '', spec: {} }, 'mine', home);
  before(async () => {
    await create(author, mine);
  });
  const forbidden: readonly [string, readonly string[], object?][] = [
    ['from models of another namespace', ['create', '-f', '-'], attacker({ name: '', spec: {} }, 'x', other)],
    ['from seeing those', ['get', 'modeldeployments', '-n', other]],
    [
      'from forging a status',
      ['patch', 'modeldeployment', 'mine', '-n', home, '--subresource=status', '--type=merge', '-p', '{"status":{"observedGeneration":9}}'],
    ],
    [
      'from the ServingPlatform',
      ['create', '-f', '-'],
      { apiVersion: 'modelwright.dev/v1alpha1', kind: 'ServingPlatform', metadata: { name: 'default' }, spec: {} },
    ],
    ['from reading it', ['get', 'servingplatforms']],
    ['from Secrets', ['get', 'secrets', '-n', home]],
    ['from Pods', ['create', 'job', 'x', '-n', home, '--image=x']],
    ['from InferenceServices', ['get', 'inferenceservices', '-n', home]],
    ['from the admission policies', ['delete', 'validatingadmissionpolicybinding', '--all']],
    ["from the operator's lease", ['delete', 'lease', '--all', '-n', home]],
  ];
  for (const [what, args, input] of forbidden) it(what, () => assert.rejects(author(args, input), /forbidden/i));

  it('and a status that comes with the object is not stored', async () => {
    const forged = {
      ...attacker({ name: '', spec: {} }, 'forged', home),
      status: { observedGeneration: 1, conditions: [], runtime: { image: 'ATTACK' } },
    };
    assert.doesNotMatch(await create(author, forged), /ATTACK/);
  });
});

describe('the CRD alone', () => {
  for (const attack of dropped) {
    it(`drops ${attack.name}`, async () => assert.doesNotMatch(await tries(developer, attack), /ATTACK/));
    it(`says so to who lets kubectl check: ${attack.name}`, () =>
      assert.rejects(developer(['create', '--dry-run=server', '-f', '-'], attacker(attack, 'attack', home)), /unknown field/));
  }
  for (const attack of refusedBySchema) {
    it(`refuses ${attack.name}`, () => assert.rejects(tries(developer, attack), attack.words));
  }
});

describe('admission alone', () => {
  before(async () => {
    await kubectl(['apply', '--server-side', '-k', join(manifests, 'admission')]);
    // A policy is in force a moment after it was made.
    const [first] = refusedToAuthors;
    assert.ok(first);
    await eventually(
      () => refusal(tries(author, first)),
      (said) => said !== undefined,
    );
  });

  for (const attack of refusedToAuthors) {
    it(`refuses an author ${attack.name}`, () => assert.rejects(tries(author, attack), attack.words));
    it(`gives a developer, who could have it by a Pod: ${attack.name}`, async () => void (await tries(developer, attack)));
  }

  it('refuses it by a change of a sound model, however that is sent', async () => {
    await create(author, attacker({ name: '', spec: {} }, 'changed', home));
    const ways: readonly (readonly string[])[] = [
      ['patch', 'modeldeployment', 'changed', '-n', home, '--type=merge', '-p', '{"spec":{"serviceAccountName":"deployer"}}'],
      [
        'patch',
        'modeldeployment',
        'changed',
        '-n',
        home,
        '--type=json',
        '-p',
        '[{"op":"add","path":"/spec/serviceAccountName","value":"deployer"}]',
      ],
      ['apply', '--server-side', '--force-conflicts', '-f', '-'],
      ['replace', '-f', '-'],
    ];
    for (const args of ways) {
      const input = args.includes('-f') ? attacker({ name: '', spec: { serviceAccountName: 'deployer' } }, 'changed', home) : undefined;
      await assert.rejects(author(args, input), /may not run any as "deployer"/, args.join(' '));
    }
  });

  it('gives an author what the verb "use" was granted for, and only that', async () => {
    const use = (resource: string, name: string) => ({ apiGroups: [''], resources: [resource], resourceNames: [name], verbs: ['use'] });
    const rules = [use('serviceaccounts', 'deployer'), use('secrets', 'registry'), use('persistentvolumeclaims', 'payroll')];
    await apply([
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'users' }, rules },
      binding('author', 'users'),
    ]);
    try {
      const granted = [
        { serviceAccountName: 'deployer' },
        { imagePullSecrets: [{ name: 'registry' }] },
        { source: { storageUri: 'pvc://payroll/2026' } },
      ];
      for (const spec of granted) {
        await eventually(
          () => refusal(tries(author, { name: '', spec })),
          (said) => said === undefined,
        );
      }
      await assert.rejects(tries(author, { name: '', spec: { serviceAccountName: 'other' } }), /may not run any as "other"/);
      await assert.rejects(tries(author, { name: '', spec: { transformer: { image: 'x' } } }), /may not bring a container/);
    } finally {
      await kubectl(['delete', 'rolebinding', 'author-users', '-n', home]);
    }
  });

  describe('where a profile would have a model changed', () => {
    const words = /you may not update the ModelDeployment/;
    const applying = (spec: object = {}) => {
      const [first] = refusedToMeasurers;
      return { name: '', kind: 'ModelProfile' as const, spec: { ...first?.spec, ...spec } };
    };
    for (const attack of refusedToMeasurers) {
      it(`refuses somebody who may only measure ${attack.name}`, () => assert.rejects(tries(measurer, attack), attack.words));
      it(`gives an author, who could do it himself: ${attack.name}`, async () => void (await tries(author, attack)));
    }
    for (const attack of allowedToMeasurers) it(`gives him ${attack.name}`, async () => void (await tries(measurer, attack)));

    it('goes by the very model that is named', async () => {
      await tries(measurer, applying({ target: { modelDeployment: 'hers' } }));
      await assert.rejects(tries(measurer, applying({ target: { modelDeployment: 'hers2' } })), words);
    });

    it('refuses it by a change of a sound profile, however that is sent', async () => {
      await create(
        measurer,
        attacker({ name: '', kind: 'ModelProfile', spec: { apply: 'Recommend', objective: applying().spec.objective } }, 'grown', home),
      );
      const ways: readonly (readonly string[])[] = [
        ['patch', 'modelprofile', 'grown', '-n', home, '--type=merge', '-p', '{"spec":{"apply":"Apply"}}'],
        ['patch', 'modelprofile', 'grown', '-n', home, '--type=json', '-p', '[{"op":"replace","path":"/spec/apply","value":"Apply"}]'],
        ['patch', 'modelprofile', 'grown', '-n', home, '--type=merge', '-p', '{"spec":{"rollback":"r3d7fbe3af27"}}'],
        ['apply', '--server-side', '--force-conflicts', '-f', '-'],
        ['replace', '-f', '-'],
      ];
      for (const args of ways) {
        const input = args.includes('-f') ? attacker(applying(), 'grown', home) : undefined;
        await assert.rejects(measurer(args, input), words, args.join(' '));
      }
    });

    it('lets nobody steer a profile that an author lets apply: not its hardware, its bounds, its target, nor a run', async () => {
      await create(author, attacker(applying(), 'steered', home));
      const patch = (user: User, spec: object) =>
        user(['patch', 'modelprofile', 'steered', '-n', home, '--type=merge', '-p', JSON.stringify({ spec })]);
      const changes = [
        { mode: 'Dedicated', sweep: { hardware: [{ name: 'x', resources: { limits: { cpu: '500' } } }] } },
        { objective: { latency: [{ percentile: 'p99', maxMilliseconds: 10_000 }] } },
        { target: { modelDeployment: 'other' } },
        { runId: 'again' },
        { suspend: true },
      ];
      for (const change of changes) {
        await assert.rejects(patch(measurer, change), words, JSON.stringify(change));
        await patch(author, change);
      }
      // Whoever takes the power away needs none; nor does a label, or the end of it.
      await measurer(['label', 'modelprofile', 'steered', '-n', home, 'team=a']);
      await patch(measurer, { apply: 'Never' });
      await patch(author, { apply: 'Apply' });
      await measurer(['delete', 'modelprofile', 'steered', '-n', home]);
    });

    it('has RBAC keep him from the word that a model gives, from what was found, and from what is remembered', async () => {
      await create(author, attacker({ name: '', spec: {} }, 'model', home));
      await create(measurer, attacker({ name: '', kind: 'ModelProfile', spec: {} }, 'forged-profile', home));
      const forbidden = [
        ['annotate', 'modeldeployment', 'model', '-n', home, 'modelwright.dev/apply-profile=forged-profile'],
        ['patch', 'modelprofile', 'forged-profile', '-n', home, '--subresource=status', '--type=merge', '-p', '{"status":{"applied":[]}}'],
      ];
      for (const args of forbidden) await assert.rejects(measurer(args), /forbidden/i, args.join(' '));
      const status = { application: { judged: { generation: 1, admitted: true } } };
      const born = { ...attacker({ name: '', kind: 'ModelProfile', spec: {} }, 'born', home), status };
      assert.doesNotMatch(await create(measurer, born), /admitted/);
    });
  });

  it('lets what is older than the policy be labelled and deleted', async () => {
    await create(developer, attacker({ name: '', spec: { serviceAccountName: 'deployer' } }, 'older', home));
    await author(['label', 'modeldeployment', 'older', '-n', home, 'team=a']);
    await assert.rejects(
      author(['patch', 'modeldeployment', 'older', '-n', home, '--type=merge', '-p', '{"spec":{"suspend":true}}']),
      /may not run any as/,
    );
    await author(['delete', 'modeldeployment', 'older', '-n', home]);
  });

  it('lets the operator copy what an author was let have', async () => {
    await kubectl([
      'apply',
      '--server-side',
      '-f',
      join(manifests, 'operator/namespace.yaml'),
      '-f',
      join(manifests, 'operator/cluster-role.yaml'),
    ]);
    const spec = { serviceAccountName: 'deployer', imagePullSecrets: [{ name: 'registry' }], source: { storageUri: 'pvc://payroll/2026' } };
    await kubectl(['create', '--dry-run=server', '-f', '-'], {
      as: 'system:serviceaccount:modelwright-system:modelwright',
      input: attacker({ name: '', spec }, 'copy', home),
    });
  });

  it('holds the operator to Secrets and ConfigMaps of its own', async () => {
    const operator = { as: 'system:serviceaccount:modelwright-system:modelwright' };
    const secret = (labels: object) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x', namespace: home, labels } });
    await kubectl([
      'apply',
      '--server-side',
      '-f',
      join(manifests, 'operator/namespace.yaml'),
      '-f',
      join(manifests, 'operator/cluster-role.yaml'),
    ]);
    const own = { 'app.kubernetes.io/managed-by': 'modelwright' };
    await kubectl(['create', 'secret', 'generic', 'payroll', '-n', home]);
    await eventually(
      () => refusal(kubectl(['create', '--dry-run=server', '-f', '-'], { ...operator, input: secret({}) })),
      (said) => /no Secrets but its own/.test(said ?? ''),
    );
    await kubectl(['create', '-f', '-'], { ...operator, input: secret(own) });
    await assert.rejects(kubectl(['delete', 'secret', 'payroll', '-n', home], operator), /no Secrets but its own/);
    await kubectl(['delete', 'secret', 'x', '-n', home], operator);

    // And to ConfigMaps of its own, but for the two that it shares with KServe and Knative.
    const labelled = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'own', namespace: home, labels: own } };
    await kubectl(['create', '-f', '-'], { ...operator, input: labelled });
    for (const name of ['config-deployment', 'plans']) await kubectl(['create', 'configmap', name, '-n', home]);
    // By a patch alone: the operator may read none.
    const change = (name: string, labels: object = {}) =>
      kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], {
        ...operator,
        input: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: home, labels }, data: { x: 'y' } },
      });
    await change('own', own);
    await change('config-deployment');
    await assert.rejects(change('plans'), /and no other ConfigMaps/);
    await assert.rejects(change('plans', own), /and no other ConfigMaps/, 'nor by making it its own');
    await assert.rejects(change('own', { 'app.kubernetes.io/managed-by': 'somebody' }), /and no other ConfigMaps/);
  });

  describe('with a policy in the ServingPlatform', () => {
    before(async () => {
      await setPolicy();
      const [first] = refusedByPolicy;
      assert.ok(first);
      await eventually(
        () => refusal(tries(developer, first)),
        (said) => said !== undefined,
      );
    });
    for (const attack of refusedByPolicy)
      it(`refuses even a developer ${attack.name}`, () => assert.rejects(tries(developer, attack), attack.words));
    for (const attack of allowedByPolicy) it(`lets a developer have ${attack.name}`, async () => void (await tries(developer, attack)));
  });
});

describe('the operator alone', () => {
  let operator: OperatorProcess;
  before(async () => {
    await kubectl(['delete', '-k', join(manifests, 'admission')]);
    await eventually(
      () => refusal(tries(author, { name: '', spec: { serviceAccountName: 'deployer' } })),
      (said) => said === undefined,
    );
    await setPolicy();
    operator = await OperatorProcess.start([home]);
  });
  after(() => operator?.[Symbol.asyncDispose]());

  for (const [index, attack] of refusedByPolicy.entries()) {
    it(`writes no InferenceService for ${attack.name}, and says why`, async () => {
      const name = `policy-${index}`;
      await create(developer, attacker(attack, name, home));
      const model = await eventually(() => deployed(name, home), says('Stalled', 'True', attack.reason));
      assert.match(readyMessage(model), attack.words);
      assert.equal(await serviceIfAny(name, home), undefined);
    });
  }
  for (const [index, attack] of allowedByPolicy.entries()) {
    it(`serves ${attack.name}`, async () => {
      const name = `allowed-${index}`;
      await create(developer, attacker(attack, name, home));
      await eventually(
        () => serviceIfAny(name, home),
        (service) => service !== undefined,
      );
    });
  }

  it('renders none of what the CRD drops', async () => {
    const together = Object.assign({}, ...dropped.filter(({ kind }) => kind === undefined).map(({ spec }) => spec)) as Record<
      string,
      unknown
    >;
    const { transformer: _, runtime: __, ...rest } = together;
    await create(
      author,
      attacker({ name: '', spec: { ...rest, runtime: { type: 'SKLearn', image: 'ATTACK', env: ['ATTACK'] } } }, 'dropped', home),
    );
    const service = await eventually(
      () => serviceIfAny('dropped', home),
      (found) => found !== undefined,
    );
    assert.doesNotMatch(JSON.stringify(service), /ATTACK/);
  });

  it('takes over no InferenceService that has the name', async () => {
    const foreign = {
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: { name: 'foreign', namespace: home },
      spec: { predictor: { minReplicas: 7 } },
    };
    await apply(foreign);
    // The annotation by which an InferenceService is given away counts on that itself, not on the model.
    await create(author, attacker({ name: '', spec: {}, metadata: { annotations: { 'modelwright.dev/adopt': 'true' } } }, 'foreign', home));
    await eventually(() => deployed('foreign', home), says('Stalled', 'True', 'InferenceServiceNotOurs'));
    const service = await serviceIfAny('foreign', home);
    assert.equal(service?.spec.predictor['minReplicas'], 7);
    await author(['delete', 'modeldeployment', 'foreign', '-n', home]);
    assert.ok(await serviceIfAny('foreign', home));
  });

  it('gives nothing to a model that names another owner', async () => {
    const [reference] = [{ apiVersion: 'v1', kind: 'Namespace', name: other, uid: '00000000-0000-0000-0000-000000000000' }];
    await create(author, attacker({ name: '', spec: {}, metadata: { ownerReferences: [reference] } }, 'owned', home));
    const service = await eventually(
      () => serviceIfAny('owned', home),
      (found) => found !== undefined,
    );
    assert.deepEqual(
      service?.metadata.ownerReferences?.map(({ controller }) => controller),
      [true],
    );
  });

  it('changes no model for a profile whose author nobody has judged', async () => {
    const profile = { kind: 'ModelProfile' as const, spec: { ...refusedToMeasurers[0]?.spec, target: { modelDeployment: 'allowed-0' } } };
    await create(measurer, attacker({ name: '', ...profile }, 'unjudged', home));
    const judged = await eventually(
      () => get<{ status?: { application?: { judged?: object } } }>('modelprofile', 'unjudged', home),
      ({ status }) => status?.application?.judged !== undefined,
    );
    assert.deepEqual(judged.status?.application?.judged, { generation: 1, admitted: false });
  });

  it('has come to no error by any of it', () => assert.deepEqual(operator.errors(), []));
});

async function setPolicy(): Promise<void> {
  await apply({ apiVersion: 'modelwright.dev/v1alpha1', kind: 'ServingPlatform', metadata: { name: 'default' }, spec: { policy } });
}

function readyMessage(model: Deployed): string {
  return model.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
}

/** What was said against it; undefined when it was let through. */
function refusal(attempt: Promise<string>): Promise<string | undefined> {
  return attempt.then(
    () => undefined,
    (error: Error) => error.message,
  );
}
