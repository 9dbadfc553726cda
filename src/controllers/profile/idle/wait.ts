/** How long a run waits for idle GPUs, and when it gives up. */
import type { ModelProfileSpec, ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { DeepReadonly } from '../../../kube/object.ts';
import { rfc3339 } from '../times.ts';
import type { Busy, Judgement } from './judge.ts';

export type IdlePolicy = NonNullable<ModelProfileSpec['idlePolicy']>;
export type IdleStatus = NonNullable<ModelProfileStatus['idle']>;

export const idleDefaults = { maxUtilizationPercent: 5, maxMemoryPercent: 10, stableSeconds: 60, waitAtMostSeconds: 3600 } as const;

/** What was seen of the GPUs, last and before. */
export interface IdleSighting {
  readonly judgement: Judgement;
  /** Since when every look at them found them idle, milliseconds since the epoch; undefined while they are busy. */
  readonly idleSince: number | undefined;
}

export interface IdleVerdict {
  readonly kind: 'Idle' | 'Wait' | 'GiveUp';
  readonly status: IdleStatus;
  /** Reason and message of condition Idle, and of Ready while it waits. */
  readonly reason: 'Idle' | 'NoGpu' | 'Busy' | 'NotIdleLongEnough' | 'StillBusy';
  readonly message: string;
  /** When to look again, whatever happens. */
  readonly lookAgainMilliseconds: number;
}

const mostBusy = 16;
const longestBusy = 512;

/** How often the GPUs are looked at: a few times in the time that they have to be idle, and never more than every two seconds. */
export function lookEveryMilliseconds({ stableSeconds = idleDefaults.stableSeconds }: IdlePolicy): number {
  return Math.min(15_000, Math.max(2000, (stableSeconds / 4) * 1000));
}

/**
 * @param wait the run that waits, and of a Dedicated one the entry of the hardware
 * @param before what the status says of the wait
 */
export function judgeWait(
  policy: IdlePolicy,
  wait: { readonly run: string; readonly hardware?: string },
  before: DeepReadonly<IdleStatus> | undefined,
  sighting: IdleSighting,
  now: number,
): IdleVerdict {
  const { stableSeconds, waitAtMostSeconds } = { ...idleDefaults, ...policy };
  const { run, hardware } = wait;
  const known = before?.runId === run && before.hardware === hardware ? before : undefined;
  const { judgement, idleSince } = sighting;
  const judgedBy = judgement.judgedBy === undefined ? {} : { judgedBy: judgement.judgedBy };
  const base = { runId: run, ...(hardware !== undefined && { hardware }), ...judgedBy, waitingSince: known?.waitingSince ?? rfc3339(now) };
  const left = Date.parse(base.waitingSince) + waitAtMostSeconds * 1000 - now;
  const lookAgainMilliseconds = Math.max(0, Math.min(lookEveryMilliseconds(policy), left));

  if (judgement.kind === 'Idle' && judgement.judgedBy === undefined) {
    return {
      kind: 'Idle',
      status: { ...base, state: 'Idle' },
      reason: 'NoGpu',
      message: `There is nothing to wait for: ${judgement.note}`,
      lookAgainMilliseconds,
    };
  }
  if (judgement.kind === 'Idle' && idleSince !== undefined) {
    const since = { idleSince: rfc3339(idleSince) };
    const missing = idleSince + stableSeconds * 1000 - now;
    if (missing <= 0) {
      const message = `The GPUs have been idle for ${stableSeconds} s, judged ${judgement.note}`;
      return { kind: 'Idle', status: { ...base, ...since, state: 'Idle' }, reason: 'Idle', message, lookAgainMilliseconds };
    }
    if (left > 0) {
      const message = `The GPUs are idle, judged ${judgement.note}; the run begins once they have been for ${stableSeconds} s`;
      const again = Math.max(0, Math.min(lookAgainMilliseconds, missing));
      return {
        kind: 'Wait',
        status: { ...base, ...since, state: 'Waiting' },
        reason: 'NotIdleLongEnough',
        message,
        lookAgainMilliseconds: again,
      };
    }
  }
  const busy = judgement.kind === 'Busy' ? judgement.busy : [];
  const told = { busy: toldBusy(busy, known?.busy) };
  const what = told.busy.length > 0 ? told.busy.join('; ') : `the GPUs were not idle for ${stableSeconds} s at a time`;
  const how = judgement.judgedBy === 'Allocation' ? ' (judged by what Pods have asked for)' : '';
  if (left <= 0) {
    const message = `Gave up after ${waitAtMostSeconds} s: ${what}${how}. Change spec.runId to try again, or raise spec.idlePolicy.waitAtMostSeconds`;
    return { kind: 'GiveUp', status: { ...base, ...told, state: 'GaveUp' }, reason: 'StillBusy', message, lookAgainMilliseconds };
  }
  return {
    kind: 'Wait',
    status: { ...base, ...told, state: 'Waiting' },
    reason: 'Busy',
    message: `Waits for idle GPUs: ${what}${how}`,
    lookAgainMilliseconds,
  };
}

/** While the same is busy the figures stay as they were first told: a status that follows every look would be written at every look. */
function toldBusy(busy: readonly Busy[], before: readonly string[] | undefined): string[] {
  const texts = busy.slice(0, mostBusy).map(({ what, how }) => ({ what, text: `${what}: ${how}`.slice(0, longestBusy) }));
  const same = before?.length === texts.length && texts.every(({ what }, i) => before[i]?.startsWith(`${what}: `.slice(0, longestBusy)));
  return same ? [...(before as readonly string[])] : texts.map(({ text }) => text);
}
