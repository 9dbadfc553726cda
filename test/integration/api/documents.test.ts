import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadAll } from 'js-yaml';
import { group } from '../../../src/api/kind.ts';
import { applyCrds, freshNamespace, kubectl } from '../../support/cluster.ts';

const root = resolve(import.meta.dirname, '../../..');

describe('every object in manifests, charts and documentation', () => {
  let namespace: Awaited<ReturnType<typeof freshNamespace>>;
  before(async () => {
    await applyCrds();
    namespace = await freshNamespace('documents');
  });
  after(() => namespace[Symbol.asyncDispose]());

  const objects = writtenObjects().filter(isServed);

  for (const { place, object } of objects) {
    it(`${place}: ${object.kind} ${object.metadata?.name} is accepted by the API server`, async () => {
      const { namespace: _, ...metadata } = object.metadata ?? {};
      const args = ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-n', namespace.name, '-f', '-'];
      await kubectl(args, { input: { ...object, metadata } });
    });
  }

  it('is found: the samples at least', () => {
    assert.ok(objects.filter(({ place }) => place.startsWith('manifests/samples/')).length >= 11);
  });
});

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}

interface Written {
  readonly place: string;
  readonly object: Manifest;
}

/** Whole objects, from YAML files that are no templates and from the YAML blocks of Markdown pages. */
function writtenObjects(): Written[] {
  const files = globSync(['manifests/**/*.yaml', 'charts/**/*.yaml'], { cwd: root, exclude: ['**/templates/**', '**/crds/**'] });
  const pages = globSync(['README.md', 'docs/**/*.md', 'manifests/**/*.md', 'charts/**/*.md'], { cwd: root });
  const texts = [
    ...files.map((place) => ({ place, text: readFileSync(join(root, place), 'utf8') })),
    ...pages.flatMap((place) =>
      [...readFileSync(join(root, place), 'utf8').matchAll(/^```ya?ml\n(.*?)^```/gms)].map(([, text = '']) => ({ place, text })),
    ),
  ];
  return texts
    .filter(({ text }) => /^apiVersion: /m.test(text))
    .flatMap(({ place, text }) => loadAll(text).map((object) => ({ place, object: object as Manifest })))
    .filter(({ object }) => object?.apiVersion !== undefined && object.kind !== undefined)
    .sort((a, b) => (a.place < b.place ? -1 : 1));
}

/** Kubernetes' own groups and ours; KServe's and Knative's kinds are judged by their own conformance tests, a Kustomization by kubectl. */
function isServed({ object: { apiVersion } }: Written): boolean {
  const [name = '', version] = apiVersion.split('/');
  if (version === undefined || !name.includes('.')) return true;
  return name === group || (name.endsWith('.k8s.io') && name !== 'kustomize.config.k8s.io');
}
