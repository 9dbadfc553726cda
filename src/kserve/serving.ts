import type { ModelDeploymentStatus } from '../api/model-deployment/index.ts';
import type { stages } from '../api/model-deployment/status.ts';

/** Where along the way to a serving model something lies. */
export type Stage = (typeof stages)[number];

export type Addresses = NonNullable<ModelDeploymentStatus['addresses']>;
export type Loading = NonNullable<ModelDeploymentStatus['loading']>;
export type RuntimeInUse = NonNullable<ModelDeploymentStatus['runtime']>;

/** What keeps the declared model from serving, and where that was seen. */
export interface Cause {
  readonly stage: Stage;
  /** One CamelCase word for programs; stable. */
  readonly reason: string;
  /** The cause and what to do. Secrets are redacted. */
  readonly message: string;
  readonly pod?: string;
  readonly container?: string;
  /** The last lines of the container's log, or its termination message. Secrets are redacted. */
  readonly logTail?: string;
}

/** A container whose last log lines would say more. `previous`: those of the run that ended. */
export interface LogRequest {
  readonly pod: string;
  readonly container: string;
  readonly previous: boolean;
}

/**
 * - `Ready`: the declared spec serves.
 * - `Progressing`: on the way, nothing wrong so far.
 * - `Failed`: something stands in the way; `cause` says what. Also when an older revision still answers (`previousServes`).
 * - `Suspended`: stopped on request.
 * - `Unknown`: nothing can be said yet.
 */
export type ServingState = 'Ready' | 'Progressing' | 'Failed' | 'Suspended' | 'Unknown';

/** What an InferenceService and everything below it says, read together. */
export interface Serving {
  readonly state: ServingState;
  /** For the Ready condition: one CamelCase word, and a sentence with the remedy. */
  readonly reason: string;
  readonly message: string;
  readonly loading: Loading;
  readonly addresses: Addresses;
  readonly runtime: RuntimeInUse;
  readonly cause?: Cause;
  /** A rollout is going on or has failed, and the version before it still answers. */
  readonly previousServes: boolean;
  /** Logs worth fetching before the next reading. */
  readonly wantsLogsOf: readonly LogRequest[];
}
