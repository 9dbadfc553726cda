/** What a Job and its pods say about how far they are. */
import type { Cached } from '../../../kube/store.ts';
import { indexLabel, loadContainer, runLabel } from '../labels.ts';
import type { Observed } from '../observed.ts';
import type { JobObject, LoadPodObject } from '../resources.ts';
import { terminationOf } from '../results/collect.ts';

/** Complete or failed for good: no pod of it runs any more, or will. */
export function isFinished({ status }: Cached<JobObject>): boolean {
  return status?.conditions?.some(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True') ?? false;
}

/** When it ended, milliseconds since the epoch; undefined while it has not. */
export function endOf({ status }: Cached<JobObject>): number | undefined {
  const ended = status?.conditions?.find(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True');
  return ended?.lastTransitionTime === undefined ? undefined : Date.parse(ended.lastTransitionTime);
}

/** It may load the target now or later. A finished Job that is being deleted has nothing left to do. */
export function isActive(job: Cached<JobObject>): boolean {
  return !isFinished(job);
}

export function isOfRun({ metadata }: Cached<JobObject>, run: string): boolean {
  return metadata.labels?.[runLabel] === run;
}

export function podsOf(job: Cached<JobObject>, pods: readonly Cached<LoadPodObject>[]): readonly Cached<LoadPodObject>[] {
  return pods.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === job.metadata.uid));
}

/** Jobs and pods reach the caches by watches of their own: one may be this far behind the other. */
const watchLagMilliseconds = 10_000;

/** Whether a Job has just ended, and the end of some of its pods may still be on its way to us. */
export function awaitsPods(job: Cached<JobObject>, pods: readonly Cached<LoadPodObject>[], now: number): boolean {
  const end = endOf(job);
  if (end === undefined || now - end >= watchLagMilliseconds) return false;
  const ended = podsOf(job, pods).filter((pod) => terminationOf(pod) !== undefined);
  const indexes = new Set(ended.map(({ metadata }) => metadata.labels?.[indexLabel]));
  return indexes.size < (job.spec?.completions ?? 1);
}

/** A node that says nothing for this long has lost its pods, whatever the API server still believes. */
const lostAfterMilliseconds = 120_000;

/** A node may take Pods before our cache has heard of it. */
const unseenMilliseconds = 30_000;

/** Why a load pod will never end by itself; undefined when it may. */
export function lossOf(pod: Cached<LoadPodObject>, { nodes, now }: Pick<Observed, 'nodes' | 'now'>): string | undefined {
  if (terminationOf(pod) !== undefined || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return undefined;
  const node = pod.spec?.nodeName;
  if (node === undefined || nodes === undefined) return undefined;
  const found = nodes.get(node);
  if (found === undefined) return now - scheduledAt(pod) >= unseenMilliseconds ? `node ${node} is gone` : undefined;
  const ready = found.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready === undefined || ready.status === 'True') return undefined;
  const since = ready.lastTransitionTime === undefined ? now : Date.parse(ready.lastTransitionTime);
  return now - since >= lostAfterMilliseconds ? `node ${node} has not been ready for ${Math.round((now - since) / 1000)} s` : undefined;
}

function scheduledAt({ status, metadata }: Cached<LoadPodObject>): number {
  const scheduled = status?.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'True');
  return Date.parse(scheduled?.lastTransitionTime ?? metadata.creationTimestamp);
}

/** A pod that only pulls an image is seldom longer on its way. */
const longStartMilliseconds = 120_000;

/** What keeps a Job's pod from running, for people; undefined when nothing does. */
export function hindranceOf(
  job: Cached<JobObject>,
  pods: readonly Cached<LoadPodObject>[],
  now: number,
): { readonly reason: string; readonly message: string } | undefined {
  if (job.spec?.suspend === true) return { reason: 'JobSuspended', message: `Job ${job.metadata.name} is suspended by somebody else` };
  const own = podsOf(job, pods).filter((pod) => terminationOf(pod) === undefined);
  const [pod] = own;
  if (pod === undefined) {
    const age = now - Date.parse(job.metadata.creationTimestamp);
    if (podsOf(job, pods).length > 0 || age < 30_000) return undefined;
    return { reason: 'LoadPodMissing', message: `Job ${job.metadata.name} has no pod; kubectl describe job says why` };
  }
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') {
    return { reason: 'LoadPodUnschedulable', message: `Pod ${pod.metadata.name} finds no node: ${scheduled.message ?? 'no reason given'}` };
  }
  const waiting = pod.status?.containerStatuses?.find(({ name }) => name === loadContainer)?.state?.waiting;
  if (waiting?.reason === undefined) return undefined;
  if (waiting.reason === 'ContainerCreating' || waiting.reason === 'PodInitializing') {
    const isLong = now - Date.parse(pod.metadata.creationTimestamp) > longStartMilliseconds;
    const message = `Pod ${pod.metadata.name} takes long to start: is the Secret or ConfigMap that it mounts there? kubectl describe pod says`;
    return isLong ? { reason: 'LoadPodWaiting', message } : undefined;
  }
  return {
    reason: 'LoadPodWaiting',
    message: `Pod ${pod.metadata.name} does not start: ${waiting.reason}${waiting.message ? `: ${waiting.message}` : ''}`,
  };
}
