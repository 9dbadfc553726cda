import type { ModelProfileSpec, ProfileResult } from '../../api/model-profile/index.ts';
import type { DeepReadonly } from '../../kube/object.ts';
import type { Run } from './decision.ts';

/** What shows that the measurement hurts a service that others use, in a sentence; undefined while nothing does, or nobody asked. */
export function guardBroken(
  { live, objective }: DeepReadonly<ModelProfileSpec>,
  results: readonly ProfileResult[],
  run: Run,
): string | undefined {
  if (live === undefined) return undefined;
  const harm = run.disturbances?.find(({ reason }) => reason === 'TargetRestarted' || reason === 'TargetNotReady');
  if (harm !== undefined)
    return `The target ${harm.reason === 'TargetRestarted' ? 'was restarted' : 'became unready'} while it was measured; the run was ended`;
  const { stopAboveP99Milliseconds: bound } = live;
  const slow = results.find(({ latencyMicroseconds }) => bound !== undefined && (latencyMicroseconds?.p99 ?? 0) > bound * 1000);
  if (slow !== undefined) {
    return `p99 of ${slow.id} was ${Math.round((slow.latencyMicroseconds?.p99 ?? 0) / 1000)} ms, above spec.live.stopAboveP99Milliseconds ${bound}; the run was ended`;
  }
  const most = objective?.maxErrorsPerMillion ?? 1000;
  const failing = results.find(({ requests, errors }) => requests > 0 && (errors / requests) * 1e6 > most);
  if (failing === undefined) return undefined;
  return `${failing.errors} of ${failing.requests} requests of ${failing.id} failed, more than ${most} per million; the run was ended`;
}
