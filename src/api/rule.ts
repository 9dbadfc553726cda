/**
 * A statement that one object can be judged by, written twice: as CEL, which the API server evaluates at `kubectl apply`, and as a
 * predicate, which `modelwright lint` evaluates without a cluster. An integration test applies every rule's example to a real API server
 * and to the predicate and compares the verdicts.
 */
export interface Rule<T> {
  /** Stable name, also the anchor in the reference page. */
  readonly id: string;
  /** CEL over the whole object (`self`); rules of change read `oldSelf` too. */
  readonly cel: string;
  /** What the user reads: the field and the remedy. */
  readonly message: string;
  /** The field that the API server names beside the message, as a JSONPath such as `.spec.runtime.version`. */
  readonly fieldPath: string;
  /** The predicate of the same meaning. `old` is the stored object in rules of change, and undefined on creation. */
  readonly holds: (object: T, old?: T) => boolean;
}

/** Rules of change are evaluated on updates only: their CEL mentions `oldSelf`. */
export function isTransitionRule<T>(rule: Rule<T>): boolean {
  return rule.cel.includes('oldSelf');
}
