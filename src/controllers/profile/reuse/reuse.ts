/** When the results of an earlier run are taken over instead of measuring the same once more. */
import type { ModelProfileSpec, ModelProfileStatus, ProfileResult } from '../../../api/model-profile/index.ts';
import type { Provenance } from '../staleness/staleness.ts';

/** A ModelProfile whose results might serve. */
export interface Donor {
  readonly name: string;
  readonly status?: ModelProfileStatus;
}

/** The run that is about to begin. */
export interface Wanted {
  readonly spec: Pick<ModelProfileSpec, 'reuse' | 'baseline' | 'accuracy' | 'report'>;
  /** `specHashOf` the spec. */
  readonly specHash: string;
  readonly provenance: Provenance;
  /** `podsState` of the target now; empty where there is no pod. */
  readonly targetState: string;
  /** Ids of all the points that the run would measure. */
  readonly points: readonly string[];
  /** A run of the calendar, or of a changed spec.runId: somebody asked for new figures. */
  readonly asked: boolean;
}

export interface Reused {
  readonly from: string;
  readonly status: ModelProfileStatus & { readonly results: readonly ProfileResult[]; readonly provenance: Provenance };
}

/**
 * The latest complete run that measured the very same: its spec says the same of everything that matters, every trait of its
 * provenance is the same, and every point that is wanted is there and valid. Undefined where there is none or a run has to measure.
 */
export function findIdentical(
  { spec, specHash, provenance, targetState, points, asked }: Wanted,
  donors: readonly Donor[],
): Reused | undefined {
  if (spec.reuse === 'Never' || spec.baseline !== undefined || asked) return undefined;
  // The content of a dataset may have changed under its name; and an archive is made by a load pod alone.
  if ((spec.accuracy !== undefined && spec.accuracy.dataset.sha256 === undefined) || spec.report?.repository !== undefined)
    return undefined;
  const digested = provenance.imageDigest !== undefined && provenance.modelSha256 !== undefined;
  const found = donors.flatMap(({ name, status }): (Reused & { readonly at: string })[] => {
    const { run, results, provenance: theirs } = status ?? {};
    if (status === undefined || run?.state !== 'Complete' || run.specHash !== specHash || results === undefined || theirs === undefined)
      return [];
    if (provenanceKey(theirs) !== provenanceKey(provenance)) return [];
    // What no digest names might have changed under its name, unless the very pods that were measured serve still.
    if (!digested && (targetState === '' || run.targetState !== targetState)) return [];
    const valid = new Set(results.filter((point) => point.valid).map(({ id }) => id));
    if (results.length === 0 || !points.every((id) => valid.has(id))) return [];
    const from = run.reusedFrom ?? `${name}/${run.id}`;
    return [{ from, status: { ...status, results, provenance: theirs }, at: run.completionTime ?? '' }];
  });
  const latest = found.toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : a.from < b.from ? -1 : 1))[0];
  return latest === undefined ? undefined : { from: latest.from, status: latest.status };
}

/** All traits in one text. The GPUs' own numbers are part of it only by their product: which of equal ones it was, the scheduler chose. */
function provenanceKey({
  target,
  targetUid,
  storageUri,
  modelSha256,
  image,
  imageDigest,
  kserve,
  deploymentMode,
  nodes,
  gpuProduct,
  gpuDriver,
  tool,
}: Provenance): string {
  const one = [target, targetUid, modelSha256 ?? storageUri, imageDigest ?? image, kserve, deploymentMode, gpuProduct, gpuDriver, tool];
  return JSON.stringify([...one.map((value) => value ?? null), nodes?.toSorted() ?? null]);
}
