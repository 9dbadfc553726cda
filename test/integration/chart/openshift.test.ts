/**
 * A cluster as strict as OpenShift, as far as that can be had without one: the real admission plugin OwnerReferencesPermissionEnforcement, which OpenShift has
 * on, and a mimic of its constraint `restricted-v2` (restricted-v2.ts). Nothing here is OpenShift itself.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { start } from '../../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { renderStorageContainer } from '../../../src/controllers/deployment/packaging/storage-container.ts';
import { apply, eventually, get, kubectl, list } from '../../support/cluster.ts';
import { chartFolder, Helm } from '../../support/helm.ts';
import { useControlPlane } from '../../support/shared-plane.ts';
import { installInferenceServices, playStatus, servingStatus } from '../deployment/light-kserve.ts';
import { aModel, deployed, says, serviceIfAny } from '../deployment/objects.ts';
import { kubeconfigOf, OperatorProcess, operatorUser } from '../deployment/operator-process.ts';
import { aModelProfile, jobsOf, profiled, reports } from '../profile/objects.ts';
import { restrictedV2, uidInRange, uidRange } from './restricted-v2.ts';

const system = 'modelwright-system';
const models = 'models';
const image = 'registry.example.com/modelwright:test';

interface Context {
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly fsGroup?: number;
  readonly runAsNonRoot?: boolean;
}
interface Pod {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: { readonly securityContext: Context; readonly containers: readonly { readonly securityContext?: Context }[] };
}
interface Owned {
  readonly metadata: {
    readonly name: string;
    readonly ownerReferences?: readonly { readonly kind: string; readonly blockOwnerDeletion?: boolean }[];
  };
}

let plane: ControlPlane;
let helm: Helm;
let operator: OperatorProcess;

before(async () => {
  helm = await Helm.get();
  plane = await start({
    name: `openshift-${process.pid}`,
    nodes: 'fake',
    apiServer: ['--enable-admission-plugins=OwnerReferencesPermissionEnforcement'],
  });
  useControlPlane(plane);
  await apply([...restrictedV2]);
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  for (const name of [system, models]) {
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels, annotations: uidRange } });
    await eventually(
      () => list<{ metadata: { name: string } }>('serviceaccount', name),
      (accounts) => accounts.some(({ metadata }) => metadata.name === 'default'),
    );
  }
  // A policy is in force a moment after it was made.
  await eventually(
    () => refusal(tries({ runAsUser: 65_532 })),
    (said) => said !== undefined,
  );
});
after(async () => {
  await operator?.[Symbol.asyncDispose]();
  await plane?.stop();
  helm?.[Symbol.dispose]();
});

const restricted = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };

/** Has the API server judge a pod with this context, and make none. */
function tries(context: Context, more: object = {}): Promise<string> {
  const securityContext = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' }, ...context };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'tried', namespace: models },
    spec: { securityContext, containers: [{ name: 'x', image: 'x', securityContext: restricted }], ...more },
  };
  return kubectl(['create', '--dry-run=server', '-f', '-'], { input: pod });
}

function refusal(attempt: Promise<unknown>): Promise<string | undefined> {
  return attempt.then(
    () => undefined,
    (error: Error) => error.message,
  );
}

/** No user and no group by number, and never root. */
function namesNobody(pod: Pod): void {
  const contexts = [pod.spec.securityContext, ...pod.spec.containers.map(({ securityContext }) => securityContext ?? {})];
  for (const { runAsUser, runAsGroup, fsGroup } of contexts)
    assert.deepEqual([runAsUser, runAsGroup, fsGroup], [undefined, undefined, undefined]);
  assert.equal(pod.spec.securityContext.runAsNonRoot, true);
}

const podWhere = async (namespace: string, label: string, value: string): Promise<Pod> => {
  const found = await eventually(
    () => list<Pod>('pods', namespace),
    (pods) => pods.some(({ metadata }) => metadata.labels?.[label] === value),
    120,
  );
  return found.find(({ metadata }) => metadata.labels?.[label] === value) as Pod;
};

describe('the mimic of restricted-v2', () => {
  it('lets in who names no user, or one of the namespace', async () => {
    await tries({});
    await tries({ runAsUser: uidInRange, fsGroup: uidInRange });
  });
  it('refuses every other user and group', async () => {
    await assert.rejects(tries({ runAsUser: 65_532 }), /runAsUser: must be in the ranges/);
    await assert.rejects(tries({ runAsUser: 1000 }), /runAsUser: must be in the ranges/);
    await assert.rejects(tries({ fsGroup: 65_532 }), /fsGroup: must be in the ranges/);
  });
});

describe('where users are assigned, and owner references have to be permitted', { timeout: 600_000 }, () => {
  before(async () => {
    await installInferenceServices();
    await helm.run(['install', 'modelwright', chartFolder, '--namespace', system, '--wait', '--timeout', '10m'], {
      kubeconfig: plane.kubeconfig,
    });
    // Its pods are played: it runs here as their service account, with what the chart permits it.
    operator = await OperatorProcess.startAs(
      await kubeconfigOf('modelwright', system),
      [],
      ['--image', image, '--system-namespace', system],
    );
  });

  it("lets in the operator's pods as the chart makes them", async () => {
    const { status } = await get<{ status: { readyReplicas: number } }>('deployment', 'modelwright', system);
    assert.equal(status.readyReplicas, 2);
    for (const pod of await list<Pod>('pods', system)) namesNobody(pod);
  });

  it('lets in a pod with the storage container', async () => {
    const { spec } = renderStorageContainer({}, image, { apiVersion: 'v1', kind: 'Namespace', name: models, uid: '' });
    await tries({}, { initContainers: [spec?.['container']] });
  });

  it('lets in packaging Jobs, which come to their Secret', async () => {
    await declareRepository();
    await apply(aModel('packed', models, { source: { volume: { claimName: 'models' } } }));
    namesNobody(await podWhere(models, 'modelwright.dev/packaging', 'packed'));
    await secretOfJob(/^packed-pack-.*-upload$/);
  });

  it('lets in load pods, which come to theirs', async () => {
    await apply(aModel('iris', models));
    await eventually(
      () => serviceIfAny('iris', models),
      (service) => service !== undefined,
    );
    await playStatus('iris', models, servingStatus('iris', models));
    await eventually(() => deployed('iris', models), says('Ready', 'True'));
    await apply(aModelProfile('iris', models, { report: { repository: 'default' } }));
    namesNobody(await podWhere(models, 'modelwright.dev/role', 'load'));
    await secretOfJob(/^iris-/);
  });

  it('has owners wait for what they own, by the permission on their finalizers and by no other', async () => {
    const rules = ['modeldeployments/finalizers', 'modelprofiles/finalizers'];
    const role = await get<{ rules: { resources: string[] }[] }>('clusterrole', 'modelwright-operator');
    const without = { ...role, rules: role.rules.filter(({ resources }) => !resources.some((resource) => rules.includes(resource))) };
    assert.equal(role.rules.length - without.rules.length, 1);
    const replace = (rules: object) =>
      kubectl([
        'patch',
        'clusterrole',
        'modelwright-operator',
        '--type=json',
        '-p',
        JSON.stringify([{ op: 'replace', path: '/rules', value: rules }]),
      ]);
    const may = () =>
      kubectl([
        'auth',
        'can-i',
        'update',
        'modeldeployments.modelwright.dev',
        '--subresource=finalizers',
        '-n',
        models,
        '--as',
        operatorUser,
      ]).then(
        (answer) => answer.trim() === 'yes',
        () => false,
      );
    await replace(without.rules);
    try {
      await eventually(may, (allowed) => !allowed);
      await apply(aModel('held', models));
      const held = await eventually(() => deployed('held', models), says('Ready', 'False'));
      assert.match(held.status?.lastError?.message ?? '', /cannot set blockOwnerDeletion/);
      assert.equal(await serviceIfAny('held', models), undefined);
      await kubectl(['delete', 'modelprofile', 'iris', '-n', models, '--timeout=60s']);
      await apply(aModelProfile('held', models));
      const { status } = await eventually(() => profiled('held', models), reports('JobRefused'), 120);
      assert.match(status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '', /cannot set blockOwnerDeletion/);
    } finally {
      await replace(role.rules);
    }
    await eventually(may, Boolean);
    // What was refused is tried again after ten minutes, or when it is changed.
    await apply(aModel('held', models, { resources: { limits: { memory: '1Gi' } } }));
    await eventually(
      () => serviceIfAny('held', models),
      (service) => service !== undefined,
      180,
    );
    const profile = await profiled('held', models);
    const [job] = await eventually(
      () => jobsOf(profile),
      (jobs) => jobs.length > 0,
      180,
    );
    assert.deepEqual(await ownersOf('inferenceservice', 'held'), [['ModelDeployment', true]]);
    assert.deepEqual(await ownersOf('job', job?.metadata.name ?? ''), [['ModelProfile', true]]);
  });
});

/** The Secret goes with its Job, and does not hold it up: that would need a permission on Jobs that the operator does not have. */
async function secretOfJob(name: RegExp): Promise<void> {
  const found = await eventually(
    async () => (await list<Owned>('secrets', models)).map(({ metadata }) => metadata.name).find((one) => name.test(one)),
    (secret) => secret !== undefined,
  );
  assert.deepEqual(await ownersOf('secret', found ?? ''), [['Job', undefined]]);
}

/** Kinds of its owners, and whether they wait for it. */
async function ownersOf(kind: string, name: string): Promise<(readonly [string, boolean | undefined])[]> {
  const { metadata } = await get<Owned>(kind, name, models);
  return (metadata.ownerReferences ?? []).map(({ kind: owner, blockOwnerDeletion }) => [owner, blockOwnerDeletion]);
}

async function declareRepository(): Promise<void> {
  const key = Buffer.alloc(64, 7).toString('base64');
  await apply([
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'azure', namespace: system }, stringData: { AZURE_STORAGE_ACCESS_KEY: key } },
    {
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ServingPlatform',
      metadata: { name: 'default' },
      spec: {
        repositories: [
          {
            name: 'default',
            azureBlob: { account: 'acmemodels', container: 'models', credentials: { secretRef: { name: 'azure' } } },
            allowedNamespaces: {},
            readAccess: 'Anonymous',
          },
        ],
      },
    },
  ]);
}
