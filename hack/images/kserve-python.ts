/**
 * Programs of KServe in Python that PyPI does not have, unchanged, out of KServe's Go module, whose checksum is in `go.sum`: the scikit-learn server
 * and the first program of the storage initializer.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getBinaries } from '../controlplane/binaries.ts';
import { cachedFiles } from '../controlplane/cache.ts';
import { KSERVE_PYTHON } from '../controlplane/catalog.ts';
import type { Say } from '../controlplane/log.ts';
import { fromFile } from './entries.ts';
import { cachedLayer, type Layer } from './layer.ts';

const [{ module, paths }] = KSERVE_PYTHON.files;

/**
 * @param from folder of the module, as `python/sklearnserver`; what is kept of it
 * @param to the folder that it is in the image
 */
export async function kservePythonLayer(from: string, to: string, say: Say): Promise<Layer> {
  await getBinaries([{ component: KSERVE_PYTHON, binaries: [] }], { say });
  const root = cachedFiles(KSERVE_PYTHON, module);
  const files = paths
    .filter((path) => path.startsWith(`${from}/`))
    .map((path) => ({ source: join(root, path), path: `${to}${path.slice(from.length)}` }));
  const digests = files.map(({ source, path }) => [path, createHash('sha256').update(readFileSync(source)).digest('hex')]);
  return cachedLayer(['kserve-python', digests], async () => files.map(({ source, path }) => ({ ...fromFile(source, path), mode: 0o644 })));
}
