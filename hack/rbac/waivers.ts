import type { Waiver } from './compare.ts';

const byApply =
  'Server-side apply is the verb patch, and the API server asks for create besides where it makes the object; audit logs do not show that.';
const finalizers =
  'Only with the admission plugin OwnerReferencesPermissionEnforcement, which is off by default: owner references that block deletion need it.';
const streamed =
  'Caches are filled by a streamed list, which is the verb watch, where the API server has it (1.32 and newer by default, as in these tests); older ones are asked for list.';
const byName = 'Caches of one object by its name ask for it by list or watch; kubectl auth can-i and people expect get beside them.';
const wholeKind =
  'Granted with list and watch: whoever sees all objects of a kind sees each, and a reader of one object need not list all.';

const kfserving =
  'The InferenceServices of KFServing are treated as those of KServe, by the same lines; no KFServing can be run here that one could be taken away from.';

const renewed =
  'A signature that is half over is replaced after 24 h; npm run test:packaging makes one older, which the other tiers do not.';

const cached = [
  ['modelwright.dev', 'modeldeployments'],
  ['modelwright.dev', 'modelprofiles'],
  ['modelwright.dev', 'servingplatforms'],
  ['serving.kserve.io', 'inferenceservices'],
  ['serving.kubeflow.org', 'inferenceservices'],
  ['serving.kserve.io', 'clusterservingruntimes'],
  ['serving.kserve.io', 'clusterstoragecontainers'],
  ['serving.knative.dev', 'services'],
  ['serving.knative.dev', 'revisions'],
  ['apps', 'deployments'],
  ['apps', 'replicasets'],
  ['', 'pods'],
  ['', 'events'],
  ['', 'nodes'],
  ['', 'namespaces'],
  ['batch', 'jobs'],
  ['apiextensions.k8s.io', 'customresourcedefinitions'],
] as const;

const configMaps = ['inferenceservice-config', 'config-features', 'config-deployment', 'config-defaults'] as const;

/** Of these single objects are read past the caches. */
const read: readonly string[] = ['modeldeployments', 'customresourcedefinitions'];

const made = [
  ['serving.kserve.io', 'inferenceservices'],
  ['serving.kubeflow.org', 'inferenceservices'],
  ['serving.kserve.io', 'clusterservingruntimes'],
  ['serving.kserve.io', 'clusterstoragecontainers'],
  ['modelwright.dev', 'modeldeployments'],
  ['modelwright.dev', 'modelprofiles'],
] as const;

export const waivers: readonly Waiver[] = [
  { matches: { group: '', resource: 'secrets', verb: 'update' }, why: renewed },
  { matches: { group: 'serving.kubeflow.org', resource: 'inferenceservices', verb: 'delete' }, why: kfserving },
  { matches: { group: 'modelwright.dev', resource: 'modeldeployments/finalizers', verb: 'update' }, why: finalizers },
  { matches: { group: 'modelwright.dev', resource: 'modelprofiles/finalizers', verb: 'update' }, why: finalizers },
  ...made.map(([group, resource]) => ({ matches: { group, resource, verb: 'create' }, why: byApply })),
  ...cached.map(([group, resource]) => ({ matches: { group, resource, verb: 'list' }, why: streamed })),
  ...cached
    .filter(([, resource]) => !read.includes(resource))
    .map(([group, resource]) => ({ matches: { group, resource, verb: 'get' }, why: wholeKind })),
  ...configMaps.map((name) => ({ matches: { group: '', resource: 'configmaps', name, verb: 'list' }, why: byName })),
  ...['config-features', 'config-defaults'].map((name) => ({
    matches: { group: '', resource: 'configmaps', name, verb: 'get' },
    why: byName,
  })),
];
