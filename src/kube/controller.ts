import type { Logger } from '../telemetry/logger.ts';
import type { ObjectKey } from './object.ts';

export interface ReconcileContext {
  /** Aborts at shutdown after the grace period, and when the reconcile's time is up. */
  readonly signal: AbortSignal;
  /** Carries controller, object key and reconcileID. */
  readonly log: Logger;
  /** Names this one run of `reconcile` in logs. */
  readonly reconcileID: string;
}

export interface ReconcileResult {
  /** Look again after this long, whatever happens; absent: when something changes. */
  readonly requeueAfterMilliseconds?: number;
}

/** Nothing more to do until something changes. */
export const done: ReconcileResult = {};

/** A failure that trying again cannot cure: logged and counted, and the key waits for the next change. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
  readonly code = 'TERMINAL';
}

/** Puts a key into the controller's queue; `initial` marks what was there at start, which yields to live changes. */
export type Enqueue = (key: ObjectKey, initial: boolean) => void;

/** A source of keys. */
export interface Watch {
  /** What this source reads, for logs. */
  readonly source: string;
  hasSynced(): boolean;
  start(enqueue: Enqueue): () => void;
}

/** One controller: what it watches and what it does about one key. Never two runs for one key at a time. */
export interface Controller {
  readonly name: string;
  readonly watches: readonly Watch[];
  /** Makes the world of `key` as it should be. A throw is retried with growing delay. */
  reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult>;
  /** Keys worked on at once. @default 10 */
  readonly workers?: number;
  /** One run may take this long before its signal aborts. @default 120000 */
  readonly timeoutMilliseconds?: number;
}
