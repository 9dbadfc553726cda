/**
 * A real node with KServe, and Modelwright installed on it as users install it: by its Helm chart, from its image, as two pods.
 * Before the first test there are Azurite, the images, and a ServingPlatform that names the local model servers.
 */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { getBinaries } from '../../hack/controlplane/binaries.ts';
import { HELM } from '../../hack/controlplane/catalog.ts';
import { elapsed } from '../../hack/controlplane/log.ts';
import { whyNoRealNode } from '../../hack/controlplane/node/tools.ts';
import type { ControlPlane } from '../../hack/controlplane/plane.ts';
import { recipes } from '../../hack/images/recipes.ts';
import { KUBECONFIG_VARIABLE } from '../support/environment.ts';
import { startShared } from '../support/shared-plane.ts';
import { startAzurite } from './support/azure.ts';
import { type Published, publishImages, SYSTEM } from './support/world.ts';

const run = promisify(execFile);
const CHECKOUT = resolve(import.meta.dirname, '../..');
const say = console.error;

let plane: ControlPlane | undefined;

export async function globalSetup(): Promise<void> {
  const why = whyNoRealNode();
  if (why) throw new Error(`the end-to-end tests need a real node: ${why}`);
  delete process.env[KUBECONFIG_VARIABLE];
  const started = Date.now();
  await run(process.execPath, [join(CHECKOUT, 'hack/build.ts')], { cwd: CHECKOUT });
  plane = await startShared('e2e', { nodes: 'real', kserve: '0.20.0' });
  if (!plane) throw new Error('there is no instance');
  try {
    const images = await publishImages(plane, ['modelwright', 'storage-initializer', 'sklearn', 'triton']);
    say(`images published after ${elapsed(started)}`);
    await Promise.all([configureKServe(plane, await startAzurite(plane)), installOperator(plane, images)]);
    await declarePlatform(plane, images);
    say(`Modelwright installed after ${elapsed(started)}`);
  } catch (error) {
    await plane.stop();
    throw error;
  }
}

export async function globalTeardown(): Promise<void> {
  await plane?.stop();
}

/** The storage initializer's image, and the authority that downloads trust: both where KServe's administrators set them. */
async function configureKServe(plane: ControlPlane, authority: string): Promise<void> {
  const namespace = 'kserve';
  const file = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'e2e-ca', namespace }, data: { 'cabundle.crt': authority } };
  await plane.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(file));
  const settings = JSON.parse(
    await plane.kubectl(['get', 'configmap', 'inferenceservice-config', '-n', namespace, '-o', 'jsonpath={.data.storageInitializer}']),
  ) as object;
  const storageInitializer = JSON.stringify({
    ...settings,
    caBundleConfigMapName: 'e2e-ca',
    caBundleVolumeMountPath: '/etc/ssl/custom-certs',
  });
  await patch(plane, ['configmap', 'inferenceservice-config', '-n', namespace], { data: { storageInitializer } });
  await patch(plane, ['clusterstoragecontainer', 'default'], { spec: { container: { image: recipes['storage-initializer'].reference } } });
  // KServe reads its ConfigMap when it reconciles, but mounts the bundle by what its webhook read when it started.
  await plane.restart('kserve-manager');
}

function patch(plane: ControlPlane, target: readonly string[], change: object): Promise<string> {
  return plane.kubectl(['patch', ...target, '--type=merge', '-p', JSON.stringify(change)]);
}

/** As docs/ tells users, with the registry, repository and digest of the image. */
async function installOperator(plane: ControlPlane, images: Published): Promise<void> {
  const { helm } = await getBinaries([{ component: HELM, binaries: ['helm'] }], { say });
  const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await plane.kubectl(
    ['apply', '--server-side', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM, labels: restricted } }),
  );
  const { reference, digest } = images.modelwright ?? { reference: '', digest: '' };
  await run(
    helm?.path ?? '',
    [
      ...['install', 'modelwright', join(CHECKOUT, 'charts/modelwright'), '--namespace', SYSTEM, '--kubeconfig', plane.kubeconfig],
      ...['--set', `image.repository=${reference.replace(/:[^:/]+$/, '')}`, '--set', `image.digest=${digest}`],
      ...['--wait', '--timeout', '5m'],
    ],
    { maxBuffer: 16 << 20 },
  );
}

/** The model servers that there are images of here, and load pods that leave the model a core of two. */
async function declarePlatform(plane: ControlPlane, images: Published): Promise<void> {
  const server = (type: string, reference: string) => {
    const [image = '', version = ''] = splitTag(reference);
    return { type, image, version };
  };
  const platform = {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ServingPlatform',
    metadata: { name: 'default' },
    spec: {
      runtimes: [server('SKLearn', recipes.sklearn.reference), server('Triton', recipes.triton.reference)],
      benchmark: { image: `${splitTag(recipes.modelwright.reference)[0]}@${images.modelwright?.digest}`, cpus: 1 },
    },
  };
  await plane.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(platform));
  await plane.kubectl(['wait', '--for=condition=Ready', '--timeout=120s', 'servingplatform/default']);
}

function splitTag(reference: string): string[] {
  const colon = reference.lastIndexOf(':');
  return [reference.slice(0, colon), reference.slice(colon + 1)];
}
