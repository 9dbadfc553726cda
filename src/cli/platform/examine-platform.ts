/** What `modelwright doctor` says about the ServingPlatform. */
import type { ServingPlatform } from '../../api/serving-platform/index.ts';
import { servingPlatform } from '../../api/serving-platform/index.ts';
import { servingPlatforms } from '../../controllers/platform/resources.ts';
import { platformKey } from '../../controllers/platform/stores.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isForbidden, isNotFound, isResourceAbsent } from '../../kube/errors.ts';
import type { KubeObject, ResourceType } from '../../kube/object.ts';
import type { Check } from '../doctor.ts';

const name = 'ServingPlatform';

/** @param namespace where models are meant to go */
export async function examinePlatform(client: KubeClient, namespace: string): Promise<Check[]> {
  let platform: ServingPlatform;
  try {
    platform = await client.get(servingPlatforms, platformKey);
  } catch (error) {
    const check = withoutPlatform(error);
    if (check === undefined) throw error;
    return [check];
  }
  return [effect(platform), ...(await pullSecrets(client, platform, namespace))];
}

function withoutPlatform(error: unknown): Check | undefined {
  if (isForbidden(error)) return { name, state: 'warning', message: 'cannot be read with these permissions' };
  if (isResourceAbsent(error)) {
    const message = `${servingPlatform.plural}.${servingPlatform.group} is not served, so nobody can declare one; install it: kubectl apply --server-side -f crds/`;
    return { name, state: 'warning', message };
  }
  return isNotFound(error)
    ? { name, state: 'ok', message: 'none: models get the images that KServe ships, and Knative resolves every tag' }
    : undefined;
}

function effect({ status, metadata }: ServingPlatform): Check {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (
    status === undefined ||
    ready === undefined ||
    status.observedGeneration !== (metadata as { readonly generation?: number }).generation
  ) {
    const message = 'the operator has not looked at it as it is now; is it running, and does it manage the platform (--manage-platform)?';
    return { name, state: 'warning', message };
  }
  const found = status.tagResolution?.failedRevisions ?? [];
  const failed = found.length === 0 ? '' : `; ${found.length} Revisions failed on tag resolution (modelwright tag-resolution show)`;
  return { name, state: ready.status === 'True' && found.length === 0 ? 'ok' : 'warning', message: `${ready.message}${failed}` };
}

/** Only its name and type are asked for, and it is the person at the keyboard who asks. */
const secretNames: ResourceType<KubeObject> = { group: '', version: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true };

async function pullSecrets(client: KubeClient, { spec }: ServingPlatform, namespace: string): Promise<Check[]> {
  const declared = [...new Set((spec.runtimes ?? []).flatMap(({ imagePullSecrets = [] }) => imagePullSecrets))];
  if (declared.length === 0) return [];
  const found = await Promise.all(declared.map(async (secret) => ({ secret, state: await stateOf(client, namespace, secret) })));
  const named = (state: string) => found.filter((one) => one.state === state).map(({ secret }) => secret);
  const check = 'Pull secrets';
  if (named('missing').length > 0) {
    const message = `not in namespace ${namespace}: ${named('missing').join(', ')}, which runtimes of the ServingPlatform name; pods cannot pull, and Knative cannot resolve, without them`;
    return [{ name: check, state: 'missing', message }];
  }
  if (named('unknown').length > 0) {
    return [
      {
        name: check,
        state: 'warning',
        message: `whether ${named('unknown').join(', ')} is in namespace ${namespace} cannot be read with these permissions`,
      },
    ];
  }
  return [{ name: check, state: 'ok', message: `${declared.join(', ')} in namespace ${namespace}` }];
}

async function stateOf(client: KubeClient, namespace: string, secret: string): Promise<'there' | 'missing' | 'unknown'> {
  try {
    await client.get(secretNames, { namespace, name: secret });
    return 'there';
  } catch (error) {
    if (isForbidden(error)) return 'unknown';
    if (isNotFound(error)) return 'missing';
    throw error;
  }
}
