import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/errors.ts';
import { type KubeObject, keyOf } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';
import { type SharedConfigMap, sharedConfigMaps } from './resources.ts';

export interface Writer {
  readonly manager: string;
  readonly since?: string;
}

interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly time?: string;
  readonly fieldsV1?: { readonly 'f:data'?: Readonly<Record<string, unknown>> };
}

/** Who owns a key of a ConfigMap, by its managedFields; one who removed the key, or replaced the object, is found as its latest writer. */
export function writerIn(managedFields: readonly ManagedFieldsEntry[], key: string, ours: string): Writer {
  const others = managedFields.filter(({ manager }) => manager !== undefined && manager !== ours);
  const owners = others.filter(({ fieldsV1 }) => fieldsV1?.['f:data']?.[`f:${key}`] !== undefined);
  const [latest] = (owners.length > 0 ? owners : others).toSorted((a, b) => ((a.time ?? '') < (b.time ?? '') ? 1 : -1));
  return { manager: latest?.manager ?? 'unknown', ...(latest?.time !== undefined && { since: latest.time }) };
}

/** Asks the cluster: caches keep no managedFields of others. */
export async function lastWriterOf(
  client: KubeClient,
  object: Cached<SharedConfigMap>,
  key: string,
  ours: string,
  signal?: AbortSignal,
): Promise<Writer> {
  try {
    const live = await client.get(sharedConfigMaps, keyOf(object as KubeObject), signal);
    const { managedFields = [] } = live.metadata as { readonly managedFields?: readonly ManagedFieldsEntry[] };
    return writerIn(managedFields, key, ours);
  } catch (error) {
    if (isNotFound(error)) return { manager: 'unknown' };
    throw error;
  }
}
