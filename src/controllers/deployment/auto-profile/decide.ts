/** The ModelProfile that follows a deployment by itself. Pure. */
import { createHash } from 'node:crypto';
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import { controllerReference, type OwnerReference } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';
import { redactUri } from '../../../models/redact.ts';
import type { StatusDraft } from '../status.ts';

/** Behind the name of the deployment, so that it does not meet a profile that somebody wrote. */
export const autoSuffix = '-auto';

/**
 * The profile as it should be, or undefined when nothing is to be done about it: the model does not serve, or nobody asked. It is begun
 * anew for each model and each image; what else changes about the deployment is no reason to load it.
 *
 * @param status what is said of the deployment now
 */
export function autoProfileOf(deployment: Cached<ModelDeployment>, status: StatusDraft): ModelProfile | undefined {
  const { profile } = deployment.spec as ModelDeployment['spec'];
  if (profile?.auto !== true || deployment.metadata.deletionTimestamp !== undefined) return undefined;
  const isReady = status.conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  const runId = isReady ? runIdOf(deployment, status) : undefined;
  if (runId === undefined) return undefined;
  const { name, namespace } = deployment.metadata;
  const made: ModelProfile & { metadata: { ownerReferences: readonly OwnerReference[] } } = {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelProfile',
    metadata: {
      name: `${name}${autoSuffix}`,
      ...(namespace !== undefined && { namespace }),
      ownerReferences: [controllerReference(deployment as never)],
    },
    spec: { ...profile.template, target: { modelDeployment: name }, runId },
  };
  return made;
}

/** Names the model and the image that serve; undefined while the image is not known. */
function runIdOf({ spec }: Cached<ModelDeployment>, { package: packaged, runtime }: StatusDraft): string | undefined {
  const image = runtime?.digest ?? runtime?.image;
  const model = packaged?.sha256 ?? (spec.source.storageUri === undefined ? undefined : redactUri(spec.source.storageUri));
  if (image === undefined || model === undefined) return undefined;
  return `auto-${createHash('sha256')
    .update(JSON.stringify([model, image]))
    .digest('hex')
    .slice(0, 12)}`;
}
