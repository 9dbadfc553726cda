import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { Cached } from '../../../kube/store.ts';

type Named = Pick<Cached<ModelProfile>, 'metadata' | 'spec'>;

/**
 * Names what a profile loads, so that no two runs load it at once: a ModelDeployment and the InferenceService of its name are the same
 * servers, and so are two paths of one host.
 */
export function targetKeyOf({ metadata, spec: { target } }: Named): string {
  const name = target.modelDeployment ?? target.inferenceService;
  if (name !== undefined) return `${metadata.namespace}/${name}`;
  const url = target.url ?? '';
  return URL.canParse(url) ? `//${new URL(url).host}` : `//${url}`;
}

/** What is measured, for people. A URL is shown by its host alone: its path is the user's business. */
export function targetLabelOf({ spec: { target } }: Pick<Named, 'spec'>): string {
  if (target.modelDeployment !== undefined) return `modeldeployment/${target.modelDeployment}`;
  if (target.inferenceService !== undefined) return `inferenceservice/${target.inferenceService}`;
  const url = target.url ?? '';
  return URL.canParse(url) ? new URL(url).host : url;
}
