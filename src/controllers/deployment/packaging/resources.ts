/** The types of objects that packaging reads and writes. */
import type { ObservedCondition } from '../../../kserve/observation.ts';
import type { KubeObject, ResourceType } from '../../../kube/object.ts';

export interface JobObject extends KubeObject {
  readonly spec?: { readonly suspend?: boolean; readonly activeDeadlineSeconds?: number } & Readonly<Record<string, unknown>>;
  readonly status?: { readonly conditions?: readonly ObservedCondition[] };
}

export interface SecretObject extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

/** Of a ServiceAccount: the Secrets that it names, and nothing of what is in them. */
export interface ServiceAccountObject extends KubeObject {
  readonly secrets?: readonly { readonly name?: string }[];
}

export const jobs: ResourceType<JobObject> = { group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs', namespaced: true };
export const secrets: ResourceType<SecretObject> = { group: '', version: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true };
export const serviceAccounts: ResourceType<ServiceAccountObject> = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};
export const namespaces: ResourceType = { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false };

/** On every Job of packaging and its Pods; the value is the deployment's name. */
export const packagingLabel = 'modelwright.dev/packaging';
export const annotations = {
  /** Digest of the source that the Job is about. */
  source: 'modelwright.dev/package-source',
  /** Random name of the run: of its upload, and of its message. */
  run: 'modelwright.dev/package-run',
  /** How often it was tried, this Job included. */
  attempt: 'modelwright.dev/package-attempt',
} as const;
