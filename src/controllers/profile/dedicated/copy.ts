/** What the copy of a model for one entry of the hardware looks like. */
import { hash } from 'node:crypto';
import type { ModelDeployment, ModelDeploymentSpec } from '../../../api/model-deployment/index.ts';
import { gpuTaggedRuntimes } from '../../../api/model-deployment/runtime.ts';
import { resourceNameOf } from '../../../kserve/gpu.ts';
import { judgeKnativeFlags } from '../../../kserve/judge-knative.ts';
import { copiedSpec } from '../../deployment/temporary.ts';
import type { Entry } from './entries.ts';

/** The spec of a copy, and what about it its author should know. */
export interface CopySpec {
  readonly spec: ModelDeploymentSpec;
  readonly note?: string;
}

/**
 * The model as one entry sets it up. It runs in the mode of the original, except where Knative would refuse the fields that choose a node:
 * then in Standard mode, since one that waits for ever measures nothing.
 *
 * @param knativeFlags `data` of Knative's ConfigMap `config-features`; undefined where it could not be read: then all flags count as off.
 */
export function specOfCopy(original: ModelDeployment, entry: Entry, knativeFlags: Readonly<Record<string, string>> | undefined): CopySpec {
  const base = copiedSpec(original);
  const placed = withPlace(base, entry);
  const replicas = entry.replicas ?? 1;
  const { containerConcurrency } = base.scaling ?? {};
  const standard: ModelDeploymentSpec = {
    ...placed,
    runtime: runtimeOf(placed, entry),
    deploymentMode: 'Standard',
    scaling: { minReplicas: replicas, maxReplicas: replicas },
    ...(entry.resources !== undefined && { resources: entry.resources }),
    ...(entry.batching !== undefined && { batching: entry.batching }),
  };
  const mode = original.status?.deploymentMode ?? original.spec.deploymentMode;
  if (mode !== 'Knative') return { spec: standard };
  const knative: ModelDeploymentSpec = {
    ...standard,
    deploymentMode: 'Knative',
    scaling: { ...standard.scaling, ...(containerConcurrency !== undefined && { containerConcurrency }) },
  };
  const [refused] = judgeKnativeFlags({ ...original, spec: knative }, knativeFlags ?? {});
  if (refused === undefined) return { spec: knative };
  return { spec: standard, note: `The copy runs in Standard mode: ${refused.message.replace(/; .*/s, '')}` };
}

/** Names what decides over the figures of every copy: copies with the same basis differ by their entries alone. 16 hexadecimal digits. */
export function basisOf(original: ModelDeployment): string {
  const { scaling: _scaling, ...spec } = copiedSpec(original);
  const mode = original.status?.deploymentMode ?? original.spec.deploymentMode ?? null;
  const digest = original.status?.package?.sha256 ?? null;
  return hash('sha256', JSON.stringify([spec, mode, digest]), 'hex').slice(0, 16);
}

/** GPU and node of the copy. What an entry says of the node takes the place of what the original says of it, so that the two never contradict. */
function withPlace(base: ModelDeploymentSpec, { nodeSelector, gpu }: Entry): ModelDeploymentSpec {
  const { gpu: ownGpu, scheduling: ownScheduling, ...rest } = base;
  // As the API server completes it in a ModelDeployment: else what is set up so would differ from what is wanted for ever.
  const wanted = gpu === undefined ? ownGpu : gpu.count === 0 ? undefined : { ...gpu, resourceName: resourceNameOf(gpu) };
  const choosesProduct = Object.keys(nodeSelector ?? {}).some((label) => label.endsWith('/gpu.product'));
  const { product: _product, ...anyProduct } = wanted ?? { count: 0 };
  const chosen = wanted === undefined ? undefined : choosesProduct ? anyProduct : wanted;
  const movesAway = nodeSelector !== undefined || gpu !== undefined;
  const { nodeSelector: ownSelector, affinity, tolerations } = ownScheduling ?? {};
  const { nodeAffinity: _nodeAffinity, ...otherAffinity } = affinity ?? {};
  const keptAffinity = movesAway ? otherAffinity : affinity;
  const selector = nodeSelector ?? (gpu === undefined ? ownSelector : withoutProduct(ownSelector));
  const scheduling = {
    ...(selector !== undefined && Object.keys(selector).length > 0 && { nodeSelector: selector }),
    ...(tolerations !== undefined && { tolerations }),
    ...(keptAffinity !== undefined && Object.keys(keptAffinity).length > 0 && { affinity: keptAffinity }),
  };
  return {
    ...rest,
    ...(chosen !== undefined && { gpu: chosen }),
    ...(Object.keys(scheduling).length > 0 && { scheduling }),
  };
}

function withoutProduct(selector: Readonly<Record<string, string>> | undefined): Record<string, string> | undefined {
  return selector && Object.fromEntries(Object.entries(selector).filter(([label]) => !label.endsWith('/gpu.product')));
}

/** The version that an entry names; builds for CPU and GPU are told apart by the tag, which follows what the copy runs on. */
function runtimeOf({ runtime, gpu }: ModelDeploymentSpec, { runtimeVersion }: Entry): ModelDeploymentSpec['runtime'] {
  const version = runtimeVersion ?? runtime.version;
  if (version === undefined) return runtime;
  const isTagged = gpuTaggedRuntimes.includes(runtime.type) && !version.startsWith('sha256:');
  const plain = version.replace(/-gpu$/, '');
  return { ...runtime, version: !isTagged ? version : gpu === undefined ? plain : `${plain}-gpu` };
}
