/** What the best setting was measured of: a ModelDeployment that is another by now was not measured. Pure. */
import { hash } from 'node:crypto';
import type { HardwareStatus } from '../../../api/model-profile/dedicated.ts';
import { copiedSpec } from '../../deployment/temporary.ts';
import { basisOf } from '../dedicated/copy.ts';
import { type Measured, specOfBest } from './recommend.ts';

/**
 * Names the ModelDeployment as the best setting would have it: model, image, and everything that decides over speed. Fields that the best setting gives are
 * part of it as it gives them, so that somebody who takes such a field back has changed nothing that was measured.
 */
export function basisOfBest(measured: Measured): string {
  const { deployment } = measured;
  const { status } = deployment;
  const wanted = copiedSpec({ ...deployment, spec: specOfBest(measured) });
  const mode = status?.deploymentMode ?? deployment.spec.deploymentMode ?? null;
  const served = [status?.package?.sha256 ?? null, status?.runtime?.image ?? null];
  return hash('sha256', JSON.stringify([sorted(wanted), mode, served]), 'hex').slice(0, 16);
}

/** Whether the copies that were measured (mode Dedicated) were of the ModelDeployment as it is at the end of the run. */
export function copiedFromThis({ best, deployment }: Measured, hardware: readonly HardwareStatus[]): boolean {
  if (best.hardware === undefined) return true;
  const basis = hardware.find(({ name }) => name === best.hardware)?.basis;
  return basis === undefined || basis === basisOf(deployment);
}

/** The order of fields says nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, part]) => [name, sorted(part)]),
  );
}
