/** Plays the kubelet for Pods of Jobs: runs each as a process of this machine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isNotFound } from '../../../src/kube/errors.ts';
import { keyOf, type Stored } from '../../../src/kube/object.ts';
import { type JobPod, pods } from './pod.ts';
import { type RunOptions, runPod } from './run-pod.ts';

interface Running {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** The Job controller puts it on every Pod of a Job (Kubernetes ≥ 1.27). */
const ofJobs = 'batch.kubernetes.io/job-name';
const pollMilliseconds = 200;

/** Runs until `signal`; then ends every process. Asks again and again: a broken watch is not what this is there to show. */
export async function playKubelet(options: RunOptions, signal: AbortSignal): Promise<void> {
  const { client, say } = options;
  const started = new Map<string, Running>();
  const removing = new Set<string>();
  while (!signal.aborted) {
    const found = await client
      .list(pods, { labelSelector: ofJobs }, signal)
      .catch((error: Error) => signal.aborted || say(`Pods cannot be listed: ${error.message}`));
    if (typeof found === 'object') {
      for (const pod of found.items) {
        const { uid, deletionTimestamp } = pod.metadata;
        if (deletionTimestamp !== undefined && !removing.has(uid)) {
          removing.add(uid);
          void remove(options, pod, started.get(uid), signal).finally(() => removing.delete(uid));
        }
        const isNew = deletionTimestamp === undefined && !started.has(uid) && pod.status?.phase === 'Pending';
        if (isNew && pod.spec.nodeName !== undefined) started.set(uid, begin(options, pod, signal));
      }
      // A Pod may also be taken away without asking its kubelet.
      const present = new Set(found.items.map(({ metadata }) => metadata.uid));
      for (const [uid, { stop }] of started) if (!present.has(uid)) stop.abort();
    }
    await sleep(pollMilliseconds, undefined, { signal }).catch(() => {});
  }
  await Promise.all([...started.values()].map(({ done }) => done));
}

function begin(options: RunOptions, pod: Stored<JobPod>, signal: AbortSignal): Running {
  const stop = new AbortController();
  const done = runPod(options, pod, AbortSignal.any([stop.signal, signal])).catch((error: Error) => {
    if (!isNotFound(error) && !stop.signal.aborted && !signal.aborted) options.say(`${pod.metadata.name}: ${error.message}`);
  });
  return { stop, done };
}

/** Ends the process in its grace period, then lets the Pod go, as a kubelet does. */
async function remove({ client, say }: RunOptions, pod: Stored<JobPod>, known: Running | undefined, signal: AbortSignal): Promise<void> {
  known?.stop.abort();
  await known?.done;
  await client
    .delete(pods, keyOf(pod), { uid: pod.metadata.uid, gracePeriodSeconds: 0 }, signal)
    .catch((error: Error) => isNotFound(error) || signal.aborted || say(`${pod.metadata.name} cannot be deleted: ${error.message}`));
}
