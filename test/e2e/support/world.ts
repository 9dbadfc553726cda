/** What the end-to-end tests share: the instance, its images, a place for models, and a client inside the cluster. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import type { Image } from '../../../hack/images/image.ts';
import { publish } from '../../../hack/images/publish.ts';
import { type ImageName, recipes } from '../../../hack/images/recipes.ts';
import { apply, controlPlane, freshNamespace, kubectl } from '../../support/cluster.ts';
import { accountKey, pushEnvironment } from './azure.ts';

const run = promisify(execFile);
const CHECKOUT = resolve(import.meta.dirname, '../../..');

/** Where the operator lives. */
export const SYSTEM = 'modelwright-system';

export type Published = Readonly<Partial<Record<ImageName, { readonly reference: string; readonly digest: string }>>>;

/** Makes images and sends them to the instance's registry; what is there already costs a few requests. */
export async function publishImages(plane: ControlPlane, names: readonly ImageName[]): Promise<Published> {
  const registry = plane.record.node?.registry;
  if (!registry) throw new Error(`instance ${plane.name} has no real node`);
  const published: Record<string, Pick<Image, 'reference' | 'digest'>> = {};
  for (const name of names) {
    const image = await recipes[name].make(console.error);
    await publish(image, registry);
    published[name] = { reference: image.reference, digest: image.digest };
  }
  writeFileSync(imagesFile(plane), JSON.stringify(published));
  return published;
}

/** The digest of an image that the global set-up published. */
export function digestOf(name: ImageName): string {
  const published = JSON.parse(readFileSync(imagesFile(controlPlane()), 'utf8')) as Published;
  const digest = published[name]?.digest;
  if (!digest) throw new Error(`the image ${name} was not published`);
  return digest;
}

function imagesFile(plane: ControlPlane): string {
  return join(plane.dir, 'images.json');
}

/** A namespace whose models may read the private container, with a Pod in it that asks their Services. */
export async function modelsNamespace(): Promise<{ readonly name: string } & AsyncDisposable> {
  const namespace = await freshNamespace('models');
  const { name } = namespace;
  await apply([
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'storage', namespace: name },
      stringData: { AZURE_STORAGE_ACCESS_KEY: accountKey },
    },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name }, secrets: [{ name: 'storage' }] },
    client(name),
  ]);
  await kubectl(['wait', '--for=condition=Ready', '--timeout=180s', 'pod/client', '-n', name]);
  return namespace;
}

/** Modelwright's own image has Node and no shell: enough for a client. */
function client(namespace: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'client', namespace },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'client',
          image: recipes.modelwright.reference.replace(/:[^:]+$/, `@${digestOf('modelwright')}`),
          command: ['/usr/bin/node', '-e', 'setInterval(() => {}, 1e6)'],
          resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '128Mi' } },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
        },
      ],
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const ASK = `const [url, body] = process.argv.slice(1);
const answer = await fetch(url, body ? { method: 'POST', body, headers: { 'content-type': 'application/json' } } : {});
const text = await answer.text();
let parsed; try { parsed = JSON.parse(text); } catch { parsed = text; }
console.log(JSON.stringify({ status: answer.status, body: parsed }));`;

/** Asks a URL from inside the cluster: GET, or POST with a JSON body. */
export async function ask(namespace: string, url: string, body?: unknown): Promise<Answer> {
  const script = ['/usr/bin/node', '--input-type=module', '-e', ASK, url, ...(body === undefined ? [] : [JSON.stringify(body)])];
  return JSON.parse(await kubectl(['exec', '-n', namespace, 'client', '--', ...script])) as Answer;
}

/** Runs our command line from the bundle that the image has, too. */
export async function modelwright(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const { stdout } = await run(process.execPath, [join(CHECKOUT, 'dist/modelwright.js'), ...args], { env, maxBuffer: 16 << 20 });
  return stdout;
}

/** `modelwright push` of a model folder; gives its storageUri. */
export async function push(folder: string): Promise<string> {
  const repository = 'az://modelwright/models/packages';
  return (await modelwright(['push', folder, '--to', repository, '--generate'], pushEnvironment(controlPlane()))).trim();
}
