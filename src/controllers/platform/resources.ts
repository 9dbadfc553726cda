/** The types of objects that the platform controller reads and writes. */
import { servingPlatform as definition, type ServingPlatform } from '../../api/serving-platform/index.ts';
import type { KubeObject, ResourceType } from '../../kube/object.ts';

export interface SharedConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

export const servingPlatforms: ResourceType<ServingPlatform> = definition;

export const sharedConfigMaps: ResourceType<SharedConfigMap> = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
