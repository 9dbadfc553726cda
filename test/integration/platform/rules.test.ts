/** What the API server refuses in a ServingPlatform, and whom it lets write one. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { rules } from '../../../src/api/serving-platform/rules.ts';
import { apply, freshNamespace, kubectl } from '../../support/cluster.ts';
import { ownPlane } from './own-plane.ts';

let plane: ControlPlane;
before(async () => {
  plane = await ownPlane('integration');
});
after(() => plane?.stop());

const platform = (spec: object, name = 'default') => ({
  apiVersion: 'modelwright.dev/v1alpha1',
  kind: 'ServingPlatform',
  metadata: { name },
  spec,
});
const skipping = (...skipRegistries: string[]) => platform({ tagResolution: { skipRegistries } });
const repository = (azureBlob: object = {}, allowedNamespaces: object = {}) => ({
  name: 'default',
  azureBlob: { account: 'models', container: 'models', credentials: { secretRef: { name: 'models' } }, ...azureBlob },
  allowedNamespaces,
});
const dryRun = (object: object) => kubectl(['apply', '--dry-run=server', '-f', '-'], { input: object });

describe('a ServingPlatform', () => {
  it('may name hosts with ports, subdomains and localhost', async () => {
    await dryRun(skipping('nvcr.io', 'index.docker.io', 'localhost', 'registry:5000', '10.0.0.1:80', 'a-b.eu.gcr.io'));
  });

  it('may have repositories in every cloud, and hosts to package from', async () => {
    const china = repository(
      { cloud: 'China', prefix: 'team-a/models' },
      { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['a', 'b'] }] },
    );
    await dryRun(
      platform({
        repositories: [repository(), { ...china, name: 'team-a', reclaimPolicy: 'Delete', readAccess: 'Anonymous' }],
        packaging: { deadlineSeconds: 600, workSpace: '50Gi', resources: { limits: { memory: '1Gi' } } },
        storageContainer: {},
        policy: { sourceHosts: ['models.example.com', '*.blob.core.windows.net', 'localhost:8443'] },
      }),
    );
  });

  it('may resolve images, and read registries in every way', async () => {
    const runtimes = [
      {
        type: 'Triton',
        version: '^20.08-py3',
        gpuVersion: '20.x-py3',
        pinDigests: true,
        platform: 'linux/arm64/v8',
        protocols: ['V2', 'GRPCV2'],
      },
      { type: 'SKLearn', version: '~v0.6', args: ['--workers=2', '{{.Name}}'] },
      { type: 'TFServing', version: '2.x' },
    ];
    const registries = [
      { host: 'registry.example:5000', pullSecret: 'robot', caBundle: '-----BEGIN CERTIFICATE-----\n' },
      { host: 'localhost', plainHTTP: true },
      { host: 'docker.io', plainHTTP: false, caBundle: '-----BEGIN CERTIFICATE-----\n' },
    ];
    const policy = { runtimeRegistries: ['docker.io', 'nvcr.io/nvidia', 'registry:5000/team', 'localhost', 'localhost/a', '10.0.0.1:80'] };
    await dryRun(platform({ runtimes, registries, policy, kserve: { namespace: 'kubeflow' } }));
  });

  it('may be the sample', async () => {
    await kubectl([
      'apply',
      '--dry-run=server',
      '-f',
      new URL('../../../manifests/samples/serving-platform.yaml', import.meta.url).pathname,
    ]);
  });

  const refused: readonly [name: string, object: object, rule: string][] = [
    ['another name than default', platform({}, 'other'), 'name-default'],
    ['Docker Hub by the name that people use', skipping('docker.io'), 'registry-docker-hub'],
    ['Docker Hub by the name of its server', skipping('registry-1.docker.io'), 'registry-docker-hub'],
    ['a path', skipping('nvcr.io/nvidia'), 'registry-no-path'],
    ['a scheme', skipping('https://nvcr.io'), 'registry-no-path'],
    ['a wildcard', skipping('*.gcr.io'), 'registry-no-wildcard'],
    ['capitals', skipping('NVCR.io'), 'registry-host'],
    ['a word that Docker Hub would take', skipping('nvidia'), 'registry-host'],
    ['a comma, which would be two', skipping('a.io,b.io'), 'registry-host'],
    [
      'a platform of an image that is not pinned',
      platform({ runtimes: [{ type: 'Triton', version: '1', platform: 'linux/amd64', pinDigests: false }] }),
      'runtime-platform-pinned',
    ],
    [
      'a platform and no word of pinning',
      platform({ runtimes: [{ type: 'Triton', version: '1', platform: 'linux/amd64' }] }),
      'runtime-platform-pinned',
    ],
    [
      'a protocol that the server does not speak',
      platform({ runtimes: [{ type: 'Triton', version: '1', protocols: ['V2', 'V1'] }] }),
      'runtime-protocols',
    ],
    [
      'authorities of a registry without TLS',
      platform({ registries: [{ host: 'a.io', plainHTTP: true, caBundle: '-----BEGIN CERTIFICATE-----' }] }),
      'registry-plain-or-trusted',
    ],
    ['a URL where a host is meant', platform({ policy: { sourceHosts: ['https://models.example.com'] } }), 'source-host'],
    ['a star inside a host', platform({ policy: { sourceHosts: ['models.*.com'] } }), 'source-host'],
    ['a star alone', platform({ policy: { sourceHosts: ['*'] } }), 'source-host'],
    ['a repository that KServe would clone', platform({ repositories: [repository({ prefix: 'models.git/iris' })] }), 'repository-git'],
    [
      'a selector without values',
      platform({ repositories: [repository({}, { matchExpressions: [{ key: 'team', operator: 'In' }] })] }),
      'repository-selector',
    ],
    [
      'a selector with values that it ignores',
      platform({ repositories: [repository({}, { matchExpressions: [{ key: 'team', operator: 'Exists', values: ['a'] }] })] }),
      'repository-selector',
    ],
  ];
  for (const [name, object, id] of refused) {
    it(`may not have ${name}`, async () => {
      const rule = rules.find((one) => one.id === id);
      assert.ok(rule);
      await assert.rejects(dryRun(object), (error: Error) => error.message.includes(rule.message));
      assert.equal(rule.holds(object as never), false);
    });
  }

  const invalid: readonly [name: string, spec: object, words: RegExp][] = [
    [
      'a runtime that nobody knows',
      { runtimes: [{ type: 'Ollama', version: '1' }] },
      /spec\.runtimes\[0\]\.type.*supported values: "TFServing"/s,
    ],
    ['a tag in the image', { runtimes: [{ type: 'Triton', image: 'nvcr.io/x:1', version: '1' }] }, /spec\.runtimes\[0\]\.image/],
    [
      'one runtime twice',
      {
        runtimes: [
          { type: 'Triton', version: '1' },
          { type: 'Triton', version: '2' },
        ],
      },
      /Duplicate value/,
    ],
    ['a range without a number', { runtimes: [{ type: 'Triton', version: '^latest' }] }, /spec\.runtimes\[0\]\.version/],
    ['a registry with a path', { registries: [{ host: 'nvcr.io/nvidia' }] }, /spec\.registries\[0\]\.host/],
    ['one registry twice', { registries: [{ host: 'a.io' }, { host: 'a.io' }] }, /Duplicate value/],
    ['authorities that are none', { registries: [{ host: 'a.io', caBundle: 'LS0t' }] }, /spec\.registries\[0\]\.caBundle/],
    ['a registry of runtimes that is a word', { policy: { runtimeRegistries: ['nvidia'] } }, /spec\.policy\.runtimeRegistries\[0\]/],
    ['a tag in the policy', { policy: { runtimeRegistries: ['nvcr.io/nvidia/tritonserver:1'] } }, /spec\.policy\.runtimeRegistries\[0\]/],
    ['one repository twice', { repositories: [repository(), repository()] }, /Duplicate value/],
    ['a folder that climbs', { repositories: [repository({ prefix: '../other' })] }, /spec\.repositories\[0\]\.azureBlob\.prefix/],
    ['a cloud that nobody knows', { repositories: [repository({ cloud: 'Moon' })] }, /supported values: "Public", "China", "USGovernment"/],
    ['no copies to change at a time', { rollout: { maxUnavailable: 0 } }, /spec\.rollout\.maxUnavailable.*greater than or equal to 1/s],
  ];
  for (const [name, spec, words] of invalid) {
    it(`may not have ${name}`, () => assert.rejects(dryRun(platform(spec)), words));
  }
});

describe('the right to write a ServingPlatform', () => {
  it('is none of those that edit or administer a namespace', async () => {
    await kubectl(['apply', '--server-side', '-f', new URL('../../../manifests/operator/user-roles.yaml', import.meta.url).pathname]);
    await using namespace = await freshNamespace('tenant');
    for (const role of ['edit', 'admin']) {
      await apply({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: role, namespace: namespace.name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: role }],
      });
      const asUser = { as: role, groups: ['system:authenticated'] };
      await assert.rejects(apply(platform({}), asUser), new RegExp(`servingplatforms.* is forbidden: User "${role}" cannot`, 's'));
      await assert.rejects(kubectl(['delete', 'servingplatforms.modelwright.dev', 'default'], asUser), /forbidden/);
    }
  });

  it('is the cluster administrator’s', async () => {
    await apply(platform({}), { as: 'root', groups: ['system:masters'] });
  });
});

describe('modelwright doctor', () => {
  const doctor = async (namespace: string) => {
    const main = new URL('../../../src/cli/main.ts', import.meta.url).pathname;
    const run = promisify(execFile)(process.execPath, [main, 'doctor', '-n', namespace, '-o', 'json', '--kubeconfig', plane.kubeconfig]);
    const stdout = await run.then(
      (output) => output.stdout,
      (error: { stdout: string }) => error.stdout,
    );
    const { checks } = JSON.parse(stdout) as { checks: readonly { name: string; state: string; message: string }[] };
    const named = (name: string) => checks.find((check) => check.name === name);
    return { platform: named('ServingPlatform'), secrets: named('Pull secrets') };
  };

  it('says whether the ServingPlatform is in effect, and which pull secrets a namespace lacks', async () => {
    await using namespace = await freshNamespace('doctor');
    await kubectl(['delete', 'servingplatforms.modelwright.dev', 'default', '--ignore-not-found']);
    assert.equal((await doctor(namespace.name)).platform?.state, 'ok');
    await apply(platform({ runtimes: [{ type: 'Triton', version: '1', imagePullSecrets: ['nvcr', 'mirror'] }] }));
    const before = await doctor(namespace.name);
    assert.equal(before.platform?.state, 'warning');
    assert.match(before.platform.message, /the operator has not looked at it as it is now/);
    assert.equal(before.secrets?.state, 'missing');
    assert.match(before.secrets.message, /: nvcr, mirror, which runtimes of the ServingPlatform name/);
    const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: namespace.name } });
    await apply([secret('nvcr'), secret('mirror')]);
    assert.equal((await doctor(namespace.name)).secrets?.state, 'ok');
  });
});
