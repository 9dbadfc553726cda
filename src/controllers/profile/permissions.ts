import type { Permission } from '../deployment/permissions.ts';

/** Everything that the profile controller asks of the API server beyond what the deployment controller does. */
export const profilePermissions: readonly Permission[] = [
  { group: 'modelwright.dev', resource: 'modelprofiles', verbs: ['list', 'watch'] },
  // Copies of a model for mode Dedicated; patch applies the best setting as well. Never update: admission is judged by that (apply/judge.ts).
  { group: 'modelwright.dev', resource: 'modeldeployments', verbs: ['create', 'patch', 'delete'] },
  { group: 'modelwright.dev', resource: 'modelprofiles/status', verbs: ['patch'] },
  // Owner references that block deletion need this where the admission plugin OwnerReferencesPermissionEnforcement is on.
  { group: 'modelwright.dev', resource: 'modelprofiles/finalizers', verbs: ['update'] },
  { group: 'batch', resource: 'jobs', verbs: ['get', 'list', 'watch', 'create', 'delete'] },
  // Patches for repositories, of models that GitOps manages: written, and never read.
  { group: '', resource: 'configmaps', verbs: ['create', 'patch'] },
  { group: '', resource: 'nodes', verbs: ['list', 'watch'] },
];

/** What a person needs to measure models in a namespace. */
export const profileAuthorPermissions: readonly Permission[] = [
  { group: 'modelwright.dev', resource: 'modelprofiles', verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'] },
];
