/** How the model runs: resources, GPU, scaling, batching, scheduling, pods, transformer, rollout. */
import { affinitySchema } from '../affinity.ts';
import { integer, keyedList, list, map, object, oneOf, quantity, Type, text, textMap } from '../schema.ts';
import { gateSchema } from './gate.ts';

export const deploymentModes = ['Standard', 'Knative'] as const;
export type DeploymentMode = (typeof deploymentModes)[number];

const resourceList = (description: string) => map<string | number>(description, quantity('A quantity.'), 16);

const resources = (description: string) =>
  object(description, {
    requests: Type.Optional(resourceList('What the scheduler reserves.')),
    limits: Type.Optional(resourceList('What the container may use at most.')),
  });

export const resourcesSchema = resources('CPU and memory of the model server. GPUs are asked for in spec.gpu.');

export const gpuSchema = object('GPUs of each model server pod.', {
  count: integer('How many.', { minimum: 1, maximum: 64 }),
  resourceName: Type.Optional(
    text('The extended resource that the device plugin offers, for example nvidia.com/gpu or nvidia.com/mig-1g.5gb.', 253, {
      pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$',
      default: 'nvidia.com/gpu',
    }),
  ),
  product: Type.Optional(
    text('Only nodes whose label <vendor>/gpu.product has this value, for example Tesla-T4.', 63, {
      pattern: '^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$',
    }),
  ),
});

export const scalingSchema = object('How many copies run, and what adds more.', {
  minReplicas: Type.Optional(integer('Copies kept at least; 0 lets Knative scale to zero.', { minimum: 0, maximum: 1000 })),
  maxReplicas: Type.Optional(integer('Copies at most.', { minimum: 1, maximum: 1000 })),
  containerConcurrency: Type.Optional(
    integer('Requests one copy is given at a time (Knative holds the others back); 0 is no limit.', { minimum: 0, maximum: 1000 }),
  ),
  metric: Type.Optional(
    oneOf('What scaling follows: CPU or Memory (percent of the request) in Standard mode, Concurrency or RPS in Knative mode.', [
      'CPU',
      'Memory',
      'Concurrency',
      'RPS',
    ]),
  ),
  target: Type.Optional(integer('The value of `metric` per copy to hold.', { minimum: 1, maximum: 1_000_000 })),
});

export const batchingSchema = object('KServe joins single requests into batches before the model server (protocol V1 only).', {
  maxBatchSize: integer('Instances in a batch at most.', { minimum: 1, maximum: 4096 }),
  maxLatencyMilliseconds: Type.Optional(integer('How long a request waits for its batch to fill.', { minimum: 1, maximum: 600_000 })),
});

const labelValue = { pattern: '^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$' };

const toleration = object('A taint that the pods tolerate.', {
  key: Type.Optional(text('Taint key; empty with Exists is every taint.', 317)),
  operator: Type.Optional(oneOf('How key and value are compared.', ['Exists', 'Equal'])),
  value: Type.Optional(text('Taint value.', 63, labelValue)),
  effect: Type.Optional(oneOf('Taint effect; omitted is every effect.', ['NoSchedule', 'PreferNoSchedule', 'NoExecute'])),
  tolerationSeconds: Type.Optional(integer('How long NoExecute is tolerated.', { minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
});

export const schedulingSchema = object('Which nodes may run the pods. Knative accepts these fields only with its feature flags on.', {
  nodeSelector: Type.Optional(textMap('Labels a node must have.', 16, { maxLength: 63, ...labelValue })),
  tolerations: Type.Optional(list('Taints the pods tolerate.', toleration, 16)),
  affinity: Type.Optional(affinitySchema),
});

export const podMetadataSchema = object('Labels and annotations of the pods. Changing them rolls the pods.', {
  labels: Type.Optional(textMap('Pod labels.', 32, { maxLength: 63, ...labelValue })),
  annotations: Type.Optional(textMap('Pod annotations.', 32, { maxLength: 2048 })),
});

const envVar = object('An environment variable.', {
  name: text('Variable name.', 128, { pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }),
  value: text('Its value. No secrets here: they would show in the pod.', 4096),
});

export const transformerSchema = object(
  'A container in front of the model server that turns requests into tensors and results into answers (KServe transformer). The image must come from a registry that the cluster policy allows.',
  {
    image: text('Container image.', 512, { minLength: 1, pattern: '^[^\\s]+$' }),
    command: Type.Optional(list('Entry point.', text('One word.', 1024), 32)),
    args: Type.Optional(list('Arguments. KServe adds --model_name and --predictor_host.', text('One argument.', 1024), 64)),
    env: Type.Optional(keyedList('Environment.', envVar, 64, 'name')),
    resources: Type.Optional(resources('CPU and memory of the transformer.')),
    minReplicas: Type.Optional(integer('Copies kept at least.', { minimum: 0, maximum: 1000 })),
    maxReplicas: Type.Optional(integer('Copies at most.', { minimum: 1, maximum: 1000 })),
  },
);

export const rolloutSchema = object('How a change reaches the running service.', {
  canaryTrafficPercent: Type.Optional(
    integer('Share of requests that the newest revision gets (Knative mode). Omitted or 100: all of them.', { minimum: 0, maximum: 100 }),
  ),
  gate: Type.Optional(gateSchema),
});

export const imagePullSecretsSchema = keyedList(
  'Secrets of the same namespace that pull the images.',
  object('A Secret.', { name: text('Its name.', 253, { minLength: 1, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' }) }),
  8,
  'name',
);
