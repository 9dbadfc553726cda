/** `podSecurity`, of a ModelDeployment and of the ServingPlatform. */
import { oneOf } from './schema.ts';

export const podSecurities = ['Auto', 'Restricted', 'Unset'] as const;
export type PodSecurity = (typeof podSecurities)[number];

/** @param omitted what holds where the field is omitted */
export function podSecuritySchema(omitted: string) {
  return oneOf(
    `The security context of model server and transformer. Restricted: what Pod Security's level restricted asks for (runAsNonRoot, no privilege escalation, no capabilities, seccomp RuntimeDefault); user ids are left to the runtime and the image. Unset: none, as KServe's runtime and the image are; for an image that must run as root. Auto: Restricted in namespaces with the label pod-security.kubernetes.io/enforce: restricted, else Unset. Omitted: ${omitted}. A change rolls the pods.`,
    podSecurities,
  );
}
