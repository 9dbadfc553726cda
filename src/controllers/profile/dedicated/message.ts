/** Sentences about the entries of the hardware. */
import type { HardwareStatus } from '../../../api/model-profile/dedicated.ts';
import type { ConditionInput } from '../../../kube/conditions.ts';

const lost: readonly HardwareStatus['state'][] = ['Unavailable', 'Failed'];

/** Why a run ends that could measure nothing at all. */
export function nothingToBeHad(hardware: readonly HardwareStatus[]): string {
  return `None of the hardware could be measured. ${causes(hardware)}`;
}

/** A verdict on the whole, with the entries that are not part of it. */
export function withHardware<V extends Pick<ConditionInput, 'status' | 'message'>>(
  verdict: V,
  hardware: readonly HardwareStatus[] = [],
): V {
  const missing = hardware.filter(({ state }) => lost.includes(state));
  if (missing.length === 0 || verdict.status !== 'True') return verdict;
  return { ...verdict, message: `${verdict.message}. Not measured: ${causes(hardware)}` };
}

function causes(hardware: readonly HardwareStatus[]): string {
  return hardware
    .filter(({ state }) => lost.includes(state))
    .map(({ name, message }) => `${name} (${message ?? 'unknown'})`)
    .join(', ');
}
