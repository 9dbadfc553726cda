/** The conditions in a ModelProfile's status, and what each says when it is True. */
export const conditionTypes = {
  Ready: 'The results in the status are complete and of the spec as it is. Its reason and message name the cause when they are not.',
  Complete: 'The latest run has measured all of its points.',
  Idle: 'The GPUs to be measured have been idle for as long as spec.idlePolicy asks. Absent without that.',
  SLOMet: 'A valid point keeps the objective. Absent until something is measured.',
  Regressed: 'The run is worse than spec.baseline by more than its tolerance, beyond what chance explains. Absent without that.',
  Applied:
    'What the best setting means stands in the ModelDeployment. Its reason and message say why it does not. Absent without spec.apply: Apply and spec.rollback, and until a run is complete.',
  Stale: 'What the results are of has changed since: the message says what. Absent until something is measured.',
  Reconciling: 'Work goes on by itself; there only while it is so.',
  Stalled: 'Nothing goes on until somebody acts; there only while it is so.',
} as const satisfies Readonly<Record<string, string>>;

export type ConditionType = keyof typeof conditionTypes;
