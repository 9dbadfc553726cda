/** What happened to the target while it was measured. */
import type { ProfileResult } from '../../api/model-profile/index.ts';
import type { Run } from './decision.ts';
import { podsOf } from './job/job-state.ts';
import { indexLabel, loadContainer } from './labels.ts';
import type { Leg, Observed } from './observed.ts';
import { planOfJob } from './plan/job-plan.ts';
import { prefixed } from './plan/tasks.ts';
import { changeBetween, podsState } from './target/target-pods.ts';

/**
 * The run with the state of the target as it is now. Where that has changed, or a node of the target is short of memory, disk or processes, or another Pod has
 * come to its GPUs, whatever was being measured, or has just been and is not taken yet, is marked. The mark stays in the status, so that the points are
 * invalid whenever they come in.
 */
export function disturbed(
  run: Run,
  jobs: Observed['jobs'],
  known: readonly ProfileResult[],
  observed: Pick<Observed, 'legs' | 'pods' | 'nodes' | 'gpu'>,
): Run {
  const current = jobs.at(-1);
  if (current === undefined || run.targetState === undefined) return run;
  const hardware = planOfJob(current)?.hardware;
  const leg = observed.legs.find((one) => one.hardware === hardware);
  if (leg === undefined || leg.state.kind === 'Unread') return run;
  const targetState = podsState(leg.pods);
  const strangers = (observed.gpu?.tenants?.pods ?? []).filter((pod) => !run.gpuTenants?.includes(pod)).slice(0, 16);
  const reason =
    changeBetween(run.targetState, targetState) ??
    (isUnderPressure(leg, observed.nodes) ? 'NodePressure' : strangers.length > 0 ? 'OtherGpuTenant' : undefined);
  const before = run.disturbances ?? [];
  // What was seen before a Pod began says nothing of its time.
  const pods = reason === 'OtherGpuTenant' ? begunBefore(observed.gpu?.tenants?.at ?? 0, observed.pods) : observed.pods;
  const marks =
    reason === undefined
      ? []
      : indexesUnderWay(current, pods, known).map((index) => ({
          job: current.metadata.name,
          index,
          reason,
          ...(reason === 'OtherGpuTenant' && { pods: strangers }),
        }));
  const news = marks.filter((mark) => !before.some((one) => one.job === mark.job && one.index === mark.index));
  return { ...run, targetState, ...(before.length + news.length > 0 && { disturbances: [...before, ...news].slice(-64) }) };
}

/** Kubernetes' times are whole seconds, rounded down. */
function begunBefore(time: number, pods: Observed['pods']): Observed['pods'] {
  return pods.filter(({ metadata }) => Date.parse(metadata.creationTimestamp) + 1000 <= time);
}

function isUnderPressure({ pods }: Leg, nodes: Observed['nodes']): boolean {
  return pods.some(({ node }) =>
    nodes?.get(node ?? '')?.status?.conditions?.some(({ type = '', status }) => type.endsWith('Pressure') && status === 'True'),
  );
}

/** Indexes whose pod has begun, and of whose points none is taken yet. */
function indexesUnderWay(job: Observed['jobs'][number], pods: Observed['pods'], known: readonly ProfileResult[]): number[] {
  const plan = planOfJob(job);
  return podsOf(job, pods).flatMap((pod) => {
    const state = pod.status?.containerStatuses?.find(({ name }) => name === loadContainer)?.state;
    const index = Number(pod.metadata.labels?.[indexLabel]);
    const counts = plan?.indexes[index];
    if (counts === undefined || (state?.running === undefined && state?.terminated === undefined)) return [];
    const isTaken = known.some((result) => {
      const count = counts[result.id] ?? counts[prefixed(result.hardware, `b${result.batchSize}-search`)];
      return count !== undefined && (result.repeats ?? 0) >= count;
    });
    return state.terminated !== undefined && isTaken ? [] : [index];
  });
}
