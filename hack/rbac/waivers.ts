import type { Waiver } from './compare.ts';

const finalizers =
  'Only with the admission plugin OwnerReferencesPermissionEnforcement, which OpenShift has on, and whose question no audit log shows. ' +
  'test/integration/chart/openshift.test.ts runs the operator under it, with the permission and without.';

export const waivers: readonly Waiver[] = [
  { matches: { group: 'modelwright.dev', resource: 'modeldeployments/finalizers', verb: 'update' }, why: finalizers },
  { matches: { group: 'modelwright.dev', resource: 'modelprofiles/finalizers', verb: 'update' }, why: finalizers },
];
