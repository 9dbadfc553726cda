import { inferenceServiceConfigName } from '../../kserve/facts.ts';
import { knativeConfigNames } from './facts.ts';

/** What may be done to a resource: the entries of an RBAC rule. */
export interface Permission {
  readonly group: string;
  /** Plural, with its subresource: `pods/log`. */
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Only objects of these names. */
  readonly names?: readonly string[];
}

/** What a cache needs. */
const read = ['list', 'watch'] as const;
const own = [...read, 'create', 'patch', 'delete'] as const;

/** Everything that the deployment controller asks of the API server. `manifests/operator` grants these, and `modelwright doctor` checks them. */
export const permissions: readonly Permission[] = [
  // Whether one still is there is asked past the cache.
  { group: 'modelwright.dev', resource: 'modeldeployments', verbs: ['get', ...read] },
  // The promotion gate makes a ModelDeployment and a ModelProfile for each candidate, and takes them away.
  { group: 'modelwright.dev', resource: 'modeldeployments', verbs: ['create', 'patch', 'delete'] },
  { group: 'modelwright.dev', resource: 'modelprofiles', verbs: own },
  { group: 'modelwright.dev', resource: 'modeldeployments/status', verbs: ['patch'] },
  // Owner references that block deletion need this where the admission plugin OwnerReferencesPermissionEnforcement is on.
  { group: 'modelwright.dev', resource: 'modeldeployments/finalizers', verbs: ['update'] },
  { group: 'serving.kserve.io', resource: 'inferenceservices', verbs: own },
  { group: 'serving.kubeflow.org', resource: 'inferenceservices', verbs: own },
  { group: 'serving.kserve.io', resource: 'clusterservingruntimes', verbs: read },
  { group: 'serving.knative.dev', resource: 'services', verbs: read },
  { group: 'serving.knative.dev', resource: 'revisions', verbs: read },
  { group: 'apps', resource: 'deployments', verbs: read },
  { group: 'apps', resource: 'replicasets', verbs: read },
  { group: '', resource: 'pods', verbs: read },
  { group: '', resource: 'pods/log', verbs: ['get'] },
  { group: '', resource: 'events', verbs: read },
  { group: 'events.k8s.io', resource: 'events', verbs: ['create', 'patch'] },
  { group: '', resource: 'configmaps', verbs: read, names: [inferenceServiceConfigName, ...knativeConfigNames] },
  // Packaging: Jobs, the Secrets with signatures that they and the pods are given (written, and never read), and the labels that say who may.
  { group: 'batch', resource: 'jobs', verbs: ['get', ...own] },
  { group: '', resource: 'secrets', verbs: ['create', 'update', 'delete'] },
  // Which Secrets a model's service account names: a verifying Job reads as the model's pods would.
  { group: '', resource: 'serviceaccounts', verbs: ['get'] },
  { group: '', resource: 'namespaces', verbs: read },
  { group: 'serving.kserve.io', resource: 'clusterstoragecontainers', verbs: read },
  { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions', verbs: ['get', ...read] },
];

/** What a person needs to deploy models in a namespace. */
export const authorPermissions: readonly Permission[] = [
  { group: 'modelwright.dev', resource: 'modeldeployments', verbs: ['get', ...read, 'create', 'update', 'patch', 'delete'] },
];
