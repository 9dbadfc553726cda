import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import type { Cached } from '../../kube/store.ts';

/**
 * What makes two deployments the same entry of the library, as one text; undefined when the spec does not say enough to be told apart
 * by: architecture, framework, task and dataset are all needed. A version left out equals a version left out.
 */
export function identityOf({ spec }: Pick<ModelDeployment, 'spec'>): string | undefined {
  const { architecture, framework, task, dataset, version } = spec.model ?? {};
  if (architecture === undefined || framework === undefined || task === undefined || dataset === undefined) return undefined;
  return JSON.stringify([architecture, framework, spec.runtime.type, task, dataset, version ?? null]);
}

/** The identity in words, for messages. */
export function describeIdentity({ spec }: Pick<ModelDeployment, 'spec'>): string {
  const { architecture, framework, task, dataset, version } = spec.model ?? {};
  const numbered = version === undefined ? 'no version' : `version ${version}`;
  return `architecture ${architecture}, framework ${framework}, runtime ${spec.runtime.type}, task ${task}, dataset ${dataset}, ${numbered}`;
}

/** The deployment among `others` that holds the identity of `deployment`: created earlier, by name where that is equal; undefined when `deployment` itself does. */
export function holderOfIdentity(
  deployment: Cached<ModelDeployment>,
  others: readonly Cached<ModelDeployment>[],
): Cached<ModelDeployment> | undefined {
  return others
    .filter((other) => other.metadata.uid !== deployment.metadata.uid && other.metadata.deletionTimestamp === undefined)
    .filter((other) => isBefore(other, deployment))
    .toSorted((a, b) => (isBefore(a, b) ? -1 : 1))[0];
}

function isBefore(a: Cached<ModelDeployment>, b: Cached<ModelDeployment>): boolean {
  const [created, than] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  return created === than ? a.metadata.name < b.metadata.name : created < than;
}
