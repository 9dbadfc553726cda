/** ConfigMaps that a profile owns: what of a run does not belong into its status. */
import { hash } from 'node:crypto';
import type { KubeClient } from '../../kube/client.ts';
import { isAlreadyExists, isForbidden, isInvalid, KubeError } from '../../kube/errors.ts';
import { controllerReference, type KubeObject, type ResourceType } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';

export interface ConfigMapContent {
  readonly data: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

type ConfigMapObject = KubeObject & Partial<ConfigMapContent>;

const configMaps: ResourceType<ConfigMapObject> = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };

const longestName = 253;

/** `<profile>-<purpose>`, shortened to what Kubernetes allows. */
export function ownConfigMapName(profile: string, purpose: string): string {
  const name = `${profile}-${purpose}`;
  return name.length <= longestName ? name : `${name.slice(0, longestName - 13)}-${hash('sha256', name, 'hex').slice(0, 12)}`;
}

/**
 * Makes it, or changes the one that this very profile owns. Never reads one: that a ConfigMap of the name is the profile's own is a test within the write.
 *
 * @returns why it is not there; undefined when it is
 */
export async function writeOwnConfigMap(
  client: KubeClient,
  profile: Cached<KubeObject>,
  name: string,
  { data, binaryData }: ConfigMapContent,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { namespace = '', uid } = profile.metadata;
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
    ...(binaryData !== undefined && { binaryData }),
  };
  const options = { fieldManager: 'modelwright' };
  try {
    await client.create(configMaps, object, options, signal);
    return undefined;
  } catch (error) {
    if (isRefusal(error)) return error.message;
    if (!isAlreadyExists(error)) throw error;
  }
  const change = [
    { op: 'test', path: '/metadata/ownerReferences/0/uid', value: uid },
    { op: 'add', path: '/data', value: data },
    ...(binaryData === undefined ? [] : [{ op: 'add', path: '/binaryData', value: binaryData }]),
  ];
  try {
    await client.patch(configMaps, { namespace, name }, change, { ...options, kind: 'json' }, signal);
    return undefined;
  } catch (error) {
    if (isInvalid(error)) return `there is a ConfigMap ${name} that is not of this profile; delete it`;
    if (isRefusal(error)) return error.message;
    throw error;
  }
}

/** By authorization, a quota, a policy, or the server's own limits. */
function isRefusal(error: unknown): error is KubeError {
  return isForbidden(error) || (error instanceof KubeError && (error.status === 400 || error.status === 413 || error.status === 422));
}
