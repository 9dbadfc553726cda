/**
 * A control plane for one test file: a cluster has one ServingPlatform, and every operator in it heeds that, so tests of it and tests of models must not share
 * one. Tells this process's helpers (kubectl, apply, …) to use it.
 */
import { type StartOptions, start } from '../../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { applyCrds } from '../../support/cluster.ts';
import { useControlPlane } from '../../support/shared-plane.ts';

export async function ownPlane(tier: string, options: StartOptions = {}): Promise<ControlPlane> {
  const plane = await start({ name: `${tier}-platform-${process.pid}`, ...options });
  useControlPlane(plane);
  await applyCrds();
  return plane;
}
