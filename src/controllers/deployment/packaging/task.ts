/** What a source asks to be done, and the digest by which one knows whether it was done. */
import { hash } from 'node:crypto';
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import { runtimesNamedByService } from '../../../api/model-deployment/runtime.ts';
import type { Cached } from '../../../kube/store.ts';

export type Task =
  | { readonly kind: 'Pack'; readonly source: string; readonly repository: string | undefined }
  | { readonly kind: 'Verify'; readonly source: string; readonly storageUri: string; readonly sha256: string };

/** Raised when the same source would become another package. */
const generation = 1;

/** Undefined for a source that KServe is given as it is. */
export function taskOf({ spec, metadata }: Cached<ModelDeployment>): Task | undefined {
  const { storageUri, verify, sha256, volume, archive } = spec.source;
  const digestOf = (...parts: readonly unknown[]) => hash('sha256', JSON.stringify([generation, spec.runtime.type, ...parts]));
  if (volume !== undefined || archive !== undefined) {
    // What lint compares the package with decides over it too: a name that does not agree, a GPU that is not there.
    const name = runtimesNamedByService.includes(spec.runtime.type) ? undefined : (spec.model?.name ?? metadata.name);
    const source = digestOf(volume ?? archive, name, spec.gpu?.count, spec.runtime.version);
    return { kind: 'Pack', source, repository: (volume ?? archive)?.repository };
  }
  if (storageUri === undefined || verify !== true) return undefined;
  const expected = sha256 ?? /\/([0-9a-f]{64})(?:\/|\/model\.zip)?$/.exec(storageUri)?.[1] ?? '';
  return { kind: 'Verify', source: digestOf(storageUri, expected), storageUri, sha256: expected };
}
