/**
 * One full control plane for all conformance tests: controller manager, scheduler, fake nodes, Knative Serving and KServe.
 * MODELWRIGHT_TEST_KSERVE picks an older KServe; those before 0.15 come without Knative.
 * A kubeconfig given as MODELWRIGHT_TEST_KUBECONFIG is used instead, and what it points at is left as it is.
 */
import { KSERVE_VERSIONS, type KServeVersion } from '../../hack/controlplane/kserve-releases.ts';
import type { ControlPlane } from '../../hack/controlplane/plane.ts';
import { KSERVE_VARIABLE } from '../support/environment.ts';
import { startShared } from '../support/shared-plane.ts';

let plane: ControlPlane | undefined;

export async function globalSetup(): Promise<void> {
  const kserve = wantedKServe(process.env[KSERVE_VARIABLE]);
  process.env[KSERVE_VARIABLE] = kserve;
  const knative = ['0.20.0', '0.15.2'].includes(kserve);
  plane = await startShared('conformance', { nodes: 'fake', kserve, knative });
  // No registry is asked for a digest: tests run without a network. A test of tag resolution takes this key away.
  const skipped = { data: { 'registries-skipping-tag-resolving': 'index.docker.io,nvcr.io' } };
  if (knative) {
    await plane?.kubectl([
      'patch',
      'configmap',
      'config-deployment',
      '-n',
      'knative-serving',
      '--type=merge',
      '-p',
      JSON.stringify(skipped),
    ]);
  }
}

export async function globalTeardown(): Promise<void> {
  await plane?.stop();
}

function wantedKServe(wanted: string = KSERVE_VERSIONS[0]): KServeVersion {
  const version = KSERVE_VERSIONS.find((known) => known === wanted);
  if (!version) throw new Error(`${KSERVE_VARIABLE} is ${wanted}, but the releases that run here are ${KSERVE_VERSIONS.join(', ')}`);
  return version;
}
