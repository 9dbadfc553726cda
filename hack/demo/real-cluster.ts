/** What users install before their first model, on the real node: KServe's setting, Modelwright by its chart, a platform, and a place for packages. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { getBinaries } from '../controlplane/binaries.ts';
import { HELM } from '../controlplane/catalog.ts';
import type { ControlPlane } from '../controlplane/plane.ts';
import { publish } from '../images/publish.ts';
import { pythonOf } from '../images/python.ts';
import { recipes } from '../images/recipes.ts';
import { say, show } from './say.ts';
import type { Demo } from './story.ts';

const run = promisify(execFile);
const checkout = resolve(import.meta.dirname, '../..');
const system = 'modelwright-system';
const host = 'packages.demo.test';
const port = 8000;

/** Sends the images to the node's registry and gives the digest of Modelwright's own. */
export async function publishImages({ plane }: Demo): Promise<string> {
  say('Images, made from npm, PyPI and Debian packages, go to the registry of the node');
  await run(process.execPath, [join(checkout, 'hack/build.ts')], { cwd: checkout });
  let digest = '';
  for (const name of ['storage-initializer', 'sklearn', 'modelwright'] as const) {
    const image = await recipes[name].make(show);
    await publish(image, plane.record.node?.registry ?? '');
    show(`${image.reference}@${image.digest.slice(0, 19)}…  ${recipes[name].summary}`);
    digest = image.digest;
  }
  return digest;
}

/** By the chart, where Pod Security "restricted" is enforced; and the server of scikit-learn models that there is an image of here. */
export async function installModelwright({ plane, namespace }: Demo, digest: string): Promise<void> {
  say(`helm install modelwright charts/modelwright --namespace ${system}`);
  const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const place = (name: string, labels: object) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  await apply(plane, place(system, restricted), place(namespace, {}));
  // KServe takes its initializer from here; the one it names by itself cannot be pulled without the internet.
  const initializer = JSON.stringify({ spec: { container: { image: recipes['storage-initializer'].reference } } });
  await plane.kubectl(['patch', 'clusterstoragecontainer', 'default', '--type=merge', '-p', initializer]);
  const { helm } = await getBinaries([{ component: HELM, binaries: ['helm'] }], { say: show });
  const repository = recipes.modelwright.reference.replace(/:[^:/]+$/, '');
  const values = ['--set', `image.repository=${repository},image.digest=${digest}`];
  const target = ['--namespace', system, '--kubeconfig', plane.kubeconfig, '--wait', '--timeout', '5m'];
  await run(helm?.path ?? 'helm', ['install', 'modelwright', join(checkout, 'charts/modelwright'), ...values, ...target], {
    maxBuffer: 16 << 20,
  });
  show(await plane.kubectl(['get', 'pods', '-n', system]));
  const [image = '', version = ''] = recipes.sklearn.reference.split(/:(?=[^/]+$)/);
  await apply(plane, {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ServingPlatform',
    metadata: { name: 'default' },
    // The load pod leaves the model a core of two.
    spec: { runtimes: [{ type: 'SKLearn', image, version }], benchmark: { cpus: 1 } },
  });
  await plane.kubectl(['wait', '--for=condition=Ready', '--timeout=120s', 'servingplatform/default']);
}

const train = `import joblib, sys
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
x, y = load_iris(return_X_y=True)
joblib.dump(LogisticRegression(max_iter=500).fit(x, y), sys.argv[1])`;

/** Trains a model, packages it, and serves the package over HTTP from this machine; gives its storageUri. */
export async function packageModel({ plane }: Demo): Promise<string> {
  say('A logistic regression on iris, trained just now: modelwright package iris --output iris.zip');
  const folder = join(plane.dir, 'iris');
  const packages = join(plane.dir, 'packages');
  for (const path of [folder, packages]) mkdirSync(path, { recursive: true });
  const python = await pythonOf('sklearn', show);
  await run(python.command, [...python.args, '-c', train, join(folder, 'model.joblib')], { env: python.env });
  const args = [join(checkout, 'dist/modelwright.js'), 'package', folder, '--output', join(packages, 'iris.zip')];
  show((await run(process.execPath, args)).stdout);
  const address = plane.record.node?.host ?? '';
  await plane.startProcess({
    name: 'packages',
    command: process.execPath,
    args: [join(import.meta.dirname, 'file-server.ts'), packages, address, String(port)],
  });
  writeFileSync(plane.record.node?.hostsFile ?? '', `${address} ${host}\n`);
  return `http://${host}:${port}/iris.zip`;
}

function apply(plane: ControlPlane, ...items: readonly object[]): Promise<string> {
  return plane.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}
