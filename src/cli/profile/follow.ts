/** Waits for a profile's run, and says what comes in. */
import type { ModelProfile } from '../../api/model-profile/index.ts';
import { modelProfile } from '../../api/model-profile/index.ts';
import { ofLatestRun } from '../../controllers/profile/earlier-results.ts';
import { shownReport } from '../../controllers/profile/report/shown.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isExpired } from '../../kube/errors.ts';
import type { Stored } from '../../kube/object.ts';
import { ms } from '../../load/report/columns.ts';
import type { ShownPoint } from '../../load/report/report.ts';
import { Failure } from '../failure.ts';

export interface ProfileKey {
  readonly name: string;
  readonly namespace: string;
}

/** The profile as it is, then each time it changes. Ends with a `Failure` when it is deleted. */
export async function* changes(client: KubeClient, key: ProfileKey, signal: AbortSignal): AsyncGenerator<Stored<ModelProfile>> {
  for (;;) {
    const current = await client.get(modelProfile, key, signal);
    yield current;
    const options = {
      namespace: key.namespace,
      fieldSelector: `metadata.name=${key.name}`,
      resourceVersion: current.metadata.resourceVersion,
    };
    try {
      for await (const { type, object } of client.watch(modelProfile, options, signal)) {
        if (type === 'DELETED') throw new Failure(`ModelProfile ${key.name} was deleted`);
        if (type === 'ERROR') break;
        if (type !== 'BOOKMARK') yield object as Stored<ModelProfile>;
      }
    } catch (error) {
      if (!isExpired(error)) throw error;
    }
  }
}

export type Outcome =
  | { readonly kind: 'going on' }
  | { readonly kind: 'done' }
  /** Measured, and no setting keeps the objective. */
  | { readonly kind: 'missed'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

/** Where the run of the spec as it is stands. A status of an older generation says nothing about it. */
export function outcomeOf({ metadata, spec, status }: ModelProfile): Outcome {
  if (status === undefined || (status.observedGeneration ?? 0) < (metadata.generation ?? 0)) return { kind: 'going on' };
  const condition = (type: string) => status.conditions?.find((one) => one.type === type);
  const ready = condition('Ready');
  const said = ready?.message ?? '';
  const stalled = condition('Stalled');
  if (spec.suspend === true) return { kind: 'failed', message: said || 'the profile is suspended' };
  if (stalled?.status === 'True') return { kind: 'failed', message: stalled.message };
  if (status.run?.requestedRunId !== spec.runId) return { kind: 'going on' };
  switch (status.run?.state) {
    case 'Complete':
      return condition('SLOMet')?.status === 'False' ? { kind: 'missed', message: condition('SLOMet')?.message ?? said } : { kind: 'done' };
    case 'Failed':
    case 'Cancelled':
      return { kind: 'failed', message: said };
    default:
      return { kind: 'going on' };
  }
}

/** Shows what is new of each version on `stream`: a line for every point, and a line when the state changes. */
export function narrator(stream: NodeJS.WriteStream): (profile: ModelProfile) => void {
  const seen = new Set<string>();
  let before = '';
  return (profile) => {
    const { status } = profile;
    const report = shownReport(ofLatestRun(profile));
    const place = status?.progress === undefined ? '' : `[${status.progress.summary}] `;
    for (const point of report.points) {
      const version = `${report.run} ${point.id} ${point.startedAt}`;
      if (seen.has(version)) continue;
      seen.add(version);
      stream.write(`${place}${pointLine(point)}\n`);
    }
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    const state = ready === undefined ? 'waiting for the operator' : `${ready.reason}: ${ready.message}`;
    if (state !== before) stream.write(`${state}\n`);
    before = state;
  };
}

function pointLine(point: ShownPoint): string {
  const { latencyMicroseconds: latency, requests, succeeded } = point;
  const failed = (requests ?? 0) - (succeeded ?? 0);
  const figures = `${point.inferencesPerSecond.toFixed(1)}/s, p50 ${ms(latency?.p50) || '–'} ms, p99 ${ms(latency?.p99) || '–'} ms, ${failed} errors`;
  const reasons = point.invalidReasons.map(({ reason }) => reason).join(', ');
  return `${point.id}: ${figures}${point.valid ? '' : ` (not valid: ${reasons})`}`;
}

/** Follows until the run has ended; rejects with the reason of `signal`. */
export async function untilEnded(
  client: KubeClient,
  key: ProfileKey,
  say: (profile: ModelProfile) => void,
  signal: AbortSignal,
): Promise<{ readonly profile: ModelProfile; readonly outcome: Outcome }> {
  for await (const profile of changes(client, key, signal)) {
    say(profile);
    const outcome = outcomeOf(profile);
    if (outcome.kind !== 'going on') return { profile, outcome };
  }
  throw new Failure('the watch ended');
}
