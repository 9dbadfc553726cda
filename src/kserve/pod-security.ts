/** The security context of what an InferenceService runs. */
import type { ModelDeployment } from '../api/model-deployment/index.ts';
import type { PodSecurity } from '../api/pod-security.ts';

/** Label by which a namespace has Pod Security refuse pods. */
export const enforceLabel = 'pod-security.kubernetes.io/enforce';

/**
 * Everything that Pod Security's level `restricted` asks of a container, and no more: runtimes set user ids themselves (or leave them to the platform, as on
 * OpenShift), and servers write logs beside their programs.
 *
 * It stands at the containers and not at the pod. Knative takes it there without a feature flag, while a context of the pod needs
 * `kubernetes.podspec-securitycontext`; KServe's agent copies it from there (all versions), and so does its stock storage initializer up to 0.11. From 0.15
 * on that one has none, whatever stands here: our storage container brings its own.
 */
export const restrictedServer = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

export interface PodSecurityContext {
  /** What the ServingPlatform says. */
  readonly platform?: PodSecurity;
  /** Of the model's namespace; absent: not known, and then nothing is enforced as far as one can tell. */
  readonly namespaceLabels?: Readonly<Record<string, string>>;
}

/** Whether the containers of a model get that context: as its author says, else the platform, else its namespace. */
export function isRestricted({ spec }: ModelDeployment, { platform, namespaceLabels }: PodSecurityContext = {}): boolean {
  const asked = spec.podSecurity ?? platform ?? 'Auto';
  return asked === 'Auto' ? namespaceLabels?.[enforceLabel] === 'restricted' : asked === 'Restricted';
}
