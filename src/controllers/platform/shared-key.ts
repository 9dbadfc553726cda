import type { Cached } from '../../kube/store.ts';
import { type Action, clip, type Drift, type Part, type Verdict } from './decision.ts';
import type { Observed, SharedKey } from './observe.ts';
import type { SharedConfigMap } from './resources.ts';

/** The API server takes no object over 1 MiB; what comes near it is not sent. */
const maxValueBytes = 900 * 1024;

export interface WantedKey {
  readonly target: SharedKey;
  readonly object: Cached<SharedConfigMap>;
  readonly key: string;
  readonly value: string | null;
  readonly claim: string | null;
  readonly claimNow: string | null;
}

/** Brings one key of a shared ConfigMap to the wanted value, or says what stands in the way. Undefined where it is as wanted. */
export function setKey(wanted: WantedKey, { setbacks, platform }: Pick<Observed, 'setbacks' | 'platform'>): Part | undefined {
  const { target, object, key, value } = wanted;
  const found = object.data?.[key] ?? null;
  if (found === value && wanted.claim === wanted.claimNow) return undefined;
  const where = `${object.metadata.namespace}/${object.metadata.name}`;
  const setback = setbacks.get(target);
  const drift = driftOf(where, key, value, found, setback?.kind === 'Contested' ? setback : undefined);
  const stopped = (verdict: Verdict): Part => ({ actions: [], verdict, drift });
  if (object.immutable === true) {
    return stopped({
      status: 'False',
      reason: 'ConfigMapImmutable',
      message: `ConfigMap ${where} is marked immutable, so ${key} cannot be set; delete the ConfigMap and make it again without "immutable: true"`,
    });
  }
  if (value !== null && Buffer.byteLength(value) > maxValueBytes) {
    return stopped({
      status: 'False',
      reason: 'ValueTooLong',
      message: `${key} of ConfigMap ${where} would be longer than a ConfigMap may be; remove what is not needed from it`,
    });
  }
  if (setback?.kind === 'Refused') return stopped({ status: 'False', reason: setback.reason, message: setback.message });
  if (setback?.kind === 'Contested' && platform.metadata.deletionTimestamp === undefined) {
    return stopped({
      status: 'False',
      reason: 'Conflict',
      message: `${setback.manager} keeps putting ${key} of ConfigMap ${where} back, so we have stopped for some minutes; give ${setback.manager} the same value, have it leave this key alone, or remove it from the ServingPlatform`,
    });
  }
  const action: Action = { kind: 'SetKey', target, object, key, value, claim: wanted.claim };
  return { actions: [action], drift };
}

function driftOf(
  object: string,
  field: string,
  value: string | null,
  found: string | null,
  contest?: { manager: string; since?: string },
): Drift {
  return {
    object,
    field,
    wanted: clip(value ?? '(absent)', 1024),
    found: clip(found ?? '(absent)', 1024),
    manager: clip(contest?.manager ?? 'unknown', 128),
    ...(contest?.since !== undefined && { since: contest.since }),
  };
}
