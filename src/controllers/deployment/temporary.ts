/** Temporary ModelDeployments: copies of a model that are made to be measured, and removed afterwards. */
import { createHash } from 'node:crypto';
import type { ModelDeployment, ModelDeploymentSpec } from '../../api/model-deployment/index.ts';
import { runtimesNamedByService } from '../../api/model-deployment/runtime.ts';
import { modelNameOf } from '../../kserve/addresses.ts';
import type { KubeObject, OwnerReference } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';

/** Label of everything temporary; its value says what for. */
export const temporaryLabel = 'modelwright.dev/temporary';
export const temporaryPurposes = ['Benchmark', 'Candidate'] as const;
export type TemporaryPurpose = (typeof temporaryPurposes)[number];

/** Annotation: when the object is removed at the latest, whatever it is used for. RFC 3339. */
export const deadlineAnnotation = 'modelwright.dev/deadline';

export interface TemporaryCopy {
  readonly purpose: TemporaryPurpose;
  /** Whatever tells this copy from every other of the same deployment: it goes into the name. */
  readonly identity: readonly string[];
  readonly owner: OwnerReference;
  /** Milliseconds since 1970. */
  readonly deadline?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec: ModelDeploymentSpec;
}

/** Whether a ModelDeployment was made to be measured and goes away by itself. */
export function isTemporary({ metadata }: Pick<KubeObject, 'metadata'> | Cached<KubeObject>): boolean {
  return metadata.labels?.[temporaryLabel] !== undefined;
}

/** Why a profile may not name a temporary copy as its target. */
export function temporaryTarget(name: string): { readonly reason: 'TargetTemporary'; readonly message: string } {
  return {
    reason: 'TargetTemporary',
    message: `ModelDeployment ${name} is itself a temporary copy, and goes with what it was made for; name what it is a copy of`,
  };
}

/** A ModelDeployment to apply: a copy of `original` under a name of its own, which goes when its owner goes. */
export function temporaryCopy(
  original: Cached<ModelDeployment>,
  copy: TemporaryCopy,
): ModelDeployment & { metadata: { ownerReferences: readonly OwnerReference[] } } {
  const { name, namespace } = original.metadata;
  const { purpose, identity, owner, deadline, labels, spec } = copy;
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata: {
      name: temporaryName(name, namespace, identity),
      ...(namespace !== undefined && { namespace }),
      labels: { [temporaryLabel]: purpose, ...labels },
      ...(deadline !== undefined && { annotations: { [deadlineAnnotation]: new Date(deadline).toISOString().replace(/\.\d+Z$/, 'Z') } }),
      ownerReferences: [owner],
    },
    spec,
  };
}

/** When a temporary object ends at the latest, in milliseconds since 1970; undefined where it says nothing that can be read. */
export function deadlineOf({ metadata }: Pick<KubeObject, 'metadata'> | Cached<KubeObject>): number | undefined {
  const time = Date.parse(metadata.annotations?.[deadlineAnnotation] ?? '');
  return Number.isNaN(time) ? undefined : time;
}

/**
 * What a copy has in common with its original: everything that decides over how fast it is. Left out are its place in the library (two
 * deployments may not be the same model), how many copies run, and everything about how it changes.
 */
export function copiedSpec(original: ModelDeployment): ModelDeploymentSpec {
  const { model, rollout: _rollout, profile: _profile, suspend: _suspend, deploymentMode: _mode, ...rest } = original.spec;
  const { version, inputs, outputs } = model ?? {};
  const named = runtimesNamedByService.includes(original.spec.runtime.type) ? undefined : modelNameOf(original);
  const kept = {
    ...(named !== undefined && { name: named }),
    ...(version !== undefined && { version }),
    ...(inputs !== undefined && { inputs }),
    ...(outputs !== undefined && { outputs }),
  };
  return {
    ...rest,
    ...(Object.keys(kept).length > 0 && { model: kept }),
  };
}

/** The shortest limit of the KServe releases with `-predictor-default` in their names. */
const longestName = 40;
/** `<name>-<namespace>` is one part of a host name. */
const longestHostLabel = 63;
const digits = 10;

/** A name for a copy that KServe takes in every version, and that no other copy has. */
export function temporaryName(name: string, namespace: string | undefined, identity: readonly string[]): string {
  const longest = Math.min(longestName, longestHostLabel - 1 - (namespace ?? 'default').length);
  const hash = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, digits);
  const stem = name.slice(0, Math.max(0, longest - digits - 1)).replace(/-+$/, '');
  return stem === '' ? `m${hash}` : `${stem}-${hash}`;
}
