/**
 * A control plane for one test file: a cluster has one ServingPlatform, and every operator in it heeds that, so tests of it and tests of models must not share
 * one. Tells this process's helpers (kubectl, apply, …) to use it.
 */
import { type StartOptions, start } from '../../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { applyCrds } from '../../support/cluster.ts';
import { AUDIT_LOG_VARIABLE, KUBECONFIG_VARIABLE, KUBECTL_VARIABLE, NAME_VARIABLE } from '../../support/environment.ts';

export async function ownPlane(tier: string, options: StartOptions = {}): Promise<ControlPlane> {
  const plane = await start({ name: `${tier}-platform-${process.pid}`, ...options });
  process.env[KUBECONFIG_VARIABLE] = plane.kubeconfig;
  process.env[AUDIT_LOG_VARIABLE] = plane.auditLog;
  process.env[KUBECTL_VARIABLE] = plane.record.kubectl;
  process.env[NAME_VARIABLE] = plane.name;
  await applyCrds();
  return plane;
}
