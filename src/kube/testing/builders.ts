import type { KubeObject, ObjectMeta, ResourceType, Stored } from '../object.ts';

/** A small namespaced resource for tests of this layer, as a ConfigMap is. */
export interface Widget extends KubeObject {
  readonly spec?: { readonly size?: number; readonly color?: string };
  readonly status?: { readonly ready?: boolean };
}

export const widgets: ResourceType<Widget> = {
  group: 'test.modelwright.dev',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
};

/** An object as the API server would give it: uid and resourceVersion filled in. `overrides.metadata` is merged. */
export function stored<T extends KubeObject>(
  type: ResourceType<T>,
  name: string,
  overrides: Partial<Omit<T, 'metadata'>> & { readonly metadata?: Partial<ObjectMeta> } = {},
): Stored<T> {
  const { metadata, ...rest } = overrides;
  return {
    apiVersion: type.group === '' ? type.version : `${type.group}/${type.version}`,
    kind: type.kind,
    metadata: {
      name,
      ...(type.namespaced && { namespace: 'default' }),
      uid: `uid-${name}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    ...rest,
  } as unknown as Stored<T>;
}

export function aWidget(name: string, overrides: Parameters<typeof stored<Widget>>[2] = {}): Stored<Widget> {
  return stored(widgets, name, overrides);
}
