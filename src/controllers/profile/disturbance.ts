/** What happened to the target while it was measured. */
import type { ProfileResult } from '../../api/model-profile/index.ts';
import type { Run } from './decision.ts';
import { podsOf } from './job/job-state.ts';
import { indexLabel, loadContainer } from './labels.ts';
import type { Observed } from './observed.ts';
import { planOfJob } from './plan/job-plan.ts';
import { changeBetween, podsState } from './target/target-pods.ts';

/**
 * The run with the state of the target as it is now. Where that has changed, whatever was being measured, or has just been and is not
 * taken yet, is marked: its figures are of two servers. The mark stays in the status, so that the points are invalid whenever they come in.
 */
export function disturbed(run: Run, jobs: Observed['jobs'], known: readonly ProfileResult[], { legs, pods }: Observed): Run {
  const current = jobs.at(-1);
  if (current === undefined || run.targetState === undefined) return run;
  const hardware = planOfJob(current)?.hardware;
  const leg = legs.find((one) => one.hardware === hardware);
  if (leg === undefined || leg.state.kind === 'Unread') return run;
  const state = podsState(leg.pods);
  const reason = changeBetween(run.targetState, state);
  if (state === run.targetState) return run;
  const marks =
    reason === undefined ? [] : indexesUnderWay(current, pods, known).map((index) => ({ job: current.metadata.name, index, reason }));
  const before = run.disturbances ?? [];
  const news = marks.filter((mark) => !before.some((one) => one.job === mark.job && one.index === mark.index));
  return { ...run, targetState: state, ...(before.length + news.length > 0 && { disturbances: [...before, ...news].slice(-64) }) };
}

/** Indexes whose pod has begun, and whose points are not taken yet. */
function indexesUnderWay(job: Observed['jobs'][number], pods: Observed['pods'], known: readonly ProfileResult[]): number[] {
  const plan = planOfJob(job);
  return podsOf(job, pods).flatMap((pod) => {
    const state = pod.status?.containerStatuses?.find(({ name }) => name === loadContainer)?.state;
    if (state?.running === undefined && state?.terminated === undefined) return [];
    const index = Number(pod.metadata.labels?.[indexLabel]);
    const counts = plan?.indexes[index];
    if (counts === undefined) return [];
    const isTaken = Object.entries(counts).every(([id, count]) =>
      known.some((result) => result.id === id && (result.repeats ?? 0) >= count),
    );
    return isTaken ? [] : [index];
  });
}
