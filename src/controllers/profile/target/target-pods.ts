/** The pods of a target, and what about them a measurement depends on. */
import { hash } from 'node:crypto';
import type { PodObject } from '../../../kserve/observation.ts';
import type { Cached } from '../../../kube/store.ts';
import { gpusOf } from '../idle/node-pods.ts';
import type { DisturbanceReason } from '../plan/missing.ts';
import type { TargetPod } from './target.ts';

/** The pods that take requests or soon will; those that have ended or are leaving are left out. */
export function targetPodsOf(pods: readonly Cached<PodObject>[]): TargetPod[] {
  return pods
    .filter(
      ({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed',
    )
    .map(({ metadata, spec, status }) => {
      const containers = status?.containerStatuses ?? [];
      return {
        name: metadata.name,
        uid: metadata.uid,
        ready: status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
        restarts: containers.reduce((sum, { restartCount }) => sum + (restartCount ?? 0), 0),
        images: containers.map(({ imageID, image }) => imageID || image || '').filter(Boolean),
        gpus: Object.values(gpusOf(spec)).reduce((sum, count) => sum + count, 0),
        ...(spec?.nodeName !== undefined && { node: spec.nodeName }),
        ...(status?.podIP !== undefined && { ip: status.podIP }),
      };
    })
    .toSorted((a, b) => (a.uid < b.uid ? -1 : 1));
}

/**
 * The pods as one text of at most 64 characters in three parts, so that two such texts tell what has changed: which pods are ready, how
 * often their containers were restarted, and which images they run. Empty when there is no ready pod, as of a model scaled to zero.
 */
export function podsState(pods: readonly TargetPod[]): string {
  const ready = pods.filter((pod) => pod.ready);
  if (ready.length === 0) return '';
  const restarts = pods.reduce((sum, pod) => sum + pod.restarts, 0);
  const images = [...new Set(ready.flatMap((pod) => pod.images))].toSorted();
  return `${digest(ready.map(({ uid }) => uid))}.${restarts}.${digest(images)}`;
}

/** What happened between two states; undefined when nothing that a figure depends on. Where there was no pod, its start is none of it. */
export function changeBetween(before: string, now: string): DisturbanceReason | undefined {
  if (before === now || before === '') return undefined;
  if (now === '') return 'TargetNotReady';
  const [pods, restarts, images] = before.split('.');
  const [podsNow, restartsNow, imagesNow] = now.split('.');
  if (images !== imagesNow) return 'TargetImageChanged';
  if (pods === podsNow && restarts !== restartsNow) return 'TargetRestarted';
  return 'TargetRescaled';
}

function digest(texts: readonly string[]): string {
  return hash('sha256', texts.join('\n'), 'hex').slice(0, 20);
}
