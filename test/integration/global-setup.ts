/**
 * One plain control plane (etcd, kube-apiserver) for all integration tests; each test takes a namespace of its own.
 * A kubeconfig given as MODELWRIGHT_TEST_KUBECONFIG is used instead, and what it points at is left as it is.
 */

import { getBinaries } from '../../hack/controlplane/binaries.ts';
import { HELM, HELM_3, JUDGES } from '../../hack/controlplane/catalog.ts';
import type { ControlPlane } from '../../hack/controlplane/plane.ts';
import { startShared } from '../support/shared-plane.ts';

let plane: ControlPlane | undefined;

export async function globalSetup(): Promise<void> {
  // Built before the clock of any test file runs, and only where one needs them.
  if (process.argv.some((file) => file.includes('integration/chart/'))) {
    await getBinaries(
      [HELM, HELM_3].map((component) => ({ component, binaries: ['helm'] })),
      { say: console.error },
    );
    await getBinaries([{ component: JUDGES, binaries: ['judge'] }], { say: console.error });
  }
  plane = await startShared('integration');
}

export async function globalTeardown(): Promise<void> {
  await plane?.stop();
}
