import type { ServingPlatformStatus } from '../../api/serving-platform/index.ts';
import type { ServingRuntimeObject } from '../../kserve/facts.ts';
import type { RevisionObject } from '../../kserve/observation.ts';
import type { OwnRuntime } from '../../kserve/platform/own-runtime.ts';
import type { ConditionInput } from '../../kube/conditions.ts';
import type { Cached } from '../../kube/store.ts';
import type { StorageContainerObject } from '../deployment/packaging/storage-container.ts';
import type { ImageQuery } from './image-query.ts';
import type { SharedKey } from './observe.ts';
import type { SharedConfigMap } from './resources.ts';

/** One thing to do. */
export type Action =
  | {
      readonly kind: 'SetKey';
      readonly target: SharedKey;
      readonly object: Cached<SharedConfigMap>;
      readonly key: string;
      /** null: take the key away. */
      readonly value: string | null;
      /** What goes into our annotation; null: take it away. */
      readonly claim: string | null;
    }
  | { readonly kind: 'ApplyRuntime'; readonly object: OwnRuntime }
  | { readonly kind: 'DeleteRuntime'; readonly object: Cached<ServingRuntimeObject> }
  | { readonly kind: 'ApplyStorageContainer'; readonly object: StorageContainerObject }
  | { readonly kind: 'DeleteStorageContainer'; readonly object: Cached<StorageContainerObject> }
  | { readonly kind: 'FreeRevision'; readonly object: Cached<RevisionObject> };

export type Verdict = Pick<ConditionInput, 'status' | 'reason' | 'message'>;
export type Drift = NonNullable<ServingPlatformStatus['drift']>[number];

/** What one part of the spec comes to. */
export interface Part {
  readonly actions: readonly Action[];
  /** Undefined: nothing is declared, and nothing is to be said. */
  readonly verdict?: Verdict;
  readonly drift?: Drift;
  readonly status?: Partial<ServingPlatformStatus>;
  /** What has to be known from registries. */
  readonly queries?: readonly ImageQuery[];
  /** Something of ours is still in the cluster, so that a deletion must wait. */
  readonly remains?: boolean;
}

/** The annotations on the shared ConfigMaps in which we keep what we changed there, for the day it is taken back. */
export const claimAnnotation: Readonly<Record<SharedKey, string>> = {
  registries: 'modelwright.dev/registries-claim',
  predictors: 'modelwright.dev/predictors-claim',
};

/** Our claim on a ConfigMap; one that cannot be read is none, and what we added counts as somebody else's then. */
export function claimOn<T>(object: Cached<SharedConfigMap>, key: SharedKey): T | undefined {
  const text = object.metadata.annotations?.[claimAnnotation[key]];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

export function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
