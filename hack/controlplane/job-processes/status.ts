/** What a kubelet writes into the status of a Pod with one container. Pure: the same Pod and times give the same status. */
import type { JobPod } from './pod.ts';

export interface Ended {
  readonly exitCode: number;
  readonly message: string;
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** A node of this machine has no address of its own for a Pod. */
const address = '127.0.0.1';

export function waiting(pod: JobPod, reason: string, message: string): object {
  return {
    phase: 'Pending',
    containerStatuses: [{ ...containerOf(pod), ready: false, started: false, state: { waiting: { reason, message } } }],
  };
}

export function running(pod: JobPod, startedAt: string): object {
  return {
    phase: 'Running',
    startTime: startedAt,
    hostIP: address,
    podIP: address,
    podIPs: [{ ip: address }],
    conditions: conditions('True', startedAt),
    containerStatuses: [{ ...containerOf(pod), ready: true, started: true, state: { running: { startedAt } } }],
  };
}

export function ended(pod: JobPod, { exitCode, message, startedAt, finishedAt }: Ended): object {
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  return {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    conditions: conditions('False', finishedAt, exitCode === 0 ? 'PodCompleted' : 'PodFailed'),
    containerStatuses: [
      { ...containerOf(pod), ready: false, started: false, state: { terminated: { exitCode, reason, message, startedAt, finishedAt } } },
    ],
  };
}

function containerOf({ spec }: JobPod) {
  const [container] = spec.containers;
  return { name: container?.name ?? '', image: container?.image ?? '', imageID: '', restartCount: 0 };
}

function conditions(status: 'True' | 'False', lastTransitionTime: string, reason?: string): object[] {
  const ready = ['Ready', 'ContainersReady'].map((type) => ({ type, status, lastTransitionTime, ...(reason !== undefined && { reason }) }));
  return [{ type: 'Initialized', status: 'True', lastTransitionTime }, ...ready];
}
