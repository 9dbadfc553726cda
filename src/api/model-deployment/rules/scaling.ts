/** Copies, scaling, canary and batching: what the two deployment modes can do. Where the mode is left to the cluster, the operator judges. */
import { celIfPresent } from '../../cel.ts';
import type { Rule } from '../../rule.ts';
import type { ModelDeployment } from '../index.ts';
import { protocolsOf } from '../runtime.ts';
import type { DeploymentMode } from '../serving.ts';

const notIn = (mode: DeploymentMode) => `!has(self.deploymentMode) || self.deploymentMode != '${mode}'`;

export const scalingRules: readonly Rule<ModelDeployment>[] = [
  {
    id: 'replicas-order',
    scope: 'spec',
    fieldPath: '.spec.scaling.maxReplicas',
    reason: 'Forbidden',
    message: 'spec.scaling.maxReplicas must not be less than spec.scaling.minReplicas',
    cel: celIfPresent('scaling.maxReplicas', '!has(self.scaling.minReplicas) || self.scaling.minReplicas <= self.scaling.maxReplicas'),
    holds: ({ spec }) => spec.scaling?.maxReplicas === undefined || (spec.scaling.minReplicas ?? 1) <= spec.scaling.maxReplicas,
  },
  {
    id: 'scaling-metric-standard',
    scope: 'spec',
    fieldPath: '.spec.scaling.metric',
    reason: 'Forbidden',
    message: 'spec.scaling.metric must be CPU or Memory in Standard mode; Concurrency and RPS need spec.deploymentMode: Knative',
    cel: `${notIn('Standard')} || ${celIfPresent('scaling.metric', "self.scaling.metric in ['CPU', 'Memory']")}`,
    holds: ({ spec }) => spec.deploymentMode !== 'Standard' || ['CPU', 'Memory'].includes(spec.scaling?.metric ?? 'CPU'),
  },
  {
    id: 'scaling-metric-knative',
    scope: 'spec',
    fieldPath: '.spec.scaling.metric',
    reason: 'Forbidden',
    message: 'spec.scaling.metric must be Concurrency or RPS in Knative mode; CPU and Memory need spec.deploymentMode: Standard',
    cel: `${notIn('Knative')} || ${celIfPresent('scaling.metric', "self.scaling.metric in ['Concurrency', 'RPS']")}`,
    holds: ({ spec }) => spec.deploymentMode !== 'Knative' || ['Concurrency', 'RPS'].includes(spec.scaling?.metric ?? 'RPS'),
  },
  {
    id: 'scaling-target',
    scope: 'spec',
    fieldPath: '.spec.scaling.target',
    reason: 'Forbidden',
    message: 'spec.scaling.target needs spec.scaling.metric beside it, and is a percentage from 1 to 100 for CPU and Memory',
    cel: celIfPresent(
      'scaling.target',
      "(has(self.scaling.metric) && (!(self.scaling.metric in ['CPU', 'Memory']) || self.scaling.target <= 100))",
    ),
    holds: ({ spec }) =>
      spec.scaling?.target === undefined ||
      (spec.scaling.metric !== undefined && (!['CPU', 'Memory'].includes(spec.scaling.metric) || spec.scaling.target <= 100)),
  },
  {
    id: 'scale-to-zero-standard',
    scope: 'spec',
    fieldPath: '.spec.scaling.minReplicas',
    reason: 'Forbidden',
    message:
      'spec.scaling.minReplicas must be at least 1 in Standard mode; scale to zero needs spec.deploymentMode: Knative, and spec.suspend stops a model in both modes',
    cel: `${notIn('Standard')} || ${celIfPresent('scaling.minReplicas', 'self.scaling.minReplicas >= 1')}`,
    holds: ({ spec }) => spec.deploymentMode !== 'Standard' || (spec.scaling?.minReplicas ?? 1) >= 1,
  },
  {
    id: 'concurrency-standard',
    scope: 'spec',
    fieldPath: '.spec.scaling.containerConcurrency',
    reason: 'Forbidden',
    message: 'spec.scaling.containerConcurrency has no effect in Standard mode; remove it, or set spec.deploymentMode: Knative',
    cel: `${notIn('Standard')} || ${celIfPresent('scaling.containerConcurrency', 'false')}`,
    holds: ({ spec }) => spec.deploymentMode !== 'Standard' || spec.scaling?.containerConcurrency === undefined,
  },
  {
    id: 'canary-standard',
    scope: 'spec',
    fieldPath: '.spec.rollout.canaryTrafficPercent',
    reason: 'Forbidden',
    message:
      'spec.rollout.canaryTrafficPercent has no effect in Standard mode, where KServe ignores it; remove it, or set spec.deploymentMode: Knative',
    cel: `${notIn('Standard')} || ${celIfPresent('rollout.canaryTrafficPercent', 'false')}`,
    holds: ({ spec }) => spec.deploymentMode !== 'Standard' || spec.rollout?.canaryTrafficPercent === undefined,
  },
  {
    id: 'batching-protocol',
    scope: 'spec',
    fieldPath: '.spec.batching',
    reason: 'Forbidden',
    message:
      'spec.batching needs protocol V1: KServe joins only V1 requests; remove it, or set spec.runtime.protocol: V1 (Triton batches by itself: dynamic_batching in config.pbtxt)',
    cel: "!has(self.batching) || (has(self.runtime.protocol) ? self.runtime.protocol == 'V1' : self.runtime.type != 'Triton')",
    holds: ({ spec }) => spec.batching === undefined || (spec.runtime.protocol ?? protocolsOf[spec.runtime.type][0]) === 'V1',
  },
  {
    id: 'transformer-replicas-order',
    scope: 'spec',
    fieldPath: '.spec.transformer.maxReplicas',
    reason: 'Forbidden',
    message: 'spec.transformer.maxReplicas must not be less than spec.transformer.minReplicas',
    cel: celIfPresent(
      'transformer.maxReplicas',
      '!has(self.transformer.minReplicas) || self.transformer.minReplicas <= self.transformer.maxReplicas',
    ),
    holds: ({ spec }) => spec.transformer?.maxReplicas === undefined || (spec.transformer.minReplicas ?? 1) <= spec.transformer.maxReplicas,
  },
  {
    id: 'transformer-scale-to-zero-standard',
    scope: 'spec',
    fieldPath: '.spec.transformer.minReplicas',
    reason: 'Forbidden',
    message: 'spec.transformer.minReplicas must be at least 1 in Standard mode; scale to zero needs spec.deploymentMode: Knative',
    cel: `${notIn('Standard')} || ${celIfPresent('transformer.minReplicas', 'self.transformer.minReplicas >= 1')}`,
    holds: ({ spec }) => spec.deploymentMode !== 'Standard' || (spec.transformer?.minReplicas ?? 1) >= 1,
  },
];
