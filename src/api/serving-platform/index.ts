/** ServingPlatform: the settings that every model of a cluster shares. */
import type { Static } from 'typebox';
import type { KindDefinition, Metadata } from '../kind.ts';
import { type apiVersion, group, version } from '../kind.ts';
import { conditionTypes } from './conditions.ts';
import { rules } from './rules.ts';
import { specSchema } from './spec.ts';
import { statusSchema } from './status.ts';

export { platformName } from './rules.ts';

export type ServingPlatformSpec = Static<typeof specSchema>;
export type ServingPlatformStatus = Static<typeof statusSchema>;
export type ModelRepository = NonNullable<ServingPlatformSpec['repositories']>[number];
export type RuntimeDeclaration = NonNullable<ServingPlatformSpec['runtimes']>[number];

export interface ServingPlatform {
  readonly apiVersion: typeof apiVersion;
  readonly kind: 'ServingPlatform';
  readonly metadata: Metadata;
  readonly spec: ServingPlatformSpec;
  readonly status?: ServingPlatformStatus;
}

const condition = (type: string, part: 'status' | 'reason') => `.status.conditions[?(@.type=="${type}")].${part}`;

export const servingPlatform: KindDefinition<ServingPlatform> = {
  group,
  version,
  kind: 'ServingPlatform',
  plural: 'servingplatforms',
  singular: 'servingplatform',
  namespaced: false,
  description: 'Runtime images, Knative tag resolution and policy for every model of the cluster. There is one, named default.',
  spec: specSchema,
  status: statusSchema,
  rules,
  conditions: conditionTypes,
  columns: [
    { name: 'Ready', type: 'string', jsonPath: condition('Ready', 'status'), description: 'Whether everything declared is in effect' },
    { name: 'Status', type: 'string', jsonPath: condition('Ready', 'reason'), description: 'Why' },
    { name: 'Updated', type: 'string', jsonPath: '.status.summary', description: 'Models that have come to the declared images' },
    {
      name: 'Skipped',
      type: 'string',
      jsonPath: '.spec.tagResolution.skipRegistries',
      description: 'Registries whose tags are not resolved',
      priority: 1,
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation' },
  ],
  selectableFields: [],
};
