/** What a test makes the fake nodes play for load pods. */

import type { Job } from '../../integration/profile/objects.ts';
import { eventually, kubectl, list } from '../../support/cluster.ts';

export interface LoadPod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly { readonly name: string }[];
  };
  readonly spec: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly containerStatuses?: readonly { readonly state?: { readonly running?: object } }[];
  };
}

export async function podsOfJob(job: Job, namespace: string): Promise<LoadPod[]> {
  const pods = await list<LoadPod>('pods', namespace);
  return pods.filter(({ metadata }) => metadata.labels?.['batch.kubernetes.io/job-name'] === job.metadata.name);
}

/** The pod of an index, once it runs. `not`: a pod that it must not be. */
export async function runningPod(job: Job, index: number, namespace: string, not?: LoadPod): Promise<LoadPod> {
  const isIt = ({ metadata, status }: LoadPod) =>
    metadata.labels['batch.kubernetes.io/job-completion-index'] === String(index) &&
    metadata.uid !== not?.metadata.uid &&
    metadata.deletionTimestamp === undefined &&
    status?.containerStatuses?.some(({ state }) => state?.running !== undefined) === true;
  const pods = await eventually(
    () => podsOfJob(job, namespace),
    (found) => found.some(isIt),
    120,
  );
  return pods.find(isIt) as LoadPod;
}

/** The pod ends, and its termination message is this. */
export async function end(pod: LoadPod, namespace: string, message: string, exitCode = 0): Promise<void> {
  const play = (name: string) => `fake-node.modelwright.dev/${name}`;
  const failure = exitCode === 0 ? [] : [`${play('plays')}=job-error`, `${play('exit-code')}=${exitCode}`];
  await kubectl(['annotate', 'pod', pod.metadata.name, '-n', namespace, `${play('message')}=${message}`, ...failure]);
}
