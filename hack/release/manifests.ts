/**
 * Plain YAML for those who install with `kubectl apply -f`, made from manifests/ by the real kustomize (in kubectl).
 *
 *   npm run release:manifests -- [--image REFERENCE] [--out FOLDER]
 */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { dump, loadAll } from 'js-yaml';
import { getBinaries } from '../controlplane/binaries.ts';
import { KUBERNETES } from '../controlplane/catalog.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

/** File of a release, and the folder of manifests/ that it is made of. */
const files = {
  'install.yaml': 'manifests/default',
  'crds.yaml': 'crds',
  'namespaced.yaml': 'manifests/namespaced',
  'argocd-health.yaml': 'manifests/gitops/argocd',
} as const;

interface Container {
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
}

interface Manifest {
  readonly kind: string;
  readonly spec?: { readonly template?: { readonly spec?: { readonly containers?: readonly Container[] } } };
}

export interface ReleaseManifests {
  /** Of the operator; default the one that the manifests name. */
  readonly image?: string;
  readonly out: string;
  readonly version: string;
}

/** Writes the files into `out` and gives their paths. */
export async function writeManifests({ image, out, version }: ReleaseManifests): Promise<string[]> {
  const { kubectl } = await getBinaries([{ component: KUBERNETES, binaries: ['kubectl'] }], { say: console.error });
  mkdirSync(out, { recursive: true });
  return Promise.all(
    Object.entries(files).map(async ([name, folder]) => {
      const { stdout } = await run(kubectl?.path ?? 'kubectl', ['kustomize', join(root, folder)], { maxBuffer: 64 << 20 });
      const path = join(out, `modelwright-${version}-${name}`);
      writeFileSync(path, image === undefined ? stdout : withImage(stdout, image));
      return path;
    }),
  );
}

/** Every container of the Deployments runs the image, and is told it, since Jobs run the same. */
export function withImage(yaml: string, image: string): string {
  const manifests = loadAll(yaml) as Manifest[];
  return manifests
    .map((manifest) => dump(manifest.kind === 'Deployment' ? imaged(manifest, image) : manifest, { lineWidth: -1, noRefs: true }))
    .join('---\n');
}

function imaged(manifest: Manifest, image: string): Manifest {
  const { template } = manifest.spec ?? {};
  const containers = (template?.spec?.containers ?? []).map((container) => ({
    ...container,
    image,
    ...(container.env !== undefined && {
      env: container.env.map((variable) => (variable.name === 'MODELWRIGHT_IMAGE' ? { ...variable, value: image } : variable)),
    }),
  }));
  return { ...manifest, spec: { ...manifest.spec, template: { ...template, spec: { ...template?.spec, containers } } } };
}
