import type { Waiver } from './compare.ts';

const byApply =
  'Server-side apply is the verb patch, and the API server asks for create besides where it makes the object; audit logs do not show that.';
const together = 'Roles grant get, list and watch together: whoever sees all objects of a kind sees each.';

export const waivers: readonly Waiver[] = [
  {
    matches: { resource: 'modeldeployments/finalizers' },
    why: 'Only with the admission plugin OwnerReferencesPermissionEnforcement, which is off by default: owner references that block deletion need it.',
  },
  {
    matches: { resource: 'modelprofiles/finalizers' },
    why: 'As for ModelDeployments.',
  },
  { matches: { resource: 'inferenceservices', group: 'serving.kserve.io', verb: 'create' }, why: byApply },
  { matches: { resource: 'inferenceservices', group: 'serving.kubeflow.org', verb: 'create' }, why: byApply },
  { matches: { resource: 'clusterservingruntimes', verb: 'create' }, why: byApply },
  { matches: { resource: 'clusterstoragecontainers', verb: 'create' }, why: byApply },
  { matches: { verb: 'get' }, why: together },
];
