/** How far a packaging Job is, by itself and by its Pod. */
import type { ContainerStatus, PodObject } from '../../../kserve/observation.ts';
import type { Cached } from '../../../kube/store.ts';
import { type JobFailure, type JobResult, parseJobMessage } from '../../../packaging/job-message.ts';
import { containerName } from './job.ts';
import { annotations, type JobObject } from './resources.ts';

export type JobState =
  | { readonly kind: 'Suspended' }
  | { readonly kind: 'Leaving' }
  | { readonly kind: 'Running'; readonly message: string }
  | { readonly kind: 'Done'; readonly result: JobResult }
  /** `at`: when, in milliseconds since the epoch. */
  | { readonly kind: 'Failed'; readonly failure: Pick<JobFailure, 'message' | 'retry'> & { readonly code: string }; readonly at: number };

export function jobStateOf(job: Cached<JobObject>, pods: readonly Cached<PodObject>[]): JobState {
  const { metadata, spec, status } = job;
  if (metadata.deletionTimestamp !== undefined) return { kind: 'Leaving' };
  if (spec?.suspend === true) return { kind: 'Suspended' };
  const own = pods.filter(({ metadata: pod }) =>
    pod.ownerReferences?.some(({ uid, controller }) => controller === true && uid === metadata.uid),
  );
  const ended = own
    .map((pod) => ({ pod, container: containerOf(pod) }))
    .find(({ container }) => container?.state?.terminated !== undefined);
  const failedCondition = status?.conditions?.find((condition) => condition.type === 'Failed' && condition.status === 'True');
  const at = Date.parse(failedCondition?.lastTransitionTime ?? metadata.creationTimestamp);
  if (ended !== undefined) return endedState(job, ended.container, at);
  if (failedCondition !== undefined) {
    const late = failedCondition.reason === 'DeadlineExceeded';
    const message = late
      ? `Packaging took longer than ${spec?.activeDeadlineSeconds ?? 0} s; raise spec.packaging.deadlineSeconds of the ServingPlatform`
      : `The Pod of the packaging Job was lost: ${failedCondition.message ?? failedCondition.reason ?? 'no reason given'}`;
    return { kind: 'Failed', failure: { code: late ? 'DeadlineExceeded' : 'PodLost', message, retry: true }, at };
  }
  return { kind: 'Running', message: progressOf(job, own[0]) };
}

function containerOf({ status }: Cached<PodObject>): ContainerStatus | undefined {
  return status?.containerStatuses?.find(({ name }) => name === containerName) as ContainerStatus | undefined;
}

function endedState(job: Cached<JobObject>, container: ContainerStatus | undefined, at: number): JobState {
  const { message, reason, exitCode } = container?.state?.terminated ?? {};
  const said = parseJobMessage(message, job.metadata.annotations?.[annotations.run] ?? '');
  if (said.kind === 'Result') {
    if (exitCode === 0) return { kind: 'Done', result: said.result };
    return {
      kind: 'Failed',
      failure: { code: 'Interrupted', message: `The packaging Job ended with exit code ${exitCode}`, retry: true },
      at,
    };
  }
  if (said.kind === 'Failure') return { kind: 'Failed', failure: said.failure, at };
  if (reason === 'OOMKilled') {
    const message = 'The packaging Job ran out of memory; raise spec.packaging.resources of the ServingPlatform';
    return { kind: 'Failed', failure: { code: 'OutOfMemory', message, retry: true }, at };
  }
  const code = exitCode === undefined ? '' : ` with exit code ${exitCode}`;
  return { kind: 'Failed', failure: { code: 'NoResult', message: `The packaging Job ended${code}, and ${said.reason}`, retry: true }, at };
}

function progressOf(job: Cached<JobObject>, pod: Cached<PodObject> | undefined): string {
  const name = `Job ${job.metadata.name}`;
  if (pod === undefined) return `${name} has no Pod yet; kubectl describe job ${job.metadata.name} tells why, should that last`;
  const unschedulable = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (unschedulable !== undefined) return `${name} waits for a node: ${unschedulable.message ?? unschedulable.reason ?? ''}`;
  const waiting = containerOf(pod)?.state?.waiting;
  if (waiting?.reason !== undefined && waiting.reason !== 'ContainerCreating') {
    return `${name} cannot start: ${waiting.reason}${waiting.message === undefined ? '' : `: ${waiting.message}`}`;
  }
  return containerOf(pod)?.state?.running === undefined ? `${name} is starting` : `${name} is at work`;
}
