/** Three fake nodes and the kwok that plays their kubelets; `kwok/README.md` tells what their Pods can be made to do. */
import { join } from 'node:path';
import type { Cluster } from '../cluster.ts';
import { answers } from '../probe.ts';

const FOLDER = join(import.meta.dirname, '..', 'kwok');

/** Starts kwok and creates the nodes; returns when all are Ready. */
export async function startFakeNodes(cluster: Cluster): Promise<void> {
  const address = `127.0.0.1:${cluster.ports.kwok}`;
  const spec = {
    name: 'kwok',
    command: cluster.binary('kwok'),
    args: [
      `--kubeconfig=${cluster.kubeconfigFor('kwok')}`,
      `--config=${join(FOLDER, 'stages.yaml')}`,
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
