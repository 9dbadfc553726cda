import { inferenceServiceConfigName } from '../../kserve/facts.ts';
import type { Permission } from '../deployment/permissions.ts';

/** Everything that the platform controller asks of the API server beyond what the deployment controller does. */
export const platformPermissions: readonly Permission[] = [
  // The finalizer is written with patch.
  { group: 'modelwright.dev', resource: 'servingplatforms', verbs: ['list', 'watch', 'patch'] },
  { group: 'modelwright.dev', resource: 'servingplatforms/status', verbs: ['patch'] },
  { group: 'serving.kserve.io', resource: 'clusterservingruntimes', verbs: ['create', 'patch', 'delete'] },
  { group: 'serving.kserve.io', resource: 'clusterstoragecontainers', verbs: ['create', 'patch', 'delete'] },
  // To free those that failed on tag resolution.
  { group: 'serving.knative.dev', resource: 'revisions', verbs: ['delete'] },
  { group: '', resource: 'configmaps', verbs: ['get', 'patch'], names: [inferenceServiceConfigName, 'config-deployment'] },
];
