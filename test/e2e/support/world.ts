/** What the end-to-end tests share: the instance, its images, a place for models, and a client inside the cluster. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { text } from '../../../hack/images/entries.ts';
import { type Image, makeImage } from '../../../hack/images/image.ts';
import { writeLayer } from '../../../hack/images/layer.ts';
import { modelwrightRun } from '../../../hack/images/modelwright.ts';
import { publish } from '../../../hack/images/publish.ts';
import { type ImageName, recipes } from '../../../hack/images/recipes.ts';
import { makeModels, type RealModels } from '../../packaging/support/models.ts';
import { apply, controlPlane, freshNamespace, kubectl } from '../../support/cluster.ts';
import { accountKey, pushEnvironment } from './azure.ts';
import { restrictedNamespace } from './objects.ts';

const run = promisify(execFile);
const CHECKOUT = resolve(import.meta.dirname, '../../..');

/** Where the operator lives. */
export const SYSTEM = 'modelwright-system';

/** `trusting`: Modelwright's image with the authority of the account's certificate, as an organisation makes its own. */
type PublishedName = ImageName | 'trusting';

/** Makes images and sends them to the instance's registry; what is there already costs a few requests. */
export async function publishImages(plane: ControlPlane, names: readonly ImageName[]): Promise<void> {
  for (const name of names) {
    const image = await recipes[name].make(console.error);
    await publish(image, registryOf(plane));
    remember(plane, name, image);
  }
}

/** @param authority PEM */
export async function publishTrusting(plane: ControlPlane, authority: string): Promise<void> {
  const { layers } = await recipes.modelwright.make(console.error);
  const root = join(plane.dir, 'trusting');
  const file = 'etc/authority/ca.crt';
  const image = makeImage(
    {
      reference: recipes.modelwright.reference.replace(/:[^:]+$/, ':trusting'),
      layers: [...layers, await writeLayer([text(file, authority)], { root })],
      run: { ...modelwrightRun, Env: [...modelwrightRun.Env, `NODE_EXTRA_CA_CERTS=/${file}`] },
    },
    root,
  );
  await publish(image, registryOf(plane), root);
  remember(plane, 'trusting', image);
}

/** Repository and digest of an image that the global set-up published. */
export function byDigest(plane: ControlPlane, name: PublishedName): string {
  const known = readPublished(plane)[name];
  if (known === undefined) throw new Error(`the image ${name} was not published`);
  return known;
}

/** Its digest alone, as a Pod's status ends with it. */
export function digestOf(name: PublishedName): string {
  return byDigest(controlPlane(), name).replace(/^.*@/, '');
}

function remember(plane: ControlPlane, name: PublishedName, { reference, digest }: Image): void {
  const known = { ...readPublished(plane), [name]: reference.replace(/:[^:/]+$/, `@${digest}`) };
  writeFileSync(imagesFile(plane), JSON.stringify(known));
}

function readPublished(plane: ControlPlane): Readonly<Partial<Record<PublishedName, string>>> {
  return existsSync(imagesFile(plane)) ? (JSON.parse(readFileSync(imagesFile(plane), 'utf8')) as object) : {};
}

function imagesFile(plane: ControlPlane): string {
  return join(plane.dir, 'images.json');
}

function registryOf(plane: ControlPlane): string {
  if (!plane.record.node) throw new Error(`instance ${plane.name} has no real node`);
  return plane.record.node.registry;
}

/** What a suite has between its first test and its last. */
export interface Models {
  /** Name of a namespace of the suite's own, as `modelsNamespace` makes it. */
  readonly namespace: string;
  /** A folder with a trained model for each server. */
  readonly sources: RealModels['sources'];
}

/** To be called in a `describe`: makes trained models and a namespace for them before its tests, and removes both after them. */
export function useModels(): Models {
  let models: RealModels | undefined;
  let namespace: Awaited<ReturnType<typeof modelsNamespace>> | undefined;
  before(async () => {
    models = await makeModels();
    namespace = await modelsNamespace();
  });
  after(async () => {
    await namespace?.[Symbol.asyncDispose]();
    if (models) await rm(models.folder, { recursive: true, force: true });
  });
  return {
    get namespace() {
      return there(namespace).name;
    },
    get sources() {
      return there(models).sources;
    },
  };
}

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('models and their namespace are there in tests and hooks only');
  return value;
}

/** A namespace that enforces `restricted`, whose models may read the private container, with a Pod in it that asks their Services. */
export async function modelsNamespace(): Promise<{ readonly name: string } & AsyncDisposable> {
  const namespace = await freshNamespace('models');
  const { name } = namespace;
  await apply([
    restrictedNamespace(name),
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
          image: byDigest(controlPlane(), 'modelwright'),
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

/** What says that no connection came about, so that nothing was asked yet. */
const UNCONNECTED = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'];

const ASK = `const [url, body] = process.argv.slice(1);
const ask = () => fetch(url, body ? { method: 'POST', body, headers: { 'content-type': 'application/json' } } : {});
let answer;
for (const began = Date.now(); !answer; ) {
  answer = await ask().catch((error) => {
    if (!${JSON.stringify(UNCONNECTED)}.includes(error.cause?.code) || Date.now() - began > 30_000) throw error;
    return new Promise((done) => setTimeout(done, 250));
  });
}
const text = await answer.text();
let parsed; try { parsed = JSON.parse(text); } catch { parsed = text; }
console.log(JSON.stringify({ status: answer.status, body: parsed }));`;

/** Asks a URL from inside the cluster: GET, or POST with a JSON body. The node's rules for a Service follow the readiness of its pods by a moment. */
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
