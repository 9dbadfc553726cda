/** The idle policy as a gate that a run passes before it takes its turn. */
import type { Gate } from '../gates.ts';
import type { Observed } from '../observed.ts';
import { nextRunId } from '../plan/run-id.ts';
import { triggerOf } from '../trigger.ts';
import { type IdleVerdict, judgeWait } from './wait.ts';

/** How the wait goes, of a run that has not begun; undefined without policy, and before the GPUs were looked at. */
export function idleVerdictOf(observed: Observed): IdleVerdict | undefined {
  const { profile, gpu, now } = observed;
  const policy = profile.spec.idlePolicy;
  if (policy === undefined || gpu?.idle === undefined) return undefined;
  const run = triggerOf(observed) === undefined ? profile.status?.run?.id : nextRunId(profile);
  return run === undefined ? undefined : judgeWait(policy, run, profile.status?.idle as never, gpu.idle, now);
}

export function idleGate(observed: Observed): Gate {
  const { profile, legs } = observed;
  // Copies are made where GPUs are idle; a URL's are not known.
  if (
    profile.spec.idlePolicy === undefined ||
    profile.spec.target.url !== undefined ||
    legs.some(({ hardware }) => hardware !== undefined)
  ) {
    return { kind: 'Open' };
  }
  const verdict = idleVerdictOf(observed);
  if (verdict === undefined) {
    return {
      kind: 'Wait',
      reason: 'WaitingForIdleGPUs',
      message: 'The GPUs of the target are about to be looked at',
      lookAgainMilliseconds: 1000,
    };
  }
  switch (verdict.kind) {
    case 'Idle':
      return { kind: 'Open' };
    case 'Wait':
      return { kind: 'Wait', reason: 'WaitingForIdleGPUs', message: verdict.message, lookAgainMilliseconds: verdict.lookAgainMilliseconds };
    case 'GiveUp':
      return { kind: 'GiveUp', reason: 'GPUsBusy', message: verdict.message };
  }
}
