/** ModelDeployment: one model, served. */
import type { Static } from 'typebox';
import type { KindDefinition, Metadata } from '../kind.ts';
import { type apiVersion, group, version } from '../kind.ts';
import { podSecuritySchema } from '../pod-security.ts';
import { boolean, object, oneOf, Type, text } from '../schema.ts';
import { conditionTypes } from './conditions.ts';
import { modelSchema } from './model.ts';
import { profileSchema } from './profile.ts';
import { rules } from './rules.ts';
import { runtimeSchema } from './runtime.ts';
import {
  batchingSchema,
  deploymentModes,
  gpuSchema,
  imagePullSecretsSchema,
  podMetadataSchema,
  resourcesSchema,
  rolloutSchema,
  scalingSchema,
  schedulingSchema,
  transformerSchema,
} from './serving.ts';
import { sourceSchema } from './source.ts';
import { statusSchema } from './status.ts';

export const specSchema = object('What should serve, and how.', {
  model: Type.Optional(modelSchema),
  runtime: runtimeSchema,
  deploymentMode: Type.Optional(
    oneOf(
      'Standard (Deployment, Service, autoscaler) or Knative (revisions, scale to zero, canary). Cannot change. Omitted: the default of the cluster at creation, written to status.',
      deploymentModes,
    ),
  ),
  source: sourceSchema,
  resources: Type.Optional(resourcesSchema),
  gpu: Type.Optional(gpuSchema),
  scaling: Type.Optional(scalingSchema),
  batching: Type.Optional(batchingSchema),
  scheduling: Type.Optional(schedulingSchema),
  podMetadata: Type.Optional(podMetadataSchema),
  podSecurity: Type.Optional(podSecuritySchema('what the ServingPlatform says')),
  imagePullSecrets: Type.Optional(imagePullSecretsSchema),
  serviceAccountName: Type.Optional(
    text('Service account of the pods; it must be one that the cluster policy allows. Omitted: the default one of the namespace.', 253, {
      pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
    }),
  ),
  transformer: Type.Optional(transformerSchema),
  rollout: Type.Optional(rolloutSchema),
  profile: Type.Optional(profileSchema),
  suspend: Type.Optional(boolean('Stops serving and frees the resources until it is false again.')),
});

export type ModelDeploymentSpec = Static<typeof specSchema>;
export type ModelDeploymentStatus = Static<typeof statusSchema>;

export interface ModelDeployment {
  readonly apiVersion: typeof apiVersion;
  readonly kind: 'ModelDeployment';
  readonly metadata: Metadata;
  readonly spec: ModelDeploymentSpec;
  readonly status?: ModelDeploymentStatus;
}

export const modelDeployment: KindDefinition<ModelDeployment> = {
  group,
  version,
  kind: 'ModelDeployment',
  plural: 'modeldeployments',
  singular: 'modeldeployment',
  namespaced: true,
  description: 'A trained model, served by KServe on TensorFlow Serving, TorchServe, Triton, scikit-learn, XGBoost or LightGBM.',
  spec: specSchema,
  status: statusSchema,
  rules,
  conditions: conditionTypes,
  columns: [
    { name: 'Runtime', type: 'string', jsonPath: '.spec.runtime.type', description: 'Model server' },
    { name: 'Task', type: 'string', jsonPath: '.spec.model.task', description: 'What the model does' },
    { name: 'Version', type: 'integer', jsonPath: '.spec.model.version', description: 'Version of the model', priority: 1 },
    { name: 'Framework', type: 'string', jsonPath: '.spec.model.framework', description: 'What the model was made with', priority: 1 },
    { name: 'Mode', type: 'string', jsonPath: '.status.deploymentMode', description: 'Deployment mode', priority: 1 },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status', description: 'Whether it serves' },
    { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason', description: 'Why' },
    { name: 'Copies', type: 'string', jsonPath: '.status.loading.summary', description: 'Ready and wanted copies' },
    { name: 'URL', type: 'string', jsonPath: '.status.addresses.external.url', description: 'Where it answers' },
    { name: 'Image', type: 'string', jsonPath: '.status.runtime.image', description: 'Image of the model server', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation' },
  ],
  selectableFields: [
    '.spec.runtime.type',
    '.spec.model.framework',
    '.spec.model.task',
    '.spec.model.architecture',
    '.spec.model.dataset',
    '.spec.model.parent',
  ],
};
