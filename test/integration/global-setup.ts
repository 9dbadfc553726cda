/**
 * One plain control plane (etcd, kube-apiserver) for all integration tests; each test takes a namespace of its own.
 * A kubeconfig given as MODELWRIGHT_TEST_KUBECONFIG is used instead, and what it points at is left as it is.
 */
import type { ControlPlane } from '../../hack/controlplane/plane.ts';
import { startShared } from '../support/shared-plane.ts';

let plane: ControlPlane | undefined;

export async function globalSetup(): Promise<void> {
  plane = await startShared('integration');
}

export async function globalTeardown(): Promise<void> {
  await plane?.stop();
}
