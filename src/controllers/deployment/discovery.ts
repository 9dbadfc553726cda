import { type ServedResource, schemaFieldsOf } from '../../kserve/facts.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isForbidden, isNotFound } from '../../kube/errors.ts';

/** The API groups that the serving layer consists of. */
export const servingGroups = ['serving.kserve.io', 'serving.kubeflow.org', 'serving.knative.dev'] as const;

/** What only a request tells, as opposed to the stores. */
export interface Discovered {
  readonly resources: readonly ServedResource[];
  /** Absent when the CRD cannot be read, or there is none. */
  readonly inferenceServiceFields?: readonly string[];
}

interface GroupList {
  readonly groups?: readonly {
    readonly name: string;
    readonly versions: readonly { readonly groupVersion: string; readonly version: string }[];
  }[];
}

interface ResourceList {
  readonly resources?: readonly { readonly name: string }[];
}

/** Asks the API server what it serves of the serving groups, and what its InferenceService looks like. */
export async function discover(client: KubeClient, signal?: AbortSignal): Promise<Discovered> {
  const { groups = [] } = (await client.raw('/apis', signal)) as GroupList;
  const resources: ServedResource[] = [];
  for (const { name: group, versions } of groups) {
    if (!servingGroups.some((name) => name === group)) continue;
    for (const { groupVersion, version } of versions) {
      const list = (await ifFound(client.raw(`/apis/${groupVersion}`, signal))) as ResourceList | undefined;
      for (const { name } of list?.resources ?? []) if (!name.includes('/')) resources.push({ group, version, resource: name });
    }
  }
  const group = ['serving.kserve.io', 'serving.kubeflow.org'].find((name) =>
    resources.some((served) => served.group === name && served.resource === 'inferenceservices'),
  );
  if (group === undefined) return { resources };
  const crd = await ifFound(client.raw(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/inferenceservices.${group}`, signal));
  return { resources, ...(crd !== undefined && { inferenceServiceFields: schemaFieldsOf(crd) }) };
}

/** A resource that is gone meanwhile, or that we may not read, is simply not known. */
async function ifFound<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isNotFound(error) || isForbidden(error)) return undefined;
    throw error;
  }
}
