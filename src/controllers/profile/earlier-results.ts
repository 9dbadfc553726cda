/**
 * The results of a complete run stay readable until another run is complete: while that one goes on, or when it fails, what it has measured itself is in
 * `status.measuring`. Inside the controller a status is that of the run under way; here it is turned into the one that is stored, and back. Pure.
 */
import type { ModelProfile, ModelProfileStatus } from '../../api/model-profile/index.ts';
import type { ConditionInput } from '../../kube/conditions.ts';
import type { DeepReadonly } from '../../kube/object.ts';
import type { Cached } from '../../kube/store.ts';
import type { StatusDraft } from './decision.ts';

type Status = DeepReadonly<ModelProfileStatus>;

/** What says something of results, whichever run they are of. */
const ofResults = ['results', 'searches', 'best', 'nearestMiss', 'rejected', 'provenance', 'method', 'gpuSource'] as const;
/** What of it the run under way needs again; the rest follows from it. */
const ofMeasuring = ['results', 'provenance', 'method', 'gpuSource'] as const;

/** Conditions that are of results. */
const judgements: readonly string[] = ['SLOMet', 'Stale'];

/** The profile as its latest run has left it: without the results of an earlier one. */
export function ofLatestRun<T extends Cached<ModelProfile> | ModelProfile>(profile: T): T {
  const { status } = profile;
  if (status?.measuring === undefined) return profile;
  const { measuring, ...rest } = status;
  const conditions = status.conditions?.filter(({ type }) => !judgements.includes(type));
  return { ...profile, status: { ...without(rest, ofResults), ...part(measuring, ofMeasuring), ...(conditions && { conditions }) } };
}

/** The status to store. `before` is the stored one. */
export function withEarlierResults(before: Status | undefined, draft: StatusDraft): StatusDraft {
  const { run } = draft;
  const of = before?.measuring?.resultsOf ?? (before?.run?.state === 'Complete' && before.run.id !== run?.id ? before.run.id : undefined);
  if (before === undefined || of === undefined || run === undefined || run.state === 'Complete') return draft;
  const stands = (type: string): ConditionInput[] => {
    const condition = before.conditions?.find((one) => one.type === type);
    if (condition === undefined) return [];
    const { status, reason, message } = condition;
    return [{ type, status, reason, message }];
  };
  const others = draft.conditions.filter(({ type }) => !judgements.includes(type));
  const stale: ConditionInput[] =
    run.trigger === 'SpecChanged' && run.state !== 'Cancelled'
      ? [
          {
            type: 'Stale',
            status: 'True',
            reason: 'SpecChanged',
            message: `The results are of run ${of}, and run ${run.id} is of another spec`,
          },
        ]
      : stands('Stale');
  return {
    ...without(draft, ofResults),
    ...(part(before, ofResults) as Pick<ModelProfileStatus, (typeof ofResults)[number]>),
    conditions: [...others, ...stands('SLOMet'), ...stale],
    measuring: { run: run.id, resultsOf: of, ...part(draft, ofMeasuring) },
  };
}

function without<T extends object>(object: T, names: readonly string[]): T {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name))) as T;
}

function part<T extends object, K extends keyof T>(object: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.flatMap((name) => (object[name] === undefined ? [] : [[name, object[name]]]))) as Pick<T, K>;
}
