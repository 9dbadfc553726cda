import type { ModelProfileStatus, ProfileResult } from '../../api/model-profile/index.ts';
import type { ConditionInput } from '../../kube/conditions.ts';
import type { EventInput } from '../../kube/events.ts';
import type { Cached } from '../../kube/store.ts';
import type { Step } from './apply/step.ts';
import type { JobObject } from './resources.ts';
import type { Refusal } from './results/collect.ts';

export type Run = NonNullable<ModelProfileStatus['run']>;

/** What to do, in this order. */
export type Action =
  /** `Foreground`: the Job stays until its pods are gone. `Background` where they may never go. */
  | { readonly kind: 'DeleteJob'; readonly job: Cached<JobObject>; readonly propagation: 'Foreground' | 'Background'; readonly why: string }
  /** `after`: the Job before it, which must be gone or finished. */
  | { readonly kind: 'CreateJob'; readonly job: JobObject; readonly after?: string; readonly event: EventInput };

/** A status before it is stamped with times and generation. */
export type StatusDraft = Omit<ModelProfileStatus, 'conditions' | 'observedGeneration'> & {
  readonly conditions: readonly ConditionInput[];
};

export interface Decision {
  readonly actions: readonly Action[];
  /** Undefined while the profile is being deleted: then nothing is written any more. */
  readonly status: StatusDraft | undefined;
  /** Messages that were not taken; each is told once. */
  readonly refusals: readonly Refusal[];
  /** Whether a run goes on, or is to start: the place among the runs at once that it takes. */
  readonly takesPlace: boolean;
  /** Look again after this long even when nothing changes. */
  readonly lookAgainMilliseconds?: number;
  /** The ConfigMap with the full report is to be written, when the status is. */
  readonly writesReport?: boolean;
  /** The next step by which the best setting reaches the ModelDeployment; taken when the status is written. */
  readonly step?: Step;
}

/** How things are with the run, for people. */
export type Account =
  | { readonly kind: 'Suspended' }
  /** The first run begins at a time of the calendar. */
  | { readonly kind: 'AwaitingSchedule'; readonly message: string }
  /** Goes on by itself. */
  | { readonly kind: 'Waiting'; readonly reason: string; readonly message: string; readonly ahead?: number }
  /** Goes on when somebody has changed something. */
  | { readonly kind: 'Blocked'; readonly reason: string; readonly message: string }
  | { readonly kind: 'Measuring'; readonly reason?: string; readonly message: string }
  | { readonly kind: 'Ended' };

/** A run and what it has given, with what is to be done about it. */
export interface Progress {
  readonly run: Run | undefined;
  readonly results: readonly ProfileResult[];
  /** What results that were taken over are of. */
  readonly provenance?: NonNullable<ModelProfileStatus['provenance']>;
  readonly account: Account;
  readonly actions: readonly Action[];
  readonly refusals?: readonly Refusal[];
  readonly lookAgainMilliseconds?: number;
}
