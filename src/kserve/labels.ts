import type { ModelDeployment } from '../api/model-deployment/index.ts';

export const labelPrefix = 'modelwright.dev/';

/**
 * Labels to select InferenceServices and their Pods by. KServe copies the InferenceService's labels to the Pods, so a label that changes
 * rolls them: only what identifies the model is here, and the API server keeps all of it but the version fixed once the model has served.
 * A new version is a new model, for which a rollout is meant.
 */
export function selectionLabels({ spec }: ModelDeployment): Record<string, string> {
  const { model, runtime } = spec;
  const identity: Record<string, string | undefined> = {
    architecture: model?.architecture,
    framework: model?.framework,
    task: model?.task,
    dataset: model?.dataset,
    version: model?.version?.toString(),
    parent: model?.parent,
    runtime: runtime.type,
  };
  const labels: Record<string, string> = {};
  for (const [name, text] of Object.entries(identity)) {
    const value = text === undefined ? '' : labelValue(text);
    if (value !== '') labels[labelPrefix + name] = value;
  }
  return labels;
}

/**
 * The nearest valid label value: what a label cannot hold becomes `-`, at most 63 characters, letters or digits at both ends. Empty where
 * nothing is left, as with a text in Chinese; such a model is found by the field selectors of ModelDeployment.
 */
export function labelValue(text: string): string {
  return text
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63)
    .replace(/[^A-Za-z0-9]+$/, '');
}
