/** The ConfigMap with the patch for a repository. */
import { hash } from 'node:crypto';
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { isAlreadyExists, isForbidden, isInvalid } from '../../../kube/errors.ts';
import { controllerReference, type KubeObject, type ResourceType } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';

interface ConfigMapObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const configMaps: ResourceType<ConfigMapObject> = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };

const longestName = 253;

export function configMapName(profile: string): string {
  const name = `${profile}-patch`;
  return name.length <= longestName ? name : `${name.slice(0, longestName - 13)}-${hash('sha256', profile, 'hex').slice(0, 12)}`;
}

/**
 * Makes it, or changes the one that this very profile owns. Never reads one: that a ConfigMap of the name is the profile's own is a test within the write.
 *
 * @returns its name, or why it is not there
 */
export async function writePatchFile(
  client: KubeClient,
  profile: Cached<ModelProfile>,
  text: string,
  signal: AbortSignal,
): Promise<{ readonly configMap: string } | { readonly refused: string }> {
  const { namespace = '', uid } = profile.metadata;
  const name = configMapName(profile.metadata.name);
  const data = { 'patch.yaml': text };
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'modelwright' },
      ownerReferences: [controllerReference(profile as never)],
    },
    data,
  };
  const options = { fieldManager: 'modelwright' };
  try {
    await client.create(configMaps, object, options, signal);
    return { configMap: name };
  } catch (error) {
    if (isForbidden(error)) return { refused: error.message };
    if (!isAlreadyExists(error)) throw error;
  }
  const change = [
    { op: 'test', path: '/metadata/ownerReferences/0/uid', value: uid },
    { op: 'replace', path: '/data', value: data },
  ];
  try {
    await client.patch(configMaps, { namespace, name }, change, { ...options, kind: 'json' }, signal);
    return { configMap: name };
  } catch (error) {
    if (isInvalid(error) || isForbidden(error)) return { refused: `there is a ConfigMap ${name} that is not of this profile; delete it` };
    throw error;
  }
}
