/**
 * A real node with KServe, and Modelwright installed on it as users install it: by its Helm chart, from its image, as two pods.
 * Before the first test there are Azurite in a pod, the images, and a ServingPlatform that names the local model servers.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { getBinaries } from '../../hack/controlplane/binaries.ts';
import { HELM } from '../../hack/controlplane/catalog.ts';
import { elapsed } from '../../hack/controlplane/log.ts';
import type { ControlPlane } from '../../hack/controlplane/plane.ts';
import { recipes } from '../../hack/images/recipes.ts';
import { KUBECONFIG_VARIABLE } from '../support/environment.ts';
import { startShared } from '../support/shared-plane.ts';
import { account, accountKey, authorityFile, container, makeAuthority, startAzurite } from './support/azure.ts';
import { everywhere, leaksInLogs } from './support/leaks.ts';
import { restrictedNamespace } from './support/objects.ts';
import { byDigest, publishImages, publishTrusting, SYSTEM } from './support/world.ts';

const run = promisify(execFile);
const CHECKOUT = resolve(import.meta.dirname, '../..');
const say = console.error;
/** Secret of the operator with the key of the account, and the ConfigMap with its authority. */
const STORAGE = 'storage';
const AUTHORITY = 'e2e-ca';

let plane: ControlPlane | undefined;

export async function globalSetup(): Promise<void> {
  delete process.env[KUBECONFIG_VARIABLE];
  const started = Date.now();
  await run(process.execPath, [join(CHECKOUT, 'hack/build.ts')], { cwd: CHECKOUT });
  plane = await startShared('e2e', { nodes: 'real', kserve: '0.20.0' });
  if (!plane) throw new Error('there is no instance');
  try {
    const authority = makeAuthority(plane);
    await publishImages(plane, ['modelwright', 'azurite', 'fake-dcgm-exporter']);
    say(`Modelwright's image published after ${elapsed(started)}`);
    await Promise.all([
      publishServers(plane).then(() => say(`all images published after ${elapsed(started)}`)),
      configureKServe(plane, authority.cert),
      startAzurite(plane, byDigest(plane, 'azurite'), authority).then(() => say(`Azurite answers after ${elapsed(started)}`)),
      installOperator(plane).then(() => say(`Modelwright installed after ${elapsed(started)}`)),
    ]);
    await declarePlatform(plane);
    say(`ready for tests after ${elapsed(started)}`);
  } catch (error) {
    await plane.stop();
    throw error;
  }
}

export async function globalTeardown(): Promise<void> {
  if (!plane) return;
  try {
    const found = await leaksInLogs(plane, everywhere);
    for (const { secret, where } of found) say(`${secret} is in ${where}`);
    if (found.length > 0) throw new Error('secrets are where they must not be');
  } finally {
    await plane.stop();
  }
}

async function publishServers(plane: ControlPlane): Promise<void> {
  await publishTrusting(plane, readFileSync(authorityFile(plane), 'utf8'));
  await publishImages(plane, ['storage-initializer', 'sklearn', 'triton', 'torchserve', 'tfserving-protocol']);
}

/**
 * What KServe's administrators do: the storage initializer's image, with the security context that it lacks, and the authority that
 * downloads trust.
 */
async function configureKServe(plane: ControlPlane, authority: string): Promise<void> {
  const namespace = 'kserve';
  await applyTo(plane, [configMap(namespace, { 'cabundle.crt': authority })]);
  const settings = JSON.parse(
    await plane.kubectl(['get', 'configmap', 'inferenceservice-config', '-n', namespace, '-o', 'jsonpath={.data.storageInitializer}']),
  ) as object;
  const storageInitializer = JSON.stringify({
    ...settings,
    caBundleConfigMapName: AUTHORITY,
    caBundleVolumeMountPath: '/etc/ssl/custom-certs',
  });
  await patch(plane, ['configmap', 'inferenceservice-config', '-n', namespace], { data: { storageInitializer } });
  const securityContext = {
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
  await patch(plane, ['clusterstoragecontainer', 'default'], {
    spec: { container: { image: recipes['storage-initializer'].reference, securityContext } },
  });
  // KServe reads its ConfigMap when it reconciles, but mounts the bundle by what its webhook read when it started.
  await plane.restart('kserve-manager');
}

function patch(plane: ControlPlane, target: readonly string[], change: object): Promise<string> {
  return plane.kubectl(['patch', ...target, '--type=merge', '-p', JSON.stringify(change)]);
}

function applyTo(plane: ControlPlane, items: readonly object[]): Promise<string> {
  return plane.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

function configMap(namespace: string, data: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: AUTHORITY, namespace }, data };
}

/** As docs/install.md tells users: registry, repository and digest of the image, and an authority of their own. */
async function installOperator(plane: ControlPlane): Promise<void> {
  const { helm } = await getBinaries([{ component: HELM, binaries: ['helm'] }], { say });
  await applyTo(plane, [
    restrictedNamespace(SYSTEM),
    configMap(SYSTEM, { 'ca.crt': readFileSync(authorityFile(plane), 'utf8') }),
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: STORAGE, namespace: SYSTEM },
      stringData: { AZURE_STORAGE_ACCESS_KEY: accountKey },
    },
  ]);
  const [repository = '', digest = ''] = byDigest(plane, 'modelwright').split('@');
  const values = {
    image: { repository, digest },
    extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/etc/authority/ca.crt' }],
    extraVolumes: [{ name: 'authority', configMap: { name: AUTHORITY } }],
    extraVolumeMounts: [{ name: 'authority', mountPath: '/etc/authority', readOnly: true }],
  };
  const file = join(plane.dir, 'values.json');
  writeFileSync(file, JSON.stringify(values));
  await run(
    helm?.path ?? '',
    [
      ...['install', 'modelwright', join(CHECKOUT, 'charts/modelwright'), '--namespace', SYSTEM, '--kubeconfig', plane.kubeconfig],
      ...['--values', file, '--wait', '--timeout', '5m'],
    ],
    { maxBuffer: 16 << 20 },
  );
}

/** The model servers that there are images of here, a place for packages, and load pods that leave the model a core of two. */
async function declarePlatform(plane: ControlPlane): Promise<void> {
  const server = (type: string, reference: string) => {
    const colon = reference.lastIndexOf(':');
    return { type, image: reference.slice(0, colon), version: reference.slice(colon + 1) };
  };
  const platform = {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ServingPlatform',
    metadata: { name: 'default' },
    spec: {
      runtimes: [
        server('SKLearn', recipes.sklearn.reference),
        server('Triton', recipes.triton.reference),
        server('TorchServe', recipes.torchserve.reference),
        server('TFServing', recipes['tfserving-protocol'].reference),
      ],
      repositories: [
        {
          name: 'packages',
          azureBlob: { account, container, prefix: 'packaged', credentials: { secretRef: { name: STORAGE } } },
          allowedNamespaces: {},
        },
      ],
      packaging: {
        image: byDigest(plane, 'trusting'),
        resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } },
      },
      storageContainer: { resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '1', memory: '256Mi' } } },
      benchmark: { image: byDigest(plane, 'modelwright'), cpus: 1 },
    },
  };
  await applyTo(plane, [platform]);
  await plane.kubectl(['wait', '--for=condition=Ready', '--timeout=120s', 'servingplatform/default']);
}
