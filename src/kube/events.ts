import type { KubeObject } from './object.ts';
import type { Cached } from './store.ts';

export interface EventInput {
  readonly type: 'Normal' | 'Warning';
  /** Short CamelCase word: why this happened. */
  readonly reason: string;
  /** CamelCase verb: what was done or found, for example `Reconcile`. */
  readonly action: string;
  /** One sentence for people; at most 1,024 characters are kept. */
  readonly note: string;
  /** A second object that plays a part. */
  readonly related?: Cached<KubeObject>;
}

/** Tells people what happened to an object. Never throws and never blocks: events are best effort. */
export interface EventRecorder {
  record(regarding: Cached<KubeObject>, event: EventInput): void;
}

/** `v1.ObjectReference`, as far as events need it. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** `events.k8s.io/v1` Event. */
export interface KubeEvent extends KubeObject {
  readonly eventTime: string;
  readonly type: string;
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  readonly regarding: ObjectReference;
  readonly related?: ObjectReference;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}
