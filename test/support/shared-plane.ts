/** One control plane for all files of a test tier, started and stopped by the tier's `global-setup.ts`. */
import { type StartOptions, start } from '../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../hack/controlplane/plane.ts';
import { AUDIT_LOG_VARIABLE, KUBECONFIG_VARIABLE, KUBECTL_VARIABLE, NAME_VARIABLE } from './environment.ts';

/**
 * Starts the control plane and tells the test files where it is; it ends with the test run, however that ends.
 * @returns undefined when a person gave a control plane of their own, which is left as it is
 */
export async function startShared(tier: string, options: StartOptions = {}): Promise<ControlPlane | undefined> {
  if (process.env[KUBECONFIG_VARIABLE]) return undefined;
  const plane = await start({ name: `${tier}-${process.pid}`, say: console.error, ...options });
  useControlPlane(plane);
  return plane;
}

/** All helpers of this process, and of the processes it starts, use this one from now on. */
export function useControlPlane(plane: ControlPlane): void {
  process.env[KUBECONFIG_VARIABLE] = plane.kubeconfig;
  process.env[AUDIT_LOG_VARIABLE] = plane.auditLog;
  process.env[KUBECTL_VARIABLE] = plane.record.kubectl;
  process.env[NAME_VARIABLE] = plane.name;
}
