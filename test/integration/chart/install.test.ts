/**
 * The chart and the manifests installed into a real API server, with a controller manager and fake nodes: every object is accepted, a second
 * installation changes nothing, upgrading brings the CRDs along, uninstalling leaves the models.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { getBinaries } from '../../../hack/controlplane/binaries.ts';
import { cachedFiles } from '../../../hack/controlplane/cache.ts';
import { PROMETHEUS_OPERATOR } from '../../../hack/controlplane/catalog.ts';
import { established } from '../../../hack/controlplane/established.ts';
import { start } from '../../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { apply, eventually, get, kubectl } from '../../support/cluster.ts';
import { chartFolder, Helm } from '../../support/helm.ts';
import { useControlPlane } from '../../support/shared-plane.ts';
import { everything } from './all-values.ts';

const root = resolve(import.meta.dirname, '../../..');
const namespace = 'modelwright-system';
/** Helm 4 unless a test says otherwise. */
let helm: Helm;
let plane: ControlPlane;

before(async () => {
  helm = await Helm.get();
  plane = await start({ name: `chart-${process.pid}`, nodes: 'fake' });
  useControlPlane(plane);
  await installMonitoringKinds();
});
after(async () => {
  await plane?.stop();
  helm?.[Symbol.dispose]();
});

const model = {
  apiVersion: 'modelwright.dev/v1alpha1',
  kind: 'ModelDeployment',
  metadata: { name: 'iris', namespace: 'models' },
  spec: { runtime: { type: 'SKLearn' }, source: { storageUri: 'gs://bucket/iris' } },
};
const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };

for (const line of [4, 3] as const) {
  describe(`helm ${line}`, () => {
    let tool: Helm;
    before(async () => {
      tool = await Helm.get(line);
      await makeNamespace(namespace, restricted);
      await makeNamespace('models');
    });
    after(() => tool?.[Symbol.dispose]());
    const run = (args: readonly string[], values?: object) =>
      tool.run([...args, '--namespace', namespace], { kubeconfig: plane.kubeconfig, ...(values !== undefined && { values }) });
    const upgrade = (values: object, folder = chartFolder) =>
      run(['upgrade', '--install', 'modelwright', folder, '--wait', '--timeout', '10m', '--reset-values'], values);

    it('installs, where Pod Security "restricted" is enforced, and its pods are let in', async () => {
      const said = await upgrade({});
      assert.match(said, /STATUS: deployed/);
      assert.match(said, /kubectl apply -n NAMESPACE/);
      const { status } = await get<{ status: { readyReplicas: number } }>('deployment', 'modelwright', namespace);
      assert.equal(status.readyReplicas, 2);
    });

    it('changes nothing the second time', async () => {
      const before = await versions();
      assert.ok(before.size > 15, `${before.size} objects`);
      await upgrade({});
      assert.deepEqual(changed(before, await versions()), []);
    });

    it('upgrades to all that it can make, and back', async () => {
      await makeNamespace(namespace, restricted);
      await apply(
        ['proxy', 'ca'].map((name) => ({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name, namespace },
          stringData: { url: 'http://proxy.example:3128' },
        })),
      );
      await upgrade({ ...everything, nodeSelector: {} });
      for (const kind of ['servicemonitor', 'prometheusrule', 'networkpolicy', 'poddisruptionbudget', 'deployment'])
        await get(kind, 'modelwright', namespace);
      await upgrade({});
      await assert.rejects(get('networkpolicy', 'modelwright', namespace), /NotFound/);
    });

    it('brings the CRDs along with an upgrade', async () => {
      const older = mkdtempSync(join(tmpdir(), 'modelwright-chart-'));
      try {
        cpSync(chartFolder, older, { recursive: true });
        const file = join(older, 'templates/crd-modeldeployments.yaml');
        writeFileSync(file, readFileSync(file, 'utf8').replaceAll('name: Task', 'name: Purpose'));
        await upgrade({}, older);
        assert.match(await columns(), /Purpose/);
        await apply(model);
        await upgrade({});
        assert.doesNotMatch(await columns(), /Purpose/);
        await get('modeldeployment', 'iris', 'models');
      } finally {
        rmSync(older, { recursive: true });
      }
    });

    it('leaves models and CRDs when it is uninstalled, and takes them over when it comes again', async () => {
      const { uid } = await ofModel();
      await run(['uninstall', 'modelwright', '--wait']);
      await assert.rejects(get('deployment', 'modelwright', namespace), /NotFound/);
      assert.equal((await ofModel()).uid, uid);
      await upgrade({});
      assert.equal((await ofModel()).uid, uid);
    });

    it('removes all of it with crds.keep=false', async () => {
      await upgrade({ crds: { keep: false } });
      await run(['uninstall', 'modelwright', '--wait']);
      await eventually(
        () => kubectl(['get', 'crd', '-o', 'name']),
        (names) => !names.includes('modelwright.dev'),
        120,
      );
      const left = await kubectl([
        'get',
        'clusterrole,clusterrolebinding,validatingadmissionpolicy,validatingadmissionpolicybinding',
        '-o',
        'name',
      ]);
      assert.doesNotMatch(left, /modelwright/);
    });

    it('installs into namespaces with Roles only, beside nothing of the cluster', async () => {
      await kubectl(['apply', '--server-side', '-k', join(root, 'crds')]);
      await makeNamespace('tenant');
      const values = {
        namespaces: ['tenant'],
        crds: { install: false },
        rbac: { tenantRoles: false },
        admissionPolicy: { enabled: false },
      };
      await run(['install', 'tenant', chartFolder, '--wait', '--timeout', '10m'], values);
      const account = `system:serviceaccount:${namespace}:tenant-modelwright`;
      const may = (verb: string, resource: string, where: string) =>
        kubectl(['auth', 'can-i', verb, resource, '-n', where, '--as', account]).then(
          (answer) => answer.trim(),
          () => 'no',
        );
      assert.equal(await may('list', 'modeldeployments.modelwright.dev', 'tenant'), 'yes');
      assert.equal(await may('get', 'modeldeployments.modelwright.dev', 'models'), 'no');
      assert.equal(await may('update', 'leases.coordination.k8s.io/tenant-modelwright-operator', namespace), 'yes');
      await run(['uninstall', 'tenant', '--wait']);
      await kubectl(['delete', '-k', join(root, 'crds'), '--wait']);
    });
  });
}

describe('the manifests', () => {
  const folders = ['default', 'overlays/single-replica', 'overlays/production'];
  for (const folder of folders) {
    it(`manifests/${folder} applies, and a second time changes nothing`, async () => {
      const path = join(root, 'manifests', folder);
      // A kind that was defined a moment ago is not served yet: the parameter of the admission policy is one.
      await eventually(
        () =>
          kubectl(['apply', '--server-side', '-k', path]).then(
            () => true,
            () => false,
          ),
        Boolean,
      );
      await kubectl(['rollout', 'status', 'deployment/modelwright', '-n', namespace, '--timeout=600s']);
      const before = await versions();
      await kubectl(['apply', '--server-side', '-k', path]);
      assert.deepEqual(changed(before, await versions()), []);
    });
  }

  it('change nothing with the apply of the client either, from the second time on', async () => {
    const path = join(root, 'manifests/default');
    await kubectl(['delete', '-k', path, '--wait']);
    await kubectl(['apply', '-k', join(root, 'crds')]);
    await eventually(
      () =>
        kubectl(['apply', '-k', path]).then(
          () => true,
          () => false,
        ),
      Boolean,
    );
    await kubectl(['rollout', 'status', 'deployment/modelwright', '-n', namespace, '--timeout=600s']);
    const before = await versions();
    const said = await kubectl(['apply', '-k', path]);
    assert.deepEqual(
      said.split('\n').filter((line) => line !== '' && !line.endsWith('unchanged')),
      [],
    );
    assert.deepEqual(changed(before, await versions()), []);
  });
});

describe('the roles for people', () => {
  /** What each may do in namespace `models`, by the role it is bound to there. */
  const table: readonly [role: string, does: readonly string[], doesNot: readonly string[]][] = [
    [
      'view',
      ['get modeldeployments', 'watch modelprofiles', 'get modeldeployments/status'],
      ['create modeldeployments', 'get servingplatforms', 'patch modeldeployments/status'],
    ],
    [
      'edit',
      ['create modeldeployments', 'delete modelprofiles', 'list modelprofiles'],
      ['deletecollection modeldeployments', 'create servingplatforms', 'update modelprofiles/status'],
    ],
    ['admin', ['deletecollection modeldeployments', 'patch modelprofiles'], ['patch servingplatforms', 'update modeldeployments/status']],
    ['modelwright-viewer', ['list modelprofiles'], ['create modelprofiles', 'get pods', 'get secrets']],
    ['modelwright-editor', ['create modelprofiles'], ['create pods', 'get secrets', 'get modeldeployments/scale']],
  ];
  before(async () => {
    await makeNamespace('models');
    await kubectl(['apply', '--server-side', '-f', join(root, 'manifests/operator/user-roles.yaml')]);
    for (const [role] of table) {
      await apply({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: role, namespace: 'models' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ kind: 'User', name: `${role}-user`, apiGroup: 'rbac.authorization.k8s.io' }],
      });
    }
    await apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'platform-user' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'modelwright-platform-admin' },
      subjects: [{ kind: 'User', name: 'platform-user', apiGroup: 'rbac.authorization.k8s.io' }],
    });
  });
  const may = (user: string, what: string) => {
    const [verb = '', resource = ''] = what.split(' ');
    const [plural = '', subresource] = resource.split('/');
    const full = plural.startsWith('model') || plural.startsWith('serving') ? `${plural}.modelwright.dev` : plural;
    const args = [
      'auth',
      'can-i',
      verb,
      full,
      ...(subresource === undefined ? [] : ['--subresource', subresource]),
      '-n',
      'models',
      '--as',
      user,
    ];
    return kubectl(args).then(
      (answer) => answer.trim() === 'yes',
      () => false,
    );
  };

  for (const [role, does, doesNot] of table) {
    it(`${role}: what it may, and what it may not`, async () => {
      // The controller manager fills the joined roles.
      for (const what of does) await eventually(() => may(`${role}-user`, what), Boolean);
      for (const what of doesNot) assert.equal(await may(`${role}-user`, what), false, `${role} may ${what}`);
    });
  }

  it('modelwright-platform-admin: the ServingPlatform, and no model', async () => {
    assert.equal(await may('platform-user', 'patch servingplatforms'), true);
    assert.equal(await may('platform-user', 'create modeldeployments'), false);
  });
});

async function installMonitoringKinds(): Promise<void> {
  await getBinaries([{ component: PROMETHEUS_OPERATOR, binaries: [] }], { say: console.error });
  const [source] = PROMETHEUS_OPERATOR.files;
  const files = source.paths.map((path) => join(cachedFiles(PROMETHEUS_OPERATOR, source.module), path));
  await kubectl(['apply', '--server-side', ...files.flatMap((file) => ['-f', file])]);
  await established(
    kubectl,
    files.flatMap((file) => ['-f', file]),
  );
}

function makeNamespace(name: string, labels: object = {}): Promise<object> {
  return apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
}

async function ofModel(): Promise<{ uid: string }> {
  return (await get<{ metadata: { uid: string } }>('modeldeployment', 'iris', 'models')).metadata;
}

async function columns(): Promise<string> {
  return kubectl(['get', 'crd', 'modeldeployments.modelwright.dev', '-o', 'jsonpath={.spec.versions[0].additionalPrinterColumns[*].name}']);
}

/** Everything that could be ours, but what changes by itself: Helm's records, pods and their makers. */
async function versions(): Promise<ReadonlyMap<string, string>> {
  const ofCluster = 'clusterrole,clusterrolebinding,validatingadmissionpolicy,validatingadmissionpolicybinding,customresourcedefinition';
  const ofNamespace =
    'serviceaccount,role,rolebinding,service,deployment,poddisruptionbudget,networkpolicy,configmap,servicemonitor,prometheusrule';
  const found = new Map<string, string>();
  for (const args of [[ofCluster], [ofNamespace, '-n', namespace]]) {
    const { items } = JSON.parse(await kubectl(['get', ...args, '-o', 'json'])) as {
      items: {
        kind: string;
        metadata: { name: string; generation?: number; resourceVersion: string; labels?: object; annotations?: object };
      }[];
    };
    for (const { kind, metadata } of items) {
      if (!JSON.stringify(metadata).includes('modelwright')) continue;
      const { name, generation, resourceVersion, labels, annotations } = metadata;
      // Where there is a status, others write it all the time: the generation counts there, and every write elsewhere.
      found.set(`${kind} ${name}`, JSON.stringify(generation === undefined ? resourceVersion : { generation, labels, annotations }));
    }
  }
  return found;
}

function changed(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((name) => before.get(name) !== after.get(name));
}
