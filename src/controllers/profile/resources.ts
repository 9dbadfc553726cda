/** The types of objects that the profile controller reads and writes, as far as it looks at them. */
import { modelProfile as definition, type ModelProfile } from '../../api/model-profile/index.ts';
import type { ContainerStatus, ObservedCondition } from '../../kserve/observation.ts';
import type { KubeObject, ResourceType } from '../../kube/object.ts';

export interface JobObject extends KubeObject {
  readonly spec?: {
    readonly completions?: number;
    readonly suspend?: boolean;
    readonly [field: string]: unknown;
  };
  readonly status?: {
    readonly conditions?: readonly ObservedCondition[];
    readonly startTime?: string;
    readonly active?: number;
    /** Indexes that are done, as `1,3-5`. */
    readonly completedIndexes?: string;
    readonly failedIndexes?: string;
  };
}

/** A pod of a load Job. */
export interface LoadPodObject extends KubeObject {
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly ObservedCondition[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export interface NodeObject extends KubeObject {
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly taints?: readonly { readonly key?: string; readonly value?: string; readonly effect?: string }[];
  };
  readonly status?: {
    readonly allocatable?: Readonly<Record<string, string | number>>;
    readonly conditions?: readonly ObservedCondition[];
  };
}

export const modelProfiles: ResourceType<ModelProfile> = definition;
export const jobs: ResourceType<JobObject> = { group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs', namespaced: true };
export const loadPods: ResourceType<LoadPodObject> = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
export const nodes: ResourceType<NodeObject> = { group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };
