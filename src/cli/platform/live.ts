import { platformName, type ServingPlatform, type ServingPlatformSpec } from '../../api/serving-platform/index.ts';
import { servingPlatforms } from '../../controllers/platform/resources.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound, isResourceAbsent } from '../../kube/errors.ts';
import type { Stored } from '../../kube/object.ts';
import { Failure } from '../failure.ts';

/** The cluster's ServingPlatform; undefined where there is none. */
export async function readPlatform(client: KubeClient): Promise<Stored<ServingPlatform> | undefined> {
  try {
    return await client.get(servingPlatforms, { name: platformName });
  } catch (error) {
    if (isResourceAbsent(error))
      throw new Failure('this cluster does not know ServingPlatforms; install the CRDs of Modelwright, or choose another context');
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Changes the spec of the ServingPlatform, or makes one; refused when somebody else changes it at the same time. */
export async function changeSpec(client: KubeClient, change: (spec: ServingPlatformSpec) => ServingPlatformSpec): Promise<ServingPlatform> {
  const live = await readPlatform(client);
  if (live === undefined) {
    const object: ServingPlatform = {
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ServingPlatform',
      metadata: { name: platformName },
      spec: change({}),
    };
    return client.create(servingPlatforms, object, { fieldManager });
  }
  return client.update(servingPlatforms, { ...live, spec: change(live.spec) }, { fieldManager });
}

export const fieldManager = 'modelwright-cli';
