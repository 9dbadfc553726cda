/** The whole policy of the platform controller: from what was observed to what should be done and said. Pure. */
import type { ServingPlatform, ServingPlatformStatus } from '../../api/serving-platform/index.ts';
import { type ConditionInput, setConditions } from '../../kube/conditions.ts';
import { type Action, clip, type Part, type Verdict } from './decision.ts';
import type { ImageQuery } from './image-query.ts';
import type { Observed } from './observe.ts';
import { decideRuntimes, isRollingOut } from './runtimes.ts';
import { decideStorageContainer } from './storage-container.ts';
import { decideTagResolution } from './tag-resolution.ts';

export interface Decision {
  readonly actions: readonly Action[];
  /** What has to be known from container registries from now on. */
  readonly queries: readonly ImageQuery[];
  /** Undefined while the platform is being deleted. */
  readonly status: StatusDraft | undefined;
  /** While being deleted: nothing of ours is left, and the object may go. */
  readonly isGone: boolean;
}

export type StatusDraft = Omit<ServingPlatformStatus, 'conditions' | 'observedGeneration'> & {
  readonly conditions: readonly ConditionInput[];
};

/** What should be true now. The same observation always gives the same decision. */
export function decide(observed: Observed): Decision {
  const [runtimes, tags] = [decideRuntimes(observed), decideTagResolution(observed)];
  const container = decideStorageContainer(observed.platform, observed.storageContainer, observed.setbacks.get('storageContainer'));
  const actions = [...runtimes.actions, ...tags.actions, ...container.actions];
  if (observed.platform.metadata.deletionTimestamp !== undefined) {
    return { actions, queries: [], status: undefined, isGone: runtimes.remains !== true && tags.remains !== true };
  }
  const drift = [runtimes, tags].flatMap((part) => part.drift ?? []);
  const status: StatusDraft = {
    conditions: conditionsOf(observed, runtimes, tags, container),
    ...(runtimes.status?.summary !== undefined && { summary: runtimes.status.summary }),
    ...(runtimes.status?.runtimes !== undefined && runtimes.status.runtimes.length > 0 && { runtimes: runtimes.status.runtimes }),
    ...(runtimes.status?.resolutions !== undefined &&
      runtimes.status.resolutions.length > 0 && { resolutions: runtimes.status.resolutions }),
    ...(tags.status?.tagResolution !== undefined && { tagResolution: tags.status.tagResolution }),
    ...(drift.length > 0 && { drift }),
  };
  return { actions, queries: [runtimes, tags].flatMap((part) => part.queries ?? []), status, isGone: false };
}

function conditionsOf(observed: Observed, runtimes: Part, tags: Part, container: Part): ConditionInput[] {
  const parts = [
    ...(runtimes.verdict === undefined ? [] : [{ type: 'RuntimesReady', ...runtimes.verdict }]),
    ...(observed.platform.spec.tagResolution?.skipRegistries === undefined
      ? []
      : [{ type: 'TagResolutionReady', ...(tags.verdict ?? inProgress) }]),
    ...(container.verdict === undefined ? [] : [{ type: 'StorageContainerReady', ...container.verdict }]),
  ];
  const ready = readyOf([...displaced(observed), ...parts]);
  const contested = parts.find(({ reason }) => reason === 'Conflict');
  const rolling = isRollingOut(observed, runtimes.status?.runtimes ?? []);
  const conditions: (ConditionInput | undefined)[] = [
    ...parts,
    { type: 'Ready', ...ready },
    contested && { type: 'Conflict', status: 'True', reason: 'FieldContested', message: contested.message },
    ready.status === 'Unknown' || (ready.status === 'True' && rolling)
      ? { type: 'Reconciling', status: 'True', reason: rolling ? 'RollingOut' : ready.reason, message: ready.message }
      : undefined,
    ready.status === 'False' ? { type: 'Stalled', status: 'True', reason: ready.reason, message: ready.message } : undefined,
  ];
  return conditions.flatMap((condition) => (condition === undefined ? [] : [{ ...condition, message: clip(condition.message, 4096) }]));
}

/** KServe is not where the spec says. */
function displaced({ platform, serving, inferenceServiceConfig }: Observed): readonly ConditionInput[] {
  const namespace = platform.spec.kserve?.namespace;
  if (namespace === undefined || inferenceServiceConfig !== undefined || serving.kind === 'Missing') return [];
  const message = `spec.kserve.namespace: there is no ConfigMap inferenceservice-config in namespace ${namespace}, or it may not be read; correct it, or leave it out to have KServe found`;
  return [{ type: 'Ready', status: 'False', reason: 'ConfigMapMissing', message }];
}

const inProgress: Verdict = { status: 'Unknown', reason: 'Progressing', message: 'config-deployment is being edited' };

function readyOf(parts: readonly ConditionInput[]): Verdict {
  const worst = parts.find(({ status }) => status === 'False') ?? parts.find(({ status }) => status === 'Unknown');
  if (worst !== undefined) return { status: worst.status, reason: worst.reason, message: worst.message };
  const message = parts.length === 0 ? 'Nothing is declared that has to be brought about' : parts.map((part) => part.message).join('. ');
  return { status: 'True', reason: 'Applied', message };
}

/** The status to write: conditions keep their times, and only those that hold now stay. */
export function stampStatus({ status, metadata }: ServingPlatform, draft: StatusDraft, now: string): ServingPlatformStatus {
  const generation = metadata.generation ?? 0;
  const wanted = new Set(draft.conditions.map(({ type }) => type));
  const conditions = setConditions(status?.conditions, draft.conditions, { now, observedGeneration: generation });
  return { ...draft, observedGeneration: generation, conditions: conditions.filter(({ type }) => wanted.has(type)) };
}
