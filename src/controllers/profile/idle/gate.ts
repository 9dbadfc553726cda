/** The idle policy as a gate that a run passes before it takes its turn. */
import type { Gate } from '../gates.ts';
import type { Observed } from '../observed.ts';
import { nextRunId } from '../plan/run-id.ts';
import { triggerOf } from '../trigger.ts';
import { type IdleVerdict, judgeWait } from './wait.ts';

type Watched = Pick<Observed, 'profile' | 'gpu' | 'now' | 'copyToMake'>;

/** How the wait goes, of a run or a copy that has not begun; undefined without policy, and before the GPUs were looked at. */
export function idleVerdictOf(observed: Watched): IdleVerdict | undefined {
  const { profile, gpu, now, copyToMake } = observed;
  const policy = profile.spec.idlePolicy;
  if (policy === undefined || gpu?.idle === undefined) return undefined;
  const run = triggerOf(observed) === undefined ? profile.status?.run?.id : nextRunId(profile);
  if (run === undefined) return undefined;
  const wait = { run, ...(copyToMake !== undefined && { hardware: copyToMake.entry }) };
  return judgeWait(policy, wait, profile.status?.idle, gpu.idle, now);
}

export function idleGate(observed: Observed): Gate {
  const { idlePolicy, target, mode } = observed.profile.spec;
  // The GPUs behind a URL are not known; copies are held back one by one.
  if (idlePolicy === undefined || target.url !== undefined || mode === 'Dedicated') return { kind: 'Open' };
  const verdict = idleVerdictOf(observed);
  const reason = 'WaitingForIdleGPUs';
  if (verdict === undefined) {
    return { kind: 'Wait', reason, message: 'The GPUs of the target are about to be looked at', lookAgainMilliseconds: 1000 };
  }
  const { kind, message, lookAgainMilliseconds } = verdict;
  switch (kind) {
    case 'Idle':
      return { kind: 'Open' };
    case 'Wait':
      return { kind: 'Wait', reason, message, lookAgainMilliseconds };
    case 'GiveUp':
      return { kind: 'GiveUp', reason: 'GPUsBusy', message };
  }
}
