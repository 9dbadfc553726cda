/**
 * Security contexts that keep Pod Security's level `restricted`, and more: nothing on the root file system can be written.
 *
 * None names a user. The image has one of its own, by its number, and where the platform gives each namespace a range of users (OpenShift's
 * constraint `restricted-v2`), a pod that asks for another one is refused. So files that are mounted must be readable for whichever user it is.
 */

/** Of a Pod. */
export const restrictedPod = {
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

/** Of each container in it. */
export const restrictedContainer = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

/** Of a container in a Pod of others, whose own context may ask for less. */
export const selfContainedRestricted = { ...restrictedPod, ...restrictedContainer } as const;

/** Mode of the files of a mounted Secret. Its Pod has one container and nobody else in it, and the node shows them to root alone. */
export const secretFileMode = 0o444;
