/** Three fake nodes and the kwok that plays their kubelets; `kwok/README.md` tells what their Pods can be made to do. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump, loadAll } from 'js-yaml';
import type { Cluster } from '../cluster.ts';
import { answers } from '../probe.ts';

const FOLDER = join(import.meta.dirname, '..', 'kwok');
const STAGES = join(FOLDER, 'stages.yaml');

/** Who plays the kubelet for Pods of Jobs: kwok, as for all others, or `job-processes`, which runs them. */
export type JobPods = 'kwok' | 'processes';

/** Starts kwok and creates the nodes; returns when all are Ready. */
export async function startFakeNodes(cluster: Cluster, jobs: JobPods = 'kwok'): Promise<void> {
  const address = `127.0.0.1:${cluster.ports.kwok}`;
  const spec = {
    name: 'kwok',
    command: cluster.binary('kwok'),
    args: [
      `--kubeconfig=${cluster.kubeconfigFor('kwok')}`,
      `--config=${jobs === 'kwok' ? STAGES : withoutJobs(join(cluster.layout.work, 'stages.yaml'))}`,
      '--manage-all-nodes=false',
      '--manage-nodes-with-label-selector=modelwright.dev/fake-node=true',
      '--node-lease-duration-seconds=40',
      '--cidr=10.200.0.0/16',
      '--node-ip=10.200.0.1',
      `--server-address=${address}`,
    ],
  };
  await Promise.all([cluster.run(spec, () => answers(`http://${address}/readyz`)), cluster.applyFiles([join(FOLDER, 'nodes.yaml')])]);
  await cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=60s', 'nodes', '--all']);
}

/** Starts what runs Pods of Jobs as processes of this machine (`job-processes/main.ts`). */
export async function startJobProcesses(cluster: Cluster): Promise<void> {
  await cluster.supervisor.start({
    name: 'job-processes',
    command: process.execPath,
    args: [join(import.meta.dirname, '..', 'job-processes', 'main.ts'), cluster.kubeconfigFor('job-processes')],
  });
}

interface Stage {
  readonly spec: { readonly resourceRef: { readonly kind: string }; readonly selector: { readonly matchExpressions: object[] } };
}

/** Writes the stages to `file`, so that none of them touches a Pod of a Job, and gives the file. */
function withoutJobs(file: string): string {
  const stages = loadAll(readFileSync(STAGES, 'utf8')) as Stage[];
  for (const { spec } of stages) {
    if (spec.resourceRef.kind !== 'Pod') continue;
    spec.selector.matchExpressions.push({ key: '.metadata.ownerReferences[]?.kind', operator: 'NotIn', values: ['Job'] });
  }
  writeFileSync(file, stages.map((stage) => dump(stage)).join('---\n'));
  return file;
}
