/** Everything that `decide` may look at. */
import type { ModelProfile } from '../../api/model-profile/index.ts';
import type { Cached } from '../../kube/store.ts';
import type { DatasetPlace } from './accuracy/dataset.ts';
import type { Recommending } from './apply/observe.ts';
import type { Attempt } from './apply/step.ts';
import type { DedicatedDecision } from './dedicated/decide.ts';
import type { GpuClaim } from './dedicated/gpu-claim.ts';
import type { CopyToMake } from './idle/copies.ts';
import type { GpuSight } from './idle/gpu-watch.ts';
import type { BenchSettings } from './job/settings.ts';
import { type Task, tasksOf } from './plan/tasks.ts';
import type { Turn } from './queue.ts';
import type { ReportPlace } from './report/place.ts';
import type { ConfigMapOutcome } from './report/stored.ts';
import type { JobObject, LoadPodObject, NodeObject } from './resources.ts';
import type { TargetPod, TargetState } from './target/target.ts';

/** One place where points are measured: the running service, or a copy of it on one entry of the hardware. */
export interface Leg {
  /** Entry of the hardware; absent for the running service. */
  readonly hardware?: string;
  readonly state: TargetState;
  /** Pods of the target, whether it is ready or not. */
  readonly pods: readonly TargetPod[];
}

export interface Observed {
  readonly profile: Cached<ModelProfile>;
  /** At least one, unless no entry of the hardware can be had. */
  readonly legs: readonly Leg[];
  /** What is decided on the copies of a Dedicated profile; absent in mode Live. */
  readonly dedicated?: DedicatedDecision;
  /** What a recommendation is made of; absent where none is asked for. */
  readonly recommending?: Recommending;
  /** What came of the last step to apply the best setting. */
  readonly attempt?: Attempt;
  /** Where labelled samples come from; absent where accuracy is not asked for. */
  readonly dataset?: DatasetPlace;
  /** Where the archives of full reports go; absent where none are asked for. */
  readonly reportPlace?: ReportPlace;
  /** What came of the ConfigMap with the full report that was written last. */
  readonly reportWritten?: ConfigMapOutcome;
  /** Load Jobs that this profile owns, of all its runs. */
  readonly jobs: readonly Cached<JobObject>[];
  /** Load pods that have the label of this profile. */
  readonly pods: readonly Cached<LoadPodObject>[];
  /** Nodes that load pods are on, by name; one that is not here is gone. `undefined`: nodes may not be read. */
  readonly nodes: ReadonlyMap<string, Cached<NodeObject>> | undefined;
  /** Whether the operator may read Jobs and pods. */
  readonly mayMeasure: boolean;
  readonly settings: BenchSettings;
  /** Whether a run of this profile may start now, as far as others are concerned. */
  readonly turn: Turn;
  /** What was seen of the GPUs of the target, where the run needs to know. */
  readonly gpu?: GpuSight;
  /** Of a Dedicated run: the copy that is to be made next, whether its GPUs are idle or not. */
  readonly copyToMake?: CopyToMake;
  /** GPUs that the copy has, or may have when it is made now; of a run that waits, those that it waits for. */
  readonly claim?: GpuClaim;
  /** The profile that spec.baseline names. */
  readonly baselineProfile?: Cached<ModelProfile>;
  /** Profiles that load the same target, this one among them: what they measured may serve again. */
  readonly sameTarget: readonly Cached<ModelProfile>[];
  /** Version of this program. */
  readonly version: string;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: number;
}

/** Everything that the profile asks to be measured, on every leg. */
export function tasksOfObserved({ profile, legs }: Pick<Observed, 'profile' | 'legs'>): Task[] {
  return tasksOf(
    profile.spec,
    legs.map(({ hardware }) => hardware),
  );
}
