/**
 * A statement that one object can be judged by, written twice: as CEL, which the API server evaluates at `kubectl apply`, and as a
 * predicate, which `modelwright lint` evaluates without a cluster. An integration test applies every rule's examples to a real API
 * server and to the predicate and compares the verdicts.
 */
export interface Rule<T> {
  /** Stable name, also the anchor in the reference page. */
  readonly id: string;
  /**
   * What `self` and `oldSelf` are. `spec`: the spec, so that an unchanged one is not judged again (Kubernetes ratchets by subtree) and
   * the status of an object older than the rule can still be written. `object`: the whole object, for rules that read metadata or status.
   */
  readonly scope: 'spec' | 'object';
  /** CEL. Spelled with `has()`: optionals (`self.?a`) lose the size bounds that the API server's cost estimate needs. */
  readonly cel: string;
  /** What the user reads: the field and the remedy. */
  readonly message: string;
  /** The field that the API server names before the message, as a path from the object's root such as `.spec.runtime.version`. */
  readonly fieldPath: string;
  /** `Invalid` (the default): the value alone is wrong. `Forbidden`: another field, or the past, rules it out. */
  readonly reason?: 'Invalid' | 'Forbidden';
  /** The predicate of the same meaning. `old` is the stored object in rules of change, and undefined on creation. */
  readonly holds: (object: T, old?: T) => boolean;
}

/** Rules of change are evaluated on updates only: their CEL mentions `oldSelf`. */
export function isTransitionRule<T>(rule: Rule<T>): boolean {
  return rule.cel.includes('oldSelf');
}
