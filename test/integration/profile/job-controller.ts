/** Plays the Job controller and the kubelet, which this tier has none of: makes an index's pod and lets it end. */
import { apply, kubectl } from '../../support/cluster.ts';
import type { Job } from './objects.ts';

const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

/** The pod of an index, running. */
export async function playPod(job: Job, index: number, namespace: string, name = `${job.metadata.name}-${index}`): Promise<string> {
  const { labels, uid } = job.metadata;
  await apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { ...labels, 'batch.kubernetes.io/job-completion-index': String(index), 'batch.kubernetes.io/job-name': job.metadata.name },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: job.metadata.name, uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: { restartPolicy: 'Never', containers: [{ name: 'bench', image: 'modelwright:test' }] },
  });
  await podStatus(name, namespace, 'Running', { running: { startedAt: now() } });
  return name;
}

/** The pod ends with this termination message. */
export async function endPod(name: string, namespace: string, message: string, exitCode = 0): Promise<void> {
  const terminated = { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', message, startedAt: now(), finishedAt: now() };
  await podStatus(name, namespace, exitCode === 0 ? 'Succeeded' : 'Failed', { terminated });
}

async function podStatus(name: string, namespace: string, phase: string, state: object): Promise<void> {
  const containerStatuses = [{ name: 'bench', image: 'modelwright:test', imageID: '', ready: false, restartCount: 0, state }];
  await patchStatus('pod', name, namespace, { phase, containerStatuses });
}

/** All indexes of the Job are done. */
export async function completeJob(job: Job, namespace: string): Promise<void> {
  const at = now();
  const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
    type,
    status: 'True',
    lastTransitionTime: at,
    lastProbeTime: at,
  }));
  const indexes = job.spec.completions === 1 ? '0' : `0-${job.spec.completions - 1}`;
  const status = { startTime: at, completionTime: at, succeeded: job.spec.completions, completedIndexes: indexes, conditions };
  await patchStatus('job', job.metadata.name, namespace, status);
}

async function patchStatus(kind: string, name: string, namespace: string, status: object): Promise<void> {
  await kubectl(['patch', kind, name, '-n', namespace, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]);
}
