/** How a ModelDeployment says that a profile may change it. */
import type { KubeObject } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';

/** Annotation of a ModelDeployment: name of the ModelProfile that may apply its best setting, whoever may write that. */
export const consentAnnotation = 'modelwright.dev/apply-profile';

export function consents({ metadata }: Pick<Cached<KubeObject>, 'metadata'>, profile: string): boolean {
  return metadata.annotations?.[consentAnnotation] === profile;
}
