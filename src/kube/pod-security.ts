/** Security contexts that keep Pod Security's level `restricted`, and more: nothing on the root file system can be written. */

/** "nonroot" of the common minimal images; it owns nothing. */
const nobody = 65532;

/** Of a Pod. Its group may read the Secrets and write the empty volumes that are mounted; a volume that is mounted read-only is left as it is. */
export const restrictedPod = {
  runAsNonRoot: true,
  runAsUser: nobody,
  runAsGroup: nobody,
  fsGroup: nobody,
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

/** Of each container in it. */
export const restrictedContainer = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

/** Of a container in a Pod of others, whose own context may ask for less. */
export const selfContainedRestricted = {
  runAsNonRoot: true,
  runAsUser: nobody,
  ...restrictedContainer,
  seccompProfile: { type: 'RuntimeDefault' },
} as const;
