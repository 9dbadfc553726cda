/** The conditions in a ModelDeployment's status, and what each says when it is True. */
export const conditionTypes = {
  Ready: 'The model serves what the spec declares. Its reason and message name the cause when it does not.',
  Packaged:
    'The package that spec.source asks for is in its repository, or, with verify, is what it claims to be. Absent for a storageUri without verify.',
  RuntimeReady: 'The image of the model server is known and can be had.',
  InferenceServiceReady: 'The InferenceService made from the spec is ready, by its own account and by that of its pods.',
  Promoted:
    'The promotion gate lets through what the spec declares. Its message names the number that broke the objective when it does not. Absent without spec.rollout.gate.',
  IdentityUnique:
    'No other ModelDeployment of the namespace has the same architecture, framework, runtime, task, dataset and version. Absent where the spec names too few of them.',
  Reconciling: 'Work goes on by itself; there only while it is so.',
  Stalled: 'Nothing goes on until somebody acts; there only while it is so.',
} as const satisfies Readonly<Record<string, string>>;
