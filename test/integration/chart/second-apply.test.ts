/**
 * What people keep in Git, applied again while an operator works on it, by kubectl of either kind and by Helm: nothing is left to change, so that a GitOps
 * tool sees no drift and needs no ignoreDifferences.
 */
import assert from 'node:assert/strict';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadAll } from 'js-yaml';
import { start } from '../../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { applyCrds, eventually, freshNamespace, kubectl } from '../../support/cluster.ts';
import { Helm } from '../../support/helm.ts';
import { useControlPlane } from '../../support/shared-plane.ts';
import { installInferenceServices } from '../deployment/light-kserve.ts';
import { OperatorProcess } from '../deployment/operator-process.ts';

const samples = resolve(import.meta.dirname, '../../../manifests/samples');
const files = globSync(['*.yaml', 'profiles/*.yaml'], { cwd: samples })
  .filter((file) => file !== 'kustomization.yaml')
  .map((file) => join(samples, file));
const objects = files.flatMap((file) => loadAll(readFileSync(file, 'utf8')) as { apiVersion: string }[]);
const ours = objects.filter(({ apiVersion }) => apiVersion.startsWith('modelwright.dev/'));
/** Of the whole cluster: no part of a release in a namespace. */
const platform = join(samples, 'serving-platform.yaml');
const inNamespace = files.filter((file) => file !== platform);
const asArguments = (paths: readonly string[]) => paths.flatMap((path) => ['-f', path]);

interface Made {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly generation: number; readonly labels?: object; readonly annotations?: object };
  readonly status?: { readonly observedGeneration?: number };
}

let plane: ControlPlane;
let helm: Helm;
let operator: OperatorProcess;
let namespaces: ({ readonly name: string } & AsyncDisposable)[];

before(async () => {
  helm = await Helm.get();
  plane = await start({ name: `second-apply-${process.pid}` });
  useControlPlane(plane);
  await applyCrds();
  await installInferenceServices();
  namespaces = await Promise.all(['kubectl', 'server-side', 'helm'].map((name) => freshNamespace(name)));
  // The Secrets that the samples name would be in its own namespace, where it may read them.
  for (const file of ['namespace', 'repositories'])
    await kubectl(['apply', '--server-side', '-f', resolve(samples, `../operator/${file}.yaml`)]);
  operator = await OperatorProcess.start(
    namespaces.map(({ name }) => name),
    ['--system-namespace', 'modelwright-system'],
  );
});
after(async () => {
  await operator?.[Symbol.asyncDispose]();
  await plane?.stop();
  helm?.[Symbol.dispose]();
});

/** Everything of ours there, once the operator has had a look at each: what it would change in a spec or in metadata is changed by then. */
async function settled(namespace: string): Promise<ReadonlyMap<string, string>> {
  const items = await eventually(
    async () => {
      const output = await kubectl(['get', 'modeldeployments,modelprofiles,servingplatforms', '-n', namespace, '-o', 'json']);
      return (JSON.parse(output) as { items: Made[] }).items;
    },
    (found) => found.length === ours.length && found.every(({ metadata, status }) => status?.observedGeneration === metadata.generation),
    120,
  );
  return new Map(
    items.map(({ kind, metadata: { name, generation, labels, annotations } }) => [
      `${kind} ${name}`,
      JSON.stringify({ generation, labels, annotations }),
    ]),
  );
}

describe('what people keep in Git, applied a second time', { timeout: 600_000 }, () => {
  it('changes nothing by kubectl, which finds no difference either', async () => {
    const [{ name = '' } = {}] = namespaces;
    const args = ['-n', name, ...asArguments(files)];
    await kubectl(['apply', ...args]);
    const before = await settled(name);
    assert.equal(await kubectl(['diff', ...args]), '');
    const said = (await kubectl(['apply', ...args])).trim().split('\n');
    assert.equal(said.length, objects.length);
    assert.deepEqual(
      said.filter((line) => !line.endsWith(' unchanged')),
      [],
    );
    assert.deepEqual(await settled(name), before);
  });

  it('changes nothing by server-side apply', async () => {
    const [, { name = '' } = {}] = namespaces;
    const args = ['--server-side', '--field-manager=argocd-controller', '--force-conflicts', '-n', name, ...asArguments(files)];
    await kubectl(['apply', ...args]);
    const before = await settled(name);
    assert.equal(await kubectl(['diff', ...args]), '');
    await kubectl(['apply', ...args]);
    assert.deepEqual(await settled(name), before);
  });

  it('changes nothing by Helm', async () => {
    const [, , { name = '' } = {}] = namespaces;
    const folder = mkdtempSync(join(tmpdir(), 'modelwright-release-'));
    try {
      mkdirSync(join(folder, 'templates'));
      writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: models\nversion: 1.0.0\n');
      for (const file of inNamespace) copyFileSync(file, join(folder, 'templates', basename(file)));
      const upgrade = () => helm.run(['upgrade', '--install', 'models', folder, '--namespace', name], { kubeconfig: plane.kubeconfig });
      await upgrade();
      const before = await settled(name);
      await upgrade();
      assert.deepEqual(await settled(name), before);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('was looked at by an operator that found nothing wrong with itself', () => assert.deepEqual(operator.errors(), []));
});
