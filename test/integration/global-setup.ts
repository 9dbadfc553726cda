/**
 * One plain control plane (etcd, kube-apiserver) for all integration tests; each test takes a namespace of its own.
 * A KUBECONFIG given as MODELWRIGHT_TEST_KUBECONFIG is used instead, and left as it is.
 */
import { start } from '../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../hack/controlplane/plane.ts';
import { AUDIT_LOG_VARIABLE, KUBECONFIG_VARIABLE, KUBECTL_VARIABLE, NAME_VARIABLE } from '../support/environment.ts';

let plane: ControlPlane | undefined;

export async function globalSetup(): Promise<void> {
  if (process.env[KUBECONFIG_VARIABLE]) return;
  plane = await start({ name: `integration-${process.pid}`, say: console.error });
  process.env[KUBECONFIG_VARIABLE] = plane.kubeconfig;
  process.env[AUDIT_LOG_VARIABLE] = plane.auditLog;
  process.env[KUBECTL_VARIABLE] = plane.record.kubectl;
  process.env[NAME_VARIABLE] = plane.name;
}

export async function globalTeardown(): Promise<void> {
  await plane?.stop();
}
