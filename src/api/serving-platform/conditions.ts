/** The conditions in a ServingPlatform's status, and what each says when it is True. */
export const conditionTypes = {
  Ready: 'Everything that the spec declares is in effect. Its reason and message name the first thing that is not.',
  RuntimesReady: 'Each declared runtime image is what new services get. Absent where none is declared.',
  TagResolutionReady: 'Knative resolves no tags for the declared registries. Absent where none is declared.',
  StorageContainerReady:
    'KServe can be told to download packages by modelwright fetch. Absent where spec.storageContainer is not declared.',
  Conflict: 'Somebody else keeps putting back what the spec declares, and we have stopped; there only while it is so.',
  Reconciling: 'Work goes on by itself; there only while it is so.',
  Stalled: 'Nothing goes on until somebody acts; there only while it is so.',
} as const satisfies Readonly<Record<string, string>>;

export type ConditionType = keyof typeof conditionTypes;
