/** The ConfigMap with the full report, which the profile owns. */
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { isAlreadyExists, isForbidden, isInvalid, KubeError } from '../../../kube/errors.ts';
import { controllerReference, type KubeObject, type ResourceType } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';
import { reportDocument } from './document.ts';
import { reportConfigMapName } from './names.ts';
import type { ConfigMapOutcome } from './stored.ts';

interface ConfigMapObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

const configMaps: ResourceType<ConfigMapObject> = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };

/**
 * Makes it, or changes the one that this very profile owns. Never reads one: that a ConfigMap of the name is the profile's own is a test within the write.
 *
 * @param profile with the status that the report is of
 * @returns what the status says of it, or why it is not there
 */
export async function writeReport(
  client: KubeClient,
  profile: Cached<ModelProfile>,
  signal: AbortSignal,
): Promise<ConfigMapOutcome['outcome']> {
  const { namespace = '', uid } = profile.metadata;
  const name = reportConfigMapName(profile.metadata.name);
  const { data, binaryData, sha256, sizeBytes, note } = reportDocument(profile);
  const object: ConfigMapObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'modelwright' },
      ownerReferences: [controllerReference(profile as never)],
    },
    data,
    binaryData,
  };
  const options = { fieldManager: 'modelwright' };
  const written = { name, sha256, sizeBytes, ...(note !== undefined && { note }) };
  try {
    await client.create(configMaps, object, options, signal);
    return written;
  } catch (error) {
    if (isRefusal(error)) return { refused: error.message };
    if (!isAlreadyExists(error)) throw error;
  }
  const change = [
    { op: 'test', path: '/metadata/ownerReferences/0/uid', value: uid },
    { op: 'add', path: '/data', value: data },
    { op: 'add', path: '/binaryData', value: binaryData },
  ];
  try {
    await client.patch(configMaps, { namespace, name }, change, { ...options, kind: 'json' }, signal);
    return written;
  } catch (error) {
    if (isInvalid(error)) return { refused: `there is a ConfigMap ${name} that is not of this profile; delete it` };
    if (isRefusal(error)) return { refused: error.message };
    throw error;
  }
}

/** By authorization, a quota, a policy, or the server's own limits. */
function isRefusal(error: unknown): error is KubeError {
  return isForbidden(error) || (error instanceof KubeError && (error.status === 400 || error.status === 413 || error.status === 422));
}
