/** `metav1.Condition`. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
  /** One CamelCase word. */
  readonly reason: string;
  readonly message: string;
}

/** A condition before it is stamped. */
export type ConditionInput = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** The API server refuses longer messages. */
const maxMessageLength = 32_768;

/**
 * `current` with each of `next` set, in the order of `next`, the rest behind it. `lastTransitionTime` moves only where `status` does.
 * `now` is a `metav1.Time`; `observedGeneration` the generation that the new conditions speak of.
 */
export function setConditions(
  current: readonly Condition[] | undefined,
  next: readonly ConditionInput[],
  stamp: { readonly now: string; readonly observedGeneration: number },
): Condition[] {
  const before = new Map((current ?? []).map((condition) => [condition.type, condition]));
  const set = next.map(({ type, status, reason, message }) => {
    const old = before.get(type);
    before.delete(type);
    return {
      type,
      status,
      observedGeneration: stamp.observedGeneration,
      lastTransitionTime: old?.status === status ? old.lastTransitionTime : stamp.now,
      reason,
      message: message.length <= maxMessageLength ? message : `${message.slice(0, maxMessageLength - 1)}…`,
    };
  });
  return [...set, ...before.values()];
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Whether the condition is `True` and, where `generation` is given, speaks of that generation. */
export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string, generation?: number): boolean {
  const condition = findCondition(conditions, type);
  return condition?.status === 'True' && (generation === undefined || condition.observedGeneration === generation);
}
